//! What the program promises, one topic a file.
//!
//! | file | promise |
//! |---|---|
//! | `csv.rs`, `ndjson.rs`, `json.rs`, `otlp.rs` | what is read as what |
//! | `bytes.rs` | what is compressed or in another encoding is read as if it were not |
//! | `order.rs`, `counters.rs` | rows that come newest first or late, and counters |
//! | `bad_input.rs` | nothing bad goes unnoticed, and nothing good goes with it |
//! | `outcomes.rs` | one vocabulary of outcomes in all commands, which read all formats |
//! | `specification.rs` | location and scale are the specification's, to the bit |
//! | `estimator.rs` | presets, resolution and memory |
//! | `half_life.rs` | a memory in time |
//! | `pipes.rs` | rows come out as they are made; a closed pipe is no error |
//! | `beside.rs` | the same bytes come out however fast the input comes, and no state is ahead of them |
//! | `files.rs` | an older file stays until a new one is complete |
//! | `pipe_influx.rs`, `pipe_tables.rs` | what comes out of `pipe`, and that the rest of it is what went in |
//! | `pipe_live.rs` | `pipe` in a running pipeline: rows at once, signals, readers that leave |
//! | `pipe_series.rs` | how many series `pipe` keeps, how long, and that what it counts adds up |
//! | `pipe_state.rs` | the state outlives the process, whatever happens to either |
//! | `pipe_first.rs` | so does one of the first edition |
//! | `pipe_mismatch.rs` | what happens to a state that was made with other options |
//! | `pipe_times.rs` | clocks that were wrong, silences, and timestamps in another unit |
//! | `parquet.rs`, `arrow.rs`, `no_parquet.rs` | Parquet and Arrow in and out, and what is said where they are not built in |
//! | `no_nats.rs` | what is said where streams of NATS are not built in; `.ci/streams` has a server |
//! | `typed.rs`, `folders.rs` | what the columns of a table with types are, in one file and in many |
//! | `foreign.rs` | formats that are not read are refused by name |
//! | `prometheus.rs`, `telemetry.rs` | telemetry in lines: names, times, and what `pipe` adds |
//! | `profile.rs`, `plot.rs` | the tail profile and the picture |
//! | `report.rs` | the page |
//! | `shell.rs`, `packaging.rs` | completions, manual pages, the version; the service and the configuration of Telegraf |
//! | `watch.rs` | what `watch` says without a terminal; `.ci/terminal` has one |

#[cfg(feature = "parquet")]
mod arrow;
mod bad_input;
mod beside;
mod bytes;
mod counters;
mod csv;
mod estimator;
mod files;
#[cfg(feature = "parquet")]
mod folders;
mod foreign;
mod half_life;
mod json;
mod ndjson;
#[cfg(not(feature = "nats"))]
mod no_nats;
#[cfg(not(feature = "parquet"))]
mod no_parquet;
mod order;
mod otlp;
mod outcomes;
mod packaging;
#[cfg(feature = "parquet")]
mod parquet;
mod pipe_first;
mod pipe_influx;
mod pipe_live;
mod pipe_mismatch;
mod pipe_series;
mod pipe_state;
mod pipe_tables;
mod pipe_times;
mod pipes;
mod plot;
mod profile;
mod prometheus;
mod real;
mod report;
mod shell;
mod specification;
mod support;
mod telemetry;
#[cfg(feature = "parquet")]
mod typed;
mod watch;

//! What the program promises, one topic a file.
//!
//! | file | promise |
//! |---|---|
//! | `csv.rs`, `ndjson.rs`, `json.rs`, `otlp.rs` | what is read as what |
//! | `bad_input.rs` | nothing bad goes unnoticed, and nothing good goes with it |
//! | `outcomes.rs` | one vocabulary of outcomes in all commands, which read all formats |
//! | `specification.rs` | location and scale are the specification's, to the bit |
//! | `estimator.rs` | presets, resolution and memory |
//! | `half_life.rs` | a memory in time |
//! | `pipes.rs` | rows come out as they are made; a closed pipe is no error |
//! | `files.rs` | an older file stays until a new one is complete |
//! | `pipe_influx.rs`, `pipe_tables.rs` | what comes out of `pipe`, and that the rest of it is what went in |
//! | `pipe_live.rs` | `pipe` in a running pipeline: rows at once, signals, readers that leave |
//! | `pipe_series.rs` | how many series `pipe` keeps, how long, and that what it counts adds up |
//! | `pipe_state.rs` | the state outlives the process, whatever happens to either |
//! | `pipe_first.rs` | so does one of the first edition |
//! | `parquet.rs`, `no_parquet.rs` | Parquet in and out, and what is said where it is not built in |
//! | `profile.rs`, `plot.rs` | the tail profile and the picture |
//! | `report.rs` | the page |
//! | `shell.rs`, `packaging.rs` | completions, manual pages, the version; the service and the configuration of Telegraf |
//! | `watch.rs` | what `watch` says without a terminal; `.ci/terminal` has one |

mod bad_input;
mod csv;
mod estimator;
mod files;
mod half_life;
mod json;
mod ndjson;
#[cfg(not(feature = "parquet"))]
mod no_parquet;
mod otlp;
mod outcomes;
mod packaging;
#[cfg(feature = "parquet")]
mod parquet;
mod pipe_first;
mod pipe_influx;
mod pipe_live;
mod pipe_series;
mod pipe_state;
mod pipe_tables;
mod pipes;
mod plot;
mod profile;
mod real;
mod report;
mod shell;
mod specification;
mod support;
mod watch;

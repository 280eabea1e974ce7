//! Where results go, and in what form.
//!
//! | file | what it does |
//! |---|---|
//! | `tidy.rs` | collects rows and sends them off |
//! | `drafts.rs` | text whose numbers are still to be written, and the way on which they are |
//! | `relay.rs` | encodes and writes beside the reading, by threads of its own |
//! | `encode.rs` | rows to CSV or NDJSON |
//! | `typed/` | rows to Parquet and Arrow; `no_parquet.rs` where these are not built in |
//! | `format.rs` | the formats of rows |
//! | `line_buffer.rs` | the buffer in which lines are put together |
//! | `target.rs` | standard output, a device, or a file that is replaced as a whole |
//! | `replace.rs` | how a file is replaced: by the output, a plot or the state of `pipe` |

mod drafts;
mod encode;
mod format;
mod line_buffer;
mod relay;
mod replace;
mod target;
mod tidy;
#[cfg_attr(not(feature = "parquet"), path = "no_parquet.rs")]
mod typed;

pub(crate) use drafts::{Draft, Drafts};
pub(crate) use format::OutputFormat;
pub(crate) use replace::{Durability, Replacement, Writers, check_may_write, remove_leftover};
pub(crate) use target::{Target, check_distinct, check_writable};
pub(crate) use tidy::Tidy;

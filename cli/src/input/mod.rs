//! The input of a command: which bytes, in which format, with which columns.
//!
//! | file | what it does |
//! |---|---|
//! | `args.rs` | the options of every command that reads an input |
//! | `folder.rs` | the files of a table that lies in several; `no_folder.rs` where Parquet and Arrow are not built in |
//! | `bytes/` | the bytes of the input, unpacked and in UTF-8 |
//! | `source.rs` | opens the input and finds out its format |
//! | `plan.rs` | reads it for a command |
//! | `numbered.rs` | records to samples of numbered series |
//! | `outlet.rs` | these samples on their way to a sink |
//! | `order.rs`, `late.rs`, `row.rs` | rows that come newest first or late |
//! | `counters.rs`, `rates.rs`, `found.rs` | series that look like counters, their rates, and the words for them |

mod args;
mod bytes;
mod counters;
#[cfg_attr(not(feature = "parquet"), path = "no_folder.rs")]
mod folder;
mod found;
mod late;
mod numbered;
mod order;
mod outlet;
mod plan;
mod rates;
mod row;
mod source;

pub(crate) use args::{InputArgs, OrderArgs, ReadArgs};
pub(crate) use bytes::{Compression, is_utf16};
pub(crate) use numbered::{reason, time_of};
pub(crate) use plan::{Plan, read};
pub(crate) use source::{Source, standard_input};

//! The input of a command: which bytes, in which format, with which columns.
//!
//! | file | what it does |
//! |---|---|
//! | `args.rs` | the options of every command that reads an input |
//! | `folder.rs` | the files of a table that lies in several; `no_folder.rs` where Parquet and Arrow are not built in |
//! | `source.rs` | opens the input and finds out its format |
//! | `numbered.rs` | records to samples of numbered series |

mod args;
#[cfg_attr(not(feature = "parquet"), path = "no_folder.rs")]
mod folder;
mod numbered;
mod source;

pub(crate) use args::{InputArgs, ReadArgs};
pub(crate) use numbered::{read, reason, time_of};
pub(crate) use source::{Source, standard_input};

//! The input of a command: which bytes, in which format, with which columns.
//!
//! | file | what it does |
//! |---|---|
//! | `args.rs` | the options of every command that reads an input |
//! | `bytes/` | the bytes of the input, unpacked and in UTF-8 |
//! | `source.rs` | opens the input and finds out its format |
//! | `numbered.rs` | records to samples of numbered series |

mod args;
mod bytes;
mod numbered;
mod source;

pub(crate) use args::{InputArgs, ReadArgs};
pub(crate) use bytes::{Compression, is_utf16};
pub(crate) use numbered::{read, reason, time_of};
pub(crate) use source::{Source, standard_input};

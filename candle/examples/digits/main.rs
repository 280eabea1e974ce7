//! Trains a small network on handwritten digits some of which have wrong labels, with optimisers, clips and guards, and reports
//! how well each of them did: a table on standard output and in `digits.md`, and beside that a plot, `digits.svg`.
//!
//! ```sh
//! cargo run --release -p evenkeel-candle --example digits
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | `data.rs`, `digits.txt` | the digits, and how they are divided |
//! | `model.rs` | the network |
//! | `lesson.rs` | what it is shown, and what is wrong with that |
//! | `../common` | what this study shares with `chars`: methods, tuning, tables |
//!
//! All seeds are fixed: on one machine, the numbers are the same each time.

#[path = "../common/mod.rs"]
mod common;
mod data;
mod lesson;
mod model;

use std::process::ExitCode;

use anyhow::Result;

fn main() -> Result<ExitCode> {
    common::run(|| Ok(lesson::Digits { data: data::Data::load()? }))
}

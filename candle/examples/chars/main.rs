//! Trains a small transformer on the characters of a novel while gradients spike or sequences are garbage, with optimisers,
//! clips and guards, and reports how well each of them did: a table on standard output and in `chars.md`, and beside that a
//! plot, `chars.svg`.
//!
//! ```sh
//! cargo run --release -p evenkeel-candle --example chars
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | `text.rs`, `eighty.txt` | the novel, and how it is divided |
//! | `model.rs` | the transformer |
//! | `lesson.rs` | what it is shown, and what is wrong with that |
//! | `../common` | what this study shares with `digits`: methods, tuning, tables |
//!
//! All seeds are fixed: on one machine, the numbers are the same each time.

#[path = "../common/mod.rs"]
mod common;
mod lesson;
mod model;
mod text;

use std::process::ExitCode;

use anyhow::Result;

fn main() -> Result<ExitCode> {
    common::run(|| Ok(lesson::Chars { text: text::Text::load()? }))
}

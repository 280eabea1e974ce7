//! The formats of rows.

use super::encode::Notation;
use clap::ValueEnum;
use std::path::Path;

/// A format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    Csv,
    Ndjson,
    Parquet,
    /// A file, which is Feather of version 2
    Arrow,
    /// A stream, which can be read as it is written
    Arrows,
}

impl OutputFormat {
    /// The form of its lines, if it has lines.
    pub(super) fn notation(self) -> Option<Notation> {
        match self {
            Self::Csv => Some(Notation::Csv),
            Self::Ndjson => Some(Notation::Ndjson),
            Self::Parquet | Self::Arrow | Self::Arrows => None,
        }
    }

    /// The format that a file's name promises.
    pub(crate) fn of(path: &Path) -> Self {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let is_any = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(ending));
        if is_any(&["ndjson", "jsonl", "json"]) {
            Self::Ndjson
        } else if is_any(&["parquet"]) {
            Self::Parquet
        } else if is_any(&["arrow", "feather", "ipc"]) {
            Self::Arrow
        } else if is_any(&["arrows"]) {
            Self::Arrows
        } else {
            Self::Csv
        }
    }
}

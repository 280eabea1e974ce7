//! The options of every command that reads an input.

use super::source::format_of;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, Args)]
pub(crate) struct InputArgs {
    /// The file to read, `-` for standard input, which is also the default when it is not a terminal.
    ///
    /// CSV needs a header. Without --series the table is wide: every column is a series, or only those named by --value.
    /// With --series it is long: one row per sample. An empty cell or NaN is a missing sample, `inf` and `-inf` are
    /// samples. What a column is, its first rows tell. NDJSON has one object per line and follows the same rules with
    /// members for columns: `null` is a missing sample, a member that was never a number is ignored, new members may
    /// appear in any line, and nested values are ignored.
    #[arg(value_name = "INPUT")]
    pub(crate) path: Option<PathBuf>,

    /// The column with the time, which is passed through as it is. By default it is the first column that is not
    /// numeric; where there is none, rows are numbered from 1.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    pub(crate) time: Option<String>,

    /// The column with the name of the series, for long tables.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    pub(crate) series: Option<String>,

    /// A column with values; may be repeated. In a long table with several, series are called `name.column`. By default
    /// it is every numeric column of a wide table, and the only other numeric column of a long one.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    pub(crate) value: Vec<String>,

    /// The format of the input. By default .ndjson, .jsonl and .json files and standard input that begins with `{` are
    /// NDJSON, everything else is CSV.
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Input")]
    pub(crate) format: Option<Format>,

    /// Stop with exit code 1 at the first bad row or cell, instead of reporting, counting and skipping it.
    #[arg(long, help_heading = "Input")]
    pub(crate) strict: bool,

    /// Show no progress, no notes and no summary. Bad rows and errors are still reported.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// A format of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // a comment on a value becomes help for the command line, where its name says enough
pub enum Format {
    Csv,
    Ndjson,
    Parquet,
}

impl Format {
    /// The format of the output: what is asked for, or what the name of the file says, or that of the input.
    pub(crate) fn of_output(wanted: Option<Self>, output: Option<&Path>, input: Self) -> Self {
        let named = output.map_or(Self::Csv, format_of);
        // A terminal or a pipe cannot use Parquet; from CSV to NDJSON or back nothing but a wish leads.
        let by_itself = if named == Self::Parquet || input == Self::Parquet { named } else { input };
        wanted.unwrap_or(by_itself)
    }
}

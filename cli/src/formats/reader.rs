//! A reader of any format, and what it reads for.

use super::lines::{Lines, Need, Span, Woken};
use super::options::Options;
use super::record::Record;
use crate::console::Console;
use crate::failure::Failure;
use crate::samples::TimeType;
use std::fs::File;
use std::path::PathBuf;

/// An opened input, as readers want it.
pub(crate) struct Input {
    pub(crate) lines: Lines,
    /// The file and its size, where there is one.
    pub(crate) file: Option<(File, u64)>,
    /// The files of a table that lies in several, in their order, where it does.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))] // only a table with types lies in several
    pub(crate) files: Vec<PathBuf>,
    /// The name of the input in messages.
    pub(crate) name: String,
    pub(crate) options: Options,
    pub(crate) roles: Roles,
}

/// A source of records in one format.
pub(crate) trait Reader: Sized {
    type Record<'a>: Record
    where
        Self: 'a;

    /// The endings of file names that promise the format.
    const ENDINGS: &'static [&'static str];

    /// The options that have a meaning for the format, beside those that have one for all.
    const USES: &'static [Use];

    /// Whether records come one by one, so that a pipe can have them, with what is known of each.
    const IS_STREAMED: bool = true;

    /// Whether it has rows and no lines, and its columns have types.
    const IS_TYPED: bool = false;

    /// Whether records have timestamps in a unit that no text shows.
    const HAS_PRECISION: bool = false;

    /// Whether an input is likely to be in the format whose first line, but for blank ones and comments, is this.
    fn looks_like(first: &[u8]) -> bool;

    /// A reader of an opened input.
    ///
    /// # Errors
    /// The input cannot be read in this format.
    fn open(input: Input) -> Result<Self, Failure>;

    /// Goes on to the next piece of the input.
    ///
    /// # Errors
    /// The input cannot be read, or not be used as it is.
    fn next(&mut self, client: &mut impl Client) -> Result<Next<'_, Self::Record<'_>>, Failure>;

    /// Whether all that the command line asks for was there, now that the input has been read to its end: `rows` records, good
    /// and bad ones.
    ///
    /// # Errors
    /// Something was not there, or there was nothing to read at all.
    fn check_end(&self, rows: u64) -> Result<(), Failure>;
}

/// The options that only some formats know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// `--time`, `--series` and `--value`.
    Columns,
    /// `--time-format`, `--time-unit` and `--timezone`.
    TimeForm,
    Precision,
    Missing,
    /// `--delimiter`, `--comment`, `--skip` and `--header`.
    Dialect,
    Records,
}

/// A piece of the input.
pub(crate) enum Next<'a, R> {
    Record(R),
    /// The names of the columns, as a record whose cells hold them.
    Header(R),
    /// A blank line or a comment.
    Blank(Span<'a>),
    /// Lines that are no record, and why.
    Broken(Span<'a>, String),
    End,
}

/// A command, as far as a reader needs to know it.
pub(crate) trait Client {
    /// Sends on what has been made so far: the input may have to be waited for.
    fn before_read(&mut self, need: Need) -> Result<Woken, Failure>;

    /// The place for notes and complaints.
    fn console(&mut self) -> &mut Console;

    /// The name of the time, as soon as it is known; `row` where rows are numbered.
    fn time_name(&mut self, _: &str) {}

    /// The type of all times, before the first record, where it is known.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))] // only Parquet has types
    fn time_type(&mut self, _: TimeType) {}

    /// Whether a cell of this name has been a series of its own.
    fn has_series(&self, _: &str) -> bool {
        false
    }
}

/// A command that takes records.
pub(crate) trait Consumer: Client {
    /// The names of the columns.
    fn header(&mut self, _: &impl Record) -> Result<(), Failure> {
        Ok(())
    }

    fn record(&mut self, record: &impl Record) -> Result<(), Failure>;

    /// A blank line or a comment.
    fn blank(&mut self, _: Span<'_>) -> Result<(), Failure> {
        Ok(())
    }

    /// Whether it is an error if the input, at its end, has not had what the command line asks for.
    fn checks_end(&self) -> bool {
        true
    }

    /// Lines that are no record.
    fn broken(&mut self, lines: Span<'_>, why: &str) -> Result<(), Failure> {
        self.console().bad_row(lines.line, why)
    }
}

/// The way in which a reader finds the roles of columns that the command line does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Roles {
    /// From as many records as it takes; one that decides nothing is bad.
    Learn,
    /// From the first record, so that nothing is held up, and nothing that follows changes what is added to records.
    FixAtFirst {
        /// Whether there has to be a time.
        needs_time: bool,
    },
}

/// Reads all records, and counts them, good and bad ones.
///
/// # Errors
/// Those of the reader and of the consumer.
pub(crate) fn read_all(reader: &mut impl Reader, consumer: &mut impl Consumer) -> Result<(), Failure> {
    loop {
        match reader.next(consumer)? {
            Next::Record(record) => {
                consumer.console().counts.rows += 1;
                consumer.record(&record)?;
            }
            Next::Header(header) => consumer.header(&header)?,
            Next::Blank(lines) => consumer.blank(lines)?,
            Next::Broken(lines, why) => {
                consumer.console().counts.rows += 1;
                consumer.broken(lines, &why)?;
            }
            Next::End => break,
        }
    }
    if !consumer.checks_end() {
        return Ok(());
    }
    let console = consumer.console();
    reader.check_end(console.counts.rows)?;
    console.check_rows()
}

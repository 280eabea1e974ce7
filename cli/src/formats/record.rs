//! A record of any format: a row of a table, an object, a point. Views of the input's own bytes, nothing more.

use super::lines::Span;
use crate::output::Draft;
use std::borrow::Cow;

/// One record.
///
/// Its cells are numbered from 0 in the order in which they stand in the record: the columns of a table, the members of an
/// object, the fields of a point.
pub(crate) trait Record {
    /// Whether every record has the same cells, so that the number of a cell is as good as its name.
    const IS_ROW: bool;

    /// Whether every record has the same cells, asked of a record.
    fn is_row(&self) -> bool {
        Self::IS_ROW
    }

    /// The lines of the record.
    fn span(&self) -> Span<'_>;

    /// The time of the record.
    fn time(&self) -> When<'_>;

    /// The series of the record, where one of its cells, or all of it, names one.
    fn series(&self) -> Series<'_>;

    /// The number of its cells.
    fn len(&self) -> usize;

    /// The name of a cell.
    fn name(&self, cell: usize) -> &str;

    /// The name of a cell as bytes, to be compared with others of the record.
    fn name_bytes(&self, cell: usize) -> &[u8] {
        self.name(cell).as_bytes()
    }

    /// Whether a cell is one of those that hold numbers, whatever it holds here.
    fn is_number(&self, cell: usize) -> bool;

    /// Whether the series of a cell is a counter, which rises until it is reset; none where the format does not say.
    fn is_counter(&self, _: usize) -> Option<bool> {
        None
    }

    /// The content of a cell.
    fn value(&self, cell: usize) -> Value<'_>;

    /// The cells that may hold numbers, in the order in which their series are numbered.
    fn values(&self) -> impl ExactSizeIterator<Item = usize> {
        0..self.len()
    }

    /// Whether it is known which cells hold numbers: a header alone does not say it.
    fn is_settled(&self) -> bool {
        true
    }

    /// Whether the roles of the cells were known for good before this record.
    fn is_final(&self) -> bool {
        true
    }

    /// The record in two parts: what is added to it goes between them.
    fn split(&self) -> (&[u8], &[u8]);

    /// Whether the record is a line of samples, to which what is added are lines of their own, and whose cells may be several
    /// samples of one series.
    const IS_LINE: bool = false;

    /// The name of the series that a cell would have been added for, if the name of the cell has this ending and it is added in
    /// lines of their own.
    fn stem(&self, _: usize, _: &str) -> Option<String> {
        None
    }

    /// The sign between the cells of a row.
    fn separator(&self) -> u8 {
        b','
    }

    /// The text between the name of an added value and the value.
    const EQUALS: &'static str;

    /// Writes what stands before an added value whose name begins with that of a cell.
    fn write_key(&self, cell: usize, key: &mut Vec<u8>);

    /// Adds a value behind the first part of a record: the key, the ending of its name with [`EQUALS`](Self::EQUALS), and the
    /// number. There is no value for a number that is not finite.
    #[inline]
    fn append(&self, out: &mut Draft, key: &[u8], ending: &[u8], number: f64) {
        if number.is_finite() {
            out.put(key);
            out.put(ending);
            out.put_number(number);
        }
    }
}

/// The time of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When<'a> {
    /// A cell has it.
    Cell {
        text: &'a [u8],
        /// Whether JSON has it as a number.
        is_number: bool,
    },
    /// A timestamp, as it is written and in nanoseconds since 1970.
    Stamp { text: &'a [u8], nanoseconds: i64 },
    /// The record has none, and so is of the moment at which it arrives.
    Arrival,
    /// The record has none and is of the moment at which it arrives, or, where it has been there for long, of the row of this
    /// number.
    Numbered(u64),
    /// This record does not have the cell that has it in others.
    Absent,
    /// No cell of any record has one.
    Nowhere,
    /// A cell may have one, and it is not known yet which.
    Unknown,
}

/// The series that a record is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Series<'a> {
    /// Every cell is one of its own.
    Each,
    /// Every cell is one of its own, whose name begins with this.
    Within(&'a str),
    /// A cell names it, in UTF-8.
    Named(Cow<'a, [u8]>),
    /// A cell should name it and does not, for this reason.
    Unnamed(String),
}

/// The content of a cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// A number; NaN is a missing sample.
    Number(f64),
    /// Something else, where a number should be.
    NotANumber(Cow<'a, str>),
    /// Nothing: this record does not have the cell.
    Absent,
    /// Something that is no sample and does not mean to be one.
    Other,
}

//! The columns of a table, and the cells of one row of it.

use super::cells::Decimals;
use super::flux::Flux;
use super::layout::{Layout, Time};
use super::rows::Row;
use crate::failure::Failure;
use crate::formats::lines::Span;
use crate::formats::options::Delimiter;
use crate::formats::reader::Client;
use crate::formats::record::{Record, Series, Value, When};
use crate::output::Draft;
use crate::text::number;
use std::borrow::Cow;

/// The columns of the table.
pub(super) struct Table {
    pub(super) layout: Layout,
    pub(super) is_settled: bool,
    /// Whether the roles were settled before the present row.
    pub(super) is_final: bool,
    /// Whether a number is one as programs write it, as long as it has no unit.
    is_plain: bool,
    /// Cells that may hold numbers, in the order in which their series are numbered.
    values: Vec<usize>,
    /// Whether each cell is one of `values`.
    pub(super) is_value: Vec<bool>,
    pub(super) delimiter: Delimiter,
    decimals: Decimals,
    pub(super) flux: Option<Flux>,
    /// The time of the present row, where two columns have it.
    joined: Vec<u8>,
}

impl Table {
    /// A table of these columns.
    pub(super) fn new(layout: Layout, delimiter: Delimiter, decimals: Decimals, flux: Option<Flux>) -> Self {
        let mut table = Self {
            is_settled: layout.is_settled(),
            is_final: false,
            is_plain: layout.is_plain(),
            values: Vec::new(),
            is_value: vec![false; layout.names.len()],
            delimiter,
            decimals,
            flux,
            joined: Vec::new(),
            layout,
        };
        table.find_values();
        table
    }

    /// Learns from a row what the columns are. False if the row is bad.
    #[cold]
    pub(super) fn settle(&mut self, row: Row<'_>, client: &mut impl Client) -> Result<bool, Failure> {
        let is_good = self.layout.settle(row, client)?;
        if is_good {
            self.is_settled = self.layout.is_settled();
            self.find_values();
        }
        Ok(is_good)
    }

    /// Puts together the time of a row, where two columns have it.
    #[inline]
    pub(super) fn join_time(&mut self, row: Row<'_>) {
        let Time::Pair(date, time) = self.layout.time else { return };
        self.joined.clear();
        // `collectl` has no signs in its dates, between which and a time of day there would be no moment.
        let parts: [&[u8]; 5] = match row.field(date) {
            text @ [year @ .., _, _, _, _] if text.iter().all(u8::is_ascii_digit) && year.len() == 4 => {
                let (month, day) = text.get(4..).unwrap_or_default().split_at_checked(2).unwrap_or_default();
                [year, b"-", month, b"-", day]
            }
            text => [text, b"", b"", b"", b""],
        };
        for part in parts.into_iter().chain([&b" "[..], row.field(time)]) {
            self.joined.extend_from_slice(part);
        }
    }

    fn find_values(&mut self) {
        self.values = self.layout.values();
        self.is_value.fill(false);
        for &value in &self.values {
            if let Some(is_value) = self.is_value.get_mut(value) {
                *is_value = true;
            }
        }
    }
}

/// The series of a row that does not name one.
#[cold]
fn unnamed<'a>() -> Series<'a> {
    Series::Unnamed("the series has no name".to_owned())
}

/// The fields of one row.
pub(crate) struct Fields<'a> {
    pub(super) table: &'a Table,
    pub(super) row: Row<'a>,
    pub(super) lines: Span<'a>,
}

impl<'a> Fields<'a> {
    /// The content of a cell that is no number as programs write it.
    #[inline(never)] // in a table of which this is asked for often, finding out takes longer than the call
    fn value_of_people(&self, cell: usize, text: &'a [u8]) -> Value<'a> {
        match self.table.layout.number(cell, text) {
            Some(number) => Value::Number(number),
            None => Value::NotANumber(Cow::Borrowed(self.row.text(cell))),
        }
    }

    /// The series of a row whose name several columns make.
    #[inline(never)]
    fn made_name(&self) -> Series<'_> {
        if let Some(flux) = &self.table.flux {
            return Series::Named(Cow::Owned(flux.name(self.row).into_bytes()));
        }
        let names: Vec<&[u8]> = self.table.layout.series().iter().map(|&series| self.row.field(series)).collect();
        if names.iter().all(|name| name.is_empty()) {
            return unnamed();
        }
        Series::Named(Cow::Owned(names.join(&b'/')))
    }
}

impl Record for Fields<'_> {
    const IS_ROW: bool = true;

    #[inline]
    fn span(&self) -> Span<'_> {
        self.lines
    }

    #[inline]
    fn time(&self) -> When<'_> {
        match self.table.layout.time {
            Time::Column(index) => {
                let text = self.row.field(index);
                // `rrdtool fetch` has a colon behind its times.
                let text = if self.table.delimiter == Delimiter::Blanks {
                    text.strip_suffix(b":").unwrap_or(text)
                } else {
                    text
                };
                When::Cell { text, is_number: false }
            }
            Time::Pair(..) => When::Cell { text: &self.table.joined, is_number: false },
            Time::RowNumber => When::Nowhere,
            Time::Open(_) => When::Unknown,
        }
    }

    #[inline(always)] // a row of a long table asks for little else
    fn series(&self) -> Series<'_> {
        match *self.table.layout.series() {
            [] if self.table.flux.is_none() => Series::Each,
            [series] => match self.row.field(series) {
                b"" => unnamed(),
                name => Series::Named(Cow::Borrowed(name)),
            },
            _ => self.made_name(),
        }
    }

    fn len(&self) -> usize {
        self.table.is_value.len()
    }

    #[inline]
    fn name(&self, cell: usize) -> &str {
        self.table.layout.name(cell)
    }

    #[inline]
    fn is_number(&self, cell: usize) -> bool {
        self.table.is_value.get(cell).copied().unwrap_or(false)
    }

    #[inline(always)] // the number alone leaves it, in a register
    fn value(&self, cell: usize) -> Value<'_> {
        let text = self.row.field(cell);
        let plain = if self.table.is_plain { number::parse_trimmed(text) } else { None };
        plain.map_or_else(|| self.value_of_people(cell, text), Value::Number)
    }

    #[inline]
    fn values(&self) -> impl ExactSizeIterator<Item = usize> {
        self.table.values.iter().copied()
    }

    fn is_settled(&self) -> bool {
        self.table.layout.has_roles()
    }

    fn is_final(&self) -> bool {
        self.table.is_final
    }

    fn split(&self) -> (&[u8], &[u8]) {
        let raw = self.lines.raw;
        let text = raw.strip_suffix(b"\n").unwrap_or(raw);
        raw.split_at(text.strip_suffix(b"\r").unwrap_or(text).len())
    }

    const EQUALS: &'static str = "";

    fn separator(&self) -> u8 {
        match self.table.delimiter {
            Delimiter::Byte(delimiter) => delimiter,
            Delimiter::Blanks => b' ',
        }
    }

    /// Writes nothing: the header has the names.
    fn write_key(&self, _: usize, _: &mut Vec<u8>) {}

    /// Adds a cell behind a row, which has one for every column, be it empty.
    #[inline]
    fn append(&self, out: &mut Draft, _: &[u8], _: &[u8], number: f64) {
        out.put(&[self.separator()]);
        if !number.is_finite() {
            // Between blanks, nothing would be no cell.
            return out.put(if self.table.delimiter == Delimiter::Blanks { b"NaN" } else { b"" });
        }
        match self.table.decimals {
            Decimals::Point => out.put_number(number),
            Decimals::Comma => {
                out.put(number::csv(number, &mut zmij::Buffer::new()).replace('.', ",").as_bytes());
            }
        }
    }
}

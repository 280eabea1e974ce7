//! Records to samples of numbered series, for commands that follow every series to the end of the input.

use super::args::OrderArgs;
use super::found::Found;
use super::outlet::Outlet;
use super::source::Source;
use crate::console::Console;
use crate::failure::Failure;
use crate::formats::{Client, Consumer, Need, Record, Series, Value, When, Woken};
use crate::patient::has_input;
use crate::samples::{Moment, Sink, Time, TimeType};
use crate::text::moments::{Moments, TimeForm};
use crate::text::quote::not_a_number;
use crate::text::time::{Unit, now};
use foldhash::fast::RandomState;
use indexmap::IndexMap;
use std::fs::File;

/// Reads all of an input into the sink, and returns what there is to say of its series. `counters` are series that have been found
/// to be some.
///
/// # Errors
/// The input cannot be used, the sink takes no more, or there is something bad with `--strict`.
pub(super) fn follow(
    source: Source,
    order: &OrderArgs,
    counters: Vec<String>,
    sink: &mut impl Sink,
    console: &mut Console,
) -> Result<Found, Failure> {
    let Source { format, input, is_live, waited, .. } = source;
    let precision = format.has_precision().then(|| input.options.precision.unwrap_or(Unit::Nanosecond));
    let form = input.options.time.clone();
    sink.time_form(&form);
    let mut numbered = Numbered {
        outlet: Outlet::new(sink, console, is_live, order, counters, &form),
        is_live,
        waited,
        precision,
        form: &form,
        is_time_named: false,
        by_cell: Vec::new(),
        is_in_order: false,
        values: Vec::new(),
        names: IndexMap::default(),
        expected: 0,
        count: 0,
        name: Vec::new(),
    };
    let read = format.read_all(input, &mut numbered);
    // What came before something went wrong counts.
    let flushed = numbered.outlet.flush(read.is_ok());
    read?;
    flushed?;
    numbered.outlet.end()
}

/// The way to a sink, and the numbers of its series.
struct Numbered<'a, S> {
    outlet: Outlet<'a, S>,
    is_live: bool,
    /// The input that may have to be waited for, if it can be asked.
    waited: Option<File>,
    /// The unit of timestamps, where no text shows it.
    precision: Option<Unit>,
    form: &'a TimeForm,
    /// Whether the summary will say where times come from.
    is_time_named: bool,
    /// The series of each cell of a row.
    by_cell: Vec<Option<usize>>,
    /// Whether the cells with values of a row are the series 0, 1, 2 and so on, in that order.
    is_in_order: bool,
    /// Room for the values of a row.
    values: Vec<f64>,
    /// The first series of each name.
    names: IndexMap<Box<[u8]>, usize, RandomState>,
    /// The position of the name that is expected next: most inputs name their series in turn.
    expected: usize,
    /// The number of series.
    count: usize,
    /// Room for a name.
    name: Vec<u8>,
}

impl<S: Sink> Client for Numbered<'_, S> {
    fn before_read(&mut self, need: Need) -> Result<Woken, Failure> {
        self.outlet.console.progress(need.read);
        if self.is_live {
            let may_wait = !self.waited.as_ref().is_some_and(has_input);
            self.outlet.sink.before_read(may_wait)?;
        }
        Ok(Woken::Input)
    }

    fn console(&mut self) -> &mut Console {
        self.outlet.console
    }

    fn time_name(&mut self, name: &str) {
        self.outlet.sink.time_name(name);
    }

    fn time_type(&mut self, time_type: TimeType) {
        self.outlet.sink.time_type(time_type);
    }

    fn has_series(&self, name: &str) -> bool {
        self.names.contains_key(name.as_bytes())
    }
}

impl<S: Sink> Consumer for Numbered<'_, S> {
    /// The columns of a further table are others; a series of the same name goes on.
    fn header(&mut self, _: &impl Record) -> Result<(), Failure> {
        self.by_cell.clear();
        self.is_in_order = false;
        Ok(())
    }

    #[inline]
    fn record(&mut self, record: &impl Record) -> Result<(), Failure> {
        match record.series() {
            Series::Each if record.is_row() => self.row(record),
            Series::Each => self.each(record, ""),
            Series::Within(beginning) => self.each(record, beginning),
            Series::Named(name) => self.long(record, &name),
            Series::Unnamed(why) => self.outlet.console.bad_row(record.span().line, why),
        }?;
        self.outlet.end_row()
    }
}

impl<S: Sink> Numbered<'_, S> {
    /// A row of a wide table: every cell has a series.
    #[inline]
    fn row(&mut self, record: &impl Record) -> Result<(), Failure> {
        if !self.time(record)? {
            return Ok(());
        }
        if self.outlet.takes_rows() && self.is_in_order(record) && self.has_only_numbers(record) {
            return self.outlet.samples(&self.values);
        }
        for cell in record.values() {
            let series = match self.by_cell.get(cell) {
                Some(Some(series)) => *series,
                _ => self.add_cell(cell, record)?,
            };
            self.sample(record, cell, series)?;
        }
        Ok(())
    }

    /// Whether the cells with values are all series, in the order of their numbers.
    #[inline]
    fn is_in_order(&mut self, record: &impl Record) -> bool {
        if !self.is_in_order || !record.is_final() {
            let mut numbered = record.values().enumerate();
            self.is_in_order = record.values().len() == self.count
                && numbered.all(|(series, cell)| self.by_cell.get(cell) == Some(&Some(series)));
        }
        self.is_in_order
    }

    /// Reads the values of a row. False if one of them is no number, and the cells have to be looked at one by one.
    #[inline]
    fn has_only_numbers(&mut self, record: &impl Record) -> bool {
        self.values.clear();
        for cell in record.values() {
            let Value::Number(value) = record.value(cell) else { return false };
            self.values.push(value);
        }
        true
    }

    #[cold]
    fn add_cell(&mut self, cell: usize, record: &impl Record) -> Result<usize, Failure> {
        self.is_in_order = false;
        let name = record.name(cell);
        let series = if let Some(series) = self.names.get(name.as_bytes()) {
            *series
        } else {
            self.outlet.series(name, name, record.is_counter(cell))?;
            self.names.insert(name.as_bytes().into(), self.count);
            self.count += 1;
            self.count - 1
        };
        if self.by_cell.len() <= cell {
            self.by_cell.resize(cell + 1, None);
        }
        Ok(*self.by_cell[cell].insert(series))
    }

    /// A record whose cells have names of their own. One that has been a number is expected to be one.
    fn each(&mut self, record: &impl Record, beginning: &str) -> Result<(), Failure> {
        if !self.time(record)? {
            return Ok(());
        }
        for cell in 0..record.len() {
            let series = if beginning.is_empty() {
                self.series_of(record, cell, record.name(cell).as_bytes())?
            } else {
                let mut name = std::mem::take(&mut self.name);
                name.clear();
                name.extend_from_slice(beginning.as_bytes());
                name.extend_from_slice(record.name(cell).as_bytes());
                let series = self.series_of(record, cell, &name)?;
                self.name = name;
                series
            };
            if let Some(series) = series {
                self.sample(record, cell, series)?;
            }
        }
        Ok(())
    }

    /// The series of a cell by its name; none where it is not known and the cell holds no number.
    #[inline]
    fn series_of(&mut self, record: &impl Record, cell: usize, name: &[u8]) -> Result<Option<usize>, Failure> {
        Ok(match self.position(name) {
            Some(series) => Some(series),
            None if record.is_number(cell) => Some(self.add_name(name, record, [cell].into_iter())?),
            None => None,
        })
    }

    /// A record of a named series.
    #[inline]
    fn long(&mut self, record: &impl Record, name: &[u8]) -> Result<(), Failure> {
        let mut values = record.values();
        let count = values.len();
        if let (1, Some(cell)) = (count, values.next()) {
            return self.long_of_one(record, name, cell);
        }
        let first = match self.position(name) {
            Some(first) => first,
            None => self.add_name(name, record, record.values())?,
        };
        if !self.time(record)? {
            return Ok(());
        }
        for (offset, cell) in record.values().enumerate() {
            self.sample(record, cell, first + offset)?;
        }
        Ok(())
    }

    /// A record of a named series with one value. A bad value spoils the row, and makes no series.
    #[inline]
    fn long_of_one(&mut self, record: &impl Record, name: &[u8], cell: usize) -> Result<(), Failure> {
        let value = match record.value(cell) {
            Value::Number(value) => value,
            other => return self.outlet.console.bad_row(record.span().line, reason(&other, record.name(cell))),
        };
        let series = match self.position(name) {
            Some(series) => series,
            None => self.add_name(name, record, [cell].into_iter())?,
        };
        if !self.time(record)? {
            return Ok(());
        }
        self.outlet.sample(record, cell, series, value)
    }

    /// The first series of a name that is known.
    #[inline]
    fn position(&mut self, name: &[u8]) -> Option<usize> {
        let (position, series) = match self.names.get_index(self.expected) {
            Some((expected, series)) if **expected == *name => (self.expected, *series),
            _ => self.names.get_full(name).map(|(position, _, series)| (position, *series))?,
        };
        self.expected = if position + 1 < self.names.len() { position + 1 } else { 0 };
        Some(series)
    }

    /// Announces the series of a new name: the name itself, or `name.column` for each of several cells.
    fn add_name(
        &mut self,
        name: &[u8],
        record: &impl Record,
        cells: impl ExactSizeIterator<Item = usize>,
    ) -> Result<usize, Failure> {
        let text = std::str::from_utf8(name).unwrap_or_default();
        let count = cells.len();
        for cell in cells {
            let (column, is_counter) = (record.name(cell), record.is_counter(cell));
            if count == 1 {
                self.outlet.series(text, column, is_counter)?;
            } else {
                self.outlet.series(&format!("{text}.{column}"), column, is_counter)?;
            }
        }
        let first = self.count;
        self.count += count;
        self.names.insert(name.into(), first);
        self.expected = 0;
        Ok(first)
    }

    /// Passes on the time of a record. False if the sink does not take it.
    #[inline]
    fn time(&mut self, record: &impl Record) -> Result<bool, Failure> {
        if let Some(unit) = self.precision
            && let When::Stamp { nanoseconds, .. } = record.time()
        {
            self.outlet.console.check_unit(nanoseconds, unit, "--precision");
        }
        if !self.is_time_named {
            self.name_time(&record.time());
        }
        let mut digits = itoa::Buffer::new();
        let time = time_of(record, self.outlet.console.counts.rows, self.is_live, &mut digits);
        self.outlet.row(record.span().line, time)
    }

    /// Records where times come from, if the reader has no column to name.
    #[cold]
    fn name_time(&mut self, time: &When<'_>) {
        let words = match time {
            When::Cell { text, .. } => match Moments::new(self.form).look(text) {
                Ok((_, reading)) => format!("of each sample, {}", reading.words(self.form)),
                Err(_) => return,
            },
            When::Stamp { .. } => {
                let unit = self.precision.unwrap_or(Unit::Nanosecond);
                format!("of each sample, {} since 1970", unit.plural())
            }
            When::Arrival | When::Numbered(_) if self.is_live => "of arrival".to_owned(),
            When::Numbered(_) => "none, scrapes are numbered".to_owned(),
            When::Arrival => "none".to_owned(),
            When::Absent | When::Nowhere | When::Unknown => return,
        };
        self.is_time_named = true;
        if !self.outlet.console.knows_time() {
            self.outlet.console.time_comes(&words);
        }
    }

    #[inline]
    fn sample(&mut self, record: &impl Record, cell: usize, series: usize) -> Result<(), Failure> {
        let value = match record.value(cell) {
            Value::Number(value) => value,
            Value::Absent => f64::NAN,
            Value::NotANumber(text) => {
                return self.outlet.bad_number(record.span().line, record.name(cell), &text);
            }
            Value::Other => return Ok(()),
        };
        self.outlet.sample(record, cell, series, value)
    }
}

/// The time of a record, or its number where there is none.
#[inline]
pub(crate) fn time_of<'a>(
    record: &'a impl Record,
    number: u64,
    is_live: bool,
    digits: &'a mut itoa::Buffer,
) -> Time<'a> {
    match record.time() {
        When::Cell { text, is_number } => Time { text, is_number, moment: Moment::Text },
        When::Stamp { text, nanoseconds } => Time { text, is_number: true, moment: Moment::Nanoseconds(nanoseconds) },
        // A file has been there for long.
        When::Arrival if is_live => Time { moment: Moment::Nanoseconds(now().unwrap_or(i64::MAX)), ..Time::text(b"") },
        When::Numbered(row) if is_live => {
            Time { moment: Moment::Nanoseconds(now().unwrap_or(i64::MAX)), ..Time::row_number(row, digits) }
        }
        When::Numbered(row) => Time::row_number(row, digits),
        When::Arrival | When::Absent => Time::text(b""),
        When::Nowhere | When::Unknown => Time::row_number(number, digits),
    }
}

/// The reason why a value that should be a number is none.
#[cold]
pub(crate) fn reason(value: &Value<'_>, name: &str) -> String {
    match value {
        Value::NotANumber(text) => not_a_number(name, text.as_bytes()),
        Value::Number(_) | Value::Absent | Value::Other => format!("no member {name:?}"),
    }
}

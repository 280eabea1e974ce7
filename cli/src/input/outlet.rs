//! Numbered samples on their way to a sink: rows that come newest first are turned around, rows that come late are sorted, and
//! counters become rates.
//!
//! Where none of that is wanted, samples go straight on. Rows are held back only where they are read from a file, and only until
//! the first of them show their order; from a pipe every row comes out at once, but for `--late`.

use super::args::OrderArgs;
use super::counters::Counters;
use super::found::Found;
use super::late::Late;
use super::order::{Look, Order};
use super::rates::Rates;
use super::row::Row;
use crate::console::Console;
use crate::engine::too_old;
use crate::failure::Failure;
use crate::formats::Record;
use crate::samples::{Refusal, Sink, Time};
use crate::text::moments::{Moments, TimeForm};
use crate::text::quote::not_a_number;

/// The way of samples to a sink.
#[allow(clippy::struct_excessive_bools)] // as many questions, each with its own answer
pub(super) struct Outlet<'a, S> {
    pub(super) sink: &'a mut S,
    pub(super) console: &'a mut Console,
    is_live: bool,
    /// Whether rows and samples go to the sink as they are: nothing is held back or computed, and all that is looked for in them
    /// has been found. One question instead of one for each of these.
    is_plain: bool,
    /// The look at the first rows, while their order is not clear.
    look: Option<Look>,
    /// The rows of a file whose order is not clear, or that is newest first.
    held: Option<Held>,
    late: Option<Late>,
    /// The row that samples are being added to, where it is held back.
    open: Option<Row>,
    /// The names of all series, where rows are held back.
    names: Vec<Box<str>>,
    rates: Option<Rates>,
    counters: Counters,
    has_moments: bool,
    has_sample: bool,
}

/// Rows that are held back.
#[derive(Debug, Default)]
struct Held {
    rows: Vec<Row>,
    /// Whether they are known to be newest first.
    is_reversed: bool,
}

impl<'a, S: Sink> Outlet<'a, S> {
    /// The way to a sink; `counters` are series that have been found to be some.
    pub(super) fn new(
        sink: &'a mut S,
        console: &'a mut Console,
        is_live: bool,
        args: &OrderArgs,
        counters: Vec<String>,
        form: &TimeForm,
    ) -> Self {
        let rates = || Rates::new(&args.named_rates(), counters, args.is_auto(), Moments::new(form));
        let rates = (!args.rate.is_empty()).then(rates);
        Self {
            sink,
            console,
            is_live,
            is_plain: false,
            look: Some(Look::new(Moments::new(form))),
            held: (!is_live).then(Held::default),
            late: args.late.map(|window| Late::new(window, Moments::new(form))),
            open: None,
            names: Vec::new(),
            rates,
            counters: Counters::default(),
            has_moments: false,
            has_sample: false,
        }
    }

    /// Adds a series, whose values are in a column of this name, and which is a counter, or none, if the format says so.
    pub(super) fn series(&mut self, name: &str, column: &str, is_counter: Option<bool>) -> Result<(), Failure> {
        self.sink.series(name)?;
        if !self.is_straight() {
            self.names.push(name.into());
        }
        if let Some(rates) = &mut self.rates {
            rates.add(name, column, is_counter == Some(true));
        }
        self.counters.add(name, is_counter);
        self.find_plain();
        Ok(())
    }

    /// Finds out whether samples go to the sink as they are from here on.
    fn find_plain(&mut self) {
        let is_done = self.look.is_none() && self.has_sample && !self.counters.is_watching();
        self.is_plain = is_done && self.is_straight() && self.rates.is_none();
    }

    /// Whether rows go on at once.
    fn is_straight(&self) -> bool {
        self.held.is_none() && self.late.is_none()
    }

    /// Begins a row. False if its samples are not wanted.
    #[inline]
    pub(super) fn row(&mut self, line: u64, time: Time<'_>) -> Result<bool, Failure> {
        if self.is_plain { self.console.took_row(line, self.sink.row(time)) } else { self.begin(line, time) }
    }

    /// Begins a row whose samples may be looked at, or held back.
    #[inline(never)]
    fn begin(&mut self, line: u64, time: Time<'_>) -> Result<bool, Failure> {
        self.find_plain();
        if self.look.is_some() {
            self.look_at(time)?;
        }
        if self.is_straight() {
            return self.pass_row(line, time);
        }
        self.open = Some(Row::new(line, time));
        Ok(true)
    }

    /// Looks at the time of one of the first rows.
    #[cold]
    fn look_at(&mut self, time: Time<'_>) -> Result<(), Failure> {
        let Some(look) = &mut self.look else { return Ok(()) };
        let order = look.at(time);
        self.has_moments = look.has_moments();
        if self.is_live {
            let tolerance = self.late.as_ref().map_or(0, Late::window);
            if look.is_certain(tolerance) {
                return Err(Failure::usage(format!(
                    "{}: the rows come newest first, which cannot be turned around in a pipe: save them to a file and name \
                     that, or, if there is no header, put `tac` before",
                    self.console.name()
                )));
            }
        }
        match order {
            None => return Ok(()),
            Some(Order::NewestFirst) => {
                if let Some(held) = &mut self.held {
                    held.is_reversed = true;
                }
            }
            Some(Order::OldestFirst) => self.release()?,
        }
        self.look = None;
        Ok(())
    }

    /// Takes a sample of the present row, which a cell of this record holds.
    #[inline]
    pub(super) fn sample(
        &mut self,
        record: &impl Record,
        cell: usize,
        series: usize,
        value: f64,
    ) -> Result<(), Failure> {
        if !self.is_plain {
            return self.take(record.span().line, record.name(cell), series, value);
        }
        match self.sink.sample(series, value) {
            Ok(()) => Ok(()),
            Err(refusal) => self.console.refused_sample(record.span().line, record.name(cell), refusal),
        }
    }

    /// Takes a sample that is looked at, or held back.
    #[inline(never)]
    fn take(&mut self, line: u64, column: &str, series: usize, value: f64) -> Result<(), Failure> {
        match &mut self.open {
            Some(row) => {
                row.samples.push((series, value));
                Ok(())
            }
            None => self.pass_sample(line, column, series, value),
        }
    }

    /// Takes a cell of the present row that should be a number and is none.
    pub(super) fn bad_number(&mut self, line: u64, column: &str, cell: &str) -> Result<(), Failure> {
        match &mut self.open {
            Some(row) => {
                row.bad.push(not_a_number(column, cell.as_bytes()));
                Ok(())
            }
            None => self.console.bad_number(line, column, cell.as_bytes()),
        }
    }

    /// Whether the present row may be taken [as a whole](Self::samples).
    #[inline]
    pub(super) fn takes_rows(&self) -> bool {
        self.open.is_none() && self.rates.is_none() && self.sink.takes_rows()
    }

    /// Takes a sample of each series of the present row.
    #[inline]
    pub(super) fn samples(&mut self, values: &[f64]) -> Result<(), Failure> {
        if !self.is_plain {
            self.has_sample = self.has_sample || values.iter().any(|value| !value.is_nan());
            values.iter().enumerate().for_each(|(series, value)| self.counters.sample(series, *value));
        }
        self.sink.samples(values)
    }

    /// Ends the present row.
    #[inline]
    pub(super) fn end_row(&mut self) -> Result<(), Failure> {
        if self.open.is_some() { self.keep() } else { Ok(()) }
    }

    /// Keeps the present row for later, if it may not go on yet.
    #[inline(never)]
    fn keep(&mut self) -> Result<(), Failure> {
        let Some(row) = self.open.take() else { return Ok(()) };
        match &mut self.held {
            Some(held) => {
                held.rows.push(row);
                Ok(())
            }
            None => self.onward(row),
        }
    }

    /// Passes all rows on whose order was not clear.
    fn release(&mut self) -> Result<(), Failure> {
        for row in self.held.take().unwrap_or_default().rows {
            self.onward(row)?;
        }
        if self.late.is_none() {
            self.names = Vec::new();
        }
        Ok(())
    }

    /// Passes a row on, once it is not too early.
    fn onward(&mut self, row: Row) -> Result<(), Failure> {
        let Some(late) = &mut self.late else { return self.pass(&row, None) };
        let line = row.line;
        match late.push(row) {
            Ok(()) => self.pass_due(false),
            Err(Some(why)) => self.console.bad_row(line, why),
            Err(None) => Err(Failure::usage("--late needs a column with the time: name it with --time")),
        }
    }

    /// Passes on the rows that need not wait any longer.
    fn pass_due(&mut self, is_end: bool) -> Result<(), Failure> {
        while let Some((moment, row)) = self.late.as_mut().and_then(|late| late.pop(is_end)) {
            self.pass(&row, Some(moment))?;
        }
        Ok(())
    }

    /// Passes a row on that has been held back; with `--late`, each sample only if none of its series has gone on that is newer.
    fn pass(&mut self, row: &Row, moment: Option<i64>) -> Result<(), Failure> {
        if !self.pass_row(row.line, row.time())? {
            return Ok(());
        }
        for why in &row.bad {
            self.console.bad_value(row.line, why)?;
        }
        let names = std::mem::take(&mut self.names);
        let result = row.samples.iter().try_for_each(|&(series, value)| {
            let name = names.get(series).map_or("", |name| name);
            let newer = self.late.as_mut().zip(moment).map(|(late, moment)| (late.pass(series, moment), moment));
            match newer {
                Some((Err(last), moment)) => {
                    self.console.refused_sample(row.line, name, Refusal::Late(too_old(moment, last)))
                }
                _ => self.pass_sample(row.line, name, series, value),
            }
        });
        self.names = names;
        result
    }

    fn pass_row(&mut self, line: u64, time: Time<'_>) -> Result<bool, Failure> {
        if let Some(rates) = &mut self.rates {
            rates.set_time(time);
        }
        let taken = self.sink.row(time);
        self.console.took_row(line, taken)
    }

    fn pass_sample(&mut self, line: u64, column: &str, series: usize, value: f64) -> Result<(), Failure> {
        self.has_sample = self.has_sample || !value.is_nan();
        if self.counters.is_watching() {
            self.counters.sample(series, value);
        }
        let value = match &mut self.rates {
            None => Ok(value),
            Some(rates) => rates.rate(series, value),
        };
        match value.and_then(|value| self.sink.sample(series, value)) {
            Ok(()) => Ok(()),
            Err(refusal) => self.console.refused_sample(line, column, refusal),
        }
    }

    /// Passes on all that has been held back. Where the input has not been read to its end, nothing is turned around.
    pub(super) fn flush(&mut self, is_complete: bool) -> Result<(), Failure> {
        self.end_row()?;
        let ends_reversed = self.look.as_ref().is_some_and(|look| look.end() == Order::NewestFirst);
        if let Some(held) = self.held.as_mut().filter(|held| held.is_reversed || ends_reversed) {
            if !is_complete {
                self.held = None;
                return Ok(());
            }
            held.rows.reverse();
            let count = held.rows.len();
            self.console.note(format_args!("the rows come newest first: {count} rows have been turned around"));
        }
        self.release()?;
        self.pass_due(true)
    }

    /// Checks, at the end of the input, that there was what is wanted, and returns what there is to say of the series.
    pub(super) fn end(&self) -> Result<Found, Failure> {
        // Rows that have been held back have turned out bad since they were read.
        self.console.check_rows()?;
        let mut counters = if self.has_moments { self.counters.names() } else { Vec::new() };
        let mut found = Found::default();
        if let Some(rates) = &self.rates {
            rates.check_end()?;
            rates.names().clone_into(&mut found.rates);
            counters.retain(|name| !found.rates.contains(name));
        }
        found.counters = counters;
        if !self.has_sample {
            self.console.check_samples()?;
        }
        Ok(found)
    }
}

//! The time of a row as a place on an axis.
//!
//! The first time that can be read decides what the column holds; what does not fit is a row without a time.

use crate::text::dates::{Date, compact, text};
use crate::text::moments::{LEAST_TELLING, TimeForm};
use crate::text::time::Unit;
use jiff::tz::TimeZone;

/// A time as a number: seconds since 1970 for a clock, the number itself for a plain number; NaN if there is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) f64);

/// The kind of times that a column holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// RFC 3339, or a date and time with an offset.
    Zoned,
    /// A date, with or without a time of day, in an unknown zone.
    Civil,
    /// Time since 1970, as a number of units.
    Epoch(Unit),
    /// A number that is no date: seconds into an experiment, a step.
    Number,
}

impl Kind {
    /// Whether the axis shows dates and times of day.
    pub(super) fn is_clock(self) -> bool {
        self != Self::Number
    }

    /// Whether the dates are those of a known zone, which is then UTC.
    pub(super) fn is_utc(self) -> bool {
        matches!(self, Self::Zoned | Self::Epoch(_))
    }
}

/// Reads times, and counts how many made no sense.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    form: TimeForm,
    kind: Option<Kind>,
    /// The cell that was read last: a row of a wide table asks once for every series.
    cell: Vec<u8>,
    answer: Option<f64>,
    read: u64,
    unread: u64,
}

impl Clock {
    /// A reader of times in this form.
    pub(super) fn new(form: TimeForm) -> Self {
        Self { form, ..Self::default() }
    }

    /// The kind of the column, if most of it can be read. A few bad rows do not cost the axis.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.kind.filter(|_| self.unread <= self.read / 50)
    }

    pub(super) fn read(&mut self, cell: &[u8]) -> Moment {
        if self.answer.is_none() || self.cell != cell {
            self.answer = self.parse(cell);
            self.cell.clear();
            // What is no time may be of any length, and is read again if it comes again.
            self.cell.extend_from_slice(if self.answer.is_some() { cell } else { b"" });
        }
        if self.answer.is_some() {
            self.read += 1;
        } else {
            self.unread += 1;
        }
        Moment(self.answer.unwrap_or(f64::NAN))
    }

    fn parse(&mut self, cell: &[u8]) -> Option<f64> {
        let text = text(cell)?;
        if let Some(kind) = self.kind {
            return parse_as(kind, text, &self.form);
        }
        let number = self.form.unit.map(Kind::Epoch).or_else(|| kind_of_number(text));
        [Kind::Zoned, Kind::Civil].into_iter().chain(number).find_map(|kind| {
            let moment = parse_as(kind, text, &self.form)?;
            self.kind = Some(kind);
            Some(moment)
        })
    }
}

fn parse_as(kind: Kind, text: &str, form: &TimeForm) -> Option<f64> {
    let date = || match &form.pattern {
        Some(pattern) => Date::by_pattern(pattern, text),
        None => Date::read(text).or_else(|| compact(text).filter(|_| text.len() > 8)),
    };
    let seconds = |date: Date| Some(date.moment(&TimeZone::UTC)?.as_microsecond() as f64 / 1e6);
    match kind {
        Kind::Zoned => date().filter(|date| matches!(date, Date::Zoned(_))).and_then(seconds),
        Kind::Civil => date().filter(|date| matches!(date, Date::Civil(_))).and_then(seconds),
        Kind::Epoch(unit) => number(text).map(|number| number / unit.per_second()),
        Kind::Number => number(text),
    }
}

/// Reads a finite number. The words for infinity that `f64` reads are no time.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The kind of a number: a time since 1970 if that is 1973 or later, else seconds into an experiment or a step.
fn kind_of_number(text: &str) -> Option<Kind> {
    let number = number(text)?;
    let unit = if number >= LEAST_TELLING { Unit::of(number) } else { None };
    Some(unit.map_or(Kind::Number, Kind::Epoch))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cells: &[&str]) -> (Option<Kind>, Vec<f64>) {
        let mut clock = Clock::default();
        let moments = cells.iter().map(|cell| clock.read(cell.as_bytes()).0).collect();
        (clock.kind(), moments)
    }

    #[test]
    fn times_as_files_have_them() {
        let (kind, moments) = read(&["1970-01-02T00:00:00.5Z", "1970-01-02T02:00:00+02:00", "1970-01-02 00:00:01Z"]);
        assert_eq!((kind, moments), (Some(Kind::Zoned), vec![86_400.5, 86_400.0, 86_401.0]));
        let (kind, moments) =
            read(&["1970-01-01 00:01:00", "1970-01-01 00:02", "1970-01-02", "1970-01-01T00:00:00.25"]);
        assert_eq!((kind, moments), (Some(Kind::Civil), vec![60.0, 120.0, 86_400.0, 0.25]));
        let (kind, moments) = read(&["1500000000", "1500000000.5", " 1500000001 "]);
        assert_eq!((kind, moments), (Some(Kind::Epoch(Unit::Second)), vec![1.5e9, 1_500_000_000.5, 1_500_000_001.0]));
        assert_eq!(read(&["1500000000000"]), (Some(Kind::Epoch(Unit::Millisecond)), vec![1.5e9]));
        assert_eq!(read(&["1500000000000000"]), (Some(Kind::Epoch(Unit::Microsecond)), vec![1.5e9]));
        assert_eq!(read(&["1500000000000000000"]), (Some(Kind::Epoch(Unit::Nanosecond)), vec![1.5e9]));
        // Digits are a number, even where they could be a date without its hyphens.
        assert_eq!(read(&["20240501"]), (Some(Kind::Number), vec![20_240_501.0]));
        assert_eq!(read(&["0", "0.5", "-1e3"]), (Some(Kind::Number), vec![0.0, 0.5, -1000.0]));
    }

    #[test]
    fn nonsense_is_no_time() {
        let long = "1".repeat(1000);
        for cell in ["", "yesterday", "inf", "NaN", "2014-13-01 00:00:00", "99999999999999-01-01", "\u{1f552}", &long] {
            let (kind, moments) = read(&[cell, cell]);
            assert_eq!(kind, None, "{cell}");
            assert!(moments.iter().all(|moment| moment.is_nan()), "{cell}");
        }
        let mut clock = Clock::default();
        assert!(clock.read(b"\xff\xfe").0.is_nan());
    }

    #[test]
    fn a_few_bad_rows_do_not_cost_the_axis() {
        let mut cells = vec!["2014-01-01 00:00:00"; 100];
        cells[50] = "oops";
        assert_eq!(read(&cells).0, Some(Kind::Civil));
        cells[..10].fill("oops");
        assert_eq!(read(&cells).0, None);
    }
}

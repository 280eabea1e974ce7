//! Times as text, and which moments they are: the one place where a cell is read as a time.
//!
//! Two ways to write a moment are understood:
//!
//! * A date, as `dates.rs` reads it. One without an offset is of the zone that the command line names, else UTC. The name of a
//!   zone in brackets is only read behind an offset.
//! * The time since 1970, in a unit by the size of the number: below 1e11 seconds (up to the year 5138), below 1e14
//!   milliseconds, below 1e17 microseconds, from there on nanoseconds. Fractions and negative numbers are allowed. The first
//!   number of a column that is not below 1e8 settles its unit, so that no column changes its unit where it crosses a border;
//!   a smaller one, such as the 0 of a clock that is not set, is in seconds until then. `20240501` and `20240501120000` are dates,
//!   the first only in a column that has had no other numbers.

use super::dates::{Date, Lack, compact, lack, text};
use super::number;
use super::quote::shown;
use super::time::Unit;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt;
use std::sync::Arc;

/// The way in which times are written, as far as the command line says.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimeForm {
    /// A pattern of `strptime`.
    pub(crate) pattern: Option<String>,
    /// The unit of numbers.
    pub(crate) unit: Option<Unit>,
    /// The zone of dates without an offset.
    pub(crate) zone: Option<TimeZone>,
}

/// The way in which a time was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// A date and time with an offset.
    Zoned,
    /// A date without one.
    Civil,
    /// A number of units since 1970.
    Since(Unit),
    /// A number that is no time since 1970 of our days: one since a moment of its own.
    Count(Unit),
}

/// Least magnitude of a number that settles the unit of its column: as seconds, it is of 1973.
pub(crate) const LEAST_TELLING: f64 = 1e8;

/// Reads the times of one column as moments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moments {
    form: Option<Arc<TimeForm>>,
    /// The unit of the column, settled by the first number of [`LEAST_TELLING`] or more.
    unit: Option<Unit>,
    /// Whether numbers have been read as such.
    has_numbers: bool,
}

impl Moments {
    /// A reader of times in this form.
    pub(crate) fn new(form: &TimeForm) -> Self {
        Self { form: Some(Arc::new(form.clone())), ..Self::default() }
    }

    /// The unit of the numbers of the column, once it is settled.
    pub(crate) fn unit(&self) -> Option<Unit> {
        self.unit
    }

    /// Reads a cell as nanoseconds since 1970, which reach from 1677 to 2262.
    #[inline]
    pub(crate) fn read(&mut self, cell: &[u8]) -> Result<i64, NotATime> {
        self.look(cell).map(|(moment, _)| moment)
    }

    /// Reads a cell as nanoseconds since 1970, and returns how it was read.
    pub(crate) fn look(&mut self, cell: &[u8]) -> Result<(i64, Reading), NotATime> {
        let error = |reason| NotATime { cell: shown(cell), reason };
        let text = text(cell).ok_or_else(|| error(Reason::Nonsense))?;
        // `rrdtool fetch` has a colon behind its times.
        let text = text.strip_suffix(':').unwrap_or(text);
        if text.is_empty() {
            return Err(error(Reason::Missing));
        }
        let form = self.form.clone();
        let pattern = form.as_ref().and_then(|form| form.pattern.as_deref());
        let date = match pattern {
            Some(pattern) => Some(Date::by_pattern(pattern, text).ok_or_else(|| error(Reason::Pattern))?),
            None => Date::read(text).or_else(|| if self.has_numbers && text.len() == 8 { None } else { compact(text) }),
        };
        if let Some(date) = date {
            let zone = form.as_ref().and_then(|form| form.zone.as_ref());
            let moment = date.moment(zone.unwrap_or(&TimeZone::UTC)).ok_or_else(|| error(Reason::OutOfRange))?;
            let reading = if let Date::Zoned(_) = date { Reading::Zoned } else { Reading::Civil };
            return Ok((nanoseconds(moment).ok_or_else(|| error(Reason::OutOfRange))?, reading));
        }
        let number = number::parse(text.as_bytes()).filter(|number| number.is_finite());
        let number = number.ok_or_else(|| error(lack(text).map_or(Reason::Nonsense, Reason::Lacking)))?;
        let unit = match form.as_ref().and_then(|form| form.unit).or(self.unit) {
            Some(unit) => unit,
            None => Unit::of(number).ok_or_else(|| error(Reason::FarNumber))?,
        };
        let moment = unit.moment(text).ok_or_else(|| error(Reason::FarNumber))?;
        self.has_numbers = true;
        if number.abs() >= LEAST_TELLING {
            self.unit = Some(unit);
        }
        let is_given = form.is_some_and(|form| form.unit.is_some());
        let is_since = number.abs() >= LEAST_TELLING && !is_given;
        Ok((moment, if is_since { Reading::Since(unit) } else { Reading::Count(unit) }))
    }
}

fn nanoseconds(moment: Timestamp) -> Option<i64> {
    i64::try_from(moment.as_nanosecond()).ok()
}

impl Reading {
    /// The reading in words, for the summary of a run.
    pub(crate) fn words(self, form: &TimeForm) -> String {
        match (self, &form.zone) {
            (Self::Zoned, _) => "dates with an offset".to_owned(),
            (Self::Civil, None) => "dates without an offset, taken as UTC".to_owned(),
            (Self::Civil, Some(zone)) => format!("dates in {}", zone.iana_name().unwrap_or("the zone that is given")),
            (Self::Since(unit), _) => format!("{} since 1970", unit.plural()),
            (Self::Count(unit), _) => format!("{}, as its numbers are", unit.plural()),
        }
    }
}

/// A cell that should have been a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotATime {
    cell: String,
    reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Missing,
    Nonsense,
    OutOfRange,
    /// A number that is out of range, perhaps in another unit.
    FarNumber,
    Pattern,
    Lacking(Lack),
}

impl NotATime {
    /// Whether the cell looks like a time, although it is no moment.
    pub(crate) fn is_almost(&self) -> bool {
        matches!(self.reason, Reason::Lacking(_) | Reason::OutOfRange)
    }
}

impl fmt::Display for NotATime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = &self.cell;
        match self.reason {
            Reason::Missing => f.write_str("the time is missing"),
            Reason::Nonsense => write!(
                f,
                "{cell} is not a time: expected RFC 3339, such as 2024-05-01T12:00:00Z, or the seconds, milliseconds, \
                 microseconds or nanoseconds since 1970; --time-format reads others"
            ),
            Reason::OutOfRange => write!(f, "the time {cell} is out of range: expected one from 1678 to 2261"),
            Reason::FarNumber => write!(
                f,
                "the time {cell} is out of range: expected one from 1678 to 2261; where numbers are in another unit than the first \
                 ones of their column, --time-unit names it"
            ),
            Reason::Pattern => write!(f, "{cell} is not a time by the pattern of --time-format"),
            Reason::Lacking(Lack::Date) => write!(f, "{cell} is a time of day without a date"),
            Reason::Lacking(Lack::Year) => write!(f, "{cell} is a date without a year"),
            Reason::Lacking(Lack::Order) => write!(
                f,
                "{cell} may have the day first or the month: choose with --time-format '%m/%d/%Y %H:%M:%S' or alike"
            ),
        }
    }
}

impl std::error::Error for NotATime {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads one column.
    fn read(cells: &[&str]) -> Vec<Result<i64, Reason>> {
        let mut moments = Moments::default();
        cells.iter().map(|cell| moments.read(cell.as_bytes()).map_err(|error| error.reason)).collect()
    }

    // The moments of these tests are not computed here: `date -u -d ... +%s%N` of the GNU core utilities gave them.

    #[test]
    fn dates_and_times_of_day() {
        for (cell, moment) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2001-09-09T01:46:40Z", 1_000_000_000_000_000_000),
            ("2024-02-29T23:59:59.999999999Z", 1_709_251_199_999_999_999),
            ("2024-05-01T12:00:00+02:00", 1_714_557_600_000_000_000),
            ("2024-05-01T12:00:00-09:30", 1_714_599_000_000_000_000),
            ("2024-05-01 12:00:00.25+02:00", 1_714_557_600_250_000_000),
            ("2024-05-01t10:00:00z", 1_714_557_600_000_000_000),
            ("2024-05-01T10:00:00", 1_714_557_600_000_000_000),
            ("2024-05-01 10:00", 1_714_557_600_000_000_000),
            ("2024-05-01", 1_714_521_600_000_000_000),
            (" 2024-05-01 \r", 1_714_521_600_000_000_000),
            ("1969-12-31T23:59:59.5Z", -500_000_000),
            ("1900-01-01T00:00:00Z", -2_208_988_800_000_000_000),
            ("2261-12-31T23:59:59Z", 9_214_646_399_000_000_000),
        ] {
            assert_eq!(read(&[cell]), [Ok(moment)], "{cell}");
        }
    }

    #[test]
    fn times_since_1970_in_the_unit_that_their_size_tells() {
        for (cell, moment) in [
            ("0", 0),
            ("1700000000", 1_700_000_000_000_000_000),
            ("1700000000.123456789", 1_700_000_000_123_456_789),
            ("1700000000.1234567899", 1_700_000_000_123_456_789),
            ("1700000000.000000000000000000000001", 1_700_000_000_000_000_000),
            ("+1700000000.", 1_700_000_000_000_000_000),
            (".5", 500_000_000),
            ("-1.5", -1_500_000_000),
            ("-0.25", -250_000_000),
            ("1700000000000", 1_700_000_000_000_000_000),
            ("1700000000000.25", 1_700_000_000_000_250_000),
            ("-1700000000000", -1_700_000_000_000_000_000),
            ("1700000000000000", 1_700_000_000_000_000_000),
            ("1700000000000000.5", 1_700_000_000_000_000_500),
            ("1700000000000000001", 1_700_000_000_000_000_001),
            ("-1700000000000000001", -1_700_000_000_000_000_001),
            ("1.7e9", 1_700_000_000_000_000_000),
            ("1.7E+12", 1_700_000_000_000_000_000),
            // The borders.
            ("100000000000", 100_000_000_000_000_000),
            ("9000000000", 9_000_000_000_000_000_000),
            ("100000000000000", 100_000_000_000_000_000),
            ("100000000000000000", 100_000_000_000_000_000),
        ] {
            assert_eq!(read(&[cell]), [Ok(moment)], "{cell}");
        }
    }

    #[test]
    fn a_column_keeps_the_unit_of_its_first_number() {
        // A clock in milliseconds that starts late in 1970 and one in seconds: alone, the second cell would be otherwise.
        let day = 86_400_000_000_000;
        let moments = read(&["100000000000", "99999999999", "0"]);
        assert_eq!(moments, [Ok(100_000_000_000_000_000), Ok(99_999_999_999_000_000), Ok(0)]);
        assert_eq!(read(&["86400", "172800"]), [Ok(day), Ok(2 * day)]);
        // What is no number does not settle it, and dates may stand between numbers.
        let moments = read(&["oops", "1970-01-02", "100000000000", "3"]);
        assert_eq!(moments, [Err(Reason::Nonsense), Ok(day), Ok(100_000_000_000_000_000), Ok(3_000_000)]);
    }

    #[test]
    fn a_small_number_does_not_settle_the_unit() {
        // Clocks that are not set yet.
        let moments = read(&["0", "12", "1700000000000", "0", "1700000001000"]);
        let second = 1_000_000_000;
        let expected = [0, 12 * second, 1_700_000_000 * second, 0, 1_700_000_001 * second];
        assert_eq!(moments, expected.map(Ok));
    }

    #[test]
    fn digits_alone_are_a_date_where_they_cannot_be_a_number() {
        let day = 86_400_000_000_000;
        let first = 1_714_521_600_000_000_000;
        assert_eq!(read(&["20240501", "20240502"]), [Ok(first), Ok(first + day)]);
        assert_eq!(read(&["20240501120000"]), [Ok(first + day / 2)]);
        // A column that counts seconds goes on to do so, and signs are those of numbers.
        let seconds = [12, 20_240_501, 20_240_502].map(|seconds| Ok(seconds * 1_000_000_000));
        assert_eq!(read(&["12", "20240501", "+20240502"]), seconds);
        assert_eq!(read(&["1700000000", "99999999"]), [1_700_000_000, 99_999_999].map(|n| Ok(n * 1_000_000_000)));
    }

    #[test]
    fn the_command_line_says_what_times_mean() {
        let form = |pattern: Option<&str>, unit, zone: Option<&str>| TimeForm {
            pattern: pattern.map(str::to_owned),
            unit,
            zone: zone.map(|zone| TimeZone::get(zone).unwrap()),
        };
        let read = |form: &TimeForm, cell: &str| Moments::new(form).read(cell.as_bytes()).map_err(|error| error.reason);
        let noon = 1_714_564_800_000_000_000;
        assert_eq!(read(&form(Some("%m/%d/%Y %H:%M"), None, None), "05/01/2024 12:00"), Ok(noon));
        assert_eq!(read(&form(Some("%d.%m.%Y"), None, None), "01.05.2024"), Ok(noon - 43_200_000_000_000));
        assert_eq!(read(&form(Some("%m/%d/%Y"), None, None), "2024-05-01"), Err(Reason::Pattern));
        // In Berlin it is summer, and noon two hours earlier.
        let berlin = form(None, None, Some("Europe/Berlin"));
        assert_eq!(read(&berlin, "2024-05-01 12:00"), Ok(noon - 7_200_000_000_000));
        assert_eq!(read(&berlin, "2024-05-01T12:00Z"), Ok(noon));
        assert_eq!(read(&berlin, "1714564800"), Ok(noon));
        // When clocks are set back, an hour comes twice, and the first is meant; what never was is moved on.
        assert_eq!(read(&berlin, "2024-10-27 02:30"), Ok(1_729_989_000_000_000_000));
        assert_eq!(read(&berlin, "2024-03-31 02:30"), Ok(1_711_848_600_000_000_000));
        let milliseconds = form(None, Some(Unit::Millisecond), None);
        assert_eq!(read(&milliseconds, "1500"), Ok(1_500_000_000));
        assert_eq!(
            Moments::new(&milliseconds).look(b"1714564800000").map(|(_, reading)| reading),
            Ok(Reading::Count(Unit::Millisecond))
        );
    }

    #[test]
    fn zones_by_name_and_long_fractions() {
        assert_eq!(read(&["2024-05-01T12:00:00[Europe/Paris]", "2024-05-01[UTC]"]), [Err(Reason::Nonsense); 2]);
        let noon = 1_714_557_600_000_000_000;
        for (cell, moment) in [
            ("2024-05-01T12:00:00+02:00[Europe/Paris]", noon),
            ("2024-05-01T10:00:00.1234567891Z", noon + 123_456_789),
            ("2024-05-01T12:00:00.99999999999999+02:00", noon + 999_999_999),
            ("2024-05-01 10:00:00.1234567890123", noon + 123_456_789),
        ] {
            assert_eq!(read(&[cell]), [Ok(moment)], "{cell}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let long = "1".repeat(1000);
        for (cells, reason) in [
            (&["", "  ", "\r"][..], Reason::Missing),
            (&["yesterday", "inf", "nan", "-", ".", "0x10", "1_000", "\u{663}"], Reason::Nonsense),
            (&["12:00", "22:54:48"], Reason::Lacking(Lack::Date)),
            (&["Nov-27 22:43:03"], Reason::Lacking(Lack::Year)),
            (&["11/27/2026", "1.2.2026 10:00"], Reason::Lacking(Lack::Order)),
            (
                &["2024-13-01", "2023-02-29T00:00:00Z", "2024-05-01T25:00:00Z", "2024-05-01T10:00:00+99:00"],
                Reason::Nonsense,
            ),
            (&["1600-01-01T00:00:00Z", "9999-12-30"], Reason::OutOfRange),
            (&["1e20", "1e300", "9999999999"], Reason::FarNumber),
            (&["10000000000000000000", "1234567890123456789012345678901234567890"], Reason::FarNumber),
            (&[&long], Reason::Nonsense),
        ] {
            for cell in cells {
                assert_eq!(read(&[cell]), [Err(reason)], "{cell}");
            }
        }
        assert!(Moments::default().read(b"\xff\xfe").is_err());
        let error = Moments::default().read(b"yesterday").unwrap_err();
        assert!(error.to_string().starts_with("\"yesterday\" is not a time: expected RFC 3339"), "{error}");
    }
}

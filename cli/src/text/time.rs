//! Times as text, and which moments they are: the one place where a cell is read as a time. Durations, too.
//!
//! Two ways to write a moment are understood:
//!
//! * RFC 3339, `2024-05-01T12:00:00.25+02:00`, with a space for the `T`, without the time of day or without the offset, which
//!   is then UTC. Digits beyond the ninth of a second are cut off. The name of a zone in brackets is only read behind an offset:
//!   there is no database of zones here.
//! * The time since 1970, in a unit by the size of the number: below 1e11 seconds (up to the year 5138), below 1e14
//!   milliseconds, below 1e17 microseconds, from there on nanoseconds. Fractions and negative numbers are allowed. The first
//!   number of a column that is not below 1e8 settles its unit, so that no column changes its unit where it crosses a border;
//!   a smaller one, such as the 0 of a clock that is not set, is in seconds until then. Digits alone are a number, never a date.

use super::number;
use super::quote::shown;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};
use std::fmt;
use std::time::{Duration, SystemTime};

/// Most bytes of a time: a longer cell is not worth looking at.
const MOST_BYTES: usize = 64;

/// The text of a cell that may be a time, without the white space around it; `None` for one that is too long.
pub(crate) fn text(cell: &[u8]) -> Option<&str> {
    std::str::from_utf8(cell).ok().filter(|text| text.len() <= MOST_BYTES).map(str::trim)
}

/// Reads a date and time with an offset.
pub(crate) fn zoned(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| cut(text)?.parse().ok())
}

/// Reads a date, with or without a time of day, without an offset, as if it were UTC.
pub(crate) fn civil(text: &str) -> Option<Timestamp> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) || text.contains('[') {
        return None;
    }
    let civil: DateTime = text.parse().ok().or_else(|| cut(text)?.parse().ok())?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

/// A time without the digits of its second beyond the ninth; `None` if it has no such digits.
fn cut(text: &str) -> Option<String> {
    let (before, behind) = text.split_once('.')?;
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, rest) = (behind.get(..9)?, behind.get(digits..)?);
    (digits > 9).then(|| format!("{before}.{fraction}{rest}"))
}

/// Reads a duration as a person writes it, such as `500ms`, `5m`, `1h30m` or `2d`; a day has 24 hours.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    let signed = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(signed).ok()
}

/// The present moment in nanoseconds since 1970; `None` from 2262 on.
pub(crate) fn now() -> Option<i64> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).ok()
}

/// Reads a duration on the command line; the error has the words for one that cannot be read.
pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| "expected a number and a unit, such as 500ms, 1s, 10m or 2h".to_owned())
}

/// The unit of a time since 1970. Its names on the command line are those of durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Nanosecond,
    Microsecond,
    Millisecond,
    Second,
}

impl ValueEnum for Unit {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Nanosecond, Self::Microsecond, Self::Millisecond, Self::Second]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl Unit {
    /// The name on the command line and in a state: `ns`, `us`, `ms` or `s`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nanosecond => "ns",
            Self::Microsecond => "us",
            Self::Millisecond => "ms",
            Self::Second => "s",
        }
    }

    /// The unit that makes a moment near the present of a number of this size, whatever its sign; `None` if none does.
    pub(crate) fn of(number: f64) -> Option<Self> {
        match number.abs() {
            size if size < 1e11 => Some(Self::Second),
            size if size < 1e14 => Some(Self::Millisecond),
            size if size < 1e17 => Some(Self::Microsecond),
            size if size < 1e20 => Some(Self::Nanosecond),
            _ => None,
        }
    }

    /// The unit in which a number is of the years from 2010 to 2049, as most times of a feed are; `None` if there is none.
    pub(crate) fn likely(number: f64) -> Option<Self> {
        let years = 1_262_304_000.0..2_524_608_000.0;
        Self::value_variants().iter().copied().find(|unit| years.contains(&(number / unit.per_second())))
    }

    /// The unit in which times were likely meant that have been read in this one, given the first of them as it was read, in
    /// nanoseconds since 1970; `None` where they may well be in this one.
    pub(crate) fn likely_instead(self, nanoseconds: i64) -> Option<Self> {
        Self::likely(nanoseconds as f64 / self.nanoseconds() as f64).filter(|likely| *likely != self)
    }

    /// The number of these units in a second.
    pub(crate) fn per_second(self) -> f64 {
        1e9 / self.nanoseconds() as f64
    }

    /// The length of the unit in nanoseconds.
    pub(crate) fn nanoseconds(self) -> i64 {
        match self {
            Self::Second => 1_000_000_000,
            Self::Millisecond => 1_000_000,
            Self::Microsecond => 1000,
            Self::Nanosecond => 1,
        }
    }

    /// A number of these units, in nanoseconds. What is smaller than a nanosecond is cut off.
    fn moment(self, text: &str) -> Option<i64> {
        let Some((whole, fraction)) = decimal(text) else {
            // An exponent, which nobody writes who cares for every nanosecond.
            let nanoseconds = number::parse(text.as_bytes())? * self.nanoseconds() as f64;
            #[allow(clippy::cast_possible_truncation)] // i64::MIN and MAX as f64 are the ends of what fits
            return (nanoseconds.abs() < i64::MAX as f64).then_some(nanoseconds as i64);
        };
        let unit = i128::from(self.nanoseconds());
        // Eighteen digits are more than a second has of nanoseconds, and fit.
        let fraction = fraction.get(..18).unwrap_or(fraction);
        let places = u32::try_from(fraction.len()).ok()?;
        let part = fraction.parse::<i128>().unwrap_or(0) * unit / 10_i128.pow(places);
        let magnitude = whole.trim_start_matches(['+', '-']).parse::<i128>().unwrap_or(0);
        let size = magnitude.checked_mul(unit)?.checked_add(part)?;
        i64::try_from(if whole.starts_with('-') { -size } else { size }).ok()
    }
}

/// The digits before the point, with their sign, and those after it, if a number is written that way.
fn decimal(text: &str) -> Option<(&str, &str)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    let has_digits = !digits.is_empty() || !fraction.is_empty();
    // More digits than these are no time, and would not fit.
    (has_digits && is_digits(digits) && is_digits(fraction) && digits.len() <= 30).then_some((whole, fraction))
}

/// Least magnitude of a number that settles the unit of its column: as seconds, it is of 1973.
pub(crate) const LEAST_TELLING: f64 = 1e8;

/// Reads the times of one column as moments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moments {
    /// The unit of the column, settled by the first number of [`LEAST_TELLING`] or more.
    unit: Option<Unit>,
}

impl Moments {
    /// The unit of the numbers of the column, once it is settled.
    pub(crate) fn unit(&self) -> Option<Unit> {
        self.unit
    }

    /// Reads a cell as nanoseconds since 1970, which reach from 1677 to 2262.
    pub(crate) fn read(&mut self, cell: &[u8]) -> Result<i64, NotATime> {
        let error = |reason| NotATime { cell: shown(cell), reason };
        let nonsense = || error(Reason::Nonsense);
        let text = text(cell).ok_or_else(nonsense)?;
        if text.is_empty() {
            return Err(error(Reason::Missing));
        }
        if let Some(moment) = zoned(text).or_else(|| civil(text)) {
            return i64::try_from(moment.as_nanosecond()).map_err(|_| error(Reason::OutOfRange));
        }
        let number = number::parse(text.as_bytes()).filter(|number| number.is_finite()).ok_or_else(nonsense)?;
        let unit = match self.unit {
            Some(unit) => unit,
            None => Unit::of(number).ok_or_else(|| error(Reason::FarNumber))?,
        };
        let moment = unit.moment(text).ok_or_else(|| error(Reason::FarNumber))?;
        if number.abs() >= LEAST_TELLING {
            self.unit = Some(unit);
        }
        Ok(moment)
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
}

impl fmt::Display for NotATime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = &self.cell;
        match self.reason {
            Reason::Missing => f.write_str("the time is missing"),
            Reason::Nonsense => write!(
                f,
                "{cell} is not a time: expected RFC 3339, such as 2024-05-01T12:00:00Z, or the seconds, milliseconds, \
                 microseconds or nanoseconds since 1970"
            ),
            Reason::OutOfRange => write!(f, "the time {cell} is out of range: expected one from 1678 to 2261"),
            Reason::FarNumber => write!(
                f,
                "the time {cell} is out of range: expected one from 1678 to 2261; where numbers are in another unit than the first \
                 ones of their column, --time-unit names it"
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
    fn times_in_another_unit_are_noticed() {
        let [ns, us, ms, s] = [Unit::Nanosecond, Unit::Microsecond, Unit::Millisecond, Unit::Second];
        for (number, unit) in [(1_700_000_000_i64, s), (1_700_000_000_000, ms), (1_700_000_000_000_000, us)] {
            assert_eq!(Unit::likely(number as f64), Some(unit));
            assert_eq!(ns.likely_instead(number), Some(unit), "{number}");
            assert_eq!(unit.likely_instead(number * unit.nanoseconds()), None);
            // What is neither near the present in one unit nor in the other may be anything: seconds since a start.
            for harmless in [0, 1, number / 100, number * 100] {
                assert_eq!(ns.likely_instead(harmless), None, "{harmless}");
            }
        }
        assert_eq!(s.likely_instead(1_700_000_000_000_000_000), None);
    }

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
    fn digits_alone_are_a_number() {
        let seconds = [20_240_501, 20_240_502, -20_240_501];
        let cells = ["20240501", "+20240502", "-20240501"];
        assert_eq!(read(&cells), seconds.map(|seconds| Ok(seconds * 1_000_000_000)));
        assert_eq!(read(&["1700000000", "99999999"]), [1_700_000_000, 99_999_999].map(|n| Ok(n * 1_000_000_000)));
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
    fn units_have_the_names_of_durations() {
        let names = Unit::value_variants().iter().map(|unit| unit.name());
        assert_eq!(names.collect::<Vec<_>>(), ["ns", "us", "ms", "s"]);
        for unit in Unit::value_variants() {
            assert_eq!(Unit::from_str(unit.name(), false), Ok(*unit));
            let nanoseconds = u64::try_from(unit.nanoseconds()).unwrap();
            assert_eq!(duration(&format!("1{}", unit.name())), Some(Duration::from_nanos(nanoseconds)));
            assert_eq!(unit.per_second() * unit.nanoseconds() as f64, 1e9);
        }
        for wrong in ["", "m", "S", "NS", "\u{b5}s", "second"] {
            assert!(Unit::from_str(wrong, false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_as_people_write_them() {
        let seconds = Duration::from_secs;
        for (text, length) in [
            ("15ns", Duration::from_nanos(15)),
            ("15us", Duration::from_micros(15)),
            ("500ms", Duration::from_millis(500)),
            ("1s", seconds(1)),
            ("1.5s", Duration::from_millis(1500)),
            ("10m", seconds(600)),
            ("2h", seconds(7200)),
            ("1h30m", seconds(5400)),
            ("0.5h", seconds(1800)),
            ("2d", seconds(172_800)),
        ] {
            assert_eq!(duration(text), Some(length), "{text}");
        }
        for wrong in ["", "5", "-1s", "1 fortnight", "nan", "1e400s", "1y", "s", "m5"] {
            assert_eq!(duration(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let long = "1".repeat(1000);
        for (cells, reason) in [
            (&["", "  ", "\r"][..], Reason::Missing),
            (&["yesterday", "inf", "nan", "-", ".", "1.2.3", "12:00", "0x10", "1_000", "\u{663}"], Reason::Nonsense),
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

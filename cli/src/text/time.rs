//! Units of time, durations as people write them, and the present moment.

use super::number;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use jiff::{Span, SpanRelativeTo};
use std::time::{Duration, SystemTime};

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

    /// The name in words.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Nanosecond => "nanoseconds",
            Self::Microsecond => "microseconds",
            Self::Millisecond => "milliseconds",
            Self::Second => "seconds",
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
    pub(super) fn moment(self, text: &str) -> Option<i64> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}

//! Axes: where a value lies between two limits, which values get a mark, and how they are written.

use std::ops::Range;

use super::style::Text;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// Most magnitude of a limit, so that the difference of two is finite. What lies beyond is drawn at the edge.
const MOST_MAGNITUDE: f64 = f64::MAX / 4.0;

/// Most marks of an axis.
const MOST_TICKS: usize = 40;

/// A mark on an axis: its place, as a fraction of the axis, and its label.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
}

/// An axis from 0 to 1: places on it are fractions, so nothing a sample can be makes a coordinate that is none.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    ticks: Vec<Tick>,
}

impl Axis {
    /// An axis of values.
    pub(super) fn values(limits: (f64, f64), marks: usize) -> Self {
        let (low, high) = limits;
        let mut axis = Self { low, high, ticks: Vec::new() };
        let steps = [1, 2, 4].map(|finer| nice_step((high - low) / (finer * marks.max(2)) as f64));
        let mut marked = steps.into_iter().map(|step| (step, multiples(low, high, step)));
        // Three marks show a scale.
        let Some((step, values)) = marked.find(|(_, values)| values.len() >= 3) else { return axis };
        axis.ticks = values.iter().map(|value| Tick { at: axis.place(*value), label: label(*value, step) }).collect();
        axis
    }

    /// An axis of times, with marks where a person would put them.
    pub(super) fn clock(limits: (f64, f64), marks: usize) -> Self {
        let (low, high) = limits;
        let mut axis = Self { low, high, ticks: Vec::new() };
        let ticks = clock_ticks(low, high, marks);
        axis.ticks = ticks.into_iter().map(|(moment, label)| Tick { at: axis.place(moment), label }).collect();
        axis
    }

    /// An axis without marks, where there are no values.
    pub(super) fn blank() -> Self {
        Self { low: 0.0, high: 1.0, ticks: Vec::new() }
    }

    /// The place of a value: 0 at the low limit, 1 at the high one, clamped to far outside; NaN for NaN.
    pub(super) fn place(&self, value: f64) -> f64 {
        // The difference can overflow to an infinity, which the clamp brings back; the divisor is finite and above zero.
        ((value - self.low) / (self.high - self.low)).clamp(-1e4, 1e4)
    }

    /// The width of its widest label in pixels.
    pub(super) fn widest(&self) -> Option<i32> {
        self.ticks.iter().map(|tick| Text::new(11).width(&tick.label)).max()
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, (from, to): (i32, i32)) -> i32 {
        let place = if place.is_nan() { 0.0 } else { place.clamp(0.0, 1.0) };
        let pixel = f64::from(from) + place * (f64::from(to) - f64::from(from));
        #[expect(clippy::cast_possible_truncation, reason = "it lies between two i32")]
        let pixel = pixel.round() as i32;
        pixel
    }

    fn key_points<H: KeyPointHint>(&self, _hint: H) -> Vec<f64> {
        self.ticks.iter().map(|tick| tick.at).collect()
    }

    fn range(&self) -> Range<f64> {
        0.0..1.0
    }
}

impl ValueFormatter<f64> for Axis {
    fn format(_place: &f64) -> String {
        String::new()
    }

    fn format_ext(&self, place: &f64) -> String {
        self.ticks.iter().find(|tick| tick.at == *place).map_or_else(String::new, |tick| tick.label.clone())
    }
}

/// Limits with room around them: finite, apart, and not closer than labels can show.
pub(super) fn padded(low: f64, high: f64, share: f64) -> (f64, f64) {
    let (low, high) = (low.clamp(-MOST_MAGNITUDE, MOST_MAGNITUDE), high.clamp(-MOST_MAGNITUDE, MOST_MAGNITUDE));
    let size = low.abs().max(high.abs());
    let mut pad = (high - low) * share;
    if high - low <= (size * 1e-9).max(1e-290) {
        // A constant: some room on both sides, so that it is a line through the middle.
        pad = if size > 1e-280 { size * 0.1 } else { 1.0 };
    }
    (low - pad, high + pad)
}

/// The smallest of 1, 2, 5 times a power of ten that is not below `rough`.
fn nice_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= rough * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// The multiples of `step` from `low` to `high`.
fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    if !(step.is_finite() && step > 0.0) {
        return Vec::new();
    }
    // A mark that is past an end by rounding alone is on it.
    let slack = step * 1e-6;
    let first = ((low - slack) / step).ceil();
    // Adding zero turns -0 into 0, which is what is to be written.
    let values = (0..MOST_TICKS).map(|index| (first + index as f64) * step + 0.0);
    values.take_while(|value| *value <= high + slack).collect()
}

/// A value as an axis writes it, when its neighbours are `step` away.
pub(super) fn label(value: f64, step: f64) -> String {
    let size = value.abs();
    // Half a step from zero is a rounding error of zero.
    if size < step / 2.0 {
        return "0".to_owned();
    }
    if !(1e-3..1e15).contains(&size) {
        return scientific(value, step);
    }
    if size >= 1e4 {
        let suffixes = [("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)];
        if let Some((suffix, unit)) = suffixes.into_iter().find(|(_, unit)| size >= *unit)
            && let Some(short) = fixed(value / unit, step / unit, 3)
        {
            return short + suffix;
        }
    }
    fixed(value, step, 9).unwrap_or_else(|| scientific(value, step))
}

/// A value on its own, to three digits.
pub(super) fn short(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "-∞" }.to_owned();
    }
    // Rounded first, so that a little less than a million is 1M and not 1000k.
    let value = format!("{value:.2e}").parse().ok().filter(|rounded: &f64| rounded.is_finite()).unwrap_or(value);
    let power = value.abs().max(f64::MIN_POSITIVE).log10().floor();
    label(value, 10_f64.powf(power - 2.0).max(f64::MIN_POSITIVE))
}

/// A value with as many decimals as the step needs, if these are no more than `most`.
fn fixed(value: f64, step: f64, most: usize) -> Option<String> {
    let decimals = (0..=most).find(|decimals| {
        let scaled = step * 10_f64.powf(*decimals as f64);
        scaled >= 1.0 - 1e-6
    })?;
    Some(format!("{value:.decimals$}"))
}

fn scientific(value: f64, step: f64) -> String {
    // As many digits as make two neighbours differ.
    let ratio = (value.abs() / step).log10();
    let digits = (0..12).find(|digits| f64::from(*digits) >= ratio - 1e-9).unwrap_or(12);
    let digits = usize::try_from(digits).unwrap_or(0);
    let text = format!("{value:.digits$e}");
    match text.split_once('e') {
        Some((digits, power)) if digits.contains('.') => {
            format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;

/// Steps of marks from a second to two weeks, in seconds.
const STEPS: [f64; 23] = [
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    30.0,
    MINUTE,
    2.0 * MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    2.0 * HOUR,
    3.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
    2.0 * DAY,
    3.0 * DAY,
    5.0 * DAY,
    7.0 * DAY,
    14.0 * DAY,
];

/// The moments that get a mark, with their labels.
fn clock_ticks(low: f64, high: f64, marks: usize) -> Vec<(f64, String)> {
    let rough = (high - low) / marks.max(1) as f64;
    if rough < 1.0 {
        let step = nice_step(rough);
        let decimals = (1..6).find(|decimals| step * 10_f64.powi(*decimals) >= 1.0 - 1e-6).unwrap_or(6);
        let format = format!("%H:%M:%S%.{decimals}f");
        return multiples(low, high, step).into_iter().map(|moment| (moment, written(moment, &format))).collect();
    }
    let Some(step) = STEPS.into_iter().find(|step| *step >= rough) else {
        return month_ticks(low, high, rough / (30.0 * DAY));
    };
    let format = |moment: f64| match step {
        // The first mark of a day names it, unless the days are all there is.
        _ if step >= DAY || moment.rem_euclid(DAY) == 0.0 => "%b %-d",
        _ if step >= MINUTE => "%H:%M",
        _ => "%H:%M:%S",
    };
    multiples(low, high, step).into_iter().map(|moment| (moment, written(moment, format(moment)))).collect()
}

/// Marks at the first of a month, every so many months, or of a year.
fn month_ticks(low: f64, high: f64, rough_months: f64) -> Vec<(f64, String)> {
    // The calendar has no more than 20000 years.
    let years = nice_step(rough_months / 12.0).clamp(1.0, 20_000.0);
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of years, clamped")]
    let years = years as i32;
    let step = [1, 2, 3, 6].into_iter().find(|months| f64::from(*months) >= rough_months).unwrap_or(12 * years);
    let Some(first) = timestamp(low) else { return Vec::new() };
    let first = first.to_zoned(TimeZone::UTC).date();
    // Months since the year 0, down to a multiple of the step.
    let first = (i32::from(first.year()) * 12 + i32::from(first.month()) - 1).div_euclid(step) * step;
    let format = if step >= 12 { "%Y" } else { "%Y-%m" };
    let months = (0..=2 * MOST_TICKS).map_while(|index| {
        let month = first.checked_add(step.checked_mul(i32::try_from(index).ok()?)?)?;
        let year = i16::try_from(month.div_euclid(12)).ok()?;
        let date = Date::new(year, i8::try_from(month.rem_euclid(12) + 1).ok()?, 1).ok()?;
        let moment = TimeZone::UTC.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).ok()?;
        Some(moment.as_microsecond() as f64 / 1e6)
    });
    months
        .skip_while(|moment| *moment < low)
        .take_while(|moment| *moment <= high)
        .map(|moment| (moment, written(moment, format)))
        .collect()
}

fn timestamp(seconds: f64) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and jiff refuses what is no date")]
    let microseconds = (seconds * 1e6).round() as i64;
    Timestamp::from_microsecond(microseconds).ok()
}

/// A moment in the given format; nothing for a moment outside the calendar.
pub(super) fn written(seconds: f64, format: &str) -> String {
    timestamp(seconds).map_or_else(String::new, |moment| {
        // In UTC, which for civil times is what they were read as.
        jiff::fmt::strtime::format(format, &moment.to_zoned(TimeZone::UTC)).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        assert!(axis.ticks.iter().all(|tick| (-1e-9..=1.0 + 1e-9).contains(&tick.at)), "{axis:?}");
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn values_are_written_short_and_apart() {
        let axis = |low, high| Axis::values((low, high), 4);
        assert_eq!(labels(&axis(0.0, 100.0)), ["0", "50", "100"]);
        assert_eq!(labels(&axis(-0.3, 0.5)), ["-0.2", "0", "0.2", "0.4"]);
        assert_eq!(labels(&axis(0.0, 70_000.0)), ["0", "20k", "40k", "60k"]);
        assert_eq!(labels(&axis(1.2e6, 1.6e6)), ["1.2M", "1.3M", "1.4M", "1.5M", "1.6M"]);
        assert_eq!(labels(&axis(0.0, 4e-5)), ["0", "1e-5", "2e-5", "3e-5", "4e-5"]);
        assert_eq!(labels(&axis(1e300, 4e300)), ["1e300", "2e300", "3e300", "4e300"]);
        assert_eq!(labels(&axis(2413.0, 2413.2)), ["2413.00", "2413.05", "2413.10", "2413.15", "2413.20"]);
    }

    #[test]
    fn a_value_on_its_own_has_three_digits() {
        let cases = [(0.0, "0"), (2.3444, "2.34"), (-0.066, "-0.0660"), (-999_973.0, "-1.00M"), (1.5e300, "1.5e300")];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
        for odd in [5e-324, f64::MAX, -f64::MAX, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            assert!((1..12).contains(&short(odd).chars().count()), "{}", short(odd));
        }
    }

    #[test]
    fn any_limits_make_an_axis() {
        let values =
            [0.0, -0.0, 1.0, -1.0, 5e-324, 1e-310, 1e300, f64::MAX, -f64::MAX, f64::INFINITY, f64::NEG_INFINITY];
        for low in values {
            for high in values.into_iter().filter(|high| *high >= low) {
                let limits = padded(low, high, 0.05);
                assert!(limits.0 < limits.1 && (limits.1 - limits.0).is_finite(), "{low} {high} {limits:?}");
                for axis in [Axis::values(limits, 4), Axis::clock(limits, 6)] {
                    assert!(labels(&axis).len() <= 2 * MOST_TICKS);
                    assert!(values.iter().all(|value| axis.place(*value).is_finite()));
                    assert!(axis.map(&f64::NAN, (3, 9)) == 3 && axis.map(&2.0, (3, 9)) == 9);
                }
                let axis = Axis::values(limits, 4);
                let mut seen = labels(&axis);
                seen.dedup();
                assert!(axis.ticks.len() > 1 && seen.len() == axis.ticks.len(), "{low} {high} {axis:?}");
            }
        }
    }

    #[test]
    fn clocks_have_round_marks() {
        let day = 16_115.0 * DAY;
        let axis = |span: f64| Axis::clock((day + 3.0, day + 3.0 + span), 6);
        assert_eq!(
            labels(&axis(1.0)),
            ["00:00:03.0", "00:00:03.2", "00:00:03.4", "00:00:03.6", "00:00:03.8", "00:00:04.0"]
        );
        assert_eq!(labels(&axis(20.0)), ["00:00:05", "00:00:10", "00:00:15", "00:00:20"]);
        assert_eq!(labels(&axis(1200.0)), ["00:05", "00:10", "00:15", "00:20"]);
        assert_eq!(labels(&axis(2.0 * DAY)), ["12:00", "Feb 15", "12:00", "Feb 16"]);
        assert_eq!(labels(&axis(14.0 * DAY)), ["Feb 15", "Feb 18", "Feb 21", "Feb 24", "Feb 27"]);
        assert_eq!(labels(&axis(200.0 * DAY)), ["2014-03", "2014-05", "2014-07", "2014-09"]);
        assert_eq!(labels(&axis(3000.0 * DAY)), ["2016", "2018", "2020", "2022"]);
    }
}

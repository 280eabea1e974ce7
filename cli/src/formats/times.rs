//! The column with the time, where the command line does not name it: one rule for all formats.
//!
//! First a column whose name says time and whose value reads as a moment, numbers included; then the first whose text does; then,
//! only to be shown, one that looks like a time and is none, such as a time of day without a date. What is left, a status or the
//! name of a host, is never the time. A number that is no time of our days is none beside a text that is a moment, whatever its
//! name: `t` may be a temperature.

use crate::text::moments::{Moments, NotATime, Reading, TimeForm};
use crate::text::number;

/// Names that say time, whatever the numbers are.
const NAMES: [&str; 16] = [
    "time",
    "timestamp",
    "ts",
    "datetime",
    "date",
    "@timestamp",
    "_time",
    "asctime",
    "epoch",
    "when",
    "utc",
    "t",
    "tst",
    "date_time",
    "date/time",
    "time_unix_nano",
];

/// How sure a name is to say time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Says {
    /// It is the time, whatever its numbers are.
    Time,
    /// It is the time if its numbers are times since 1970 of our days: `__REALTIME_TIMESTAMP`, `start_time` and `response_time` end
    /// alike.
    PerhapsTime,
    /// It is the time if its numbers have a fraction: the seconds that `perf` and others count from their start.
    Interval,
}

/// Whether the name of a column says time, by its last part where it is a path with dots.
pub(crate) fn says_time(name: &str) -> Option<Says> {
    let name = name.rsplit_once('.').map_or(name, |(_, last)| last).trim();
    // A capital T is a temperature.
    if name != "T" && NAMES.iter().any(|time| time.eq_ignore_ascii_case(name)) {
        return Some(Says::Time);
    }
    let lower = name.to_ascii_lowercase();
    if lower == "interval" || lower.starts_with("elapsed") {
        return Some(Says::Interval);
    }
    let ends = ["timestamp", "_time", " time", "_ts", "starttime", "_at", "index"];
    let is_one = lower.is_empty() || ends.iter().any(|end| lower.ends_with(end));
    is_one.then_some(Says::PerhapsTime)
}

/// A cell of the first record, as a candidate for the time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    /// The number of its column.
    pub(crate) index: usize,
    pub(crate) name: &'a str,
    pub(crate) cell: &'a [u8],
}

/// What the candidates of a record amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The time is in this column, and was read so.
    Moment(usize, Reading),
    /// This column is called the time, or looks like it, and cannot be read as one: it can be shown.
    Shown(usize, NotATime),
    /// The time is in the column that is called so, of which this record has nothing.
    Missing(usize),
    Nothing,
}

/// Chooses the column with the time among the cells of a record.
pub(crate) fn choose(candidates: &[Candidate<'_>], form: &TimeForm) -> Choice {
    let look = |cell: &[u8]| Moments::new(form).look(cell);
    let mut by_name = None;
    for candidate in candidates {
        let Some(says) = says_time(candidate.name) else { continue };
        if by_name.as_ref().is_some_and(|(best, _)| *best <= says) {
            continue;
        }
        let is_missing = number::parse(candidate.cell).is_some_and(f64::is_nan);
        match look(candidate.cell) {
            Ok((moment, reading)) if fits(says, candidate.cell, moment, reading) => {
                by_name = Some((says, Choice::Moment(candidate.index, reading)));
            }
            Err(_) if is_missing && says == Says::Time => by_name = Some((says, Choice::Missing(candidate.index))),
            _ => {}
        }
    }
    let is_count = matches!(by_name, Some((_, Choice::Moment(_, Reading::Count(_)))));
    if let (false, Some((_, choice))) = (is_count, &by_name) {
        return choice.clone();
    }
    let is_text = |candidate: &&Candidate<'_>| number::parse(candidate.cell).is_none();
    let mut shown = None;
    for candidate in candidates.iter().filter(is_text) {
        match look(candidate.cell) {
            Ok((_, reading)) => return Choice::Moment(candidate.index, reading),
            Err(_) if is_count => {}
            Err(error) => {
                let is_called = says_time(candidate.name) == Some(Says::Time);
                if shown.is_none() && (error.is_almost() || is_called) {
                    shown = Some(Choice::Shown(candidate.index, error));
                }
            }
        }
    }
    by_name.map(|(_, choice)| choice).or(shown).unwrap_or(Choice::Nothing)
}

/// Whether a moment is one that a column of such a name would have.
fn fits(says: Says, cell: &[u8], moment: i64, reading: Reading) -> bool {
    let is_number = matches!(reading, Reading::Since(_) | Reading::Count(_));
    match says {
        Says::Time => true,
        Says::PerhapsTime => !is_number || is_of_our_days(moment),
        Says::Interval => is_number && cell.contains(&b'.'),
    }
}

/// Whether a moment is one from 2000 to 2100, in nanoseconds since 1970.
pub(crate) fn is_of_our_days(moment: i64) -> bool {
    (946_684_800_000_000_000..4_102_444_800_000_000_000).contains(&moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::time::Unit;

    fn chosen(cells: &[(&str, &str)]) -> Choice {
        let candidates = cells.iter().enumerate();
        let candidates: Vec<_> =
            candidates.map(|(index, (name, cell))| Candidate { index, name, cell: cell.as_bytes() }).collect();
        choose(&candidates, &TimeForm::default())
    }

    fn place(cells: &[(&str, &str)]) -> Option<usize> {
        match chosen(cells) {
            Choice::Moment(index, _) | Choice::Shown(index, _) | Choice::Missing(index) => Some(index),
            Choice::Nothing => None,
        }
    }

    #[test]
    fn a_name_that_says_time_comes_first_numbers_included() {
        for (cells, expected) in [
            (&[("host", "a"), ("time", "1700000000"), ("at", "2024-05-01")][..], Some(1)),
            (&[("level", "30"), ("time", "1795820156760"), ("pid", "5")], Some(1)),
            (&[("timestamp", "12"), ("v", "1")], Some(0)),
            (&[("type", "cpu"), ("when", "2024-05-01")], Some(1)),
            (&[("__REALTIME_TIMESTAMP", "1714558201123456"), ("x", "1")], Some(0)),
            (&[("index", "1714514400000"), ("cpu", "1.5")], Some(0)),
            (&[("data.value", "3"), ("data.time", "2024-05-01T10:10:01.1Z")], Some(1)),
            (&[("Zeit", "2024-05-01T10:10:01"), ("t", "21.5")], Some(0)),
            (&[("t", "21.5"), ("status", "ok"), ("valid_utc", "2024-05-01 10:10")], Some(2)),
            (&[("t", "21.5"), ("status", "22:54:48")], Some(0)),
            (&[("T", "21.5"), ("RH", "55")], None),
            // A name that only ends so needs a number of our days.
            (&[("response_time", "0.5"), ("n", "1")], None),
            (&[("index", "3"), ("n", "1")], None),
            (&[("interval", "1.002750926"), ("n", "1")], Some(0)),
            (&[("interval", "2"), ("n", "1")], None),
            (&[("interval", "2"), ("timestamp", "1795819345")], Some(1)),
        ] {
            assert_eq!(place(cells), expected, "{cells:?}");
        }
    }

    #[test]
    fn then_text_that_is_a_moment_and_never_a_word() {
        assert_eq!(place(&[("host", "web1"), ("x", "2024-05-01 10:00"), ("v", "1")]), Some(1));
        assert_eq!(place(&[("host", "web1"), ("status", "ok"), ("v", "1")]), None);
        assert_eq!(place(&[("bytes", "1700000000"), ("v", "1")]), None);
        assert_eq!(place(&[("a", "x"), ("clock", "22:54:48")]), Some(1));
        let Choice::Shown(0, why) = chosen(&[("time", "Nov-27 22:43:03")]) else { panic!("{:?}", chosen(&[])) };
        assert_eq!(why.to_string(), "\"Nov-27 22:43:03\" is a date without a year");
    }

    #[test]
    fn a_missing_cell_of_that_name_waits() {
        assert_eq!(chosen(&[("time", "N/A"), ("t2", "5")]), Choice::Missing(0));
        assert_eq!(chosen(&[("time", "NA"), ("ts", "5")]), Choice::Missing(0));
        let seconds = Choice::Moment(0, Reading::Count(Unit::Second));
        assert_eq!(chosen(&[("time", "5"), ("ts", "NA")]), seconds);
    }
}

//! Times in cells, as far as a plain reading can be sure of them: RFC 3339 by jiff, times of day, numbers since 1970 by their size,
//! and words that are none. What is spelled otherwise is left to others.

use crate::readers::{Stop, UNKNOWN, number};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::cmp::Ordering;

/// What a cell is to who looks for a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Seen {
    /// Nanoseconds since 1970, by a date with an offset.
    Zoned(i64),
    /// By a date without one.
    Civil(i64),
    /// By a number.
    Number(i64),
    /// A date too far from 1970.
    Far,
    /// A time of day.
    OfDay,
    /// No time.
    Other,
}

impl Seen {
    pub(crate) fn moment(self) -> Option<i64> {
        match self {
            Self::Zoned(moment) | Self::Civil(moment) | Self::Number(moment) => Some(moment),
            Self::Far | Self::OfDay | Self::Other => None,
        }
    }
}

/// Looks at a cell on its own.
pub(crate) fn look(cell: &str) -> Result<Seen, Stop> {
    Clock::default().look(cell)
}

/// The signs of a text with a `9` for every digit and a `T` for what may stand before a time of day.
pub(crate) fn shape(text: &str) -> String {
    let sign = |(at, letter): (usize, char)| match letter {
        '0'..='9' => '9',
        'T' | 't' | ' ' if at == 10 => 'T',
        'z' => 'Z',
        '-' if at > 10 => '+',
        letter => letter,
    };
    text.char_indices().map(sign).collect()
}

/// Whether a text has the shape of RFC 3339, perhaps without an offset or a time of day; and whether it has the offset.
fn rfc3339(text: &str) -> Option<bool> {
    let shape = shape(text);
    let rest = shape.strip_prefix("9999-99-99")?;
    if rest.is_empty() {
        return Some(false);
    }
    let rest = rest.strip_prefix("T99:99")?;
    let rest = rest.strip_prefix(":99").map_or(rest, |rest| match rest.strip_prefix('.') {
        Some(fraction) if (1..=9).contains(&digits(fraction)) => &fraction[digits(fraction)..],
        _ => rest,
    });
    match rest {
        "" => Some(false),
        "Z" | "+99:99" => Some(true),
        _ => None,
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Whether a text is a time of day and no more.
pub(crate) fn is_of_day(text: &str) -> bool {
    ["9:99", "99:99", "9:99:99", "99:99:99"].contains(&&*shape(text))
}

/// Whether a text is a date, perhaps with a time of day, in the shape of RFC 3339: never a number.
pub(crate) fn is_dated(text: &str) -> bool {
    rfc3339(text).is_some()
}

/// Whether a text is a word that can be neither a number nor a time.
pub(crate) fn is_word(text: &str) -> bool {
    let is_plain = text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_plain || !text.contains(|letter: char| letter.is_ascii_digit())
}

/// The times of one column, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    /// The nanoseconds of the unit of the numbers, once one of them has shown it.
    unit: Option<i128>,
}

impl Clock {
    pub(crate) fn look(&mut self, cell: &str) -> Result<Seen, Stop> {
        if cell.len() > 64 {
            return Ok(Seen::Other);
        }
        if let Some(number) = cell.parse::<f64>().ok().filter(|number| number.is_finite()) {
            return self.number(cell, number);
        }
        let in_range = |moment: Timestamp| i64::try_from(moment.as_nanosecond()).ok();
        match rfc3339(cell) {
            Some(true) => {
                let Ok(moment) = cell.parse::<Timestamp>() else { return Ok(Seen::Other) };
                Ok(in_range(moment).map_or(Seen::Far, Seen::Zoned))
            }
            Some(false) => {
                let Ok(date) = cell.parse::<DateTime>() else { return Ok(Seen::Other) };
                let moment = TimeZone::UTC.to_timestamp(date).ok().and_then(in_range);
                Ok(moment.map_or(Seen::Far, Seen::Civil))
            }
            None if is_of_day(cell) => Ok(Seen::OfDay),
            None if is_word(cell) => Ok(Seen::Other),
            None => Err(UNKNOWN),
        }
    }

    fn number(&mut self, text: &str, number: f64) -> Result<Seen, Stop> {
        // Eight, twelve or fourteen digits may be a date.
        if [8, 12, 14].contains(&text.len()) && digits(text) == text.len() {
            return Err(UNKNOWN);
        }
        let by_size = match number.abs() {
            size if size < 1e11 => 1_000_000_000,
            size if size < 1e14 => 1_000_000,
            size if size < 1e17 => 1000,
            size if size < 1e20 => 1,
            _ if self.unit.is_none() => return Ok(Seen::Other),
            _ => 1,
        };
        let unit = self.unit.unwrap_or(by_size);
        let Some(moment) = scaled(text, unit)? else { return Ok(Seen::Other) };
        if number.abs() >= 1e8 {
            self.unit = Some(unit);
        }
        Ok(Seen::Number(moment))
    }
}

/// A number of units in nanoseconds, cut off towards zero; nothing where that is too large.
fn scaled(text: &str, unit: i128) -> Result<Option<i64>, Stop> {
    let (sign, size) = match text.strip_prefix('-') {
        Some(size) => (-1, size),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = size.split_once('.').unwrap_or((size, ""));
    // Exponents and endless digits are for others.
    if digits(whole) < whole.len() || digits(fraction) < fraction.len() || whole.len() > 30 {
        return Err(UNKNOWN);
    }
    // The first eighteen decimals, as a whole number of the last of them.
    let decimals = format!("{:0<18.18}", fraction);
    let all: i128 = format!("0{whole}").parse::<i128>().unwrap_or(0);
    let part: i128 = decimals.parse().unwrap_or(0);
    let Some(whole) = all.checked_mul(unit) else { return Ok(None) };
    let nanoseconds = whole + part * unit / 1_000_000_000_000_000_000;
    Ok(i64::try_from(sign * nanoseconds).ok())
}

/// Whether the times of rows go on falling: three times from the first on, with nothing else between.
#[derive(Clone, Debug, Default)]
pub(crate) struct Falling {
    clock: Clock,
    last: Option<i64>,
    falls: u32,
    steps: u32,
    is_over: bool,
}

impl Falling {
    /// Looks at the time of the next row; nothing where rows are numbered.
    pub(crate) fn is_certain(&mut self, time: Option<&str>) -> Result<bool, Stop> {
        let Some(time) = time.filter(|_| !self.is_over) else {
            self.is_over = true;
            return Ok(false);
        };
        match self.clock.look(time.trim())?.moment() {
            None => self.steps += 1,
            Some(now) => match self.last.replace(now).map(|last| now.cmp(&last)) {
                Some(Ordering::Greater) => self.is_over = true,
                Some(Ordering::Less) => (self.falls, self.steps) = (self.falls + 1, self.steps + 1),
                _ => {}
            },
        }
        self.is_over |= self.steps >= 15;
        Ok(self.falls >= 3 && self.falls == self.steps)
    }
}

/// A column that may have the time, and its cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) index: usize,
    pub(crate) name: &'a str,
    pub(crate) cell: &'a str,
}

/// How a name says time, from the surest way on.
const BY_NAME: [fn(&str) -> bool; 3] = [is_time, ends_like_time, is_interval];

fn last_part(name: &str) -> String {
    let name = name.rsplit('.').next().unwrap_or(name).trim();
    // A capital T is a temperature.
    if name == "T" { "temperature".to_owned() } else { name.to_ascii_lowercase() }
}

pub(crate) fn is_time(name: &str) -> bool {
    let names = "time timestamp ts datetime date @timestamp _time asctime epoch when utc t tst date_time date/time time_unix_nano";
    names.split(' ').any(|time| time == last_part(name))
}

fn is_interval(name: &str) -> bool {
    let name = last_part(name);
    !is_time(&name) && (name == "interval" || name.starts_with("elapsed"))
}

fn ends_like_time(name: &str) -> bool {
    let name = last_part(name);
    let ends = ["timestamp", "_time", " time", "_ts", "starttime", "_at", "index"];
    !is_time(&name) && !is_interval(&name) && (name.is_empty() || ends.iter().any(|end| name.ends_with(end)))
}

/// Whether a name says time in any way.
pub(crate) fn says_time(name: &str) -> bool {
    BY_NAME.iter().any(|is_one| is_one(name))
}

/// The column that the documented rule chooses for the time: by its name, but for a number that is no time of our days, before which
/// a text that is a moment comes; then by its text.
pub(crate) fn choose(candidates: &[Candidate<'_>]) -> Result<Option<usize>, Stop> {
    let mut count = None;
    'found: for (rank, is_named) in BY_NAME.iter().enumerate() {
        for candidate in candidates.iter().filter(|candidate| is_named(candidate.name)) {
            let seen = look(candidate.cell)?;
            let is_missing = number(candidate.cell).is_some_and(f64::is_nan);
            let is_one = match (rank, seen) {
                (0, seen) => seen.moment().is_some() || is_missing,
                (1, Seen::Number(moment)) => is_of_our_days(moment)?,
                (1, seen) => seen.moment().is_some(),
                (_, seen) => matches!(seen, Seen::Number(_)) && candidate.cell.contains('.'),
            };
            if is_one && is_small(candidate.cell) {
                count = Some(candidate.index);
                break 'found;
            }
            if is_one {
                return Ok(Some(candidate.index));
            }
        }
    }
    let mut shown = None;
    for candidate in candidates.iter().filter(|candidate| number(candidate.cell).is_none()) {
        let seen = look(candidate.cell)?;
        if seen.moment().is_some() {
            return Ok(Some(candidate.index));
        }
        if matches!(seen, Seen::Far | Seen::OfDay) || is_time(candidate.name) {
            shown = shown.or(Some(candidate.index));
        }
    }
    Ok(count.or(shown))
}

/// Whether a cell is a number that is no time since 1970 of our days in any unit.
fn is_small(cell: &str) -> bool {
    number(cell).is_some_and(|number| number.abs() < 1e8)
}

/// Whether a moment is from 2000 to 2099.
fn is_of_our_days(moment: i64) -> Result<bool, Stop> {
    let of = |year: i16| {
        let first = DateTime::new(year, 1, 1, 0, 0, 0, 0).and_then(|date| TimeZone::UTC.to_timestamp(date));
        first.map(|first| first.as_nanosecond()).map_err(|_| UNKNOWN)
    };
    Ok((of(2000)?..of(2100)?).contains(&i128::from(moment)))
}

//! Dates and times of day as text.
//!
//! Understood are RFC 3339, `2024-05-01T12:00:00.25+02:00`, with a space for the `T`, without the time of day or without the
//! offset; and what tools make of it: `2024/05/01`, a comma before the fraction, `UTC`, `GMT` or `Z+0000` for the offset, a space
//! before it and the name of a zone behind it; RFC 2822, the dates of C and of web servers, `Fri Nov 27 23:03:25 2026`,
//! `27/Nov/2026:22:43:03 +0000` and `27 Nov 2026 22:43:03`. Digits beyond the ninth of a second are cut off.

use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

/// Most bytes of a time: a longer cell is not worth looking at.
const MOST_BYTES: usize = 64;

/// The text of a cell that may be a time, without the white space around it; `None` for one that is too long.
pub(crate) fn text(cell: &[u8]) -> Option<&str> {
    std::str::from_utf8(cell).ok().filter(|text| text.len() <= MOST_BYTES).map(str::trim)
}

/// A date and time, with or without an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Date {
    /// A moment.
    Zoned(Timestamp),
    /// A date and time of nobody knows which zone.
    Civil(DateTime),
}

impl Date {
    /// Reads a date, with or without a time of day, by RFC 3339 or as tools spell it otherwise.
    pub(crate) fn read(text: &str) -> Option<Self> {
        zoned(text).map(Self::Zoned).or_else(|| civil(text).map(Self::Civil)).or_else(|| spelled(text))
    }

    /// Reads a date by a pattern of `strptime`.
    pub(crate) fn by_pattern(pattern: &str, text: &str) -> Option<Self> {
        let parts = strtime::parse(pattern, text).ok()?;
        let zoned = parts.to_timestamp().ok().map(Self::Zoned);
        zoned.or_else(|| parts.to_datetime().ok().map(Self::Civil)).or_else(|| {
            let date = parts.to_date().ok()?;
            Some(Self::Civil(date.to_datetime(civil::Time::midnight())))
        })
    }

    /// The moment, where dates without an offset are of this zone; the earlier one where the clocks were set back.
    pub(crate) fn moment(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Zoned(moment) => Some(moment),
            Self::Civil(date) => zone.to_timestamp(date).ok(),
        }
    }
}

/// Reads a date and time with an offset.
pub(crate) fn zoned(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| cut(text)?.parse().ok())
}

/// Reads a date, with or without a time of day, without an offset.
pub(crate) fn civil(text: &str) -> Option<DateTime> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) || text.contains('[') {
        return None;
    }
    text.parse().ok().or_else(|| cut(text)?.parse().ok())
}

/// A time without the digits of its second beyond the ninth; `None` if it has no such digits.
fn cut(text: &str) -> Option<String> {
    let (before, behind) = text.split_once('.')?;
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, rest) = (behind.get(..9)?, behind.get(digits..)?);
    (digits > 9).then(|| format!("{before}.{fraction}{rest}"))
}

/// Reads digits alone as a date: `20240501`, or with hours and minutes `202405011200`, and with seconds `20240501120000`. Only dates
/// from 1900 to 2199 are some.
pub(crate) fn compact(digits: &str) -> Option<Date> {
    let pattern = match digits.len() {
        8 => "%Y%m%d",
        12 => "%Y%m%d%H%M",
        14 => "%Y%m%d%H%M%S",
        _ => return None,
    };
    let is_one = digits.bytes().all(|byte| byte.is_ascii_digit()) && ["19", "20", "21"].contains(&digits.get(..2)?);
    if is_one { Date::by_pattern(pattern, digits) } else { None }
}

/// Reads a date that is spelled in one of the ways of tools.
fn spelled(text: &str) -> Option<Date> {
    let first = text.bytes().next()?;
    if !first.is_ascii_alphanumeric() && first != b'[' {
        return None;
    }
    if let Some(plain) = plain(text)
        && let Some(date) = zoned(&plain).map(Date::Zoned).or_else(|| civil(&plain).map(Date::Civil))
    {
        return Some(date);
    }
    if !text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    if let Ok(moment) = rfc2822::parse(text) {
        return Some(Date::Zoned(moment.timestamp()));
    }
    let text = text.trim_start_matches('[').trim_end_matches(']');
    // The name of a zone within, which is not unique but for these.
    let without_zone = text.replacen(" UTC ", " ", 1).replacen(" GMT ", " ", 1);
    let is_utc = without_zone.len() < text.len();
    let date = ["%a %b %d %H:%M:%S%.f %Y", "%d/%b/%Y:%H:%M:%S %z", "%d %b %Y %H:%M:%S%.f", "%d-%b-%Y %H:%M:%S%.f"]
        .iter()
        .find_map(|pattern| Date::by_pattern(pattern, &without_zone))?;
    match date {
        Date::Civil(civil) if is_utc => TimeZone::UTC.to_timestamp(civil).ok().map(Date::Zoned),
        date => Some(date),
    }
}

/// A date as RFC 3339 would have it, where only signs differ; `None` if nothing does.
fn plain(text: &str) -> Option<String> {
    let is_year_first = text.get(..4).is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_year_first {
        return None;
    }
    let mut plain = if text.get(4..5) == Some("/") { text.replacen('/', "-", 2) } else { text.to_owned() };
    if plain.get(19..20) == Some(",") {
        plain.replace_range(19..20, ".");
    }
    for utc in ["Z+0000", "Z+00:00", " UTC", " GMT", " Z"] {
        if let Some(before) = plain.strip_suffix(utc) {
            let has_offset = before.rsplit(' ').next().is_some_and(is_offset);
            plain = if has_offset { before.to_owned() } else { format!("{before}Z") };
            break;
        }
    }
    // `+0200 CEST`, as Go prints it.
    if let Some((before, zone)) = plain.rsplit_once(' ')
        && zone.bytes().all(|byte| byte.is_ascii_uppercase())
        && before.rsplit(' ').next().is_some_and(is_offset)
    {
        plain.truncate(before.len());
    }
    if let Some((before, offset)) = plain.rsplit_once(' ')
        && is_offset(offset)
    {
        plain = format!("{before}{offset}");
    }
    (plain != text).then_some(plain)
}

fn is_offset(text: &str) -> bool {
    text.strip_prefix(['+', '-'])
        .is_some_and(|rest| rest.len() >= 2 && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b':'))
}

/// What a text lacks that looks like a date or a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// The day.
    Date,
    Year,
    /// Which number is the day and which the month.
    Order,
}

/// What is missing in a text that looks like a time and is no moment; `None` if it does not look like one.
pub(crate) fn lack(text: &str) -> Option<Lack> {
    let pieces: Vec<&str> = text.split([' ', 'T', ',']).filter(|piece| !piece.is_empty()).collect();
    let is_clock = |piece: &str| {
        let mut parts = piece.split(':');
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let (hour, minute) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        is_number(hour) && hour.len() <= 2 && is_number(minute) && minute.len() == 2
    };
    let (first, has_clock) = (pieces.first()?, pieces.iter().any(|piece| is_clock(piece)));
    if is_clock(first) && !pieces.iter().skip(1).any(|piece| piece.bytes().any(|byte| byte.is_ascii_digit())) {
        return Some(Lack::Date);
    }
    let numbers: Vec<&str> = first.split(['/', '.', '-']).collect();
    let is_short = |part: &&str| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    match numbers[..] {
        [day, month, year]
            if is_short(&day)
                && is_short(&month)
                && matches!(year.len(), 2 | 4)
                && year.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            return Some(Lack::Order);
        }
        [day, month] if has_clock && is_short(&day) && is_short(&month) => return Some(Lack::Year),
        _ => {}
    }
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let has_month = text
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .any(|word| months.iter().any(|month| word.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(month))));
    let has_year = text
        .split(|letter: char| !letter.is_ascii_digit())
        .any(|digits| digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20")));
    (has_month && has_clock && !has_year).then_some(Lack::Year)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moment of a text, dates without an offset taken as UTC.
    fn moment(text: &str) -> Option<String> {
        Date::read(text)?.moment(&TimeZone::UTC).map(|moment| moment.to_string())
    }

    // What each tool prints is noted beside it; the moments were computed by `date -u -d`.
    #[test]
    fn tools_spell_dates_in_many_ways() {
        for (text, expected) in [
            ("2026-11-27 22:42:25 UTC", "2026-11-27T22:42:25Z"), // sadf -d
            ("2026-11-27T22:47:55.180528Z+0000", "2026-11-27T22:47:55.180528Z"), // mosquitto_sub -F %j
            ("2026-11-27T22:47:55+0000", "2026-11-27T22:47:55Z"), // mosquitto_sub -F %I
            ("2026-11-27 22:50:27.308247+00", "2026-11-27T22:50:27.308247Z"), // psql
            ("2024/05/01 10:10:01.123", "2024-05-01T10:10:01.123Z"), // nvidia-smi
            ("2024/05/01", "2024-05-01T00:00:00Z"),
            ("2026-11-27 22:56:00,767", "2026-11-27T22:56:00.767Z"), // Python's logging
            ("2024-05-01 10:00:00.5 +0200 CEST", "2024-05-01T08:00:00.5Z"), // Go's Time.String
            ("2024-05-01 10:00:00 +0000 UTC", "2024-05-01T10:00:00Z"),
            ("Fri Nov 27 23:03:25 2026", "2026-11-27T23:03:25Z"), // ab -g, ctime
            ("Fri Nov 27 23:03:25 UTC 2026", "2026-11-27T23:03:25Z"), // date
            ("Fri, 27 Nov 2026 22:43:03 GMT", "2026-11-27T22:43:03Z"), // HTTP
            ("27/Nov/2026:22:43:03 +0100", "2026-11-27T21:43:03Z"), // web servers
            ("[27/Nov/2026:22:43:03 +0100]", "2026-11-27T21:43:03Z"),
            ("27 Nov 2026 22:43:03", "2026-11-27T22:43:03Z"),
        ] {
            assert_eq!(moment(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["2024-05-01 10:00:00 XYZ", "Nov 2026", "web1", "2024/13/01", "1.5", "May", "12 May"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn what_lacks_something_is_known_by_name() {
        for (text, expected) in [
            ("22:54:48", Some(Lack::Date)),
            ("10:54:48 PM", Some(Lack::Date)),
            ("Nov-27 22:43:03", Some(Lack::Year)),
            ("Nov 27 22:43:03", Some(Lack::Year)),
            ("27-11 22:44:31", Some(Lack::Year)),
            ("11/27/2026", Some(Lack::Order)),
            ("11/27/26 22:42:57", Some(Lack::Order)),
            ("27.11.2026 22:42", Some(Lack::Order)),
            ("web1", None),
            ("1.2.3", None),
            ("10:00:00 2026-11-27", None),
            ("maybe 5", None),
            ("127.0.0.1:8080", None),
        ] {
            assert_eq!(lack(text), expected, "{text}");
        }
    }

    #[test]
    fn digits_may_be_a_date() {
        let moment = |digits| compact(digits)?.moment(&TimeZone::UTC).map(|moment| moment.to_string());
        assert_eq!(moment("20261127224739").as_deref(), Some("2026-11-27T22:47:39Z"));
        assert_eq!(moment("202611272247").as_deref(), Some("2026-11-27T22:47:00Z"));
        assert_eq!(moment("20261127").as_deref(), Some("2026-11-27T00:00:00Z"));
        for digits in ["20261327", "202611272460", "99991231", "2026112", "2026112722473", "1795820605", "-0261127"] {
            assert_eq!(moment(digits), None, "{digits}");
        }
    }
}

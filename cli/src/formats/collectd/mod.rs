//! The text protocol of collectd: `PUTVAL "host/plugin/type" interval=10 1700000000:1:2`, as its plugins exec, unixsock and
//! `write_http` have it.
//!
//! A series is the identifier, with the name of the value behind a dot where the type has several: `web1/load/load.shortterm`.
//! `types.rs` has the names and which types are counters. The time `N` is that of arrival, and `U` is a missing sample.
//!
//! In a log of the socket, the answer to GETVAL is a row whose series are called as the values are, `shortterm`, behind the
//! identifier where the log has the question. LISTVAL has no values, and what else is answered has none: they are passed over.

mod types;

use super::telemetry::{Cell, Grammar, Parts, Stamp, Telemetry, What, behind_blanks, behind_quote, is_time, word};
use std::ops::Range;

/// The reader of the format.
pub(crate) type Collectd = Telemetry<Line>;

const LISTED: &str = "LISTVAL lists series and has no values: its lines are passed over";

/// The grammar of a line.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// Answers with values so far.
    answers: u64,
    /// The identifier that was asked for.
    asked: String,
}

impl Grammar for Line {
    const ENDINGS: &'static [&'static str] = &["collectd"];
    const BEFORE_NUMBER: &'static str = "";
    const BEHIND_NUMBER: &'static str = "";
    const PREFIX: &'static str = "gauge-";

    fn looks_like(first: &[u8]) -> bool {
        let is_put = || Self::default().read(first, &mut Parts::default()) == Ok(What::Samples);
        values_found(first) || first.get(..7).is_some_and(|word| word.eq_ignore_ascii_case(b"PUTVAL ")) && is_put()
    }

    fn read(&mut self, line: &[u8], parts: &mut Parts) -> Result<What, String> {
        let first = line.get(word(line, 0)).unwrap_or_default();
        if first.eq_ignore_ascii_case(b"PUTVAL") {
            return put(line, parts);
        }
        if first.eq_ignore_ascii_case(b"GETVAL") {
            let start = behind_blanks(line, first.len());
            let (name, _) = identifier(line, start)?;
            line.get(name)
                .and_then(|name| std::str::from_utf8(name).ok())
                .unwrap_or_default()
                .clone_into(&mut self.asked);
            return Ok(What::Nothing);
        }
        if values_found(line) {
            self.answers += 1;
            return Ok(What::Nothing);
        }
        if first.len() == line.len() && first.contains(&b'=') {
            return self.answer(line, parts);
        }
        self.asked.clear();
        if is_time(first) && line.contains(&b'/') {
            parts.note = Some(LISTED);
        }
        let is_command = first.iter().all(u8::is_ascii_uppercase);
        if line.starts_with(b"#") || is_command || fast_float2::parse::<f64, _>(first).is_ok() {
            return Ok(What::Nothing);
        }
        Err("the line is no PUTVAL, and no answer of collectd".to_owned())
    }

    fn is_counter(&self, name: &[u8]) -> Option<bool> {
        types::is_counter(name.splitn(3, |byte| *byte == b'/').nth(2)?)
    }
}

impl Line {
    /// A value of an answer.
    fn answer(&self, line: &[u8], parts: &mut Parts) -> Result<What, String> {
        let text = std::str::from_utf8(line).map_err(|_| "the name of a series is not UTF-8")?;
        let (name, value) = text.split_once('=').ok_or("there is no value")?;
        let number = number(value.as_bytes())?;
        // What is added to the only value of a type is called after it.
        let rest = name.strip_prefix(types::ONLY).filter(|rest| rest.is_empty() || rest.starts_with('_'));
        parts.built = match rest {
            _ if self.asked.is_empty() => name.to_owned(),
            Some(rest) => [&self.asked, rest].concat(),
            None => [&self.asked, ".", name].concat(),
        };
        parts.is_built = true;
        parts.time = Stamp::Row(self.answers);
        let series = 0..parts.built.len();
        parts.built.push_str(name);
        let key = series.end..parts.built.len();
        parts.built.push('=');
        parts.middle = key.end..parts.built.len();
        parts.cells.push(Cell { ending_at: series.end, name: series, key, number: Some(number) });
        Ok(What::Samples)
    }
}

/// Whether a line says how many values follow.
fn values_found(line: &[u8]) -> bool {
    let count = word(line, 0);
    let words = line.get(behind_blanks(line, count.end)..).unwrap_or_default();
    line.get(count).is_some_and(|count| !count.is_empty() && count.iter().all(u8::is_ascii_digit))
        && (words == b"Values found" || words == b"Value found")
}

/// The place of the identifier that begins here, without its quotes, and the place behind it.
fn identifier(line: &[u8], at: usize) -> Result<(Range<usize>, usize), String> {
    let missing = || "there is no identifier, such as host/plugin/type".to_owned();
    let (name, end) = if line.get(at) == Some(&b'"') {
        let end = behind_quote(line, at + 1).ok_or("a quote is opened and never closed")?;
        (at + 1..end - 1, end)
    } else {
        let name = word(line, at);
        (name.clone(), name.end)
    };
    let text = line.get(name.clone()).unwrap_or_default();
    let parts: Vec<&[u8]> = text.splitn(3, |byte| *byte == b'/').collect();
    if parts.len() < 3 || parts.iter().any(|part| part.is_empty()) {
        return Err(missing());
    }
    Ok((name, end))
}

/// The place of the type in an identifier: behind the second slash.
fn type_at(identifier: &str) -> usize {
    identifier.match_indices('/').nth(1).map_or(0, |(at, _)| at + 1)
}

/// A line with values.
fn put(line: &[u8], parts: &mut Parts) -> Result<What, String> {
    let (name, mut at) = identifier(line, behind_blanks(line, "PUTVAL".len()))?;
    let identifier_end = at;
    let list = loop {
        let start = behind_blanks(line, at);
        if start == line.len() || start == at {
            return Err("there are no values behind the identifier, such as 1700000000:1.5".to_owned());
        }
        let place = word(line, start);
        at = place.end;
        // An option, whose value may be in quotes and have blanks in it.
        let text = line.get(place.clone()).unwrap_or_default();
        match text.iter().position(|byte| *byte == b'=') {
            Some(equals) if text.get(equals + 1) == Some(&b'"') => {
                at = behind_quote(line, start + equals + 2).ok_or("a quote is opened and never closed")?;
            }
            Some(_) => {}
            None => break place,
        }
    };
    if list.end < line.len() {
        return Err("there is something behind the values: several lists of values in a line are not read".to_owned());
    }
    let text = line.get(list.clone()).unwrap_or_default();
    let colon = memchr::memchr(b':', text).ok_or("there is no colon between the time and the values")?;
    parts.time = match text.get(..colon).unwrap_or_default() {
        b"N" => Stamp::Arrival,
        time if is_time(time) => Stamp::Text(list.start..list.start + colon),
        _ => return Err("the time is neither N nor a number of seconds since 1970".to_owned()),
    };
    // A quote within a name that is in none is a letter of it.
    let quote = if name.start.checked_sub(1).and_then(|before| line.get(before)) == Some(&b'"') { "\"" } else { "" };
    let name = line.get(name).and_then(|name| std::str::from_utf8(name).ok());
    let name = name.ok_or("the name of a series is not UTF-8")?;
    let values = text.get(colon + 1..).unwrap_or_default();
    let options = line.get(identifier_end..list.start + colon + 1).unwrap_or_default();
    parts.is_built = true;
    parts.built.push_str(quote);
    parts.built.push_str(std::str::from_utf8(options).map_err(|_| "an option is not UTF-8")?);
    parts.middle = 0..parts.built.len();
    cells(name, quote, values, parts)
}

/// The values of a list.
fn cells(identifier: &str, quote: &str, values: &[u8], parts: &mut Parts) -> Result<What, String> {
    let (folder, kind) = identifier.split_at_checked(type_at(identifier)).unwrap_or_default();
    let count = values.split(|byte| *byte == b':').count();
    let names = types::names(kind.as_bytes(), count);
    for (index, value) in values.split(|byte| *byte == b':').enumerate() {
        let number = if value == b"U" { f64::NAN } else { number(value)? };
        let start = parts.built.len();
        parts.built.push_str(identifier);
        if count > 1 {
            parts.built.push('.');
            match names.and_then(|names| names.get(index)) {
                Some(name) => parts.built.push_str(name),
                None => parts.built.push_str(itoa::Buffer::new().format(index)),
            }
        }
        let name = start..parts.built.len();
        let last = parts.built.get(start + folder.len()..).unwrap_or_default().to_owned();
        let key = parts.built.len();
        for piece in ["PUTVAL ", quote, folder, "gauge-", &last] {
            parts.built.push_str(piece);
        }
        let key = key..parts.built.len();
        parts.cells.push(Cell { ending_at: name.len(), name, key, number: Some(number) });
    }
    Ok(What::Samples)
}

/// The number of a value, NaN where it is missing.
fn number(value: &[u8]) -> Result<f64, String> {
    fast_float2::parse(value).map_err(|_| "a value is no number".to_owned())
}

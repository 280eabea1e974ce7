//! Target `graphite`: see `telemetry.rs`.

use crate::telemetry::{self, Cell, Line, Plain, Time, is_time, number, words};
use evenkeel_cli::probe::Format;

pub fn check(bytes: &[u8]) {
    telemetry::check::<Graphite>(bytes);
}

#[derive(Clone, Default)]
pub(crate) struct Graphite;

impl Plain for Graphite {
    const FORMAT: Format = Format::Graphite;

    fn line(&mut self, line: &[u8]) -> Line {
        if line.starts_with(b"#") {
            return Line::Nothing;
        }
        let read = || {
            let [path, value, time] = words(std::str::from_utf8(line).ok()?)[..] else { return None };
            let number = Some(number(value)?);
            is_time(time).then_some(())?;
            let time = if time == "-1" { Time::Arrival } else { Time::Text(time.to_owned()) };
            let (head, tags) = match path.split_once(';') {
                Some((head, tags)) => (head, tags.split(';').collect()),
                None => (path, Vec::new()),
            };
            let is_tag = |tag: &&str| tag.char_indices().any(|(at, letter)| at > 0 && letter == '=');
            (!head.is_empty() && tags.iter().all(is_tag)).then_some(())?;
            let mut tags: Vec<String> = tags.into_iter().map(|tag| format!(";{tag}")).collect();
            tags.sort();
            Some(Line::Samples { time, cells: vec![Cell { head: head.to_owned(), tail: tags.concat(), number }] })
        };
        read().unwrap_or(Line::Bad)
    }
}

/// Whether a first line is known by its three parts.
pub(crate) fn is_first(line: &[u8]) -> bool {
    let Line::Samples { time, cells } = Graphite.line(line) else { return false };
    let path = &cells[0].name();
    let is_now = match time {
        Time::Text(time) => number(&time).is_some_and(|time| (5e8..=4_294_967_296.0).contains(&time)),
        _ => true,
    };
    is_now && path.contains(|letter: char| letter.is_ascii_alphabetic()) && number(path).is_none()
}

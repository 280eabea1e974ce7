//! Target `statsd`: see `telemetry.rs`.

use crate::telemetry::{self, Cell, Line, Plain, Time, is_time, number};
use evenkeel_cli::probe::Format;

pub fn check(bytes: &[u8]) {
    telemetry::check::<Statsd>(bytes);
}

#[derive(Clone, Default)]
pub(crate) struct Statsd;

impl Plain for Statsd {
    const FORMAT: Format = Format::Statsd;
    const HAS_ZEROS: bool = true;
    const HAS_TIMES: bool = false;

    fn line(&mut self, line: &[u8]) -> Line {
        let is_other = [&b"#"[..], b"_e{", b"_sc|"].iter().any(|start| line.starts_with(start));
        if is_other { Line::Nothing } else { read(line).unwrap_or(Line::Bad) }
    }
}

fn read(line: &[u8]) -> Option<Line> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, rest) = (std::str::from_utf8(&line[..colon]).ok()?, &line[colon + 1..]);
    (!name.is_empty()).then_some(())?;
    let mut fields = rest.split(|byte| *byte == b'|');
    let (values, kind) = (fields.next()?, fields.next()?);
    let (mut rate, mut tags, mut time) = (1.0, &b""[..], Time::Arrival);
    for field in fields {
        match field.split_first() {
            Some((b'@', digits)) => {
                rate = number(std::str::from_utf8(digits).ok()?).filter(|rate| *rate > 0.0 && *rate <= 1.0)?;
            }
            Some((b'#', list)) => tags = list,
            Some((b'T', digits)) => {
                if let Some(digits) = std::str::from_utf8(digits).ok().filter(|digits| is_time(digits)) {
                    time = Time::Text(digits.to_owned());
                }
            }
            _ => {}
        }
    }
    let mut tail = String::new();
    if !tags.is_empty() {
        let mut tags: Vec<&str> = std::str::from_utf8(tags).ok()?.split(',').filter(|tag| !tag.is_empty()).collect();
        tags.sort_unstable();
        tail = format!("|#{}", tags.join(","));
    }
    let mut cells = Vec::new();
    for value in values.split(|byte| *byte == b':') {
        let number = || number(std::str::from_utf8(value).ok()?).filter(|number| number.is_finite());
        let number = match kind {
            b"s" => None,
            b"g" if value.starts_with(b"+") || value.starts_with(b"-") => number().map(|_| None)?,
            b"g" | b"ms" | b"h" | b"d" => Some(number()?),
            b"c" | b"m" => Some(number()? / rate),
            _ => return None,
        };
        cells.push(Cell { head: name.to_owned(), tail: tail.clone(), number });
    }
    Some(Line::Samples { time, cells })
}

/// Whether a first line is a sample.
pub(crate) fn is_first(line: &[u8]) -> bool {
    matches!(Statsd.line(line), Line::Samples { .. })
}

//! Points in, points out: the influx line protocol.
//!
//! The fields that are added go behind those of the line, before its timestamp; nothing else is touched. A series is the
//! measurement, the tags in order, and the field: as text, `cpu,core=1,host=a usage`. Blank lines and comments are passed
//! on, because readers of the protocol skip them.

use super::follow::Sample;
use super::names::{Choice, ENDINGS};
use super::stream::Stream;
use crate::failure::Failure;
use crate::formats::{Broken, Found, Lines, Point, Value};
use std::ops::Range;

/// Reads all lines, whose timestamps count in so many nanoseconds.
pub(super) fn run(lines: &mut Lines, nanoseconds: i64, stream: &mut Stream) -> Result<(), Failure> {
    let mut points = Points::default();
    // Lines before this one have been read already by a line with an open string, which they did not close.
    let mut explored = 0;
    loop {
        match lines.advance(&mut |need| stream.before_read(need))? {
            Found::End => return Ok(()),
            Found::TooLong => {
                stream.drop(lines, "the line is too long")?;
                continue;
            }
            Found::Line => {}
        }
        let text = lines.current().trim_ascii_start();
        if text.is_empty() || text.starts_with(b"#") {
            stream.pass(lines)?;
            continue;
        }
        let mut read = points.point.read(lines.current());
        // What begins in one of those lines would go on as it went on there, and nothing has to be read again and again.
        let is_open = |read: &Result<(), Broken>| *read == Err(Broken::Unclosed);
        while is_open(&read) && lines.number() >= explored && !lines.is_beyond_reach() {
            match lines.append(&mut |need| stream.before_read(need)) {
                Ok(Some(_)) => read = points.point.resume(lines.current()),
                Ok(None) => break,
                Err(_) if stream.gives_up() => break,
                Err(failure) => return Err(failure),
            }
        }
        if let Err(broken) = read {
            // An open string must not take good lines with it: each of those is read for itself.
            explored = explored.max(lines.number() + lines.count() - 1);
            lines.keep_first();
            stream.drop(lines, broken)?;
            continue;
        }
        match points.point.time.map(|time| time.checked_mul(nanoseconds)) {
            Some(None) => stream.drop(lines, "the timestamp is too far away for nanoseconds of 64 bits")?,
            Some(time) => points.write(lines, time, stream)?,
            None => points.write(lines, stream.arrival(), stream)?,
        }
    }
}

/// One point after the other, in memory that stays.
#[derive(Debug, Default)]
struct Points {
    point: Point,
    choice: Choice,
    /// The tags in order, where the line has them otherwise.
    tags: Vec<usize>,
    /// The name of a series.
    name: String,
}

impl Points {
    /// Follows a point, and writes it.
    fn write(&mut self, lines: &Lines, time: Option<i64>, stream: &mut Stream) -> Result<(), Failure> {
        let raw = lines.raw();
        let (before, behind) = raw.split_at(self.point.fields_end);
        let Some(text) = Text::of(before, &self.point) else {
            return stream.drop(lines, "the name of a series is not UTF-8");
        };
        self.set_series(&text);
        let Self { point, choice, name, .. } = self;
        let name_of = |field: usize| point.fields.get(field).map_or(&b""[..], |field| &raw[field.name.clone()]);
        let is_number = |field: usize| point.fields.get(field).is_some_and(|field| field.value != Value::Other);
        choice.choose(point.fields.len(), name_of, is_number);
        stream.left_alone += choice.left_alone();

        stream.put(before);
        let series = name.len();
        for (index, field) in point.fields.iter().enumerate() {
            if !choice.is_followed(index) {
                continue;
            }
            #[allow(clippy::cast_precision_loss)] // a float is what is followed
            let value = match field.value {
                Value::Float(number) => number,
                Value::Integer(number) => number as f64,
                Value::Unsigned(number) => number as f64,
                Value::Other => continue,
            };
            let field = text.part(&field.name);
            name.truncate(series);
            name.push_str(field);
            let Some(seen) = stream.update(name, Sample { value, time })? else { continue };
            for (ending, number) in ENDINGS.into_iter().zip(seen) {
                if number.is_finite() {
                    stream.put(b",");
                    stream.put(field.as_bytes());
                    stream.put(ending.as_bytes());
                    stream.put(b"=");
                    stream.put_number(number);
                }
            }
        }
        stream.put(behind);
        stream.end(lines)
    }

    /// Puts measurement and tags, in order, at the beginning of the name.
    fn set_series(&mut self, text: &Text<'_>) {
        let Self { point, tags, name, .. } = self;
        let tag = |index: usize| point.tags.get(index).map_or("", |tag| text.part(tag));
        name.clear();
        if (1..point.tags.len()).all(|index| tag(index - 1) <= tag(index)) {
            name.push_str(text.part(&point.series));
        } else {
            tags.clear();
            tags.extend(0..point.tags.len());
            tags.sort_unstable_by(|a, b| tag(*a).cmp(tag(*b)));
            let measurement = point.series.start..point.tags.first().map_or(point.series.end, |tag| tag.start - 1);
            name.push_str(text.part(&measurement));
            for index in tags {
                name.push(',');
                name.push_str(tag(*index));
            }
        }
        name.push(' ');
    }
}

/// The names in a line, which are text.
enum Text<'a> {
    /// All of the line is.
    Whole(&'a str),
    /// The strings in it are not.
    Names(&'a [u8]),
}

impl<'a> Text<'a> {
    fn of(line: &'a [u8], point: &Point) -> Option<Self> {
        if let Ok(line) = std::str::from_utf8(line) {
            return Some(Self::Whole(line));
        }
        let is_text =
            |place: &Range<usize>| line.get(place.clone()).is_some_and(|part| std::str::from_utf8(part).is_ok());
        (is_text(&point.series) && point.fields.iter().all(|field| is_text(&field.name))).then_some(Self::Names(line))
    }

    #[inline]
    fn part(&self, place: &Range<usize>) -> &'a str {
        match self {
            Self::Whole(line) => line.get(place.clone()),
            Self::Names(line) => line.get(place.clone()).and_then(|part| std::str::from_utf8(part).ok()),
        }
        .unwrap_or_default()
    }
}

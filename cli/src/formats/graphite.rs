//! The plaintext protocol of Graphite: `path value time`, in seconds since 1970.
//!
//! A series is the path with its tags in order, as Carbon sorts them: `disk.used;host=a;mount=/`. The time -1 is that of arrival. A
//! value may be `nan`, which is a missing sample.

use super::telemetry::{Cell, Grammar, Parts, Stamp, Telemetry, What, behind_blanks, is_time, word};
use std::ops::{Range, RangeInclusive};

/// The reader of the format.
pub(crate) type Graphite = Telemetry<Line>;

/// The times in seconds by which a line is known: from 1985 to 2106.
const TIMES: RangeInclusive<f64> = 5e8..=4_294_967_296.0;

/// The grammar of a line.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// The tags of the line, to be sorted.
    tags: Vec<Range<usize>>,
}

impl Grammar for Line {
    const ENDINGS: &'static [&'static str] = &["graphite"];
    const BEFORE_NUMBER: &'static str = " ";
    const BEHIND_NUMBER: &'static str = " ";

    fn looks_like(first: &[u8]) -> bool {
        let mut parts = Parts::default();
        let is_line = Self::default().read(first, &mut parts) == Ok(What::Samples);
        let path = first.get(word(first, 0)).unwrap_or_default();
        // A table of numbers has one in its first column, too.
        let is_name = fast_float2::parse::<f64, _>(path).is_err() && path.iter().any(u8::is_ascii_alphabetic);
        let is_now = match &parts.time {
            Stamp::Text(place) => fast_float2::parse::<f64, _>(first.get(place.clone()).unwrap_or_default())
                .is_ok_and(|time| TIMES.contains(&time)),
            Stamp::Arrival | Stamp::Row(_) => true,
        };
        is_line && is_name && is_now
    }

    fn read(&mut self, line: &[u8], parts: &mut Parts) -> Result<What, String> {
        if line.starts_with(b"#") {
            return Ok(What::Nothing);
        }
        let path = word(line, 0);
        let value = word(line, behind_blanks(line, path.end));
        let time = word(line, behind_blanks(line, value.end));
        if time.is_empty() || time.end < line.len() {
            return Err("a line has three parts: the path, the value and the time".to_owned());
        }
        let text = |place: &Range<usize>| line.get(place.clone()).unwrap_or_default();
        let number = fast_float2::parse(text(&value)).map_err(|_| "the value is no number".to_owned())?;
        if !is_time(text(&time)) {
            return Err("the time is no number of seconds since 1970".to_owned());
        }
        parts.time = match text(&time) {
            b"-1" => Stamp::Arrival,
            _ => Stamp::Text(time.clone()),
        };
        let name_end = text(&path).iter().position(|byte| *byte == b';').unwrap_or(path.end);
        if name_end == 0 {
            return Err("there is no path".to_owned());
        }
        parts.tail = time;
        let mut name = path.clone();
        if name_end < path.end {
            self.split_tags(line, name_end..path.end)?;
            let tag = |tag: &Range<usize>| line.get(tag.clone()).unwrap_or_default();
            if !self.tags.is_sorted_by(|a, b| tag(a) <= tag(b)) {
                self.tags.sort_by(|a, b| tag(a).cmp(tag(b)));
                let sorted = self.tags.iter().flat_map(|place| [b";", tag(place)]).collect::<Vec<_>>().concat();
                let all = [line.get(..name_end).unwrap_or_default(), &sorted].concat();
                parts.built = String::from_utf8(all).map_err(|_| "the name of a series is not UTF-8".to_owned())?;
                parts.is_built = true;
                name = 0..parts.built.len();
            }
        }
        let key = 0..name_end;
        parts.middle = name_end..name.end;
        parts.cells.push(Cell { name, ending_at: name_end, key, number: Some(number) });
        Ok(What::Samples)
    }

    fn is_counter(&self, _: &[u8]) -> Option<bool> {
        None
    }
}

impl Line {
    /// Finds the tags, each of which follows a semicolon.
    fn split_tags(&mut self, line: &[u8], place: Range<usize>) -> Result<(), String> {
        self.tags.clear();
        let mut at = place.start + 1;
        for tag in line.get(at..place.end).unwrap_or_default().split(|byte| *byte == b';') {
            if !tag.iter().skip(1).any(|byte| *byte == b'=') {
                return Err("a tag is no name=value".to_owned());
            }
            self.tags.push(at..at + tag.len());
            at += tag.len() + 1;
        }
        Ok(())
    }
}

//! Lines of StatsD: `name:value|type|@rate|#tags`, with what DogStatsD adds to it.
//!
//! A series is the name with its tags in order, `page.views|#env:prod,host:a`. Several values between colons are samples one after
//! the other. A counter (`c`, `m`) has what was added, divided by the rate at which that is sampled: no running total. A
//! set (`s`) has no numbers, and a gauge with a sign is a change of one that is not here: both are passed over. Lines have no time,
//! unless it is DogStatsD's `T1700000000`; its events and checks are passed over.

use super::telemetry::{Cell, Grammar, Parts, Stamp, Telemetry, What, is_time};
use std::ops::Range;

/// The reader of the format.
pub(crate) type Statsd = Telemetry<Line>;

const CHANGES: &str = "gauges with a sign are changes of what they were, which are no samples: they are passed over";
const SETS: &str = "sets (`s`) count different values, which are no samples: they are passed over";

/// The grammar of a line.
#[derive(Debug, Default)]
pub(crate) struct Line;

impl Grammar for Line {
    const ENDINGS: &'static [&'static str] = &["statsd"];
    const BEFORE_NUMBER: &'static str = ":";
    const BEHIND_NUMBER: &'static str = "|g";
    const SIGNS_ARE_CHANGES: bool = true;

    fn looks_like(first: &[u8]) -> bool {
        Self.read(first, &mut Parts::default()) == Ok(What::Samples)
    }

    fn read(&mut self, line: &[u8], parts: &mut Parts) -> Result<What, String> {
        if line.starts_with(b"#") || line.starts_with(b"_e{") || line.starts_with(b"_sc|") {
            return Ok(What::Nothing);
        }
        let colon = memchr::memchr(b':', line).filter(|at| *at > 0).ok_or("there is no name with a colon behind it")?;
        let mut fields = Fields { line, at: colon + 1 };
        let values = fields.next().unwrap_or(colon + 1..line.len());
        let kind = fields.next().and_then(|kind| line.get(kind)).ok_or("there is no type behind the value")?;
        let (mut rate, mut tags) = (1.0, None);
        for field in fields {
            match line.get(field.clone()).unwrap_or_default() {
                [b'@', digits @ ..] => {
                    let found = fast_float2::parse::<f64, _>(digits).ok().filter(|rate| *rate > 0.0 && *rate <= 1.0);
                    rate = found.ok_or("the rate is no number from 0 to 1")?;
                }
                [b'#', ..] => tags = Some(field),
                [b'T', digits @ ..] if is_time(digits) => parts.time = Stamp::Text(field.start + 1..field.end),
                // Where it comes from, and what later versions may add.
                _ => {}
            }
        }
        let name = self.name(line, colon, tags.as_ref(), parts)?;
        parts.tail = tags.map_or(0..0, |tags| tags.start - 1..tags.end);
        let all = line.get(values).unwrap_or_default();
        for value in all.split(|byte| *byte == b':') {
            let number = match kind {
                b"s" => {
                    parts.note = Some(SETS);
                    None
                }
                b"g" if matches!(value, [b'+' | b'-', ..]) => {
                    finite(value)?;
                    parts.note = Some(CHANGES);
                    None
                }
                b"c" | b"m" => Some(finite(value)? / rate),
                b"g" | b"ms" | b"h" | b"d" => Some(finite(value)?),
                _ => return Err("the type is none of c, g, ms, h, d, m and s".to_owned()),
            };
            let (name, key) = (name.clone(), 0..colon);
            parts.cells.push(Cell { name, ending_at: colon, key, number });
        }
        Ok(What::Samples)
    }

    /// A counter has increments.
    fn is_counter(&self, _: &[u8]) -> Option<bool> {
        Some(false)
    }
}

impl Line {
    /// The place of the name of the series, with the tags in order behind it.
    fn name(
        &self,
        line: &[u8],
        colon: usize,
        tags: Option<&Range<usize>>,
        parts: &mut Parts,
    ) -> Result<Range<usize>, String> {
        let Some(tags) = tags.filter(|tags| tags.len() > 1) else { return Ok(0..colon) };
        let text = line.get(tags.start + 1..tags.end).unwrap_or_default();
        let mut sorted: Vec<&[u8]> = text.split(|byte| *byte == b',').filter(|tag| !tag.is_empty()).collect();
        sorted.sort_unstable();
        let name = [line.get(..colon).unwrap_or_default(), b"|#", &sorted.join(&b',')].concat();
        parts.built = String::from_utf8(name).map_err(|_| "the name of a series is not UTF-8")?;
        parts.is_built = true;
        Ok(0..parts.built.len())
    }
}

/// The number of a value.
fn finite(value: &[u8]) -> Result<f64, String> {
    let number = fast_float2::parse::<f64, _>(value).ok().filter(|number| number.is_finite());
    number.ok_or_else(|| "a value is no number".to_owned())
}

/// The places of what stands between bars.
struct Fields<'a> {
    line: &'a [u8],
    at: usize,
}

impl Iterator for Fields<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.line.get(self.at..)?;
        let end = self.at + memchr::memchr(b'|', rest).unwrap_or(rest.len());
        let field = self.at..end;
        self.at = end + 1;
        Some(field)
    }
}

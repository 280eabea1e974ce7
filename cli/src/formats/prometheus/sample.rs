//! A line with a sample to its parts: where the name of the series is, and the number, and the time.
//!
//! Most programs write labels in order and without blanks, and then the name of the series is the line up to the closing
//! brace. Only labels that are written in another way are put together anew.

use super::super::telemetry::{Parts, behind_blanks, behind_quote, is_time, word};
use super::known::Known;
use super::labels::{self, is_label, is_name, name};
use std::ops::Range;

/// The parts of a line with a sample.
#[derive(Debug)]
pub(super) struct Sample {
    /// The place of the name of the series: in the line, or in what was built of it.
    pub(super) name: Range<usize>,
    /// The place in it where the name of the metric ends.
    pub(super) ending_at: usize,
    pub(super) number: f64,
    /// The place of the timestamp; empty where there is none.
    pub(super) time: Range<usize>,
    pub(super) has_labels: bool,
}

impl Sample {
    /// Reads a line, which has no blanks around it.
    #[inline]
    pub(super) fn read(line: &[u8], known: &mut Known, parts: &mut Parts) -> Result<Self, String> {
        let (labels_end, name, ending_at, has_labels) = if let Some((name, metric_end)) = known.find(line) {
            parts.built.push_str(name);
            parts.is_built = true;
            (name.len(), 0..name.len(), metric_end, name.len() > metric_end)
        } else {
            let metric_end = name(line, 0, is_name);
            let (labels_end, name, ending_at) = match labels_in_order(line, metric_end) {
                Some(end) => {
                    known.add(line.get(..end).unwrap_or_default(), metric_end);
                    (end, 0..end, metric_end)
                }
                None => labels::build(line, metric_end, parts)?,
            };
            (labels_end, name, ending_at, labels_end > metric_end)
        };
        let start = behind_blanks(line, labels_end);
        if start == labels_end && !has_labels {
            return Err("there is no value behind a name".to_owned());
        }
        let (number, length) = match fast_float2::parse_partial::<f64, _>(line.get(start..).unwrap_or_default()) {
            Ok((number, length)) if length > 0 => (number, length),
            _ => return Err(no_number(line, start)),
        };
        let end = start + length;
        if end == line.len() {
            return Ok(Self { name, ending_at, number, time: end..end, has_labels });
        }
        if !matches!(line.get(end), Some(b' ' | b'\t')) {
            return Err(no_number(line, start));
        }
        let mut time = word(line, behind_blanks(line, end));
        let mut next = time.clone();
        if line.get(time.start) == Some(&b'#') {
            time = end..end;
        } else {
            if !line.get(time.clone()).is_some_and(is_time) {
                return Err("the timestamp is no number".to_owned());
            }
            next = word(line, behind_blanks(line, time.end));
        }
        if next.start < line.len() && line.get(next.start) != Some(&b'#') {
            return Err("there is something behind the timestamp that is no exemplar".to_owned());
        }
        Ok(Self { name, ending_at, number, time, has_labels })
    }
}

/// The words for a value that is no number.
#[cold]
fn no_number(line: &[u8], start: usize) -> String {
    match line.get(start) {
        None => "there is no value".to_owned(),
        Some(b'{') => "the value is a native histogram, which is no number".to_owned(),
        Some(_) => "the value is no number".to_owned(),
    }
}

/// The place behind the labels of a name that ends here, or the name, where there are none; `None` if they are not in order, or
/// not written as Prometheus writes them.
#[inline]
fn labels_in_order(line: &[u8], metric_end: usize) -> Option<usize> {
    match line.get(metric_end) {
        _ if metric_end == 0 => return None,
        Some(b'{') => {}
        Some(b' ') if line.get(behind_blanks(line, metric_end)) != Some(&b'{') => return Some(metric_end),
        _ => return None,
    }
    let (mut at, mut last) = (metric_end + 1, &b""[..]);
    loop {
        let end = name(line, at, is_label);
        let label = line.get(at..end)?;
        // Names differ in their first letters: byte by byte is faster than a call.
        if line.get(end..end + 2)? != b"=\"" || label.iter().le(last.iter()) || label == b"__name__" {
            return None;
        }
        let value = end + 2;
        at = behind_quote(line, value)?;
        if at == value + 1 {
            return None;
        }
        last = label;
        match line.get(at)? {
            b',' => at += 1,
            b'}' => return Some(at + 1),
            _ => return None,
        }
    }
}

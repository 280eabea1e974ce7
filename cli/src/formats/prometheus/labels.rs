//! Labels in any order and form to the name of a series, as Prometheus would write it.
//!
//! Labels are sorted by their names, and those without a value are left out, which are as good as none. The name of the metric may
//! stand before the brace, or within it: alone and in quotes, as Prometheus 3 writes names of any letters, or as the label
//! `__name__`, as `promtool tsdb dump` does.

use super::super::telemetry::{NOT_UTF8, Parts, behind_blanks, behind_quote};
use std::ops::Range;

/// A label: its name and its value as they are written, without quotes.
struct Label<'a> {
    name: &'a [u8],
    value: &'a [u8],
}

/// Whether a byte may be in the name of a metric.
#[inline]
pub(super) fn is_name(byte: u8) -> bool {
    NAME[usize::from(byte)]
}

/// Whether a byte may be in the name of a label.
#[inline]
pub(super) fn is_label(byte: u8) -> bool {
    NAME[usize::from(byte)] && byte != b':'
}

/// The bytes of names: a table is faster than what it is made of.
const NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
        byte += 1;
    }
    table
};

/// The end of the name that begins here: here, if there is none.
#[inline]
pub(super) fn name(line: &[u8], at: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let rest = line.get(at..).unwrap_or_default();
    let length = rest.iter().position(|byte| !is_part(*byte)).unwrap_or(rest.len());
    if rest.first().is_some_and(u8::is_ascii_digit) { at } else { at + length }
}

/// Builds the name of the series of a line whose metric ends here if it stands first. Returns the place behind the labels, the
/// place of the name in what was built, and where the name of the metric ends in it.
#[cold]
pub(super) fn build(line: &[u8], metric_end: usize, parts: &mut Parts) -> Result<(usize, Range<usize>, usize), String> {
    let mut metric = line.get(..metric_end).filter(|metric| !metric.is_empty());
    let brace = behind_blanks(line, metric_end);
    let mut labels = Vec::new();
    let end = match (line.get(brace), metric) {
        (Some(b'{'), _) => read(line, brace + 1, &mut metric, &mut labels)?,
        (_, Some(_)) => metric_end,
        (_, None) => return Err("there is no name".to_owned()),
    };
    let metric = metric.filter(|metric| !metric.is_empty()).ok_or("there is no name")?;
    labels.sort_by(|a, b| a.name.cmp(b.name));
    if labels.windows(2).any(|pair| matches!(pair, [a, b] if a.name == b.name)) {
        return Err("a label is there twice".to_owned());
    }
    labels.retain(|label| !label.value.is_empty());
    let mut text = Vec::with_capacity(line.len());
    let is_bare = is_whole(metric, is_name);
    if is_bare {
        text.extend_from_slice(metric);
    } else {
        text.extend([b"{\"", metric].concat());
    }
    let ending_at = text.len();
    if !is_bare {
        text.push(b'"');
    }
    let mut before = if is_bare { b'{' } else { b',' };
    for Label { name, value } in &labels {
        text.push(before);
        let quote = if is_whole(name, is_label) { &b""[..] } else { b"\"" };
        text.extend([quote, name, quote, b"=\"", value, b"\""].concat());
        before = b',';
    }
    if before == b',' {
        text.push(b'}');
    }
    parts.built = String::from_utf8(text).map_err(|_| NOT_UTF8)?;
    parts.is_built = true;
    Ok((end, 0..parts.built.len(), ending_at))
}

/// Whether a name needs no quotes.
fn is_whole(text: &[u8], is_part: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && name(text, 0, is_part) == text.len()
}

/// Reads the labels from behind the opening brace. Returns the place behind the closing one.
fn read<'a>(
    line: &'a [u8],
    mut at: usize,
    metric: &mut Option<&'a [u8]>,
    labels: &mut Vec<Label<'a>>,
) -> Result<usize, String> {
    loop {
        at = behind_blanks(line, at);
        if line.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        let is_quoted = line.get(at) == Some(&b'"');
        let (name, end) = if is_quoted {
            quoted(line, at)?
        } else {
            let end = name(line, at, is_label);
            (line.get(at..end).unwrap_or_default(), end)
        };
        at = behind_blanks(line, end);
        if line.get(at) == Some(&b'=') {
            let (value, end) = quoted(line, behind_blanks(line, at + 1))?;
            at = end;
            match name {
                b"" => return Err("a label has no name".to_owned()),
                b"__name__" if metric.is_none() => *metric = Some(value),
                _ => labels.push(Label { name, value }),
            }
        } else if is_quoted && metric.is_none() {
            *metric = Some(name);
        } else {
            return Err("a label has no value".to_owned());
        }
        at = behind_blanks(line, at);
        match line.get(at) {
            Some(b',') => at += 1,
            Some(b'}') => return Ok(at + 1),
            _ => return Err("labels are not closed by a brace".to_owned()),
        }
    }
}

/// What stands in the quotes that begin here, and the place behind them.
fn quoted(line: &[u8], at: usize) -> Result<(&[u8], usize), String> {
    if line.get(at) != Some(&b'"') {
        return Err("the value of a label is not in quotes".to_owned());
    }
    let end = behind_quote(line, at + 1).ok_or("a quote is opened and never closed")?;
    Ok((line.get(at + 1..end - 1).unwrap_or_default(), end))
}

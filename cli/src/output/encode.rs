//! Rows to text, as CSV or NDJSON.
//!
//! Lines are put together by hand in one buffer, names encoded once per series and times once per row of the input:
//! with millions of rows, this is where the time goes.

use super::line_buffer::LineBuffer;
use super::relay::LARGE;
use crate::samples::TimeType;
use crate::text::number;
use crate::text::quote::{push_field, push_string};
use evenkeel::Update;

const HEADER: &[u8] = b"time,series,value,location,scale,score,outlier\n";

/// Some rows on their way to the output.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The type of the times, where these are the first rows and the header goes before them.
    pub(super) header: Option<TimeType>,
    /// Whether everything is to be written after these rows.
    pub(super) flush: bool,
    /// The bytes of the rows as lines, by an estimate.
    pub(super) size: usize,
    /// Names of new series, where whoever writes wants them.
    pub(super) names: Vec<String>,
    pub(super) times: Times,
    pub(super) rows: Vec<Row>,
    /// The rows as lines, once they have been encoded.
    pub(super) encoded: LineBuffer,
    /// Room for the time that lines begin with, encoded.
    start: Vec<u8>,
}

/// The times of a batch, one after the other in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct Times {
    text: Vec<u8>,
    /// Per time: the end of its text, and whether it is a number in JSON.
    pub(super) ends: Vec<(usize, bool)>,
}

impl Times {
    /// Adds a time.
    #[inline]
    pub(super) fn push(&mut self, text: &[u8], is_number: bool) {
        self.text.extend_from_slice(text);
        self.ends.push((self.text.len(), is_number));
    }

    /// Takes back the last time.
    pub(super) fn pop(&mut self) {
        self.ends.pop();
        self.text.truncate(self.ends.last().map_or(0, |&(end, _)| end));
    }

    /// The text of a time, and whether it is a number in JSON.
    pub(super) fn get(&self, index: usize) -> (&[u8], bool) {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |&(end, _)| end);
        let &(end, is_number) = self.ends.get(index).unwrap_or(&(start, false));
        (self.text.get(start..end).unwrap_or_default(), is_number)
    }
}

/// One row of the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The index of its time in the batch.
    pub(super) time: usize,
    pub(super) series: usize,
    pub(super) value: f64,
    pub(super) seen: Update<f64>,
}

impl Batch {
    /// Copies all but lines into an empty batch.
    pub(super) fn copy_to(&self, to: &mut Self) {
        (to.header, to.flush, to.size) = (self.header, self.flush, self.size);
        to.names.extend_from_slice(&self.names);
        to.times.text.extend_from_slice(&self.times.text);
        to.times.ends.extend_from_slice(&self.times.ends);
        to.rows.extend_from_slice(&self.rows);
    }

    /// Empties the batch; its memory stays.
    pub(super) fn clear(&mut self) {
        (self.header, self.flush, self.size) = (None, false, 0);
        self.names.clear();
        self.times.text.clear();
        self.times.text.shrink_to(LARGE);
        self.times.ends.clear();
        self.rows.clear();
        self.encoded.clear();
    }
}

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    Csv,
    Ndjson,
}

impl Notation {
    /// The name of a series as it stands behind a time.
    pub(super) fn name(self, name: &str) -> Box<[u8]> {
        let mut encoded = Vec::new();
        match self {
            Self::Csv => {
                encoded.push(b',');
                push_field(&mut encoded, name.as_bytes());
                encoded.push(b',');
            }
            Self::Ndjson => {
                encoded.extend_from_slice(b",\"series\":");
                push_string(&mut encoded, name.as_bytes());
            }
        }
        encoded.into()
    }

    /// Encodes the rows of a batch. `names` has the [encoded](Self::name) name of every series.
    pub(super) fn encode(self, batch: &mut Batch, names: &[Box<[u8]>]) {
        let Batch { header, times, rows, encoded, start, .. } = batch;
        if header.is_some() && self == Self::Csv {
            encoded.put(HEADER);
        }
        let mut present = None;
        for row in rows {
            if present != Some(row.time) {
                present = Some(row.time);
                self.set_time(times.get(row.time), start);
            }
            // The time and the name of the series.
            encoded.put(start);
            encoded.put(names.get(row.series).map_or(&b""[..], |name| name));
            match self {
                Self::Csv => csv(row, encoded),
                Self::Ndjson => ndjson(row, encoded),
            }
        }
    }

    /// Encodes a time, which may be a number in JSON.
    fn set_time(self, (text, is_number): (&[u8], bool), start: &mut Vec<u8>) {
        start.clear();
        match self {
            Self::Csv => push_field(start, text),
            Self::Ndjson => {
                start.extend_from_slice(b"{\"time\":");
                match text {
                    b"" => start.extend_from_slice(b"null"),
                    number if is_number => start.extend_from_slice(number),
                    text => push_string(start, text),
                }
            }
        }
    }
}

#[inline]
fn csv(row: &Row, out: &mut LineBuffer) {
    let mut texts = std::array::from_fn(|_| zmij::Buffer::new());
    for number in numbers(row, &mut texts, number::csv) {
        out.put_ended(number.as_bytes(), b',');
    }
    out.put(if row.seen.outlier { b"1\n" } else { b"0\n" });
}

#[inline]
fn ndjson(row: &Row, out: &mut LineBuffer) {
    let members = [",\"value\":", ",\"location\":", ",\"scale\":", ",\"score\":"];
    let mut texts = std::array::from_fn(|_| zmij::Buffer::new());
    for (member, number) in members.into_iter().zip(numbers(row, &mut texts, number::json)) {
        out.put(member.as_bytes());
        out.put(number.as_bytes());
    }
    let outlier = if row.seen.outlier { ",\"outlier\":true}\n" } else { ",\"outlier\":false}\n" };
    out.put(outlier.as_bytes());
}

/// The numbers of a row as text. All four are made before the first is copied: a byte that was only just written is slow to
/// read.
#[inline]
fn numbers<'a>(
    row: &Row,
    [a, b, c, d]: &'a mut [zmij::Buffer; 4],
    text: impl Fn(f64, &'a mut zmij::Buffer) -> &'a str,
) -> [&'a str; 4] {
    let Update { location, scale, score, .. } = row.seen;
    [text(row.value, a), text(location, b), text(scale, c), text(score, d)]
}

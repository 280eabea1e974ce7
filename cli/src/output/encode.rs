//! Rows to text, as CSV or NDJSON.
//!
//! Lines are put together by hand in one buffer, names encoded once per series and times once per row of the input:
//! with millions of rows, this is where the time goes.

use super::line_buffer::LineBuffer;
use super::target::Target;
use crate::failure::Failure;
use crate::samples::TimeType;
use crate::text::number;
use crate::text::quote::{push_field, push_string};
use evenkeel::Update;

const HEADER: &[u8] = b"time,series,value,location,scale,score,outlier\n";
/// Least bytes that are written at once, unless there are no more.
const CHUNK: usize = 128 << 10;

/// Some rows on their way to the output.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The type of the times, where these are the first rows and the header goes before them.
    pub(super) header: Option<TimeType>,
    /// Whether everything is to be written after these rows.
    pub(super) flush: bool,
    /// Names of new series.
    pub(super) names: Vec<String>,
    pub(super) times: Times,
    pub(super) rows: Vec<Row>,
}

/// The times of a batch, one after the other in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct Times {
    pub(super) text: Vec<u8>,
    /// Per time: the end of its text, and whether it is a number in JSON.
    pub(super) ends: Vec<(usize, bool)>,
}

impl Times {
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
    /// Empties the batch; its memory stays.
    pub(super) fn clear(&mut self) {
        (self.header, self.flush) = (None, false);
        self.names.clear();
        self.times.text.clear();
        self.times.ends.clear();
        self.rows.clear();
    }
}

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    Csv,
    Ndjson,
}

/// Encodes rows and writes them to a target.
#[derive(Debug)]
pub(super) struct Encoder {
    notation: Notation,
    target: Target,
    lines: LineBuffer,
    /// The time of the present row, encoded: what its line begins with.
    start: Vec<u8>,
    /// Per series: its name, encoded, which follows the time.
    names: Vec<Box<[u8]>>,
}

impl Encoder {
    pub(super) fn new(notation: Notation, target: Target) -> Self {
        Self { notation, target, lines: LineBuffer::new(2 * CHUNK), start: Vec::new(), names: Vec::new() }
    }

    /// Encodes a batch, and writes if there is enough or if the batch says so.
    pub(super) fn batch(&mut self, batch: &Batch) -> Result<(), Failure> {
        if batch.header.is_some() && self.notation == Notation::Csv {
            self.lines.put(HEADER);
        }
        for name in &batch.names {
            self.add_series(name);
        }
        let mut present = None;
        for row in &batch.rows {
            if present != Some(row.time) {
                present = Some(row.time);
                self.set_time(&batch.times, row.time);
            }
            self.row(row);
            if self.lines.len() >= CHUNK {
                self.write()?;
            }
        }
        if batch.flush { self.write() } else { Ok(()) }
    }

    /// Writes the rest and returns the target.
    pub(super) fn finish(mut self) -> Result<Target, Failure> {
        self.write()?;
        Ok(self.target)
    }

    fn write(&mut self) -> Result<(), Failure> {
        if self.lines.len() > 0 {
            self.target.write(self.lines.as_bytes())?;
            self.lines.clear();
        }
        Ok(())
    }

    fn add_series(&mut self, name: &str) {
        let mut encoded = Vec::new();
        match self.notation {
            Notation::Csv => {
                encoded.push(b',');
                push_field(&mut encoded, name.as_bytes());
                encoded.push(b',');
            }
            Notation::Ndjson => {
                encoded.extend_from_slice(b",\"series\":");
                push_string(&mut encoded, name.as_bytes());
            }
        }
        self.names.push(encoded.into());
    }

    fn set_time(&mut self, times: &Times, index: usize) {
        self.start.clear();
        let (text, is_number) = times.get(index);
        match self.notation {
            Notation::Csv => push_field(&mut self.start, text),
            Notation::Ndjson => {
                self.start.extend_from_slice(b"{\"time\":");
                match text {
                    b"" => self.start.extend_from_slice(b"null"),
                    number if is_number => self.start.extend_from_slice(number),
                    text => push_string(&mut self.start, text),
                }
            }
        }
    }

    #[inline]
    fn row(&mut self, row: &Row) {
        let lines = &mut self.lines;
        let Row { value, seen, .. } = row;
        // All four are made before the first is copied: a byte that was only just written is slow to read.
        let [mut a, mut b, mut c, mut d] = std::array::from_fn(|_| zmij::Buffer::new());
        let text = if self.notation == Notation::Csv { number::csv } else { number::json };
        let numbers =
            [text(*value, &mut a), text(seen.location, &mut b), text(seen.scale, &mut c), text(seen.score, &mut d)];
        lines.put(&self.start);
        lines.put(self.names.get(row.series).map_or(&b""[..], |name| name));
        match self.notation {
            Notation::Csv => {
                for number in numbers {
                    lines.put(number.as_bytes());
                    lines.put(b",");
                }
                lines.put(if seen.outlier { b"1\n" } else { b"0\n" });
            }
            Notation::Ndjson => {
                let members = [",\"value\":", ",\"location\":", ",\"scale\":", ",\"score\":"];
                for (member, number) in members.into_iter().zip(numbers) {
                    lines.put(member.as_bytes());
                    lines.put(number.as_bytes());
                }
                let outlier = if seen.outlier { ",\"outlier\":true}\n" } else { ",\"outlier\":false}\n" };
                lines.put(outlier.as_bytes());
            }
        }
    }
}

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
    /// The rows as lines, where they have been encoded already.
    pub(super) encoded: LineBuffer,
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
        self.encoded.clear();
    }
}

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    Csv,
    Ndjson,
}

/// Encodes rows as lines.
#[derive(Debug)]
pub(super) struct Lines {
    notation: Notation,
    /// The time of the present row, encoded: what its line begins with.
    start: Vec<u8>,
    /// Per series: its name, encoded, which follows the time.
    names: Vec<Box<[u8]>>,
}

impl Lines {
    pub(super) fn new(notation: Notation) -> Self {
        Self { notation, start: Vec::new(), names: Vec::new() }
    }

    /// Encodes the rows of a batch, and calls `after` behind each.
    #[inline]
    pub(super) fn rows(
        &mut self,
        batch: &Batch,
        out: &mut LineBuffer,
        mut after: impl FnMut(&mut LineBuffer) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut present = None;
        for row in &batch.rows {
            if present != Some(row.time) {
                present = Some(row.time);
                self.set_time(&batch.times, row.time);
            }
            match self.notation {
                Notation::Csv => self.csv(row, out),
                Notation::Ndjson => self.ndjson(row, out),
            }
            after(out)?;
        }
        Ok(())
    }

    /// Adds a series.
    pub(super) fn add_series(&mut self, name: &str) {
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
    fn csv(&self, row: &Row, out: &mut LineBuffer) {
        self.begin(row.series, out);
        let mut texts = std::array::from_fn(|_| zmij::Buffer::new());
        for number in numbers(row, &mut texts, number::csv) {
            out.put_ended(number.as_bytes(), b',');
        }
        out.put(if row.seen.outlier { b"1\n" } else { b"0\n" });
    }

    #[inline]
    fn ndjson(&self, row: &Row, out: &mut LineBuffer) {
        self.begin(row.series, out);
        let members = [",\"value\":", ",\"location\":", ",\"scale\":", ",\"score\":"];
        let mut texts = std::array::from_fn(|_| zmij::Buffer::new());
        for (member, number) in members.into_iter().zip(numbers(row, &mut texts, number::json)) {
            out.put(member.as_bytes());
            out.put(number.as_bytes());
        }
        let outlier = if row.seen.outlier { ",\"outlier\":true}\n" } else { ",\"outlier\":false}\n" };
        out.put(outlier.as_bytes());
    }

    /// Writes the time and the name of the series.
    #[inline]
    fn begin(&self, series: usize, out: &mut LineBuffer) {
        out.put(&self.start);
        out.put(self.names.get(series).map_or(&b""[..], |name| name));
    }
}

/// Encodes batches and writes them to a target.
#[derive(Debug)]
pub(super) struct Encoder {
    lines: Lines,
    buffer: LineBuffer,
    target: Target,
}

impl Encoder {
    pub(super) fn new(notation: Notation, target: Target) -> Self {
        Self { lines: Lines::new(notation), buffer: LineBuffer::new(2 * CHUNK), target }
    }

    /// Encodes a batch, unless it has been, and writes if there is enough or if the batch says so.
    pub(super) fn batch(&mut self, batch: &Batch) -> Result<(), Failure> {
        let Self { lines, buffer, target } = self;
        if batch.header.is_some() && lines.notation == Notation::Csv {
            buffer.put(HEADER);
        }
        for name in &batch.names {
            lines.add_series(name);
        }
        let least = if batch.flush { 1 } else { CHUNK };
        if batch.encoded.len() > 0 {
            buffer.put(batch.encoded.as_bytes());
        } else {
            lines.rows(batch, buffer, |buffer| write(buffer, target, CHUNK))?;
        }
        write(buffer, target, least)
    }

    /// Writes the rest and returns the target.
    pub(super) fn finish(mut self) -> Result<Target, Failure> {
        write(&mut self.buffer, &mut self.target, 1)?;
        Ok(self.target)
    }
}

/// Writes the buffer, if there are at least so many bytes in it.
#[inline]
fn write(buffer: &mut LineBuffer, target: &mut Target, least: usize) -> Result<(), Failure> {
    if buffer.len() >= least {
        target.write(buffer.as_bytes())?;
        buffer.clear();
    }
    Ok(())
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

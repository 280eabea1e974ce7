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
            match self.notation {
                Notation::Csv => self.csv(row),
                Notation::Ndjson => self.ndjson(row),
            }
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
    fn csv(&mut self, row: &Row) {
        self.begin(row.series);
        let mut texts = std::array::from_fn(|_| zmij::Buffer::new());
        for number in numbers(row, &mut texts, number::csv) {
            self.lines.put_ended(number.as_bytes(), b',');
        }
        self.lines.put(if row.seen.outlier { b"1\n" } else { b"0\n" });
    }

    #[inline]
    fn ndjson(&mut self, row: &Row) {
        self.begin(row.series);
        let members = [",\"value\":", ",\"location\":", ",\"scale\":", ",\"score\":"];
        let mut texts = std::array::from_fn(|_| zmij::Buffer::new());
        for (member, number) in members.into_iter().zip(numbers(row, &mut texts, number::json)) {
            self.lines.put(member.as_bytes());
            self.lines.put(number.as_bytes());
        }
        let outlier = if row.seen.outlier { ",\"outlier\":true}\n" } else { ",\"outlier\":false}\n" };
        self.lines.put(outlier.as_bytes());
    }

    /// Writes the time and the name of the series.
    #[inline]
    fn begin(&mut self, series: usize) {
        self.lines.put(&self.start);
        self.lines.put(self.names.get(series).map_or(&b""[..], |name| name));
    }
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

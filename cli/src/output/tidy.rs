//! Tidy output: one row per sample, encoded and written beside the reading.
//!
//! A live input asks for everything to be out before it waits.

use super::encode::{Batch, Notation, Row};
use super::format::OutputFormat;
use super::relay::{Relay, Work};
use super::target::Target;
use super::typed;
use crate::failure::Failure;
use crate::samples::{Time, TimeType};
use evenkeel::Update;
use parking_lot::RwLock;

/// Least bytes of a batch as lines, by an estimate: then it is sent.
const FULL: usize = 48 << 10;
/// Bytes of a line without its time and the name of its series: a low estimate.
const LINE: usize = 64;

/// Collects rows for a target.
pub(crate) struct Tidy {
    batch: Batch,
    /// The bytes of a row of the present time as a line, by an estimate.
    row_size: usize,
    /// The form of the lines, if the format has any.
    notation: Option<Notation>,
    /// Names of new series, encoded.
    names: Vec<Box<[u8]>>,
    /// The bytes of the longest name.
    longest: usize,
    time_type: TimeType,
    has_header: bool,
    relay: Relay<Rows>,
}

/// The encoding and writing of rows.
struct Rows {
    notation: Option<Notation>,
    /// Per series: its name, encoded. Where there are no lines, there are none.
    names: RwLock<Vec<Box<[u8]>>>,
}

/// The way to the target.
enum Sheet {
    Lines(Target),
    /// What encodes rows of types, one batch after the other.
    Typed(Box<typed::Encoder>),
}

impl Work for Rows {
    type Batch = Batch;
    type Writer = Sheet;

    fn size(batch: &Batch) -> usize {
        batch.size
    }

    fn copy(batch: &Batch, to: &mut Batch) {
        batch.copy_to(to);
    }

    fn encode(&self, batch: &mut Batch) {
        if let Some(notation) = self.notation {
            notation.encode(batch, &self.names.read());
        }
    }

    fn write(&self, batch: &Batch, sheet: &mut Sheet) -> Result<(), Failure> {
        match sheet {
            Sheet::Lines(_) if batch.encoded.len() == 0 => Ok(()),
            Sheet::Lines(target) => target.write(batch.encoded.as_bytes()),
            Sheet::Typed(encoder) => encoder.batch(batch),
        }
    }

    fn clear(batch: &mut Batch) {
        batch.clear();
    }
}

impl Tidy {
    /// Rows of a format on their way to a target.
    pub(crate) fn new(format: OutputFormat, target: Target) -> Result<Self, Failure> {
        let notation = format.notation();
        let sheet = match notation {
            Some(_) => Sheet::Lines(target),
            None => Sheet::Typed(Box::new(typed::Encoder::new(format, target)?)),
        };
        Ok(Self {
            batch: Batch::default(),
            row_size: LINE,
            notation,
            names: Vec::new(),
            longest: 0,
            time_type: TimeType::default(),
            has_header: false,
            relay: Relay::new(Rows { notation, names: RwLock::default() }, sheet),
        })
    }

    /// Sets the type of all times, before the first row.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))] // only Parquet has types
    pub(crate) fn set_time_type(&mut self, time_type: TimeType) {
        self.time_type = time_type;
    }

    pub(crate) fn add_series(&mut self, name: &str) {
        match self.notation {
            Some(notation) => self.names.push(notation.name(name)),
            None => self.batch.names.push(name.to_owned()),
        }
        self.longest = self.longest.max(name.len());
    }

    /// Sets the time of the rows that follow.
    #[inline]
    pub(crate) fn set_time(&mut self, time: Time<'_>) {
        let Batch { times, rows, .. } = &mut self.batch;
        // A time without a row is not kept.
        if rows.last().map_or(0, |row| row.time + 1) < times.ends.len() {
            times.pop();
        }
        times.push(time.text, time.is_number);
        self.row_size = LINE + time.text.len() + self.longest;
    }

    /// Adds a row.
    #[inline]
    pub(crate) fn sample(&mut self, series: usize, value: f64, seen: Update<f64>) -> Result<(), Failure> {
        let time = self.batch.times.ends.len().saturating_sub(1);
        self.batch.rows.push(Row { time, series, value, seen });
        self.batch.size += self.row_size;
        if self.batch.size >= FULL { self.send_full() } else { Ok(()) }
    }

    /// Sends the batch, and goes on with the time of its last row.
    #[inline(never)]
    fn send_full(&mut self) -> Result<(), Failure> {
        let times = &self.batch.times;
        let (text, is_number) = times.get(times.ends.len().saturating_sub(1));
        let text = text.to_vec();
        self.prepare(false);
        self.relay.send(&mut self.batch)?;
        self.batch.times.push(&text, is_number);
        Ok(())
    }

    /// Sends everything that there is so far. Where it is `awaited`, it has been written when this returns.
    pub(crate) fn flush(&mut self, is_awaited: bool) -> Result<(), Failure> {
        if !self.batch.rows.is_empty() {
            self.send_rest()?;
        }
        if is_awaited {
            return self.relay.flush();
        }
        self.relay.hurry();
        Ok(())
    }

    /// Ends a successful run: writes the rest, and puts a new file into its place.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.send_rest()?;
        let target = match self.relay.close()? {
            Sheet::Lines(target) => target,
            Sheet::Typed(encoder) => encoder.finish()?,
        };
        target.finish()
    }

    /// Ends a run that failed: what was made before is written, but it does not replace a file.
    pub(crate) fn abandon(mut self) {
        // There is a failure to report already.
        let _ = self.flush(true);
        if let Ok(Sheet::Typed(encoder)) = self.relay.close() {
            let _ = encoder.finish();
        }
    }

    /// Sends what there is, be it nothing but a header.
    fn send_rest(&mut self) -> Result<(), Failure> {
        self.prepare(true);
        self.relay.send(&mut self.batch)
    }

    /// Makes the batch ready to be sent.
    fn prepare(&mut self, flush: bool) {
        // The header goes before the first row, so that an input that cannot be used leaves no output at all.
        self.batch.header = (!std::mem::replace(&mut self.has_header, true)).then_some(self.time_type);
        self.batch.flush = flush;
        if !self.names.is_empty() {
            self.relay.work().names.write().append(&mut self.names);
        }
    }
}

//! Tidy output: one row per sample, encoded and written by a thread of its own.
//!
//! Rows travel in batches, and batches travel back to be filled again, so there are never more than a few of them. A live
//! input asks for everything to be out before it waits: that is when all batches are home.

use super::encode::{Batch, Encoder, Notation, Row};
use super::format::OutputFormat;
use super::parquet;
use super::target::Target;
use crate::failure::Failure;
use crate::samples::{Time, TimeType};
use evenkeel::Update;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// A batch is sent when it has so many rows ...
const ROWS: usize = 1024;
/// ... or its times so many bytes, whichever comes first.
const BYTES: usize = 256 << 10;
/// How many batches there are.
const BATCHES: usize = 4;

/// Collects rows for a target.
pub(crate) struct Tidy {
    batch: Batch,
    time_type: TimeType,
    has_header: bool,
    writer: Writer,
    /// Empty batches.
    spare: Vec<Batch>,
}

/// Rows in the making, in whatever form.
enum Sheet {
    Lines(Encoder),
    Parquet(Box<parquet::Encoder>),
}

impl Sheet {
    fn new(format: OutputFormat, target: Target) -> Result<Self, Failure> {
        Ok(match format {
            OutputFormat::Csv => Self::Lines(Encoder::new(Notation::Csv, target)),
            OutputFormat::Ndjson => Self::Lines(Encoder::new(Notation::Ndjson, target)),
            OutputFormat::Parquet => Self::Parquet(Box::new(parquet::Encoder::new(target)?)),
        })
    }

    fn batch(&mut self, batch: &Batch) -> Result<(), Failure> {
        match self {
            Self::Lines(encoder) => encoder.batch(batch),
            Self::Parquet(encoder) => encoder.batch(batch),
        }
    }

    fn finish(self) -> Result<Target, Failure> {
        match self {
            Self::Lines(encoder) => encoder.finish(),
            Self::Parquet(encoder) => encoder.finish(),
        }
    }
}

/// The thread that writes, and the way there and back.
struct Writer {
    batches: Sender<Batch>,
    /// Batches that have been written, or the reason why there will be no more.
    back: Receiver<Result<Batch, Failure>>,
    thread: JoinHandle<Result<Target, Failure>>,
}

impl Tidy {
    /// Starts the thread that writes.
    pub(crate) fn new(format: OutputFormat, target: Target) -> Result<Self, Failure> {
        let (batches, incoming) = channel();
        let (outgoing, back) = channel();
        let encoder = Sheet::new(format, target)?;
        let thread = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || write(encoder, &incoming, &outgoing))
            .map_err(|error| Failure::failed(format!("cannot start a thread: {error}")))?;
        let spare = (1..BATCHES).map(|_| Batch::default()).collect();
        let (batch, time_type, has_header) = (Batch::default(), TimeType::default(), false);
        Ok(Self { batch, time_type, has_header, writer: Writer { batches, back, thread }, spare })
    }

    /// What all times are, before the first row.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))] // only Parquet has types
    pub(crate) fn set_time_type(&mut self, time_type: TimeType) {
        self.time_type = time_type;
    }

    pub(crate) fn add_series(&mut self, name: &str) {
        self.batch.names.push(name.to_owned());
    }

    /// The time of the rows that follow.
    #[inline]
    pub(crate) fn set_time(&mut self, time: Time<'_>) -> Result<(), Failure> {
        let is_full = self.batch.rows.len() >= ROWS || self.batch.times.text.len() >= BYTES;
        if is_full {
            self.send(false)?;
        }
        let times = &mut self.batch.times;
        times.text.extend_from_slice(time.text);
        times.ends.push((times.text.len(), time.is_number));
        Ok(())
    }

    /// One row.
    #[inline]
    pub(crate) fn sample(&mut self, series: usize, value: f64, seen: Update<f64>) {
        let time = self.batch.times.ends.len().saturating_sub(1);
        self.batch.rows.push(Row { time, series, value, seen });
    }

    /// Sends on everything that has been made so far, and waits until it is out.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        if !self.batch.rows.is_empty() {
            self.send(true)?;
        }
        while self.spare.len() < BATCHES - 1 {
            let batch = self.take_back()?;
            self.spare.push(batch);
        }
        Ok(())
    }

    /// The end of a successful run.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.send(true)?;
        self.flush()?;
        self.writer.close()?.finish()
    }

    /// The end of a run that failed: what was made before is good, but it does not replace a file.
    pub(crate) fn abandon(mut self) {
        // There is a failure to tell already.
        let _ = self.flush();
        let _ = self.writer.close();
    }

    /// Hands the batch to the writer.
    fn send(&mut self, flush: bool) -> Result<(), Failure> {
        // The header goes before the first row, so that an input that cannot be used leaves no output at all.
        self.batch.header = (!std::mem::replace(&mut self.has_header, true)).then_some(self.time_type);
        self.batch.flush = flush;
        let empty = match self.spare.pop() {
            Some(batch) => batch,
            None => self.take_back()?,
        };
        let full = std::mem::replace(&mut self.batch, empty);
        // If nobody takes it, the next batch that does not come back will tell why.
        let _ = self.writer.batches.send(full);
        Ok(())
    }

    /// Waits for a batch that has been written.
    fn take_back(&mut self) -> Result<Batch, Failure> {
        let mut batch = self.writer.back.recv().unwrap_or_else(|_| Err(gone()))?;
        batch.clear();
        Ok(batch)
    }
}

impl Writer {
    /// Ends the thread, when it has written everything.
    fn close(self) -> Result<Target, Failure> {
        drop(self.batches);
        self.thread.join().unwrap_or_else(|_| Err(gone()))
    }
}

/// The thread is not there any more and has not said why.
fn gone() -> Failure {
    Failure::failed("the output could not be written")
}

/// What the thread does: encodes batches and sends them back, until there are no more or one cannot be written.
fn write(
    mut encoder: Sheet,
    batches: &Receiver<Batch>,
    back: &Sender<Result<Batch, Failure>>,
) -> Result<Target, Failure> {
    for batch in batches {
        let written = encoder.batch(&batch).map(|()| batch);
        let failed = written.is_err();
        if back.send(written).is_err() || failed {
            return Err(gone());
        }
    }
    encoder.finish()
}

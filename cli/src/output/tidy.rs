//! Tidy output: one row per sample, encoded and written by a thread of its own.
//!
//! Rows travel in batches, and batches travel back to be filled again, so there are never more than a few of them. Where the
//! thread is behind, whoever fills the next batch encodes it instead of waiting for one to come back: it takes longer to write a
//! number than to read one. A live input asks for everything to be out before it waits: that is when all batches are home.

use super::encode::{Batch, Encoder, Lines, Row};
use super::format::OutputFormat;
use super::target::Target;
use super::typed;
use crate::failure::Failure;
use crate::samples::{Time, TimeType};
use evenkeel::Update;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// Most rows of a batch: then it is sent.
const ROWS: usize = 1024;
/// Most bytes of a batch's times: then it is sent, too.
const BYTES: usize = 256 << 10;
/// Batches that there are: one is filled while others are written.
const BATCHES: usize = 4;

/// Most series whose names are held twice, for the thread and for whoever helps it.
const MOST_HELPED: usize = 10_000;

/// Collects rows for a target.
pub(crate) struct Tidy {
    batch: Batch,
    /// Encodes batches where the thread is behind; none for a format that one thread has to write, and for too many series.
    helper: Option<Lines>,
    series: usize,
    time_type: TimeType,
    has_header: bool,
    writer: Writer,
    /// Empty batches.
    spare: Vec<Batch>,
}

/// The encoder of the output's format.
enum Sheet {
    Lines(Encoder),
    Typed(Box<typed::Encoder>),
}

impl Sheet {
    fn new(format: OutputFormat, target: Target) -> Result<Self, Failure> {
        Ok(match format.notation() {
            Some(notation) => Self::Lines(Encoder::new(notation, target)),
            None => Self::Typed(Box::new(typed::Encoder::new(format, target)?)),
        })
    }

    fn batch(&mut self, batch: &Batch) -> Result<(), Failure> {
        match self {
            Self::Lines(encoder) => encoder.batch(batch),
            Self::Typed(encoder) => encoder.batch(batch),
        }
    }

    fn finish(self) -> Result<Target, Failure> {
        match self {
            Self::Lines(encoder) => encoder.finish(),
            Self::Typed(encoder) => encoder.finish(),
        }
    }
}

/// The thread that writes, and the channels there and back.
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
        let helper = format.notation().map(Lines::new);
        let spare = (1..BATCHES).map(|_| Batch::default()).collect();
        let (batch, time_type, has_header) = (Batch::default(), TimeType::default(), false);
        let writer = Writer { batches, back, thread };
        Ok(Self { batch, helper, series: 0, time_type, has_header, writer, spare })
    }

    /// Sets the type of all times, before the first row.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))] // only Parquet has types
    pub(crate) fn set_time_type(&mut self, time_type: TimeType) {
        self.time_type = time_type;
    }

    pub(crate) fn add_series(&mut self, name: &str) {
        self.batch.names.push(name.to_owned());
        self.series += 1;
        if self.series > MOST_HELPED {
            self.helper = None;
        }
        if let Some(helper) = &mut self.helper {
            helper.add_series(name);
        }
    }

    /// Sets the time of the rows that follow.
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

    /// Adds a row.
    #[inline]
    pub(crate) fn sample(&mut self, series: usize, value: f64, seen: Update<f64>) {
        let time = self.batch.times.ends.len().saturating_sub(1);
        self.batch.rows.push(Row { time, series, value, seen });
    }

    /// Sends everything that there is so far, and waits until it has been written.
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

    /// Ends a successful run: writes the rest, and puts a new file into its place.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.send(true)?;
        self.flush()?;
        self.writer.close()?.finish()
    }

    /// Ends a run that failed: what was made before is written, but it does not replace a file.
    pub(crate) fn abandon(mut self) {
        // There is a failure to report already.
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
            None => self.next_back()?,
        };
        let full = std::mem::replace(&mut self.batch, empty);
        // If nobody takes it, waiting for the next batch returns the reason.
        let _ = self.writer.batches.send(full);
        Ok(())
    }

    /// Returns a batch that has been written, empty. If there is none yet, the thread is behind: then the present batch is encoded
    /// before one is waited for.
    fn next_back(&mut self) -> Result<Batch, Failure> {
        if let Some(helper) = &mut self.helper {
            if let Ok(written) = self.writer.back.try_recv() {
                return written.map(emptied);
            }
            let mut encoded = std::mem::take(&mut self.batch.encoded);
            helper.rows(&self.batch, &mut encoded, |_| Ok(()))?;
            self.batch.encoded = encoded;
        }
        self.take_back()
    }

    /// Waits for a batch that has been written, and returns it empty.
    fn take_back(&mut self) -> Result<Batch, Failure> {
        self.writer.back.recv().unwrap_or_else(|_| Err(gone())).map(emptied)
    }
}

impl Writer {
    /// Ends the thread and returns the target, when everything has been written.
    fn close(self) -> Result<Target, Failure> {
        drop(self.batches);
        self.thread.join().unwrap_or_else(|_| Err(gone()))
    }
}

fn emptied(mut batch: Batch) -> Batch {
    batch.clear();
    batch
}

/// The failure of a thread that is gone without a reason.
fn gone() -> Failure {
    Failure::failed("the output could not be written")
}

/// Encodes batches and sends them back, until there are no more or one cannot be written.
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

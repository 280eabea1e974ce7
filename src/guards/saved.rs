//! The snapshots of guards: the channels of their [`RobustMean`], and what they count.

use super::gradient::Skips;
use super::{GradientGuard, GradientGuards, LossGuard, unseen};

use crate::columns::Columns;
use crate::rule::Step;
use crate::rules::RobustMean;
use crate::snapshot::{Header, Reader, SnapshotError, SnapshotKind, columns, read_columns, write_whole};
use std::io::{self, Write};

/// The header of the snapshot of a guard of so many channels, whose body has `more` bytes behind the columns.
fn header(kind: SnapshotKind, rule: &RobustMean, channels: usize, more: usize) -> Header {
    let mut header = Header::new::<RobustMean, f64>(kind, rule, channels);
    header.body = (channels * size_of::<[f64; 4]>() + more) as u64;
    header
}

/// The one channel of a guard as the columns of a snapshot.
fn one_channel(state: [f64; 4]) -> io::Result<Columns<RobustMean, f64>> {
    let mut columns = Columns::<RobustMean, f64>::new(1).map_err(io::Error::other)?;
    for (column, value) in columns.as_mut_slices().into_iter().zip(state) {
        column.fill(value);
    }
    Ok(columns)
}

/// The channels of a snapshot of this guard; an error where they are not as many.
fn read<'a>(
    bytes: &'a [u8],
    expected: &Header,
    constants: &<RobustMean as Step>::Constants<f64>,
) -> Result<(Columns<RobustMean, f64>, Reader<'a>), SnapshotError> {
    let (header, body) = Header::open(bytes)?;
    header.check(expected)?;
    if header.channels != expected.channels {
        let found = format!("a guard of {} tensors", header.channels);
        return Err(SnapshotError::Other { found, expected: format!("one of {}", expected.channels) });
    }
    let mut reader = Reader::new(body);
    let columns = read_columns(&mut reader, &header, constants, None)?;
    Ok((columns, reader))
}

impl LossGuard {
    fn header(&self) -> Header {
        let more = 4 * size_of::<u64>() + size_of_val(self.waiting.as_slice());
        let mut header = header(SnapshotKind::LossGuard, self.sweep.rule(), 1, more);
        header.marks = u8::from(self.squared);
        header
    }

    /// Writes the state, as `FORMAT.md` describes it, with the same bytes on every machine.
    ///
    /// ```
    /// use evenkeel::{Decay, LossGuard};
    ///
    /// let new = || LossGuard::new(Decay::half_life(1600.0)?);
    /// let mut guard = new()?;
    /// guard.weigh(&[1.0; 40], &mut [0.0; 40])?;
    /// let mut bytes = Vec::new(); // or a file, to be renamed when it is complete
    /// guard.write_snapshot(&mut bytes)?;
    ///
    /// let mut restored = new()?;
    /// restored.read_snapshot(&bytes)?; // goes on to the bit, on any machine
    /// assert_eq!(restored.floor(), Some(1.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The error of `out`.
    pub fn write_snapshot(&self, out: &mut dyn Write) -> io::Result<()> {
        let state = one_channel(self.state)?;
        write_whole(out, &self.header(), |body| {
            columns(body, &state, &(0..1))?;
            body.number(self.floor)?;
            body.words([self.invalid, self.weighed_down, self.waiting.len() as u64])?;
            body.numbers(self.waiting.iter().copied())
        })
    }

    /// Replaces the state by that of a snapshot.
    ///
    /// # Errors
    /// The bytes are no snapshot of a guard with this decay and of losses of this kind, or they are damaged. Nothing has
    /// changed.
    pub fn read_snapshot(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let (columns, mut reader) = read(bytes, &self.header(), self.sweep.constants())?;
        let state = columns.state(0).unwrap_or_else(|| unseen(&self.sweep));
        let (floor, invalid, weighed_down) = (reader.number::<f64>()?, reader.u64()?, reader.u64()?);
        let count = reader.u64()?;
        let mut waiting = Vec::with_capacity(Self::SEED);
        for _ in 0..count {
            waiting.push(reader.number::<f64>()?);
        }
        reader.end()?;
        let is_seeded = self.sweep.reading(&state).age > 0.0;
        let is_size = |size: &f64| (0.0..f64::INFINITY).contains(size);
        let fits = if is_seeded { is_size(&floor) && count == 0 } else { floor.to_bits() == f64::NAN.to_bits() };
        if !fits || waiting.len() >= Self::SEED || !waiting.iter().all(is_size) {
            return Err(SnapshotError::State { channel: 0, rule: "LossGuard" });
        }
        (self.state, self.floor, self.waiting) = (state, floor, waiting);
        (self.invalid, self.weighed_down) = (invalid, weighed_down);
        Ok(())
    }
}

/// Bytes of the counters of one tensor.
const COUNTERS: usize = 2 * size_of::<u64>();

/// Reads the counters of so many tensors, and the end.
fn skips(reader: &mut Reader<'_>, tensors: usize) -> Result<Vec<Skips>, SnapshotError> {
    let mut all = Vec::new();
    for _ in 0..tensors {
        all.push(Skips { all: reader.u64()?, in_a_row: 0 });
    }
    for (tensor, skips) in all.iter_mut().enumerate() {
        skips.in_a_row = reader.u64()?;
        if skips.in_a_row > skips.all {
            return Err(SnapshotError::State { channel: tensor, rule: "GradientGuard" });
        }
    }
    reader.end()?;
    Ok(all)
}

impl GradientGuard {
    fn header(&self) -> Header {
        header(SnapshotKind::GradientGuard, self.sweep.rule(), 1, COUNTERS)
    }

    /// Writes the state, as `FORMAT.md` describes it, with the same bytes on every machine.
    ///
    /// # Errors
    /// The error of `out`.
    pub fn write_snapshot(&self, out: &mut dyn Write) -> io::Result<()> {
        let state = one_channel(self.state)?;
        write_whole(out, &self.header(), |body| {
            columns(body, &state, &(0..1))?;
            body.words([self.skips.all, self.skips.in_a_row])
        })
    }

    /// Replaces the state by that of a snapshot.
    ///
    /// # Errors
    /// The bytes are no snapshot of a guard of one norm with this decay, or they are damaged. Nothing has changed.
    pub fn read_snapshot(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let (columns, mut reader) = read(bytes, &self.header(), self.sweep.constants())?;
        let skips = skips(&mut reader, 1)?;
        self.state = columns.state(0).unwrap_or_else(|| unseen(&self.sweep));
        self.skips = skips.first().copied().unwrap_or_default();
        Ok(())
    }
}

impl GradientGuards {
    fn header(&self) -> Header {
        header(SnapshotKind::GradientGuard, self.bank.rule(), self.len(), self.len() * COUNTERS)
    }

    /// Writes the state, as `FORMAT.md` describes it, with the same bytes on every machine.
    ///
    /// # Errors
    /// The error of `out`.
    pub fn write_snapshot(&self, out: &mut dyn Write) -> io::Result<()> {
        write_whole(out, &self.header(), |body| {
            columns(body, self.bank.columns(), &(0..self.len()))?;
            body.words(self.skips())?;
            body.words(self.skips_in_a_row())
        })
    }

    /// Replaces the state by that of a snapshot of as many tensors.
    ///
    /// # Errors
    /// The bytes are no snapshot of guards of as many tensors with this decay, or they are damaged. Nothing has changed.
    pub fn read_snapshot(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let (columns, mut reader) = read(bytes, &self.header(), self.bank.constants())?;
        let skips = skips(&mut reader, self.len())?;
        self.bank.replace(columns, Vec::new());
        self.skips = skips;
        Ok(())
    }
}

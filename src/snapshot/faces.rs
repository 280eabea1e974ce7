//! The snapshots of banks and layers.

use super::{Header, Reader, SnapshotError, SnapshotKind, columns, read_columns, write_whole};
use crate::bank::Bank;
use crate::lane::Real;
use crate::layer::Layer;
use crate::rule::{Estimator, LayerRule};
use std::io::{self, Write};

impl<R: Estimator, T: Real> Bank<R, T> {
    /// Writes the state of every channel, as `FORMAT.md` describes it, with the same bytes on every machine.
    ///
    /// ```
    /// use evenkeel::{Bank, Decay, RobustMean};
    ///
    /// let rule = RobustMean::new(Decay::half_life(60.0)?);
    /// let mut bank = Bank::<RobustMean>::new(rule, 2)?;
    /// bank.update(&[1.0, 2.0])?;
    /// let mut bytes = Vec::new(); // or a file, to be renamed when it is complete
    /// bank.write_snapshot(&mut bytes)?;
    ///
    /// let mut restored = Bank::<RobustMean>::new(rule, 0)?;
    /// restored.read_snapshot(&bytes)?; // goes on to the bit, on any machine
    /// assert_eq!(restored.locations(), [1.0, 2.0]);
    ///
    /// let other = RobustMean::new(Decay::half_life(30.0)?);
    /// let error = Bank::<RobustMean>::new(other, 0)?.read_snapshot(&bytes).unwrap_err();
    /// assert!(error.to_string().ends_with("it differs in gain"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The error of `out`.
    pub fn write_snapshot(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut header = self.header();
        let bytes = self.columns().as_slices().as_ref().len() * size_of::<T>() * self.len();
        header.body = (bytes + size_of_val(self.silence())) as u64;
        write_whole(out, &header, |body| {
            columns(body, self.columns(), &(0..self.len()))?;
            body.words(self.silence().iter().copied())
        })
    }

    /// Replaces the state and the channels by those of a snapshot. Backend and threads stay.
    ///
    /// # Errors
    /// The bytes are no snapshot of a bank of `T` with this rule and its parameters, or they are damaged, or there is
    /// no memory. Nothing has changed.
    pub fn read_snapshot(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let (header, body) = Header::open(bytes)?;
        header.check(&self.header())?;
        let mut reader = Reader::new(body);
        let columns = read_columns(&mut reader, &header, self.constants(), None)?;
        let mut silence = Vec::new();
        if self.rule().is_in_time() {
            for _ in 0..columns.len() {
                silence.push(reader.u64()?);
            }
        }
        reader.end()?;
        self.replace(columns, silence);
        Ok(())
    }

    fn header(&self) -> Header {
        Header::new::<R, T>(SnapshotKind::Bank, self.rule(), self.len())
    }
}

impl<R: LayerRule, T: Real> Layer<R, T> {
    /// Writes the state of every weight and the number of updates, as `FORMAT.md` describes it.
    ///
    /// # Errors
    /// The error of `out`.
    pub fn write_snapshot(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut header = self.header();
        let bytes = self.columns().as_slices().as_ref().len() * size_of::<T>() * self.len();
        let mean = self.averages().then(|| self.mean());
        header.body = (bytes + size_of::<u64>() + mean.map_or(0, |_| size_of::<T>())) as u64;
        write_whole(out, &header, |body| {
            columns(body, self.columns(), &(0..self.len()))?;
            body.words([self.steps()])?;
            body.numbers(mean)
        })
    }

    /// Replaces the state by that of a snapshot of as many weights. The parameters of the rule must be those with which
    /// it was written: call [`set_rule`](Self::set_rule) first where a schedule has moved on.
    ///
    /// # Errors
    /// The bytes are no snapshot of a layer of `T` with this rule, its parameters and as many weights, or they are
    /// damaged, or there is no memory. Nothing has changed.
    pub fn read_snapshot(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let (header, body) = Header::open(bytes)?;
        header.check(&self.header())?;
        if header.channels != self.len() as u64 {
            let found = format!("a layer of {} weights", header.channels);
            return Err(SnapshotError::Other { found, expected: format!("one of {}", self.len()) });
        }
        let mut reader = Reader::new(body);
        let columns = read_columns(&mut reader, &header, self.constants(), None)?;
        let steps = reader.u64()?;
        let mean: T = if self.averages() { reader.number()? } else { T::default() };
        if !(mean >= T::default() && mean <= T::MAX) {
            return Err(SnapshotError::Malformed { what: "its mean is no mean" });
        }
        reader.end()?;
        self.replace(columns, steps, mean);
        Ok(())
    }

    fn header(&self) -> Header {
        Header::new::<R, T>(SnapshotKind::Layer, self.rule(), self.len())
    }
}

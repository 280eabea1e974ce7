//! A row of channels whose decay is in time.
//!
//! Most channels had a sample in the row before, and all of these have the same gain: they go the way of any row. For a
//! channel that missed samples more time has passed, and its gain is its own: where there are any such, every lane of
//! their chunk gets its gain beside its sample. So each channel's state has a time beside it: for how long it has been
//! silent.

use super::moment::{CHUNK, Moment, Room, Stretch};
use super::outputs::{Outputs, Report};
use super::row::{FAR_BYTES, part};
use super::threads::{self, Work, split_columns};
use super::turned_after::TimedSeries;
use super::{Sweep, channels_of, check_all, length_of, rows_of, same_length};
use crate::dispatch::Token;
use crate::error::UpdateError;
use crate::lane::Real;
use crate::rule::{ColumnsOf, Rule, Timed};
use core::time::Duration;

impl<R: Timed, T: Real> Sweep<R, T> {
    /// The sweep for samples that come `elapsed` after those before them, where the decay is
    /// [in time](crate::Decay::half_life_time). It is for channels whose last samples are all of one moment; a
    /// [`Bank`](crate::Bank) holds beside each channel for how long it has missed samples, and a
    /// [`TimedBank`](crate::TimedBank) the time of its last one.
    ///
    /// ```
    /// use core::time::Duration;
    /// use evenkeel::{Columns, Decay, RobustMean, Sweep};
    ///
    /// let rule = RobustMean::new(Decay::half_life_time(Duration::from_secs(60))?);
    /// let sweep = Sweep::<RobustMean>::new(rule)?;
    /// let mut columns = Columns::<RobustMean, f64>::new(2)?;
    /// for seconds in [0, 1, 3, 1] {
    ///     sweep.after(Duration::from_secs(seconds))?.update(columns.as_mut_slices(), &[5.0, 7.0])?;
    /// }
    /// assert!(sweep.update(columns.as_mut_slices(), &[5.0, 7.0]).is_err()); // how long after?
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The decay is in samples.
    pub fn after(&self, elapsed: Duration) -> Result<Self, UpdateError> {
        Ok(self.with_constants(self.constants_after(elapsed)?))
    }

    /// The gain of samples that come `elapsed` after those before them.
    fn gain_after(&self, elapsed: Duration) -> Result<f64, UpdateError> {
        if self.rule.is_in_time() { Ok(self.rule.gain_after::<T>(elapsed)) } else { Err(UpdateError::NotInTime) }
    }

    /// The constants of samples that come `elapsed` after those before them.
    fn constants_after(&self, elapsed: Duration) -> Result<R::Constants<T>, UpdateError> {
        self.gain_after(elapsed).map(|gain| R::constants_after(&self.constants, gain))
    }

    /// A sweep of one elapsed time, by its constants.
    fn with_constants(&self, constants: R::Constants<T>) -> Self {
        Self { rule: self.rule.clone(), constants, is_in_time: false, ..*self }
    }

    /// Updates every channel with a sample, `elapsed` after the row before, and writes what is wanted of it. `silence` is
    /// of as many channels.
    pub(crate) fn row_after<'a>(
        &self,
        state: ColumnsOf<R, &'a mut [T]>,
        silence: &'a mut Silence,
        elapsed: Duration,
        samples: &[T],
        outputs: Outputs<'a, T>,
    ) -> Result<(), UpdateError> {
        let channels = channels_of::<R, T>(&state)?;
        same_length("samples", samples.len(), channels)?;
        outputs.check(samples.len())?;
        let gain = self.gain_after(elapsed)?;
        let mut moment = Moment::new(&self.rule, &self.constants, gain, elapsed);
        let Silence { channels: silence, chunks } = silence;
        moment.is_far = (state.as_ref().len() + 1) * size_of_val(samples) >= FAR_BYTES;
        let work = TimedRow { moment: &moment, state, silence, chunks, samples, report: Report::new(outputs) };
        threads::run(work, self.token, self.threads);
        Ok(())
    }

    /// Updates every channel with a block of whole rows, each so long after the one before, and writes what is wanted of
    /// every sample.
    pub(crate) fn rows_after(
        &self,
        state: &mut ColumnsOf<R, &mut [T]>,
        silence: &mut Silence,
        elapsed: &[Duration],
        block: &[T],
        mut outputs: Outputs<'_, T>,
    ) -> Result<(), UpdateError> {
        let channels = channels_of::<R, T>(state)?;
        let rows = if block.is_empty() { 0 } else { rows_of(block.len(), channels)? };
        if channels > 0 {
            same_length("elapsed", elapsed.len(), rows)?;
        }
        outputs.check(block.len())?;
        self.gain_after(Duration::ZERO)?;
        for (row, &elapsed) in block.chunks(channels.max(1)).zip(elapsed) {
            let state = part::<R, T>(state, 0..channels);
            self.row_after(state, silence, elapsed, row, outputs.take(channels))?;
        }
        Ok(())
    }

    /// Updates every channel with a series of its own, whose samples are each so long after those before, and writes what
    /// is wanted of every sample.
    pub(crate) fn series_after<C: AsRef<[T]> + Sync>(
        &self,
        state: ColumnsOf<R, &mut [T]>,
        silence: &mut Silence,
        elapsed: &[Duration],
        series: &[C],
        outputs: &mut [Outputs<'_, T>],
    ) -> Result<(), UpdateError> {
        let samples = length_of(series, channels_of::<R, T>(&state)?)?;
        check_all(outputs, series.len(), samples)?;
        if !series.is_empty() {
            same_length("elapsed", elapsed.len(), samples)?;
        }
        self.gain_after(Duration::ZERO)?;
        let Silence { channels: silence, chunks } = silence;
        let work = TimedSeries { sweep: self, state, silence, chunks, columns: series, elapsed, outputs };
        threads::run(work, self.token, self.threads);
        Ok(())
    }
}

/// The constants of the last elapsed time, saved for the next sample: most come equally long after the one before.
#[derive(Clone, Debug)]
pub(crate) struct Recent<R: Rule, T: Real>(Option<(Duration, R::Constants<T>)>);

impl<R: Rule, T: Real> Default for Recent<R, T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<R: Timed, T: Real> Recent<R, T> {
    /// The constants of a sample that comes `elapsed` after the one before: those of [`Sweep::after`].
    #[inline]
    pub(crate) fn after(&mut self, sweep: &Sweep<R, T>, elapsed: Duration) -> Result<&R::Constants<T>, UpdateError> {
        let saved = self.0.as_ref().filter(|(of, _)| *of == elapsed);
        if saved.is_none() {
            self.0 = Some((elapsed, sweep.constants_after(elapsed)?));
        }
        // It has just been made.
        self.0.as_ref().map(|(_, constants)| constants).ok_or(UpdateError::NotInTime)
    }
}

/// A duration in nanoseconds; more than five centuries are as good as for ever.
pub(crate) fn nanoseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

/// Per channel: the time since its last sample, as of the last row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silence {
    /// In nanoseconds.
    channels: Vec<u64>,
    /// The number of silent channels of each chunk: mostly none, and then nothing more need be looked at.
    chunks: Vec<u32>,
}

impl Silence {
    pub(crate) fn of(channels: Vec<u64>) -> Self {
        let silent = |chunk: &[u64]| chunk.iter().map(|&silent| u32::from(silent != 0)).sum();
        let chunks = channels.chunks(CHUNK).map(silent).collect();
        Self { channels, chunks }
    }

    pub(crate) fn channels(&self) -> &[u64] {
        &self.channels
    }

    pub(crate) fn bytes(&self) -> usize {
        self.channels.capacity() * size_of::<u64>() + self.chunks.capacity() * size_of::<u32>()
    }

    /// Reserves room for `channels` channels in all. False if there is no memory.
    pub(crate) fn reserve(&mut self, channels: usize) -> bool {
        let more = channels.saturating_sub(self.channels.len());
        let chunks = channels.div_ceil(CHUNK).saturating_sub(self.chunks.len());
        self.channels.try_reserve(more).is_ok() && self.chunks.try_reserve(chunks).is_ok()
    }

    pub(crate) fn resize(&mut self, channels: usize) {
        self.channels.resize(channels, 0);
        self.chunks.resize(channels.div_ceil(CHUNK), 0);
    }

    /// Ends the silence of a channel, and returns how long it was; `None` if there is no such channel.
    pub(crate) fn take(&mut self, channel: usize) -> Option<u64> {
        let silent = core::mem::take(self.channels.get_mut(channel)?);
        self.chunks[channel / CHUNK] -= u32::from(silent != 0);
        Some(silent)
    }

    /// Begins the silence of a channel that is not silent, and exists.
    pub(crate) fn set(&mut self, channel: usize, silent: u64) {
        self.channels[channel] = silent;
        self.chunks[channel / CHUNK] += u32::from(silent != 0);
    }

    /// Removes a channel, which exists; the last one takes its number.
    pub(crate) fn swap_remove(&mut self, channel: usize) {
        let last = self.channels.len() - 1;
        self.take(channel);
        let silent = self.take(last).unwrap_or(0);
        if channel != last {
            self.set(channel, silent);
        }
        self.resize(last);
    }
}

/// One row of channels of which some may have missed samples. All slices have the same length, but for the chunks, of
/// which there is one for each [`CHUNK`] channels.
struct TimedRow<'s, 'a, R: Timed, T: Real> {
    moment: &'a Moment<'a, R, T>,
    state: ColumnsOf<R, &'s mut [T]>,
    silence: &'s mut [u64],
    chunks: &'s mut [u32],
    samples: &'a [T],
    report: Report<'s, T>,
}

impl<R: Timed, T: Real> Work for TimedRow<'_, '_, R, T> {
    type Output = ();
    const LEAF: usize = CHUNK;

    fn channels(&self) -> usize {
        self.samples.len()
    }
    fn bytes(&self) -> usize {
        (self.state.as_ref().len() + 1) * size_of_val(self.samples)
    }
    /// Between two chunks. More channels than a chunk are cut, so there is one on either side.
    fn middle(&self, _: usize) -> usize {
        (self.channels() / 2).next_multiple_of(CHUNK)
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = split_columns::<R, T>(self.state, middle);
        let (quiet, still) = self.silence.split_at_mut(middle);
        let (first, other) = self.chunks.split_at_mut(middle / CHUNK);
        let (early, late) = self.samples.split_at(middle);
        let (moment, mut report) = (self.moment, self.report);
        let top = report.take(middle);
        (
            TimedRow { moment, state: before, silence: quiet, chunks: first, samples: early, report: top },
            TimedRow { moment, state: from, silence: still, chunks: other, samples: late, report },
        )
    }
    fn run(mut self, token: Token) {
        let mut room = Room::new();
        for (chunk, count) in self.chunks.iter_mut().enumerate() {
            let start = chunk * CHUNK;
            let end = (start + CHUNK).min(self.samples.len());
            let stretch = Stretch::<R, T> {
                state: part::<R, T>(&mut self.state, start..end),
                silence: &mut self.silence[start..end],
                samples: &self.samples[start..end],
                report: self.report.part(start, end),
            };
            self.moment.pass(token, stretch, count, &mut room);
        }
    }
    fn join((): (), (): ()) {}
}

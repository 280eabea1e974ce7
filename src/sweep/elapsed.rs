//! A row of channels whose decay is in time.
//!
//! Most channels had a sample in the row before, and all of these have the same gain: they go the way of any row. For a
//! channel that missed samples more time has passed, and its gain is its own. Such are left out of the row, by a sample that
//! is missing, and stepped one by one. So what is remembered of each channel is how long it has been silent.

use super::dispatch::Token;
use super::row::{FAR_BYTES, Row, part};
use super::sink::{Ignore, Noticing, Scores};
use super::threads::{self, Work, split_columns};
use super::{Sweep, channels_of, same_length};
use crate::error::UpdateError;
use crate::lane::Real;
use crate::rule::{ColumnsOf, Rule, Timed};
use core::time::Duration;

impl<R: Timed, T: Real> Sweep<R, T> {
    /// The same for samples that come `elapsed` after those before them, where the decay is
    /// [in time](crate::Decay::half_life_time). It is for channels whose last samples are all of one moment; a
    /// [`Bank`](crate::Bank) remembers who missed some, and a [`Tracker`](crate::Tracker) when each series had its last.
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
        if !self.rule.is_in_time() {
            return Err(UpdateError::NotInTime);
        }
        let constants = self.rule.constants_after(&self.constants, elapsed);
        Ok(Self { rule: self.rule.clone(), constants, is_in_time: false, ..*self })
    }

    /// One sample per channel, `elapsed` after the row before, and scores if they are wanted. `silence` is of as many
    /// channels.
    pub(crate) fn row_after<'a>(
        &self,
        state: ColumnsOf<R, &'a mut [T]>,
        silence: &'a mut Silence,
        elapsed: Duration,
        samples: &[T],
        scores: Option<&'a mut [T]>,
    ) -> Result<(), UpdateError> {
        let channels = channels_of::<R, T>(&state)?;
        same_length("samples", samples.len(), channels)?;
        if let Some(scores) = &scores {
            same_length("scores", scores.len(), channels)?;
        }
        let now = self.after(elapsed)?;
        let Silence { channels: silence, chunks } = silence;
        let mut work =
            TimedRow { sweep: self, now: &now, elapsed, state, silence, chunks, samples, scores, far: false };
        work.far = work.bytes() >= FAR_BYTES;
        threads::run(work, self.token, self.threads);
        Ok(())
    }
}

/// The sweep for a distance in time, kept for the next sample at the same distance: most are.
#[derive(Clone, Debug)]
pub(crate) struct Recent<R: Rule, T: Real>(Option<(Duration, Sweep<R, T>)>);

impl<R: Rule, T: Real> Default for Recent<R, T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<R: Timed, T: Real> Recent<R, T> {
    /// [`Sweep::after`].
    #[inline]
    pub(crate) fn after(&mut self, sweep: &Sweep<R, T>, elapsed: Duration) -> Result<&Sweep<R, T>, UpdateError> {
        let kept = self.0.take().filter(|(of, _)| *of == elapsed);
        let now = match kept {
            Some(kept) => kept,
            None => (elapsed, sweep.after(elapsed)?),
        };
        Ok(&self.0.insert(now).1)
    }
}

/// As nanoseconds; more than five centuries are as good as for ever.
pub(crate) fn nanoseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

/// Channels that are stepped before those among them that missed samples are.
const CHUNK: usize = 1024;

/// For how long each channel had had no sample when it was last told anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silence {
    /// In nanoseconds.
    channels: Vec<u64>,
    /// How many channels of each chunk are silent: mostly none, and then nothing more need be looked at.
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

    /// Room for so many channels in all, none of which is silent yet. False if there is no memory.
    pub(crate) fn reserve(&mut self, channels: usize) -> bool {
        let more = channels.saturating_sub(self.channels.len());
        let chunks = channels.div_ceil(CHUNK).saturating_sub(self.chunks.len());
        self.channels.try_reserve(more).is_ok() && self.chunks.try_reserve(chunks).is_ok()
    }

    pub(crate) fn resize(&mut self, channels: usize) {
        self.channels.resize(channels, 0);
        self.chunks.resize(channels.div_ceil(CHUNK), 0);
    }

    /// Takes what is known of a channel, which is not silent any more; `None` if there is no such channel.
    pub(crate) fn take(&mut self, channel: usize) -> Option<u64> {
        let silent = core::mem::take(self.channels.get_mut(channel)?);
        self.chunks[channel / CHUNK] -= u32::from(silent != 0);
        Some(silent)
    }

    /// A channel that is not silent, and exists, falls silent.
    pub(crate) fn set(&mut self, channel: usize, silent: u64) {
        self.channels[channel] = silent;
        self.chunks[channel / CHUNK] += u32::from(silent != 0);
    }

    /// The last channel takes the number of this one, which exists.
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

/// One row of channels of which some may have missed samples. All slices have the same length, but for the chunks, of which
/// there is one for each [`CHUNK`] channels.
struct TimedRow<'s, 'a, R: Timed, T: Real> {
    /// For those who missed some.
    sweep: &'a Sweep<R, T>,
    /// For all others.
    now: &'a Sweep<R, T>,
    elapsed: Duration,
    state: ColumnsOf<R, &'s mut [T]>,
    silence: &'s mut [u64],
    chunks: &'s mut [u32],
    samples: &'a [T],
    scores: Option<&'s mut [T]>,
    /// See [`Row`].
    far: bool,
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
        let (scores, rest) = self.scores.map(|scores| scores.split_at_mut(middle)).unzip();
        let (sweep, now, elapsed, far) = (self.sweep, self.now, self.elapsed, self.far);
        (
            Self { sweep, now, elapsed, far, state: before, silence: quiet, chunks: first, samples: early, scores },
            Self { sweep, now, elapsed, far, state: from, silence: still, chunks: other, samples: late, scores: rest },
        )
    }
    fn run(mut self, token: Token) {
        let mut recent = Recent::default();
        for chunk in 0..self.chunks.len() {
            self.chunk(token, chunk, &mut recent);
        }
    }
    fn join((): (), (): ()) {}
}

impl<R: Timed, T: Real> TimedRow<'_, '_, R, T> {
    /// One chunk of channels. A channel that was silent is left out of the row by a missing sample, and stepped by itself.
    fn chunk(&mut self, token: Token, chunk: usize, recent: &mut Recent<R, T>) {
        let start = chunk * CHUNK;
        let end = (start + CHUNK).min(self.samples.len());
        let samples = &self.samples[start..end];
        let silence = &mut self.silence[start..end];
        let state = part::<R, T>(&mut self.state, start..end);
        let mut scores = self.scores.as_deref_mut().map(|scores| &mut scores[start..end]);
        let are_silent = self.chunks[chunk] > 0;
        let missing = if are_silent {
            let mut buffer = [T::NAN; CHUNK];
            for ((slot, &sample), &silent) in buffer.iter_mut().zip(samples).zip(&*silence) {
                *slot = if silent == 0 { sample } else { T::NAN };
            }
            self.now.chunk_row(token, self.far, state, &buffer[..samples.len()], scores.as_deref_mut())
        } else {
            self.now.chunk_row(token, self.far, state, samples, scores.as_deref_mut())
        };
        if !missing {
            return;
        }
        let mut silent_channels = 0;
        for (index, (sample, silent)) in samples.iter().zip(silence).enumerate() {
            if sample.to_f64().is_nan() {
                *silent = silent.saturating_add(nanoseconds(self.elapsed));
            } else if *silent != 0 {
                let elapsed = self.elapsed.saturating_add(Duration::from_nanos(core::mem::take(silent)));
                let one = part::<R, T>(&mut self.state, start + index..start + index + 1);
                // The channel exists and the decay is in time: there is nothing that could be refused.
                let seen = recent.after(self.sweep, elapsed).and_then(|sweep| sweep.observe(one, 0, *sample));
                if let (Some(scores), Ok(seen)) = (scores.as_deref_mut(), seen) {
                    scores[index] = seen.score;
                }
            }
            silent_channels += u32::from(*silent != 0);
        }
        self.chunks[chunk] = silent_channels;
    }
}

impl<R: Timed, T: Real> Sweep<R, T> {
    /// A row of samples; tells whether any did not count.
    fn chunk_row(
        &self,
        token: Token,
        far: bool,
        state: ColumnsOf<R, &mut [T]>,
        samples: &[T],
        scores: Option<&mut [T]>,
    ) -> bool {
        let (constants, inputs) = (&self.constants, [samples]);
        if let Some(scores) = scores {
            let sink = Noticing::new(Scores(scores));
            token.run(Row::<R, T, _> { constants, state, inputs, sink, far }).missing
        } else {
            let sink = Noticing::new(Ignore);
            token.run(Row::<R, T, _> { constants, state, inputs, sink, far }).missing
        }
    }
}

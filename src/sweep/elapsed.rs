//! A row of channels whose decay is in time.
//!
//! Most channels had a sample in the row before, and all of these have the same gain: they go the way of any row. For a
//! channel that missed samples more time has passed, and its gain is its own. Such are left out of the row, by a sample that
//! is missing, and stepped one by one. So what is remembered of each channel is how long it has been silent.

use super::dispatch::Token;
use super::row::{FAR_BYTES, Row, part};
use super::sink::{Ignore, Scores};
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

    /// One sample per channel, `elapsed` after the row before, and scores if they are wanted. `silence` is for how many
    /// nanoseconds before that each channel has had no sample.
    pub(crate) fn row_after<'a>(
        &self,
        state: ColumnsOf<R, &'a mut [T]>,
        silence: &'a mut [u64],
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
        let mut work = TimedRow { sweep: self, now: &now, elapsed, state, silence, samples, scores, far: false };
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

/// One row of channels of which some may have missed samples. All slices have the same length.
struct TimedRow<'s, 'a, R: Timed, T: Real> {
    /// For those who missed some.
    sweep: &'a Sweep<R, T>,
    /// For all others.
    now: &'a Sweep<R, T>,
    elapsed: Duration,
    state: ColumnsOf<R, &'s mut [T]>,
    silence: &'s mut [u64],
    samples: &'a [T],
    scores: Option<&'s mut [T]>,
    /// See [`Row`].
    far: bool,
}

impl<R: Timed, T: Real> Work for TimedRow<'_, '_, R, T> {
    type Output = ();

    fn channels(&self) -> usize {
        self.samples.len()
    }
    fn bytes(&self) -> usize {
        (self.state.as_ref().len() + 1) * size_of_val(self.samples) + size_of_val(&*self.silence)
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = split_columns::<R, T>(self.state, middle);
        let (quiet, still) = self.silence.split_at_mut(middle);
        let (early, late) = self.samples.split_at(middle);
        let (scores, rest) = self.scores.map(|scores| scores.split_at_mut(middle)).unzip();
        let (sweep, now, elapsed, far) = (self.sweep, self.now, self.elapsed, self.far);
        (
            Self { sweep, now, elapsed, far, state: before, silence: quiet, samples: early, scores },
            Self { sweep, now, elapsed, far, state: from, silence: still, samples: late, scores: rest },
        )
    }
    fn run(mut self, token: Token) {
        let mut start = 0;
        while start < self.samples.len() {
            let end = (start + CHUNK).min(self.samples.len());
            self.chunk(token, start, end);
            start = end;
        }
    }
    fn join((): (), (): ()) {}
}

impl<R: Timed, T: Real> TimedRow<'_, '_, R, T> {
    /// The channels from `start` to `end`, which are a chunk at most.
    fn chunk(&mut self, token: Token, start: usize, end: usize) {
        let samples = &self.samples[start..end];
        let silence = &mut self.silence[start..end];
        let is_missing = |sample: &T| sample.to_f64().is_nan();
        let is_whole = silence.iter().all(|&silent| silent == 0) && !samples.iter().any(is_missing);
        let state = part::<R, T>(&mut self.state, start..end);
        let scores = self.scores.as_deref_mut().map(|scores| &mut scores[start..end]);
        if is_whole {
            return self.now.chunk_row(token, self.far, state, samples, scores);
        }
        let mut buffer = [T::NAN; CHUNK];
        for ((slot, &sample), &silent) in buffer.iter_mut().zip(samples).zip(&*silence) {
            *slot = if silent == 0 { sample } else { T::NAN };
        }
        self.now.chunk_row(token, self.far, state, &buffer[..samples.len()], scores);
        for (index, (sample, silent)) in samples.iter().zip(silence).enumerate() {
            if is_missing(sample) {
                *silent = silent.saturating_add(nanoseconds(self.elapsed));
            } else if *silent != 0 {
                let elapsed = self.elapsed.saturating_add(Duration::from_nanos(core::mem::take(silent)));
                let one = part::<R, T>(&mut self.state, start + index..start + index + 1);
                // The channel exists and the decay is in time: there is nothing that could be refused.
                let seen = self.sweep.after(elapsed).and_then(|sweep| sweep.observe(one, 0, *sample));
                if let (Some(scores), Ok(seen)) = (self.scores.as_deref_mut(), seen) {
                    scores[start + index] = seen.score;
                }
            }
        }
    }
}

impl<R: Timed, T: Real> Sweep<R, T> {
    fn chunk_row(
        &self,
        token: Token,
        far: bool,
        state: ColumnsOf<R, &mut [T]>,
        samples: &[T],
        scores: Option<&mut [T]>,
    ) {
        let (constants, inputs) = (&self.constants, [samples]);
        if let Some(scores) = scores {
            token.run(Row::<R, T, _> { constants, state, inputs, sink: Scores(scores), far });
        } else {
            token.run(Row::<R, T, _> { constants, state, inputs, sink: Ignore, far });
        }
    }
}

//! A row of channels whose decay is in time.
//!
//! Most channels had a sample in the row before, and all of these have the same gain: they go the way of any row. For a
//! channel that missed samples more time has passed, and its gain is its own: where there are any such, every lane of
//! their chunk gets its gain beside its sample. So each channel's state has a time beside it: for how long it has been
//! silent.

use super::row::{FAR_BYTES, Row, part};
use super::sink::{Ignore, MissingFlag, Scores};
use super::threads::{self, Work, split_columns};
use super::{Sweep, channels_of, same_length};
use crate::cells::Cells;
use crate::dispatch::Token;
use crate::error::{ParameterError, UpdateError};
use crate::lane::{Lane, Real};
use crate::rule::{ColumnsOf, Count, Judge, Pace, Rule, Step, Timed, Verdict, pace_of};
use core::marker::PhantomData;
use core::time::Duration;
use pulp::{Simd, WithSimd};

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

    /// Updates every channel with a sample, `elapsed` after the row before, and writes scores if there is a slice for
    /// them. `silence` is of as many channels.
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
        let gain = self.gain_after(elapsed)?;
        let now = R::constants_after(&self.constants, gain);
        let Silence { channels: silence, chunks } = silence;
        let (pace, elapsed) = (pace_of(gain), nanoseconds(elapsed));
        let mut work = TimedRow {
            rule: &self.rule,
            now: &now,
            pace,
            elapsed,
            state,
            silence,
            chunks,
            samples,
            scores,
            far: false,
        };
        work.far = work.bytes() >= FAR_BYTES;
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

/// The number of channels that share a count of the silent ones among them, and are stepped together.
const CHUNK: usize = 1024;

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
    /// The rule, for channels that missed samples.
    rule: &'a R,
    /// The constants of all others.
    now: &'a R::Constants<T>,
    /// The gain, and one by the gain, of all others.
    pace: [T; 2],
    /// In nanoseconds.
    elapsed: u64,
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
        let (rule, now, pace, elapsed, far) = (self.rule, self.now, self.pace, self.elapsed, self.far);
        let all = |state, silence, chunks, samples, scores| Self {
            rule,
            now,
            pace,
            elapsed,
            state,
            silence,
            chunks,
            samples,
            scores,
            far,
        };
        (all(before, quiet, first, early, scores), all(from, still, other, late, rest))
    }
    fn run(mut self, token: Token) {
        let mut paces = Paces::new();
        for chunk in 0..self.chunks.len() {
            self.chunk(token, chunk, &mut paces);
        }
    }
    fn join((): (), (): ()) {}
}

impl<R: Timed, T: Real> TimedRow<'_, '_, R, T> {
    /// One chunk of channels. Where any was silent, every lane has a gain of its own.
    fn chunk(&mut self, token: Token, chunk: usize, paces: &mut Paces<T>) {
        let start = chunk * CHUNK;
        let end = (start + CHUNK).min(self.samples.len());
        let samples = &self.samples[start..end];
        let silence = &mut self.silence[start..end];
        let state = part::<R, T>(&mut self.state, start..end);
        let scores = self.scores.as_deref_mut().map(|scores| &mut scores[start..end]);
        let constants = self.now;
        let are_silent = self.chunks[chunk] > 0;
        let missing = if are_silent {
            let mut alphas = [self.pace[0]; CHUNK];
            let mut fulls = [self.pace[1]; CHUNK];
            let mut silent = [0_u16; CHUNK];
            for &index in token.run(Silent { silence, silent: &mut silent }) {
                let index = usize::from(index);
                [alphas[index], fulls[index]] = paces.of(self.rule, self.elapsed.saturating_add(silence[index]));
            }
            let channels = samples.len();
            let inputs = [samples, &alphas[..channels], &fulls[..channels]];
            stepped::<Paced<R>, T>(token, Row { constants, state, inputs, sink: Ignore, prefetch: self.far }, scores)
        } else {
            let row = Row::<R, T, _> { constants, state, inputs: [samples], sink: Ignore, prefetch: self.far };
            stepped(token, row, scores)
        };
        if missing || are_silent {
            self.chunks[chunk] = token.run(Listen { samples, silence, elapsed: self.elapsed });
        }
    }
}

/// Steps a row, with scores if there is a slice for them, and returns whether any sample did not count.
fn stepped<Q: Rule + Judge, T: Real>(token: Token, row: Row<'_, '_, Q, T, Ignore>, scores: Option<&mut [T]>) -> bool {
    let Row { constants, state, inputs, prefetch, .. } = row;
    if let Some(scores) = scores {
        let sink = MissingFlag::new(Scores(scores));
        token.run(Row::<Q, T, _> { constants, state, inputs, sink, prefetch }).missing
    } else {
        let sink = MissingFlag::new(Ignore);
        token.run(Row::<Q, T, _> { constants, state, inputs, sink, prefetch }).missing
    }
}

/// A rule each of whose lanes has a pace of its own: beside the sample it takes the gain, and one by the gain.
#[derive(Clone, Debug, PartialEq)]
struct Paced<R>(PhantomData<R>);

impl<R: Timed> Rule for Paced<R> {}

impl<R: Timed> Step for Paced<R> {
    const NAME: &'static str = R::NAME;
    type Columns = R::Columns;
    const STREAMED: u32 = R::STREAMED;
    type Inputs = Count<3>;
    type Output<T: Real, S: Simd> = R::Output<T, S>;
    type Constants<T: Real> = R::Constants<T>;

    fn constants<T: Real>(&self) -> Result<R::Constants<T>, ParameterError> {
        Err(ParameterError::InTime { rule: R::NAME })
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
    fn is_state<T: Real>(constants: &R::Constants<T>, state: &ColumnsOf<R, T>) -> bool {
        R::is_state(constants, state)
    }
    fn unseen<T: Real>() -> ColumnsOf<R, T> {
        R::unseen()
    }
    #[inline(always)]
    fn step<T: Real, S: Simd>(
        constants: &R::Constants<T>,
        cells: &mut impl Cells<T, S>,
        [sample, alpha, full]: [Lane<T, S>; 3],
    ) -> R::Output<T, S> {
        R::step_after(constants, cells, sample, Pace { alpha, full })
    }
}

impl<R: Timed> Judge for Paced<R> {
    #[inline(always)]
    fn verdict<T: Real, S: Simd>(output: R::Output<T, S>) -> Verdict<T, S> {
        R::verdict(output)
    }
}

/// The most distances in time whose gains are saved.
const DISTANCES: usize = 64;

/// The gain, and one by the gain, of distances in time: a row has few, as most silent channels missed one row or two.
struct Paces<T> {
    known: [(u64, [T; 2]); DISTANCES],
}

impl<T: Real> Paces<T> {
    fn new() -> Self {
        Self { known: [(u64::MAX, [T::NAN; 2]); DISTANCES] }
    }

    /// The pace of a sample that comes `elapsed` nanoseconds after the one before.
    #[inline]
    fn of<R: Timed>(&mut self, rule: &R, elapsed: u64) -> [T; 2] {
        // Fibonacci hashing: the high bits of the product depend on all bits of the distance.
        let place = elapsed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - DISTANCES.ilog2());
        #[allow(clippy::cast_possible_truncation)] // below DISTANCES
        let known = &mut self.known[place as usize];
        if known.0 != elapsed || elapsed == u64::MAX {
            *known = (elapsed, pace_of(rule.gain_after::<T>(Duration::from_nanos(elapsed))));
        }
        known.1
    }
}

/// The silent channels of a chunk, in order.
struct Silent<'a> {
    silence: &'a [u64],
    silent: &'a mut [u16; CHUNK],
}

impl<'a> WithSimd for Silent<'a> {
    type Output = &'a [u16];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> &'a [u16] {
        let mut count = 0;
        for (index, &silent) in (0..).zip(self.silence) {
            // Without a branch, which nobody could predict; the remainder only shows the compiler that there is room.
            self.silent[count % CHUNK] = index;
            count += usize::from(silent != 0);
        }
        &self.silent[..count.min(CHUNK)]
    }
}

/// Lengthens the silence of the channels whose samples are missing, ends that of all others, and returns the number of
/// silent channels.
struct Listen<'a, T> {
    samples: &'a [T],
    silence: &'a mut [u64],
    elapsed: u64,
}

impl<T: Real> WithSimd for Listen<'_, T> {
    type Output = u32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> u32 {
        let mut silent_channels = 0;
        for (&sample, silent) in self.samples.iter().zip(self.silence) {
            let is_missing = sample.partial_cmp(&sample).is_none();
            let so_far = silent.saturating_add(self.elapsed);
            *silent = if is_missing { so_far } else { 0 };
            silent_channels += u32::from(*silent != 0);
        }
        silent_channels
    }
}

//! One moment: the step of some channels whose decay is in time, of which a few may have missed samples before.

use super::outputs::Report;
use super::row::Row;
use super::sink::{Ignore, MissingFlag, Sink};
use crate::cells::{Cells, apart};
use crate::dispatch::Token;
use crate::error::ParameterError;
use crate::lane::{Lane, Real};
use crate::rule::{Arity, ColumnsOf, Count, Judge, Memo, Pace, Rule, Step, Timed, Verdict, pace_of};
use crate::sweep::nanoseconds;
use core::marker::PhantomData;
use core::time::Duration;
use pulp::{Simd, WithSimd};

/// The number of channels that share a count of the silent ones among them, and are stepped together.
pub(super) const CHUNK: usize = 1024;

/// How long after the row before a row comes, and what follows for the channels that had a sample then.
pub(super) struct Moment<'a, R: Timed, T: Real> {
    /// The rule, for channels that missed samples.
    rule: &'a R,
    /// The constants of all others.
    now: R::Constants<T>,
    /// The gain, and one by the gain, of all others.
    pace: [T; 2],
    /// In nanoseconds.
    elapsed: u64,
    /// See [`Row`].
    pub(super) is_far: bool,
}

/// Some channels, at most a chunk of them. All slices have the same length.
pub(super) struct Stretch<'s, R: Timed, T: Real> {
    pub(super) state: ColumnsOf<R, &'s mut [T]>,
    pub(super) silence: &'s mut [u64],
    pub(super) samples: &'s [T],
    pub(super) report: Report<'s, T>,
}

/// Room for the gains of a stretch in which some are silent.
pub(super) struct Room<T> {
    alphas: [T; CHUNK],
    fulls: [T; CHUNK],
    silent: [u16; CHUNK],
    paces: Paces<T>,
}

impl<T: Real> Room<T> {
    pub(super) fn new() -> Self {
        let zeros = [T::default(); CHUNK];
        Self { alphas: zeros, fulls: zeros, silent: [0; CHUNK], paces: Paces::new() }
    }
}

impl<'a, R: Timed, T: Real> Moment<'a, R, T> {
    /// A moment that comes `elapsed` after the one before, with this gain.
    pub(super) fn new(rule: &'a R, constants: &R::Constants<T>, gain: f64, elapsed: Duration) -> Self {
        let now = R::constants_after(constants, gain);
        Self { rule, now, pace: pace_of(gain), elapsed: nanoseconds(elapsed), is_far: false }
    }

    /// Whether the distance seems to be that of the rows before, so that ages are full and stay so: judged by a few of the
    /// channels, because a wrong answer costs no more than time.
    fn is_even(&self, state: &ColumnsOf<R, &mut [T]>, channels: usize) -> bool {
        [0, channels / 2, channels.saturating_sub(1)].into_iter().filter(|&channel| channel < channels).any(|channel| {
            let state = R::Columns::from_fn(|column| state.as_ref()[column][channel]);
            R::is_of_full_age(&self.now, &state)
        })
    }

    /// Steps the channels, of which `count` are silent. Where any is, or distances are not even, every lane has a gain of its
    /// own.
    pub(super) fn pass(&self, token: Token, stretch: Stretch<'_, R, T>, count: &mut u32, room: &mut Room<T>) {
        let Stretch { state, silence, samples, report } = stretch;
        let (constants, prefetch, channels) = (&self.now, self.is_far, samples.len());
        let are_silent = *count > 0;
        let missing = if are_silent || !self.is_even(&state, channels) {
            let (alphas, fulls) = (&mut room.alphas[..channels], &mut room.fulls[..channels]);
            alphas.fill(self.pace[0]);
            fulls.fill(self.pace[1]);
            let silent = if are_silent { token.run(Silent { silence, silent: &mut room.silent }) } else { &[] };
            for &index in silent {
                let index = usize::from(index);
                let elapsed = self.elapsed.saturating_add(silence[index]);
                [alphas[index], fulls[index]] = room.paces.of(self.rule, elapsed);
            }
            let inputs = [samples, alphas, fulls];
            stepped::<Paced<R>, T>(token, Row { constants, state, inputs, sink: Ignore, prefetch }, report)
        } else {
            let row = Row::<R, T, _> { constants, state, inputs: [samples], sink: Ignore, prefetch };
            stepped(token, row, report)
        };
        if missing || are_silent {
            *count = token.run(Listen { samples, silence, elapsed: self.elapsed });
        }
    }
}

/// Steps a row, with a report if there are places for one, and returns whether any sample did not count.
fn stepped<Q: Rule + Judge, T: Real>(token: Token, row: Row<'_, '_, Q, T, Ignore>, report: Report<'_, T>) -> bool {
    fn run<Q: Rule, T: Real, K: Sink<Q, T>>(token: Token, row: Row<'_, '_, Q, T, Ignore>, sink: K) -> K {
        let Row { constants, state, inputs, prefetch, .. } = row;
        token.run(Row::<Q, T, K> { constants, state, inputs, sink, prefetch })
    }
    if report.outputs.is_empty() {
        run(token, row, MissingFlag::new(Ignore)).missing
    } else {
        run(token, row, MissingFlag::new(report)).missing
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
    const RARE: usize = R::RARE;
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
    #[inline(always)]
    fn quick<T: Real, S: Simd, F: FnOnce(R::Output<T, S>)>(
        constants: &R::Constants<T>,
        cells: &mut impl Cells<T, S>,
        [sample, alpha, full]: [Lane<T, S>; 3],
        report: F,
    ) -> Result<(), F> {
        R::short_after(constants, cells, sample, Pace { alpha, full }, report)
    }
    #[inline(always)]
    fn rest<T: Real, S: Simd>(
        constants: &R::Constants<T>,
        cells: &mut impl Cells<T, S>,
        inputs: [Lane<T, S>; 3],
        report: impl FnOnce(R::Output<T, S>),
    ) {
        report(apart::<Self, T, S>(inputs[0].0, constants, cells, inputs));
    }
    #[inline(always)]
    fn settle<T: Real, S: Simd>(
        constants: &R::Constants<T>,
        [sample, ..]: [Lane<T, S>; 3],
        kept: [Lane<T, S>; 2],
        rare: Lane<T, S>,
    ) -> Lane<T, S> {
        R::settle(constants, [sample], kept, rare)
    }
}

impl<R: Timed> Judge for Paced<R> {
    #[inline(always)]
    fn verdict<T: Real, S: Simd>(output: R::Output<T, S>) -> Verdict<T, S> {
        R::verdict(output)
    }

    #[inline(always)]
    fn estimates<T: Real, S: Simd>(
        constants: &R::Constants<T>,
        memo: &mut Memo,
        cells: &impl Cells<T, S>,
    ) -> [Lane<T, S>; 2] {
        R::estimates(constants, memo, cells)
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

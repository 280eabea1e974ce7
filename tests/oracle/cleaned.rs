//! `CleanedEma`: [`Spec`] is the executable specification that made `cleaned_ema.json`, line by line.

use super::memory::{Memory, START_AGE, is_silence};
use super::{Float, Outcome, Specification, pick, robust, within};
use core::time::Duration;
use evenkeel::CleanedEma;

/// The smallest gain of the judge.
const JUDGE_GAIN: f64 = 0.1;
/// Part of the pending share that a sample which is no outlier takes away.
const FORGET: f64 = 0.1;
/// The share that is pending is none below two to this power: no refund could show.
const LEAST_PENDING: [i32; 2] = [-50, -100];
/// An average that is no older begins anew where the judge does.
const EARLY: f64 = 8.0;

/// The parameters in `f64`, under the names of the library's builders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    pub(crate) alpha: f64,
    pub(crate) reject: f64,
    pub(crate) patience: u32,
    pub(crate) resolution: f64,
    /// Whether the resolution is learnt.
    pub(crate) learns: bool,
    /// The memory of the average is in time, and there is no alpha.
    pub(crate) half_life: Option<Duration>,
}

impl Parameters {
    pub(crate) fn new(alpha: f64) -> Self {
        Self { alpha, reject: 8.0, patience: 10, resolution: 0.0, learns: false, half_life: None }
    }

    pub(crate) fn in_time(half_life: Duration) -> Self {
        Self { half_life: Some(half_life), ..Self::new(f64::NAN) }
    }

    pub(crate) fn learning(self) -> Self {
        Self { learns: true, ..self }
    }
}

/// The parameters, each rounded once to `T`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec<T> {
    pub(crate) memory: Memory<T>,
    half_life: Option<Duration>,
    reject: T,
    keep: T,
    early: T,
    least: T,
    pub(crate) judge: robust::Spec<T>,
}

/// The state of one channel. Before the first sample the average is NaN, and so is the judge's location.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State<T> {
    pub(crate) mean: T,
    pub(crate) age: T,
    /// The share of the average that stands in for samples that were replaced.
    pub(crate) pending: T,
    pub(crate) judge: robust::State<T>,
}

impl<T: Float> State<T> {
    pub(crate) fn unseen() -> Self {
        Self { mean: T::NAN, age: T::ZERO, pending: T::ZERO, judge: robust::State::unseen() }
    }
}

impl<T: Float> Spec<T> {
    pub(crate) fn new(p: &Parameters) -> Self {
        let t = T::from_f64;
        // It counts samples, whatever the average does.
        let gain = if p.half_life.is_some() { JUDGE_GAIN } else { JUDGE_GAIN.max(p.alpha) };
        let judge = robust::Parameters {
            patience: p.patience,
            resolution: p.resolution,
            learns: p.learns,
            ..robust::Parameters::new(gain)
        };
        Self {
            memory: Memory::new(p.alpha),
            half_life: p.half_life,
            reject: t(p.reject),
            keep: t(1.0 - FORGET),
            early: t(EARLY),
            least: t(2.0_f64.powi(LEAST_PENDING[usize::from(size_of::<T>() == 8)])),
            judge: robust::Spec::new(&judge),
        }
    }

    /// One sample, with `alpha_t` and `1 / alpha_t` where the memory is in time.
    pub(crate) fn step(&self, state: &State<T>, u: T, after: Option<(f64, f64)>) -> (State<T>, Outcome<T>) {
        let (p, one) = (self, T::ONE);
        let State { mut mean, age, mut pending, judge: before } = *state;
        let memory = p.memory.of(after);
        let starting = p.judge.is_starting(&before);
        let silence = after.is_some() && is_silence(age, memory.alpha);
        let (judged, outcome) = p.judge.step_by(&before, u, None, silence);
        let outcome = Outcome { strike: false, score: T::NAN, ..outcome };
        if !outcome.accepted {
            return (*state, outcome);
        }
        if starting {
            let age = if p.judge.is_starting(&judged) { one } else { T::from_f64(START_AGE) };
            return (State { mean: judged.location, age, pending: T::ZERO, judge: judged }, outcome);
        }
        let x = within(u, T::half_largest());
        let residual = x - before.location;
        let scale = p.judge.used_scale(&before);
        let replaced = residual.size() > p.reject * scale && !outcome.opened;
        let outcome = Outcome { strike: replaced, score: residual / scale, ..outcome };
        let (age, gain) = memory.older(age, after.is_some());
        pending = pending * (one - gain);
        if outcome.opened {
            if age <= p.early || pending + gain > T::from_f64(0.5) {
                return (State { mean: judged.location, age: one, pending: T::ZERO, judge: judged }, outcome);
            }
            mean = mean + gain * (judged.location - mean);
            mean = mean + pending * (judged.location - before.location);
            pending = T::ZERO;
        } else if replaced {
            mean = mean + gain * (before.location - mean);
            pending = pending + gain;
        } else {
            mean = mean + gain * (x - mean);
            pending = pending * p.keep;
            pending = pick(pending < p.least, T::ZERO, pending);
        }
        (State { mean: within(mean, T::half_largest()), age, pending, judge: judged }, outcome)
    }

    /// The seven columns as the library documents them: average, the judge's scale, location, last strike and tally,
    /// age and pending.
    pub(crate) fn words(&self, state: &State<T>) -> [u64; 7] {
        let [location, scale, last_strike, tally] = self.judge.words(&state.judge);
        [state.mean.to_word(), scale, location, last_strike, tally, state.age.to_word(), state.pending.to_word()]
    }
}

impl<T: Float> Specification<T> for Spec<T> {
    type Rule = CleanedEma;
    type State = State<T>;

    fn unseen() -> State<T> {
        State::unseen()
    }
    fn step(&self, state: &State<T>, sample: T, after: Option<(f64, f64)>) -> (State<T>, Outcome<T>) {
        self.step(state, sample, after)
    }
    fn words(&self, state: &State<T>) -> Vec<u64> {
        self.words(state).to_vec()
    }
    fn reading(&self, state: &State<T>) -> [T; 3] {
        let scale = if state.age == T::ZERO { T::NAN } else { self.judge.used_scale(&state.judge) };
        [state.mean, scale, state.age]
    }
    fn exponent(state: &mut State<T>) -> &mut u32 {
        &mut state.judge.exponent
    }
    fn age(state: &mut State<T>) -> &mut T {
        &mut state.age
    }
    fn memory(&self) -> Memory<T> {
        self.memory
    }
    fn learns(&self) -> bool {
        self.judge.learns
    }
    fn half_life(&self) -> Option<Duration> {
        self.half_life
    }
    fn is_finite(&self, state: &State<T>) -> bool {
        let mean = state.mean.finite() || state.age == T::ZERO && state.mean.nan();
        mean && state.age.finite() && state.pending.finite() && state.judge.is_finite()
    }
}

//! `RobustMean`: [`Spec`] is the executable specification that made `robust_mean.json`, line by line.

use super::memory::{Memory, START_AGE, is_silence};
use super::{Float, Specification, grid, least, median3, most, pick, within};
use core::time::Duration;
use evenkeel::RobustMean;

/// Samples of the start phase.
const START: u32 = 5;
/// In quarters: what a strike adds, what any other sample takes back, and how far below the patience a re-opening
/// leaves.
const STRIKE: u32 = 4;
const CALM: u32 = 5;
const REARM: u32 = 16;
/// A scale below this part of the location counts as collapsed: two to this power.
const FIRST_SCALE: i32 = -20;

/// A residual beyond so many scales is a strike.
pub(crate) const STRIKE_AT: f64 = 4.0;
/// The growth of a scale that re-opens at age 1, and before full age.
pub(crate) const REGROW: f64 = 8.0;
const REGROW_YOUNG: f64 = 4.0;
/// A strike may lie so many times as far out as the one before.
const LANDING: f64 = 2.0;

/// The parameters in `f64`, under the names of the library's builders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    pub(crate) alpha: f64,
    pub(crate) clip: f64,
    pub(crate) taper_from: f64,
    /// Infinite: Huber's psi.
    pub(crate) reject: f64,
    pub(crate) scale_clip: f64,
    pub(crate) patience: u32,
    pub(crate) resolution: f64,
    /// Whether the resolution is learnt.
    pub(crate) learns: bool,
    /// The memory is in time, and there is no alpha.
    pub(crate) half_life: Option<Duration>,
}

impl Parameters {
    pub(crate) fn new(alpha: f64) -> Self {
        Self {
            alpha,
            clip: 2.5,
            taper_from: 3.5,
            reject: 6.5,
            scale_clip: 2.0,
            patience: 12,
            resolution: 0.0,
            learns: false,
            half_life: None,
        }
    }

    pub(crate) fn in_time(half_life: Duration) -> Self {
        Self { half_life: Some(half_life), ..Self::new(f64::NAN) }
    }

    pub(crate) fn mean_faithful(self) -> Self {
        Self { clip: 4.0, taper_from: 6.0, reject: 12.0, scale_clip: 2.0, ..self }
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
    pub(crate) learns: bool,
    huber: bool,
    clip: T,
    reject: T,
    slope: T,
    scale_clip: T,
    strike_at: T,
    /// Quarters of strikes that re-open the estimate.
    patience: u32,
    regrow: T,
    regrow_young: T,
    landing: T,
    half_resolution: T,
    half_max: T,
    tiny: T,
    relative: T,
    first_scale: T,
}

/// The state of one channel. Before the first sample the location is NaN and the rest zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State<T> {
    pub(crate) location: T,
    pub(crate) scale: T,
    pub(crate) last_strike: T,
    /// In quarters; more than the patience: the start phase.
    pub(crate) strikes: u32,
    pub(crate) age: T,
    /// The age is a number of samples, and not a sum of weights: the columns have it otherwise.
    pub(crate) counted: bool,
    /// The exponent of the learnt step; zero where none is learnt.
    pub(crate) exponent: u32,
}

/// The verdict on one sample.
// As many questions, each with its own answer.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome<T> {
    pub(crate) accepted: bool,
    pub(crate) first: bool,
    /// One of the first five.
    pub(crate) starting: bool,
    /// An outlier. Of `CleanedEma`: it was replaced.
    pub(crate) strike: bool,
    /// In the sense of the specification: a first sample opens, too.
    pub(crate) opened: bool,
    /// Residual over the scale before the sample; NaN for a missing one and for the first five.
    pub(crate) score: T,
}

impl<T: Float> State<T> {
    pub(crate) fn unseen() -> Self {
        Self {
            location: T::NAN,
            scale: T::ZERO,
            last_strike: T::ZERO,
            strikes: 0,
            age: T::ZERO,
            counted: true,
            exponent: 0,
        }
    }

    pub(crate) fn is_finite(&self) -> bool {
        let location = self.location.finite() || (self.age == T::ZERO && self.location.nan());
        location && self.scale.finite() && self.last_strike.finite()
    }
}

impl<T: Float> Spec<T> {
    pub(crate) fn new(p: &Parameters) -> Self {
        let t = T::from_f64;
        let power = |exponent| t(2.0_f64.powi(exponent));
        let huber = p.reject.is_infinite();
        Self {
            memory: Memory::new(p.alpha),
            half_life: p.half_life,
            learns: p.learns,
            huber,
            clip: t(p.clip),
            reject: t(p.reject),
            slope: t(pick(huber, 1.0, p.clip / (p.reject - p.taper_from))),
            scale_clip: t(p.scale_clip),
            strike_at: t(STRIKE_AT),
            patience: 4 * p.patience,
            regrow: t(REGROW),
            regrow_young: t(REGROW_YOUNG),
            landing: t(LANDING),
            half_resolution: t(p.resolution / 2.0),
            half_max: T::half_largest(),
            tiny: power(T::FLOORS.0),
            relative: power(T::FLOORS.1),
            first_scale: power(FIRST_SCALE),
        }
    }

    /// The least scale that judges and is reported.
    pub(crate) fn floor(&self, state: &State<T>) -> T {
        if self.learns { grid::half_step(state.exponent) } else { self.half_resolution }
    }

    /// The scale that judges and is reported: at least half the resolution, which is never stored.
    pub(crate) fn used_scale(&self, state: &State<T>) -> T {
        most(state.scale, self.floor(state))
    }

    /// Whether the next sample is one of the first five.
    pub(crate) fn is_starting(&self, state: &State<T>) -> bool {
        state.age == T::ZERO || state.strikes > self.patience
    }

    fn psi(&self, residual: T, scale: T) -> T {
        let size = residual.size();
        let mut kept = least(size, self.clip * scale);
        if !self.huber {
            kept = least(kept, most((self.reject * scale - size) * self.slope, T::ZERO));
        }
        if residual >= T::ZERO { kept } else { -kept }
    }

    fn floored(&self, scale: T, location: T) -> T {
        most(scale, most(self.tiny, self.relative * location.size()))
    }

    /// One sample of a memory in samples.
    pub(crate) fn step(&self, state: &State<T>, u: T) -> (State<T>, Outcome<T>) {
        self.step_by(state, u, None, false)
    }

    /// One sample of a memory in time, with `alpha_t` and `1 / alpha_t` of the distance from the one before.
    pub(crate) fn step_after(&self, state: &State<T>, u: T, after: (f64, f64)) -> (State<T>, Outcome<T>) {
        self.step_by(state, u, Some(after), false)
    }

    /// One sample, and what it says of the resolution. `silence` says that one has gone before.
    pub(crate) fn step_by(
        &self,
        state: &State<T>,
        u: T,
        after: Option<(f64, f64)>,
        silence: bool,
    ) -> (State<T>, Outcome<T>) {
        let (mut new, outcome) = self.judge(state, u, after, silence);
        if self.learns && outcome.accepted && !outcome.first {
            let x = within(u, self.half_max);
            // A CleanedEma, too, leaves out what is beyond four scales of its judge.
            let strike = (x - state.location).size() > self.strike_at * self.used_scale(state);
            if outcome.starting || !strike {
                new.exponent = grid::vote(state.exponent, x);
            }
        }
        (new, outcome)
    }

    fn judge(&self, state: &State<T>, u: T, after: Option<(f64, f64)>, silence: bool) -> (State<T>, Outcome<T>) {
        let (p, one) = (self, T::ONE);
        let memory = p.memory.of(after);
        let State { location, scale, last_strike, mut strikes, mut age, exponent, .. } = *state;
        let first = age == T::ZERO;
        let finite = u.size() <= p.half_max + p.half_max;
        let starting = p.is_starting(state);
        let said = Outcome { accepted: true, first, starting, strike: false, opened: false, score: T::NAN };
        if u.nan() || (starting && !finite) {
            return (*state, Outcome { accepted: false, ..said });
        }
        let x = within(u, p.half_max);
        if first {
            let strikes = p.patience + START - 1;
            let new = State { location: x, scale: p.tiny, last_strike: x, strikes, age: one, counted: true, exponent };
            return (new, Outcome { opened: true, ..said });
        }
        if !starting && (silence || after.is_some() && is_silence(age, memory.alpha)) {
            strikes = strikes.max(p.patience - STRIKE);
            age = one;
        }
        let used = p.used_scale(state);
        let residual = x - location;
        if starting {
            return (p.start(state, x), said);
        }
        let size = residual.size();
        let strike = size > p.strike_at * used;
        let said = Outcome { strike, score: residual / used, ..said };

        let alive = scale > T::from_f64(2.0) * most(p.tiny, p.first_scale * location.size());
        let struck =
            if strike { (strikes + STRIKE).min(p.patience) } else { strikes.saturating_sub(pick(alive, CALM, STRIKE)) };
        let reach = p.landing * most((last_strike - location).size(), p.strike_at * used);
        let landed = if age <= one { x } else { within(location + within(residual, reach), p.half_max) };
        let new_strike = pick(strike, landed, last_strike);
        let young = memory.is_young(age);

        if struck >= p.patience && finite {
            let growth = pick(age <= one, p.regrow, pick(young, p.regrow_young, one));
            let mut new_scale = least(size, growth * used);
            if !alive {
                new_scale = most(new_scale, p.first_scale * size);
            }
            let new_location = median3(new_strike, last_strike, location);
            let left = p.patience - pick(age <= one, STRIKE, REARM.min(p.patience));
            let new = State {
                location: new_location,
                scale: p.floored(new_scale, new_location),
                last_strike: new_strike,
                strikes: left,
                age: one,
                counted: true,
                exponent,
            };
            return (new, Outcome { opened: true, ..said });
        }

        let (new_age, gain) = memory.older(age, after.is_some());
        let new_location = within(location + gain * p.psi(residual, used), p.half_max);
        let new_scale = scale + least(gain, T::from_f64(0.5)) * (least(size, p.scale_clip * used) - scale);
        let new = State {
            location: new_location,
            scale: p.floored(new_scale, new_location),
            last_strike: new_strike,
            strikes: struck,
            age: new_age,
            counted: young,
            exponent,
        };
        (new, said)
    }

    /// Samples 2 to 5: a running median, and a scale from the nearest distances.
    fn start(&self, state: &State<T>, x: T) -> State<T> {
        let (p, one, two) = (self, T::ONE, T::from_f64(2.0));
        let State { location, mut scale, last_strike, mut strikes, exponent, .. } = *state;
        let used = p.used_scale(state);
        let size = (x - location).size();
        let number = T::from_f64(f64::from(p.patience + START + 1 - strikes));
        let near = two * least(least(size, (x - last_strike).size()), p.half_max * T::from_f64(0.25));
        let cap = if number == two {
            p.half_max
        } else if used <= p.tiny {
            location.size()
        } else {
            pick(number == T::from_f64(3.0), used, p.regrow * used)
        };
        let middle = median3(x, last_strike, location);
        if near > p.tiny {
            let part = (least(near, cap) - scale) / most(number - two, one);
            scale = least(scale + part, T::from_f64(32.0) * near);
        } else {
            scale = least(scale, most(middle.size(), two * most(size, (x - last_strike).size())));
        }
        strikes -= 1;
        let ends = strikes <= p.patience;
        let least = if ends { most(p.tiny, p.first_scale * location.size()) } else { p.tiny };
        let age = pick(ends && scale > least, T::from_f64(START_AGE), one);
        State {
            location: middle,
            scale: most(scale, least),
            last_strike: x,
            strikes: pick(ends, p.patience - STRIKE, strikes),
            age,
            counted: true,
            exponent,
        }
    }

    /// The state after all samples, of a memory in samples.
    pub(crate) fn run(&self, from: State<T>, samples: impl IntoIterator<Item = T>) -> State<T> {
        samples.into_iter().fold(from, |state, u| self.step(&state, u).0)
    }

    /// The tally of a channel: its age in the low bits, the exponent of its step in the next three, its strikes above.
    pub(crate) fn tally(&self, state: &State<T>) -> u64 {
        if state.age == T::ZERO && state.exponent == 0 {
            return 0;
        }
        let age = if state.age == T::ZERO {
            0
        } else {
            self.memory.field(state.age, state.counted, self.half_life.is_some())
        };
        age | u64::from(state.exponent) << T::AGE_WIDTH | u64::from(state.strikes) << (T::AGE_WIDTH + 3)
    }

    /// The four columns as the library documents them: location, scale, last strike and a tally.
    pub(crate) fn words(&self, state: &State<T>) -> [u64; 4] {
        let State { location, scale, last_strike, .. } = *state;
        [location.to_word(), scale.to_word(), last_strike.to_word(), self.tally(state)]
    }

    /// The columns' elements.
    pub(crate) fn columns(&self, state: &State<T>) -> [T; 4] {
        self.words(state).map(T::from_word)
    }
}

impl<T: Float> Specification<T> for Spec<T> {
    type Rule = RobustMean;
    type State = State<T>;

    fn unseen() -> State<T> {
        State::unseen()
    }
    fn step(&self, state: &State<T>, sample: T, after: Option<(f64, f64)>) -> (State<T>, Outcome<T>) {
        self.step_by(state, sample, after, false)
    }
    fn words(&self, state: &State<T>) -> Vec<u64> {
        self.words(state).to_vec()
    }
    fn reading(&self, state: &State<T>) -> [T; 3] {
        let scale = if state.age == T::ZERO { T::NAN } else { self.used_scale(state) };
        [state.location, scale, state.age]
    }
    fn exponent(state: &mut State<T>) -> &mut u32 {
        &mut state.exponent
    }
    fn age(state: &mut State<T>) -> &mut T {
        &mut state.age
    }
    fn memory(&self) -> Memory<T> {
        self.memory
    }
    fn learns(&self) -> bool {
        self.learns
    }
    fn half_life(&self) -> Option<Duration> {
        self.half_life
    }
    fn is_finite(&self, state: &State<T>) -> bool {
        state.is_finite()
    }
}

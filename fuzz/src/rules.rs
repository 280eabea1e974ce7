//! Rules through their builders, and the same parameters for the specification. What a builder refuses is left out, and what
//! it refuses must be what its documentation says.

use crate::draw::{Belief, Draw};
use crate::oracle::{Float, Parameters, Spec, Specification, State, cleaned};
use evenkeel::{CleanedEma, Decay, ParameterError, Resolution, RobustMean};

/// Ordinary gains, the largest, those at which something is refused, the smallest of either lane type, and those where a start leaves
/// more than a full memory.
const GAINS: [f64; 18] = [
    0.1,
    0.5,
    0.25,
    0.3,
    0.05,
    0.01,
    1e-3,
    1.0,
    1.0 - 1.0 / (1 << 20) as f64,
    1.0 - 1.0 / (1 << 24) as f64,
    1.0 - f64::EPSILON / 2.0,
    1.0 / (1 << 20) as f64,
    1.0 / (1_u64 << 50) as f64,
    2.0 / 3.0,
    0.9,
    0.011_486,
    0.45,
    0.334,
];

/// What was built, if it was to be accepted; and nothing if not.
pub(crate) fn accepted<X>(built: Result<X, ParameterError>, expected: bool, what: &str, value: f64) -> Option<X> {
    assert_eq!(built.is_ok(), expected, "{what} {value:e}: {:?}", built.err());
    built.ok()
}

pub(crate) fn decay(draw: &mut Draw) -> Option<Decay> {
    match draw.below(8) {
        0 => {
            let h = draw.number(&[10.0, 1.0, 60.0, 0.1, 300.0, 0.0, f64::INFINITY]);
            // Halved within a fortieth of a sample, a gain is one; after more than f64 can hold, it is none.
            if h > 0.0 && h.is_finite() {
                Decay::half_life(h).ok()
            } else {
                accepted(Decay::half_life(h), false, "half_life", h)
            }
        }
        1 => {
            let n = draw.number(&[9.0, 1.0, 19.0, 99.0, 0.5]);
            accepted(Decay::span(n), n >= 1.0 && n.is_finite(), "span", n)
        }
        2 => {
            let c = draw.number(&[9.0, 0.0, 19.0, 99.0, -0.5]);
            accepted(Decay::com(c), c >= 0.0 && c.is_finite(), "com", c)
        }
        3 => beta(draw).map(|(decay, _)| decay),
        _ => {
            let a = draw.number(&GAINS);
            accepted(Decay::alpha(a), a > 0.0 && a <= 1.0, "alpha", a)
        }
    }
}

/// A decay, and its beta.
pub(crate) fn beta(draw: &mut Draw) -> Option<(Decay, f64)> {
    let b = draw.number(&[0.9, 0.0, 0.5, 0.99, 0.999, 0.9999, 1.0 - 1.0 / (1 << 22) as f64, f64::EPSILON]);
    accepted(Decay::beta(b), (0.0..1.0).contains(&b), "beta", b).map(|decay| (decay, b))
}

/// A rule and its specification, and what says whether a lane type can carry it.
pub(crate) struct Made<R, O> {
    pub(crate) rule: R,
    pub(crate) spec: O,
    pub(crate) gain: f64,
    /// The smallest gain that there is room for.
    pub(crate) smallest: f64,
    pub(crate) resolution: f64,
    /// The numbers of scales at which something changes.
    pub(crate) thresholds: [f64; 8],
}

impl<R, O> Made<R, O> {
    /// Whether lane type `T` has room for such an age and such a resolution.
    pub(crate) fn is_carried<T: Float>(&self) -> bool {
        self.gain >= self.smallest && self.resolution / 2.0 < T::LARGEST.to_f64() / 2.0
    }
}

/// A specification whose rule can be drawn.
pub(crate) trait Drawn<T: Float>: Specification<T> {
    /// A rule that its builders accept; `None` where its memory is refused.
    fn drawn(draw: &mut Draw) -> Option<Made<Self::Rule, Self>>;
    /// A rule with this decay, and nothing else out of the ordinary.
    fn with(decay: Decay, resolution: Resolution) -> (Self::Rule, Self);
    /// What judges the next sample of such a channel.
    fn belief(&self, state: &Self::State) -> Belief<T>;
}

impl<T: Float> Drawn<T> for Spec<T> {
    fn drawn(draw: &mut Draw) -> Option<Made<RobustMean, Self>> {
        let (rule, p) = robust(draw)?;
        let (gain, resolution) = (p.alpha, p.resolution);
        // Its age is beside other numbers in one word.
        let smallest = if size_of::<T>() == 4 { 1.0 / f64::from(1 << 20) } else { T::MIN_GAIN };
        Some(Made { rule, spec: Spec::new(&p), gain, smallest, resolution, thresholds: thresholds(&p) })
    }
    fn with(decay: Decay, resolution: Resolution) -> (RobustMean, Self) {
        let p = Parameters { half_life: decay.in_time(), ..Parameters::new(decay.gain()) };
        let (resolution, learns, rule) = given(RobustMean::new(decay), resolution, RobustMean::resolution);
        (rule, Spec::new(&Parameters { resolution, learns, ..p }))
    }
    fn belief(&self, state: &State<T>) -> Belief<T> {
        Belief { location: state.location, scale: self.used_scale(state) }
    }
}

impl<T: Float> Drawn<T> for cleaned::Spec<T> {
    fn drawn(draw: &mut Draw) -> Option<Made<CleanedEma, Self>> {
        let (rule, p) = average(draw)?;
        let (gain, resolution, reject) = (p.alpha, p.resolution, p.reject.min(1e3));
        let thresholds = [4.0, reject, 2.5, reject, 6.5, 2.0, 1.0, 3.5];
        let spec = cleaned::Spec::new(&p);
        Some(Made { rule, spec, gain, smallest: T::MIN_GAIN, resolution, thresholds })
    }
    fn with(decay: Decay, resolution: Resolution) -> (CleanedEma, Self) {
        let p = cleaned::Parameters { half_life: decay.in_time(), ..cleaned::Parameters::new(decay.gain()) };
        let (resolution, learns, rule) = given(CleanedEma::new(decay), resolution, CleanedEma::resolution);
        (rule, cleaned::Spec::new(&cleaned::Parameters { resolution, learns, ..p }))
    }
    fn belief(&self, state: &cleaned::State<T>) -> Belief<T> {
        Belief { location: state.judge.location, scale: self.judge.used_scale(&state.judge) }
    }
}

/// The step, whether it is learnt, and the rule with that.
fn given<R>(
    rule: R,
    resolution: Resolution,
    set: impl FnOnce(R, Resolution) -> Result<R, ParameterError>,
) -> (f64, bool, R) {
    let (step, learns) = match resolution {
        Resolution::Step(step) => (step, false),
        Resolution::Learn => (0.0, true),
    };
    (step, learns, set(rule, resolution).expect("a good resolution"))
}

/// A resolution that a builder was asked for: a step, or one that is learnt.
fn resolution<R>(draw: &mut Draw, set: impl FnOnce(Resolution) -> Result<R, ParameterError>) -> Option<(R, f64, bool)> {
    if draw.byte() & 1 == 1 {
        return set(Resolution::Learn).ok().map(|rule| (rule, 0.0, true));
    }
    let step = draw.number(&[1.0, 2.0, 0.001, 1e30, 0.0, 1e6, 1e-30]);
    let changed = accepted(set(step.into()), step >= 0.0 && step.is_finite(), "resolution", step);
    changed.map(|rule| (rule, step, false))
}

fn patience<R>(draw: &mut Draw, set: impl FnOnce(u32) -> Result<R, ParameterError>) -> Option<(R, u32)> {
    let strikes = u32::from(draw.byte() / 4) + u32::from(draw.byte() == 255);
    let changed = accepted(set(strikes), (1..=63).contains(&strikes), "patience", strikes.into());
    changed.map(|rule| (rule, strikes))
}

/// Whether a builder takes such a number of scales.
fn is_multiple(scales: f64) -> bool {
    let most = f64::from(1 << 20);
    (1.0 / most..=most).contains(&scales)
}

/// A robust mean; `None` where its memory is refused.
pub(crate) fn robust(draw: &mut Draw) -> Option<(RobustMean, Parameters)> {
    let decay = decay(draw)?;
    let mut parameters = Parameters::new(decay.gain());
    let mut rule = RobustMean::new(decay);
    let changes = draw.byte();
    if changes & 1 != 0 {
        (rule, parameters) = (rule.mean_faithful(), parameters.mean_faithful());
    }
    if changes & 2 != 0 {
        let clip = draw.number(&[2.5, 1.0, 4.0, 0.25, 9.0, 5.0]);
        if let Some(changed) = accepted(rule.clip(clip), is_multiple(clip), "clip", clip) {
            (rule, parameters.clip) = (changed, clip);
        }
    }
    if changes & 4 != 0 {
        let from = draw.number(&[3.5, 4.0, 1.0, 0.5, 3.999, 4.1]);
        let at = from + draw.number(&[3.0, 0.5, 0.3, 0.01, 1e-12, 50.0]);
        let expected = is_multiple(from) && is_multiple(at) && at > from;
        if let Some(changed) = accepted(rule.reject(from, at), expected, "reject", at) {
            (rule, parameters.taper_from, parameters.reject) = (changed, from, at);
        }
    }
    if changes & 8 != 0 {
        (rule, parameters.reject) = (rule.reject_nothing(), f64::INFINITY);
    }
    if changes & 16 != 0 {
        let k = draw.number(&[2.0, 3.0, 1.01, 1.0 + f64::EPSILON, 6.0, 1.0]);
        if let Some(changed) = accepted(rule.scale_clip(k), is_multiple(k) && k > 1.0, "scale_clip", k) {
            (rule, parameters.scale_clip) = (changed, k);
        }
    }
    if changes & 32 != 0
        && let Some((changed, strikes)) = patience(draw, |strikes| rule.patience(strikes))
    {
        (rule, parameters.patience) = (changed, strikes);
    }
    if changes & 64 != 0
        && let Some((changed, step, learns)) = resolution(draw, |resolution| rule.resolution(resolution))
    {
        (rule, parameters.resolution, parameters.learns) = (changed, step, learns);
    }
    Some((rule, parameters))
}

/// A cleaned average; `None` where its memory is refused.
fn average(draw: &mut Draw) -> Option<(CleanedEma, cleaned::Parameters)> {
    let decay = decay(draw)?;
    let mut parameters = cleaned::Parameters::new(decay.gain());
    let mut rule = CleanedEma::new(decay);
    let changes = draw.byte();
    if changes & 1 != 0 {
        let reject = draw.number(&[8.0, 4.0, 5.0, 0.5, 3.999, 20.0]);
        if let Some(changed) = accepted(rule.reject(reject), is_multiple(reject), "reject", reject) {
            (rule, parameters.reject) = (changed, reject);
        }
    }
    if changes & 32 != 0
        && let Some((changed, strikes)) = patience(draw, |strikes| rule.patience(strikes))
    {
        (rule, parameters.patience) = (changed, strikes);
    }
    if changes & 64 != 0
        && let Some((changed, step, learns)) = resolution(draw, |resolution| rule.resolution(resolution))
    {
        (rule, parameters.resolution, parameters.learns) = (changed, step, learns);
    }
    Some((rule, parameters))
}

/// The numbers of scales at which something changes in such a rule.
pub(crate) fn thresholds(p: &Parameters) -> [f64; 8] {
    let reject = p.reject.min(1e3);
    [4.0, p.clip, p.taper_from, reject, p.scale_clip, 8.0, 1.0, 4.0]
}

//! Rules through their builders, and the same parameters for the specification. What a builder refuses is left out, and what
//! it refuses must be what its documentation says.

use crate::draw::Draw;
use crate::oracle::Parameters;
use evenkeel::{Decay, ParameterError, RobustMean};

/// Ordinary gains, and those at which something is refused: the smallest of either lane type, the largest of a robust mean.
const GAINS: [f64; 16] = [
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
    1.0 / (1 << 22) as f64,
    1.0 / (1_u64 << 50) as f64,
    2.0 / 3.0,
    0.9,
    0.011_486,
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

/// A robust mean; `None` where its memory is refused.
pub(crate) fn robust(draw: &mut Draw) -> Option<(RobustMean, Parameters)> {
    let decay = decay(draw)?;
    let mut parameters = Parameters::new(decay.gain());
    let mut rule = RobustMean::new(decay);
    let changes = draw.byte();
    if changes & 1 != 0 {
        (rule, parameters) = (rule.mean_faithful(), Parameters::mean_faithful(decay.gain()));
    }
    let most = f64::from(1 << 20);
    let multiple = |scales: f64| (1.0 / most..=most).contains(&scales);
    if changes & 2 != 0 {
        let clip = draw.number(&[2.0, 1.0, 3.0, 0.25, 9.0, 5.0]);
        if let Some(changed) = accepted(rule.clip(clip), multiple(clip), "clip", clip) {
            (rule, parameters.clip) = (changed, clip);
        }
    }
    if changes & 4 != 0 {
        let from = draw.number(&[5.0, 4.0, 1.0, 0.5, 3.999, 4.1]);
        let at = from + draw.number(&[3.0, 0.5, 0.3, 0.01, 1e-12, 50.0]);
        let expected = multiple(from) && multiple(at) && at > from;
        if let Some(changed) = accepted(rule.reject(from, at), expected, "reject", at) {
            (rule, parameters.taper_from, parameters.reject) = (changed, from, at);
        }
    }
    if changes & 8 != 0 {
        (rule, parameters.reject) = (rule.reject_nothing(), f64::INFINITY);
    }
    if changes & 16 != 0 {
        let k = draw.number(&[2.0, 3.0, 1.01, 1.0 + f64::EPSILON, 6.0, 1.0]);
        if let Some(changed) = accepted(rule.scale_clip(k), multiple(k) && k > 1.0, "scale_clip", k) {
            (rule, parameters.scale_clip) = (changed, k);
        }
    }
    if changes & 32 != 0 {
        let strikes = u32::from(draw.byte()) + u32::from(draw.byte() == 255);
        let changed = accepted(rule.patience(strikes), (1..=255).contains(&strikes), "patience", strikes.into());
        if let Some(changed) = changed {
            (rule, parameters.patience) = (changed, strikes.into());
        }
    }
    if changes & 64 != 0 {
        let step = draw.number(&[1.0, 2.0, 0.001, 1e30, 0.0, 1e6, 1e-30]);
        let changed = accepted(rule.resolution(step), step >= 0.0 && step.is_finite(), "resolution", step);
        if let Some(changed) = changed {
            (rule, parameters.resolution_floor) = (changed, step / 2.0);
        }
    }
    Some((rule, parameters))
}

/// The numbers of scales at which something changes in such a rule.
pub(crate) fn thresholds(p: &Parameters) -> [f64; 8] {
    let reject = p.reject.min(1e3);
    [p.strike_at, p.clip, p.taper_from, reject, p.scale_clip, p.regrow, 1.0, p.strike_at]
}

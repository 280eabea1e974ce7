//! Promise: `ClippedEma` is the numerator's input clip before Adam's first moment, to the bit, however it is updated.

use crate::{oracle, support};
use core::num::NonZeroUsize;
use evenkeel::{Bank, ClippedEma, Decay, Sweep, Threads};
use oracle::{Float, pick};
use support::random::Random;
use support::{both_types, every_backend};

/// The equations, one channel.
#[derive(Clone, Copy, Debug)]
struct Spec<T> {
    alpha: T,
    scale_alpha: T,
    clip: T,
}

#[derive(Clone, Copy, Debug)]
struct State<T> {
    m: T,
    scale: T,
    t: u64,
}

/// Part of the way, and all of it at 1.
fn toward<T: Float>(from: T, to: T, alpha: T) -> T {
    pick(alpha == T::ONE, to, from + alpha * (to - from))
}

impl<T: Float> Spec<T> {
    fn new(gain: f64, scale_gain: f64, clip: f64) -> Self {
        Self { alpha: T::from_f64(gain), scale_alpha: T::from_f64(scale_gain), clip: T::from_f64(clip) }
    }

    /// The score, NaN of a missing sample and of a first one, and whether the sample was clipped.
    fn step(&self, state: &mut State<T>, g: T) -> (T, bool) {
        if g.nan() {
            return (T::NAN, false);
        }
        let half_max = T::LARGEST / T::from_f64(2.0);
        let size = pick(g.size() > half_max, half_max, g.size());
        state.t += 1;
        let young = T::ONE / T::from_f64(state.t as f64);
        let gain = pick(young > self.scale_alpha, young, self.scale_alpha);
        state.scale = pick(state.t == 1, size, toward(state.scale, size, gain));
        let limit = self.clip * state.scale;
        let kept = pick(size < limit, size, limit);
        let psi = if g.negative() { -kept } else { kept };
        state.m = toward(state.m, psi, self.alpha);
        let signed = if g.negative() { -size } else { size };
        let score = if size == T::ZERO { T::ZERO } else { signed / state.scale };
        (pick(state.t > 1, score, T::NAN), size > limit)
    }
}

fn rule(gain: f64, scale_gain: f64, clip: f64) -> ClippedEma {
    let rule = ClippedEma::new(Decay::alpha(gain).unwrap()).clip(clip).unwrap();
    rule.scale_decay(Decay::alpha(scale_gain).unwrap())
}

/// Every way of updating, on hostile samples, young and old.
fn the_oracles_bits<T: Float>() {
    let mut random = Random::new(61);
    let parameters = [
        (1.0, 0.5, 4.0),
        (0.1, 1.0, 0.5),
        (0.5, 0.3, 4.0),
        (0.01, 0.001, 2.0),
        (0.6, 0.7, 1e30),
        (0.6, 0.05, 2.0),         // clips when it is old, too
        (0.2, 1.0 / 100.95, 3.0), // the scale's gain is steady from the 101st sample on
        (0.2, 1.0 / 101.05, 3.0), // from the 102nd
    ];
    for (gain, scale_gain, clip) in parameters {
        for channels in [1, 15, 16, 17, 50] {
            let block = random.hostile::<T>(150, channels);
            let spec = Spec::<T>::new(gain, scale_gain, clip);
            let mut states = vec![State { m: T::ZERO, scale: T::ZERO, t: 0 }; channels];
            let mut verdicts = Vec::new();
            for row in block.chunks(channels) {
                verdicts.extend(states.iter_mut().zip(row).map(|(state, &g)| spec.step(state, g)));
            }
            every_backend(|backend| {
                let rule = rule(gain, scale_gain, clip);
                let fresh = || Bank::<ClippedEma, T>::new(rule, channels).unwrap().with_backend(backend).unwrap();
                let (mut rows, mut blocks, mut at, mut seen) = (fresh(), fresh(), fresh(), fresh());
                let mut parts = fresh().with_threads(Threads::Parts(NonZeroUsize::new(6).unwrap()));
                let sweep = Sweep::<ClippedEma, T>::new(rule).unwrap().with_backend(backend).unwrap();
                let mut columns: [Vec<T>; 3] = core::array::from_fn(|_| vec![T::ZERO; channels]);
                sweep.reset(columns.each_mut().map(Vec::as_mut_slice));
                let mut scores = vec![T::ZERO; channels];
                for (row, verdicts) in block.chunks(channels).zip(verdicts.chunks(channels)) {
                    rows.update_scored(row, &mut scores).unwrap();
                    for (channel, (&g, &(score, clipped))) in row.iter().zip(verdicts).enumerate() {
                        let observation = seen.observe(channel, g).unwrap();
                        assert_eq!(observation.accepted, !g.nan());
                        assert_eq!(observation.outlier, clipped, "{rule:?}, {g}");
                        for found in [observation.score, scores[channel]] {
                            let same = found.to_word() == score.to_word() || (found.nan() && score.nan());
                            assert!(same, "{rule:?}, {g}: {found}, not {score}");
                        }
                    }
                    parts.update(row).unwrap();
                    sweep.update(columns.each_mut().map(Vec::as_mut_slice), row).unwrap();
                }
                block.chunks(9 * channels).for_each(|rows| blocks.update_rows(rows).unwrap());
                let named: Vec<usize> = (0..block.len()).map(|index| index % channels).collect();
                at.update_at(&named, &block).unwrap();
                for (channel, state) in states.iter().enumerate() {
                    if state.t == 0 {
                        assert!(rows.reading(channel).unwrap().location.nan());
                        continue;
                    }
                    assert_eq!(columns[0][channel].to_word(), state.m.to_word(), "m, {rule:?}, {state:?}");
                    assert_eq!(columns[1][channel].to_word(), state.scale.to_word(), "scale, {rule:?}, {state:?}");
                    assert!(state.m.finite() && state.scale.finite());
                    let expected = sweep.reading(&columns.each_ref().map(|column| column[channel]));
                    for bank in [&rows, &blocks, &at, &parts, &seen] {
                        let found = bank.reading(channel).unwrap();
                        assert_eq!(found.location.to_word(), expected.location.to_word(), "{rule:?}");
                        assert_eq!(found.scale.to_word(), expected.scale.to_word(), "{rule:?}");
                        assert_eq!(found.age.to_word(), expected.age.to_word(), "{rule:?}");
                    }
                    // m_hat by the formula as it stands.
                    let weight = 1.0 - (1.0 - gain).powi(i32::try_from(state.t).unwrap());
                    let m_hat = state.m.to_f64() / weight;
                    let error = (expected.location.to_f64() - m_hat).abs();
                    assert!(
                        error <= 1e-12 * m_hat.abs() + m_hat.abs() * 4.0 * T::ROUNDING,
                        "{expected:?}, not {m_hat}"
                    );
                }
            });
        }
    }
}

/// The effect of one spike, beside the plain average, is that of the documentation.
#[test]
fn one_spike() {
    let mut bank = Bank::<ClippedEma>::new(rule(0.01, 0.001, 4.0), 1).unwrap();
    let mut random = Random::new(62);
    (0..20_000).for_each(|_| bank.update(&[random.gauss()]).unwrap());
    let before = bank.reading(0).unwrap();
    let size = 1e4 * before.scale;
    bank.update(&[size]).unwrap();
    let moved = bank.reading(0).unwrap().location - before.location;
    // c (1 - beta)(1 + (1 - beta_s) K) scales; a plain average would move by (1 - beta) K = 100 scales.
    let bound = 4.0 * 0.01 * (1.0 + 0.001 * 1e4) * before.scale;
    assert!(moved > 0.9 * bound && moved < 1.01 * bound + 0.05 * before.scale, "{moved}, bound {bound}");
}

/// Scores and outliers as the clip sees them.
#[test]
fn observations() {
    let mut bank = Bank::<ClippedEma>::new(rule(0.1, 0.5, 1.5), 1).unwrap();
    let first = bank.observe(0, 2.0).unwrap();
    assert!(first.accepted && first.score.is_nan() && !first.outlier);
    let second = bank.observe(0, -6.0).unwrap(); // the scale is 4 now
    assert!(second.accepted && !second.outlier && second.score == -1.5);
    let third = bank.observe(0, 28.0).unwrap(); // 16
    assert!(third.outlier && third.score == 1.75);
    assert!(!bank.observe(0, f64::NAN).unwrap().accepted);
    assert!(bank.observe(0, f64::INFINITY).unwrap().score.is_finite(), "it counts as half the largest number");
    let mut zeros = Bank::<ClippedEma>::new(rule(0.1, 0.5, 1.5), 1).unwrap();
    assert!(zeros.observe(0, 0.0).unwrap().score.is_nan(), "the first");
    for _ in 0..10 {
        let seen = zeros.observe(0, 0.0).unwrap();
        assert!(seen.accepted && seen.score == 0.0 && !seen.outlier);
    }
    for clip in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(ClippedEma::new(Decay::alpha(0.5).unwrap()).clip(clip).is_err());
    }
}

/// A channel that has seen nothing says so, and gets the documented parameters unless told otherwise.
fn nothing_seen<T: Float>() {
    let decay = Decay::alpha(0.1).unwrap();
    assert_eq!(
        ClippedEma::new(decay),
        ClippedEma::new(decay).clip(4.0).unwrap().scale_decay(Decay::beta(0.999).unwrap())
    );
    let sweep = Sweep::<ClippedEma, T>::new(ClippedEma::new(decay)).unwrap();
    let mut columns = [[T::ONE]; 3];
    sweep.reset(columns.each_mut().map(|column| &mut column[..]));
    let [[m], [scale], [t]] = columns;
    assert!(m.nan() && scale == T::ZERO && t.to_word() == 0);
    let reading = sweep.reading(&[m, scale, t]);
    assert!(reading.location.nan() && reading.scale.nan() && reading.age == T::ZERO);
}

both_types!(the_oracles_bits, nothing_seen);

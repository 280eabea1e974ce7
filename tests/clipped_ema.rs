//! Promise: `ClippedEma` is the numerator's input clip before Adam's first moment, to the bit, however it is updated.

mod oracle;
mod support;

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

    fn step(&self, state: &mut State<T>, g: T) {
        if g.nan() {
            return;
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
    }
}

fn rule(gain: f64, scale_gain: f64, clip: f64) -> ClippedEma {
    let rule = ClippedEma::new(Decay::alpha(gain).unwrap()).clip(clip).unwrap();
    rule.scale_decay(Decay::alpha(scale_gain).unwrap())
}

/// Every way of updating, on hostile samples, young and old.
fn the_oracles_bits<T: Float>() {
    let mut random = Random::new(61);
    for (gain, scale_gain, clip) in
        [(1.0, 0.5, 4.0), (0.1, 1.0, 0.5), (0.5, 0.3, 4.0), (0.01, 0.001, 2.0), (0.6, 0.7, 1e30)]
    {
        for channels in [1, 15, 16, 17, 50] {
            let block = random.hostile::<T>(150, channels);
            let spec = Spec::<T>::new(gain, scale_gain, clip);
            let mut states = vec![State { m: T::ZERO, scale: T::ZERO, t: 0 }; channels];
            for row in block.chunks(channels) {
                states.iter_mut().zip(row).for_each(|(state, &g)| spec.step(state, g));
            }
            every_backend(|backend| {
                let rule = rule(gain, scale_gain, clip);
                let fresh = || Bank::<ClippedEma, T>::new(rule, channels).unwrap().with_backend(backend).unwrap();
                let (mut rows, mut blocks, mut at) = (fresh(), fresh(), fresh());
                let mut parts = fresh().with_threads(Threads::Parts(NonZeroUsize::new(6).unwrap()));
                let sweep = Sweep::<ClippedEma, T>::new(rule).unwrap().with_backend(backend).unwrap();
                let mut columns: [Vec<T>; 3] = core::array::from_fn(|_| vec![T::ZERO; channels]);
                sweep.reset(columns.each_mut().map(Vec::as_mut_slice));
                for row in block.chunks(channels) {
                    rows.update(row).unwrap();
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
                    for bank in [&rows, &blocks, &at, &parts] {
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

/// What its documentation says of one spike, beside the plain average.
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

both_types!(the_oracles_bits);

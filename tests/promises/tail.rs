//! Promise: the tail profile is the observed tail. Exceedances at whole numbers of scales are exact counts, others are
//! within 1% of the threshold; what is missing is not counted and what is huge is.

use crate::{oracle, support};
use evenkeel::{Bank, CleanedEma, Decay, RobustMean, Scored, TailProfile};
use oracle::Float;
use support::both_types;
use support::random::Random;

/// The share of scores of at least `c` scales, counted one by one.
fn share<T: Float>(scores: &[T], c: f64) -> f64 {
    let there = scores.iter().filter(|score| !score.nan());
    let beyond = there.clone().filter(|score| score.to_f64().abs() >= c);
    beyond.count() as f64 / there.count() as f64
}

/// Scores of every size, many of them at thresholds or as near as floats come to them.
fn scores<T: Float>(seed: u64) -> Vec<T> {
    let mut random = Random::new(seed);
    let mut scores: Vec<T> = (0..20_000).map(|_| T::from_f64(random.student(2))).collect();
    for whole in [1.0, 2.0, 3.0, 4.0, 8.0, 16.0, 100.0, 128.0] {
        let at = T::from_f64(whole);
        let (below, above) = (T::from_word(at.to_word() - 1), T::from_word(at.to_word() + 1));
        scores.extend([at, -at, below, -below, above, -above, at, below]);
    }
    scores
}

fn recorded<T: Float>(scores: &[T]) -> TailProfile {
    let mut tail = TailProfile::new();
    scores.chunks(777).for_each(|scores| tail.record(scores));
    tail
}

fn exceedances_are_counts<T: Float>() {
    let scores = scores::<T>(51);
    let tail = recorded(&scores);
    assert_eq!(tail.len(), scores.len() as u64);
    assert_eq!(tail.exceedance(0.0), 1.0);
    for c in TailProfile::THRESHOLDS.into_iter().chain((1..=128).map(f64::from)) {
        assert_eq!(tail.exceedance(c), share(&scores, c), "at {c} scales");
    }
    for c in (1..120).map(|step| f64::from(step) * 0.371) {
        let seen = tail.exceedance(c);
        // A step is 2^-10 of a scale.
        let (least, most) = (share(&scores, c * 1.01 + 1e-3), share(&scores, c * 0.99 - 1e-3));
        assert!((least..=most).contains(&seen), "at {c} scales: {seen} is not from {least} to {most}");
    }
}

fn missing_scores_do_not_count<T: Float>() {
    let mut scores = scores::<T>(52);
    let clean = recorded(&scores);
    for index in (0..scores.len()).step_by(3) {
        scores.insert(index, if index % 2 == 0 { T::NAN } else { -T::NAN });
    }
    let gaps = recorded(&scores);
    assert_eq!(gaps.len(), clean.len());
    for c in TailProfile::THRESHOLDS {
        assert_eq!(gaps.exceedance(c), clean.exceedance(c));
    }
    let mut empty = TailProfile::default();
    empty.record(&[T::NAN; 10]);
    assert!(empty.is_empty() && empty.exceedance(1.0).is_nan());
    assert_eq!((empty.len(), empty.quantile(0.5)), (0, 0.0));
}

fn huge_and_tiny_scores<T: Float>() {
    let mut tail = TailProfile::new();
    tail.record(&[T::INFINITY, -T::INFINITY, T::LARGEST, -T::LARGEST, T::from_f64(1e12)]);
    tail.record(&[T::ZERO, -T::ZERO, T::SUBNORMAL, T::from_word(1), T::from_f64(1e-9)]);
    assert_eq!(tail.len(), 10);
    for c in [1.0, 16.0, 1e6, 1e9] {
        assert_eq!(tail.exceedance(c), 0.5, "at {c} scales");
    }
    for c in [f64::from(1 << 30) + 1.0, 1e12, 1e300, f64::INFINITY] {
        assert_eq!(tail.exceedance(c), 0.0, "at {c} scales");
    }
    assert!(tail.quantile(1.0) >= 1e9 && tail.quantile(1.0).is_finite());
    assert!(tail.quantile(0.4) < 0.01);
}

/// Two halves are the whole.
fn merged_profiles<T: Float>() {
    let scores = scores::<T>(53);
    let (front, back) = scores.split_at(7_000);
    let whole = recorded(&scores);
    let mut merged = recorded(front);
    merged.merge(&recorded(back));
    merged.merge(&TailProfile::new());
    assert_eq!(merged.len(), whole.len());
    for c in (1..60).map(|step| f64::from(step * step) * 0.05) {
        assert_eq!(merged.exceedance(c), whole.exceedance(c), "at {c} scales");
    }
    for share in [0.01, 0.5, 0.9, 0.99, 0.9999] {
        assert_eq!(merged.quantile(share), whole.quantile(share));
    }
}

fn quantiles<T: Float>() {
    let scores = scores::<T>(54);
    let tail = recorded(&scores);
    let mut sizes: Vec<f64> = scores.iter().map(|score| score.to_f64().abs()).collect();
    sizes.sort_by(f64::total_cmp);
    for (share, index) in [(0.5, sizes.len() / 2), (0.9, sizes.len() * 9 / 10), (0.999, sizes.len() * 999 / 1000)] {
        let (seen, exact) = (tail.quantile(share), sizes[index]);
        assert!((seen / exact - 1.0).abs() < 0.02, "{share}: {seen} is not {exact}");
    }
}

both_types!(exceedances_are_counts, missing_scores_do_not_count, huge_and_tiny_scores, merged_profiles, quantiles);

/// Markov's bound, and the Gaussian tail `P(|x| > 0.735201 c sigma)` against tabled values of the error function.
#[test]
fn the_yardsticks() {
    for (c, bound) in [(0.0, 1.0), (0.5, 1.0), (1.0, 1.0), (2.0, 0.5), (4.0, 0.25), (16.0, 0.0625)] {
        assert_eq!(TailProfile::markov(c), bound);
    }
    let tabled = [(0.0, 1.0), (1.0, 0.462_217_0), (2.0, 0.141_452_8), (4.0, 0.003_273_610)];
    for (c, share) in tabled {
        assert!((TailProfile::gaussian(c) / share - 1.0).abs() < 1e-5, "{c}: {}", TailProfile::gaussian(c));
    }
}

/// The scores of a bank over Gaussian noise. They have a slightly fatter tail than [`TailProfile::gaussian`], because
/// the scale wanders about its fixed point.
#[test]
fn gaussian_noise_has_the_gaussian_tail() {
    let gain = Decay::alpha(0.01).unwrap();
    // Measured: 1.003, 1.015, 1.053 and 1.20 times.
    tail_of_noise(RobustMean::new(gain), [1.01, 1.03, 1.10, 1.35]);
    // The scale of a judge wanders more: 1.026, 1.138, 1.50 and 2.9 times.
    tail_of_noise(CleanedEma::new(gain), [1.04, 1.18, 1.65, 3.3]);
}

/// The exact tail at the scale's fixed point, and how far above it the tail of 96,000 scores may be.
fn tail_of_noise<R: Scored>(rule: R, most: [f64; 4]) {
    let channels = 64;
    let mut random = Random::new(55);
    let mut bank = Bank::<R>::new(rule, channels).unwrap();
    let mut scores = vec![0.0; channels];
    let mut tail = TailProfile::new();
    for t in 0..2_000 {
        let row: Vec<f64> = (0..channels).map(|_| 10.0 + random.gauss()).collect();
        bank.update_scored(&row, &mut scores).unwrap();
        if t >= 500 {
            tail.record(&scores);
        }
    }
    for (c, most) in [1.0, 2.0, 3.0, 4.0].into_iter().zip(most) {
        let ratio = tail.exceedance(c) / TailProfile::gaussian(c);
        println!("at {c} scales: {ratio}");
        assert!((0.99..most).contains(&ratio), "at {c} scales: {ratio}");
    }
}

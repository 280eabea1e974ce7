//! Promise: an estimate begins with five samples. Nothing is said of these; from the sixth on each has a score, and
//! what comes again and again is the signal and no outlier, however its levels lie.

use crate::{oracle, support};
use evenkeel::{Bank, CleanedEma, ClippedEma, Decay, Observation, Resolution, RobustMean, Scored, Tracker};
use oracle::Float;
use support::random::Random;
use support::streams::Drawn;
use support::{both_rules, every_backend};

/// Levels in turn, each in all of its orders or from all of its places on.
fn levels() -> Vec<Vec<f64>> {
    let mut all = Vec::new();
    for [a, b, c] in [[16500.0, 33100.0, 8200.0], [201.5, 202.5, 200.5], [0.0, 1.0, 3.0], [-1.0, 0.0, 1.0]] {
        all.extend([[a, b, c], [b, c, a], [c, a, b], [c, b, a], [b, a, c], [a, c, b]].map(Vec::from));
    }
    all.extend([vec![0.0, 800.0], vec![800.0, 0.0]]);
    let triangle = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 3.0, 2.0, 1.0];
    all.extend((0..triangle.len()).map(|from| [&triangle[from..], &triangle[..from]].concat()));
    all
}

/// Three levels, two, or a triangle, a thousand times: no sample is an outlier, none re-opens the estimate, and the
/// location lies among them. With a resolution that is learnt and without.
fn levels_in_turn_are_the_signal<T: Float, O: Drawn<T>>() {
    for levels in levels() {
        let (low, high) = levels.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        for alpha in [0.01, 0.1, 0.3] {
            for (rule, _) in O::presets(alpha) {
                let mut bank = Bank::<O::Rule, T>::new(rule, 1).unwrap();
                for sample in levels.iter().cycle().take(1000 * levels.len()) {
                    let seen = bank.observe(0, T::from_f64(*sample)).unwrap();
                    assert!(
                        seen.accepted && !seen.outlier && !seen.reopened,
                        "{sample} of {levels:?}: {seen:?}, {rule:?}"
                    );
                    let location = bank.reading(0).unwrap().location.to_f64();
                    assert!((low..=high).contains(&location), "{location} among {levels:?}, {rule:?}");
                }
            }
        }
    }
}

/// Whatever the first five samples are, and whatever is missing between them.
fn the_sixth_sample_is_the_first_with_a_score<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(90);
    every_backend(|backend| {
        for (rule, _) in [O::presets(0.01), O::presets(0.5), O::presets(1.0)].concat() {
            let channels = 21;
            let fresh = Bank::<O::Rule, T>::new(rule, channels).unwrap().with_backend(backend).unwrap();
            let (mut rows, mut observed) = (fresh.clone(), fresh);
            let mut seen = vec![0; channels];
            for _ in 0..40 {
                let row = random.hostile::<T>(1, channels);
                let mut scores = vec![T::ONE; channels];
                rows.update_scored(&row, &mut scores).unwrap();
                for (channel, (&sample, score)) in row.iter().zip(scores).enumerate() {
                    let is_there = sample.finite() || seen[channel] >= 5 && !sample.nan();
                    seen[channel] += u64::from(is_there);
                    let Observation { score: again, accepted, outlier, reopened } =
                        observed.observe(channel, sample).unwrap();
                    assert_eq!(accepted, is_there);
                    assert_eq!(score.nan(), seen[channel] <= rule.unscored() || !is_there, "{sample}, {rule:?}");
                    assert!(score.to_word() == again.to_word() || score.nan() && again.nan());
                    assert!(seen[channel] > 5 || !outlier && !reopened, "{sample}, {rule:?}");
                }
            }
        }
    });
}

/// Of a thousand new series of Gaussian noise, at most 35 have a sample beyond eight scales among their first forty.
fn noise_is_seldom_far_out<T: Float, O: Drawn<T>>() {
    for (seed, resolution) in [(91, Resolution::Learn), (92, Resolution::Learn), (93, Resolution::default())] {
        let mut random = Random::new(seed);
        let decay = Decay::half_life(60.0).unwrap();
        let mut tracker = Tracker::<u32, O::Rule, T>::new(O::with(decay, None, resolution).0).unwrap();
        let mut far = 0;
        for key in 0..1000 {
            let scores =
                (0..40).map(|_| tracker.update(&key, T::from_f64(random.gauss())).unwrap().score.to_f64().abs());
            far += u32::from(scores.fold(0.0, f64::max) > 8.0);
        }
        assert!((1..=35).contains(&far), "{far} of 1000 series, {resolution:?}");
    }
}

both_rules!(levels_in_turn_are_the_signal, the_sixth_sample_is_the_first_with_a_score, noise_is_seldom_far_out,);

/// The thresholds that the rules report.
#[test]
fn what_is_an_outlier_and_from_when_on() {
    let decay = Decay::alpha(0.1).unwrap();
    assert_eq!((RobustMean::STRIKE_AT, CleanedEma::REJECT, RobustMean::START), (4.0, 8.0, 5));
    let robust = RobustMean::new(decay);
    for rule in [robust, robust.mean_faithful(), robust.clip(1.0).unwrap().reject(2.0, 3.0).unwrap()] {
        assert_eq!((rule.outlier_at(), rule.unscored()), (4.0, 5));
    }
    let cleaned = CleanedEma::new(decay);
    assert_eq!((cleaned.outlier_at(), cleaned.unscored()), (8.0, 5));
    assert_eq!(cleaned.reject(5.5).unwrap().outlier_at(), 5.5);
    let clipped = ClippedEma::new(decay);
    assert_eq!((clipped.outlier_at(), clipped.unscored()), (4.0, 1));
    assert_eq!(clipped.clip(2.5).unwrap().outlier_at(), 2.5);
}

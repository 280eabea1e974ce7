//! Promise: NaN is missing, infinity is an outlier, the state is always finite. Zeros of both signs, subnormal and the
//! largest floats are ordinary samples.

use crate::{oracle, support};
use evenkeel::{Bank, Columns, Decay, RobustMean, Sweep};
use oracle::{Float, Parameters, Spec, State};
use support::random::Random;
use support::{both_types, every_backend};

/// Runs rows over a bank and over the oracle on every backend, and compares every column after every row.
fn same_as_the_oracle<T: Float>(
    (rule, parameters): &(RobustMean, Parameters),
    from: &[State<T>],
    block: &[T],
) -> Vec<State<T>> {
    let channels = from.len();
    let spec = Spec::<T>::new(parameters);
    let mut states = from.to_vec();
    let mut expected = Vec::new();
    for row in block.chunks(channels) {
        for (state, &sample) in states.iter_mut().zip(row) {
            *state = spec.step(state, sample).0;
            assert!(state.is_finite(), "{rule:?}: {state:?} after {sample}");
            expected.push(state.words());
        }
    }
    every_backend(|backend| {
        let sweep = Sweep::<RobustMean, T>::new(*rule).unwrap().with_backend(backend).unwrap();
        let mut columns = Columns::<RobustMean, T>::new(channels).unwrap();
        for (index, column) in columns.as_mut_slices().into_iter().enumerate() {
            column.iter_mut().zip(from).for_each(|(element, state)| *element = state.columns()[index]);
        }
        for (row, (samples, expected)) in block.chunks(channels).zip(expected.chunks(channels)).enumerate() {
            sweep.update(columns.as_mut_slices(), samples).unwrap();
            let state = columns.as_mut_slices();
            for (channel, expected) in expected.iter().enumerate() {
                let words = state.each_ref().map(|column| column[channel].to_word());
                assert_eq!(words, *expected, "{rule:?}, row {row}, channel {channel}, sample {}", samples[channel]);
            }
        }
    });
    states
}

fn default_rule() -> (RobustMean, Parameters) {
    (RobustMean::new(Decay::alpha(0.02).unwrap()), Parameters::new(0.02))
}

/// The same stream for every channel, from the beginning.
fn stream<T: Float>(rule: &(RobustMean, Parameters), samples: &[T]) -> State<T> {
    let channels = 9;
    let block: Vec<T> = samples.iter().flat_map(|&sample| [sample; 9]).collect();
    same_as_the_oracle(rule, &vec![State::unseen(); channels], &block)[0]
}

fn random_rules_and_hostile_streams<T: Float>() {
    let mut random = Random::new(11);
    for _ in 0..40 {
        let rule = random.rule();
        let channels = 1 + random.below(36);
        let block = random.hostile::<T>(150, channels);
        same_as_the_oracle(&rule, &vec![State::unseen(); channels], &block);
    }
}

/// Long memories come of age after more samples than a test can feed: channels here are a few samples short of it.
fn coming_of_age<T: Float>() {
    let mut random = Random::new(12);
    for round in 0..20 {
        let half_life = if round % 2 == 0 { random.between(1e3, 1e5) } else { random.between(0.05, 3.0) };
        let rule = random.rule_of(half_life);
        let spec = Spec::<T>::new(&rule.1);
        let channels = 20;
        let mut from = Vec::new();
        for _ in 0..channels {
            let mut state = spec.run(State::unseen(), (0..40).map(|_| T::from_f64(random.gauss())));
            let near = spec.max_age.to_f64().ceil() - 5.0 + 0.2 * from.len() as f64;
            if near.floor() > state.age.to_f64() {
                state.age = T::from_f64(near.floor());
                state.age = if state.age < spec.max_age { state.age } else { spec.max_age };
            }
            from.push(state);
        }
        let calm: Vec<T> = (0..12 * channels).map(|_| T::from_f64(random.gauss())).collect();
        let end = same_as_the_oracle(&rule, &from, &calm);
        same_as_the_oracle(&rule, &end, &random.hostile::<T>(60, channels));
    }
}

fn a_missing_sample_changes_nothing<T: Float>() {
    // NaNs of every kind: of both signs, quiet, with a payload.
    let quiet = T::NAN.to_word();
    let nans = [T::NAN, -T::NAN, T::from_word(quiet | 1), T::from_word(quiet | 0x1234)];
    let mut random = Random::new(13);
    let (rule, _) = default_rule();
    every_backend(|backend| {
        let mut bank = Bank::<RobustMean, T>::new(rule, 37).unwrap().with_backend(backend).unwrap();
        bank.update(&[T::NAN; 37]).unwrap();
        assert!(bank.readings().all(|reading| reading.age == T::ZERO && reading.location.nan() && reading.scale.nan()));
        assert!(bank.locations().iter().all(|location| location.to_word() == T::NAN.to_word()));
        bank.update_rows(&random.hostile::<T>(100, 37)).unwrap();
        let words = |bank: &Bank<RobustMean, T>| {
            bank.readings().flat_map(|r| [r.location, r.scale, r.age]).map(evenkeel::Real::to_word).collect::<Vec<_>>()
        };
        let before = words(&bank);
        for nan in nans {
            let mut scores = [T::ZERO; 37];
            bank.update_scored(&[nan; 37], &mut scores).unwrap();
            assert!(scores.iter().all(|score| score.nan()));
            bank.update_rows(&[nan; 74]).unwrap();
            bank.update_at(&[36, 0, 36], &[nan; 3]).unwrap();
            let seen = bank.observe(5, nan).unwrap();
            assert!(!seen.accepted && !seen.outlier && !seen.reopened && seen.score.nan());
            assert_eq!(before, words(&bank));
        }
    });
}

fn an_infinity_cannot_be_a_first_sample<T: Float>() {
    for infinity in [T::INFINITY, -T::INFINITY] {
        let state = stream(&default_rule(), &[infinity, infinity, T::NAN]);
        assert_eq!(state.age, T::ZERO);
        let state = stream(&default_rule(), &[infinity, T::from_f64(3.0)]);
        assert_eq!((state.location, state.age), (T::from_f64(3.0), T::ONE));
    }
    let mut bank = Bank::<RobustMean, T>::new(default_rule().0, 1).unwrap();
    let seen = bank.observe(0, T::INFINITY).unwrap();
    assert!(!seen.accepted && !seen.outlier && !seen.reopened && seen.score.nan());
}

fn an_infinity_is_an_outlier<T: Float>() {
    let mut random = Random::new(14);
    let noise: Vec<T> = (0..100).map(|_| T::from_f64(random.gauss())).collect();
    let before = stream(&default_rule(), &noise);
    for infinity in [T::INFINITY, -T::INFINITY] {
        let mut samples = noise.clone();
        // Far more of them than the patience: infinities alone never re-open, because the estimate would land on them.
        samples.extend([infinity; 40]);
        let after = stream(&default_rule(), &samples);
        assert_eq!(after.location, before.location, "an infinity has no influence");
        assert_eq!(after.last_strike.size(), T::LARGEST / T::from_f64(2.0), "it counts as half the largest float");
        assert_eq!(after.strikes.to_f64(), 12.0);
        // The first finite outlier after them does, but the median keeps the location where it is or near.
        samples.push(T::from_f64(1000.0));
        let reopened = stream(&default_rule(), &samples);
        assert_eq!(reopened.age, T::ONE);
        let expected = if infinity > T::ZERO { T::from_f64(1000.0) } else { before.location };
        assert_eq!(reopened.location, expected, "the median of the sample, the infinity and the location");
    }
}

/// Strikes that cannot re-open are counted up to the patience, and the next that can does, whatever the patience.
fn infinities_at_every_patience<T: Float>() {
    let mut random = Random::new(17);
    let far = T::from_f64(1000.0);
    for patience in 1..=9 {
        let (rule, parameters) = default_rule();
        let rule = (rule.patience(patience).unwrap(), Parameters { patience: f64::from(patience), ..parameters });
        let noise: Vec<T> = (0..70).map(|_| T::from_f64(random.gauss())).collect();
        for infinities in 0..=10 {
            let strikes = [vec![T::INFINITY; infinities], vec![far; 10]].concat();
            assert!(stream(&rule, &[noise.clone(), strikes].concat()).age < T::from_f64(11.0), "it has re-opened");
        }
    }
}

fn the_largest_floats_in_both_orders<T: Float>() {
    let (max, half) = (T::LARGEST, T::LARGEST / T::from_f64(2.0));
    let above_half = T::from_word(half.to_word() + 1);
    let below_half = T::from_word(half.to_word() - 1);
    for first in [max, half, above_half, below_half] {
        for second in [max, half, above_half, below_half] {
            for sign in [T::ONE, -T::ONE] {
                let pair = [first * sign, -second * sign];
                let back = [pair[1], pair[0]];
                for rule in [default_rule(), (default_rule().0.mean_faithful(), Parameters::mean_faithful(0.02))] {
                    stream(&rule, &pair.repeat(15));
                    stream(&rule, &back.repeat(15));
                    stream(&rule, &[[pair[0]; 14], [pair[1]; 14], [T::ZERO; 14], [pair[0]; 14]].concat());
                }
            }
        }
    }
}

/// A gain of one, where an update lands on the sample itself: rounding must not carry the location beyond the range in
/// which residuals are finite.
fn the_largest_gain_stays_finite<T: Float>() {
    let mut random = Random::new(15);
    let decay = Decay::alpha(1.0 - 2.0_f64.powi(-20)).unwrap();
    for (rule, rounds) in [(RobustMean::new(decay), 20), (RobustMean::new(decay).mean_faithful(), 60)] {
        for _ in 0..rounds {
            let mut bank = Bank::<RobustMean, T>::new(rule, 16).unwrap();
            for _ in 0..200 {
                let extreme = |random: &mut Random| match random.below(4) {
                    0 => T::LARGEST,
                    1 => -T::INFINITY,
                    2 => -T::LARGEST,
                    _ => T::from_f64(T::LARGEST.to_f64() * random.between(-0.5, 0.5)),
                };
                let row: Vec<T> = (0..16).map(|_| extreme(&mut random)).collect();
                bank.update(&row).unwrap();
                let seen = bank.readings().filter(|reading| reading.age > T::ZERO);
                for reading in seen {
                    assert!(reading.location.finite() && reading.scale.finite(), "{rule:?}: {reading:?}");
                }
            }
        }
    }
}

fn zeros_and_subnormals_are_ordinary<T: Float>() {
    let tiny = T::from_word(1);
    let zero = T::ZERO;
    let patterns: [&[T]; 8] = [
        &[zero],
        &[-zero],
        &[zero, -zero],
        &[-zero, zero],
        &[tiny, -tiny],
        &[T::SUBNORMAL, zero, -T::SUBNORMAL],
        &[T::ONE, zero, zero, -zero],
        &[tiny, T::SUBNORMAL, T::LARGEST, -zero],
    ];
    for rule in [default_rule(), (default_rule().0.mean_faithful(), Parameters::mean_faithful(0.02))] {
        for pattern in patterns {
            let state = stream(&rule, &pattern.repeat(100 / pattern.len()));
            assert!(state.age > zero, "{pattern:?} were samples");
        }
        // A channel of zeros is a channel at zero, with the smallest scale there is.
        let state = stream(&rule, &[zero; 50]);
        assert_eq!((state.location, state.scale.to_f64()), (zero, 2.0_f64.powi(T::FLOORS.0)));
    }
}

/// Samples on every knot of psi and on the strike threshold, and a few units in the last place to either side; tapers that
/// begin before, at and after that threshold, long and short ones.
fn on_every_threshold<T: Float>() {
    let mut random = Random::new(16);
    for from in [3.0, 3.999, 4.0, 4.001, 4.4, 5.0] {
        for at in [0.001, 0.05, 0.3, 3.0, 8.0].map(|width| from + width) {
            let rule = default_rule().0.reject(from, at).unwrap();
            let parameters = Parameters { taper_from: from, reject: at, ..Parameters::new(0.02) };
            let (mut states, mut row) = (Vec::new(), Vec::new());
            for threshold in [2.0, 4.0, from, at] {
                for units in -4..=4 {
                    for strikes in [0.0, 1.0, 10.0, 11.0] {
                        let scale = T::from_f64(random.between(0.5, 2.0));
                        let size = (T::from_f64(threshold) * scale).to_word().wrapping_add_signed(units);
                        row.push(if random.chance(0.5) { T::from_word(size) } else { -T::from_word(size) });
                        let (strikes, age) = (T::from_f64(strikes), T::from_f64(50.0));
                        states.push(State { location: T::ZERO, scale, last_strike: T::ONE, strikes, age });
                    }
                }
            }
            same_as_the_oracle(&(rule, parameters), &states, &row);
        }
    }
}

both_types!(
    on_every_threshold,
    infinities_at_every_patience,
    random_rules_and_hostile_streams,
    coming_of_age,
    a_missing_sample_changes_nothing,
    an_infinity_cannot_be_a_first_sample,
    an_infinity_is_an_outlier,
    the_largest_floats_in_both_orders,
    the_largest_gain_stays_finite,
    zeros_and_subnormals_are_ordinary,
);

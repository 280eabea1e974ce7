//! Promise: NaN is missing, infinity is an outlier, the state is always finite. Zeros of both signs, subnormal and the
//! largest floats are ordinary samples.

use crate::{oracle, support};
use evenkeel::{Bank, CleanedEma, Columns, Decay, Real, RobustMean, Sweep};
use oracle::{Float, Parameters, Spec, State, cleaned};
use support::random::Random;
use support::streams::Drawn;
use support::{both_rules, both_types, every_backend};

/// Runs rows over a bank and over the oracle on every backend, and compares every column after every row.
fn same_as_the_oracle<T: Float, O: Drawn<T>>(rule: O::Rule, spec: &O, from: &[O::State], block: &[T]) -> Vec<O::State> {
    let channels = from.len();
    let mut states = from.to_vec();
    let mut expected = Vec::new();
    for row in block.chunks(channels) {
        for (state, &sample) in states.iter_mut().zip(row) {
            *state = spec.step(state, sample, None).0;
            assert!(spec.is_finite(state), "{rule:?}: {state:?} after {sample}");
            expected.push(spec.words(state));
        }
    }
    every_backend(|backend| {
        let sweep = Sweep::<O::Rule, T>::new(rule).unwrap().with_backend(backend).unwrap();
        let mut columns = Columns::<O::Rule, T>::new(channels).unwrap();
        for (index, column) in columns.as_mut_slices().into_iter().enumerate() {
            column.iter_mut().zip(from).for_each(|(element, state)| *element = spec.columns(state)[index]);
        }
        for (row, (samples, expected)) in block.chunks(channels).zip(expected.chunks(channels)).enumerate() {
            sweep.update(columns.as_mut_slices(), samples).unwrap();
            for (channel, expected) in expected.iter().enumerate() {
                let state = columns.state(channel).unwrap();
                let words: Vec<u64> = state.as_ref().iter().map(|element| element.to_word()).collect();
                assert_eq!(words, *expected, "{rule:?}, row {row}, channel {channel}, sample {}", samples[channel]);
            }
        }
    });
    states
}

/// A stream that is the same for every channel, from the beginning.
fn stream<T: Float, O: Drawn<T>>((rule, spec): (O::Rule, O), samples: &[T]) -> O::State {
    let block: Vec<T> = samples.iter().flat_map(|&sample| [sample; 9]).collect();
    same_as_the_oracle(rule, &spec, &[O::unseen(); 9], &block)[0]
}

fn random_rules_and_hostile_streams<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(11);
    for round in 0..40 {
        let half_life = random.half_life();
        let (rule, spec) = O::drawn(&mut random, half_life);
        let channels = 1 + random.below(36);
        let block = if round % 2 == 0 { random.hostile::<T>(150, channels) } else { random.recorded(150, channels) };
        same_as_the_oracle(rule, &spec, &vec![O::unseen(); channels], &block);
    }
}

/// Long memories come of age after more samples than a test can feed: channels here are a few samples short of it.
fn coming_of_age<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(12);
    for round in 0..20 {
        let half_life = if round % 2 == 0 { random.between(1e3, 1e5) } else { random.between(0.05, 3.0) };
        let (rule, spec) = O::drawn(&mut random, half_life);
        let channels = 20;
        let mut from = Vec::new();
        for _ in 0..channels {
            let mut state = spec.run(O::unseen(), (0..40).map(|_| T::from_f64(random.gauss())));
            let full = spec.memory().full;
            let near = T::from_f64((full.to_f64().ceil() - 5.0 + 0.2 * from.len() as f64).floor());
            let age = O::age(&mut state);
            if near > *age {
                *age = if near < full { near } else { full };
            }
            from.push(state);
        }
        let calm: Vec<T> = (0..12 * channels).map(|_| T::from_f64(random.gauss())).collect();
        let end = same_as_the_oracle(rule, &spec, &from, &calm);
        same_as_the_oracle(rule, &spec, &end, &random.hostile::<T>(60, channels));
    }
}

/// At the smallest gain that an age in single precision has room for: the last age that counts shares its word with a
/// full one, and its gain.
#[test]
fn the_longest_memory_in_single_precision() {
    let gain = 2.0_f64.powi(-20);
    let (rule, spec) = Spec::<f32>::plain(gain);
    let mut random = Random::new(19);
    let noise =
        |random: &mut Random, count: usize| -> Vec<f32> { (0..count).map(|_| f32::from_f64(random.gauss())).collect() };
    let mut state = spec.run(State::unseen(), noise(&mut random, 100));
    for age in 1_048_570_u32..=1_048_574 {
        state.age = age as f32;
        let from = [state; 17];
        same_as_the_oracle(rule, &spec, &from, &noise(&mut random, 12 * 17));
    }
}

fn a_missing_sample_changes_nothing<T: Float, O: Drawn<T>>() {
    // NaNs of every kind: of both signs, quiet, with a payload.
    let quiet = T::NAN.to_word();
    let nans = [T::NAN, -T::NAN, T::from_word(quiet | 1), T::from_word(quiet | 0x1234)];
    let mut random = Random::new(13);
    let (rule, _) = O::plain(0.02);
    every_backend(|backend| {
        let mut bank = Bank::<O::Rule, T>::new(rule, 37).unwrap().with_backend(backend).unwrap();
        bank.update(&[T::NAN; 37]).unwrap();
        assert!(bank.readings().all(|reading| reading.age == T::ZERO && reading.location.nan() && reading.scale.nan()));
        assert!(bank.readings().all(|reading| reading.location.to_word() == T::NAN.to_word()));
        bank.update_rows(&random.hostile::<T>(100, 37)).unwrap();
        let words = |bank: &Bank<O::Rule, T>| {
            let mut bytes = Vec::new();
            bank.write_snapshot(&mut bytes).unwrap();
            bytes
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

/// No infinity is among the five samples that an estimate begins with.
fn an_infinity_cannot_begin_an_estimate<T: Float, O: Drawn<T>>() {
    let number = T::from_f64;
    for infinity in [T::INFINITY, -T::INFINITY] {
        for preset in O::presets(0.02) {
            let state = stream(preset, &[infinity, infinity, T::NAN]);
            assert_eq!(preset.1.reading(&state)[2], T::ZERO);
            let state = stream(preset, &[infinity, number(3.0)]);
            assert_eq!(preset.1.reading(&state)[0], number(3.0));
            let clean: Vec<T> = [3.0, 4.0, 2.5, 3.5, 3.25, 3.0].map(number).into();
            let mixed: Vec<T> = clean.iter().flat_map(|&sample| [infinity, sample]).collect();
            let [clean, mixed] = [&clean[..5], &mixed[..10]].map(|samples| preset.1.words(&stream(preset, samples)));
            assert_eq!(clean, mixed, "infinities between the first samples were never there");
        }
    }
    let mut bank = Bank::<O::Rule, T>::new(O::plain(0.02).0, 1).unwrap();
    for sample in [1.0, 2.0, 1.5, 1.25, 1.0].map(number) {
        let seen = bank.observe(0, T::INFINITY).unwrap();
        assert!(!seen.accepted && !seen.outlier && !seen.reopened && seen.score.nan());
        assert!(bank.observe(0, sample).unwrap().accepted);
    }
    assert!(bank.observe(0, T::INFINITY).unwrap().accepted, "it is an outlier now");
}

fn an_infinity_is_an_outlier<T: Float>() {
    let mut random = Random::new(14);
    let noise: Vec<T> = (0..100).map(|_| T::from_f64(random.gauss())).collect();
    let rule = Spec::plain(0.02);
    let before = stream(rule, &noise);
    for infinity in [T::INFINITY, -T::INFINITY] {
        let mut samples = noise.clone();
        // Far more of them than the patience: infinities alone never re-open, because the estimate would land on them.
        samples.extend([infinity; 40]);
        let after: State<T> = stream(rule, &samples);
        assert_eq!(after.location, before.location, "an infinity has no influence");
        assert_eq!(after.strikes, 48);
        // The first finite outlier after them does, but the median keeps the location where it is or near.
        samples.push(T::from_f64(1000.0));
        let reopened = stream(rule, &samples);
        assert_eq!(reopened.age, T::ONE);
        let expected = if infinity > T::ZERO { T::from_f64(1000.0) } else { before.location };
        assert_eq!(reopened.location, expected, "the median of the sample, the infinity and the location");
    }
}

/// Where an infinity is replaced, the average goes on about where it was.
fn an_infinity_is_replaced<T: Float>() {
    let mut random = Random::new(14);
    let mut samples: Vec<T> = (0..100).map(|_| T::from_f64(random.gauss())).collect();
    let rule = cleaned::Spec::plain(0.02);
    let before: cleaned::State<T> = stream(rule, &samples);
    samples.extend([T::INFINITY; 5]);
    let after = stream(rule, &samples);
    let far = before.judge.location - before.mean;
    let moved = (after.mean - before.mean).to_f64() / far.to_f64();
    assert!(moved > 0.0 && moved < 0.15, "{moved} of the way to the judge's location");
    assert_eq!(after.judge.location, before.judge.location);
    assert!(after.pending > T::from_f64(0.09) && after.pending < T::from_f64(0.1), "five times the gain, nearly");
}

/// Strikes that cannot re-open are counted up to the patience, and the next that can does, whatever the patience.
fn infinities_at_every_patience<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(17);
    let far = T::from_f64(1000.0);
    let near = T::from_f64(10.0);
    for patience in 1..=9 {
        let rule = O::with(Decay::alpha(0.02).unwrap(), Some(patience), evenkeel::Resolution::default());
        let noise: Vec<T> = (0..70).map(|_| T::from_f64(random.gauss())).collect();
        for infinities in 0..=10 {
            let strikes = [vec![T::INFINITY; infinities], vec![far; 10]].concat();
            let state = stream(rule, &[noise.clone(), strikes].concat());
            let words = rule.1.words(&state);
            // The judge's location is the third column of a CleanedEma.
            let location = T::from_word(words[if O::IS_AVERAGE { 2 } else { 0 }]);
            assert!(location > near, "{location}: it has not re-opened");
        }
    }
}

fn the_largest_floats_in_both_orders<T: Float, O: Drawn<T>>() {
    let (max, half) = (T::LARGEST, T::half_largest());
    let above_half = T::from_word(half.to_word() + 1);
    let below_half = T::from_word(half.to_word() - 1);
    for first in [max, half, above_half, below_half] {
        for second in [max, half, above_half, below_half] {
            for sign in [T::ONE, -T::ONE] {
                let pair = [first * sign, -second * sign];
                let back = [pair[1], pair[0]];
                for rule in O::presets(0.02) {
                    stream(rule, &pair.repeat(15));
                    stream(rule, &back.repeat(15));
                    stream(rule, &[[pair[0]; 14], [pair[1]; 14], [T::ZERO; 14], [pair[0]; 14]].concat());
                }
            }
        }
    }
}

/// A gain of one, where an update lands on the sample itself: rounding must not carry the location beyond the range in
/// which residuals are finite.
fn the_largest_gain_stays_finite<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(15);
    for gain in [1.0 - 2.0_f64.powi(-20), 1.0] {
        for (rule, spec) in O::presets(gain) {
            for _ in 0..20 {
                let extreme = |random: &mut Random| match random.below(4) {
                    0 => T::LARGEST,
                    1 => -T::INFINITY,
                    2 => -T::LARGEST,
                    _ => T::from_f64(T::LARGEST.to_f64() * random.between(-0.5, 0.5)),
                };
                let block: Vec<T> = (0..200 * 16).map(|_| extreme(&mut random)).collect();
                same_as_the_oracle(rule, &spec, &[O::unseen(); 16], &block);
            }
        }
    }
}

fn zeros_and_subnormals_are_ordinary<T: Float, O: Drawn<T>>() {
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
    for rule in O::presets(0.02) {
        for pattern in patterns {
            let state = stream(rule, &pattern.repeat(100 / pattern.len()));
            assert!(rule.1.reading(&state)[2] > zero, "{pattern:?} were samples");
        }
    }
    // A channel of zeros is a channel at zero, with the smallest scale there is.
    let rule = O::plain(0.02);
    let [location, scale, _] = rule.1.reading(&stream(rule, &[zero; 50]));
    assert_eq!((location, scale.to_f64()), (zero, 2.0_f64.powi(T::FLOORS.0)));
}

/// Samples on every knot of psi and on the strike threshold, and a few units in the last place to either side; tapers
/// that begin before, at and after that threshold, long and short ones.
fn on_every_threshold<T: Float>() {
    let mut random = Random::new(16);
    let default = RobustMean::new(Decay::alpha(0.02).unwrap());
    for from in [2.5, 3.0, 3.5, 3.999, 4.0, 4.001, 4.4, 5.0] {
        for at in [0.001, 0.05, 0.3, 3.0, 8.0].map(|width| from + width) {
            let rule = default.reject(from, at).unwrap();
            let spec = Spec::<T>::new(&Parameters { taper_from: from, reject: at, ..Parameters::new(0.02) });
            let (mut states, mut row) = (Vec::new(), Vec::new());
            for threshold in [2.0, 2.5, 4.0, from, at] {
                for units in -4..=4 {
                    for strikes in [0, 3, 4, 5, 40, 43, 44] {
                        let scale = T::from_f64(random.between(0.5, 2.0));
                        let size = (T::from_f64(threshold) * scale).to_word().wrapping_add_signed(units);
                        row.push(if random.chance(0.5) { T::from_word(size) } else { -T::from_word(size) });
                        let age = T::from_f64([1.0, 2.0, 49.0, 50.0][random.below(4)]);
                        let last_strike = T::from_f64([1.0, 3.0, -9.0][random.below(3)]);
                        states.push(State {
                            location: T::ZERO,
                            scale,
                            last_strike,
                            strikes,
                            age,
                            counted: true,
                            exponent: 0,
                        });
                    }
                }
            }
            same_as_the_oracle(rule, &spec, &states, &row);
        }
    }
}

/// Samples on the strike threshold of the judge and on that of replacement, of averages that owe nothing or half of
/// themselves.
fn on_every_threshold_of_a_cleaned_average<T: Float>() {
    let mut random = Random::new(18);
    for reject in [3.9, 4.0, 4.1, 8.0, 20.0] {
        let rule = CleanedEma::new(Decay::alpha(0.02).unwrap()).reject(reject).unwrap();
        let spec = cleaned::Spec::<T>::new(&cleaned::Parameters { reject, ..cleaned::Parameters::new(0.02) });
        let (mut states, mut row) = (Vec::new(), Vec::new());
        for threshold in [2.5, 3.5, 4.0, 6.5, reject] {
            for units in -4..=4 {
                for strikes in [0, 4, 35, 36, 39] {
                    let scale = T::from_f64(random.between(0.5, 2.0));
                    let size = (T::from_f64(threshold) * scale).to_word().wrapping_add_signed(units);
                    row.push(if random.chance(0.5) { T::from_word(size) } else { -T::from_word(size) });
                    let [age, judged] =
                        [[7.0, 8.0, 9.0, 50.0], [1.0, 2.0, 10.0, 10.0]].map(|ages| T::from_f64(ages[random.below(4)]));
                    let last_strike = T::from_f64([1.0, 3.0, -9.0][random.below(3)]);
                    let pending = T::from_f64([0.0, 0.2, 0.479_999, 0.48, 0.5, 0.51][random.below(6)]);
                    let judge = State {
                        location: T::ZERO,
                        scale,
                        last_strike,
                        strikes,
                        age: judged,
                        counted: true,
                        exponent: 0,
                    };
                    states.push(cleaned::State { mean: T::from_f64(random.gauss()), age, pending, judge });
                }
            }
        }
        same_as_the_oracle(rule, &spec, &states, &row);
    }
}

both_rules!(
    infinities_at_every_patience,
    random_rules_and_hostile_streams,
    coming_of_age,
    a_missing_sample_changes_nothing,
    an_infinity_cannot_begin_an_estimate,
    the_largest_floats_in_both_orders,
    the_largest_gain_stays_finite,
    zeros_and_subnormals_are_ordinary,
);
both_types!(
    on_every_threshold,
    on_every_threshold_of_a_cleaned_average,
    an_infinity_is_an_outlier,
    an_infinity_is_replaced,
);

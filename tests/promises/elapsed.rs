//! Promise: a decay in time is the fixed rule with its alpha made of the time since the channel's own last sample: the bits of
//! the fixed rule at equal distances, and those of the specification, step by step, at any.

use crate::{oracle, support};
use core::num::NonZeroUsize;
use core::time::Duration;
use evenkeel::{
    Bank, ClippedEma, Columns, Decay, Ema, LearningRate, Numerator, ParameterError, RelaxedNumerator, RobustMean,
    Sweep, Threads, UpdateError,
};
use oracle::{Float, Parameters, Spec, State};
use support::random::Random;
use support::{both_types, every_backend};

const HALF_LIFE: Duration = Duration::from_secs(60);

fn in_time() -> RobustMean {
    RobustMean::new(Decay::half_life_time(HALF_LIFE).unwrap())
}

/// How finely the age is kept, and the largest gain.
fn steps<T: Float>() -> f64 {
    if T::AGE_BITS > 23 { 2.0_f64.powi(24) } else { 2.0_f64.powi(8) }
}
const LARGEST_GAIN: f64 = 1.0 - 1.0 / 1_048_576.0;

/// One step of the specification with the alpha of this distance: `age' = min(age + 1, 1 / alpha)`, `gain = max(alpha, 1 / age')`.
fn step<T: Float>(parameters: Parameters, state: &State<T>, elapsed: Duration, sample: T) -> (State<T>, T, bool) {
    let samples = HALF_LIFE.as_nanos() as f64 / elapsed.as_nanos() as f64;
    // Of a half-life in samples, which other tests hold to the true value. No distance: no decay, and 1 / alpha is infinite.
    let alpha = if elapsed.is_zero() { 0.0 } else { Decay::half_life(samples.max(1e-3)).unwrap().gain() };
    let spec = Spec::<T>::new(&Parameters { alpha: alpha.min(LARGEST_GAIN), ..parameters });
    let (mut state, outcome) = spec.step(state, sample);
    state.age = T::from_f64((state.age.to_f64() * steps::<T>()).ceil() / steps::<T>());
    (state, outcome.score, outcome.accepted)
}

/// Distances of every kind: equal, jittering, none, short, long, and as long as they get.
fn distance(random: &mut Random) -> Duration {
    match random.below(20) {
        0 => Duration::ZERO,
        1 => Duration::from_nanos(1),
        2 => Duration::from_secs(60),
        3 => Duration::from_secs(random.below(1000) as u64),
        4 => Duration::from_secs(86_400 * 365 * 100),
        5 => Duration::MAX,
        6..=12 => Duration::from_millis(900 + random.below(200) as u64),
        _ => Duration::from_secs(1),
    }
}

/// Equal distances are the fixed rule, whatever the distance, every column but the tally, which counts in smaller steps.
fn equal_distances_are_the_fixed_rule<T: Float>() {
    const CHANNELS: usize = 37;
    let mut random = Random::new(80);
    let block: Vec<T> = random.hostile::<T>(400, CHANNELS);
    // A missing sample is time to the one rule and nothing to the other.
    let block: Vec<T> = block.into_iter().map(|sample| if sample.nan() { T::ONE } else { sample }).collect();
    every_backend(|backend| {
        for (distance, samples) in [(1_000_000_000, 60.0), (100_000_000, 600.0), (7_000_000_000, 60.0 / 7.0)] {
            let distance = Duration::from_nanos(distance);
            let fixed = RobustMean::new(Decay::half_life(samples).unwrap());
            let mut fixed = Bank::<RobustMean, T>::new(fixed, CHANNELS).unwrap().with_backend(backend).unwrap();
            let mut timed = Bank::<RobustMean, T>::new(in_time(), CHANNELS).unwrap().with_backend(backend).unwrap();
            let mut swept = Columns::<RobustMean, T>::new(CHANNELS).unwrap();
            let sweep = Sweep::<RobustMean, T>::new(in_time()).unwrap().with_backend(backend).unwrap();
            let (mut scores, mut expected) = ([T::ZERO; CHANNELS], [T::ZERO; CHANNELS]);
            for rows in block.chunks(CHANNELS * 8) {
                sweep.after(distance).unwrap().update_rows(swept.as_mut_slices(), rows).unwrap();
                for row in rows.chunks(CHANNELS) {
                    fixed.update_scored(row, &mut expected).unwrap();
                    timed.update_scored_after(distance, row, &mut scores).unwrap();
                    let same = |a: &[T], b: &[T]| {
                        a.iter().zip(b).all(|(a, b)| a.to_word() == b.to_word() || a.nan() && b.nan())
                    };
                    assert!(same(&scores, &expected), "scores");
                    assert!(same(timed.locations(), fixed.locations()), "locations");
                    assert!(same(timed.scales(), fixed.scales()), "scales");
                }
            }
            for channel in 0..CHANNELS {
                let [timed, fixed] = [timed.reading(channel).unwrap(), fixed.reading(channel).unwrap()];
                assert!((timed.age.to_f64() - fixed.age.to_f64()).abs() <= 1.0 / steps::<T>());
                let swept = sweep.reading(&swept.state(channel).unwrap());
                assert_eq!(swept.location.to_word(), timed.location.to_word());
                assert_eq!(swept.scale.to_word(), timed.scale.to_word());
            }
        }
    });
}

/// Any distances, missing samples, and the channels of a bank wider than what is stepped at a time: every channel on its own.
fn any_distance_is_the_specification<T: Float>() {
    const CHANNELS: usize = 1100;
    every_backend(|backend| {
        for (rule, parameters, threads) in [
            (in_time(), Parameters::new(0.5), Threads::One),
            (
                in_time().mean_faithful().patience(3).unwrap(),
                Parameters { patience: 3.0, ..Parameters::mean_faithful(0.5) },
                Threads::Parts(NonZeroUsize::new(300).unwrap()),
            ),
        ] {
            let mut random = Random::new(81);
            let bank = Bank::<RobustMean, T>::new(rule, CHANNELS).unwrap();
            let mut bank = bank.with_backend(backend).unwrap().with_threads(threads);
            let mut states = [State::<T>::unseen(); CHANNELS];
            let mut silence: Vec<Duration> = core::iter::repeat_n(Duration::ZERO, CHANNELS).collect();
            let mut scores = [T::ZERO; CHANNELS];
            for row in 0..120 {
                let distance = distance(&mut random);
                let mut samples: Vec<T> = (0..CHANNELS).map(|_| T::from_f64(10.0 + random.gauss())).collect();
                if row % 3 != 0 {
                    // Whole chunks without a gap, and chunks full of them.
                    for sample in &mut samples[1024 * (row % 2)..] {
                        if random.below(4) == 0 {
                            *sample = random.hostile::<T>(1, 1)[0];
                        }
                    }
                }
                if row % 2 == 0 {
                    bank.update_after(distance, &samples).unwrap();
                    scores.fill(T::NAN);
                } else {
                    bank.update_scored_after(distance, &samples, &mut scores).unwrap();
                }
                for channel in 0..CHANNELS {
                    let sample = samples[channel];
                    let elapsed = silence[channel].saturating_add(distance);
                    let (state, score, _) = step(parameters, &states[channel], elapsed, sample);
                    // A bank's memory of silence ends after five centuries, and its gain has long been the largest.
                    silence[channel] =
                        if sample.nan() { elapsed.min(Duration::from_nanos(u64::MAX)) } else { Duration::ZERO };
                    states[channel] = state;
                    let reading = bank.reading(channel).unwrap();
                    let found = (reading.scale, reading.age);
                    assert!(
                        bank.locations()[channel].to_word() == state.location.to_word() || state.location.nan(),
                        "location {:?} is not {:?}, channel {channel}, row {row}, after {elapsed:?}",
                        bank.locations()[channel],
                        state.location
                    );
                    assert!(bank.locations()[channel].nan() == state.location.nan());
                    if !state.location.nan() {
                        assert_eq!(found, (state.scale, state.age), "channel {channel}, row {row}, after {elapsed:?}");
                    }
                    assert!(state.is_finite());
                    if row % 2 == 1 {
                        let right =
                            scores[channel].to_word() == score.to_word() || scores[channel].nan() && score.nan();
                        assert!(right, "score {:?} is not {score:?}, channel {channel}", scores[channel]);
                    }
                }
            }
        }
    });
}

/// One channel at a time is the row, and its own distances are its own.
fn channels_one_by_one<T: Float>() {
    let mut random = Random::new(82);
    let mut rows = Bank::<RobustMean, T>::new(in_time(), 5).unwrap();
    let mut single = rows.clone();
    let mut alone = Bank::<RobustMean, T>::new(in_time(), 1).unwrap();
    let mut state = State::<T>::unseen();
    let mut silence = Duration::ZERO;
    for _ in 0..2000 {
        let distance = distance(&mut random);
        let samples = random.hostile::<T>(1, 5);
        rows.update_after(distance, &samples).unwrap();
        for (channel, sample) in samples.iter().enumerate() {
            single.observe_after(channel, distance, *sample).unwrap();
        }
        let seen = alone.observe_after(0, distance, samples[4]).unwrap();
        let elapsed = silence.saturating_add(distance);
        let (next, score, accepted) = step(Parameters::new(0.5), &state, elapsed, samples[4]);
        state = next;
        silence = if samples[4].nan() { elapsed.min(Duration::from_nanos(u64::MAX)) } else { Duration::ZERO };
        assert_eq!((seen.accepted, seen.score.nan()), (accepted, score.nan()));
        assert!(seen.score.nan() || seen.score == score);
    }
    for channel in 0..5 {
        assert_eq!(rows.locations()[channel].to_word(), single.locations()[channel].to_word());
        assert_eq!(rows.reading(channel).unwrap().age, single.reading(channel).unwrap().age);
    }
    assert_eq!(rows.locations()[4].to_word(), alone.locations()[0].to_word());
}

/// A gap of any length leaves something finite that the next samples build on.
fn gaps_of_any_length_are_finite<T: Float>() {
    for gap in [1, 60, 3600, 86_400 * 366, 86_400 * 366 * 1_000_000, u64::MAX].map(Duration::from_secs) {
        let mut bank = Bank::<RobustMean, T>::new(in_time(), 1).unwrap();
        let sample = |n: u32| T::from_f64(100.0 + f64::from(n * 37 % 11));
        for n in 0..200 {
            bank.update_after(Duration::from_secs(1), &[sample(n)]).unwrap();
        }
        let before = bank.reading(0).unwrap();
        bank.update_after(gap, &[T::LARGEST]).unwrap();
        // It is an outlier whatever the gap: strikes count samples, not seconds.
        assert_eq!(bank.locations()[0], before.location, "{gap:?}");
        bank.update_after(gap, &[sample(3)]).unwrap();
        let after = bank.reading(0).unwrap();
        assert!(after.location.finite() && after.scale.finite() && after.scale > T::ZERO, "{gap:?}");
        let long = gap >= Duration::from_secs(3600);
        assert_eq!(after.age < T::from_f64(1.01), long, "{gap:?} leaves the age {:?}", after.age);
    }
}

/// Where a half-life has more samples than an age has room for, the gain stops at what is documented.
fn the_smallest_gain<T: Float>() {
    if T::AGE_BITS > 23 {
        return; // 2^27 samples are too many for a test
    }
    let distance = HALF_LIFE / 20_000;
    let mut bank = Bank::<RobustMean, T>::new(in_time(), 1).unwrap();
    for n in 0..20_000 {
        bank.update_after(distance, &[T::from_f64(f64::from(n * 37 % 11))]).unwrap();
    }
    let before = bank.reading(0).unwrap();
    assert_eq!(before.age.to_f64(), 2.0_f64.powi(14));
    bank.update_after(distance, &[T::from_f64(7.0)]).unwrap();
    let gain = (bank.locations()[0] - before.location).to_f64() / (7.0 - before.location.to_f64());
    assert!((gain * 2.0_f64.powi(14) - 1.0).abs() < 0.01, "{gain} from {before:?}");
}

both_types!(
    the_smallest_gain,
    equal_distances_are_the_fixed_rule,
    any_distance_is_the_specification,
    channels_one_by_one,
    gaps_of_any_length_are_finite,
);

#[test]
fn the_gain_is_the_half_lifes() {
    let decay = Decay::half_life_time(HALF_LIFE).unwrap();
    // 1 - 2^(-dt/h), with 40 digits, rounded.
    for (seconds, gain) in [(60, 0.5), (120, 0.75), (6, 0.066_967_008_463_192_58), (1, 0.011_485_979_647_103_864)] {
        let computed = decay.gain_after(Duration::from_secs(seconds));
        assert!((computed / gain - 1.0).abs() <= f64::EPSILON, "{seconds} s: {computed} is not {gain}");
    }
    assert_eq!(decay.gain_after(Duration::ZERO), 0.0);
    assert_eq!(decay.gain_after(Duration::MAX), 1.0);
    assert!(decay.gain().is_nan() && decay.window().is_nan());
    assert_eq!((decay.in_time(), Decay::alpha(0.5).unwrap().in_time()), (Some(HALF_LIFE), None));
    assert_eq!(Decay::alpha(0.25).unwrap().gain_after(HALF_LIFE), 0.25);
    assert!(Decay::half_life_time(Duration::ZERO).unwrap_err().to_string().contains("half_life_time must be above 0"));
}

#[test]
fn what_cannot_be_is_refused_and_nothing_changes() {
    let mut timed = Bank::<RobustMean>::new(in_time(), 2).unwrap();
    timed.update_after(Duration::ZERO, &[1.0, f64::NAN]).unwrap();
    let before = format!("{:?}", timed.readings().collect::<Vec<_>>());
    let row = [1.0, 2.0];
    assert_eq!(timed.update(&row), Err(UpdateError::NoElapsed));
    assert_eq!(timed.update_rows(&row), Err(UpdateError::NoElapsed));
    assert_eq!(timed.update_at(&[0], &[1.0]), Err(UpdateError::NoElapsed));
    assert_eq!(timed.update_series(&[[1.0], [2.0]]), Err(UpdateError::NoElapsed));
    assert_eq!(timed.update_channel(0, &row), Err(UpdateError::NoElapsed));
    assert_eq!(timed.update_channel_into(0, &row, &mut [0.0; 2]), Err(UpdateError::NoElapsed));
    assert_eq!(timed.update_scored(&row, &mut [0.0; 2]), Err(UpdateError::NoElapsed));
    assert_eq!(timed.observe(0, 1.0), Err(UpdateError::NoElapsed));
    let second = Duration::from_secs(1);
    assert!(matches!(timed.update_after(second, &[1.0]), Err(UpdateError::Length { .. })));
    assert!(matches!(timed.update_scored_after(second, &row, &mut [0.0]), Err(UpdateError::Length { .. })));
    assert_eq!(timed.observe_after(2, second, 1.0), Err(UpdateError::Channel { channel: 2, channels: 2 }));
    assert_eq!(format!("{:?}", timed.readings().collect::<Vec<_>>()), before);

    let mut counted = Bank::<RobustMean>::new(RobustMean::new(Decay::half_life(60.0).unwrap()), 2).unwrap();
    assert_eq!(counted.update_after(second, &row), Err(UpdateError::NotInTime));
    assert_eq!(counted.observe_after(0, second, 1.0), Err(UpdateError::NotInTime));
    assert!(counted.reading(0).unwrap().location.is_nan());
}

/// Rules that count samples say so by name.
#[test]
fn rules_without_time_refuse_the_decay() {
    let decay = Decay::half_life_time(HALF_LIFE).unwrap();
    let refused = |rule| Err(ParameterError::InTime { rule });
    assert_eq!(Sweep::<Ema>::new(Ema::new(decay)).map(drop), refused("Ema"));
    assert_eq!(Sweep::<ClippedEma>::new(ClippedEma::new(decay)).map(drop), refused("ClippedEma"));
    let scale = ClippedEma::new(Decay::beta(0.9).unwrap()).scale_decay(decay);
    assert_eq!(Sweep::<ClippedEma>::new(scale).map(drop), refused("ClippedEma"));
    assert_eq!(Sweep::<Numerator>::new(Numerator::new(1.0).unwrap().decay(decay)).map(drop), refused("Numerator"));
    let relaxed = RelaxedNumerator::new(1.0).unwrap().decay(decay);
    assert_eq!(Sweep::<RelaxedNumerator>::new(relaxed).map(drop), refused("RelaxedNumerator"));
    let rate = LearningRate::new(1.0).unwrap();
    assert_eq!(Sweep::<LearningRate>::new(rate.norm_decay(decay)).map(drop), refused("LearningRate"));
    assert_eq!(Sweep::<LearningRate>::new(rate.smoothing(Some(decay))).map(drop), refused("LearningRate"));
}

/// A channel that is taken away leaves nothing behind, and the one that takes its number goes on as it was.
#[test]
fn channels_are_taken_away() {
    let second = Duration::from_secs(1);
    let mut bank = Bank::<RobustMean>::new(in_time(), 3).unwrap();
    bank.update_after(second, &[1.0, 2.0, 3.0]).unwrap();
    bank.update_after(second, &[1.0, f64::NAN, f64::NAN]).unwrap();
    let mut other = bank.clone();
    bank.swap_remove(0).unwrap();
    assert_eq!((bank.len(), bank.locations()), (2, &[3.0, 2.0][..]));
    bank.update_after(second, &[4.0, 2.5]).unwrap();
    other.update_after(second, &[1.0, 2.5, 4.0]).unwrap();
    assert_eq!(bank.locations(), [other.locations()[2], other.locations()[1]]);
    bank.extend(1).unwrap();
    assert!(bank.locations()[2].is_nan() && bank.reading(2).unwrap().age == 0.0);
    assert_eq!(bank.swap_remove(3), Err(UpdateError::Channel { channel: 3, channels: 3 }));
    bank.swap_remove(2).unwrap();
    bank.swap_remove(1).unwrap();
    bank.swap_remove(0).unwrap();
    assert!(bank.is_empty() && bank.swap_remove(0).is_err());
}

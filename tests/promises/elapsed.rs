//! Promise: a decay in time is the fixed rule with its alpha made of the time since the channel's own last sample: the bits of
//! the fixed rule at equal distances, and those of the specification, step by step, at any.

use crate::{oracle, support};
use core::num::NonZeroUsize;
use core::time::Duration;
use evenkeel::{
    Bank, CleanedEma, ClippedEma, Columns, Decay, LearningRate, Numerator, Outputs, ParameterError, Real,
    RelaxedNumerator, Resolution, RobustMean, Sweep, Threads, UpdateError,
};
use oracle::{Float, Parameters, Spec, Specification};
use support::random::Random;
use support::streams::Drawn;
use support::{both_rules, both_types, every_backend};

const HALF_LIFE: Duration = Duration::from_secs(60);

fn decay() -> Decay {
    Decay::half_life_time(HALF_LIFE).unwrap()
}

fn in_time<T: Float, O: Drawn<T>>() -> (O::Rule, O) {
    O::with(decay(), None, Resolution::default())
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

/// How long a channel has had no sample after this one. A bank's memory of silence ends after five centuries, and its gain has long
/// been the largest.
fn silence_after<T: Float>(elapsed: Duration, sample: T) -> Duration {
    if sample.nan() { elapsed.min(Duration::from_nanos(u64::MAX)) } else { Duration::ZERO }
}

/// Which NaN it is, is nobody's business.
fn same<T: Float>(a: T, b: T) -> bool {
    a.to_word() == b.to_word() || a.nan() && b.nan()
}

/// Equal distances are the fixed rule, whatever the distance, as long as a full memory has three samples, which the start leaves; of a
/// `CleanedEma`, as long as its judge has the same gain.
fn equal_distances_are_the_fixed_rule<T: Float, O: Drawn<T>>() {
    const CHANNELS: usize = 37;
    let mut random = Random::new(80);
    let block: Vec<T> = random.hostile::<T>(400, CHANNELS);
    // A missing sample is time to the one rule and nothing to the other.
    let block: Vec<T> = block.into_iter().map(|sample| if sample.nan() { T::ONE } else { sample }).collect();
    let (rule, _) = in_time::<T, O>();
    every_backend(|backend| {
        for millis in [1000, 100, 7000, 25_000, 30_000] {
            let distance = Duration::from_millis(millis);
            let samples = HALF_LIFE.as_nanos() as f64 / distance.as_nanos() as f64;
            // A judge that counts samples has a gain of 0.1.
            if O::IS_AVERAGE && samples < 6.6 {
                continue;
            }
            let (fixed, _) = O::with(Decay::half_life(samples).unwrap(), None, Resolution::default());
            let mut fixed = Bank::<O::Rule, T>::new(fixed, CHANNELS).unwrap().with_backend(backend).unwrap();
            let mut timed = Bank::<O::Rule, T>::new(rule, CHANNELS).unwrap().with_backend(backend).unwrap();
            let mut swept = Columns::<O::Rule, T>::new(CHANNELS).unwrap();
            let sweep = Sweep::<O::Rule, T>::new(rule).unwrap().with_backend(backend).unwrap();
            let (mut scores, mut expected) = ([T::ZERO; CHANNELS], [T::ZERO; CHANNELS]);
            for rows in block.chunks(CHANNELS * 8) {
                sweep.after(distance).unwrap().update_rows(swept.as_mut_slices(), rows).unwrap();
                for row in rows.chunks(CHANNELS) {
                    fixed.update_scored(row, &mut expected).unwrap();
                    timed.update_scored_after(distance, row, &mut scores).unwrap();
                    assert!(scores.iter().zip(&expected).all(|(a, b)| same(*a, *b)), "scores, {distance:?}");
                    for (timed, fixed) in timed.readings().zip(fixed.readings()) {
                        let is_same = same(timed.location, fixed.location) && same(timed.scale, fixed.scale);
                        assert!(is_same, "{timed:?}, not {fixed:?}, {distance:?}");
                        let grain = 2.0_f64.powi(T::IN_TIME.0);
                        assert!(
                            (timed.age.to_f64() - fixed.age.to_f64()).abs() <= 3.0 * grain,
                            "{timed:?}, not {fixed:?}"
                        );
                    }
                }
            }
            for channel in 0..CHANNELS {
                let timed = timed.reading(channel).unwrap();
                let swept = sweep.reading(&swept.state(channel).unwrap());
                assert!(same(swept.location, timed.location) && same(swept.scale, timed.scale));
                assert_eq!(swept.age, timed.age);
            }
        }
    });
}

/// Any distances, missing samples, and the channels of a bank wider than what is stepped at a time: every channel on its own.
fn any_distance_is_the_specification<T: Float, O: Drawn<T>>() {
    const CHANNELS: usize = 1100;
    let learn = Resolution::Learn;
    let parts = Threads::Parts(NonZeroUsize::new(300).unwrap());
    let kinds = [(None, Resolution::default(), Threads::One), (Some(3), learn, parts)];
    let (channels, rows) = (0..CHANNELS, 120);
    for (patience, resolution, threads) in kinds {
        let mut random = Random::new(81);
        let (rule, spec) = O::with(decay(), patience, resolution);
        let mut states: Vec<O::State> = channels.clone().map(|_| O::unseen()).collect();
        let mut silence = vec![Duration::ZERO; CHANNELS];
        let mut story = Vec::new();
        for row in 0..rows {
            let distance = distance(&mut random);
            let width = if row % 2 == 0 { 1.0 } else { 3.0 };
            let noise = |random: &mut Random| 10.0 + width * random.gauss();
            let round = |sample: f64, channel: usize| if channel.is_multiple_of(3) { sample.round() } else { sample };
            let mut samples: Vec<T> =
                channels.clone().map(|channel| T::from_f64(round(noise(&mut random), channel))).collect();
            if row % 3 != 0 {
                // Whole chunks without a gap, and chunks full of them.
                for sample in &mut samples[1024 * (row % 2)..] {
                    if random.below(4) == 0 {
                        *sample = random.hostile::<T>(1, 1)[0];
                    }
                }
            }
            let step = |channel: usize| {
                let (sample, elapsed) = (samples[channel], silence[channel].saturating_add(distance));
                let (state, outcome) = spec.step_at(&states[channel], sample, elapsed);
                silence[channel] = silence_after(elapsed, sample);
                states[channel] = state;
                assert!(spec.is_finite(&state), "{state:?} after {sample}");
                (spec.reading(&state), outcome.score)
            };
            let expected: Vec<([T; 3], T)> = channels.clone().map(step).collect();
            story.push((distance, samples, expected));
        }
        every_backend(|backend| {
            let bank = Bank::<O::Rule, T>::new(rule, CHANNELS).unwrap();
            let mut bank = bank.with_backend(backend).unwrap().with_threads(threads);
            let mut scores = [T::ZERO; CHANNELS];
            for (row, (distance, samples, expected)) in story.iter().enumerate() {
                let is_scored = row % 2 == 1;
                if is_scored {
                    bank.update_scored_after(*distance, samples, &mut scores).unwrap();
                } else {
                    bank.update_after(*distance, samples).unwrap();
                }
                for (channel, (reading, score)) in expected.iter().enumerate() {
                    let found = bank.reading(channel).unwrap();
                    let found = [found.location, found.scale, found.age];
                    let is_same = found.iter().zip(reading).all(|(a, b)| same(*a, *b));
                    assert!(
                        is_same,
                        "{found:?}, not {reading:?}, channel {channel}, row {row}, {distance:?}, {rule:?}"
                    );
                    let seen = scores[channel];
                    assert!(
                        !is_scored || same(seen, *score),
                        "score {seen}, not {score}, channel {channel}, row {row}"
                    );
                }
            }
        });
    }
}

/// One channel at a time is the row, and its own distances are its own.
fn channels_one_by_one<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(82);
    let (rule, spec) = in_time::<T, O>();
    let mut rows = Bank::<O::Rule, T>::new(rule, 5).unwrap();
    let mut single = rows.clone();
    let mut alone = Bank::<O::Rule, T>::new(rule, 1).unwrap();
    let mut state = O::unseen();
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
        let (next, outcome) = spec.step_at(&state, samples[4], elapsed);
        state = next;
        silence = silence_after(elapsed, samples[4]);
        let said = (seen.accepted, seen.outlier, seen.reopened);
        assert_eq!(said, (outcome.accepted, outcome.strike, outcome.opened && !outcome.first));
        assert!(same(seen.score, outcome.score));
    }
    let bits = |bank: &Bank<O::Rule, T>, channel| {
        let reading = bank.reading(channel).unwrap();
        [reading.location, reading.scale, reading.age].map(Real::to_word)
    };
    for channel in 0..5 {
        assert_eq!(bits(&rows, channel), bits(&single, channel));
    }
    assert_eq!(bits(&rows, 4), bits(&alone, 0));
    assert_eq!(bits(&rows, 4), spec.reading(&state).map(Real::to_word));
}

/// A gap of any length leaves something finite that the next samples build on, and one outlier after it moves nothing far.
fn gaps_of_any_length_are_finite<T: Float, O: Drawn<T>>() {
    let seconds = [1, 60, 300, 3600, 86_400 * 366, 86_400 * 366 * 1_000_000, u64::MAX];
    for gap in seconds.map(Duration::from_secs) {
        for outlier in [T::LARGEST, -T::INFINITY, T::from_f64(1e6)] {
            let mut bank = Bank::<O::Rule, T>::new(in_time::<T, O>().0, 1).unwrap();
            let sample = |n: u32| T::from_f64(100.0 + f64::from(n * 37 % 11));
            for n in 0..200 {
                bank.update_after(Duration::from_secs(1), &[sample(n)]).unwrap();
            }
            bank.update_after(gap, &[outlier]).unwrap();
            let among = |location: T| (100.0..=110.0).contains(&location.to_f64());
            let location = bank.reading(0).unwrap().location;
            assert!(among(location), "{location} after {outlier} after {gap:?}");
            for n in 0..50 {
                bank.update_after(if n == 0 { gap } else { Duration::from_secs(1) }, &[sample(n)]).unwrap();
                let after = bank.reading(0).unwrap();
                assert!(after.location.finite() && after.scale.finite() && after.scale > T::ZERO, "{gap:?}");
                let long = gap >= Duration::from_secs(300);
                assert!(n > 0 || (after.age < T::from_f64(2.01)) == long, "{gap:?} leaves the age {:?}", after.age);
            }
            let location = bank.reading(0).unwrap().location;
            assert!(among(location), "{location} at last, after {outlier} after {gap:?}");
        }
    }
}

/// After a silence that leaves less than one sample two strikes re-open the estimate; after a shorter one it takes its patience.
fn a_level_that_has_moved_in_a_silence<T: Float, O: Drawn<T>>() {
    let (rule, spec) = in_time::<T, O>();
    for (gap, most) in [(1, 14), (60, 14), (360, 14), (400, 2), (3600, 2), (u64::MAX, 2)] {
        let mut bank = Bank::<O::Rule, T>::new(rule, 1).unwrap();
        let mut state = O::unseen();
        let sample = |n: u32| T::from_f64(100.0 + f64::from(n * 37 % 11));
        // Where the first samples cannot bring an average all of the way, its memory does.
        let follows = !O::IS_AVERAGE || most == 2;
        let mut moved = None;
        for n in 0..300 {
            let elapsed = Duration::from_secs(if n == 200 { gap } else { 1 });
            let sample = if n < 200 { sample(n) } else { sample(n) + T::from_f64(1000.0) };
            bank.update_after(elapsed, &[sample]).unwrap();
            state = spec.step_at(&state, sample, elapsed).0;
            if bank.reading(0).unwrap().location > T::from_f64(1000.0) {
                moved = moved.or(Some(n - 199));
            }
        }
        if follows {
            let moved = moved.expect("it follows");
            assert!(moved <= most && (most == 2 || moved >= 9), "{moved} samples after a gap of {gap} s");
        }
        assert_eq!(bank.reading(0).unwrap().location.to_word(), spec.reading(&state)[0].to_word());
    }
}

/// Where a half-life has more samples than an age has room for, the gain stops at what is documented.
fn the_smallest_gain<T: Float, O: Drawn<T>>() {
    if T::AGE_WIDTH > 20 {
        return; // 2^27 samples are too many for a test
    }
    let distance = HALF_LIFE / 20_000;
    let mut bank = Bank::<O::Rule, T>::new(in_time::<T, O>().0, 1).unwrap();
    for n in 0..20_000 {
        bank.update_after(distance, &[T::from_f64(f64::from(n * 37 % 11))]).unwrap();
    }
    let before = bank.reading(0).unwrap();
    assert!((before.age.to_f64() - 2.0_f64.powi(14)).abs() < 0.1, "{before:?}");
    bank.update_after(distance, &[T::from_f64(7.0)]).unwrap();
    let gain = (bank.reading(0).unwrap().location - before.location).to_f64() / (7.0 - before.location.to_f64());
    assert!((gain * 2.0_f64.powi(14) - 1.0).abs() < 0.01, "{gain} from {before:?}");
}

both_rules!(
    the_smallest_gain,
    equal_distances_are_the_fixed_rule,
    any_distance_is_the_specification,
    channels_one_by_one,
    gaps_of_any_length_are_finite,
    a_level_that_has_moved_in_a_silence,
);

/// The other preset, and Huber's psi: the same of them.
fn presets_at_any_distance<T: Float>() {
    let rule = RobustMean::new(decay());
    let p = Parameters::in_time(HALF_LIFE);
    for (rule, p) in [
        (rule.mean_faithful().patience(3).unwrap(), Parameters { patience: 3, ..p.mean_faithful() }),
        (rule.reject_nothing(), Parameters { reject: f64::INFINITY, ..p }),
    ] {
        let spec = Spec::<T>::new(&p);
        let mut random = Random::new(83);
        let mut bank = Bank::<RobustMean, T>::new(rule, 1).unwrap();
        let mut state = Spec::unseen();
        for _ in 0..3000 {
            // What is missing is no time that passes here.
            let (distance, sample) = (distance(&mut random), random.hostile::<T>(1, 1)[0]);
            if !sample.nan() {
                bank.update_after(distance, &[sample]).unwrap();
                state = spec.step_at(&state, sample, distance).0;
                let reading = bank.reading(0).unwrap();
                let found = [reading.location, reading.scale, reading.age];
                assert!(found.iter().zip(spec.reading(&state)).all(|(a, b)| same(*a, b)), "{found:?}, not {state:?}");
            }
        }
    }
}

both_types!(presets_at_any_distance);

/// Where nothing is an outlier, a cleaned average is pandas' `ewm(halflife=..., times=...)` once the start is forgotten: the weight of
/// a sample halves with every half-life, however samples come.
#[test]
fn a_clean_signal_is_averaged_as_pandas_does() {
    let mut random = Random::new(84);
    let mut bank = Bank::<CleanedEma>::new(CleanedEma::new(decay()), 1).unwrap();
    let (mut sum, mut weight, mut worst) = (0.0, 0.0, 0.0_f64);
    for n in 0..6000 {
        let elapsed = Duration::from_secs_f64(random.exponential());
        let sample = 50.0 + random.between(-1.0, 1.0);
        bank.update_after(elapsed, &[sample]).unwrap();
        let kept = libm::exp2(-elapsed.as_secs_f64() / HALF_LIFE.as_secs_f64());
        (sum, weight) = (kept * sum + sample, kept * weight + 1.0);
        if n > 2500 {
            let reading = bank.reading(0).unwrap();
            worst = worst.max((reading.location - sum / weight).abs());
            assert!((reading.age / weight - 1.0).abs() < 1e-6, "{reading:?}, not {weight}");
        }
    }
    println!("{worst:e}");
    assert!(worst < 1e-6, "{worst:e}");
}

#[test]
fn the_gain_is_the_half_lifes() {
    let decay = decay();
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
    let mut timed = Bank::<RobustMean>::new(RobustMean::new(decay()), 2).unwrap();
    timed.update_after(Duration::ZERO, &[1.0, f64::NAN]).unwrap();
    let before = format!("{:?}", timed.readings().collect::<Vec<_>>());
    let row = [1.0, 2.0];
    assert_eq!(timed.update(&row), Err(UpdateError::NoElapsed));
    assert_eq!(timed.update_rows(&row), Err(UpdateError::NoElapsed));
    assert_eq!(timed.update_at(&[0], &[1.0]), Err(UpdateError::NoElapsed));
    assert_eq!(timed.update_series(&[[1.0], [2.0]]), Err(UpdateError::NoElapsed));
    assert_eq!(timed.update_channel(0, &row), Err(UpdateError::NoElapsed));
    assert_eq!(timed.update_channel_into(0, &row, Outputs::default()), Err(UpdateError::NoElapsed));
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
    let decay = decay();
    let refused = |rule| Err(ParameterError::InTime { rule });
    assert_eq!(Sweep::<ClippedEma>::new(ClippedEma::new(decay)).map(drop), refused("ClippedEma"));
    let scale = ClippedEma::new(Decay::beta(0.9).unwrap()).scale_decay(decay);
    assert_eq!(Sweep::<ClippedEma>::new(scale).map(drop), refused("ClippedEma"));
    assert_eq!(Sweep::<Numerator>::new(Numerator::new(1.0).unwrap().decay(decay)).map(drop), refused("Numerator"));
    let relaxed = RelaxedNumerator::new(0.25).unwrap().decay(decay);
    assert_eq!(Sweep::<RelaxedNumerator>::new(relaxed).map(drop), refused("RelaxedNumerator"));
    let rate = LearningRate::new(1.0).unwrap();
    assert_eq!(Sweep::<LearningRate>::new(rate.norm_decay(decay)).map(drop), refused("LearningRate"));
    assert_eq!(Sweep::<LearningRate>::new(rate.smoothing(Some(decay))).map(drop), refused("LearningRate"));
    assert_eq!(Sweep::<LearningRate>::new(rate.mean_decay(Some(decay))).map(drop), refused("LearningRate"));
}

/// A channel that is taken away leaves nothing behind, and the one that takes its number goes on as it was.
#[test]
fn channels_are_taken_away() {
    let second = Duration::from_secs(1);
    let mut bank = Bank::<RobustMean>::new(RobustMean::new(decay()), 3).unwrap();
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

//! Promise: no update panics. A slice that does not fit is an error that names both lengths and leaves the state
//! untouched; a parameter that means nothing is an error that says what was expected.

use crate::{oracle, support};
use evenkeel::{
    Backend, Bank, ChannelsError, CleanedEma, ClippedEma, Columns, ColumnsOf, Decay, Ema, Estimator, LearningRate,
    Numerator, Outputs, ParameterError, Real, RelaxedNumerator, Resolution, RobustMean, Sweep, WeightDecay,
};
use oracle::Float;
use support::random::Random;
use support::streams::{Drawn, Slices};
use support::{both_rules, both_types, every_backend};

fn cleaned() -> CleanedEma {
    CleanedEma::new(Decay::alpha(0.1).unwrap())
}

const CHANNELS: usize = 21;

fn rule() -> RobustMean {
    RobustMean::new(Decay::alpha(0.1).unwrap())
}

/// Columns in the middle of their life.
fn lived<R: Slices<T>, T: Float>(sweep: &Sweep<R, T>) -> Columns<R, T> {
    let mut columns = Columns::new(CHANNELS).unwrap();
    sweep.update_rows(columns.as_mut_slices(), &Random::new(21).hostile(50, CHANNELS)).unwrap();
    columns
}

fn words<R: Slices<T>, T: Float>(columns: &Columns<R, T>) -> Vec<u64> {
    columns.as_slices().into_iter().flat_map(|column| column.iter().map(|element| element.to_word())).collect()
}

/// Every update with every length around the right one. `Err` exactly where it does not fit, and then nothing changed.
fn wrong_lengths<T: Float, O: Drawn<T>>() {
    let (rule, _) = O::plain(0.1);
    every_backend(|backend| {
        let sweep = Sweep::<O::Rule, T>::new(rule).unwrap().with_backend(backend).unwrap();
        let mut columns = lived(&sweep);
        let before = words(&columns);
        let refused = |what: &str, result: Result<(), evenkeel::UpdateError>, columns: &Columns<O::Rule, T>| {
            let error = result.expect_err(what).to_string();
            for part in what.split('|') {
                assert!(error.contains(part), "{error:?} does not name {part:?}");
            }
            assert_eq!(before, words(columns), "{error}");
        };
        for length in (0..=3 * CHANNELS).filter(|&length| length != CHANNELS) {
            let samples = vec![T::ONE; length];
            let mut scores = vec![T::from_f64(7.0); length];
            let mut enough = vec![T::from_f64(7.0); CHANNELS];
            let both = format!("{length}|{CHANNELS}");

            let result = sweep.update(columns.as_mut_slices(), &samples);
            refused(&format!("samples|{both}"), result, &columns);
            if length % CHANNELS != 0 {
                let result = sweep.update_rows(columns.as_mut_slices(), &samples);
                refused(&format!("rows|{both}"), result, &columns);
            }
            let result = sweep.update_at(columns.as_mut_slices(), &[0; CHANNELS], &samples);
            refused(&format!("samples|{both}"), result, &columns);
            let result = sweep.update_series(columns.as_mut_slices(), &vec![[T::ONE; 3]; length]);
            refused(&format!("series|{both}"), result, &columns);
            // One series of another length than the others, wherever it is.
            let mut series = vec![vec![T::ONE; CHANNELS]; CHANNELS];
            series[length % CHANNELS].clone_from(&samples);
            let result = sweep.update_series(columns.as_mut_slices(), &series);
            refused(&format!("samples of a series|{both}"), result, &columns);
            let outputs = Outputs { locations: Some(&mut scores), ..Outputs::default() };
            let result = sweep.update_channel_into(columns.as_mut_slices(), 0, &[T::ONE; CHANNELS], outputs);
            refused(&format!("locations|{both}"), result, &columns);
            let result = sweep.update_scored(columns.as_mut_slices(), &samples, &mut scores);
            refused(&both, result, &columns);
            let result = sweep.update_scored(columns.as_mut_slices(), &[T::ONE; CHANNELS], &mut scores);
            refused(&format!("scores|{both}"), result, &columns);
            let result = sweep.update_scored(columns.as_mut_slices(), &samples, &mut enough);
            refused(&both, result, &columns);
            assert!(scores.iter().chain(&enough).all(|score| score.to_f64() == 7.0), "no score was written");
        }
    });
}

fn slices<R: Slices<T>, T: Float>(columns: &mut [Vec<T>]) -> ColumnsOf<R, &mut [T]> {
    R::slices(columns.iter_mut().map(Vec::as_mut_slice))
}

fn columns_of_different_lengths<T: Float, O: Drawn<T>>() {
    let (rule, spec) = O::plain(0.1);
    let sweep = Sweep::<O::Rule, T>::new(rule).unwrap();
    let count = spec.words(&O::unseen()).len();
    for short in 0..count {
        let lengths = (0..count).map(|column| if column == short { 8 } else { 9 });
        let mut columns: Vec<Vec<T>> = lengths.map(|length| vec![T::ONE; length]).collect();
        let mut scores = [T::ONE; 9];
        let results = [
            sweep.update(slices::<O::Rule, T>(&mut columns), &[T::ZERO; 9]),
            sweep.update(slices::<O::Rule, T>(&mut columns), &[T::ZERO; 8]),
            sweep.update_rows(slices::<O::Rule, T>(&mut columns), &[T::ZERO; 18]),
            sweep.update_rows(slices::<O::Rule, T>(&mut columns), &[]),
            sweep.update_at(slices::<O::Rule, T>(&mut columns), &[0], &[T::ZERO]),
            sweep.update_scored(slices::<O::Rule, T>(&mut columns), &[T::ZERO; 9], &mut scores),
            sweep.observe(slices::<O::Rule, T>(&mut columns), 0, T::ZERO).map(drop),
        ];
        for result in results {
            let text = result.unwrap_err().to_string();
            assert!(text.contains("column") && text.contains('8') && text.contains('9'), "{text}");
        }
        assert!(columns.iter().flatten().chain(&scores).all(|element| *element == T::ONE), "untouched");
    }
}

fn channels_out_of_range<T: Float, O: Drawn<T>>() {
    let (rule, _) = O::plain(0.1);
    every_backend(|backend| {
        let mut bank = Bank::<O::Rule, T>::new(rule, CHANNELS).unwrap().with_backend(backend).unwrap();
        bank.update_rows(&Random::new(22).hostile(50, CHANNELS)).unwrap();
        let words = |bank: &Bank<O::Rule, T>| {
            bank.readings().flat_map(|r| [r.location, r.scale, r.age]).map(Real::to_word).collect::<Vec<_>>()
        };
        let before = words(&bank);
        for channel in [CHANNELS, CHANNELS + 1, 23, 24, 31, 32, 1000, usize::MAX] {
            // A bad channel after good ones: the good ones must not have been updated either.
            let samples = [T::from_f64(5.0); 3];
            let errors = [
                bank.update_at(&[0, 1, channel], &samples).unwrap_err(),
                bank.update_at(&[channel, 0, 1], &samples).unwrap_err(),
                bank.observe(channel, T::ONE).unwrap_err(),
                bank.update_channel(channel, &samples).unwrap_err(),
                bank.update_channel_into(channel, &samples, Outputs::default()).unwrap_err(),
                bank.reset(channel).unwrap_err(),
                bank.begin(channel, 1.0).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.to_string(), format!("channel {channel} does not exist: there are {CHANNELS}"));
            }
            assert!(bank.reading(channel).is_none());
            assert_eq!(before, words(&bank));
        }
    });
}

fn a_bank_without_channels<T: Float, O: Drawn<T>>() {
    let (rule, _) = O::plain(0.1);
    every_backend(|backend| {
        let mut bank = Bank::<O::Rule, T>::new(rule, 0).unwrap().with_backend(backend).unwrap();
        assert!(bank.is_empty() && bank.readings().len() == 0 && bank.ages().len() == 0);
        bank.update(&[]).unwrap();
        bank.update_rows(&[]).unwrap();
        bank.update_at(&[], &[]).unwrap();
        bank.update_scored(&[], &mut []).unwrap();
        bank.update_series::<Vec<T>>(&[]).unwrap();
        assert!(bank.update_series(&[[T::ONE]]).is_err());
        assert!(bank.update_channel(0, &[]).is_err());
        assert!(bank.update(&[T::ONE]).is_err());
        assert!(bank.update_rows(&[T::ONE]).is_err());
        assert!(bank.update_at(&[0], &[T::ONE]).is_err());
        assert!(bank.observe(0, T::ONE).is_err());
        assert!(bank.reading(0).is_none() && bank.readings().len() == 0);
    });
}

fn more_channels_than_memory<T: Float>() {
    for channels in [usize::MAX, usize::MAX - 1, usize::MAX - 63, usize::MAX / 4] {
        assert_no_memory::<T>(channels);
    }
    let mut bank = Bank::<RobustMean, T>::new(rule(), CHANNELS).unwrap();
    bank.update(&[T::ONE; CHANNELS]).unwrap();
    let bytes = bank.bytes();
    for more in [usize::MAX, usize::MAX - CHANNELS, usize::MAX / 4] {
        assert!(bank.extend(more).is_err());
        assert_eq!((bank.len(), bank.locations().len()), (CHANNELS, CHANNELS));
        assert!(bank.locations().iter().all(|&location| location == T::ONE));
    }
    assert!(bank.bytes() >= bytes);
    bank.update(&[T::ONE; CHANNELS]).unwrap();
}

/// More bytes than any allocation may have, yet a number of bytes that fits a `usize`.
fn more_bytes_than_an_allocation<T: Float>() {
    let most = isize::MAX.unsigned_abs() / size_of::<T>();
    for channels in [most - 1, most, most + 1, most + 100, 2 * most - 100] {
        assert_no_memory::<T>(channels);
    }
}

fn assert_no_memory<T: Float>(channels: usize) {
    let error = Bank::<RobustMean, T>::new(rule(), channels).unwrap_err();
    assert_eq!(error, ChannelsError::OutOfMemory { channels });
    let text = error.to_string();
    assert!(text.contains(&channels.to_string()) && text.contains("memory") && text.contains("fewer"), "{text}");
}

both_rules!(wrong_lengths, columns_of_different_lengths, channels_out_of_range, a_bank_without_channels);
both_types!(more_channels_than_memory, more_bytes_than_an_allocation);

/// The error of a builder: it names the parameter, what was expected and what was given.
fn refused<R: std::fmt::Debug>(result: Result<R, ParameterError>, name: &str, expected: &str) {
    let error = result.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(name) && text.contains("must be") && text.contains(expected), "{text:?}");
    let ParameterError::OutOfRange { got, .. } = error else { panic!("{error:?}") };
    assert!(text.ends_with(&format!("not {got}")), "{text:?}");
}

const NOT_POSITIVE: [f64; 5] = [f64::NAN, 0.0, -0.0, -1.0, f64::NEG_INFINITY];

#[test]
fn decays_that_mean_nothing() {
    for value in NOT_POSITIVE.into_iter().chain([f64::INFINITY]) {
        refused(Decay::half_life(value), "half_life", "above 0 and finite");
        if value != 0.0 {
            refused(Decay::com(value), "com", "at least 0 and finite");
        }
        refused(Decay::span(value), "span", "at least 1 and finite");
        refused(Decay::alpha(value), "alpha", "above 0 and at most 1");
        if value != 0.0 {
            refused(Decay::beta(value), "beta", "at least 0 and below 1");
        }
    }
    for value in [-1e-9, -f64::MIN_POSITIVE] {
        refused(Decay::com(value), "com", "at least 0");
        refused(Decay::alpha(value), "alpha", "above 0");
        refused(Decay::beta(value), "beta", "at least 0");
    }
    refused(Decay::span(0.999), "span", "at least 1");
    refused(Decay::alpha(1.0 + f64::EPSILON), "alpha", "at most 1");
    refused(Decay::beta(1.0), "beta", "below 1");
    assert_eq!(Decay::half_life(0.0).unwrap_err().to_string(), "half_life must be above 0 and finite, not 0");
    assert_eq!(Decay::half_life(f64::NAN).unwrap_err().to_string(), "half_life must be above 0 and finite, not NaN");
}

#[test]
fn rules_that_mean_nothing() {
    let most = f64::from(1 << 20);
    for value in NOT_POSITIVE.into_iter().chain([f64::INFINITY, most + 1.0, 0.999 / most]) {
        refused(rule().clip(value), "clip", "from 2^-20 to 2^20");
        refused(rule().scale_clip(value), "scale_clip", "from 2^-20 to 2^20");
        refused(cleaned().reject(value), "reject", "from 2^-20 to 2^20");
        refused(rule().reject(value, 8.0), "the start of the taper", "from 2^-20 to 2^20");
        refused(rule().reject(5.0, value), "reject", "from 2^-20 to 2^20");
    }
    refused(rule().reject(5.0, 5.0), "reject", "above the start of the taper");
    refused(rule().reject(5.0, 4.0), "reject", "above the start of the taper");
    refused(rule().scale_clip(1.0), "scale_clip", "above 1");
    refused(rule().scale_clip(0.5), "scale_clip", "above 1");
    for strikes in [0, 64, 255, 256, 1000, u32::MAX] {
        refused(rule().patience(strikes), "patience", "from 1 to 63");
        refused(cleaned().patience(strikes), "patience", "from 1 to 63");
    }
    for step in [f64::NAN, -1.0, -1e-9, f64::INFINITY, f64::NEG_INFINITY] {
        refused(rule().resolution(step), "resolution", "at least 0 and finite");
        refused(rule().resolution(Resolution::Step(step)), "resolution", "at least 0 and finite");
        refused(cleaned().resolution(step), "resolution", "at least 0 and finite");
    }
}

#[test]
fn the_ends_of_every_range_are_allowed() {
    let most = f64::from(1 << 20);
    assert!(rule().clip(most).is_ok() && rule().scale_clip(most).is_ok() && rule().reject(5.0, most).is_ok());
    assert!(rule().clip(1.0 / most).is_ok() && rule().reject(1.0 / most, 8.0).is_ok());
    assert!(rule().scale_clip(1.0 + f64::EPSILON).is_ok() && rule().reject(5.0, 5.0001).is_ok());
    assert!(rule().patience(1).is_ok() && rule().patience(63).is_ok());
    assert!(rule().resolution(0.0).is_ok() && rule().resolution(Resolution::Learn).is_ok());
    assert!(cleaned().reject(1.0 / most).is_ok() && cleaned().reject(most).is_ok());
    assert!(cleaned().patience(1).is_ok() && cleaned().patience(63).is_ok());
    assert!(cleaned().resolution(0.0).is_ok() && cleaned().resolution(Resolution::Learn).is_ok());
    assert!(
        Decay::alpha(1.0).is_ok() && Decay::beta(0.0).is_ok() && Decay::com(0.0).is_ok() && Decay::span(1.0).is_ok()
    );
}

/// A memory that is too long for `f32` or `f64` is refused once it is known which of them.
fn gain_limit<R: Estimator, T: Float>(rule: fn(Decay) -> R, smallest: f64) {
    let least = Decay::alpha(smallest).unwrap();
    assert!(Bank::<R, T>::new(rule(least), 1).is_ok());
    assert!(Sweep::<R, T>::new(rule(least)).is_ok());
    let below = Decay::alpha(smallest * 0.999).unwrap();
    let text = Bank::<R, T>::new(rule(below), 1).unwrap_err().to_string();
    assert_eq!(text, Sweep::<R, T>::new(rule(below)).unwrap_err().to_string(), "one text, whoever says it");
    for part in ["gain", "too small", T::NAME, &format!("{smallest:e}")] {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
    // No remedy that has been taken already.
    let remedy = if T::NAME == "f32" { ": shorten the half-life or use f64" } else { ": shorten the half-life" };
    assert!(text.ends_with(remedy), "{text:?} does not end with {remedy:?}");
}

#[test]
fn gains_too_small_for_the_element_type() {
    // Less room for an age, beside strikes and step; that of an average has a column of its own.
    gain_limit::<RobustMean, f32>(RobustMean::new, 2.0_f64.powi(-20));
    gain_limit::<RobustMean, f64>(RobustMean::new, 2.0_f64.powi(-50));
    gain_limit::<CleanedEma, f32>(CleanedEma::new, 2.0_f64.powi(-22));
    gain_limit::<CleanedEma, f64>(CleanedEma::new, 2.0_f64.powi(-50));
    gain_limit::<Ema, f32>(Ema::new, 2.0_f64.powi(-22));
    gain_limit::<Ema, f64>(Ema::new, 2.0_f64.powi(-50));
    // However long the half-life is, it is an error and no panic.
    for half_life in [1e12, 1e100, 1e300, 1e307] {
        let Ok(decay) = Decay::half_life(half_life) else { continue };
        assert!(Bank::<RobustMean, f32>::new(RobustMean::new(decay), 1).is_err());
        assert!(Bank::<Ema, f32>::new(Ema::new(decay), 1).is_err());
    }
}

/// A gain of one is a mean of one sample, and no error.
#[test]
fn the_largest_gain() {
    let one = Decay::alpha(1.0).unwrap();
    let mut robust = Bank::<RobustMean>::new(RobustMean::new(one), 1).unwrap();
    let mut cleaned = Bank::<CleanedEma>::new(CleanedEma::new(one), 1).unwrap();
    for sample in [1.0, 2.0, 1.5, 1.25, 1.75, 1.5, 1.0, 2.0, 1.25] {
        robust.update(&[sample]).unwrap();
        cleaned.update(&[sample]).unwrap();
    }
    assert_eq!((robust.locations()[0], cleaned.locations()[0]), (1.25, 1.25));
}

/// A rule for which nothing else is given, and the preset, have the parameters of the documentation.
#[test]
fn the_documented_parameters() {
    let given = rule().clip(2.5).unwrap().reject(3.5, 6.5).unwrap().scale_clip(2.0).unwrap();
    assert_eq!(rule(), given.patience(12).unwrap().resolution(0.0).unwrap());
    let given = rule().clip(4.0).unwrap().reject(6.0, 12.0).unwrap().scale_clip(2.0).unwrap();
    assert_eq!(rule().mean_faithful(), given.patience(12).unwrap().resolution(0.0).unwrap());
    let given = cleaned().reject(8.0).unwrap().patience(10).unwrap().resolution(0.0).unwrap();
    assert_eq!(cleaned(), given);
    assert_eq!((Resolution::default(), Resolution::from(0.5)), (Resolution::Step(0.0), Resolution::Step(0.5)));
}

#[test]
fn resolutions_too_large_for_the_element_type() {
    // Half of it is the smallest scale, which must be below the largest sample.
    let most = f64::from(f32::MAX);
    assert!(Bank::<RobustMean, f32>::new(rule().resolution(0.999 * most).unwrap(), 1).is_ok());
    assert!(Bank::<RobustMean, f32>::new(rule().resolution(most).unwrap(), 1).is_err());
    assert!(Bank::<CleanedEma, f32>::new(cleaned().resolution(0.999 * most).unwrap(), 1).is_ok());
    assert!(Bank::<CleanedEma, f32>::new(cleaned().resolution(1e39).unwrap(), 1).is_err());
    let rule = rule().resolution(1e39).unwrap();
    assert!(Bank::<RobustMean, f64>::new(rule, 1).is_ok());
    let text = Bank::<RobustMean, f32>::new(rule, 1).unwrap_err().to_string();
    assert!(text.contains("resolution") && text.contains("element type"), "{text}");
}

/// A parameter above zero must not become zero or infinity when it is rounded.
fn as_narrow_as_the_element_type<T: Float>(refused: &[f64], allowed: &[f64]) {
    let decay = Decay::alpha(0.1).unwrap();
    let made = |value: f64| {
        [
            Sweep::<_, T>::new(ClippedEma::new(decay).clip(value).unwrap()).map(drop),
            Sweep::<_, T>::new(Numerator::new(value).unwrap()).map(drop),
            Sweep::<_, T>::new(Numerator::new(1.0).unwrap().clip(value).unwrap()).map(drop),
            Sweep::<_, T>::new(LearningRate::new(1.0).unwrap().epsilon(value).unwrap()).map(drop),
        ]
    };
    let names = ["clip", "mu", "clip", "epsilon"];
    for &value in refused {
        for (result, name) in made(value).into_iter().zip(names) {
            self::refused(result, name, "above 0 and within the range of the element type");
        }
    }
    for &value in allowed {
        assert!(made(value).iter().all(Result::is_ok), "{value:e} in {}", T::NAME);
    }
    let decayed = |lambda| LearningRate::new(1.0).unwrap().weight_decay(WeightDecay::Decoupled(lambda)).unwrap();
    let most = *allowed.last().unwrap();
    assert!(Sweep::<_, T>::new(decayed(most)).is_ok() && Sweep::<_, T>::new(decayed(0.0)).is_ok());
}

#[test]
fn parameters_outside_the_element_type() {
    let [smallest, most] = [f32::from_bits(1), f32::MAX].map(f64::from);
    let relaxed = |mu| RelaxedNumerator::new(mu).unwrap();
    let what = "above 0 and within the range of the element type";
    refused(Sweep::<_, f32>::new(relaxed(smallest / 2.0)), "mu", what);
    assert!(Sweep::<_, f32>::new(relaxed(smallest)).is_ok() && Sweep::<_, f64>::new(relaxed(smallest / 2.0)).is_ok());
    as_narrow_as_the_element_type::<f32>(&[smallest / 2.0, 1e-300, 2.0 * most, 1e300], &[smallest, most]);
    as_narrow_as_the_element_type::<f64>(&[], &[f64::from_bits(1), smallest / 2.0, 1e300, f64::MAX]);
    for decay in [WeightDecay::Coupled(1e39), WeightDecay::Decoupled(1e39)] {
        let rule = LearningRate::new(1.0).unwrap().weight_decay(decay).unwrap();
        assert!(Sweep::<_, f64>::new(rule).is_ok());
        refused(Sweep::<_, f32>::new(rule), "weight_decay", "within the range of the element type");
    }
}

#[test]
fn numerators_outside_their_range() {
    for mu in [0.0, -0.1, f64::NAN, f64::INFINITY] {
        refused(Numerator::new(mu), "mu", "above 0 and finite");
        refused(LearningRate::new(mu), "mu", "above 0 and finite");
    }
    for mu in [0.0, -0.1, f64::NAN, 0.5, 1.0, f64::INFINITY] {
        refused(RelaxedNumerator::new(mu), "mu", "above 0 and below 1/2");
    }
    assert!(RelaxedNumerator::new(0.5_f64.next_down()).is_ok());
    for clip in [0.0, -4.0, f64::NAN, f64::NEG_INFINITY] {
        refused(Numerator::new(1.0).unwrap().clip(clip), "clip", "above 0");
        refused(LearningRate::new(1.0).unwrap().clip(clip), "clip", "above 0");
    }
    // No clip is none in any type.
    assert!(Sweep::<_, f32>::new(Numerator::new(1.0).unwrap().clip(f64::INFINITY).unwrap()).is_ok());
}

#[test]
fn a_backend_that_this_machine_does_not_have() {
    let missing: Vec<Backend> =
        Backend::ALL.iter().copied().filter(|backend| !support::expected_backends().contains(backend)).collect();
    assert!(!missing.is_empty(), "no machine has both AVX and NEON");
    for backend in missing {
        let error = Bank::<RobustMean>::new(rule(), 1).unwrap().with_backend(backend).unwrap_err();
        assert_eq!(error.backend, backend);
        let text = error.to_string();
        assert!(text.contains(&format!("{backend:?}")) && text.contains("Backend::available()"), "{text}");
        assert!(Sweep::<Ema, f32>::new(Ema::new(Decay::alpha(0.1).unwrap())).unwrap().with_backend(backend).is_err());
    }
    every_backend(|backend| {
        assert_eq!(Bank::<RobustMean>::new(rule(), 1).unwrap().with_backend(backend).unwrap().backend(), backend);
    });
    assert_eq!(Some(&Backend::best()), support::expected_backends().last());
    assert_eq!(Bank::<RobustMean>::new(rule(), 1).unwrap().backend(), Backend::best());
}

//! Promise: robust as stated, of single steps: what one sample may do, and what scaling, negating, permuting and
//! leaving out samples does to the estimates. For random signals, shrunk where a property fails.

// The properties get their arguments by value: that is how quickcheck hands them over.
#![allow(clippy::needless_pass_by_value)]

use crate::{oracle, support};
use evenkeel::{Bank, CleanedEma, Columns, Decay, Reading, RobustMean, Scored, Sweep};
use oracle::{Float, Parameters};
use quickcheck::{Arbitrary, Gen, QuickCheck};
use support::random::Random;
use support::streams::Drawn;
use support::{both_rules, both_types, every_backend};

/// A signal that wanders, jumps, spikes, has gaps and stands still. No sample is zero.
#[derive(Clone, Debug)]
struct Signal(Vec<f64>);

impl Arbitrary for Signal {
    fn arbitrary(g: &mut Gen) -> Self {
        let (mut level, mut width) = (0.0, 1.0);
        let length = usize::arbitrary(g) % (g.size() + 1);
        let sample = |_| {
            let noise = f64::from(i16::arbitrary(g)) / 32768.0 + 1e-5;
            match u8::arbitrary(g) {
                0..=2 => level += noise * 100.0,
                3 => width = f64::from(u8::arbitrary(g)) / 16.0,
                4..=10 => return f64::NAN,
                11..=20 => return level + noise * 1e4,
                21 => return noise.signum() * f64::INFINITY,
                _ => {}
            }
            level + width * noise + 1e-7
        };
        Self((0..length).map(sample).collect())
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let halves = [self.0.len() / 2, self.0.len().saturating_sub(1)].map(|len| Self(self.0[..len].to_vec()));
        let without = |skip| Self(self.0.iter().enumerate().filter(|(at, _)| *at != skip).map(|(_, x)| *x).collect());
        let shorter = (0..self.0.len()).map(without).collect::<Vec<_>>();
        let length = self.0.len();
        Box::new(halves.into_iter().filter(move |half| half.0.len() < length).chain(shorter))
    }
}

impl Signal {
    fn samples<T: Float>(&self) -> Vec<T> {
        self.0.iter().map(|&sample| T::from_f64(sample)).collect()
    }
}

fn any_half_life(random: &mut Random) -> f64 {
    libm::pow(10.0, random.between(-0.5, 3.0))
}

/// A valid robust mean from any number, and its parameters.
fn rule(seed: u16) -> (RobustMean, Parameters) {
    let mut random = Random::new(seed.into());
    let half_life = any_half_life(&mut random);
    random.rule_of(half_life)
}

/// A valid rule from any number.
fn drawn<T: Float, O: Drawn<T>>(seed: u16) -> O::Rule {
    let mut random = Random::new(seed.into());
    let half_life = any_half_life(&mut random);
    O::drawn(&mut random, half_life).0
}

/// Checks a property of a signal and a rule for many of both. The seed is fixed: a failure today fails tomorrow.
fn check<A: quickcheck::Testable>(property: A) {
    QuickCheck::new().rng(Gen::from_size_and_seed(300, 61)).tests(120).quickcheck(property);
}

fn reading<R: Scored, T: Float>(rule: R, samples: &[T]) -> Reading<T> {
    let mut bank = Bank::<R, T>::new(rule, 1).unwrap();
    bank.update_rows(samples).unwrap();
    bank.reading(0).unwrap()
}

/// Equal as numbers and as bits, but for the sign of a zero.
fn same<T: Float>(a: T, b: T) -> bool {
    a.to_word() == b.to_word() || (a == T::ZERO && b == T::ZERO)
}

/// The largest gain that the next sample can have.
fn largest_gain(alpha: f64, age: f64) -> f64 {
    alpha.max(1.0 / (age + 1.0).min(1.0 / alpha))
}

/// The place of samples, this one included, as far as they count.
fn range<T: Float>(samples: &[T], extra: T) -> (f64, f64) {
    let most = T::half_largest().to_f64();
    let there = samples.iter().chain([&extra]).filter(|sample| !sample.nan());
    let counted = there.map(|sample| sample.to_f64().clamp(-most, most));
    counted.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
}

/// One more sample, anything at all, moves the location by at most `gain * clip * scale`, and not at all from beyond
/// `reject` scales; and the scale grows by at most `gain * (scale_clip - 1)` of itself. Unless the sample re-opens the
/// estimate: then the location is within the samples. The first five samples are a median.
fn influence<T: Float>() {
    fn property<T: Float>(signal: Signal, seed: u16, extra: f64, near: i16) {
        let (rule, p) = rule(seed);
        let samples = signal.samples::<T>();
        every_backend(|backend| {
            let mut bank = Bank::<RobustMean, T>::new(rule, 1).unwrap().with_backend(backend).unwrap();
            bank.update_rows(&samples).unwrap();
            let before = bank.reading(0).unwrap();
            if before.age == T::ZERO {
                return;
            }
            let (location, scale) = (before.location.to_f64(), before.scale.to_f64());
            let gain = largest_gain(p.alpha, before.age.to_f64());
            for sample in [extra, location + scale * f64::from(near) / 2000.0] {
                let sample = T::from_f64(sample);
                let mut bank = bank.clone();
                let mut scores = [T::ZERO];
                let verdict = bank.clone().observe(0, sample).unwrap();
                bank.update_scored(&[sample], &mut scores).unwrap();
                let after = bank.reading(0).unwrap();
                if verdict.reopened || scores[0].nan() {
                    let (low, high) = range(&samples, sample);
                    let slack = 4.0 * T::ROUNDING * low.abs().max(high.abs());
                    let within = (low - slack..=high + slack).contains(&after.location.to_f64());
                    assert!(within, "{} is not from {low} to {high}", after.location);
                    continue;
                }
                let moved = (after.location.to_f64() - location).abs();
                // Three roundings of the step itself, and one of the location.
                let most = gain * p.clip * scale * (1.0 + 8.0 * T::ROUNDING) + 2.0 * T::ROUNDING * location.abs();
                assert!(moved <= most, "moved by {moved}, which is more than {most}");
                if scores[0].to_f64().abs() > p.reject * (1.0 + 8.0 * T::ROUNDING) {
                    assert!(same(after.location, before.location), "a rejected sample moved the location");
                }
                let grown = scale * (1.0 + gain.min(0.5) * (p.scale_clip - 1.0)) * (1.0 + 8.0 * T::ROUNDING);
                let floor = floor::<T>(p.resolution, after.location);
                assert!(after.scale.to_f64() <= grown.max(floor), "the scale grew from {scale} to {}", after.scale);
            }
        });
    }
    check(property::<T> as fn(Signal, u16, f64, i16));
}

/// One more sample moves a cleaned average towards itself by the gain, if it is within `reject` scales of the judge's
/// location, and towards that location otherwise. Where the judge re-opens, the average stays within the samples.
fn influence_on_an_average<T: Float>() {
    fn property<T: Float>(signal: Signal, window: u8, extra: f64, near: i16) {
        let alpha = 1.0 / (1.0 + f64::from(window));
        let rule = CleanedEma::new(Decay::alpha(alpha).unwrap());
        let samples = signal.samples::<T>();
        let sweep = Sweep::<CleanedEma, T>::new(rule).unwrap();
        let mut columns = Columns::<CleanedEma, T>::new(1).unwrap();
        sweep.update_rows(columns.as_mut_slices(), &samples).unwrap();
        let [mean, scale, judged, _, _, age, _] = columns.state(0).unwrap().map(T::to_f64);
        if age == 0.0 {
            return;
        }
        let gain = largest_gain(alpha, age);
        for sample in [extra, judged + scale * f64::from(near) / 2000.0] {
            let sample = T::from_f64(sample);
            let mut columns = columns.clone();
            let seen = sweep.observe(columns.as_mut_slices(), 0, sample).unwrap();
            let after = columns.state(0).unwrap().map(T::to_f64);
            if seen.reopened || seen.score.nan() {
                let (low, high) = range(&samples, sample);
                let slack = 1e3 * T::ROUNDING * low.abs().max(high.abs());
                // The refund is for half of the average at most.
                let slack = slack + if seen.reopened { 0.5 * (high - low) } else { 0.0 };
                assert!((low - slack..=high + slack).contains(&after[0]), "{} is not from {low} to {high}", after[0]);
                continue;
            }
            let most = T::half_largest().to_f64();
            let x = if seen.outlier { judged } else { sample.to_f64().clamp(-most, most) };
            let dust = 8.0 * T::ROUNDING * mean.abs().max(x.abs());
            assert!((after[0] - mean).abs() <= gain * (x - mean).abs() + dust, "from {mean} to {}", after[0]);
            assert!(seen.outlier || (x - judged).abs() <= 8.0 * scale * (1.0 + 8.0 * T::ROUNDING) + dust);
        }
    }
    check(property::<T> as fn(Signal, u8, f64, i16));
}

fn floor<T: Float>(resolution: f64, location: T) -> f64 {
    let (absolute, relative) = T::FLOORS;
    let absolute = T::from_f64((resolution / 2.0).max(2.0_f64.powi(absolute))).to_f64();
    absolute.max(location.to_f64().abs() * 2.0_f64.powi(relative))
}

fn the_scale_has_floors<T: Float>() {
    fn property<T: Float>(signal: Signal, seed: u16, resolution: u16) {
        let (rule, _) = rule(seed);
        let resolution = f64::from(resolution) / 256.0;
        let mut bank = Bank::<RobustMean, T>::new(rule.resolution(resolution).unwrap(), 1).unwrap();
        let cleaned = CleanedEma::new(Decay::alpha(0.05).unwrap()).resolution(resolution).unwrap();
        let mut averages = Bank::<CleanedEma, T>::new(cleaned, 1).unwrap();
        for (number, sample) in signal.samples::<T>().into_iter().enumerate() {
            bank.update(&[sample]).unwrap();
            averages.update(&[sample]).unwrap();
            let reading = bank.reading(0).unwrap();
            if reading.age > T::ZERO {
                let scale = reading.scale.to_f64();
                // The least part of the location is for what goes on: the first samples may be equal.
                let location = if number < 5 { T::ZERO } else { reading.location };
                let is_started = reading.age > T::ONE;
                let floor = floor(resolution, if is_started { location } else { T::ZERO });
                assert!(scale >= floor, "{reading:?}");
                assert!(reading.scale.finite() && reading.location.finite(), "{reading:?}");
            }
            let reading = averages.reading(0).unwrap();
            if reading.age > T::ZERO {
                assert!(reading.scale.to_f64() >= floor(resolution, T::ZERO), "{reading:?}");
                assert!(reading.scale.finite() && reading.location.finite(), "{reading:?}");
            }
        }
    }
    check(property::<T> as fn(Signal, u16, u16));
}

/// Multiplying by a power of two is exact, so it commutes with everything but the absolute floors and the steps of ten.
fn scaling_by_powers_of_two<T: Float, O: Drawn<T>>() {
    fn property<T: Float, O: Drawn<T>>(signal: Signal, seed: u16, power: i8) {
        let rule = O::without_resolution(drawn::<T, O>(seed));
        // In f32 neither floor nor ceiling may come near.
        let factor = T::from_f64(2.0_f64.powi(i32::from(power) / 4));
        let samples = signal.samples::<T>();
        let finite: Vec<T> = samples.into_iter().filter(|sample| sample.finite() || sample.nan()).collect();
        let scaled: Vec<T> = finite.iter().map(|&sample| sample * factor).collect();
        let (a, b) = (reading(rule, &finite), reading(rule, &scaled));
        if a.age > T::ONE {
            assert!(same(a.location * factor, b.location), "{a:?} {b:?}");
            assert!(same(a.scale * factor, b.scale), "{a:?} {b:?}");
        }
        assert_eq!(a.age, b.age);
    }
    check(property::<T, O> as fn(Signal, u16, i8));
}

fn negating<T: Float, O: Drawn<T>>() {
    fn property<T: Float, O: Drawn<T>>(signal: Signal, seed: u16) {
        let rule = drawn::<T, O>(seed);
        let samples = signal.samples::<T>();
        let negated: Vec<T> = samples.iter().map(|&sample| -sample).collect();
        let (a, b) = (reading(rule, &samples), reading(rule, &negated));
        if a.age > T::ZERO {
            assert!(same(-a.location, b.location), "{a:?} {b:?}");
            assert!(same(a.scale, b.scale), "{a:?} {b:?}");
        }
        assert_eq!(a.age, b.age);
    }
    check(property::<T, O> as fn(Signal, u16));
}

fn leaving_out_missing_samples<T: Float, O: Drawn<T>>() {
    fn property<T: Float, O: Drawn<T>>(signal: Signal, seed: u16) {
        let rule = drawn::<T, O>(seed);
        let samples = signal.samples::<T>();
        let there: Vec<T> = samples.iter().copied().filter(|sample| !sample.nan()).collect();
        let (a, b) = (reading(rule, &samples), reading(rule, &there));
        assert_eq!(a.location.to_word(), b.location.to_word());
        assert_eq!(a.scale.to_word(), b.scale.to_word());
        assert_eq!(a.age, b.age);
    }
    check(property::<T, O> as fn(Signal, u16));
}

/// Channels do not see each other: in another order they come out in that order.
fn permuting_channels<T: Float, O: Drawn<T>>() {
    fn property<T: Float, O: Drawn<T>>(signals: Vec<Signal>, seed: u16) {
        let rule = drawn::<T, O>(seed);
        let signals: Vec<Vec<T>> = signals.iter().take(20).map(Signal::samples).collect();
        let channels = signals.len();
        let rows = signals.iter().map(Vec::len).max().unwrap_or(0);
        let mut order: Vec<usize> = (0..channels).collect();
        let mut random = Random::new(seed.into());
        (1..channels).for_each(|at| order.swap(at, random.below(at + 1)));
        // A signal that has ended is missing from then on.
        let at = |channel: usize, row: usize| signals[channel].get(row).copied().unwrap_or(T::NAN);
        every_backend(|backend| {
            let fresh = || Bank::<O::Rule, T>::new(rule, channels).unwrap().with_backend(backend).unwrap();
            let (mut straight, mut permuted) = (fresh(), fresh());
            for row in 0..rows {
                straight.update(&(0..channels).map(|channel| at(channel, row)).collect::<Vec<_>>()).unwrap();
                permuted.update(&order.iter().map(|&channel| at(channel, row)).collect::<Vec<_>>()).unwrap();
            }
            for (position, &channel) in order.iter().enumerate() {
                let alone = reading(rule, &signals[channel]);
                for reading in [straight.reading(channel).unwrap(), permuted.reading(position).unwrap()] {
                    assert_eq!(reading.location.to_word(), alone.location.to_word());
                    assert_eq!(reading.scale.to_word(), alone.scale.to_word());
                    assert_eq!(reading.age, alone.age);
                }
            }
        });
    }
    let property = property::<T, O> as fn(Vec<Signal>, u16);
    QuickCheck::new().rng(Gen::from_size_and_seed(60, 62)).tests(40).quickcheck(property);
}

/// A decay that is said in another word is the same decay, and so the same bits.
fn the_same_gain_in_other_words<T: Float, O: Drawn<T>>() {
    fn property<T: Float, O: Drawn<T>>(signal: Signal, window: u8) {
        let com = f64::from(window) + 1.0;
        let words = [Decay::com(com), Decay::span(2.0 * com + 1.0), Decay::alpha(1.0 / (1.0 + com))];
        let rule = |decay| O::with(decay, None, evenkeel::Resolution::default()).0;
        let readings = words.map(|decay| reading(rule(decay.unwrap()), &signal.samples::<T>()));
        for reading in readings {
            assert_eq!(reading.location.to_word(), readings[0].location.to_word());
            assert_eq!(reading.scale.to_word(), readings[0].scale.to_word());
        }
    }
    check(property::<T, O> as fn(Signal, u8));
}

both_types!(influence, influence_on_an_average, the_scale_has_floors);
both_rules!(
    scaling_by_powers_of_two,
    negating,
    leaving_out_missing_samples,
    permuting_channels,
    the_same_gain_in_other_words,
);

//! Promise: the guards are what `guards.py` computes, nothing that a training can produce ends them, and they are saved and
//! resumed to the bit.
//!
//! `guards.json` is the output of `guards.py`: sixty batches of falling losses with gross errors, a NaN and an infinity; and
//! norms with spikes, a NaN, an infinity, a zero, and a level that moves.

use crate::{oracle, support};
use allocation_counter::measure;
use core::time::Duration;
use evenkeel::{
    Bank, Decay, GradientGuard, GradientGuards, LossGuard, Reading, Real, Resolution, RobustMean, SnapshotInfo,
    SnapshotKind, Suspect, Sweep, UpdateError, sum_of_squares,
};
use oracle::{Float, layer};
use serde_json::Value;
use std::sync::LazyLock;
use support::both_types;
use support::checksums::mend;
use support::random::Random;

static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../guards.json")).expect("valid JSON"));

/// JSON has no NaN and no infinities: they travel as strings.
fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("NaN") => f64::NAN,
        Some("Inf") => f64::INFINITY,
        Some(other) => panic!("not a number: {other}"),
        None => value.as_f64().expect("a number"),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(number).collect()
}

fn batches(name: &str) -> Vec<Vec<f64>> {
    VECTORS[name].as_array().expect("an array").iter().map(numbers).collect()
}

fn near(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= 1e-12 * wanted.abs()
}

/// 50 steps of batches of 8, as in the vectors.
fn fifty_steps() -> Decay {
    Decay::half_life(400.0).unwrap()
}

fn losses() -> LossGuard {
    LossGuard::new(fifty_steps()).unwrap()
}

fn gradients() -> GradientGuard {
    GradientGuard::new(Decay::half_life(50.0).unwrap()).unwrap()
}

pub(crate) fn loss_bytes(guard: &LossGuard) -> Vec<u8> {
    let mut bytes = Vec::new();
    guard.write_snapshot(&mut bytes).unwrap();
    bytes
}

fn gradient_bytes(guard: &GradientGuard) -> Vec<u8> {
    let mut bytes = Vec::new();
    guard.write_snapshot(&mut bytes).unwrap();
    bytes
}

pub(crate) fn gradients_bytes(guards: &GradientGuards) -> Vec<u8> {
    let mut bytes = Vec::new();
    guards.write_snapshot(&mut bytes).unwrap();
    bytes
}

#[test]
fn losses_weigh_what_the_vectors_say() {
    for (name, guard) in [("weights", losses()), ("weights_squared", losses().squared())] {
        let mut guard = guard;
        let (mut light, mut seen) = (0, 0);
        for (losses, wanted) in batches("losses").iter().zip(batches(name)) {
            let mut weights = vec![f64::NAN; losses.len()];
            guard.weigh(losses, &mut weights).unwrap();
            for (&found, &wanted) in weights.iter().zip(&wanted) {
                assert!(near(found, wanted), "{name}: {found} is not {wanted}");
                light += u64::from(wanted < 1.0);
                seen += 1;
            }
        }
        assert_eq!((seen, guard.invalid()), (480, 2));
        assert!(light > 10 && guard.weighed_down() == light - 2, "{light}");
    }
}

#[test]
fn gradients_get_the_factors_that_the_vectors_say() {
    let (norms, wanted) = (numbers(&VECTORS["norms"]), numbers(&VECTORS["factors"]));
    let mut guard = gradients();
    let (mut skips, mut longest) = (0, 0);
    for (&norm, &wanted) in norms.iter().zip(&wanted) {
        let found = guard.observe(norm);
        assert!(near(found, wanted), "{found} is not {wanted}");
        skips += u64::from(wanted == 0.0);
        longest = longest.max(guard.skips_in_a_row());
    }
    assert_eq!((guard.skips(), guard.skips_in_a_row()), (skips, 0));
    assert_eq!(longest, 12, "the level that has moved is taken");
    assert!(wanted.iter().any(|factor| (0.01..0.99).contains(factor)), "some are held, not skipped");
}

/// Together or alone, the bits are the same.
#[test]
fn guards_of_tensors_are_guards() {
    let norms = numbers(&VECTORS["norms"]);
    let tensors = 21;
    let mut alone: Vec<GradientGuard> = (0..tensors).map(|_| gradients()).collect();
    let mut together = GradientGuards::new(Decay::half_life(50.0).unwrap(), tensors).unwrap();
    assert_eq!((together.len(), together.is_empty()), (tensors, false));
    let mut factors = vec![f64::NAN; tensors];
    for step in 0..norms.len() {
        let row: Vec<f64> = (0..tensors).map(|tensor| norms[(step + 7 * tensor) % norms.len()]).collect();
        together.observe(&row, &mut factors).unwrap();
        for ((guard, &norm), factor) in alone.iter_mut().zip(&row).zip(&factors) {
            assert_eq!(guard.observe(norm).to_bits(), factor.to_bits());
        }
    }
    assert!(together.skips().eq(alone.iter().map(GradientGuard::skips)));
    assert!(together.skips_in_a_row().eq(alone.iter().map(GradientGuard::skips_in_a_row)));
    assert!((0..tensors).all(|tensor| together.reading(tensor) == Some(alone[tensor].reading())));
    assert!(together.observe(&norms[..tensors - 1], &mut factors).is_err());
    assert!(together.observe(&norms[..tensors], &mut factors[1..]).is_err());
    assert!((0..tensors).all(|tensor| together.reading(tensor) == Some(alone[tensor].reading())), "untouched");
}

#[test]
fn losses_go_on_from_a_snapshot() {
    let batches = batches("losses");
    for guard in [losses(), losses().squared()] {
        let mut whole = guard.clone();
        for (step, batch) in batches.iter().enumerate() {
            let bytes = loss_bytes(&whole);
            let mut restored = guard.clone();
            restored.weigh(&[3.0], &mut [0.0]).unwrap();
            restored.read_snapshot(&bytes).unwrap();
            assert_eq!(loss_bytes(&restored), bytes, "what is read is what is written, at {step}");
            assert_eq!((restored.is_seeded(), restored.floor()), (step >= 4, whole.floor()));
            let (mut one, mut other) = ([0.0; 8], [0.0; 8]);
            whole.weigh(batch, &mut one).unwrap();
            restored.weigh(batch, &mut other).unwrap();
            assert_eq!(one.map(f64::to_bits), other.map(f64::to_bits));
            assert_eq!(loss_bytes(&restored), loss_bytes(&whole), "gone on to the bit");
        }
        assert!(whole.weighed_down() > 10);
    }
}

#[test]
fn gradients_go_on_from_a_snapshot() {
    let mut whole = gradients();
    let mut tensors = GradientGuards::new(Decay::half_life(50.0).unwrap(), 3).unwrap();
    for norm in numbers(&VECTORS["norms"]) {
        let bytes = gradient_bytes(&whole);
        let mut restored = gradients();
        restored.read_snapshot(&bytes).unwrap();
        assert_eq!(gradient_bytes(&restored), bytes);
        assert_eq!(whole.observe(norm).to_bits(), restored.observe(norm).to_bits());
        assert_eq!(gradient_bytes(&restored), gradient_bytes(&whole));

        let bytes = gradients_bytes(&tensors);
        let mut restored = GradientGuards::new(Decay::half_life(50.0).unwrap(), 3).unwrap();
        restored.read_snapshot(&bytes).unwrap();
        let row = [norm, 2.0 * norm, 1.0];
        let (mut one, mut other) = ([0.0; 3], [0.0; 3]);
        tensors.observe(&row, &mut one).unwrap();
        restored.observe(&row, &mut other).unwrap();
        assert_eq!(one, other);
        assert!(restored.skips().eq(tensors.skips()));
    }
    let bytes = gradients_bytes(&tensors);
    let info = SnapshotInfo::of(&bytes).unwrap();
    assert_eq!((info.kind, info.channels), (SnapshotKind::GradientGuard, 3));
    let error = whole.read_snapshot(&bytes).unwrap_err().to_string();
    assert_eq!(error, "the snapshot is of a guard of 3 tensors, not of one of 1: read it into what it is of");
}

#[test]
fn a_snapshot_of_another_guard_is_refused() {
    let mut guard = losses().squared();
    let mut young = losses().squared();
    for batch in batches("losses") {
        guard.weigh(&batch, &mut [0.0; 8]).unwrap();
    }
    young.weigh(&[1.0; 5], &mut [0.0; 5]).unwrap();
    let refused = |bytes: &[u8], into: &LossGuard| {
        let (mut copy, before) = (into.clone(), loss_bytes(into));
        let error = copy.read_snapshot(bytes).unwrap_err();
        assert_eq!(loss_bytes(&copy), before, "untouched by {error}");
        error.to_string()
    };
    let bytes = loss_bytes(&guard);
    assert_eq!(
        refused(&bytes, &losses()),
        "the snapshot is of a LossGuard of f64, of squared errors, not of a LossGuard of f64, of losses as they are: read \
         it into what it is of"
    );
    let other = LossGuard::new(Decay::half_life(300.0).unwrap()).unwrap().squared();
    assert!(refused(&bytes, &other).ends_with("it differs in gain"));
    assert!(refused(&gradient_bytes(&gradients()), &guard).contains("GradientGuard"));
    // Every bit of a snapshot counts: by the checksums, and, where these are mended, by what a state can be.
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 4;
        refused(&damaged, &guard);
    }
    let body = bytes.len() - 4 - 4 * 8;
    let altered = |bytes: &[u8], place: usize, value: u64| {
        let mut altered = bytes.to_vec();
        altered[place..place + 8].copy_from_slice(&value.to_le_bytes());
        mend(&mut altered);
        altered
    };
    let never = "the snapshot's channel 0 is in a state that LossGuard never leads to: whatever wrote it is broken";
    for floor in [f64::NAN, f64::INFINITY, -1.0] {
        assert_eq!(refused(&altered(&bytes, body, floor.to_bits()), &guard), never);
    }
    assert!(refused(&altered(&bytes, body + 24, 1), &guard).contains("contradicts itself"), "nothing waits");
    assert!(refused(&altered(&bytes, body + 24, u64::MAX), &guard).contains("contradicts itself"));
    // A guard without a seed: a floor, and a loss that is none.
    let bytes = loss_bytes(&young);
    let body = bytes.len() - 4 - 4 * 8 - 5 * 8;
    assert_eq!(refused(&altered(&bytes, body, 1.0_f64.to_bits()), &young), never);
    assert_eq!(refused(&altered(&bytes, body + 32, f64::NAN.to_bits()), &young), never);
    // More skips in a row than skips.
    let bytes = gradient_bytes(&gradients());
    let mut altered = altered(&bytes, bytes.len() - 4 - 8, 1);
    mend(&mut altered);
    assert!(gradients().read_snapshot(&altered).unwrap_err().to_string().contains("GradientGuard never leads to"));
}

/// The weights of a batch that comes after 32 losses near 1.
fn after_a_seed<T: Float>(losses: &[T]) -> (LossGuard, Vec<T>) {
    let mut guard = self::losses();
    let first: [f64; 32] = core::array::from_fn(|index| 1.0 + 0.01 * (index * 7 % 32) as f64);
    guard.weigh(&first, &mut [0.0; 32]).unwrap();
    assert!(guard.is_seeded());
    let mut weights = vec![T::NAN; losses.len()];
    guard.weigh(losses, &mut weights).unwrap();
    (guard, weights)
}

fn what_is_no_loss_weighs_nothing<T: Float>() {
    let none = [T::NAN, T::INFINITY, -T::INFINITY, -T::ONE];
    let (guard, weights) = after_a_seed(&none);
    assert_eq!(weights, [T::ZERO; 4]);
    assert_eq!((guard.invalid(), guard.weighed_down()), (4, 0));
    assert_eq!(loss_bytes(&guard).len(), loss_bytes(&after_a_seed::<T>(&[]).0).len());
    assert_eq!(guard.reading(), after_a_seed::<T>(&[]).0.reading(), "nothing is learnt");
    // Before the seed, too; and it is none of the losses that seed.
    let (mut guard, mut weights) = (losses(), [T::ONE; 4]);
    guard.weigh(&none, &mut weights).unwrap();
    assert_eq!((weights, guard.invalid(), guard.is_seeded()), ([T::ZERO; 4], 4, false));
    guard.weigh(&[T::ONE; 31], &mut [T::ZERO; 31]).unwrap();
    assert!(!guard.is_seeded());
    // The largest that there is, and zeros of either sign.
    let (_, weights) = after_a_seed(&[T::LARGEST, T::ZERO, -T::ZERO]);
    assert_eq!(weights, [T::ZERO, T::ONE, T::ONE]);
}

#[test]
fn empty_batches_and_wrong_lengths_change_nothing() {
    let (mut guard, weights) = after_a_seed::<f64>(&[]);
    assert!(weights.is_empty());
    let before = loss_bytes(&guard);
    guard.weigh::<f32>(&[], &mut []).unwrap();
    let error = guard.weigh(&[1.0, 2.0], &mut [0.0]).unwrap_err();
    assert!(matches!(error, UpdateError::Length { got: 1, expected: 2, .. }), "{error}");
    assert_eq!(loss_bytes(&guard), before);
    let mut young = losses();
    young.weigh::<f64>(&[], &mut []).unwrap();
    assert!(young.weigh(&[1.0], &mut [0.0, 0.0]).is_err());
    assert_eq!(loss_bytes(&young), loss_bytes(&losses()));
}

/// A scale of zero would divide by zero: the location's share is its floor.
#[test]
fn equal_losses_leave_a_guard_that_works() {
    for level in [0.0, 1.0, 1e-300, 1e300] {
        let mut guard = losses();
        let mut weights = [0.0; 8];
        for _ in 0..100 {
            guard.weigh(&[level; 8], &mut weights).unwrap();
            assert_eq!(weights, [1.0; 8], "{level}");
        }
        let reading = guard.reading();
        assert!(reading.location == level && reading.scale > 0.0 && reading.scale.is_finite(), "{reading:?}");
        guard.weigh(&[level, 2.0 * level + 1.0], &mut weights[..2]).unwrap();
        assert_eq!(weights[..2], [1.0, 0.0]);
    }
    // No spread but that of a few: the mean distance is the scale.
    let mut guard = losses();
    let mut first = [1.0; 40];
    first[..4].fill(3.0);
    guard.weigh(&first, &mut [0.0; 40]).unwrap();
    assert_eq!(guard.reading(), Reading { location: 1.0, scale: guard.reading().scale, age: 40.0 });
    assert!(near(guard.reading().scale, 0.2), "{:?}", guard.reading());
}

/// What is promised of a cold start: a fifth of the labels wrong, all on one side.
#[test]
fn a_fifth_of_wrong_labels_is_held_from_the_start() {
    let mut random = Random::new(1);
    for run in 0..20 {
        let mut guard = losses().squared();
        let (mut wrong, mut right, mut held, mut lost) = (0, 0, 0, 0);
        for step in 0..400 {
            let is_wrong: [bool; 8] = core::array::from_fn(|_| random.chance(0.2));
            let losses = is_wrong.map(|wrong| (random.gauss() + if wrong { 30.0 } else { 0.0 }).powi(2));
            let mut weights = [0.0; 8];
            guard.weigh(&losses, &mut weights).unwrap();
            for (is_wrong, weight) in is_wrong.into_iter().zip(weights) {
                if step < 10 {
                    continue;
                }
                wrong += u32::from(is_wrong);
                held += u32::from(is_wrong && weight == 0.0);
                right += u32::from(!is_wrong);
                lost += u32::from(!is_wrong && weight < 1.0);
            }
        }
        assert!(held == wrong && lost * 100 <= right, "run {run}: {held} of {wrong} held, {lost} of {right} lost");
    }
}

#[test]
fn hard_examples_below_the_first_level_count_in_full() {
    let (mut guard, _) = after_a_seed::<f64>(&[]);
    let floor = guard.floor().unwrap();
    for _ in 0..500 {
        guard.weigh(&[0.01, 0.011, 0.012, 0.009, 0.01, 0.013, 0.008, 0.01], &mut [0.0; 8]).unwrap();
    }
    assert!(guard.reading().location < 0.02);
    assert!(guard.score(0.5) > 100.0 && guard.weight(0.5) == 1.0, "far above the others, and below the floor");
    assert_eq!((guard.weight(floor), guard.weight(2.0 * floor)), (1.0, 0.0));
}

#[test]
fn suspects_are_the_wrong_labels() {
    let mut random = Random::new(3);
    let mut guard = losses().squared();
    let wrong: Vec<bool> = (0..800).map(|_| random.chance(0.1)).collect();
    let losses: Vec<f32> = wrong
        .iter()
        .map(|&wrong| if wrong { 20.0 + 3.0 * random.gauss() } else { random.gauss() })
        .map(|error| <f32 as Real>::from_f64(error * error))
        .collect();
    assert_eq!(guard.suspects(&losses), [], "nothing is known");
    assert!(guard.score(1.0).is_nan() && guard.weight(1.0) == 1.0 && guard.weight(f64::NAN) == 0.0);
    for batch in losses.chunks(8) {
        guard.weigh(batch, &mut [0.0; 8]).unwrap();
    }
    let before = loss_bytes(&guard);
    let suspects = guard.suspects(&losses);
    let wanted: Vec<usize> = (0..800).filter(|&index| wrong[index]).collect();
    let mut found: Vec<usize> = suspects.iter().map(|suspect| suspect.index).take(wanted.len()).collect();
    found.sort_unstable();
    assert!(wanted.len() > 60 && found == wanted, "the wrong labels come first: {found:?}");
    assert!(suspects.len() <= wanted.len() + 8, "and few others come: {} of {}", suspects.len(), wanted.len());
    assert!(suspects.is_sorted_by(|one, other| one.score >= other.score));
    assert!(suspects.iter().all(|&Suspect { index, score }| score == guard.score(f64::from(losses[index]))));
    assert_eq!(loss_bytes(&guard), before, "nothing is learnt");
    assert_eq!(guard.suspects(&[f64::NAN, f64::INFINITY, -1.0]), []);
}

#[test]
fn a_seed_of_losses_needs_enough_of_them() {
    let mut guard = losses();
    let mut few = vec![1.0; 32];
    few[5] = f64::NAN;
    let before = loss_bytes(&guard);
    let error = guard.seed(&few).unwrap_err().to_string();
    assert!(error.contains("fewer than 32 losses"), "{error}");
    assert_eq!(loss_bytes(&guard), before);
    few.push(3.0);
    guard.seed(&few).unwrap();
    let reading = guard.reading();
    assert_eq!((reading.location, reading.age, guard.floor()), (1.0, 32.0, Some(1.0)));
    // Again, from another level.
    guard.seed(&[7.0; 50]).unwrap();
    assert_eq!((guard.reading().location, guard.reading().age, guard.floor()), (7.0, 50.0, Some(7.0)));
}

#[test]
fn decays_in_time_are_refused() {
    let minute = Decay::half_life_time(Duration::from_secs(60)).unwrap();
    assert!(LossGuard::new(minute).unwrap_err().to_string().starts_with("LossGuard cannot decay in time"));
    assert!(GradientGuard::new(minute).unwrap_err().to_string().starts_with("GradientGuard cannot decay in time"));
    assert!(GradientGuards::new(minute, 2).is_err());
}

#[test]
fn a_guarded_step_allocates_nothing() {
    let (mut guard, _) = after_a_seed::<f64>(&[]);
    let (mut one, mut tensors) = (gradients(), GradientGuards::new(Decay::half_life(50.0).unwrap(), 200).unwrap());
    let batch: Vec<f32> = (0..1000_u16).map(|index| f32::from(index) / 300.0).collect();
    let (mut weights, mut factors) = (vec![0.0; 1000], vec![0.0; 200]);
    let (norms, gradient) = (vec![2.0; 200], vec![0.5_f32; 5000]);
    let info = measure(|| {
        guard.weigh(&batch, &mut weights).unwrap();
        guard.weigh(&batch, &mut weights[1..]).unwrap_err();
        one.observe(sum_of_squares(&gradient).sqrt());
        tensors.observe(&norms, &mut factors).unwrap();
    });
    assert_eq!(info.count_total, 0);
}

/// The sum of squares in the order that is documented, as a plain loop.
fn squares<T: Float>(values: &[T]) -> f64 {
    let squares: Vec<f64> = values.iter().map(|value| value.to_f64() * value.to_f64()).collect();
    layer::sum(&squares)
}

fn sums_are_the_same_bits<T: Float>() {
    let values = Random::new(9).recorded::<T>(1, 300_000);
    for length in [0, 1, 15, 16, 17, 4095, 4096, 4097, 8192, 12_289, 100_000, 300_000] {
        let values: Vec<T> = values[..length].iter().map(|&value| if value.nan() { T::ONE } else { value }).collect();
        assert_eq!(sum_of_squares(&values).to_bits(), squares(&values).to_bits(), "of {length}");
    }
    assert!(sum_of_squares(&[T::ONE, T::NAN]).is_nan());
    assert_eq!(sum_of_squares(&[T::INFINITY]), f64::INFINITY);
}

/// A seed is what as many samples could have led to: the next one is judged, by the gain of that age.
fn a_seeded_channel_goes_on<T: Float>() {
    let t = T::from_f64;
    let rule = RobustMean::new(Decay::half_life(60.0).unwrap());
    let mut bank = Bank::<RobustMean, T>::new(rule, 3).unwrap();
    bank.update(&[t(1e6), t(5.0), t(5.0)]).unwrap();
    bank.seed(0, Reading { location: t(20.0), scale: t(0.5), age: t(32.5) }).unwrap();
    assert_eq!(bank.reading(0), Some(Reading { location: t(20.0), scale: t(0.5), age: t(32.0) }));
    let seen = bank.observe(0, t(20.5)).unwrap();
    assert!(seen.accepted && !seen.outlier && seen.score == T::ONE);
    let gain = T::ONE / t(33.0);
    assert_eq!(bank.locations()[0], t(20.0) + gain * t(0.5));
    assert!(bank.observe(0, t(30.0)).unwrap().outlier);
    // No more than the memory, no less than the floor.
    bank.seed(1, Reading { location: T::LARGEST, scale: T::ZERO, age: T::INFINITY }).unwrap();
    let reading = bank.reading(1).unwrap();
    assert_eq!(reading.age, t((1.0 / rule_gain()).floor()));
    assert!(reading.location == t(T::LARGEST.to_f64() / 2.0) && reading.scale > T::ZERO && reading.scale.finite());
    // It is a state that a snapshot may hold.
    let mut bytes = Vec::new();
    bank.write_snapshot(&mut bytes).unwrap();
    Bank::<RobustMean, T>::new(rule, 0).unwrap().read_snapshot(&bytes).unwrap();
    let none = [
        (T::NAN, T::ONE, T::ONE),
        (T::INFINITY, T::ONE, T::ONE),
        (T::ONE, -T::ONE, T::ONE),
        (T::ONE, T::NAN, T::ONE),
        (T::ONE, T::INFINITY, T::ONE),
        (T::ONE, T::ONE, T::ZERO),
        (T::ONE, T::ONE, T::NAN),
    ];
    for (location, scale, age) in none {
        let error = bank.seed(2, Reading { location, scale, age }).unwrap_err();
        assert!(matches!(error, UpdateError::Seed { .. }), "{error}");
    }
    assert!(matches!(bank.seed(3, reading).unwrap_err(), UpdateError::Channel { channel: 3, channels: 3 }));
    assert_eq!(bank.reading(2).unwrap().age, T::ONE, "untouched");
}

fn rule_gain() -> f64 {
    Decay::half_life(60.0).unwrap().gain()
}

both_types!(what_is_no_loss_weighs_nothing, sums_are_the_same_bits, a_seeded_channel_goes_on);

/// In time, the silence of a channel ends with its seed; where a resolution is learnt, it is learnt anew.
#[test]
fn seeds_in_time_and_of_recorded_signals() {
    let decay = Decay::half_life_time(Duration::from_secs(60)).unwrap();
    let rule = RobustMean::new(decay).resolution(Resolution::Learn).unwrap();
    let (mut bank, mut fresh) = (Bank::<RobustMean>::new(rule, 1).unwrap(), Bank::<RobustMean>::new(rule, 1).unwrap());
    let reading = Reading { location: 20.0, scale: 2.0, age: 10.0 };
    bank.update_after(Duration::from_secs(1), &[3.25]).unwrap();
    bank.update_after(Duration::from_secs(5000), &[f64::NAN]).unwrap();
    for bank in [&mut bank, &mut fresh] {
        bank.seed(0, reading).unwrap();
        bank.update_after(Duration::from_secs(1), &[21.0]).unwrap();
    }
    assert_eq!(bank.reading(0), fresh.reading(0));
    assert!(bank.reading(0).unwrap().age > 10.0);
    let sweep = Sweep::<RobustMean>::new(rule).unwrap();
    let mut state = [0.0; 4];
    sweep.reset(state.each_mut().map(core::slice::from_mut));
    sweep.seed(state.each_mut().map(core::slice::from_mut), 0, reading).unwrap();
    assert_eq!(sweep.reading(&state), reading);
}

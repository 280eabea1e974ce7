//! Promise: what was once written is read for ever, on every backend, and gone on with to the bit. The files in
//! `tests/golden` are never written again; a new format adds files of its own, named by its number.

use crate::guards::{gradients_bytes, loss_bytes};
use crate::snapshot::{bank_bytes, feed_layer, layer_bytes};
use crate::{oracle, support};
use core::ops::Range;
use core::time::Duration;
use evenkeel::{
    Bank, Bound, CleanedEma, ClippedEma, Decay, Ema, Estimator, Floor, GradientGuards, Idle, Layer, LayerRule,
    LearningRate, LossGuard, Numerator, Overflow, RelaxedNumerator, Resolution, RobustMean, Scope, Scored,
    SnapshotInfo, SnapshotKey, Timed, Tracker, WeightDecay,
};
use oracle::{Float, Parameters, Spec, Specification, State};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use support::checksums::mend;
use support::every_backend;
use support::random::Random;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).with_extension("snapshot")
}

/// The bytes of a golden file.
fn bytes_of(name: &str) -> Vec<u8> {
    let path = path(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The bytes of a golden file of this format. Where there is none, `EVENKEEL_WRITE_GOLDEN` in the environment makes it,
/// of `first`.
fn golden(name: &str, first: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let name = format!("2-{name}");
    if !path(&name).exists() && std::env::var_os("EVENKEEL_WRITE_GOLDEN").is_some() {
        fs::create_dir_all(path(&name).parent().unwrap()).unwrap();
        fs::write(path(&name), first()).unwrap();
    }
    bytes_of(&name)
}

/// The state after the golden file's by a hash: Fowler, Noll and Vo's, 64 bits, 1a. A CRC will not do: that of anything
/// which ends in its own CRC is the same.
fn check(name: &str, end: &[u8], expected: u64) {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let found = end.iter().fold(0xcbf2_9ce4_8422_2325, step);
    assert_eq!(found, expected, "{name}: {found:#018x}, not {expected:#018x}");
}

/// Converts bytes to those of format 1, where nothing else has changed.
fn as_first(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[8] = 1;
    mend(&mut bytes);
    bytes
}

const CHANNELS: usize = 21;

fn bank<R: Estimator + Copy, T: Float>(name: &str, rule: R, expected: u64) {
    let block = Random::new(60).hostile::<T>(80, CHANNELS);
    let (before, after) = block.split_at(40 * CHANNELS);
    let bytes = golden(name, || {
        let mut bank = Bank::<R, T>::new(rule, CHANNELS).unwrap();
        bank.update_rows(before).unwrap();
        bank_bytes(&bank)
    });
    every_backend(|backend| {
        let mut bank = Bank::<R, T>::new(rule, 0).unwrap().with_backend(backend).unwrap();
        bank.read_snapshot(&bytes).unwrap();
        assert!(bank_bytes(&bank) == bytes, "{name} is not written as it was");
        bank.update_rows(after).unwrap();
        check(name, &bank_bytes(&bank), expected);
    });
}

/// A rule of which nothing has changed since format 1: it goes on as it did then.
fn bank_of_format_1<R: Estimator + Copy, T: Float>(name: &str, rule: R, expected: u64) {
    let block = Random::new(60).hostile::<T>(80, CHANNELS);
    let mut bank = Bank::<R, T>::new(rule, 0).unwrap();
    bank.read_snapshot(&bytes_of(name)).unwrap();
    assert!(as_first(&bank_bytes(&bank)) == bytes_of(name), "{name} is not written as it was");
    bank.update_rows(&block[40 * CHANNELS..]).unwrap();
    check(name, &as_first(&bank_bytes(&bank)), expected);
}

/// Rows in time: a channel that never has a sample, and one whose last is a while ago.
fn feed_in_time<R: Timed, T: Float>(bank: &mut Bank<R, T>, rows: Range<usize>, mut watch: impl FnMut(Duration, &[T])) {
    let block = Random::new(61).hostile::<T>(80, CHANNELS);
    for row in rows {
        let elapsed = Duration::from_millis(37 * row as u64);
        let mut samples = block[row * CHANNELS..][..CHANNELS].to_vec();
        samples[0] = T::NAN;
        samples[1] = if row % 20 < 15 { samples[1] } else { T::NAN };
        bank.update_after(elapsed, &samples).unwrap();
        watch(elapsed, &samples);
    }
}

fn bank_in_time<R: Timed + Copy, T: Float>(name: &str, rule: R, expected: u64) {
    let bytes = golden(name, || {
        let mut bank = Bank::<R, T>::new(rule, CHANNELS).unwrap();
        feed_in_time(&mut bank, 0..40, |_, _| ());
        bank_bytes(&bank)
    });
    every_backend(|backend| {
        let mut bank = Bank::<R, T>::new(rule, 0).unwrap().with_backend(backend).unwrap();
        bank.read_snapshot(&bytes).unwrap();
        assert!(bank_bytes(&bank) == bytes, "{name} is not written as it was");
        feed_in_time(&mut bank, 40..80, |_, _| ());
        check(name, &bank_bytes(&bank), expected);
    });
}

/// The hash of format 1 first.
fn layer<R: LayerRule + Copy, T: Float>(name: &str, rule: R, expected: [u64; 2]) {
    let mut random = Random::new(62);
    let (w, g) = (random.hostile::<T>(80, CHANNELS), random.hostile::<T>(80, CHANNELS));
    let feed = |layer: &mut Layer<R, T>, rows| feed_layer(layer, &w, &g, rows);
    let bytes = golden(name, || {
        let mut layer = Layer::<R, T>::new(rule, CHANNELS).unwrap();
        feed(&mut layer, 0..40);
        layer_bytes(&layer)
    });
    assert!(as_first(&bytes) == bytes_of(name), "nothing but the number of the format has changed");
    every_backend(|backend| {
        for (bytes, is_first) in [(bytes_of(name), true), (bytes.clone(), false)] {
            let mut layer = Layer::<R, T>::new(rule, CHANNELS).unwrap().with_backend(backend).unwrap();
            layer.read_snapshot(&bytes).unwrap();
            let written = |layer: &Layer<R, T>| {
                if is_first { as_first(&layer_bytes(layer)) } else { layer_bytes(layer) }
            };
            assert!(written(&layer) == bytes, "{name} is not written as it was");
            feed(&mut layer, 40..80);
            check(name, &written(&layer), expected[usize::from(!is_first)]);
        }
    });
}

/// A rule with options that came after format 1.
fn layer_with_options<R: LayerRule + Copy, T: Float>(name: &str, rule: R, expected: u64) {
    let mut random = Random::new(62);
    let (w, g) = (random.hostile::<T>(80, CHANNELS), random.hostile::<T>(80, CHANNELS));
    let bytes = golden(name, || {
        let mut layer = Layer::<R, T>::new(rule, CHANNELS).unwrap();
        feed_layer(&mut layer, &w, &g, 0..40);
        layer_bytes(&layer)
    });
    every_backend(|backend| {
        let mut layer = Layer::<R, T>::new(rule, CHANNELS).unwrap().with_backend(backend).unwrap();
        layer.read_snapshot(&bytes).unwrap();
        assert!(layer_bytes(&layer) == bytes, "{name} is not written as it was");
        feed_layer(&mut layer, &w, &g, 40..80);
        check(name, &layer_bytes(&layer), expected);
    });
}

/// Lines of a tracker's life. Of rules that learn, some series begin with a step that is known.
fn feed_tracker<K: SnapshotKey + Clone, R: Scored + Timed, T: Float>(
    tracker: &mut Tracker<K, R, T>,
    key: impl Fn(usize) -> K,
    rounds: Range<i64>,
) {
    for round in rounds {
        let mut random = Random::new(6300 + round.cast_unsigned());
        let number = usize::try_from(round / 50).unwrap() + random.below(9);
        let key = key(number);
        let hostile = random.below(3) == 0;
        let sample = if hostile { random.hostile::<T>(1, 1)[0] } else { T::from_f64((3.0 * random.gauss()).round()) };
        if number % 4 == 3 {
            let _ = tracker.begin(&key, Some(if number % 8 == 3 { 0.1 } else { 0.0 }));
        }
        let _ = tracker.update_at(&key, (round - 3 * i64::from(hostile)) * 1_000_000_000, sample);
    }
}

fn tracker_bytes<K: SnapshotKey + Clone, R: Scored, T: Float>(tracker: &Tracker<K, R, T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    tracker.write_snapshot(&mut bytes, b"400 lines").unwrap();
    bytes
}

fn tracker<K, R: Scored + Timed, T: Float>(
    name: &str,
    new: impl Fn() -> Tracker<K, R, T>,
    key: impl Fn(usize) -> K,
    expected: u64,
) where
    K: SnapshotKey + Clone,
{
    let bytes = golden(name, || {
        let mut tracker = new();
        feed_tracker(&mut tracker, &key, 0..400);
        tracker_bytes(&tracker)
    });
    let mut tracker = new();
    tracker.read_snapshot(&bytes).unwrap();
    assert_eq!(SnapshotInfo::of(&bytes).unwrap().note, b"400 lines");
    assert!(tracker_bytes(&tracker) == bytes, "{name} is not written as it was");
    feed_tracker(&mut tracker, &key, 400..800);
    check(name, &tracker_bytes(&tracker), expected);
}

fn decay() -> Decay {
    Decay::half_life(7.0).unwrap()
}

fn a_minute() -> Decay {
    Decay::half_life_time(Duration::from_secs(60)).unwrap()
}

fn in_time() -> RobustMean {
    RobustMean::new(a_minute())
}

#[test]
fn banks() {
    let robust = RobustMean::new(decay());
    bank::<_, f64>("bank-robust_mean-f64", robust, 0x8ecb_0fd3_edf9_2843);
    bank::<_, f32>("bank-robust_mean-f32", robust, 0xbad3_7b56_db53_699a);
    let faithful = robust.mean_faithful().resolution(1.0).unwrap();
    bank::<_, f64>("bank-mean_faithful-f64", faithful, 0xdb0a_3936_c162_33ed);
    bank::<_, f32>("bank-learning-f32", robust.resolution(Resolution::Learn).unwrap(), 0xe1ba_5f86_026f_9781);
    bank::<_, f64>("bank-steep-f64", RobustMean::new(Decay::alpha(0.45).unwrap()), 0x1bee_bca4_3ad5_6c79);
    bank::<_, f64>("bank-cleaned_ema-f64", CleanedEma::new(decay()), 0x3fea_fbeb_28a8_0361);
    bank::<_, f32>(
        "bank-cleaned_ema-f32",
        CleanedEma::new(decay()).resolution(Resolution::Learn).unwrap(),
        0x733b_51c1_2d4a_e616,
    );
    bank::<_, f64>("bank-ema-f64", Ema::new(decay()), 0x0771_9135_3c4f_d22f);
    bank::<_, f32>("bank-ema-f32", Ema::new(decay()), 0x33d0_7ee1_e20a_9c3c);
    bank::<_, f64>("bank-clipped_ema-f64", ClippedEma::new(decay()), 0x6075_94db_abb6_7bd9);
    bank_in_time::<_, f64>("bank-in_time-f64", in_time(), 0xf0f9_b2b3_6c87_6d48);
    bank_in_time::<_, f32>("bank-in_time-f32", in_time(), 0xe26a_bc27_11e5_fb07);
    bank_in_time::<_, f64>("bank-cleaned_ema-in_time-f64", CleanedEma::new(a_minute()), 0x5912_24bb_ecc8_7811);
    bank_in_time::<_, f64>("bank-ema-in_time-f64", Ema::new(a_minute()), 0x23a7_d13d_2081_fbeb);
}

#[test]
fn banks_of_format_1() {
    bank_of_format_1::<_, f64>("bank-ema-f64", Ema::new(decay()), 0x226a_cb28_3b2a_b4a8);
    bank_of_format_1::<_, f32>("bank-ema-f32", Ema::new(decay()), 0x52b3_53d3_72e2_2aff);
    bank_of_format_1::<_, f64>("bank-clipped_ema-f64", ClippedEma::new(decay()), 0xf838_07a0_29e5_62f6);
}

#[test]
fn layers() {
    layer::<_, f32>(
        "layer-numerator-f32",
        Numerator::new(1e-2).unwrap(),
        [0x61b3_4131_a8bd_3529, 0x66b7_1eb8_eedd_e71f],
    );
    layer::<_, f64>(
        "layer-relaxed_numerator-f64",
        RelaxedNumerator::new(1e-2).unwrap(),
        [0x5146_add3_0bec_ecc0, 0x590a_f85e_59e7_7ccc],
    );
    let rate = LearningRate::new(1e-2).unwrap().weight_decay(WeightDecay::Decoupled(0.1)).unwrap();
    layer::<_, f32>(
        "layer-learning_rate-f32",
        rate.smoothing(Some(decay())),
        [0x488a_6867_14f2_66b2, 0x5139_4021_2f3d_141c],
    );
}

fn loss_guard(name: &str, guard: &LossGuard, batches: usize, expected: u64) {
    let mut random = Random::new(63);
    let mut feed = |guard: &mut LossGuard, batches: usize| {
        for _ in 0..batches {
            let losses = [(); 7].map(|()| random.gauss().abs() * if random.chance(0.1) { 1e6 } else { 1.0 });
            guard.weigh(&losses, &mut [0.0; 7]).unwrap();
            guard.weigh(&[f32::NAN], &mut [0.0]).unwrap();
        }
    };
    let mut first = guard.clone();
    feed(&mut first, batches);
    let bytes = golden(name, || loss_bytes(&first));
    let mut guard = guard.clone();
    guard.read_snapshot(&bytes).unwrap();
    assert!(loss_bytes(&guard) == bytes, "{name} is not written as it was");
    feed(&mut guard, 40);
    check(name, &loss_bytes(&guard), expected);
}

#[test]
fn guards() {
    let guard = LossGuard::new(Decay::half_life(350.0).unwrap()).unwrap();
    loss_guard("loss_guard-waiting", &guard, 3, 0x95fb_0540_37fe_3e6c);
    loss_guard("loss_guard-squared", &guard.squared(), 40, 0xf2c0_b992_6dcb_3568);

    let mut random = Random::new(64);
    let mut feed = |guards: &mut GradientGuards| {
        for _ in 0..60 {
            let norms =
                [0.0, 0.5, 1.0].map(|spikes| random.gauss().exp() * if random.chance(spikes) { 1e9 } else { 1.0 });
            guards.observe(&norms, &mut [0.0; 3]).unwrap();
        }
    };
    let mut first = GradientGuards::new(Decay::half_life(50.0).unwrap(), 3).unwrap();
    feed(&mut first);
    let bytes = golden("gradient_guards", || gradients_bytes(&first));
    let mut guards = GradientGuards::new(Decay::half_life(50.0).unwrap(), 3).unwrap();
    guards.read_snapshot(&bytes).unwrap();
    assert!(gradients_bytes(&guards) == bytes, "not written as it was");
    feed(&mut guards);
    check("gradient_guards", &gradients_bytes(&guards), 0xcacf_f141_48d2_d59d);
}

#[test]
fn layers_with_options() {
    let rule = LearningRate::new(1e-2).unwrap().as_published().weight_decay(WeightDecay::Decoupled(0.1)).unwrap();
    layer_with_options::<_, f64>("layer-published-f64", rule, 0x29ee_aadc_5435_c655);
    let rule = rule.bound(Bound::MuTimesScale).scale_scope(Scope::Layer).floor(Floor::Norm);
    layer_with_options::<_, f32>("layer-options-f32", rule.clip(f64::INFINITY).unwrap(), 0x1cfa_6f44_9859_0d75);
}

fn text(n: usize) -> String {
    format!("host=h{n},région=île cpu")
}

fn timed<R: Scored + Timed>(rule: R) -> Tracker<String, R> {
    Tracker::<String, R>::new(rule).unwrap().max_idle(Idle::Time(Duration::from_secs(100)))
}

/// A tracker that refuses what is late, and has series that have only missed.
fn counted() -> Tracker<u64, RobustMean, f32> {
    Tracker::new(RobustMean::new(decay())).unwrap().max_idle(Idle::Samples(40))
}

/// A tracker of which some series have had a stamp of the future, and have refused late samples since.
fn late() -> Tracker<String, RobustMean> {
    let mut tracker = Tracker::<String, RobustMean>::new(RobustMean::new(decay())).unwrap();
    for n in [5, 7, 11, 12] {
        tracker.update_at(&text(n), 500_000_000_000, 1.0).unwrap();
    }
    tracker
}

/// Whatever a tracker can hold: it is full, evicts, refuses what is late, and has series that have only missed.
fn crowded<R: Scored>(rule: R) -> Tracker<Vec<u8>, R> {
    Tracker::<Vec<u8>, R>::new(rule).unwrap().max_series(7, Overflow::Evict)
}

fn key_of_bytes(n: usize) -> Vec<u8> {
    vec![u8::try_from(n).unwrap(), 0, 0xff]
}

fn key_number(n: usize) -> u64 {
    n as u64 * 0x0101_0101_0101
}

#[test]
fn trackers() {
    let learning = in_time().resolution(Resolution::Learn).unwrap();
    tracker("tracker-text-in_time-f64", || timed(learning), text, 0x3b2f_0d90_4901_1398);
    let cleaned = CleanedEma::new(a_minute()).resolution(Resolution::Learn).unwrap();
    tracker("tracker-text-cleaned_ema-f64", || timed(cleaned), text, 0x90ad_d92a_a9cc_a6c9);
    tracker("tracker-bytes-crowded-f64", || crowded(RobustMean::new(decay())), key_of_bytes, 0xba5f_6e2a_2178_2171);
    tracker("tracker-number-counted-f32", counted, key_number, 0x4559_549a_f1d3_3490);
    tracker("tracker-text-late-f64", late, text, 0x69cd_769e_2a8e_2379);
}

/// The report of a reader that was written from `FORMAT.md` alone, `tests/read_snapshot.py`; file by file in the order
/// of their names.
fn document() -> Vec<(String, Value)> {
    let lines = fs::read_to_string(path("golden").with_extension("jsonl")).unwrap();
    let mut names: Vec<PathBuf> = fs::read_dir(path("golden").parent().unwrap())
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "snapshot"))
        .collect();
    names.sort();
    assert_eq!(names.len(), lines.lines().count());
    let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    names.iter().map(name).zip(lines.lines().map(|line| serde_json::from_str(line).unwrap())).collect()
}

/// A column of the document; NaN is null there.
fn column(document: &Value, name: &str) -> Vec<f64> {
    let column = document["columns"][name].as_array().unwrap_or_else(|| panic!("no column {name:?}"));
    column.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

fn same(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

/// The states of a robust mean of format 1, as this edition takes them: location, scale, last strike and age, and a
/// strike is four quarters. In time an age is as near as the new grain allows; `ages` has it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // strikes are small whole numbers
fn carried_over<T: Float>(document: &Value, spec: &Spec<T>, ages: &[T]) -> Vec<State<T>> {
    let [location, scale, last_strike, age, strikes] =
        ["location", "scale", "last strike", "age", "strikes"].map(|name| column(document, name));
    let grain = if spec.half_life().is_some() { 2.0_f64.powi(T::IN_TIME.0) } else { 0.0 };
    let state = |channel: usize| {
        if age[channel] == 0.0 {
            return State::unseen();
        }
        let number = |column: &[f64]| T::from_f64(column[channel]);
        // In samples, the first whole number that reaches the memory is the memory.
        let full = spec.memory.full.to_f64();
        let expected = if grain == 0.0 { age[channel].min(full) } else { age[channel] };
        let found = ages[channel];
        assert!((found.to_f64() - expected).abs() <= grain, "an age of {found}, not {expected}");
        State {
            location: number(&location),
            scale: number(&scale),
            last_strike: number(&last_strike),
            strikes: 4 * strikes[channel] as u32,
            age: found,
            counted: grain == 0.0 && expected < full,
            exponent: 0,
        }
    };
    (0..location.len()).map(state).collect()
}

/// Banks of the first edition go on by the equations of this one.
fn robust_bank_of_format_1<T: Float>(name: &str, rule: RobustMean, parameters: &Parameters) {
    let spec = Spec::<T>::new(parameters);
    let document = document().into_iter().find(|(other, _)| other == name).expect("it is there").1;
    let bytes = bytes_of(name);
    assert_eq!(SnapshotInfo::of(&bytes).unwrap().format, 1);
    every_backend(|backend| {
        let mut bank = Bank::<RobustMean, T>::new(rule, 0).unwrap().with_backend(backend).unwrap();
        bank.read_snapshot(&bytes).unwrap();
        let mut states = carried_over(&document, &spec, &bank.ages().collect::<Vec<_>>());
        assert_eq!(states.len(), CHANNELS);
        let compare = |bank: &Bank<RobustMean, T>, states: &[State<T>]| {
            for (reading, state) in bank.readings().zip(states) {
                let found = [reading.location, reading.scale, reading.age];
                let is_same = found.iter().zip(spec.reading(state)).all(|(a, b)| same(a.to_f64(), b.to_f64()));
                assert!(is_same, "{name}: {found:?}, not {state:?}");
            }
        };
        compare(&bank, &states);
        // It is written in this format, and goes on.
        let again = bank_bytes(&bank);
        assert_eq!(SnapshotInfo::of(&again).unwrap().format, 2);
        bank.read_snapshot(&again).unwrap();
        assert!(bank_bytes(&bank) == again);
        compare(&bank, &states);
        if spec.half_life().is_some() {
            let silence = document["silence"].as_array().unwrap();
            let mut silence: Vec<Duration> =
                silence.iter().map(|silence| Duration::from_nanos(silence.as_u64().unwrap())).collect();
            feed_in_time(&mut bank, 40..80, |elapsed, samples| {
                for ((state, silence), &sample) in states.iter_mut().zip(&mut silence).zip(samples) {
                    let elapsed = *silence + elapsed;
                    *state = spec.step_at(state, sample, elapsed).0;
                    *silence = if sample.nan() { elapsed } else { Duration::ZERO };
                }
            });
        } else {
            let block = Random::new(60).hostile::<T>(80, CHANNELS);
            for row in block[40 * CHANNELS..].chunks(CHANNELS) {
                bank.update(row).unwrap();
                states.iter_mut().zip(row).for_each(|(state, &sample)| *state = spec.step(state, sample).0);
                compare(&bank, &states);
            }
        }
        compare(&bank, &states);
    });
}

#[test]
fn robust_banks_of_format_1() {
    let rule = RobustMean::new(decay());
    let p = Parameters::new(decay().gain());
    robust_bank_of_format_1::<f64>("bank-robust_mean-f64", rule, &p);
    robust_bank_of_format_1::<f32>("bank-robust_mean-f32", rule, &p);
    let faithful = Parameters { resolution: 1.0, ..p.mean_faithful() };
    robust_bank_of_format_1::<f64>("bank-mean_faithful-f64", rule.mean_faithful().resolution(1.0).unwrap(), &faithful);
    let p = Parameters::in_time(Duration::from_secs(60));
    robust_bank_of_format_1::<f64>("bank-in_time-f64", in_time(), &p);
    robust_bank_of_format_1::<f32>("bank-in_time-f32", in_time(), &p);
}

/// Trackers of the first edition: everything about their series is there, and they go on. What had a rule of its own
/// for whole numbers learns its steps.
fn tracker_of_format_1<K, T: Float>(
    name: &str,
    new: impl Fn() -> Tracker<K, RobustMean, T>,
    key: impl Fn(usize) -> K,
    spelled: impl Fn(&K) -> Value,
) where
    K: SnapshotKey + Clone,
{
    let document = document().into_iter().find(|(other, _)| other == name).expect("it is there").1;
    let mut tracker = new();
    let learns = document["rules"].as_array().unwrap().len() == 2;
    tracker.read_snapshot(&bytes_of(name)).unwrap();
    let compare = |tracker: &Tracker<K, RobustMean, T>| {
        let [location, scale] = ["location", "scale"].map(|name| column(&document, name));
        assert_eq!(tracker.len(), location.len());
        for (index, (key, series)) in tracker.iter().enumerate() {
            assert_eq!(document["keys of series"][index], spelled(key));
            assert_eq!(document["samples"][index], series.samples);
            assert_eq!(document["outliers"][index], series.outliers);
            assert_eq!(document["last"][index].as_i64(), Some(series.last.unwrap_or(i64::MIN)));
            assert!(same(document["score"][index].as_f64().unwrap_or(f64::NAN), series.score.to_f64()));
            assert!(same(location[index], series.location.to_f64()));
            let step = tracker.step(key);
            let used = scale[index].max(step.unwrap_or(0.0) / 2.0);
            assert!(same(if series.samples == 0 { f64::NAN } else { used }, series.scale.to_f64()), "{series:?}");
            assert_eq!(step, learns.then_some(1.0), "every step is found anew");
        }
        let counters = tracker.counters();
        for (name, count) in
            [("evicted", counters.evicted), ("late", counters.late), ("reopenings", counters.reopenings)]
        {
            assert_eq!(document["counters"][name], count);
        }
    };
    compare(&tracker);
    let again = tracker_bytes(&tracker);
    assert_eq!(SnapshotInfo::of(&again).unwrap().format, 2);
    let mut other = new();
    other.read_snapshot(&again).unwrap();
    compare(&other);
    feed_tracker(&mut tracker, &key, 400..800);
    feed_tracker(&mut other, &key, 400..800);
    assert!(tracker_bytes(&tracker) == tracker_bytes(&other), "gone on to the bit");
    assert!(tracker.iter().all(|(_, series)| series.location.finite() || series.samples == 0));
}

#[test]
fn trackers_of_format_1() {
    let learning = in_time().resolution(Resolution::Learn).unwrap();
    tracker_of_format_1("tracker-text-in_time-f64", || timed(learning), text, |key| Value::from(key.as_str()));
    let hexadecimal = |key: &Vec<u8>| {
        let bytes: Vec<String> = key.iter().map(|byte| format!("{byte:02x}")).collect();
        Value::from(bytes.concat())
    };
    let crowded = || crowded(RobustMean::new(decay()));
    tracker_of_format_1("tracker-bytes-crowded-f64", crowded, key_of_bytes, hexadecimal);
    tracker_of_format_1("tracker-number-counted-f32", counted, key_number, |key| Value::from(*key));
    // Without a rule that learns, the two rules of old are of none.
    let error = timed(in_time()).read_snapshot(&bytes_of("tracker-text-in_time-f64")).unwrap_err();
    assert!(error.to_string().ends_with("it differs in learns"), "{error}");
}

/// The document and the library report the same.
#[test]
fn the_document_is_right() {
    for (name, said) in document() {
        let bytes = bytes_of(&name);
        let info = SnapshotInfo::of(&bytes).unwrap();
        let format = if name.starts_with("2-") { 2 } else { 1 };
        assert_eq!((said["format"].as_u64(), info.format), (Some(format.into()), format), "{name}");
        let kind = said["kind"].as_str().unwrap().replace(' ', "");
        assert_eq!(kind, format!("{:?}", info.kind).to_lowercase());
        assert_eq!((said["lane"].as_str(), said["channels"].as_u64()), (Some(info.lane), Some(info.channels)));
        let rules = said["rules"].as_array().unwrap();
        // What the library reports of a robust mean of format 1 is what this edition takes it for.
        if format == 2 || rules[0][0] != "RobustMean" {
            assert_eq!(rules.len(), info.rules.len());
            for (rule, known) in rules.iter().zip(&info.rules) {
                assert_eq!(rule[0], known.name);
                assert_eq!(rule[1].as_object().unwrap().len(), known.parameters.len());
                for (name, value) in &known.parameters {
                    let said = &rule[1][name];
                    assert!(said.as_f64() == Some(*value) || said == "inf" && value.is_infinite(), "{name}: {said}");
                }
            }
        }
        let all = |name: &str, found: &mut dyn Iterator<Item = f64>| {
            let column = column(&said, name);
            assert_eq!(column.len() as u64, info.channels);
            assert!(column.iter().zip(found).all(|(a, b)| same(*a, b)), "{name}: {column:?}");
        };
        match name.as_str() {
            "2-bank-robust_mean-f64" => {
                let mut bank = Bank::<RobustMean>::new(RobustMean::new(decay()), 0).unwrap();
                bank.read_snapshot(&bytes).unwrap();
                all("location", &mut bank.locations().iter().copied());
                all("scale", &mut bank.readings().map(|reading| if reading.age == 0.0 { 0.0 } else { reading.scale }));
                // A full age is the whole number that reaches the memory.
                all("age", &mut bank.ages().map(f64::ceil));
            }
            "2-loss_guard-squared" => {
                let mut guard = LossGuard::new(Decay::half_life(350.0).unwrap()).unwrap().squared();
                guard.read_snapshot(&bytes).unwrap();
                assert_eq!((said["squared"].as_u64(), said["floor"].as_f64()), (Some(1), guard.floor()));
                assert_eq!(said["invalid"].as_u64(), Some(guard.invalid()));
                assert_eq!(said["weighed down"].as_u64(), Some(guard.weighed_down()));
                all("location", &mut [guard.reading().location].into_iter());
            }
            "2-gradient_guards" => {
                let mut guards = GradientGuards::new(Decay::half_life(50.0).unwrap(), 3).unwrap();
                guards.read_snapshot(&bytes).unwrap();
                let numbers =
                    |name: &str| said[name].as_array().unwrap().iter().filter_map(Value::as_u64).collect::<Vec<_>>();
                assert!(numbers("skips").into_iter().eq(guards.skips()));
                assert!(numbers("in a row").into_iter().eq(guards.skips_in_a_row()));
            }
            "2-bank-in_time-f64" => {
                let mut bank = Bank::<RobustMean>::new(in_time(), 0).unwrap();
                bank.read_snapshot(&bytes).unwrap();
                all("age", &mut bank.ages());
            }
            "2-bank-cleaned_ema-f32" => {
                let rule = CleanedEma::new(decay()).resolution(Resolution::Learn).unwrap();
                let mut bank = Bank::<CleanedEma, f32>::new(rule, 0).unwrap();
                bank.read_snapshot(&bytes).unwrap();
                all("average", &mut bank.locations().iter().map(|&location| f64::from(location)));
                all("age", &mut bank.ages().map(f64::from));
                let step = |channel| oracle::grid::exponent(bank.step(channel).unwrap());
                all("step", &mut (0..CHANNELS).map(|channel| f64::from(step(channel))));
            }
            "2-tracker-text-in_time-f64" => {
                let learning = in_time().resolution(Resolution::Learn).unwrap();
                let mut tracker = timed(learning);
                tracker.read_snapshot(&bytes).unwrap();
                all("location", &mut tracker.iter().map(|(_, series)| series.location));
                let step = |key: &String| oracle::grid::exponent(tracker.step(key).unwrap());
                all("step", &mut tracker.iter().map(|(key, _)| f64::from(step(key))));
                for (index, (key, series)) in tracker.iter().enumerate() {
                    assert_eq!(said["keys of series"][index], key.as_str());
                    assert_eq!(said["samples"][index], series.samples);
                }
                assert_eq!(said["counters"]["late"], tracker.counters().late);
            }
            _ => {}
        }
    }
}

//! Promise: what was once written is read for ever, on every backend, and gone on with to the bit. The files in `tests/golden`
//! are never written again; a new format adds files of its own.

use crate::snapshot::{bank_bytes, feed_layer, layer_bytes};
use crate::{oracle, support};
use core::time::Duration;
use evenkeel::{
    Bank, ClippedEma, Decay, Ema, Estimator, Idle, Layer, LayerRule, LearningRate, Numerator, Overflow,
    RelaxedNumerator, RobustMean, SnapshotInfo, SnapshotKey, Tracker, WeightDecay,
};
use oracle::Float;
use std::fs;
use std::path::PathBuf;
use support::every_backend;
use support::random::Random;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).with_extension("snapshot")
}

/// The bytes of a golden file. Where there is none, `EVENKEEL_WRITE_GOLDEN` in the environment makes it, of `first`.
fn golden(name: &str, first: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path = path(name);
    if !path.exists() && std::env::var_os("EVENKEEL_WRITE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, first()).unwrap();
    }
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The state after the golden file's by a hash: Fowler, Noll and Vo's, 64 bits, 1a. A CRC will not do: that of anything which
/// ends in its own CRC is the same.
fn check(name: &str, end: &[u8], expected: u64) {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let found = end.iter().fold(0xcbf2_9ce4_8422_2325, step);
    assert_eq!(found, expected, "{name}: {found:#018x}, not {expected:#018x}");
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

fn bank_in_time<T: Float>(name: &str, expected: u64) {
    let rule = RobustMean::new(Decay::half_life_time(Duration::from_secs(60)).unwrap());
    let block = Random::new(61).hostile::<T>(80, CHANNELS);
    let feed = |bank: &mut Bank<RobustMean, T>, rows: core::ops::Range<usize>| {
        for row in rows {
            let elapsed = Duration::from_millis(37 * row as u64);
            let mut samples = block[row * CHANNELS..][..CHANNELS].to_vec();
            // A channel that never has a sample, and one whose last is a while ago.
            samples[0] = T::NAN;
            samples[1] = if row % 20 < 15 { samples[1] } else { T::NAN };
            bank.update_after(elapsed, &samples).unwrap();
        }
    };
    let bytes = golden(name, || {
        let mut bank = Bank::<RobustMean, T>::new(rule, CHANNELS).unwrap();
        feed(&mut bank, 0..40);
        bank_bytes(&bank)
    });
    every_backend(|backend| {
        let mut bank = Bank::<RobustMean, T>::new(rule, 0).unwrap().with_backend(backend).unwrap();
        bank.read_snapshot(&bytes).unwrap();
        assert!(bank_bytes(&bank) == bytes, "{name} is not written as it was");
        feed(&mut bank, 40..80);
        check(name, &bank_bytes(&bank), expected);
    });
}

fn layer<R: LayerRule + Copy, T: Float>(name: &str, rule: R, expected: u64) {
    let mut random = Random::new(62);
    let (w, g) = (random.hostile::<T>(80, CHANNELS), random.hostile::<T>(80, CHANNELS));
    let feed = |layer: &mut Layer<R, T>, rows| feed_layer(layer, &w, &g, rows);
    let bytes = golden(name, || {
        let mut layer = Layer::<R, T>::new(rule, CHANNELS).unwrap();
        feed(&mut layer, 0..40);
        layer_bytes(&layer)
    });
    every_backend(|backend| {
        let mut layer = Layer::<R, T>::new(rule, CHANNELS).unwrap().with_backend(backend).unwrap();
        layer.read_snapshot(&bytes).unwrap();
        assert!(layer_bytes(&layer) == bytes, "{name} is not written as it was");
        feed(&mut layer, 40..80);
        check(name, &layer_bytes(&layer), expected);
    });
}

fn tracker<K, T: Float>(
    name: &str,
    new: impl Fn() -> Tracker<K, RobustMean, T>,
    key: impl Fn(usize) -> K,
    expected: u64,
) where
    K: SnapshotKey + Clone,
{
    let feed = |tracker: &mut Tracker<K, RobustMean, T>, rounds: core::ops::Range<i64>| {
        for round in rounds {
            let mut random = Random::new(6300 + round.cast_unsigned());
            let key = key(usize::try_from(round / 50).unwrap() + random.below(9));
            let hostile = random.below(3) == 0;
            let sample =
                if hostile { random.hostile::<T>(1, 1)[0] } else { T::from_f64((3.0 * random.gauss()).round()) };
            let _ = tracker.update_at(&key, (round - 3 * i64::from(hostile)) * 1_000_000_000, sample);
        }
    };
    let bytes_of = |tracker: &Tracker<K, RobustMean, T>| {
        let mut bytes = Vec::new();
        tracker.write_snapshot(&mut bytes, b"400 lines").unwrap();
        bytes
    };
    let bytes = golden(name, || {
        let mut tracker = new();
        feed(&mut tracker, 0..400);
        bytes_of(&tracker)
    });
    let mut tracker = new();
    tracker.read_snapshot(&bytes).unwrap();
    assert_eq!(SnapshotInfo::of(&bytes).unwrap().note, b"400 lines");
    assert!(bytes_of(&tracker) == bytes, "{name} is not written as it was");
    feed(&mut tracker, 400..800);
    check(name, &bytes_of(&tracker), expected);
}

fn decay() -> Decay {
    Decay::half_life(7.0).unwrap()
}

#[test]
fn banks() {
    bank::<_, f64>("bank-robust_mean-f64", RobustMean::new(decay()), 0x7945_49e1_fa66_a7e0);
    bank::<_, f32>("bank-robust_mean-f32", RobustMean::new(decay()), 0xd225_8fbc_c5b6_d7b2);
    let faithful = RobustMean::new(decay()).mean_faithful().resolution(1.0).unwrap();
    bank::<_, f64>("bank-mean_faithful-f64", faithful, 0xecde_e4e4_78a5_4466);
    bank::<_, f64>("bank-ema-f64", Ema::new(decay()), 0x226a_cb28_3b2a_b4a8);
    bank::<_, f32>("bank-ema-f32", Ema::new(decay()), 0x52b3_53d3_72e2_2aff);
    bank::<_, f64>("bank-clipped_ema-f64", ClippedEma::new(decay()), 0xf838_07a0_29e5_62f6);
    bank_in_time::<f64>("bank-in_time-f64", 0x8f28_3fcd_e61f_4bcf);
    bank_in_time::<f32>("bank-in_time-f32", 0x13c4_0aee_370a_e084);
}

#[test]
fn layers() {
    layer::<_, f32>("layer-numerator-f32", Numerator::new(1e-2).unwrap(), 0x61b3_4131_a8bd_3529);
    layer::<_, f64>("layer-relaxed_numerator-f64", RelaxedNumerator::new(1e-2).unwrap(), 0x5146_add3_0bec_ecc0);
    let rate = LearningRate::new(1e-2).unwrap().weight_decay(WeightDecay::Decoupled(0.1)).unwrap();
    layer::<_, f32>("layer-learning_rate-f32", rate.smoothing(Some(decay())), 0x488a_6867_14f2_66b2);
}

#[test]
fn trackers() {
    let in_time = RobustMean::new(Decay::half_life_time(Duration::from_secs(60)).unwrap());
    let timed = || {
        let tracker = Tracker::<String>::new(in_time).unwrap().whole_numbers(in_time.resolution(1.0).unwrap()).unwrap();
        tracker.max_idle(Idle::Time(Duration::from_secs(100)))
    };
    tracker("tracker-text-in_time-f64", timed, |n| format!("host=h{n},région=île cpu"), 0x0236_c80c_162a_7b31);
    let counted =
        || Tracker::<u64, RobustMean, f32>::new(RobustMean::new(decay())).unwrap().max_idle(Idle::Samples(40));
    // Whatever a tracker can hold: it is full, evicts, refuses what is late, and has series that have only missed.
    let crowded = || Tracker::<Vec<u8>>::new(RobustMean::new(decay())).unwrap().max_series(7, Overflow::Evict);
    tracker("tracker-bytes-crowded-f64", crowded, |n| vec![u8::try_from(n).unwrap(), 0, 0xff], 0xb388_fb9d_5599_fb65);
    tracker("tracker-number-counted-f32", counted, |n| n as u64 * 0x0101_0101_0101, 0x7408_99c6_4ee3_f24e);
}

/// `golden.jsonl` is what a reader says that was written from `FORMAT.md` alone, `tests/read_snapshot.py`; line by line in the
/// order of the files' names. The library says the same.
#[test]
fn the_document_is_right() {
    let lines = fs::read_to_string(path("golden").with_extension("jsonl")).unwrap();
    let mut names: Vec<PathBuf> = fs::read_dir(path("golden").parent().unwrap())
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "snapshot"))
        .collect();
    names.sort();
    assert_eq!(names.len(), lines.lines().count());
    for (path, line) in names.iter().zip(lines.lines()) {
        let bytes = fs::read(path).unwrap();
        let said: serde_json::Value = serde_json::from_str(line).unwrap();
        let info = SnapshotInfo::of(&bytes).unwrap();
        assert_eq!(said["kind"], format!("{:?}", info.kind).to_lowercase());
        assert_eq!((said["lane"].as_str(), said["channels"].as_u64()), (Some(info.lane), Some(info.channels)));
        let rules = said["rules"].as_array().unwrap();
        assert_eq!(rules.len(), info.rules.len());
        for (rule, known) in rules.iter().zip(&info.rules) {
            assert_eq!(rule[0], known.name);
            assert_eq!(rule[1].as_object().unwrap().len(), known.parameters.len());
            for (name, value) in &known.parameters {
                let said = &rule[1][name];
                assert!(said.as_f64() == Some(*value) || said == "inf" && value.is_infinite(), "{name}: {said}");
            }
        }
        let numbers = |name: &str| -> Vec<f64> {
            let column = said["columns"][name].as_array().unwrap();
            assert_eq!(column.len() as u64, info.channels);
            column.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
        };
        let same = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan();
        match path.file_stem().unwrap().to_str().unwrap() {
            "bank-robust_mean-f64" => {
                let mut bank = Bank::<RobustMean>::new(RobustMean::new(decay()), 0).unwrap();
                bank.read_snapshot(&bytes).unwrap();
                assert!(numbers("location").iter().zip(bank.locations()).all(|(a, b)| same(*a, *b)));
                assert!(numbers("scale").iter().zip(bank.scales()).all(|(a, b)| same(*a, *b)));
                // The age is the whole number that reaches the memory.
                assert!(numbers("age").iter().zip(bank.ages()).all(|(a, b)| *a == b.ceil()));
            }
            "bank-in_time-f64" => {
                let rule = RobustMean::new(Decay::half_life_time(Duration::from_secs(60)).unwrap());
                let mut bank = Bank::<RobustMean>::new(rule, 0).unwrap();
                bank.read_snapshot(&bytes).unwrap();
                assert!(numbers("age").iter().zip(bank.ages()).all(|(a, b)| *a == b));
            }
            "tracker-bytes-crowded-f64" => {
                let mut tracker = Tracker::<Vec<u8>>::new(RobustMean::new(decay())).unwrap();
                tracker.read_snapshot(&bytes).unwrap();
                let location = numbers("location");
                for (index, (key, series)) in tracker.iter().enumerate() {
                    let hexadecimal: Vec<String> = key.iter().map(|byte| format!("{byte:02x}")).collect();
                    assert_eq!(said["keys of series"][index], hexadecimal.concat());
                    assert_eq!(said["samples"][index], series.samples);
                    assert_eq!(said["outliers"][index], series.outliers);
                    assert_eq!(said["last"][index].as_i64(), Some(series.last.unwrap_or(i64::MIN)));
                    assert!(same(said["score"][index].as_f64().unwrap_or(f64::NAN), series.score));
                    assert!(same(location[index], series.location));
                }
                let counters = tracker.counters();
                assert_eq!(said["counters"]["evicted"], counters.evicted);
                assert_eq!(said["counters"]["late"], counters.late);
                assert_eq!(said["counters"]["reopenings"], counters.reopenings);
            }
            _ => {}
        }
    }
}

//! Promise: one series is a few bytes of its own. It goes on with them to the bit, in another tracker or without any; they
//! are what an independent writer makes by `FORMAT.md`; and what is damaged or of another rule is an error.

use crate::{oracle, support};
use allocation_counter::measure;
use core::time::Duration;
use evenkeel::{
    CleanedEma, ClippedEma, Decay, Idle, OneSeries, Outputs, Overflow, Resolution, RobustMean, Scored, SnapshotError,
    SnapshotKey, Timed, Tracker, UpdateError,
};
use oracle::Float;
use serde_json::Value;
use support::both_types;
use support::random::Random;

fn decay() -> Decay {
    Decay::half_life(7.0).unwrap()
}

fn a_minute() -> Decay {
    Decay::half_life_time(Duration::from_secs(60)).unwrap()
}

/// A sample of one of a few series: hostile now and then, often late, and once of clocks that were wrong for a while.
fn sample<T: Float>(round: i64) -> (&'static str, i64, T) {
    let mut random = Random::new(9100 + round.cast_unsigned());
    let key = ["a", "b", "c", "d"][random.below(4)];
    let hostile = random.below(4) == 0;
    let sample = if hostile { random.hostile::<T>(1, 1)[0] } else { T::from_f64((3.0 * random.gauss()).round()) };
    let ahead = if (300..330).contains(&round) { 5000 } else { 0 };
    (key, (round + ahead - 3 * i64::from(random.below(6) == 0)) * 1_000_000_000, sample)
}

fn saved<R: Scored, T: Float>(tracker: &Tracker<String, R, T>, key: &str) -> Vec<u8> {
    let mut bytes = b"before".to_vec();
    assert!(tracker.save_series(key, &mut bytes));
    bytes.split_off(6)
}

/// After every sample the series goes through bytes: by itself, and from one tracker to another.
fn one_rule<R: Scored + Timed + Copy, T: Float>(rule: R) {
    let new = || Tracker::<String, R, T>::new(rule).unwrap();
    let (mut whole, mut here, mut there) = (new(), new(), new());
    let mut one = OneSeries::<R, T>::new(rule).unwrap();
    let mut store = std::collections::HashMap::<&str, Vec<u8>>::new();
    let mut refused = 0;
    for round in 0..800 {
        let (key, time, sample) = sample::<T>(round);
        let expected = whole.update_at(key, time, sample);
        let is_late = expected.is_err();
        refused += u32::from(is_late);
        let expected = format!("{:?}", expected.ok());

        assert_eq!(format!("{:?}", here.update_at(key, time, sample).ok()), expected);
        let is_new = there.get(key).is_none();
        assert_eq!(there.restore_series(key, &saved(&here, key)), Ok(is_new));
        assert_eq!(here.remove(key).is_some(), there.get(key).is_some());
        core::mem::swap(&mut here, &mut there);
        for other in ["a", "b", "c", "d"] {
            // All of them move.
            if there.get(other).is_some() {
                here.restore_series(other, &saved(&there, other)).unwrap();
                there.remove(other);
            }
        }

        match store.get(key) {
            Some(bytes) => one.restore(bytes).unwrap(),
            None => one.begin(None),
        }
        let found = one.update_at(time, sample);
        assert_eq!(matches!(found, Err(UpdateError::Late { .. })), is_late);
        assert_eq!(format!("{:?}", found.ok()), expected);
        assert_eq!(format!("{:?}", Some(one.get())), format!("{:?}", whole.get(key)));
        assert_eq!(Some(one.step()), whole.get(key).map(|_| whole.step(key)));
        let bytes = store.entry(key).or_default();
        bytes.clear();
        one.save(bytes);
        assert!(*bytes == saved(&whole, key) && *bytes == saved(&here, key), "round {round}");
    }
    assert!(refused > 60 && store.len() == 4, "{refused}");
}

fn series_go_through_bytes<T: Float>() {
    one_rule::<_, T>(RobustMean::new(decay()));
    one_rule::<_, T>(RobustMean::new(a_minute()));
    one_rule::<_, T>(RobustMean::new(a_minute()).mean_faithful().resolution(Resolution::Learn).unwrap());
    one_rule::<_, T>(CleanedEma::new(a_minute()).resolution(Resolution::Learn).unwrap());
    one_rule::<_, T>(CleanedEma::new(decay()));
}

/// Samples without times, and a rule whose decay is never in time.
fn samples_without_times<T: Float>() {
    let rule = ClippedEma::new(decay());
    let mut tracker = Tracker::<String, ClippedEma, T>::new(rule).unwrap();
    let mut one = OneSeries::<ClippedEma, T>::new(rule).unwrap();
    for sample in Random::new(91).hostile::<T>(200, 1) {
        let found = format!("{:?}", one.update(sample).unwrap());
        assert_eq!(found, format!("{:?}", tracker.update("a", sample).unwrap()));
        let bytes = saved(&tracker, "a");
        let mut own = Vec::new();
        one.save(&mut own);
        assert!(own == bytes);
        one.begin(None);
        one.restore(&bytes).unwrap();
    }
    assert_eq!(format!("{:?}", Some(one.get())), format!("{:?}", tracker.get("a")));
    let timed = OneSeries::<RobustMean, T>::new(RobustMean::new(a_minute())).unwrap().update(T::ONE);
    assert_eq!(timed, Err(UpdateError::NoElapsed));
}

/// Many samples at once are the samples one by one.
fn many_samples<T: Float>() {
    let mut one = OneSeries::<RobustMean, T>::new(RobustMean::new(a_minute())).unwrap();
    let mut other = one.clone();
    let rounds: Vec<_> = (0..400).map(sample::<T>).collect();
    let (times, samples): (Vec<i64>, Vec<T>) = rounds.iter().map(|&(_, time, sample)| (time, sample)).unzip();
    let (mut locations, mut scales, mut scores) = (vec![T::ONE; 400], vec![T::ONE; 400], vec![T::ONE; 400]);
    let mut outliers = vec![true; 400];
    let outputs = Outputs {
        locations: Some(&mut locations),
        scales: Some(&mut scales),
        scores: Some(&mut scores),
        outliers: Some(&mut outliers),
    };
    let late = one.update_all_at_into(&times, &samples, outputs).unwrap();
    let mut refused = 0;
    for (index, (&time, &sample)) in times.iter().zip(&samples).enumerate() {
        let update = other.update_at(time, sample);
        refused += usize::from(update.is_err());
        let series = other.get();
        let score = update.as_ref().map_or(T::NAN, |update| update.score);
        let expected =
            format!("{:?} {:?} {score:?} {}", series.location, series.scale, update.is_ok_and(|u| u.outlier));
        let found = format!("{:?} {:?} {:?} {}", locations[index], scales[index], scores[index], outliers[index]);
        assert_eq!(found, expected, "{index}");
    }
    assert!(late == refused && late > 30);
    let short = Outputs { scores: Some(&mut scores[1..]), ..Outputs::default() };
    assert!(one.update_all_at_into(&times, &samples, short).is_err());
    assert!(one.update_all_at_into(&times[1..], &samples, Outputs::default()).is_err());

    let mut one = OneSeries::<RobustMean, T>::new(RobustMean::new(decay())).unwrap();
    let mut other = one.clone();
    let outputs = Outputs { locations: Some(&mut locations), ..Outputs::default() };
    one.update_all_into(&samples, outputs).unwrap();
    for (&sample, &location) in samples.iter().zip(&locations) {
        assert_eq!(format!("{:?}", other.update(sample).unwrap().location), format!("{location:?}"));
    }
}

both_types!(series_go_through_bytes, samples_without_times, many_samples);

/// What an independent writer makes of the snapshots in `golden/`, and the hash of each key.
fn document(name: &str) -> Vec<[String; 3]> {
    let file: Value = serde_json::from_str(include_str!("../series_bytes.json")).unwrap();
    let rows = file[name].as_array().unwrap();
    rows.iter().map(|row| [0, 1, 2].map(|part| row[part].as_str().unwrap().to_owned())).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.concat()
}

fn bytes_of(hexadecimal: &str) -> Vec<u8> {
    hexadecimal
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn golden<K: SnapshotKey + Clone, R: Scored, T: Float>(name: &str, rule: R, series: usize, key: impl Fn(&[u8]) -> K) {
    let path = format!("{}/tests/golden/{name}.snapshot", env!("CARGO_MANIFEST_DIR"));
    let mut tracker = Tracker::<K, R, T>::new(rule.clone()).unwrap().max_idle(Idle::Time(Duration::from_secs(100)));
    tracker.read_snapshot(&std::fs::read(path).unwrap()).unwrap();
    let rows = document(name);
    assert_eq!((rows.len(), tracker.len()), (series, series));
    let mut one = OneSeries::<R, T>::new(rule).unwrap();
    for [name, _, expected] in rows {
        let key = key(&bytes_of(&name));
        let mut found = Vec::new();
        assert!(tracker.save_series(&key, &mut found));
        assert_eq!(hexadecimal(&found), expected);
        one.restore(&bytes_of(&expected)).unwrap();
        assert_eq!(format!("{:?}", Some(one.get())), format!("{:?}", tracker.get(&key)));
        found.clear();
        one.save(&mut found);
        assert_eq!(hexadecimal(&found), expected);
    }
}

/// These bytes are read for ever.
#[test]
fn the_bytes_are_those_of_the_document() {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let in_time = RobustMean::new(a_minute());
    golden::<_, _, f64>("2-tracker-text-in_time-f64", in_time.resolution(Resolution::Learn).unwrap(), 10, text);
    let cleaned = CleanedEma::new(a_minute()).resolution(Resolution::Learn).unwrap();
    golden::<_, _, f64>("2-tracker-text-cleaned_ema-f64", cleaned, 10, text);
    golden::<_, _, f64>("2-tracker-bytes-crowded-f64", RobustMean::new(decay()), 7, <[u8]>::to_vec);
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    golden::<_, _, f32>("2-tracker-number-counted-f32", RobustMean::new(decay()), 9, number);
    golden::<_, _, f64>("2-tracker-text-late-f64", RobustMean::new(decay()), 16, text);
}

/// A series of some samples, and one without any.
fn some<R: Scored, T: Float>(rule: R) -> [Vec<u8>; 2] {
    let mut one = OneSeries::<R, T>::new(rule).unwrap();
    let mut both = [Vec::new(), Vec::new()];
    one.save(&mut both[1]);
    for sample in [1.0, 2.0, 1.5, 1.1, 2.1, 1.9, 30.0] {
        one.update(T::from_f64(sample)).unwrap();
    }
    one.save(&mut both[0]);
    both
}

#[test]
fn they_are_few() {
    assert_eq!(some::<_, f64>(RobustMean::new(decay())).map(|bytes| bytes.len()), [78; 2]);
    assert_eq!(some::<_, f32>(RobustMean::new(decay())).map(|bytes| bytes.len()), [58; 2]);
    assert_eq!(some::<_, f64>(CleanedEma::new(decay())).map(|bytes| bytes.len()), [102; 2]);
    assert_eq!(some::<_, f32>(CleanedEma::new(decay())).map(|bytes| bytes.len()), [70; 2]);
}

/// Flipped bits, cuts and additions, into something that has state already.
fn every_damage<R: Scored + Copy, T: Float>(rule: R) {
    for bytes in some::<_, T>(rule) {
        let mut one = OneSeries::<R, T>::new(rule).unwrap();
        one.update(T::from_f64(5.0)).unwrap();
        let mut tracker = Tracker::<String, R, T>::new(rule).unwrap();
        tracker.update("a", T::from_f64(5.0)).unwrap();
        let before = saved(&tracker, "a");
        let mut refused = |damaged: &[u8]| {
            let error = one.restore(damaged).unwrap_err();
            assert_eq!(tracker.restore_series("a", damaged), Err(error.clone()));
            assert_eq!(tracker.restore_series("b", damaged), Err(error.clone()));
            let mut after = Vec::new();
            one.save(&mut after);
            assert!(after == before && saved(&tracker, "a") == before && tracker.len() == 1);
            error
        };
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let error = refused(&damaged);
            assert_eq!(matches!(error, SnapshotError::Checksum { part: "series" }), bit >= 8, "{error}");
            assert_eq!(matches!(error, SnapshotError::Format { known: 1, .. }), bit < 8, "{error}");
        }
        for length in 0..bytes.len() {
            assert!(matches!(refused(&bytes[..length]), SnapshotError::Length { .. }));
        }
        for byte in 0..=255 {
            let error = refused(&[bytes.as_slice(), &[byte]].concat());
            assert_eq!(error, SnapshotError::Length { expected: bytes.len() as u64, got: bytes.len() as u64 + 1 });
        }
    }
}

fn damage_is_noticed<T: Float>() {
    every_damage::<_, T>(RobustMean::new(decay()));
    every_damage::<_, T>(CleanedEma::new(decay()));
}

mod damaged {
    use super::damage_is_noticed;
    use crate::support::both_types;
    both_types!(damage_is_noticed);
}

#[test]
fn other_rules_are_refused() {
    let rule = RobustMean::new(decay());
    let [bytes, _] = some::<_, f64>(rule);
    let refused = |error: Result<(), SnapshotError>| {
        assert!(matches!(error, Err(SnapshotError::Fingerprint { .. })), "{error:?}");
        error.unwrap_err().to_string()
    };
    let read = |rule| refused(OneSeries::<RobustMean>::new(rule).unwrap().restore(&bytes));
    let text = read(rule.patience(8).unwrap());
    assert_eq!(
        text,
        "the series was saved by another rule, or other parameters, than RobustMean(gain 0.09427633573609331, clip 2.5, \
         taper_from 3.5, reject 6.5, scale_clip 2, patience 8, resolution 0, learns 0) of f64: restore it by its own"
    );
    read(RobustMean::new(Decay::alpha(decay().gain().next_up()).unwrap()));
    read(RobustMean::new(a_minute()));
    read(rule.mean_faithful());
    read(rule.resolution(Resolution::Learn).unwrap());
    refused(OneSeries::<RobustMean, f32>::new(rule).unwrap().restore(&bytes));
    refused(OneSeries::<CleanedEma>::new(CleanedEma::new(decay())).unwrap().restore(&bytes));
    refused(OneSeries::<ClippedEma>::new(ClippedEma::new(decay())).unwrap().restore(&bytes));
    // Of as many bytes.
    let [bytes, _] = some::<_, f32>(CleanedEma::new(decay()));
    refused(OneSeries::<ClippedEma>::new(ClippedEma::new(decay())).unwrap().restore(&bytes));
}

/// With a checksum that is right.
#[test]
fn contradictions_are_refused() {
    let rule = RobustMean::new(decay());
    let [bytes, _] = some::<_, f64>(rule);
    let with = |at: usize, word: &[u8]| {
        let mut other = bytes.clone();
        other[at..at + word.len()].copy_from_slice(word);
        let end = other.len() - 4;
        let checksum = crc32fast::hash(&other[..end]);
        other[end..].copy_from_slice(&checksum.to_le_bytes());
        OneSeries::<RobustMean>::new(rule).unwrap().restore(&other)
    };
    let malformed = |result| matches!(result, Err(SnapshotError::Malformed { .. }));
    assert_eq!(with(9, &f64::INFINITY.to_le_bytes()), Err(SnapshotError::State { channel: 0, rule: "RobustMean" }));
    assert_eq!(with(17, &(-1.0_f64).to_le_bytes()), Err(SnapshotError::State { channel: 0, rule: "RobustMean" }));
    assert_eq!(with(41, &f64::NAN.to_le_bytes()), Ok(()));
    assert!(malformed(with(41, &(f64::NAN.to_bits() + 1).to_le_bytes())));
    for at in [49, 57] {
        assert_eq!(with(at, &(u64::MAX / 2).to_le_bytes()), Ok(()));
        assert!(malformed(with(at, &(u64::MAX / 2 + 1).to_le_bytes())));
    }
    assert_eq!(with(65, &i64::MAX.to_le_bytes()), Ok(()));
    assert_eq!(with(73, &[12]), Ok(()));
    assert!(malformed(with(73, &[13])));
}

/// A series that is put in counts as created and is the last to go; limits hold, and none is evicted for it.
#[test]
fn limits_and_counters() {
    let rule = RobustMean::new(decay());
    let [bytes, _] = some::<_, f64>(rule);
    let mut tracker = Tracker::<u64>::new(rule).unwrap().max_series(3, Overflow::Evict);
    for key in [1, 2] {
        tracker.update(&key, 1.0).unwrap();
    }
    let before = tracker.counters();
    assert_eq!(tracker.restore_series(&3, &bytes), Ok(true));
    assert_eq!(tracker.restore_series(&1, &bytes), Ok(false), "in place of the other");
    assert_eq!(tracker.get(&1).map(|series| series.samples), Some(7));
    assert_eq!(tracker.restore_series(&4, &bytes), Err(SnapshotError::Full { series: 4, max_series: 3 }));
    let mut expected = before;
    expected.created += 1;
    assert_eq!(tracker.counters(), expected);
    for (key, goes) in [(5, 2), (6, 3), (7, 1)] {
        tracker.update(&key, 1.0).unwrap();
        assert!(tracker.get(&goes).is_none() && tracker.len() == 3, "{goes} has been idle the longest");
    }
    let mut idle = Tracker::<u64>::new(rule).unwrap().max_idle(Idle::Samples(10));
    for _ in 0..100 {
        idle.update(&1, 1.0).unwrap();
    }
    idle.restore_series(&2, &bytes).unwrap();
    for _ in 0..10 {
        idle.update(&1, 1.0).unwrap();
    }
    assert_eq!(idle.len(), 2, "idle from now on");
    idle.update(&1, 1.0).unwrap();
    assert_eq!(idle.len(), 1);
}

/// Restored, updated and saved without memory of its own.
#[test]
fn nothing_is_allocated() {
    let rule = RobustMean::new(a_minute());
    let mut one = OneSeries::<RobustMean>::new(rule).unwrap();
    let mut bytes = Vec::new();
    one.save(&mut bytes);
    let used = measure(|| {
        for round in 0..100 {
            one.restore(&bytes).unwrap();
            one.update_at(round * 1_000_000, 1.0).unwrap();
            bytes.clear();
            one.save(&mut bytes);
        }
    });
    assert_eq!(used.count_total, 0);
}

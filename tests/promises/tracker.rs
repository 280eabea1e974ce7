//! A tracker is a bank with names: the same bits, counters that add up, and room for a million series.

use crate::support;
use evenkeel::{Bank, CleanedEma, ClippedEma, Decay, Overflow, Resolution, RobustMean, Scored, TrackError, Tracker};
use std::collections::HashMap;
use support::random::Random;

fn rule() -> RobustMean {
    RobustMean::new(Decay::half_life(20.0).unwrap())
}

/// Samples of series that appear as they come, against a bank that has them all and counters kept apart.
#[test]
fn named_series_are_channels() {
    let names: Vec<String> = (0..40).map(|n| format!("series {n}")).collect();
    let mut random = Random::new(70);
    let mut tracker = Tracker::<String>::new(rule()).unwrap();
    let mut bank = Bank::<RobustMean>::new(rule(), names.len()).unwrap();
    let mut order: Vec<usize> = Vec::new();
    let mut counters: HashMap<usize, (u64, u64)> = HashMap::new();
    for step in 0..20_000 {
        let which = random.below(names.len().min(1 + step / 100));
        let sample = random.hostile::<f64>(1, 1)[0];
        let seen = tracker.update(names[which].as_str(), sample).unwrap();
        let expected = bank.observe(which, sample).unwrap();
        assert_eq!(seen.score.to_bits(), expected.score.to_bits());
        assert_eq!((seen.outlier, seen.reopened), (expected.outlier, expected.reopened));
        if !order.contains(&which) {
            order.push(which);
        }
        let (samples, outliers) = counters.entry(which).or_default();
        *samples += u64::from(expected.accepted);
        *outliers += u64::from(expected.outlier);
    }
    assert_eq!(tracker.len(), names.len());
    assert!(tracker.iter().map(|(name, _)| name).eq(order.iter().map(|&which| &names[which])), "order of appearance");
    for (name, series) in tracker.iter() {
        let which = names.iter().position(|other| other == name).unwrap();
        let reading = bank.reading(which).unwrap();
        assert_eq!(series.location.to_bits(), reading.location.to_bits());
        assert_eq!(series.scale.to_bits(), reading.scale.to_bits());
        assert_eq!((series.samples, series.outliers), counters[&which]);
        assert_eq!(tracker.get(name.as_str()).map(|s| s.samples), Some(series.samples));
    }
}

#[test]
fn a_batch_is_its_samples_in_order() {
    let batch = [(1, 10.0), (2, 5.0), (1, 11.0), (1, f64::NAN), (3, 1.0), (1, 12.0)];
    let mut one = Tracker::<u64>::new(rule()).unwrap();
    let mut other = one.clone();
    one.update_batch(batch.iter().map(|(key, sample)| (key, *sample))).unwrap();
    for (key, sample) in batch {
        other.update(&key, sample).unwrap();
    }
    assert!(one.iter().map(|(key, s)| (key, s.location)).eq(other.iter().map(|(key, s)| (key, s.location))));
    assert_eq!(one.get(&1).unwrap().samples, 3, "a missing sample does not count");
}

#[test]
fn what_was_never_seen_is_none_and_what_only_missed_is_nan() {
    let mut tracker = Tracker::<String>::new(rule()).unwrap();
    assert!(tracker.is_empty() && tracker.get("a").is_none());
    tracker.update("a", f64::NAN).unwrap();
    let a = tracker.get("a").unwrap();
    assert!(a.location.is_nan() && a.scale.is_nan() && a.score.is_nan());
    assert_eq!((a.samples, a.outliers), (0, 0));
}

/// Input that knows in which steps a series is recorded says so when the series begins; each then goes as the first samples that show
/// that step would have it go.
#[test]
fn series_begin_with_the_step_that_is_known() {
    let rule = rule().resolution(Resolution::Learn).unwrap();
    let mut tracker = Tracker::<String>::new(rule).unwrap();
    let names = [
        ("counts", Some(1.0)),
        ("fractions", Some(0.0)),
        ("cents", Some(0.01)),
        ("eighths", Some(0.125)),
        ("any", None),
    ];
    for (name, step) in names {
        assert_eq!(tracker.begin(name, step), Ok(true));
        assert_eq!(tracker.begin(name, Some(1e-3)), Ok(false), "it is there");
        let series = tracker.get(name).unwrap();
        assert!(series.location.is_nan() && series.scale.is_nan() && series.samples == 0);
    }
    let step = |tracker: &Tracker<String>, name| tracker.step(name).unwrap();
    assert_eq!(names.map(|(name, _)| step(&tracker, name)), [1.0, 0.0, 0.01, 0.1, 1.0]);
    for sample in [7.0, 7.0, f64::NAN, 7.0, 7.0, 7.0, 7.0] {
        for (name, _) in names {
            tracker.update(name, sample).unwrap();
        }
    }
    assert_eq!(names.map(|(name, _)| step(&tracker, name)), [1.0, 0.0, 0.01, 0.1, 1.0], "no sample was any finer");
    let scale = |name| tracker.get(name).unwrap().scale;
    assert_eq!(["counts", "any", "cents", "eighths"].map(scale), [0.5, 0.5, 0.005, 0.05], "half of the step");
    assert!(scale("fractions") < 1e-5);
    for (name, _) in names {
        for sample in [7.5, 7.25, 7.75, 7.625] {
            tracker.update(name, sample).unwrap();
        }
    }
    assert_eq!(step(&tracker, "fractions"), 0.0, "what is continuous stays so");
    assert!(step(&tracker, "counts") < 1.0 && step(&tracker, "any") < 1.0, "and what is finer than was said is learnt");

    // A rule that does not learn has no use for it.
    let mut plain = Tracker::<String>::new(RobustMean::new(Decay::half_life(20.0).unwrap())).unwrap();
    let mut other = plain.clone();
    assert_eq!(plain.begin("a", Some(1.0)), Ok(true));
    for sample in [7.0, 7.0, 8.0, 7.0, 7.0, 7.0, 9.0] {
        assert_eq!(format!("{:?}", plain.update("a", sample)), format!("{:?}", other.update("a", sample)));
    }
    assert_eq!(plain.step("a"), None);
    assert_eq!(tracker.step("no such series"), None);
}

/// What cannot be one more is refused where it begins, and counted.
#[test]
fn a_series_too_many_does_not_begin() {
    let mut tracker = Tracker::<String>::new(rule()).unwrap().max_series(1, Overflow::Refuse);
    assert_eq!(tracker.begin("a", None), Ok(true));
    assert!(matches!(tracker.begin("b", Some(1.0)), Err(TrackError::Full { max_series: 1 })));
    assert_eq!((tracker.counters().created, tracker.counters().full), (1, 1));
}

/// The names that a tracker gives to channels are all that it adds, whichever its rule is.
#[test]
fn any_rule_that_scores_is_tracked() {
    fn check<R: Scored + Copy>(rule: R) {
        let mut tracker = Tracker::<usize, R>::new(rule).unwrap();
        let mut bank = Bank::<R>::new(rule, 3).unwrap();
        let block = Random::new(71).recorded::<f64>(400, 3);
        for (index, &sample) in block.iter().enumerate() {
            let key = index % 3;
            let update = tracker.update(&key, sample).unwrap();
            let seen = bank.observe(index % 3, sample).unwrap();
            assert_eq!(
                (update.accepted, update.outlier, update.reopened),
                (seen.accepted, seen.outlier, seen.reopened)
            );
            assert_eq!(update.score.to_bits(), seen.score.to_bits());
            let reading = bank.reading(index % 3).unwrap();
            let bits = [reading.location, reading.scale].map(f64::to_bits);
            assert_eq!([update.location, update.scale].map(f64::to_bits), bits);
            assert_eq!(tracker.step(&key), bank.step(index % 3));
        }
    }
    check(rule());
    check(rule().mean_faithful().resolution(Resolution::Learn).unwrap());
    check(CleanedEma::new(Decay::half_life(20.0).unwrap()));
    check(CleanedEma::new(Decay::half_life(20.0).unwrap()).resolution(Resolution::Learn).unwrap());
    check(ClippedEma::new(Decay::half_life(20.0).unwrap()));
}

/// Keys that are shared or a word shorter are made of the same text, and are the same series in a snapshot.
#[test]
fn keys_of_any_pointer() {
    fn check<K>() -> Vec<u8>
    where
        K: evenkeel::SnapshotKey + Clone + core::borrow::Borrow<str>,
        str: evenkeel::ToKey<K>,
    {
        let mut tracker = Tracker::<K>::new(rule()).unwrap();
        assert_eq!(tracker.begin("a", None), Ok(true));
        tracker.update_at("a", 1, 1.0).unwrap();
        tracker.update_batch([("b", 2.0), ("a", 3.0), ("b", 2.0)]).unwrap();
        tracker.update_batch_at([("c", 5, 2.0), ("a", 6, 3.0)]).unwrap();
        let mut series = Vec::new();
        assert!(tracker.save_series("c", &mut series));
        assert_eq!(tracker.restore_series("d", &series), Ok(true));
        let mut bytes = Vec::new();
        tracker.write_snapshot(&mut bytes, b"").unwrap();
        let mut other = Tracker::<K>::new(rule()).unwrap();
        other.read_snapshot(&bytes).unwrap();
        assert_eq!((other.len(), other.get("a").unwrap().samples), (4, 3));
        bytes
    }
    let bytes = check::<String>();
    assert!(bytes == check::<Box<str>>() && bytes == check::<std::sync::Arc<str>>());
    let mut shared = Tracker::<std::sync::Arc<[u8]>>::new(rule()).unwrap();
    shared.update(&b"a"[..], 1.0).unwrap();
    assert_eq!(shared.get(&b"a"[..]).unwrap().samples, 1);
}

/// Growth is amortised: a million series cost a small multiple of their state.
#[test]
fn a_million_series() {
    let mut tracker = Tracker::<u64, RobustMean, f32>::new(rule()).unwrap();
    for key in 0..1_000_000_u64 {
        tracker.update(&(key * 7), 1.0).unwrap();
    }
    assert_eq!(tracker.len(), 1_000_000);
    assert!(tracker.bank().bytes() <= 2 * 1_000_064 * 16, "{} bytes", tracker.bank().bytes());
    assert_eq!(tracker.get(&(7 * 999_999)).unwrap().location, 1.0);
}

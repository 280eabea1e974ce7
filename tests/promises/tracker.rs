//! A tracker is a bank with names: the same bits, counters that add up, and room for a million series.

use crate::support;
use evenkeel::{Bank, Decay, Overflow, RobustMean, TrackError, Tracker};
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

/// Input that tells integers from other numbers says at the beginning which a series is; each goes as a bank of its own rule.
#[test]
fn series_of_fractions_stay_so_while_their_samples_are_whole() {
    let (plain, whole) = (rule(), rule().resolution(1.0).unwrap());
    let mut tracker =
        Tracker::<String>::new(plain).unwrap().whole_numbers(whole).unwrap().max_series(2, Overflow::Refuse);
    assert_eq!(tracker.begin("fractions", false), Ok(true));
    assert_eq!(tracker.begin("integers", true), Ok(true));
    assert!(matches!(tracker.begin("more", false), Err(TrackError::Full { max_series: 2 })));
    assert!(tracker.get("fractions").unwrap().location.is_nan());
    let mut banks = [plain, whole].map(|rule| Bank::<RobustMean>::new(rule, 1).unwrap());
    for sample in [7.0, 7.0, f64::NAN, 8.0, 7.0, f64::INFINITY, 7.0, 7.0] {
        for (key, bank) in ["fractions", "integers"].into_iter().zip(&mut banks) {
            assert_eq!(tracker.begin(key, key == "integers"), Ok(false), "it is there");
            let seen = tracker.update(key, sample).unwrap();
            bank.update(&[sample]).unwrap();
            assert_eq!(
                (seen.location.to_bits(), seen.scale.to_bits()),
                (bank.locations()[0].to_bits(), bank.scales()[0].to_bits())
            );
        }
    }
    assert_ne!(banks[0].scales(), banks[1].scales());
    let counters = tracker.counters();
    assert_eq!((counters.created, counters.full, counters.samples, counters.missing), (2, 1, 14, 2));
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

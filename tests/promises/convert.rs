//! Promise: a tracker goes on from a snapshot of other parameters. What each series has seen is there, no state is one
//! that the rule never leads to, and what is of another rule is refused by name.

use crate::{oracle, support};
use core::time::Duration;
use evenkeel::{CleanedEma, Decay, Idle, Resolution, RobustMean, Scored, SnapshotError, Timed, Tracker};
use oracle::Float;
use support::both_rules;
use support::random::Random;
use support::streams::Drawn;

const SECOND: i64 = 1_000_000_000;

/// Numbers of samples of the series: none, in the start and behind it, and on both sides of every memory.
const SAMPLES: [i64; 13] = [0, 1, 2, 3, 4, 5, 6, 7, 20, 60, 90, 300, 3000];

fn settings() -> Vec<(Decay, Option<u32>, Resolution)> {
    let samples = |half_life| Decay::half_life(half_life).unwrap();
    let time = |seconds| Decay::half_life_time(Duration::from_secs(seconds)).unwrap();
    vec![
        (samples(60.0), None, Resolution::Learn),
        (samples(600.0), None, Resolution::default()),
        (samples(7.0), Some(3), Resolution::Learn),
        (Decay::alpha(0.45).unwrap(), Some(1), Resolution::Step(0.5)),
        (Decay::alpha(1.0).unwrap(), Some(63), Resolution::Learn),
        (time(60), None, Resolution::Learn),
        (time(5), Some(4), Resolution::default()),
        (time(86_400), Some(20), Resolution::Learn),
    ]
}

/// A sample of a series: noise, whole numbers, a constant that jumps, and now and then a new level or a spike.
fn sample<T: Float>(kind: u32, n: i64, random: &mut Random) -> T {
    let level = if n % 700 > 600 { 500.0 } else { 10.0 };
    T::from_f64(match kind {
        0 => level + random.gauss(),
        1 => (level + 3.0 * random.gauss()).round(),
        2 => {
            if n % 5 == 4 {
                1e9 + 1.0
            } else {
                1e9
            }
        }
        _ if random.below(9) == 0 => 1e6,
        _ => level + random.gauss(),
    })
}

fn bytes_of<R: Scored, T: Float>(tracker: &Tracker<u32, R, T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    tracker.write_snapshot(&mut bytes, b"").unwrap();
    bytes
}

/// Series of every kind and number of samples.
fn fed<R: Scored + Timed, T: Float>(rule: R) -> Tracker<u32, R, T> {
    let mut tracker = Tracker::<u32, R, T>::new(rule).unwrap();
    let mut random = Random::new(400);
    for (place, samples) in (0..).zip(SAMPLES) {
        for kind in 0..4 {
            let key = 4 * place + kind;
            tracker.begin(&key, None).unwrap();
            for n in 0..samples {
                tracker.update_at(&key, n * SECOND, sample(kind, n, &mut random)).unwrap();
            }
        }
    }
    tracker
}

/// Whatever the parameters before and after: estimates are as they were, ages as far as they go, and everything goes on.
fn every_state_goes_on<T: Float, O: Drawn<T>>() {
    for before in settings() {
        let (from, _) = O::with(before.0, before.1, before.2);
        let old = fed::<O::Rule, T>(from);
        let bytes = bytes_of(&old);
        for after in settings() {
            let (rule, _) = O::with(after.0, after.1, after.2);
            let mut new = Tracker::<u32, O::Rule, T>::new(rule).unwrap();
            assert_eq!(new.read_snapshot(&bytes).is_ok(), before == after);
            new.convert_snapshot(&bytes).unwrap();
            if before == after {
                assert!(bytes_of(&new) == bytes, "the same parameters are the same state");
            }
            assert_eq!((new.len(), new.counters()), (old.len(), old.counters()));
            let most = if after.0.in_time().is_some() { f64::INFINITY } else { after.0.window().max(1.0) };
            for ((key, one), (other, two)) in old.iter().zip(new.iter()) {
                assert_eq!((key, one.samples, one.outliers, one.last), (other, two.samples, two.outliers, two.last));
                assert!(one.location.to_word() == two.location.to_word() || one.location.nan() && two.location.nan());
                let [was, is] = [&old, &new].map(|tracker| {
                    let channel = tracker.iter().position(|(known, _)| known == key).unwrap();
                    tracker.bank().reading(channel).unwrap().age.to_f64()
                });
                let expected = was.min(most);
                let about = if before == after { f64::INFINITY } else { 1.0 };
                assert!(
                    (is - expected).abs() <= about && (is > 0.0) == (was > 0.0),
                    "{is} of {was}, at most {most}: {key}"
                );
            }
            // It is a state that is written and read.
            let again = bytes_of(&new);
            let mut copy = Tracker::<u32, O::Rule, T>::new(rule).unwrap();
            copy.read_snapshot(&again).unwrap();
            // A start goes on where it was, and all of it stays within its bounds.
            let mut random = Random::new(401);
            for (place, samples) in (0..).zip(SAMPLES) {
                for kind in 0..4 {
                    let key = 4 * place + kind;
                    for n in samples..samples + 20 {
                        let seen = new.update_at(&key, n * SECOND, sample(kind, n, &mut random)).unwrap();
                        assert_eq!(seen.score.nan(), n < 5, "sample {n} of {key}: {seen:?}");
                        assert!(seen.location.finite() && seen.scale.finite());
                    }
                }
            }
            copy.read_snapshot(&bytes_of(&new)).unwrap();
        }
    }
}

/// A memory that is made ten times as long, or as short, gives about the estimates of one that was so from the first.
fn estimates_come_near<T: Float, O: Drawn<T>>() {
    let feed = |tracker: &mut Tracker<u32, O::Rule, T>, from: i64, to: i64| {
        for n in from..to {
            let mut random = Random::new(n.cast_unsigned());
            tracker.update_at(&0, n * SECOND, sample(0, n % 600, &mut random)).unwrap();
        }
    };
    let samples = |half_life| O::with(Decay::half_life(half_life).unwrap(), None, Resolution::Learn).0;
    let time =
        |seconds| O::with(Decay::half_life_time(Duration::from_secs(seconds)).unwrap(), None, Resolution::Learn).0;
    for (before, after) in [
        (samples(60.0), samples(600.0)),
        (samples(600.0), samples(60.0)),
        (samples(60.0), time(60)),
        (time(60), samples(60.0)),
        (time(600), time(60)),
    ] {
        let mut old = Tracker::<u32, O::Rule, T>::new(before).unwrap();
        feed(&mut old, 0, 2000);
        let mut new = Tracker::<u32, O::Rule, T>::new(after).unwrap();
        new.convert_snapshot(&bytes_of(&old)).unwrap();
        let mut native = Tracker::<u32, O::Rule, T>::new(after).unwrap();
        feed(&mut native, 0, 2000);
        feed(&mut native, 2000, 2200);
        feed(&mut new, 2000, 2200);
        let [one, other] = [&native, &new].map(|tracker| tracker.get(&0).unwrap());
        // The noise has a standard deviation of 1.
        assert!((one.location - other.location).to_f64().abs() < 0.15, "{one:?}, {other:?}");
        assert!((one.scale / other.scale).to_f64().ln().abs() < 0.2, "{one:?}, {other:?}");
        assert_eq!(new.counters().reopenings, native.counters().reopenings);
    }
}

both_rules!(every_state_goes_on, estimates_come_near);

/// What another rule follows is something else; a bank is no tracker; and nothing has changed.
#[test]
fn what_is_of_another_rule_is_refused() {
    let decay = Decay::half_life(60.0).unwrap();
    let robust = fed::<_, f64>(RobustMean::new(decay));
    let mut clean = Tracker::<u32, CleanedEma>::new(CleanedEma::new(decay)).unwrap();
    clean.update(&1, 1.0).unwrap();
    let before = bytes_of(&clean);
    let refused = clean.convert_snapshot(&bytes_of(&robust)).unwrap_err();
    assert!(matches!(&refused, SnapshotError::Rule { differs, .. } if differs == "the rule"), "{refused}");
    let mut narrow = Tracker::<u32, RobustMean, f32>::new(RobustMean::new(decay)).unwrap();
    let refused = narrow.convert_snapshot(&bytes_of(&robust)).unwrap_err();
    assert!(matches!(refused, SnapshotError::Other { .. }), "{refused}");
    let mut damaged = bytes_of(&robust);
    *damaged.last_mut().unwrap() ^= 1;
    let mut other = Tracker::<u32>::new(RobustMean::new(decay).mean_faithful()).unwrap();
    assert!(matches!(other.convert_snapshot(&damaged), Err(SnapshotError::Checksum { .. })));
    assert!(bytes_of(&clean) == before && other.is_empty());
    // Another psi follows the same centre, with a wider reach.
    other.convert_snapshot(&bytes_of(&robust)).unwrap();
    assert_eq!(other.len(), robust.len());
}

/// A snapshot of a tracker whose series were idle by something else.
#[test]
fn nobody_is_idle_at_once() {
    let old = fed::<_, f64>(RobustMean::new(Decay::half_life(60.0).unwrap()));
    let rule = RobustMean::new(Decay::half_life_time(Duration::from_secs(60)).unwrap());
    let mut new = Tracker::<u32>::new(rule).unwrap().max_idle(Idle::Time(Duration::from_secs(10)));
    new.convert_snapshot(&bytes_of(&old)).unwrap();
    assert_eq!((new.expire(), new.len()), (0, old.len()));
}

/// A snapshot of format 1 with another half-life: the ages are those of its own memory.
#[test]
fn so_is_one_of_format_1() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/tracker-text-in_time-f64.snapshot");
    let bytes = std::fs::read(path).unwrap();
    let rule = |seconds| {
        let decay = Decay::half_life_time(Duration::from_secs(seconds)).unwrap();
        RobustMean::new(decay).resolution(Resolution::Learn).unwrap()
    };
    let mut same = Tracker::<String>::new(rule(60)).unwrap();
    same.read_snapshot(&bytes).unwrap();
    for half_life in [60, 5, 86_400] {
        let mut other = Tracker::<String>::new(rule(half_life)).unwrap();
        assert_eq!(other.read_snapshot(&bytes).is_ok(), half_life == 60);
        other.convert_snapshot(&bytes).unwrap();
        assert!(!other.is_empty() && other.bank().readings().eq(same.bank().readings()), "{half_life}");
    }
}

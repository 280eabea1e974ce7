//! Promise: a snapshot of a tracker is split by the hash of the keys and merged again without a tracker, each part goes on
//! to the bit, and counters keep their sums; what shares a series or is of another rule is an error.

use crate::support;
use crate::support::checksums::mend;
use core::time::Duration;
use evenkeel::{
    Bank, CleanedEma, Counters, Decay, Idle, Overflow, Resolution, RobustMean, SnapshotError, SnapshotInfo, Tracker,
    key_hash, key_part, merge_snapshots, split_snapshot,
};
use serde_json::Value;
use support::random::Random;

fn in_time() -> RobustMean {
    RobustMean::new(Decay::half_life_time(Duration::from_secs(60)).unwrap()).resolution(Resolution::Learn).unwrap()
}

fn new(idle: Option<Idle>) -> Tracker<String> {
    let tracker = Tracker::<String>::new(in_time()).unwrap();
    idle.map_or_else(|| tracker.clone(), |idle| tracker.clone().max_idle(idle))
}

/// Samples of series that come and go, some late, some hostile.
fn feed(tracker: &mut Tracker<String>, rounds: core::ops::Range<i64>, takes: impl Fn(&str) -> bool) {
    for round in rounds {
        let mut random = Random::new(9200 + round.cast_unsigned());
        let key = format!("host=h{},région", round / 200 + i64::try_from(random.below(60)).unwrap());
        let late = 3 * i64::from(random.below(5) == 0);
        let sample = if random.below(5) == 0 { random.hostile::<f64>(1, 1)[0] } else { random.gauss() };
        if takes(&key) {
            let _ = tracker.update_at(key.as_str(), (round - late) * 1_000_000_000, sample);
        }
    }
}

fn written(tracker: &Tracker<String>) -> Vec<u8> {
    let mut bytes = Vec::new();
    tracker.write_snapshot(&mut bytes, b"a note").unwrap();
    bytes
}

fn read(idle: Option<Idle>, bytes: &[u8]) -> Tracker<String> {
    let mut tracker = new(idle);
    tracker.read_snapshot(bytes).unwrap();
    tracker
}

/// Every series with all that is in it, by key.
fn series_of(tracker: &Tracker<String>) -> Vec<String> {
    let mut all: Vec<String> = tracker
        .iter()
        .map(|(key, series)| {
            let mut bytes = Vec::new();
            assert!(tracker.save_series(key.as_str(), &mut bytes));
            format!("{key} {series:?} {bytes:?}")
        })
        .collect();
    all.sort();
    all
}

/// The keys from the longest idle on: they are evicted in this order.
fn order_of(bytes: &[u8]) -> Vec<String> {
    let mut tracker = read(None, bytes);
    let mut order = Vec::new();
    while !tracker.is_empty() {
        let before: Vec<String> = tracker.iter().map(|(key, _)| key.clone()).collect();
        let most = before.len() - 1;
        tracker = tracker.max_series(most, Overflow::Evict);
        order.extend(before.into_iter().filter(|key| tracker.get(key.as_str()).is_none()));
    }
    order
}

fn sum(all: impl IntoIterator<Item = Counters>) -> [u64; 10] {
    all.into_iter().fold([0; 10], |sum, c| {
        let words = [
            c.created,
            c.expired,
            c.evicted,
            c.removed,
            c.samples,
            c.missing,
            c.late,
            c.full,
            c.outliers,
            c.reopenings,
        ];
        core::array::from_fn(|at| sum[at] + words[at])
    })
}

#[test]
fn parts_go_on_to_the_bit() {
    for idle in [None, Some(Idle::Samples(100_000)), Some(Idle::Time(Duration::from_secs(100_000)))] {
        for parts in [1, 2, 3, 16, 200] {
            let mut whole = new(idle);
            feed(&mut whole, 0..1500, |_| true);
            whole.remove("host=h3,région").unwrap();
            let bytes = written(&whole);
            let cut = split_snapshot(&bytes, parts).unwrap();
            assert_eq!(cut.len(), parts);
            let mut workers: Vec<Tracker<String>> = cut.iter().map(|part| read(idle, part)).collect();
            assert_eq!(sum(workers.iter().map(Tracker::counters)), sum([whole.counters()]));
            for (number, (worker, bytes)) in workers.iter().zip(&cut).enumerate() {
                assert!(worker.iter().all(|(key, _)| key_part(key.as_bytes(), parts) == number));
                assert_eq!(SnapshotInfo::of(bytes).unwrap().note, b"a note");
                let c = worker.counters();
                assert_eq!(c.created, worker.len() as u64 + c.expired + c.evicted + c.removed, "part {number}");
                assert!(*bytes == written(worker), "read and written again");
                // In the order of the whole.
                let order: Vec<String> = order_of(&bytes[..]);
                let mut expected = order_of(&written(&whole));
                expected.retain(|key| order.contains(key));
                assert_eq!(order, expected);
            }
            if parts == 1 {
                assert!(cut[0] == bytes);
            }
            let merged = merge_snapshots(&cut, b"another").unwrap();
            assert_eq!(SnapshotInfo::of(&merged).unwrap().note, b"another");
            let again = read(idle, &merged);
            assert_eq!(again.counters(), whole.counters());
            assert_eq!(series_of(&again), series_of(&whole));
            if !matches!(idle, Some(Idle::Time(_))) {
                assert_eq!(order_of(&merged), order_of(&bytes), "{idle:?}, {parts}");
            }

            // Each goes on with its own, and all together are the one that had them all.
            feed(&mut whole, 1500..2500, |_| true);
            for (number, worker) in workers.iter_mut().enumerate() {
                feed(worker, 1500..2500, |key| key_part(key.as_bytes(), parts) == number);
            }
            let ends: Vec<Vec<u8>> = workers.iter().map(written).collect();
            let end = read(idle, &merge_snapshots(&ends, b"").unwrap());
            assert_eq!(series_of(&end), series_of(&whole), "{idle:?}, {parts} parts");
            assert_eq!(end.counters(), whole.counters());
            // From as many workers to as many others.
            let others = split_snapshot(&written(&end), 5).unwrap();
            assert_eq!(sum(others.iter().map(|part| read(idle, part).counters())), sum([whole.counters()]));
        }
    }
}

/// Of clocks that count samples, each series stays idle by as many; of others, by the same time; and where no clock had
/// begun, nobody is idle.
#[test]
fn idleness_is_kept() {
    let rule = RobustMean::new(Decay::half_life(7.0).unwrap());
    let new = || Tracker::<u64>::new(rule).unwrap().max_idle(Idle::Samples(1000));
    let (mut short, mut long, mut begun) = (new(), new(), new());
    for key in [1, 2, 1] {
        short.update(&key, 1.0).unwrap(); // 2 has been idle for 1, 1 for 0
    }
    for key in [11; 500] {
        long.update(&key, 1.0).unwrap();
    }
    for key in [12, 12, 12, 13] {
        long.update(&key, 1.0).unwrap(); // 11 for 4, 12 for 1, 13 for 0
    }
    begun.begin(&21, None).unwrap();
    let bytes = [&short, &long, &begun].map(|tracker| {
        let mut bytes = Vec::new();
        tracker.write_snapshot(&mut bytes, b"").unwrap();
        bytes
    });
    let mut merged = Tracker::<u64>::new(rule).unwrap();
    merged.read_snapshot(&merge_snapshots(&bytes, b"").unwrap()).unwrap();
    let mut gone = Vec::new();
    for most in (0..6).rev() {
        merged = merged.max_series(most, Overflow::Evict);
        gone.extend(
            [1, 2, 11, 12, 13, 21]
                .iter()
                .filter(|key| merged.get(key).is_none() && !gone.contains(*key))
                .copied()
                .collect::<Vec<u64>>(),
        );
    }
    assert_eq!(gone, [11, 2, 12, 1, 13, 21]);
    let mut limited = new().max_idle(Idle::Samples(5));
    limited.read_snapshot(&merge_snapshots(&bytes, b"").unwrap()).unwrap();
    limited.update(&13, 1.0).unwrap();
    assert_eq!(limited.len(), 6);
    limited.update(&13, 1.0).unwrap();
    assert_eq!(limited.len(), 5, "11 has been idle for 6");

    let timed = || Tracker::<u64>::new(rule).unwrap().max_idle(Idle::Time(Duration::from_nanos(50)));
    let (mut early, mut later) = (timed(), timed());
    for (tracker, key, time) in [(&mut early, 1, 100), (&mut later, 2, 90)] {
        tracker.update_at(&key, time, 1.0).unwrap();
    }
    later.update_at(&3, 130, 1.0).unwrap();
    let bytes = [&early, &later].map(|tracker| {
        let mut bytes = Vec::new();
        tracker.write_snapshot(&mut bytes, b"").unwrap();
        bytes
    });
    let mut merged = timed();
    merged.read_snapshot(&merge_snapshots(&bytes, b"").unwrap()).unwrap();
    assert_eq!(merged.expire(), 0);
    merged.update_at(&3, 141, 1.0).unwrap();
    assert!(merged.get(&2).is_none() && merged.len() == 2);
    merged.update_at(&3, 151, 1.0).unwrap();
    assert_eq!(merged.len(), 1);
    // By something else.
    let mut counted = Vec::new();
    new().write_snapshot(&mut counted, b"").unwrap();
    let error = merge_snapshots(&[&counted, &bytes[0]], b"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the snapshot is of series that are idle by time, not of series that are idle by samples: read it into what it \
         is of"
    );
}

/// Whether the clock of a snapshot has begun, what it shows, and how many samples were astray.
fn clock_of(bytes: &[u8]) -> (u8, i64, u64) {
    let at = bytes.len() - 4 - 17;
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    (bytes[at], word(at + 1).cast_signed(), word(at + 9))
}

#[test]
fn the_latest_clock_counts() {
    let rule = RobustMean::new(Decay::half_life(7.0).unwrap());
    for (idle, (now, strays)) in [(Idle::Time(Duration::from_nanos(50)), (300, true)), (Idle::Samples(50), (6, false))]
    {
        let written = |keys: core::ops::Range<u64>, times: &[i64]| {
            let mut tracker = Tracker::<u64>::new(rule).unwrap().max_idle(idle);
            for (key, time) in keys.zip(times) {
                tracker.update_at(&key, *time, 1.0).unwrap();
            }
            let mut bytes = Vec::new();
            tracker.write_snapshot(&mut bytes, b"").unwrap();
            bytes
        };
        let all = [written(0..9, &[]), written(10..19, &[300, 10, 300, 9]), written(20..29, &[100, 100, 0, 1, 2, 100])];
        let merged = merge_snapshots(&all, b"").unwrap();
        let astray = all.iter().map(|bytes| clock_of(bytes).2).sum();
        assert_eq!(clock_of(&merged), (1, now, astray));
        assert_eq!(astray > 0, strays, "{astray}");
        assert_eq!(clock_of(&merge_snapshots(&all[..1], b"").unwrap()), (0, 0, 0));
        for (part, bytes) in split_snapshot(&merged, 3).unwrap().iter().enumerate() {
            assert_eq!(clock_of(bytes), (1, now, if part == 0 { astray } else { 0 }));
        }
    }
}

/// Rows of late samples stay with their series, and where there are none nothing is said of them.
#[test]
fn late_samples_stay_with_their_series() {
    let mut tracker = Tracker::<u64>::new(RobustMean::new(Decay::half_life(7.0).unwrap())).unwrap();
    for key in 0..20 {
        tracker.update_at(&key, 100, 1.0).unwrap();
    }
    for _ in 0..3 {
        tracker.update_at(&7, 99, 1.0).unwrap_err();
    }
    let mut bytes = Vec::new();
    tracker.write_snapshot(&mut bytes, b"").unwrap();
    let parts = split_snapshot(&bytes, 4).unwrap();
    let marks: Vec<u8> = parts.iter().map(|part| part[20]).collect();
    let of_seven = key_part(&7_u64.to_le_bytes(), 4);
    assert!(marks.iter().enumerate().all(|(part, &mark)| mark == if part == of_seven { 2 } else { 0 }), "{marks:?}");
    let mut one = tracker.clone();
    one.read_snapshot(&merge_snapshots(&parts, b"").unwrap()).unwrap();
    for tracker in [&mut tracker, &mut one] {
        let refused = (0..20).take_while(|_| tracker.update_at(&7, 99, 1.0).is_err()).count();
        assert_eq!(refused, 9);
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let mut tracker = new(None);
    feed(&mut tracker, 0..100, |_| true);
    let bytes = written(&tracker);
    let merge = |all: &[&[u8]]| merge_snapshots(all, b"").unwrap_err();
    assert_eq!(merge(&[]), SnapshotError::Nothing);
    let mut same = new(None);
    same.update_at("host=h1,région", 5, 1.0).unwrap();
    let error = merge(&[&bytes, &written(&same)]);
    assert_eq!(error, SnapshotError::Exists { key: "\"host=h1,région\"".to_owned() });
    assert_eq!(error.to_string(), "the series \"host=h1,région\" is there already: remove it first");
    let snapshot = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        write(&mut bytes);
        bytes
    };
    let other = Tracker::<String>::new(in_time().patience(8).unwrap()).unwrap();
    let error = merge(&[&bytes, &written(&other)]).to_string();
    assert!(error.ends_with("it differs in patience"), "{error}");
    let cleaned = Tracker::<String, CleanedEma>::new(CleanedEma::new(Decay::half_life(7.0).unwrap())).unwrap();
    let cleaned = snapshot(&|out| cleaned.write_snapshot(out, b"").unwrap());
    assert!(matches!(merge(&[&bytes, &cleaned]), SnapshotError::Rule { .. }));
    let single = Tracker::<String, RobustMean, f32>::new(in_time()).unwrap();
    let single = snapshot(&|out| single.write_snapshot(out, b"").unwrap());
    assert!(matches!(merge(&[&bytes, &single]), SnapshotError::Other { .. }));
    let numbered = Tracker::<u64>::new(in_time()).unwrap();
    let numbered = snapshot(&|out| numbered.write_snapshot(out, b"").unwrap());
    assert!(matches!(merge(&[&bytes, &numbered]), SnapshotError::Other { .. }));
    let bank = Bank::<RobustMean>::new(in_time(), 1).unwrap();
    let bank = snapshot(&|out| bank.write_snapshot(out).unwrap());
    let first = std::fs::read(format!("{}/tests/golden/tracker-text-in_time-f64.snapshot", env!("CARGO_MANIFEST_DIR")));
    for (bytes, found) in [(&bank, "a Bank of f64"), (&first.unwrap(), "a Tracker in format 1")] {
        let text = format!("the snapshot is of {found}, not of a Tracker in format 2: read it into what it is of");
        assert_eq!(merge(&[bytes]).to_string(), text);
        assert_eq!(split_snapshot(bytes, 2).unwrap_err().to_string(), text);
    }
    let long = vec![0; (1 << 19) + 1];
    assert_eq!(merge_snapshots(&[&bytes], &long), Err(SnapshotError::Note { bytes: (1 << 19) + 1 }));
    assert!(merge_snapshots(&[&bytes], &long[1..]).is_ok());
    for parts in [0, (1 << 16) + 1, usize::MAX] {
        assert_eq!(split_snapshot(&bytes, parts), Err(SnapshotError::Parts { parts }));
    }
    assert_eq!(split_snapshot(&bytes, 1 << 16).unwrap().len(), 1 << 16);
}

/// Flipped bits, and changes under a checksum that is right: an error, or what a tracker would have read as well.
#[test]
fn damage_is_noticed() {
    let mut tracker = new(None);
    feed(&mut tracker, 0..12, |_| true);
    let bytes = written(&tracker);
    let mut accepted = 0;
    for bit in 0..8 * bytes.len() {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(split_snapshot(&damaged, 3).is_err() && merge_snapshots(&[&damaged], b"").is_err(), "bit {bit}");
        mend(&mut damaged);
        let note = SnapshotInfo::of(&damaged).map(|info| info.note).unwrap_or_default();
        let (parts, merged) = (split_snapshot(&damaged, 3), merge_snapshots(&[&damaged], &note));
        if new(None).read_snapshot(&damaged).is_ok() {
            // Nothing is lost, and nothing is made up.
            assert!(merged.unwrap() == damaged, "bit {bit}");
            assert_eq!(
                parts.unwrap().iter().map(|part| SnapshotInfo::of(part).unwrap().channels).sum::<u64>(),
                tracker.len() as u64
            );
            accepted += 1;
        } else if let Ok(parts) = parts {
            assert!(parts.iter().any(|part| new(None).read_snapshot(part).is_err()), "bit {bit}");
        }
    }
    assert!(accepted > 100);
    // A number of series that is not there costs no memory.
    for channels in [99, 1 << 20, 1 << 40, u64::MAX] {
        let mut other = bytes.clone();
        other[22..30].copy_from_slice(&channels.to_le_bytes());
        mend(&mut other);
        let used = allocation_counter::measure(|| assert!(split_snapshot(&other, 2).is_err()));
        assert!(used.bytes_max < 100_000, "{used:?}");
    }
}

/// The hash is that of an independent writer, for all keys in `golden/`.
#[test]
fn the_hash_is_that_of_the_document() {
    let file: Value = serde_json::from_str(include_str!("../series_bytes.json")).unwrap();
    let mut count = 0;
    for row in file.as_object().unwrap().values().flat_map(|rows| rows.as_array().unwrap()) {
        let [key, hash] = [0, 1].map(|part| row[part].as_str().unwrap());
        let key: Vec<u8> = (0..key.len() / 2).map(|at| u8::from_str_radix(&key[2 * at..][..2], 16).unwrap()).collect();
        let hash = u64::from_str_radix(hash, 16).unwrap();
        assert_eq!(key_hash(&key), hash);
        assert_eq!([1, 3, 7].map(|parts| key_part(&key, parts) as u64), [1, 3, 7].map(|parts| hash % parts));
        count += 1;
    }
    assert!(count > 50);
    assert_eq!((key_part(b"a", 0), key_hash(b"")), (0, 0xef46_db37_51d8_e999));
}

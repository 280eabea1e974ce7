//! A tracker whose series come and go, against a plain model: a list of series in order of their last sample, each with the
//! specification of its own, and counters kept apart.

use crate::{oracle, support};
use core::time::Duration;
use evenkeel::{Decay, Idle, Overflow, Resolution, RobustMean, TrackError, Tracker};
use oracle::Float;
use oracle::tracker::{Answer, HALF_LIFE, Model};
use support::both_rules;
use support::random::Random;
use support::streams::Drawn;

const SECOND: i64 = 1_000_000_000;

/// Random series, times, samples and limits, every answer and every counter.
fn series_come_and_go<T: Float, O: Drawn<T>>() {
    for seed in 0..60 {
        let mut random = Random::new(900 + seed);
        let timed = seed % 3 == 0;
        let has_times = timed || seed % 3 == 1;
        let resolution = if seed % 2 == 0 { Resolution::Learn } else { Resolution::default() };
        let decay = if timed { Decay::half_life_time(HALF_LIFE) } else { Decay::half_life(60.0) }.unwrap();
        let (rule, spec) = O::with(decay, None, resolution);
        let idle = match random.below(4) {
            0 => None,
            1 if has_times => Some(Idle::Time(Duration::from_secs(20 + random.below(200) as u64))),
            _ => Some(Idle::Samples(random.below(60) as u64)),
        };
        let most = [usize::MAX, 0, 1, 2, 7, 20][random.below(6)];
        let overflow = [Overflow::Refuse, Overflow::Evict][random.below(2)];
        let mut tracker = Tracker::<u32, O::Rule, T>::new(rule).unwrap().max_series(most, overflow);
        if let Some(idle) = idle {
            tracker = tracker.max_idle(idle);
        }
        let mut model = Model::new(spec, most, overflow, idle);
        let (mut given, mut passed) = (0, 0);
        // Times that are small numbers could be taken for numbers of samples; and sometimes everything stands still for long.
        let unit = if timed || seed % 5 > 0 { SECOND } else { 1 };
        let outage = if seed % 2 == 0 { 0 } else { 1000 };
        for round in 0..3000_i64 {
            // Keys move on, so that old ones fall silent.
            let key = u32::try_from(round / 200).unwrap() + u32::try_from(random.below(12)).unwrap();
            let time = (round + round / 300 * outage) * unit
                + match random.below(40) {
                    0 => -50 * unit,
                    1 => 500 * unit,
                    2 => -i64::try_from(random.below(2_000_000_000)).unwrap(),
                    _ => 0,
                };
            let time = has_times.then_some(if random.below(500) == 0 { i64::MAX - round } else { time });
            let sample = match random.below(10) {
                0 => random.hostile::<T>(1, 1)[0],
                1..=5 => T::from_f64((10.0 + 3.0 * random.gauss()).round()),
                _ => T::from_f64(if key % 2 == 0 { 10.0 + random.gauss() } else { 4.0 }),
            };
            if random.below(20) == 0 {
                let steps = [None, Some(1.0), Some(0.1), Some(0.25), Some(1e-6), Some(1e-7), Some(0.0), Some(5.0)];
                let step = steps[random.below(8)];
                let expected = model.begin(key, step);
                let found = tracker.begin(&key, step).map_err(|error| Answer::of::<T>(Err(error), &Answer::Full));
                passed += u64::from(expected.is_err());
                assert_eq!(found, expected, "seed {seed}, round {round}, key {key}, {step:?}");
            }
            let found = match time {
                Some(time) => tracker.update_at(&key, time, sample),
                None => tracker.update(&key, sample),
            };
            given += 1;
            let expected = model.update(key, time, sample);
            let found = Answer::of(found, &expected);
            assert_eq!(found, expected, "seed {seed}, round {round}, key {key}, {time:?}, {sample:?}");
            if random.below(100) == 0 {
                let removed = tracker.remove(&key);
                let place = model.series.iter().position(|known| known.key == key);
                assert_eq!(removed.map(|series| series.samples), place.map(|place| model.series[place].samples));
                if let Some(place) = place {
                    model.series.remove(place);
                    model.counters.removed += 1;
                }
            }
            if random.below(300) == 0 {
                tracker.expire();
                model.forget_idle(usize::MAX);
            }
        }
        assert_eq!(given + passed, model.given());
        model.compare(&tracker);
    }
}

both_rules!(series_come_and_go);

fn counting() -> RobustMean {
    RobustMean::new(Decay::half_life(60.0).unwrap())
}

/// Batches find the series of many samples together, also where a sample removes the series of a later one, or begins it.
#[test]
fn a_batch_is_its_samples_where_series_go() {
    let in_time = || Tracker::<String>::new(RobustMean::new(Decay::half_life_time(HALF_LIFE).unwrap())).unwrap();
    let bytes = |tracker: &Tracker<String>| {
        let mut bytes = Vec::new();
        tracker.write_snapshot(&mut bytes, b"").unwrap();
        bytes
    };
    let (mut random, mut gone, mut refused) = (Random::new(77), 0, 0);
    for turn in 0..40 {
        let overflow = if turn % 4 == 0 { Overflow::Refuse } else { Overflow::Evict };
        let mut one = in_time().max_series(3 + turn % 7, overflow);
        if turn % 3 > 0 {
            one = one.max_idle(Idle::Time(Duration::from_secs(20)));
        }
        let mut other = one.clone();
        let mut now = 0;
        for _ in 0..10 {
            let batch: Vec<(String, i64, f64)> = (0..random.below(150))
                .map(|_| {
                    now += [0, 1, 2, 30][random.below(4)] * 1_000_000_000;
                    let late = if random.chance(0.1) { 50_000_000_000 } else { 0 };
                    let sample = if random.chance(0.1) { f64::NAN } else { random.gauss() };
                    (format!("s{}", random.below(12)), now - late, sample)
                })
                .collect();
            let mut reported = Vec::new();
            let borrowed = batch.iter().map(|(key, time, sample)| (key.as_str(), *time, *sample));
            one.update_batch_at_with(borrowed, |tracker, key, outcome| {
                reported.push((key, tracker.len(), format!("{outcome:?}")));
            })
            .unwrap();
            for ((key, time, sample), reported) in batch.iter().zip(&reported) {
                let outcome = other.update_at(key.as_str(), *time, *sample);
                refused += u32::from(outcome.is_err());
                assert_eq!(*reported, (key.as_str(), other.len(), format!("{outcome:?}")));
            }
            assert_eq!(reported.len(), batch.len());
            assert_eq!(bytes(&one), bytes(&other));
        }
        gone += one.counters().evicted + one.counters().expired;
    }
    assert!(gone > 1000 && refused > 1000, "{gone} series went, {refused} samples were refused");
}

/// The longest idle goes first, and what takes its channel begins with nothing.
#[test]
fn the_longest_idle_makes_room() {
    let mut tracker = Tracker::<String>::new(counting()).unwrap().max_series(2, Overflow::Evict);
    for sample in [1.0, 2.0, 3.0] {
        tracker.update("a", sample).unwrap();
    }
    tracker.update("b", 50.0).unwrap();
    tracker.update("a", 1.5).unwrap();
    let c = tracker.update("c", 7.0).unwrap();
    assert_eq!((c.location, c.score.is_nan()), (7.0, true), "a first sample");
    assert!(tracker.get("b").is_none() && tracker.get("a").is_some());
    assert_eq!(tracker.get("c").unwrap().samples, 1);
}

#[test]
fn a_full_tracker_says_so_and_goes_on() {
    let mut tracker = Tracker::<String>::new(counting()).unwrap().max_series(1, Overflow::Refuse);
    tracker.update("a", 1.0).unwrap();
    assert_eq!(tracker.update("b", 1.0), Err(TrackError::Full { max_series: 1 }));
    tracker.update_batch([("a", 1.0), ("b", 2.0), ("a", 1.0)]).unwrap();
    assert_eq!((tracker.get("a").unwrap().samples, tracker.counters().full), (3, 2));
    tracker.remove("a").unwrap();
    tracker.update("b", 1.0).unwrap();
}

#[test]
fn time_is_asked_for_where_it_is_needed() {
    let in_time = RobustMean::new(Decay::half_life_time(HALF_LIFE).unwrap());
    let mut tracker = Tracker::<String>::new(in_time).unwrap();
    assert_eq!(tracker.update("a", 1.0), Err(TrackError::NoTime));
    let mut tracker = Tracker::<String>::new(counting()).unwrap().max_idle(Idle::Time(HALF_LIFE));
    assert_eq!(tracker.update("a", 1.0), Err(TrackError::NoTime));
    assert!(tracker.is_empty());
    let mut tracker = Tracker::<String>::new(counting()).unwrap();
    tracker.update_at("a", i64::MIN, 1.0).unwrap();
    tracker.update_at("a", i64::MAX, 2.0).unwrap();
    assert_eq!(tracker.update_at("a", 0, 2.0), Err(TrackError::Late { time: 0, last: i64::MAX }));
    assert_eq!(tracker.get("a").unwrap().last, Some(i64::MAX));
}

/// A series whose clock was wrong once goes on with the next sample that agrees with all others: it begins anew with
/// the stamp of the future, which is too long after its last one, and not once more.
#[test]
fn a_series_of_the_future_comes_back_at_once() {
    let mut tracker = Tracker::<String>::new(counting()).unwrap().max_idle(Idle::Time(HALF_LIFE));
    for second in 0..200 {
        for name in ["a", "b", "c"] {
            let time = if (second, name) == (10, "b") { i64::MAX } else { second * SECOND };
            tracker.update_at(name, time, 1.0).unwrap();
        }
    }
    assert_eq!((tracker.counters().expired, tracker.counters().created, tracker.len()), (1, 4, 3));
    assert_eq!((tracker.counters().late, tracker.get("b").unwrap().samples), (0, 190));
}

/// Feeds seconds of a clock to series, each second through a snapshot, and returns the seconds at which samples of any
/// series were refused.
fn through_snapshots(
    tracker: &mut Tracker<String>,
    new: impl Fn() -> Tracker<String>,
    names: &[&str],
    times: impl Iterator<Item = i64>,
) -> Vec<usize> {
    let mut late = Vec::new();
    for (turn, time) in times.enumerate() {
        for name in names {
            let seen = tracker.update_at(*name, time * SECOND, 1.0);
            assert!(matches!(seen, Ok(_) | Err(TrackError::Late { .. })), "{seen:?}");
            if seen.is_err() && late.last() != Some(&turn) {
                late.push(turn);
            }
        }
        let mut bytes = Vec::new();
        tracker.write_snapshot(&mut bytes, b"").unwrap();
        *tracker = new();
        tracker.read_snapshot(&bytes).unwrap();
    }
    late
}

const YEAR: i64 = 365 * 86_400;

/// A stamp of the future on every series, or a clock that is set back by an hour, refuses a dozen samples of each series
/// and no more, with a limit of idleness or without, one series or many, and through a snapshot after each second. A
/// limit that is shorter than the mistake ends it after a sample or two.
#[test]
fn a_clock_that_was_wrong_heals() {
    let new = |idle: Option<u64>| {
        move || {
            let tracker = Tracker::<String>::new(counting()).unwrap();
            match idle {
                Some(seconds) => tracker.max_idle(Idle::Time(Duration::from_secs(seconds))),
                None => tracker,
            }
        }
    };
    for names in [&["a"][..], &["a", "b", "c", "d", "e"]] {
        for (idle, ahead, most) in [
            (None, YEAR, 12),
            (None, 3600, 12),
            (Some(86_400), 3600, 12),
            (Some(600), 3600, 2),
            (Some(86_400), YEAR, 2),
        ] {
            for first in [0, 20] {
                let new = new(idle);
                let mut tracker = new();
                let times = (0..200).map(|turn| if turn == first { turn + ahead } else { turn });
                let late = through_snapshots(&mut tracker, new, names, times);
                let begin = usize::try_from(first).unwrap() + 1;
                assert!(late.len() <= most, "{idle:?}, {ahead}: {late:?}");
                assert!(late.iter().copied().eq(begin..begin + late.len()), "{late:?}");
                assert_eq!(late.len() == 12, most == 12, "{idle:?}, {ahead}: {late:?}");
                assert_eq!(tracker.len(), names.len());
                // Without a limit the series have gone on, and not begun anew.
                if idle.is_none_or(|idle| i64::try_from(idle).unwrap() > ahead) {
                    let samples: Vec<u64> = tracker.iter().map(|(_, series)| series.samples).collect();
                    assert_eq!(samples, vec![188; names.len()]);
                }
                assert_eq!(tracker.get("a").unwrap().last, Some(199 * SECOND));
            }
            // The clock is set back for good.
            let new = new(idle);
            let mut tracker = new();
            let times = (0..300).map(|turn| if turn < 100 { turn + ahead } else { turn });
            let late = through_snapshots(&mut tracker, new, names, times);
            assert!(late.len() <= most && late[0] == 100, "{idle:?}, {ahead}: {late:?}");
            assert_eq!(
                tracker.get("a").unwrap().samples,
                300 - late.len() as u64,
                "they have gone on: {idle:?}, {ahead}"
            );
        }
    }
}

/// Stragglers are refused, and a dozen samples that are sent a second time; a missing one is none of them.
#[test]
fn stragglers_stay_late() {
    let mut tracker = Tracker::<String>::new(counting()).unwrap();
    for second in 0..1000 {
        tracker.update_at("a", second * SECOND, 1.0).unwrap();
        for straggler in 1..=second.min(12) {
            assert!(tracker.update_at("a", (second - straggler) * SECOND, 1e6).is_err());
            assert!(tracker.update_at("a", (second - straggler) * SECOND, f64::NAN).is_err());
        }
    }
    assert_eq!((tracker.get("a").unwrap().samples, tracker.get("a").unwrap().location), (1000, 1.0));
    tracker.update_at("a", 1000 * SECOND, 1.0).unwrap();
    for second in 988..1000 {
        assert!(tracker.update_at("a", second * SECOND, 1.0).is_err());
    }
    assert!(tracker.update_at("a", 5 * SECOND, f64::NAN).is_err(), "a missing sample sets no clock back");
    tracker.update_at("a", 5 * SECOND, 1.0).unwrap();
    assert_eq!(tracker.update_at("a", 4 * SECOND, 1.0), Err(TrackError::Late { time: 4 * SECOND, last: 5 * SECOND }));
}

/// A source whose clock is wrong, by stamps that go on or that jump to and fro, moves no other series, and not the
/// clock by which they are idle.
#[test]
fn one_wrong_source_moves_no_other() {
    let feed = |wrong: &dyn Fn(i64) -> i64| {
        let mut tracker = hourly();
        for second in 0..2000 {
            if wrong(second) != 0 {
                let _ = tracker.update_at(&99, wrong(second) * SECOND, 7.0);
            }
            for key in 0..5 {
                tracker.update_at(&key, second * SECOND, (second * 7 % 11) as f64).unwrap();
            }
            if second < 100 {
                // One that ends, and is forgotten an hour after that.
                tracker.update_at(&50, second * SECOND, 1.0).unwrap();
            }
        }
        tracker
    };
    let alone = feed(&|_| 0);
    let wrongs: [&dyn Fn(i64) -> i64; 4] = [
        &|second| YEAR + second,
        &|second| second - YEAR,
        &|second| if second % 3 == 0 { YEAR } else { second },
        &|second| YEAR - second,
    ];
    for wrong in wrongs {
        let tracker = feed(wrong);
        for key in [0, 1, 2, 3, 4, 50] {
            assert_eq!(tracker.get(&key), alone.get(&key), "series {key}");
        }
    }
}

/// A series whose own silence was longer than the limit begins anew, though nothing else came meanwhile.
#[test]
fn a_silence_of_everything_ends_a_series_too() {
    for names in [&["a"][..], &["a", "b", "c"]] {
        for (gap, is_kept) in [(60, true), (61, false)] {
            let mut tracker = Tracker::<String>::new(counting()).unwrap().max_idle(Idle::Time(HALF_LIFE));
            for name in names {
                for second in 0..10 {
                    tracker.update_at(*name, second * SECOND, 1.0).unwrap();
                }
            }
            for name in names {
                // A missing sample is none, and ends nothing.
                tracker.update_at(*name, (9 + gap) * SECOND, f64::NAN).unwrap();
                let seen = tracker.update_at(*name, (9 + gap) * SECOND, 50.0).unwrap();
                assert_eq!(seen.location, if is_kept { 1.0 } else { 50.0 }, "{name} after {gap}");
                assert_eq!(tracker.get(*name).unwrap().samples, if is_kept { 11 } else { 1 });
            }
            let counters = tracker.counters();
            let gone = if is_kept { 0 } else { names.len() as u64 };
            assert_eq!((counters.expired, counters.created), (gone, names.len() as u64 + gone));
        }
    }
}

fn hourly() -> Tracker<u32> {
    Tracker::new(counting()).unwrap().max_idle(Idle::Time(Duration::from_secs(3600)))
}

/// Where the clock stands still for a while and then moves, because many say so, those who said so are not idle.
#[test]
fn who_moves_the_clock_stays() {
    let rounds = |tracker: &mut Tracker<u32>, start: i64| {
        for round in 0..5 {
            for key in 0..50 {
                tracker.update_at(&key, (start + 60 * round) * SECOND, 1.0).unwrap();
            }
        }
    };
    // They fall silent for two hours, and come back one by one; all that the clock is told at first may be wrong.
    for (first, start) in [(-1, 0), (0, 7200), (9_000_000, 0), (-9_000_000, 0)] {
        let mut tracker = hourly();
        tracker.update_at(&99, first * SECOND, 1.0).unwrap();
        if start > 0 {
            rounds(&mut tracker, 0);
        }
        rounds(&mut tracker, start);
        tracker.expire();
        // Who was of the future with the clock that was wrong has another hour.
        let stays = if [-1, 9_000_000].contains(&first) { 51 } else { 50 };
        assert_eq!(tracker.len(), stays, "from {first}: who did not come back is gone");
        assert!((0..50).all(|key| tracker.get(&key).is_some()));
        tracker.update_at(&0, (start + 240 + 3600) * SECOND, 1.0).unwrap();
        tracker.expire();
        assert_eq!(tracker.len(), 50);
        tracker.update_at(&0, (start + 240 + 3601) * SECOND, 1.0).unwrap();
        tracker.expire();
        assert_eq!(tracker.len(), 1, "the others have been idle for longer than an hour now");
    }
}

/// What came without a time, or from a tracker that had no use for one, is seen with the first sample.
#[test]
fn nobody_is_idle_before_the_first_sample() {
    let now = 1_700_000_000 * SECOND;
    let mut begun = hourly();
    for key in 0..5 {
        assert!(begun.begin(&key, None).unwrap());
    }
    let mut other = Tracker::<u32>::new(counting()).unwrap();
    for key in 0..5 {
        other.update(&key, 1.0).unwrap();
    }
    let mut bytes = Vec::new();
    other.write_snapshot(&mut bytes, b"").unwrap();
    let mut added = hourly();
    added.add_snapshot(&bytes).unwrap();
    let mut read = hourly();
    read.read_snapshot(&bytes).unwrap();
    let mut before = Tracker::<u32>::new(counting()).unwrap();
    before.read_snapshot(&bytes).unwrap();
    let before = before.max_idle(Idle::Time(Duration::from_secs(3600)));
    for mut tracker in [begun, added, read, before] {
        assert_eq!(tracker.expire(), 0);
        tracker.update_at(&0, now, 1.0).unwrap();
        tracker.update_at(&0, now + 3600 * SECOND, 1.0).unwrap();
        assert_eq!((tracker.expire(), tracker.len()), (0, 5));
        tracker.update_at(&0, now + 3601 * SECOND, 1.0).unwrap();
        assert_eq!(tracker.len(), 3, "a sample forgets two");
        tracker.expire();
        assert_eq!((tracker.counters().expired, tracker.len()), (4, 1));
    }
}

/// Series that are added to a tracker with a clock are not idle before it has gone on for as long as that.
#[test]
fn what_is_added_is_seen_now() {
    let now = 1_700_000_000 * SECOND;
    let mut other = Tracker::<u32>::new(counting()).unwrap();
    other.update_at(&5, 0, 1.0).unwrap();
    let mut bytes = Vec::new();
    other.write_snapshot(&mut bytes, b"").unwrap();
    let mut tracker = hourly();
    tracker.update_at(&0, now, 1.0).unwrap();
    tracker.add_snapshot(&bytes).unwrap();
    tracker.update_at(&0, now + 3600 * SECOND, 1.0).unwrap();
    assert!(tracker.get(&5).is_some());
    tracker.update_at(&0, now + 3601 * SECOND, 1.0).unwrap();
    assert!(tracker.get(&5).is_none());
}

/// Idle is who has been so for longer than the limit, and not for as long.
#[test]
fn a_jump_of_exactly_the_limit_forgets_nobody() {
    for (time, stays) in [(110, true), (111, false)] {
        let mut tracker = Tracker::<u32>::new(counting()).unwrap().max_idle(Idle::Time(Duration::from_nanos(10)));
        tracker.update_at(&1, 0, 1.0).unwrap();
        tracker.update_at(&1, 100, 1.0).unwrap();
        tracker.update_at(&2, time, 1.0).unwrap();
        assert_eq!(tracker.get(&1).is_some(), stays, "{time}");
    }
}

/// Where samples are counted, a time is no number of samples.
#[test]
fn times_do_not_keep_who_is_idle_by_samples() {
    let mut tracker = Tracker::<u32>::new(counting()).unwrap().max_idle(Idle::Samples(2));
    tracker.update_at(&1, 5, 1.0).unwrap();
    for time in 1..6 {
        tracker.update_at(&2, time, 1.0).unwrap();
    }
    assert!(tracker.get(&1).is_none());
}

#[test]
fn a_lower_limit_holds_at_once() {
    let mut tracker = Tracker::<u32>::new(counting()).unwrap();
    for key in 0..100 {
        tracker.update(&key, 1.0).unwrap();
    }
    let mut tracker = tracker.max_series(10, Overflow::Evict);
    assert_eq!((tracker.len(), tracker.counters().evicted), (10, 90));
    assert!(tracker.get(&90).is_some() && tracker.get(&89).is_none());
    tracker.update(&7, f64::INFINITY).unwrap();
    assert_eq!((tracker.len(), tracker.counters().evicted), (10, 90), "no series begins with an infinity");
}

/// A series' last time is not forgotten with a sample that has none.
#[test]
fn late_is_late_after_a_sample_without_time() {
    let mut tracker = Tracker::<u32>::new(counting()).unwrap();
    tracker.update_at(&1, 100, 1.0).unwrap();
    tracker.update(&1, 1.0).unwrap();
    assert_eq!(tracker.update_at(&1, 99, 1.0), Err(TrackError::Late { time: 99, last: 100 }));
}

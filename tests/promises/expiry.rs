//! A tracker whose series come and go, against a plain model: a list of series in order of their last sample, each with the
//! specification of its own, and counters kept apart.

use crate::{oracle, support};
use core::time::Duration;
use evenkeel::{Counters, Decay, Idle, Overflow, RobustMean, TrackError, Tracker};
use oracle::Float;
use oracle::tracker::{Answer, HALF_LIFE, Model};
use support::both_types;
use support::random::Random;

const SECOND: i64 = 1_000_000_000;

/// Random series, times, samples and limits, every answer and every counter.
fn series_come_and_go<T: Float>() {
    for seed in 0..60 {
        let mut random = Random::new(900 + seed);
        let timed = seed % 3 == 0;
        let has_times = timed || seed % 3 == 1;
        let whole = seed % 2 == 0;
        let decay = if timed { Decay::half_life_time(HALF_LIFE) } else { Decay::half_life(60.0) }.unwrap();
        let rule = RobustMean::new(decay);
        let idle = match random.below(4) {
            0 => None,
            1 if has_times => Some(Idle::Time(Duration::from_secs(20 + random.below(200) as u64))),
            _ => Some(Idle::Samples(random.below(60) as u64)),
        };
        let most = [usize::MAX, 0, 1, 2, 7, 20][random.below(6)];
        let overflow = [Overflow::Refuse, Overflow::Evict][random.below(2)];
        let mut tracker = Tracker::<u32, RobustMean, T>::new(rule).unwrap().max_series(most, overflow);
        if whole {
            tracker = tracker.whole_numbers(rule.resolution(1.0).unwrap()).unwrap();
        }
        if let Some(idle) = idle {
            tracker = tracker.max_idle(idle);
        }
        let mut model = Model {
            series: Vec::new(),
            in_time: timed,
            most,
            overflow,
            idle,
            now: None,
            astray: 0,
            counters: Counters::default(),
        };
        let mut given = 0;
        for round in 0..3000_i64 {
            // Keys move on, so that old ones fall silent.
            let key = u32::try_from(round / 200).unwrap() + u32::try_from(random.below(12)).unwrap();
            let time = round * SECOND
                + match random.below(40) {
                    0 => -50 * SECOND,
                    1 => 500 * SECOND,
                    2 => -i64::try_from(random.below(2_000_000_000)).unwrap(),
                    _ => 0,
                };
            let time = has_times.then_some(if random.below(500) == 0 { i64::MAX - round } else { time });
            let sample = match random.below(10) {
                0 => random.hostile::<T>(1, 1)[0],
                1..=5 => T::from_f64((10.0 + 3.0 * random.gauss()).round()),
                _ => T::from_f64(if key % 2 == 0 { 10.0 + random.gauss() } else { 4.0 }),
            };
            let found = match time {
                Some(time) => tracker.update_at(&key, time, sample),
                None => tracker.update(&key, sample),
            };
            given += 1;
            let expected = model.update(key, time, sample, whole);
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
        assert_eq!(given, model.given());
        model.compare(&tracker);
    }
}

both_types!(series_come_and_go);

fn counting() -> RobustMean {
    RobustMean::new(Decay::half_life(60.0).unwrap())
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
    tracker.update_at("a", i64::MIN, 1.0).unwrap();
    tracker.update_at("a", i64::MAX, 2.0).unwrap();
    assert_eq!(tracker.update_at("a", 0, 2.0), Err(TrackError::Late { time: 0, last: i64::MAX }));
    assert_eq!(tracker.get("a").unwrap().last, Some(i64::MAX));
}

/// A series whose clock was wrong once is idle like any other, and begins anew.
#[test]
fn a_series_of_the_future_expires() {
    let mut tracker = Tracker::<String>::new(counting()).unwrap().max_idle(Idle::Time(HALF_LIFE));
    for second in 0..200 {
        for name in ["a", "b", "c"] {
            let time = if (second, name) == (10, "b") { i64::MAX } else { second * SECOND };
            let late = tracker.update_at(name, time, 1.0).is_err();
            assert_eq!(late, name == "b" && (11..=70).contains(&second), "{name} at {second}");
        }
    }
    assert_eq!((tracker.counters().expired, tracker.counters().created, tracker.len()), (1, 4, 3));
}

//! A tracker whose series come and go, against a plain model: a list of series in order of their last sample, each with the
//! specification of its own, and counters kept apart.

mod oracle;
mod support;

use core::time::Duration;
use evenkeel::{Counters, Decay, Idle, Overflow, RobustMean, TrackError, Tracker};
use oracle::{Float, Parameters, Spec, State};
use support::both_types;
use support::random::Random;

const HALF_LIFE: Duration = Duration::from_secs(60);
const SECOND: i64 = 1_000_000_000;

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos().try_into().unwrap()
}

/// One series of the model.
struct Known<T> {
    key: u32,
    state: State<T>,
    samples: u64,
    outliers: u64,
    last: Option<i64>,
    seen: i64,
    is_whole: bool,
}

/// The least that a tracker could be, the longest idle first.
struct Model<T> {
    series: Vec<Known<T>>,
    in_time: bool,
    most: usize,
    overflow: Overflow,
    idle: Option<Idle>,
    now: Option<i64>,
    astray: u64,
    counters: Counters,
}

#[derive(Debug, PartialEq)]
enum Answer {
    /// The bits of the location, whether it counted, was an outlier, re-opened.
    Taken(u64, bool, bool, bool),
    Late,
    Full,
    Passed,
}

fn step<T: Float>(
    model_in_time: bool,
    known: &Known<T>,
    time: Option<i64>,
    sample: T,
) -> (State<T>, oracle::Outcome<T>) {
    let alpha = if model_in_time {
        let elapsed = match (time, known.last) {
            (Some(time), Some(last)) => (time - last) as f64,
            _ => 0.0,
        };
        // A first sample has nothing to decay.
        let alpha =
            if elapsed == 0.0 { 0.0 } else { Decay::half_life(HALF_LIFE.as_nanos() as f64 / elapsed).unwrap().gain() };
        alpha.min(1.0 - 1.0 / 1_048_576.0)
    } else {
        Decay::half_life(60.0).unwrap().gain()
    };
    let resolution_floor = if known.is_whole { 0.5 } else { 0.0 };
    let (mut state, outcome) =
        Spec::<T>::new(&Parameters { alpha, resolution_floor, ..Parameters::new(0.5) }).step(&known.state, sample);
    if model_in_time {
        let steps = if T::AGE_BITS > 23 { 2.0_f64.powi(24) } else { 2.0_f64.powi(8) };
        state.age = T::from_f64((state.age.to_f64() * steps).ceil() / steps);
    }
    (state, outcome)
}

impl<T: Float> Model<T> {
    fn tick(&mut self, time: Option<i64>) -> i64 {
        let now = if let (Some(Idle::Time(limit)), Some(time)) = (self.idle, time) {
            let now = self.now.unwrap_or(time);
            if (time - now).unsigned_abs() <= nanoseconds(limit) {
                self.astray = self.astray.saturating_sub(1);
                now.max(time)
            } else if self.astray < self.series.len() as u64 {
                self.astray += 1;
                now
            } else {
                self.astray = 0;
                time
            }
        } else {
            self.now.unwrap_or(0) + 1
        };
        self.now = Some(now);
        now
    }

    /// Forgets idle series from the longest idle on, until one is not.
    fn forget_idle(&mut self, most: usize) {
        let limit = match self.idle {
            None => return,
            Some(Idle::Time(limit)) => nanoseconds(limit),
            Some(Idle::Samples(limit)) => limit,
            Some(_) => unreachable!(),
        };
        for _ in 0..most {
            let is_idle =
                self.series.first().zip(self.now).is_some_and(|(known, now)| (now - known.seen).unsigned_abs() > limit);
            if !is_idle {
                return;
            }
            self.series.remove(0);
            self.counters.expired += 1;
        }
    }

    fn update(&mut self, key: u32, time: Option<i64>, sample: T, whole: bool) -> Answer {
        let place = self.series.iter().position(|known| known.key == key);
        if let Some((time, last)) = time.zip(place.and_then(|place| self.series[place].last))
            && time < last
        {
            self.counters.late += 1;
            return Answer::Late;
        }
        let now = self.tick(time);
        let place = if let Some(place) = place {
            place
        } else {
            if self.series.len() >= self.most {
                self.forget_idle(2);
            }
            if self.series.len() >= self.most {
                if sample.nan() {
                    self.counters.missing += 1;
                    return Answer::Passed;
                }
                if self.overflow == Overflow::Refuse || self.series.is_empty() {
                    self.counters.full += 1;
                    return Answer::Full;
                }
                self.series.remove(0);
                self.counters.evicted += 1;
            }
            self.counters.created += 1;
            let state = State::unseen();
            self.series.push(Known { key, state, samples: 0, outliers: 0, last: None, seen: now, is_whole: whole });
            self.series.len() - 1
        };
        let known = &mut self.series[place];
        if !sample.nan() {
            let number = sample.to_f64();
            known.is_whole &= number.is_infinite() || number == number.floor();
        }
        let (state, outcome) = step(self.in_time, known, time, sample);
        let answer =
            Answer::Taken(state.location.to_word(), outcome.accepted, outcome.strike, outcome.opened && !outcome.first);
        if outcome.accepted {
            self.counters.samples += 1;
            self.counters.outliers += u64::from(outcome.strike);
            self.counters.reopenings += u64::from(outcome.opened && !outcome.first);
            known.state = state;
            known.samples += 1;
            known.outliers += u64::from(outcome.strike);
            known.last = time;
            known.seen = now;
            let known = self.series.remove(place);
            self.series.push(known);
        } else {
            self.counters.missing += 1;
        }
        self.forget_idle(2);
        answer
    }
}

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
            let is_passed = expected == Answer::Passed;
            let found = match found {
                Ok(seen) if is_passed => {
                    assert!(!seen.accepted && seen.location.nan());
                    Answer::Passed
                }
                Ok(seen) if seen.location.nan() => {
                    Answer::Taken(State::<T>::unseen().location.to_word(), false, false, false)
                }
                Ok(seen) => Answer::Taken(seen.location.to_word(), seen.accepted, seen.outlier, seen.reopened),
                Err(TrackError::Late { .. }) => Answer::Late,
                Err(TrackError::Full { .. }) => Answer::Full,
                Err(error) => panic!("{error}"),
            };
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
        let counters = tracker.counters();
        assert_eq!(counters, model.counters, "seed {seed}");
        assert_eq!(given, counters.samples + counters.missing + counters.late + counters.full);
        let gone = counters.expired + counters.evicted + counters.removed;
        assert_eq!(counters.created, tracker.len() as u64 + gone);
        assert_eq!(tracker.len(), model.series.len());
        assert_eq!(tracker.bank().len(), tracker.len());
        for known in &model.series {
            let series = tracker.get(&known.key).unwrap();
            assert!(series.location.nan() || series.location.to_word() == known.state.location.to_word());
            assert_eq!((series.samples, series.outliers, series.last), (known.samples, known.outliers, known.last));
        }
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

//! A tracker whose series come and go, as plainly as can be: a list of series in the order of their last sample, each with the
//! specification of its own, and counters kept apart.

use super::{Float, Outcome, Parameters, Spec, State};
use core::time::Duration;
use evenkeel::{Counters, Decay, Idle, Overflow, RobustMean, TrackError, Tracker, Update};

/// Of a model whose decay is in time, and in samples of one second.
pub(crate) const HALF_LIFE: Duration = Duration::from_secs(60);

/// How far two times are from each other.
fn apart(one: i64, other: i64) -> u128 {
    (i128::from(one) - i128::from(other)).unsigned_abs()
}

/// One series of the model.
pub(crate) struct Known<T> {
    pub(crate) key: u32,
    pub(crate) state: State<T>,
    pub(crate) samples: u64,
    pub(crate) outliers: u64,
    pub(crate) last: Option<i64>,
    pub(crate) seen: i64,
    pub(crate) is_whole: bool,
}

/// The least that a tracker could be, the longest idle first.
pub(crate) struct Model<T> {
    pub(crate) series: Vec<Known<T>>,
    pub(crate) in_time: bool,
    pub(crate) most: usize,
    pub(crate) overflow: Overflow,
    pub(crate) idle: Option<Idle>,
    pub(crate) now: Option<i64>,
    pub(crate) astray: u64,
    pub(crate) counters: Counters,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// The bits of the location, whether it counted, was an outlier, re-opened.
    Taken(u64, bool, bool, bool),
    Late,
    Full,
    Passed,
}

impl Answer {
    /// What a tracker said, in words that can be compared with `expected`.
    pub(crate) fn of<T: Float>(said: Result<Update<T>, TrackError>, expected: &Self) -> Self {
        match said {
            Ok(seen) if *expected == Self::Passed => {
                assert!(!seen.accepted && seen.location.nan());
                Self::Passed
            }
            // Which NaN it is, is nobody's business.
            Ok(seen) if seen.location.nan() => {
                Self::Taken(State::<T>::unseen().location.to_word(), false, false, false)
            }
            Ok(seen) => Self::Taken(seen.location.to_word(), seen.accepted, seen.outlier, seen.reopened),
            Err(TrackError::Late { .. }) => Self::Late,
            Err(TrackError::Full { .. }) => Self::Full,
            Err(error) => panic!("{error}"),
        }
    }
}

fn step<T: Float>(model_in_time: bool, known: &Known<T>, time: Option<i64>, sample: T) -> (State<T>, Outcome<T>) {
    let alpha = if model_in_time {
        let elapsed = match (time, known.last) {
            (Some(time), Some(last)) => apart(time, last) as f64,
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
    /// How many samples there were, by the counters.
    pub(crate) fn given(&self) -> u64 {
        let Counters { samples, missing, late, full, .. } = self.counters;
        samples + missing + late + full
    }

    /// Whether a tracker knows what the model knows, and nothing else.
    pub(crate) fn compare(&self, tracker: &Tracker<u32, RobustMean, T>) {
        let counters = tracker.counters();
        assert_eq!(counters, self.counters);
        let gone = counters.expired + counters.evicted + counters.removed;
        assert_eq!(counters.created, tracker.len() as u64 + gone);
        assert_eq!((tracker.len(), tracker.bank().len()), (self.series.len(), self.series.len()));
        for known in &self.series {
            let series = tracker.get(&known.key).expect("the model knows it");
            assert!(series.location.nan() || series.location.to_word() == known.state.location.to_word());
            assert_eq!((series.samples, series.outliers, series.last), (known.samples, known.outliers, known.last));
        }
    }

    fn tick(&mut self, time: Option<i64>) -> i64 {
        let is_first = self.now.is_none();
        let now = if let (Some(Idle::Time(limit)), Some(time)) = (self.idle, time) {
            let now = self.now.unwrap_or(time);
            if apart(time, now) <= limit.as_nanos() {
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
        if is_first {
            self.series.iter_mut().for_each(|known| known.seen = now);
        }
        now
    }

    /// Forgets idle series from the longest idle on, until one is not.
    pub(crate) fn forget_idle(&mut self, most: usize) {
        let limit = match self.idle {
            None => return,
            Some(Idle::Time(limit)) => limit.as_nanos(),
            Some(Idle::Samples(limit)) => limit.into(),
            Some(_) => unreachable!(),
        };
        let Some(now) = self.now else { return };
        for _ in 0..most {
            match self.series.first() {
                Some(known) if apart(now, known.seen) > limit => {}
                _ => return,
            }
            let mut known = self.series.remove(0);
            match known.last {
                Some(last) if matches!(self.idle, Some(Idle::Time(_))) && apart(now, last) <= limit => {
                    known.seen = last;
                    self.series.push(known);
                }
                _ => self.counters.expired += 1,
            }
        }
    }

    pub(crate) fn update(&mut self, key: u32, time: Option<i64>, sample: T, whole: bool) -> Answer {
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
                if sample.nan() || sample.to_f64().is_infinite() {
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
            known.last = time.or(known.last);
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

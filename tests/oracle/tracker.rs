//! A tracker whose series come and go, as plainly as can be: a list of series in the order of their last sample, each
//! with the specification of its own, and counters kept apart.

use super::{Float, Specification, grid};
use core::time::Duration;
use evenkeel::{Counters, Idle, Overflow, TrackError, Tracker, Update};

/// Of a model whose decay is in time.
pub(crate) const HALF_LIFE: Duration = Duration::from_secs(60);

/// How far two times are from each other.
fn apart(one: i64, other: i64) -> u128 {
    (i128::from(one) - i128::from(other)).unsigned_abs()
}

/// One series of the model.
pub(crate) struct Known<S> {
    pub(crate) key: u32,
    pub(crate) state: S,
    pub(crate) samples: u64,
    pub(crate) outliers: u64,
    pub(crate) last: Option<i64>,
    /// Samples in a row that were late and are not missing.
    pub(crate) late: u32,
    pub(crate) seen: i64,
}

/// So many late samples in a row are refused.
pub(crate) const MOST_LATE: u32 = 12;

/// The least that a tracker could be, the longest idle first.
pub(crate) struct Model<O: Specification<T>, T: Float> {
    pub(crate) spec: O,
    pub(crate) series: Vec<Known<O::State>>,
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
            Ok(seen) if seen.location.nan() => Self::Taken(T::NAN.to_word(), false, false, false),
            Ok(seen) => Self::Taken(seen.location.to_word(), seen.accepted, seen.outlier, seen.reopened),
            Err(TrackError::Late { .. }) => Self::Late,
            Err(TrackError::Full { .. }) => Self::Full,
            Err(error) => panic!("{error}"),
        }
    }
}

impl<O: Specification<T>, T: Float> Model<O, T> {
    pub(crate) fn new(spec: O, most: usize, overflow: Overflow, idle: Option<Idle>) -> Self {
        let counters = Counters::default();
        Self { spec, series: Vec::new(), most, overflow, idle, now: None, astray: 0, counters }
    }

    /// How many samples there were, by the counters.
    pub(crate) fn given(&self) -> u64 {
        let Counters { samples, missing, late, full, .. } = self.counters;
        samples + missing + late + full
    }

    /// Whether a tracker knows what the model knows, and nothing else.
    pub(crate) fn compare(&self, tracker: &Tracker<u32, O::Rule, T>) {
        let counters = tracker.counters();
        assert_eq!(counters, self.counters);
        let gone = counters.expired + counters.evicted + counters.removed;
        assert_eq!(counters.created, tracker.len() as u64 + gone);
        assert_eq!((tracker.len(), tracker.bank().len()), (self.series.len(), self.series.len()));
        for known in &self.series {
            let series = tracker.get(&known.key).expect("the model knows it");
            let [location, scale, age] = self.spec.reading(&known.state);
            assert!(age == T::ZERO && series.location.nan() || series.location.to_word() == location.to_word());
            assert!(age == T::ZERO && series.scale.nan() || series.scale.to_word() == scale.to_word());
            let mut state = known.state;
            let step = self.spec.learns().then(|| grid::step(*O::exponent(&mut state)));
            assert_eq!(tracker.step(&known.key), step, "series {}", known.key);
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
                // The clock was wrong when it saw a series that was as wrong.
                Some(last) if matches!(self.idle, Some(Idle::Time(_))) && last > now && known.seen > now => {
                    known.seen = now;
                    self.series.push(known);
                }
                _ => self.counters.expired += 1,
            }
        }
    }

    /// Begins a series with the step in which it is known to be recorded; false if it is there.
    pub(crate) fn begin(&mut self, key: u32, step: Option<f64>) -> Result<bool, Answer> {
        if self.series.iter().any(|known| known.key == key) {
            return Ok(false);
        }
        let place = self.add(key, self.now.unwrap_or(0), false)?;
        if let Some(step) = step.filter(|_| self.spec.learns()) {
            *O::exponent(&mut self.series[place].state) = grid::exponent(step);
        }
        Ok(true)
    }

    /// Room for one more series, and its place.
    fn add(&mut self, key: u32, now: i64, is_missing: bool) -> Result<usize, Answer> {
        if self.series.len() >= self.most {
            self.forget_idle(2);
        }
        if self.series.len() >= self.most {
            if is_missing {
                self.counters.missing += 1;
                return Err(Answer::Passed);
            }
            if self.overflow == Overflow::Refuse || self.series.is_empty() {
                self.counters.full += 1;
                return Err(Answer::Full);
            }
            self.series.remove(0);
            self.counters.evicted += 1;
        }
        self.counters.created += 1;
        self.series.push(Known { key, state: O::unseen(), samples: 0, outliers: 0, last: None, late: 0, seen: now });
        Ok(self.series.len() - 1)
    }

    pub(crate) fn update(&mut self, key: u32, time: Option<i64>, sample: T) -> Answer {
        let mut place = self.series.iter().position(|known| known.key == key);
        let last = place.and_then(|place| self.series[place].last);
        let limit = match self.idle {
            Some(Idle::Time(limit)) => i128::try_from(limit.as_nanos()).unwrap(),
            _ => i128::MAX,
        };
        let mut is_set_back = false;
        let mut ticked = None;
        if let (Some(time), Some(last), Some(place)) = (time, last, place)
            && time < last
        {
            let mut is_wrong = self.series[place].late == MOST_LATE;
            if limit < i128::MAX {
                let now = self.tick(Some(time));
                let is_right = (i128::from(time) - i128::from(now)).abs() <= limit;
                is_wrong |= is_right && i128::from(last) - i128::from(now) > limit;
                ticked = Some(now);
            }
            if sample.nan() || !is_wrong {
                self.counters.late += 1;
                let late = &mut self.series[place].late;
                *late = (*late + u32::from(!sample.nan())).min(MOST_LATE);
                return Answer::Late;
            }
            is_set_back = true;
        }
        let now = ticked.unwrap_or_else(|| self.tick(time));
        if let (Some(time), Some(last), Some(silent)) = (time, last, place)
            && i128::from(time) - i128::from(last) > limit
            && !sample.nan()
        {
            self.series.remove(silent);
            self.counters.expired += 1;
            place = None;
        }
        let place = match place {
            Some(place) => place,
            None => match self.add(key, now, sample.nan() || sample.to_f64().is_infinite()) {
                Ok(place) => place,
                Err(answer) => return answer,
            },
        };
        let known = &mut self.series[place];
        // Before its first sample with a time, a series has nothing to decay.
        let elapsed = time.zip(known.last).filter(|_| !is_set_back).map_or(0, |(time, last)| time.abs_diff(last));
        let (state, outcome) = self.spec.step_at(&known.state, sample, Duration::from_nanos(elapsed));
        let [location, ..] = self.spec.reading(&state);
        let reopened = outcome.opened && !outcome.first;
        if outcome.accepted {
            self.counters.samples += 1;
            self.counters.outliers += u64::from(outcome.strike);
            self.counters.reopenings += u64::from(reopened);
            known.state = state;
            known.samples += 1;
            known.outliers += u64::from(outcome.strike);
            known.last = time.or(known.last);
            known.late = if time.is_some() { 0 } else { known.late };
            known.seen = now;
            let known = self.series.remove(place);
            self.series.push(known);
        } else {
            self.counters.missing += 1;
        }
        self.forget_idle(2);
        Answer::Taken(location.to_word(), outcome.accepted, outcome.strike, reopened)
    }
}

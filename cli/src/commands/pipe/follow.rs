//! The estimators of all series, by name: the library's [`Tracker`] as the command line asks for it.

use super::names;
use crate::engine::{cleaned, robust};
use crate::failure::Failure;
use crate::settings::{Preset, RuleArgs};
use crate::text::time;
use clap::{Args, ValueEnum};
use evenkeel::{ChannelsError, Counters, Idle, Overflow, Scored, SnapshotError, Timed, TrackError, Tracker, Update};
use std::fmt::Debug;
use std::io;
use std::str::FromStr;

/// How many series are followed, and how long.
#[derive(Clone, Debug, Args)]
pub(super) struct KeepArgs {
    /// How many series there may be at once. By default there is no limit.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Series")]
    max_series: Option<u32>,

    /// What is done with one series more: `refuse` passes its records on without adding anything, `evict` forgets the
    /// series that has been idle the longest.
    #[arg(long, value_enum, default_value_t = OnOverflow::Refuse, requires = "max_series", help_heading = "Series")]
    overflow: OnOverflow,

    /// Forget a series that has had no sample for so long: a time such as 15m or 2h, by the times of the records, or a
    /// number of samples of other series. By default none is forgotten. A series with one sample from the future takes no
    /// other one until its time has come, unless it is forgotten before.
    #[arg(long, value_name = "DURATION|N", value_parser = MaxIdle::from_str, help_heading = "Series")]
    max_idle: Option<MaxIdle>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnOverflow {
    Refuse,
    Evict,
}

/// How long a series may be idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MaxIdle(Idle);

impl FromStr for MaxIdle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let idle = match text.parse() {
            Ok(samples) => Some(Idle::Samples(samples)),
            Err(_) => time::duration(text).map(Idle::Time),
        };
        idle.map(Self)
            .ok_or_else(|| "expected a number of samples, or a time with a unit, such as 90s or 2h".to_owned())
    }
}

/// One sample of one series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// NaN is a missing one.
    pub(super) value: f64,
    /// When it was taken, in nanoseconds since 1970, where anybody needs to know.
    pub(super) time: Option<i64>,
}

/// A [`Tracker`] of whatever rule.
trait Track: Debug {
    fn update(&mut self, name: &str, value: f64) -> Result<Update<f64>, TrackError>;
    fn update_at(&mut self, name: &str, time: i64, value: f64) -> Result<Update<f64>, TrackError>;
    fn names(&self) -> Box<dyn ExactSizeIterator<Item = &String> + '_>;
    fn counters(&self) -> Counters;
    fn write(&self, out: &mut Vec<u8>, note: &[u8]) -> io::Result<()>;
    fn read(&mut self, bytes: &[u8]) -> Result<(), SnapshotError>;
}

impl<R: Scored + Timed> Track for Tracker<String, R> {
    fn update(&mut self, name: &str, value: f64) -> Result<Update<f64>, TrackError> {
        Self::update(self, name, value)
    }

    fn update_at(&mut self, name: &str, time: i64, value: f64) -> Result<Update<f64>, TrackError> {
        Self::update_at(self, name, time, value)
    }

    fn names(&self) -> Box<dyn ExactSizeIterator<Item = &String> + '_> {
        Box::new(self.iter().map(|(name, _)| name))
    }

    fn counters(&self) -> Counters {
        Self::counters(self)
    }

    fn write(&self, out: &mut Vec<u8>, note: &[u8]) -> io::Result<()> {
        self.write_snapshot(out, note)
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.read_snapshot(bytes)
    }
}

/// What the command line asks for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) rule: RuleArgs,
    /// Nothing where it leaves the preset open: then a state has the one that it was made by.
    pub(super) preset: Option<Preset>,
    pub(super) keep: KeepArgs,
}

impl Wish {
    /// No series yet.
    fn tracker(&self, preset: Preset) -> Result<Box<dyn Track>, ChannelsError> {
        Ok(match preset {
            Preset::Clean => Box::new(self.limited(cleaned(&self.rule)?)?),
            Preset::Robust | Preset::Mean => Box::new(self.limited(robust(&self.rule, preset)?)?),
        })
    }

    fn limited<R: Scored + Timed>(&self, rule: R) -> Result<Tracker<String, R>, ChannelsError> {
        let mut tracker = Tracker::new(rule)?;
        if let Some(series) = self.keep.max_series {
            let overflow = match self.keep.overflow {
                OnOverflow::Refuse => Overflow::Refuse,
                OnOverflow::Evict => Overflow::Evict,
            };
            tracker = tracker.max_series(series as usize, overflow);
        }
        if let Some(MaxIdle(idle)) = self.keep.max_idle {
            tracker = tracker.max_idle(idle);
        }
        Ok(tracker)
    }
}

#[derive(Debug)]
pub(super) struct Follow {
    wish: Wish,
    preset: Preset,
    tracker: Box<dyn Track>,
    /// Whether every sample must have a time.
    is_in_time: bool,
    /// Samples that would have had to have one.
    timeless: u64,
    /// The series of the last sample that came late.
    last_late: String,
    /// Series and counters at the beginning.
    resumed: u64,
    before: Counters,
}

impl Follow {
    pub(super) fn new(wish: Wish) -> Result<Self, Failure> {
        let preset = wish.preset.unwrap_or_default();
        let is_in_time = wish.rule.is_in_time() || matches!(wish.keep.max_idle, Some(MaxIdle(Idle::Time(_))));
        Ok(Self {
            preset,
            tracker: wish.tracker(preset)?,
            wish,
            is_in_time,
            timeless: 0,
            last_late: String::new(),
            resumed: 0,
            before: Counters::default(),
        })
    }

    /// The preset of the state, where it is none that was asked for, and not the default.
    pub(super) fn inherited(&self) -> Option<Preset> {
        (self.wish.preset.is_none() && self.preset != Preset::default()).then_some(self.preset)
    }

    /// Whether samples need their times. Where they do not, samples count in the order in which they come.
    pub(super) fn is_in_time(&self) -> bool {
        self.is_in_time
    }

    /// The next sample of a series. The numbers that are to be added, as [`ENDINGS`](super::names::ENDINGS) has them and not all
    /// of them finite; none where the sample is not taken.
    #[inline]
    pub(super) fn update(&mut self, name: &str, sample: Sample) -> Result<Option<[f64; 3]>, Failure> {
        let Sample { value, time } = sample;
        let update = match time {
            Some(time) if self.is_in_time => self.tracker.update_at(name, time, value),
            None if self.is_in_time => {
                self.timeless += 1;
                return Ok(None);
            }
            _ => self.tracker.update(name, value),
        };
        match update {
            Ok(Update { location, scale, score, .. }) => Ok(Some([location, scale, score])),
            Err(TrackError::Late { .. }) => {
                name.clone_into(&mut self.last_late);
                Ok(None)
            }
            Err(TrackError::Full { .. }) => Ok(None),
            Err(error) => Err(Failure::Failed(error.into())),
        }
    }

    /// How many samples of this process have come late, and the series of the last one.
    pub(super) fn late(&self) -> (u64, &str) {
        (self.tracker.counters().late - self.before.late, &self.last_late)
    }

    /// Writes the state of every series.
    pub(super) fn write(&self, out: &mut Vec<u8>, note: &[u8]) -> io::Result<()> {
        self.tracker.write(out, note)
    }

    /// Takes over the state of every series: by the preset that the command line asks for, or else by the one that the state
    /// was made by, so that a command that leaves it open goes on when the default has become another one.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let mut refused = None;
        for preset in self.wish.preset.map_or(Preset::ALL.to_vec(), |preset| vec![preset]) {
            let mut tracker = self.wish.tracker(preset)?;
            match tracker.read(bytes) {
                Ok(()) => {
                    (self.resumed, self.before) = (tracker.names().len() as u64, tracker.counters());
                    (self.preset, self.tracker) = (preset, tracker);
                    return Ok(());
                }
                Err(error @ SnapshotError::Rule { .. }) => {
                    let nearer = refused.take().filter(|other| distance(other) <= distance(&error));
                    refused = Some(nearer.unwrap_or(error));
                }
                Err(error) => return Err(error),
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// Whether another process has left series, and none of them is of a column that is here.
    pub(super) fn is_of_others(&self, is_long: bool, is_here: &dyn Fn(&str) -> bool) -> bool {
        self.resumed > 0
            && !self.tracker.names().any(|name| names::column(name, is_long).is_some_and(|name| is_here(&name)))
    }

    /// How many series another process has left.
    pub(super) fn resumed(&self) -> u64 {
        self.resumed
    }

    /// What has been counted by this process, in the words of the summary.
    pub(super) fn counts(&self) -> Vec<(&'static str, u64)> {
        let (now, before) = (self.tracker.counters(), self.before);
        vec![
            ("samples", now.samples - before.samples),
            ("missing", now.missing - before.missing),
            ("late", now.late - before.late),
            ("refused", now.full - before.full),
            ("without time", self.timeless),
            ("outliers", now.outliers - before.outliers),
            ("re-openings", now.reopenings - before.reopenings),
            ("series", self.tracker.names().len() as u64),
            ("resumed", self.resumed),
            ("created", now.created - before.created),
            ("expired", now.expired - before.expired),
            ("evicted", now.evicted - before.evicted),
        ]
    }
}

/// How far the rule of a snapshot is from the one that it was to be read by: in how many parameters they differ, or all.
fn distance(error: &SnapshotError) -> usize {
    match error {
        SnapshotError::Rule { found, expected, differs } if name(found) == name(expected) => differs.split(',').count(),
        _ => usize::MAX,
    }
}

/// The name of a rule, without its parameters.
fn name(rule: &str) -> &str {
    rule.split('(').next().unwrap_or_default()
}

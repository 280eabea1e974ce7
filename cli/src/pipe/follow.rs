//! The estimators of all series, by name: the library's [`Tracker`] as the command line asks for it.

use super::names;
use crate::args::{Preset, RuleArgs};
use crate::engine::{is_whole, robust_rules};
use crate::failure::Failure;
use crate::time;
use clap::{Args, ValueEnum};
use evenkeel::{Counters, Idle, Overflow, SnapshotError, TrackError, Tracker, Update};
use std::io;
use std::str::FromStr;

/// How many series are followed, and how long.
#[derive(Debug, Args)]
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
    /// The input says that its series is not one of integers, whatever its samples are.
    pub(super) is_fraction: bool,
}

#[derive(Debug)]
pub(super) struct Follow {
    tracker: Tracker<String>,
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
    pub(super) fn new(rule: &RuleArgs, preset: Preset, keep: &KeepArgs) -> Result<Self, Failure> {
        let (plain, whole) = robust_rules(rule, preset)?;
        let mut tracker = Tracker::new(plain)?;
        if let Some(whole) = whole {
            tracker = tracker.whole_numbers(whole)?;
        }
        if let Some(series) = keep.max_series {
            let overflow = match keep.overflow {
                OnOverflow::Refuse => Overflow::Refuse,
                OnOverflow::Evict => Overflow::Evict,
            };
            tracker = tracker.max_series(series as usize, overflow);
        }
        if let Some(MaxIdle(idle)) = keep.max_idle {
            tracker = tracker.max_idle(idle);
        }
        let is_in_time = rule.is_in_time() || matches!(keep.max_idle, Some(MaxIdle(Idle::Time(_))));
        Ok(Self { tracker, is_in_time, timeless: 0, last_late: String::new(), resumed: 0, before: Counters::default() })
    }

    /// Whether samples need their times. Where they do not, samples count in the order in which they come.
    pub(super) fn is_in_time(&self) -> bool {
        self.is_in_time
    }

    /// The next sample of a series. The numbers that are to be added, as [`ENDINGS`](super::names::ENDINGS) has them and not all
    /// of them finite; none where the sample is not taken.
    #[inline]
    pub(super) fn update(&mut self, name: &str, sample: Sample) -> Result<Option<[f64; 3]>, Failure> {
        let Sample { value, time, is_fraction } = sample;
        // A number with a fraction tells that by itself.
        let update = match time {
            _ if is_fraction && is_whole(value) && self.cannot_begin(name)? => return Ok(None),
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

    /// Begins a series that is not one of whole numbers, if it is new and numbers like that have a rule of their own. True if
    /// it is one too many.
    fn cannot_begin(&mut self, name: &str) -> Result<bool, Failure> {
        match self.tracker.begin(name, false) {
            Ok(_) => Ok(false),
            Err(TrackError::Full { .. }) => Ok(true),
            Err(error) => Err(Failure::Failed(error.into())),
        }
    }

    /// Writes the state of every series.
    pub(super) fn write(&self, out: &mut Vec<u8>, note: &[u8]) -> io::Result<()> {
        self.tracker.write_snapshot(out, note)
    }

    /// Takes over the state of every series.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.tracker.read_snapshot(bytes)?;
        (self.resumed, self.before) = (self.tracker.len() as u64, self.tracker.counters());
        Ok(())
    }

    /// Whether another process has left series, and none of them is of a column that is here.
    pub(super) fn is_of_others(&self, is_long: bool, is_here: &dyn Fn(&str) -> bool) -> bool {
        self.resumed > 0
            && !self.tracker.iter().any(|(name, _)| names::column(name, is_long).is_some_and(|name| is_here(&name)))
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
            ("series", self.tracker.len() as u64),
            ("resumed", self.resumed),
            ("created", now.created - before.created),
            ("expired", now.expired - before.expired),
            ("evicted", now.evicted - before.evicted),
        ]
    }
}

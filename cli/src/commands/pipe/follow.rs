//! The estimators of all series of a feed, by name, through states that earlier processes have left.

use super::names;
use crate::engine::named::{Named, named};
use crate::engine::too_old;
use crate::failure::Failure;
use crate::settings::{KeepArgs, Preset, RuleArgs};
use evenkeel::{ChannelsError, Counters, SnapshotError, TrackError, Update};
use std::io;

/// One sample of one series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// NaN is a missing one.
    pub(super) value: f64,
    /// When it was taken, in nanoseconds since 1970, where anybody needs to know.
    pub(super) time: Option<i64>,
}

/// The outcome of a sample.
pub(super) enum Outcome {
    /// Location, scale and score, as [`ENDINGS`](super::names::ENDINGS) names them; not all of them are finite.
    Known([f64; 3]),
    /// The sample is older than the last one of its series, in these words.
    Late(String),
    /// The sample is without a time that it needs, or of a series too many.
    NotFollowed,
}

/// The settings that the command line asks for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) rule: RuleArgs,
    /// The preset; none where the command line leaves it open, and a state has the one that it was made by.
    pub(super) preset: Option<Preset>,
    pub(super) keep: KeepArgs,
}

impl Wish {
    fn tracker(&self, preset: Preset) -> Result<Box<dyn Named>, ChannelsError> {
        named(&self.rule, preset, &self.keep)
    }
}

/// The estimators of all series of a feed.
#[derive(Debug)]
pub(super) struct Follow {
    wish: Wish,
    preset: Preset,
    tracker: Box<dyn Named>,
    /// Whether every sample must have a time.
    is_in_time: bool,
    /// Samples that would have had to have one.
    timeless: u64,
    /// Series and counters at the beginning.
    resumed: u64,
    before: Counters,
}

impl Follow {
    pub(super) fn new(wish: Wish) -> Result<Self, Failure> {
        let preset = wish.preset.unwrap_or_default();
        let is_in_time = wish.rule.is_in_time() || wish.keep.is_in_time();
        Ok(Self {
            preset,
            tracker: wish.tracker(preset)?,
            wish,
            is_in_time,
            timeless: 0,
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

    /// The next sample of a series.
    #[inline]
    pub(super) fn update(&mut self, name: &str, sample: Sample) -> Result<Outcome, Failure> {
        let Sample { value, time } = sample;
        let update = match time {
            Some(time) if self.is_in_time => self.tracker.update_at(name, time, value),
            None if self.is_in_time => {
                self.timeless += 1;
                return Ok(Outcome::NotFollowed);
            }
            _ => self.tracker.update(name, value),
        };
        match update {
            Ok(Update { location, scale, score, .. }) => Ok(Outcome::Known([location, scale, score])),
            Err(TrackError::Late { time, last }) => Ok(Outcome::Late(too_old(time, last))),
            Err(TrackError::Full { .. }) => Ok(Outcome::NotFollowed),
            Err(error) => Err(Failure::Failed(error.into())),
        }
    }

    /// Writes the state of every series to `out`, with `note` in its header.
    pub(super) fn write(&self, out: &mut Vec<u8>, note: &[u8]) -> io::Result<()> {
        self.tracker.write(out, note)
    }

    /// Takes over the state of every series: by the preset that the command line asks for, or else by the one that the state
    /// was made by, so that a command that leaves it open goes on when the default has become another one.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let (preset, result) = self.nearest(bytes)?;
        self.adopt(preset, result?);
        Ok(())
    }

    /// Takes over the state of every series that was made with other parameters. The preset is chosen as in
    /// [`read`](Self::read): where none is asked for, it is the nearest to what the state was made by.
    pub(super) fn convert(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let (preset, _) = self.nearest(bytes)?;
        let mut tracker = self.wish.tracker(preset)?;
        tracker.convert(bytes)?;
        self.adopt(preset, tracker);
        Ok(())
    }

    /// The preset by which a state is read, with its series, or with the reason why not even that one fits.
    #[allow(clippy::type_complexity)]
    fn nearest(&self, bytes: &[u8]) -> Result<(Preset, Result<Box<dyn Named>, SnapshotError>), SnapshotError> {
        let mut nearest: Option<(Preset, SnapshotError)> = None;
        for preset in self.wish.preset.map_or(Preset::ALL.to_vec(), |preset| vec![preset]) {
            let mut tracker = self.wish.tracker(preset)?;
            match tracker.read(bytes) {
                Ok(()) => return Ok((preset, Ok(tracker))),
                Err(error @ SnapshotError::Rule { .. }) => {
                    let nearer = nearest.take().filter(|(_, other)| distance(other) <= distance(&error));
                    nearest = Some(nearer.unwrap_or((preset, error)));
                }
                Err(error) => return Err(error),
            }
        }
        let (preset, error) = nearest.ok_or(SnapshotError::NotASnapshot)?;
        Ok((preset, Err(error)))
    }

    fn adopt(&mut self, preset: Preset, tracker: Box<dyn Named>) {
        (self.resumed, self.before) = (tracker.names().len() as u64, tracker.counters());
        (self.preset, self.tracker) = (preset, tracker);
    }

    /// Whether another process has left series, and none of them is of a column that is here.
    pub(super) fn is_of_others(&self, is_long: bool, is_here: &dyn Fn(&str) -> bool) -> bool {
        self.resumed > 0
            && !self.tracker.names().any(|name| names::column(name, is_long).is_some_and(|name| is_here(&name)))
    }

    /// Whether a series of this name is followed.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tracker.has(name)
    }

    /// The number of series that earlier processes have left.
    pub(super) fn resumed(&self) -> u64 {
        self.resumed
    }

    /// The counts of this process, in the words of the summary.
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

/// The distance of a snapshot's rule from the one that it was to be read by: the number of parameters in which they differ.
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

//! From samples to estimates: one channel per series, whatever the preset.

use crate::args::{Preset, Resolution, RuleArgs};
use crate::failure::Failure;
use crate::input::{Refusal, Time};
use crate::time::Moments;
use evenkeel::{ChannelsError, Columns, Ema, ParameterError, RobustMean, Sweep, UpdateError};
use jiff::SignedDuration;
use std::time::Duration;

/// The resolution of a series of whole numbers.
const WHOLE: f64 = 1.0;

/// What a series is after a sample, and what the sample was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) location: f64,
    /// NaN where the preset has none.
    pub(crate) scale: f64,
    /// Judged by the scale before the sample; NaN where there is none.
    pub(crate) score: f64,
    pub(crate) outlier: bool,
    pub(crate) reopened: bool,
}

/// The estimators of all series, numbered in order of appearance.
#[derive(Debug)]
pub(crate) enum Engine {
    Robust(Box<Robust>),
    Average(Average),
}

impl Engine {
    /// The engine that the command line asks for.
    pub(crate) fn new(args: &RuleArgs, preset: Preset) -> Result<Self, Failure> {
        if preset == Preset::Ema {
            for (option, given) in
                [("--resolution", args.resolution.is_some()), ("--patience", args.patience.is_some())]
            {
                if given {
                    return Err(Failure::usage(format!(
                        "{option} has no meaning for --preset ema, which has no scale"
                    )));
                }
            }
            if args.is_in_time() {
                return Err(Failure::usage(format!(
                    "{} is in time, which --preset ema does not know: give it in samples, such as --half-life 60",
                    args.decay_label()
                )));
            }
            Average::new(args).map(Self::Average)
        } else {
            Robust::new(args, preset).map(Box::new).map(Self::Robust)
        }
    }

    /// One more series.
    pub(crate) fn add_series(&mut self) -> Result<(), Failure> {
        match self {
            Self::Robust(robust) => robust.add_series(),
            Self::Average(average) => average.add_series(),
        }
    }

    /// When the samples that follow were taken.
    #[inline]
    pub(crate) fn set_time(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        match self {
            Self::Robust(robust) => robust.channels.set_time(time),
            Self::Average(_) => Ok(()),
        }
    }

    /// The next sample of a series; NaN is a missing one.
    #[inline]
    pub(crate) fn observe(&mut self, series: usize, sample: f64) -> Result<Seen, Refusal> {
        match self {
            Self::Robust(robust) => robust.observe(series, sample),
            Self::Average(average) => {
                let location = average.observe(series, sample)?;
                Ok(Seen { location, scale: f64::NAN, score: f64::NAN, outlier: false, reopened: false })
            }
        }
    }
}

/// The rule that the command line asks for, and that for series of whole numbers where it leaves the resolution open.
pub(crate) fn robust_rules(args: &RuleArgs, preset: Preset) -> Result<(RobustMean, Option<RobustMean>), Failure> {
    let mut rule = rule(args)?;
    if preset == Preset::Mean {
        rule = rule.mean_faithful();
    }
    Ok(match args.resolution.unwrap_or_default() {
        Resolution::Auto => (rule.resolution(args.finest)?, Some(rule.resolution(WHOLE)?)),
        Resolution::None => (rule, None),
        Resolution::Step(step) => (rule.resolution(step)?, None),
    })
}

/// Robust location and scale.
#[derive(Debug)]
pub(crate) struct Robust {
    channels: Channels,
    sweep: Sweep<RobustMean, f64>,
    /// The same for series of whole numbers, where the resolution is to be found out.
    whole: Option<Whole>,
}

/// The engine for series whose values have all been whole numbers so far, and which series those are. Both engines run
/// over the same columns, so a series changes over in the middle of its life.
#[derive(Debug)]
struct Whole {
    sweep: Sweep<RobustMean, f64>,
    series: Vec<bool>,
}

impl Robust {
    fn new(args: &RuleArgs, preset: Preset) -> Result<Self, Failure> {
        let (rule, whole) = robust_rules(args, preset)?;
        let whole = whole.map(Sweep::new).transpose()?.map(|sweep| Whole { sweep, series: Vec::new() });
        Ok(Self { channels: Channels::new(args)?, sweep: Sweep::new(rule)?, whole })
    }

    fn add_series(&mut self) -> Result<(), Failure> {
        if let Some(whole) = &mut self.whole {
            whole.series.push(true);
        }
        self.channels.add()
    }

    #[inline]
    fn observe(&mut self, series: usize, sample: f64) -> Result<Seen, Refusal> {
        let elapsed = self.channels.elapsed(series)?;
        let (mut sweep, mut place) = (&self.sweep, 0);
        if let Some(whole) = &mut self.whole
            && let Some(so_far) = whole.series.get_mut(series)
        {
            *so_far = *so_far && (is_whole(sample) || !sample.is_finite());
            if *so_far {
                (sweep, place) = (&whole.sweep, 1);
            }
        }
        self.channels.observe(series, sample, elapsed, sweep, place)
    }
}

/// The robust preset with the memory and the patience that the command line asks for.
pub(crate) fn rule(args: &RuleArgs) -> Result<RobustMean, ParameterError> {
    let rule = RobustMean::new(args.decay()?);
    args.patience.map_or(Ok(rule), |patience| rule.patience(patience))
}

/// The state of all series, for rules that differ in no more than their resolution.
#[derive(Debug)]
pub(crate) struct Channels {
    columns: Columns<RobustMean, f64>,
    /// Where the memory is in time.
    timing: Option<Timing>,
}

impl Channels {
    pub(crate) fn new(args: &RuleArgs) -> Result<Self, Failure> {
        Ok(Self { columns: Columns::new(0)?, timing: args.is_in_time().then(Timing::default) })
    }

    /// One more series.
    pub(crate) fn add(&mut self) -> Result<(), Failure> {
        if let Some(timing) = &mut self.timing {
            timing.last.push(None);
        }
        Ok(self.columns.extend(1)?)
    }

    /// When the samples that follow were taken.
    #[inline]
    pub(crate) fn set_time(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        self.timing.as_mut().map_or(Ok(()), |timing| timing.set(time))
    }

    /// How much time has passed since the last sample of a series, where that matters.
    #[inline]
    pub(crate) fn elapsed(&self, series: usize) -> Result<Option<Duration>, Refusal> {
        self.timing.as_ref().map(|timing| timing.elapsed(series)).transpose()
    }

    /// The next sample of a series, that much after the one before, by one of the rules. Each has a place of its own, from 0
    /// on, for what is made of it.
    #[inline]
    pub(crate) fn observe(
        &mut self,
        series: usize,
        sample: f64,
        elapsed: Option<Duration>,
        sweep: &Sweep<RobustMean, f64>,
        place: usize,
    ) -> Result<Seen, Refusal> {
        let sweep = match (&mut self.timing, elapsed) {
            (Some(timing), Some(elapsed)) => timing.after(sweep, place, elapsed)?,
            _ => sweep,
        };
        let observation = sweep.observe(self.columns.as_mut_slices(), series, sample).map_err(Failure::from)?;
        let state = self.columns.as_mut_slices().map(|column| column[series]);
        let reading = sweep.reading(&state);
        // Neither a missing sample nor an infinity where a first one was wanted.
        if !sample.is_nan()
            && !reading.location.is_nan()
            && let Some(timing) = &mut self.timing
            && let Some(last) = timing.last.get_mut(series)
        {
            *last = Some(timing.now);
        }
        Ok(Seen {
            location: reading.location,
            scale: reading.scale,
            score: observation.score,
            outlier: observation.outlier,
            reopened: observation.reopened,
        })
    }
}

/// When samples were taken.
#[derive(Debug, Default)]
struct Timing {
    moments: Moments,
    /// When the present samples were, in nanoseconds since 1970.
    now: i64,
    /// When the last sample of each series was, missing ones aside.
    last: Vec<Option<i64>>,
    /// What was made of each rule for the last distance in time: the next is likely the same.
    made: Vec<Option<(Duration, Sweep<RobustMean, f64>)>>,
}

impl Timing {
    fn set(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        if time.is_row_number {
            let needed = "a half-life in time needs a column with the time: name it with --time";
            return Err(Failure::usage(needed).into());
        }
        self.now = self.moments.read(time.text).map_err(|error| Refusal::Skip(error.to_string()))?;
        Ok(())
    }

    /// How much time has passed since the last sample of a series.
    fn elapsed(&self, series: usize) -> Result<Duration, Refusal> {
        // Before the first sample of a series there is nothing to forget.
        let last = self.last.get(series).copied().flatten().unwrap_or(self.now);
        let distance = Duration::from_nanos(self.now.abs_diff(last));
        if self.now < last {
            let before = SignedDuration::try_from(distance).unwrap_or(SignedDuration::MAX);
            return Err(Refusal::Skip(format!("the sample is {before:#} older than the last one of its series")));
        }
        Ok(distance)
    }

    /// An engine for samples at this distance.
    fn after<'a>(
        &'a mut self,
        sweep: &Sweep<RobustMean, f64>,
        place: usize,
        elapsed: Duration,
    ) -> Result<&'a Sweep<RobustMean, f64>, Failure> {
        if self.made.len() <= place {
            self.made.resize_with(place + 1, || None);
        }
        let made = &mut self.made[place];
        let kept = made.take().filter(|(distance, _)| *distance == elapsed);
        let (_, sweep) = made.insert(match kept {
            Some(kept) => kept,
            None => (elapsed, sweep.after(elapsed)?),
        });
        Ok(sweep)
    }
}

/// The plain exponential average.
#[derive(Debug)]
pub(crate) struct Average {
    columns: Columns<Ema, f64>,
    sweep: Sweep<Ema, f64>,
}

impl Average {
    pub(crate) fn new(args: &RuleArgs) -> Result<Self, Failure> {
        Ok(Self { columns: Columns::new(0)?, sweep: Sweep::new(Ema::new(args.decay()?))? })
    }

    pub(crate) fn add_series(&mut self) -> Result<(), Failure> {
        Ok(self.columns.extend(1)?)
    }

    /// The bias-corrected average after the sample.
    #[inline]
    pub(crate) fn observe(&mut self, series: usize, sample: f64) -> Result<f64, Failure> {
        let state = self.columns.as_mut_slices();
        self.sweep.observe(state, series, sample)?;
        let state = self.columns.as_mut_slices().map(|column| column[series]);
        Ok(self.sweep.reading(&state).location)
    }
}

/// Whether a finite number has no fraction. From 2^52 on, none has.
#[inline]
pub(crate) fn is_whole(number: f64) -> bool {
    #[allow(clippy::cast_possible_truncation)] // saturates where the other test holds
    let truncated = number as i64 as f64;
    truncated == number || number.abs() >= (1_u64 << 52) as f64
}

/// The library's own words are the message.
impl From<ParameterError> for Failure {
    fn from(error: ParameterError) -> Self {
        Self::usage(error)
    }
}

impl From<ChannelsError> for Failure {
    fn from(error: ChannelsError) -> Self {
        match error {
            ChannelsError::Parameter(error) => error.into(),
            error => Self::Failed(error.into()),
        }
    }
}

impl From<UpdateError> for Failure {
    fn from(error: UpdateError) -> Self {
        Self::Failed(error.into())
    }
}

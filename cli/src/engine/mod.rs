//! From samples to estimates: one channel per series, whatever the preset.
//!
//! | file | what it does |
//! |---|---|
//! | `named.rs` | series by name, which expire and are bounded in number |
//! | `tally.rs` | counts of samples, missing ones, outliers and re-openings |

pub(crate) mod named;
pub(crate) mod tally;

use crate::failure::Failure;
use crate::samples::{Refusal, Time};
use crate::settings::{Preset, RuleArgs, option_of};
use crate::text::moments::{Moments, TimeForm};
use evenkeel::{
    ChannelsError, CleanedEma, Ema, Estimator, ParameterError, RobustMean, Scored, Timed, TimedBank, Update,
    UpdateError,
};
use jiff::SignedDuration;
use std::fmt::Debug;
use std::time::Duration;

/// The estimators of all series, numbered in order of appearance.
#[derive(Debug)]
pub(crate) struct Engine {
    series: Box<dyn Estimates>,
    /// Whether the memory is in time, so that samples need theirs.
    is_in_time: bool,
    marks: Option<Marks>,
}

/// The thresholds of a preset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Marks {
    /// The scales beyond which a sample is an outlier.
    pub(crate) outlier_at: f64,
    /// The samples at the beginning of a series that have no score, and are no outliers.
    pub(crate) unscored: u64,
}

impl Engine {
    /// The engine of a preset, with the parameters of the command line.
    pub(crate) fn new(args: &RuleArgs, preset: Preset) -> Result<Self, Failure> {
        match preset {
            Preset::Clean => Self::of(args, cleaned(args)?),
            Preset::Robust | Preset::Mean => Self::of(args, robust(args, preset)?),
        }
    }

    /// The engine of the plain average, which has no scale.
    pub(crate) fn plain(args: &RuleArgs) -> Result<Self, Failure> {
        for (option, given) in [("--resolution", args.resolution.is_some()), ("--patience", args.patience.is_some())] {
            if given {
                return Err(Failure::usage(format!("{option} has no meaning for --preset ema, which has no scale")));
            }
        }
        Self::with(args, Ema::new(args.decay()?), None)
    }

    fn of<R: Scored + Timed>(args: &RuleArgs, rule: R) -> Result<Self, Failure> {
        let marks = Marks { outlier_at: rule.outlier_at(), unscored: rule.unscored() };
        Self::with(args, rule, Some(marks))
    }

    fn with<R: Timed>(args: &RuleArgs, rule: R, marks: Option<Marks>) -> Result<Self, Failure> {
        let bank = TimedBank::<R>::new(rule, 0)?;
        let is_in_time = args.is_in_time();
        let series: Box<dyn Estimates> =
            if is_in_time { Box::new(InTime { bank, moments: Moments::default(), now: 0 }) } else { Box::new(bank) };
        Ok(Self { series, is_in_time, marks })
    }

    /// The step in which a series is recorded, as far as it has been learnt; 0 for one that is recorded more finely.
    pub(crate) fn step(&self, series: usize) -> f64 {
        self.series.step(series)
    }

    /// The thresholds of the preset; none where it has no scale.
    pub(crate) fn marks(&self) -> Option<Marks> {
        self.marks
    }

    /// Adds a series.
    pub(crate) fn add_series(&mut self) -> Result<(), Failure> {
        Ok(self.series.add()?)
    }

    /// Sets the form of all times.
    pub(crate) fn set_time_form(&mut self, form: &TimeForm) {
        self.series.set_time_form(form);
    }

    /// Sets the time of the samples that follow.
    #[inline]
    pub(crate) fn set_time(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        if self.is_in_time { self.series.set_time(time) } else { Ok(()) }
    }

    /// Whether the engine takes [whole rows](Self::observe_row): where the memory is in time, each series has a time of its own.
    pub(crate) fn takes_rows(&self) -> bool {
        !self.is_in_time
    }

    /// Updates every series with its next sample, and writes the update of each: what [`observe`](Self::observe) returns, many
    /// times as fast.
    pub(crate) fn observe_row(&mut self, samples: &[f64], updates: &mut Vec<Update<f64>>) -> Result<(), Failure> {
        updates.resize(samples.len(), NOTHING);
        Ok(self.series.observe_row(samples, updates)?)
    }

    /// Updates a series with its next sample; NaN is a missing one.
    #[inline]
    pub(crate) fn observe(&mut self, series: usize, sample: f64) -> Result<Update<f64>, Refusal> {
        self.series.observe(series, sample)
    }
}

/// The rule of the preset `clean`.
pub(crate) fn cleaned(args: &RuleArgs) -> Result<CleanedEma, ParameterError> {
    let rule = CleanedEma::new(args.decay()?).resolution(args.resolution())?;
    args.patience.map_or(Ok(rule), |patience| rule.patience(patience))
}

/// The rule of the preset `robust`, or of `mean`.
pub(crate) fn robust(args: &RuleArgs, preset: Preset) -> Result<RobustMean, ParameterError> {
    let rule = RobustMean::new(args.decay()?).resolution(args.resolution())?;
    let rule = if preset == Preset::Mean { rule.mean_faithful() } else { rule };
    args.patience.map_or(Ok(rule), |patience| rule.patience(patience))
}

/// The estimators of all series by one rule.
trait Estimates: Debug + Send {
    fn add(&mut self) -> Result<(), ChannelsError>;
    fn set_time_form(&mut self, _: &TimeForm) {}
    fn set_time(&mut self, _: Time<'_>) -> Result<(), Refusal> {
        Ok(())
    }
    fn observe(&mut self, series: usize, sample: f64) -> Result<Update<f64>, Refusal>;
    fn step(&self, series: usize) -> f64;
    fn observe_row(&mut self, _: &[f64], _: &mut [Update<f64>]) -> Result<(), UpdateError> {
        Ok(())
    }
}

/// The update of a series by nothing.
const NOTHING: Update<f64> =
    Update { location: f64::NAN, scale: f64::NAN, score: f64::NAN, accepted: false, outlier: false, reopened: false };

/// Estimators with a memory in samples, however long they are apart.
impl<R: Estimator> Estimates for TimedBank<R> {
    fn add(&mut self) -> Result<(), ChannelsError> {
        self.extend(1)
    }

    fn observe(&mut self, series: usize, sample: f64) -> Result<Update<f64>, Refusal> {
        Ok(Self::observe(self, series, sample).map_err(Failure::from)?)
    }

    fn step(&self, series: usize) -> f64 {
        Self::step(self, series).unwrap_or(0.0)
    }

    fn observe_row(&mut self, samples: &[f64], updates: &mut [Update<f64>]) -> Result<(), UpdateError> {
        Self::observe_row(self, samples, updates)
    }
}

/// Estimators with a memory in time.
#[derive(Debug)]
struct InTime<R: Timed> {
    bank: TimedBank<R>,
    moments: Moments,
    /// The time of the samples that follow, in nanoseconds since 1970.
    now: i64,
}

impl<R: Timed> Estimates for InTime<R> {
    fn add(&mut self) -> Result<(), ChannelsError> {
        self.bank.extend(1)
    }

    fn set_time_form(&mut self, form: &TimeForm) {
        self.moments = Moments::new(form);
    }

    fn set_time(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        self.now = moment(&mut self.moments, time)?;
        Ok(())
    }

    fn observe(&mut self, series: usize, sample: f64) -> Result<Update<f64>, Refusal> {
        match self.bank.observe_at(series, self.now, sample) {
            Ok(update) => Ok(update),
            Err(UpdateError::Late { time, last }) => Err(Refusal::Late(too_old(time, last))),
            Err(error) => Err(Failure::from(error).into()),
        }
    }

    fn step(&self, series: usize) -> f64 {
        self.bank.step(series).unwrap_or(0.0)
    }
}

/// The moment of a time in nanoseconds since 1970, where samples need one.
pub(crate) fn moment(moments: &mut Moments, time: Time<'_>) -> Result<i64, Refusal> {
    let read = time.read(moments).ok_or_else(|| {
        Failure::usage(
            "a half-life or a limit in time needs the time of every sample, and here is none: name the column that has it with \
             --time, or count samples, as --half-life 60 does",
        )
    })?;
    read.map_err(|error| Refusal::Bad(error.to_string()))
}

/// The words for a sample that is older than the last one of its series, both in nanoseconds since 1970.
pub(crate) fn too_old(time: i64, last: i64) -> String {
    let distance = Duration::from_nanos(time.abs_diff(last));
    let before = SignedDuration::try_from(distance).unwrap_or(SignedDuration::MAX);
    format!("the sample is {before:#} older than the last one of its series")
}

/// The plain exponential average.
#[derive(Debug)]
pub(crate) struct Average(TimedBank<Ema>);

impl Average {
    pub(crate) fn new(args: &RuleArgs) -> Result<Self, Failure> {
        Ok(Self(TimedBank::new(Ema::new(args.decay()?), 0)?))
    }

    pub(crate) fn add_series(&mut self) -> Result<(), Failure> {
        Ok(self.0.extend(1)?)
    }

    /// The bias-corrected average after the sample.
    #[inline]
    pub(crate) fn observe(&mut self, series: usize, sample: f64) -> Result<f64, Failure> {
        Ok(self.0.observe(series, sample)?.location)
    }
}

/// The error in the words of the command line: it names the option that was given.
impl From<ParameterError> for Failure {
    fn from(error: ParameterError) -> Self {
        match error {
            ParameterError::OutOfRange { name, expected, got } => {
                Self::usage(format!("{} must be {expected}, not {got}", option_of(name)))
            }
            ParameterError::GainTooSmall { gain, smallest, .. } => Self::usage(format!(
                "the memory is too long: its gain is {gain:e}, and the smallest is {smallest:e}; shorten --half-life or --span, or \
                 raise --alpha"
            )),
            error => Self::usage(error),
        }
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

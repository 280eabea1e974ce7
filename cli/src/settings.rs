//! The settings of the estimators, as the command line has them: the memory, the resolution, the patience and the preset.

use crate::text::time::duration;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use evenkeel::{Decay, Idle, Overflow, ParameterError, Resolution, RobustMean};
use jiff::SignedDuration;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

#[derive(Clone, Debug, Args)]
pub(crate) struct RuleArgs {
    /// The memory: after N samples (60 by default), or after this much time (with a unit: ns, us, ms, s, m, h, d; such as 90s or
    /// 5m), the weight of a sample has halved. Times are RFC 3339, UTC where there is no offset, or numbers since 1970, whose unit is
    /// found by their size: below 1e11 seconds, 1e14 milliseconds, 1e17 microseconds, else nanoseconds; the first number from
    /// 1e8 on settles the unit, and before it they are seconds. A sample older than the last of its series is skipped as late; after twelve in
    /// a row it is the clock that has been set back, and the next one counts.
    #[arg(
        long,
        value_name = "N|TIME",
        allow_negative_numbers = true,
        conflicts_with_all = ["span", "alpha"],
        help_heading = "Estimator"
    )]
    half_life: Option<HalfLife>,

    /// The memory, as the number of samples of a moving average of the same gain, 2 / (N + 1).
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "alpha", help_heading = "Estimator")]
    span: Option<f64>,

    /// The memory, as the gain itself: how far the average moves towards a sample, above 0 and at most 1.
    #[arg(long, value_name = "A", allow_negative_numbers = true, help_heading = "Estimator")]
    alpha: Option<f64>,

    /// The step in which values are recorded, in their own unit; the scale never falls below half of it. `auto`, the
    /// default, learns it from the values of each series: 1 for whole numbers, 0.1, 0.01 and so on down to 0.000001, and none
    /// for a series that is recorded more finely.
    #[arg(
        long,
        value_name = "auto|none|X",
        value_parser = resolution,
        allow_negative_numbers = true,
        help_heading = "Estimator"
    )]
    pub(crate) resolution: Option<Resolution>,

    /// The number of samples far out that make a new level, at which the estimate starts anew,
    /// from 1 to 63; ordinary samples in between lower the count. By default it is that of the preset: 10 with `clean`, else 12.
    #[arg(long, value_name = "N", help_heading = "Estimator")]
    pub(crate) patience: Option<u32>,
}

impl RuleArgs {
    /// The half-life where the user gives no memory.
    const HALF_LIFE: HalfLife = HalfLife::Samples(60.0);

    /// The decay: how fast the past is forgotten.
    pub(crate) fn decay(&self) -> Result<Decay, ParameterError> {
        match (self.half_life, self.span, self.alpha) {
            (_, Some(samples), _) => Decay::span(samples),
            (_, _, Some(gain)) => Decay::alpha(gain),
            (half_life, ..) => match half_life.unwrap_or(Self::HALF_LIFE) {
                HalfLife::Samples(samples) => Decay::half_life(samples),
                HalfLife::Time(time) => Decay::half_life_time(time),
            },
        }
    }

    /// The decay in the words of whoever gave it.
    pub(crate) fn decay_label(&self) -> String {
        match (self.half_life, self.span, self.alpha) {
            (_, Some(samples), _) => format!("span {samples} samples"),
            (_, _, Some(gain)) => format!("alpha {gain}"),
            (half_life, ..) => match half_life.unwrap_or(Self::HALF_LIFE) {
                HalfLife::Samples(samples) => format!("half-life {samples} samples"),
                HalfLife::Time(time) => {
                    format!("half-life {:#}", SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX))
                }
            },
        }
    }

    /// The settings with a resolution that is learnt.
    pub(crate) fn learning(&self) -> Self {
        Self { resolution: None, ..self.clone() }
    }

    /// The step in which values are recorded, learnt where the user gives none.
    pub(crate) fn resolution(&self) -> Resolution {
        self.resolution.unwrap_or(Resolution::Learn)
    }

    /// The resolution in words.
    pub(crate) fn resolution_label(&self) -> String {
        match self.resolution() {
            Resolution::Learn => "automatic".to_owned(),
            Resolution::Step(0.0) => "none".to_owned(),
            Resolution::Step(step) => step.to_string(),
        }
    }

    /// Whether the memory is in time.
    pub(crate) fn is_in_time(&self) -> bool {
        matches!(self.half_life, Some(HalfLife::Time(_)))
    }
}

// The help has these numbers in words.
const _: () = assert!(RobustMean::START == 5 && RobustMean::MOST_PATIENCE == 63, "the help says other numbers");

/// The name of the line of the plain exponential average.
pub(crate) const PLAIN: &str = "plain average";

/// The presets that have a scale. The comments on them are help on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// The running mean, as if the spikes had not been there: a sample far from where the series has lately been is replaced
    #[default]
    Clean,
    /// The centre of the bulk of the samples, which spikes hardly move and which soon follows a new level
    Robust,
    /// Between the two: the centre with a wider reach, which stays closer to the mean of skewed or jumping series
    Mean,
}

impl Preset {
    pub(crate) const ALL: [Self; 3] = [Self::Clean, Self::Robust, Self::Mean];

    /// The name of its line in a plot.
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::Clean => "clean average",
            Self::Robust => "robust location",
            Self::Mean => "robust mean",
        }
    }
}

/// The name on the command line.
impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

/// An estimator for `track`, which can do without a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrackPreset {
    Scored(Preset),
    Ema,
}

impl Default for TrackPreset {
    fn default() -> Self {
        Self::Scored(Preset::default())
    }
}

impl TrackPreset {
    /// The name of its line in a plot.
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::Scored(preset) => preset.line(),
            Self::Ema => PLAIN,
        }
    }
}

impl ValueEnum for TrackPreset {
    fn value_variants<'a>() -> &'a [Self] {
        const { &[Self::Scored(Preset::Clean), Self::Scored(Preset::Robust), Self::Scored(Preset::Mean), Self::Ema] }
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Scored(preset) => preset.to_possible_value(),
            Self::Ema => Some(
                PossibleValue::new("ema")
                    .help("The plain exponential average, for comparison: no scale, no scores, no outliers"),
            ),
        }
    }
}

/// Limits on the series of a command that follows them by name.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeepArgs {
    /// Most series at once. By default there is no limit.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Series")]
    pub(crate) max_series: Option<u32>,

    /// What happens to a series beyond --max-series: `refuse` counts its samples as refused and does not follow it, `evict` forgets the
    /// series that has been idle the longest.
    #[arg(long, value_enum, default_value_t = OnOverflow::Refuse, requires = "max_series", help_heading = "Series")]
    pub(crate) overflow: OnOverflow,

    /// Forget a series that has had no sample for so long: a time such as 15m or 2h, by the times of the records, or a
    /// number of samples of other series. By default none is forgotten. With a time, a series that comes back after longer begins
    /// anew, and one that had a sample dated further in the future goes on with the next.
    #[arg(long, value_name = "DURATION|N", value_parser = MaxIdle::from_str, help_heading = "Series")]
    max_idle: Option<MaxIdle>,
}

impl KeepArgs {
    /// The longest idleness of a series that is not forgotten.
    pub(crate) fn max_idle(&self) -> Option<Idle> {
        self.max_idle.map(|MaxIdle(idle)| idle)
    }

    /// Whether the longest idleness is a time.
    pub(crate) fn is_in_time(&self) -> bool {
        matches!(self.max_idle(), Some(Idle::Time(_)))
    }
}

/// The fate of a series that would be one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnOverflow {
    Refuse,
    Evict,
}

impl From<OnOverflow> for Overflow {
    fn from(overflow: OnOverflow) -> Self {
        match overflow {
            OnOverflow::Refuse => Self::Refuse,
            OnOverflow::Evict => Self::Evict,
        }
    }
}

/// The longest idleness of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MaxIdle(Idle);

impl FromStr for MaxIdle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let idle = match text.parse() {
            Ok(samples) => Some(Idle::Samples(samples)),
            Err(_) => duration(text).map(Idle::Time),
        };
        idle.map(Self)
            .ok_or_else(|| "expected a number of samples, or a time with a unit, such as 90s or 2h".to_owned())
    }
}

/// The option that sets a parameter of the library.
pub(crate) fn option_of(parameter: &str) -> &str {
    match parameter {
        "half_life" | "half_life_time" => "--half-life",
        "span" => "--span",
        "alpha" => "--alpha",
        "resolution" | "learns" => "--resolution",
        "patience" => "--patience",
        // A state has the memory as the gain that comes of it.
        "gain" | "half_life_ns" => "--half-life, --span or --alpha",
        "clip" | "taper_from" | "reject" | "scale_clip" | "the rule" => "--preset",
        other => other,
    }
}

/// The half-life of the weight of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
enum HalfLife {
    Samples(f64),
    Time(Duration),
}

impl FromStr for HalfLife {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let samples = text.parse().map(Self::Samples).ok();
        samples.or_else(|| duration(text).map(Self::Time)).ok_or_else(|| {
            "expected a number of samples, or a number and a unit of time (ns, us, ms, s, m, h, d), such as 60 or 5m"
                .to_owned()
        })
    }
}

/// The step in which values are recorded.
fn resolution(text: &str) -> Result<Resolution, String> {
    match text {
        "auto" => Ok(Resolution::Learn),
        "none" => Ok(Resolution::Step(0.0)),
        number => number.parse().map(Resolution::Step).map_err(|_| "expected auto, none or a number".to_owned()),
    }
}

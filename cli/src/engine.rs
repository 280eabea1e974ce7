//! From samples to estimates: one channel per series, whatever the preset.

use crate::args::{Preset, Resolution, RuleArgs};
use crate::failure::Failure;
use evenkeel::{ChannelsError, Columns, Ema, ParameterError, RobustMean, Sweep, UpdateError};

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

    /// The next sample of a series; NaN is a missing one.
    #[inline]
    pub(crate) fn observe(&mut self, series: usize, sample: f64) -> Result<Seen, Failure> {
        match self {
            Self::Robust(robust) => robust.observe(series, sample),
            Self::Average(average) => {
                let location = average.observe(series, sample)?;
                Ok(Seen { location, scale: f64::NAN, score: f64::NAN, outlier: false, reopened: false })
            }
        }
    }
}

/// Robust location and scale.
#[derive(Debug)]
pub(crate) struct Robust {
    columns: Columns<RobustMean, f64>,
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
        let mut rule = rule(args)?;
        if preset == Preset::Mean {
            rule = rule.mean_faithful();
        }
        let whole = match args.resolution.unwrap_or_default() {
            Resolution::Auto => Some(Whole { sweep: Sweep::new(rule.resolution(WHOLE)?)?, series: Vec::new() }),
            Resolution::None => None,
            Resolution::Step(step) => {
                rule = rule.resolution(step)?;
                None
            }
        };
        Ok(Self { columns: Columns::new(0)?, sweep: Sweep::new(rule)?, whole })
    }

    fn add_series(&mut self) -> Result<(), Failure> {
        if let Some(whole) = &mut self.whole {
            whole.series.push(true);
        }
        Ok(self.columns.extend(1)?)
    }

    #[inline]
    fn observe(&mut self, series: usize, sample: f64) -> Result<Seen, Failure> {
        let mut sweep = &self.sweep;
        if let Some(whole) = &mut self.whole
            && let Some(so_far) = whole.series.get_mut(series)
        {
            *so_far = *so_far && (is_whole(sample) || !sample.is_finite());
            if *so_far {
                sweep = &whole.sweep;
            }
        }
        observe(&mut self.columns, sweep, series, sample)
    }
}

/// The robust preset with the memory and the patience that the command line asks for.
pub(crate) fn rule(args: &RuleArgs) -> Result<RobustMean, ParameterError> {
    let rule = RobustMean::new(args.decay()?);
    args.patience.map_or(Ok(rule), |patience| rule.patience(patience))
}

/// The next sample of a series, and all that is to be said about it.
#[inline]
pub(crate) fn observe(
    columns: &mut Columns<RobustMean, f64>,
    sweep: &Sweep<RobustMean, f64>,
    series: usize,
    sample: f64,
) -> Result<Seen, Failure> {
    let observation = sweep.observe(columns.as_mut_slices(), series, sample)?;
    let state = columns.as_mut_slices().map(|column| column[series]);
    let reading = sweep.reading(&state);
    Ok(Seen {
        location: reading.location,
        scale: reading.scale,
        score: observation.score,
        outlier: observation.outlier,
        reopened: observation.reopened,
    })
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
fn is_whole(number: f64) -> bool {
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

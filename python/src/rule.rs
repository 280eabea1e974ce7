//! [`Rule`]: an estimator with its parameters, made of keywords or of what a snapshot says of itself.

use crate::error::{parameter, value};
use evenkeel::{CleanedEma, Decay, Ema, ParameterError, Resolution, RobustMean, Scored, SnapshotRule};
use jiff::{Span, SpanRelativeTo};
use pyo3::prelude::*;
use std::time::Duration;

/// An estimator of any kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum AnyRule {
    Robust(RobustMean),
    Cleaned(CleanedEma),
    Ema(Ema),
}

/// An estimator with its parameters.
#[pyclass(frozen, module = "evenkeel._core", from_py_object)]
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) any: AnyRule,
    pub(crate) preset: &'static str,
    pub(crate) decay: Decay,
}

/// The part of a rule's parameters that not every rule has.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    resolution: Option<f64>,
    patience: Option<u32>,
    clip: Option<f64>,
    reject: Option<(f64, f64)>,
    scale_clip: Option<f64>,
    keeps_all: bool,
}

#[pymethods]
impl Rule {
    /// Makes a rule of one decay, and of a resolution, which is learnt where it is None.
    #[new]
    #[pyo3(signature = (preset, *, half_life=None, half_life_ns=None, span=None, com=None, alpha=None, resolution=None,
        patience=None, clip=None, reject=None, scale_clip=None, keeps_all=false))]
    #[allow(clippy::too_many_arguments)] // keywords of Python
    fn new(
        preset: &str,
        half_life: Option<f64>,
        half_life_ns: Option<u64>,
        span: Option<f64>,
        com: Option<f64>,
        alpha: Option<f64>,
        resolution: Option<f64>,
        patience: Option<u32>,
        clip: Option<f64>,
        reject: Option<(f64, f64)>,
        scale_clip: Option<f64>,
        keeps_all: bool,
    ) -> PyResult<Self> {
        let decay = match (half_life, half_life_ns, span, com, alpha) {
            (Some(samples), None, None, None, None) => Decay::half_life(samples),
            (None, Some(time), None, None, None) => Decay::half_life_time(Duration::from_nanos(time)),
            (None, None, Some(samples), None, None) => Decay::span(samples),
            (None, None, None, Some(samples), None) => Decay::com(samples),
            (None, None, None, None, Some(gain)) => Decay::alpha(gain),
            _ => return Err(value("give exactly one of half_life, span, com and alpha")),
        };
        let options = Options { resolution, patience, clip, reject, scale_clip, keeps_all };
        Self::of(preset, decay.map_err(|error| parameter(&error))?, options)
    }

    /// The name of the preset.
    #[getter]
    fn preset(&self) -> &'static str {
        self.preset
    }

    /// Whether the half-life is in time.
    #[getter]
    pub(crate) fn in_time(&self) -> bool {
        self.decay.in_time().is_some()
    }

    /// The scales beyond which a sample is an outlier; None where there is no scale.
    #[getter]
    fn outlier_at(&self) -> Option<f64> {
        match self.any {
            AnyRule::Robust(rule) => Some(rule.outlier_at()),
            AnyRule::Cleaned(rule) => Some(rule.outlier_at()),
            AnyRule::Ema(_) => None,
        }
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.any == other.any
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.any)
    }
}

impl Options {
    fn robust(self, rule: RobustMean) -> Result<RobustMean, ParameterError> {
        let rule = rule.resolution(self.resolution())?;
        let rule = self.patience.map_or(Ok(rule), |strikes| rule.patience(strikes))?;
        let rule = self.clip.map_or(Ok(rule), |scales| rule.clip(scales))?;
        let rule = self.reject.map_or(Ok(rule), |(from, at)| rule.reject(from, at))?;
        let rule = self.scale_clip.map_or(Ok(rule), |scales| rule.scale_clip(scales))?;
        Ok(if self.keeps_all { rule.reject_nothing() } else { rule })
    }

    fn cleaned(self, rule: CleanedEma) -> Result<CleanedEma, ParameterError> {
        let rule = rule.resolution(self.resolution())?;
        let rule = self.patience.map_or(Ok(rule), |strikes| rule.patience(strikes))?;
        self.reject.map_or(Ok(rule), |(_, at)| rule.reject(at))
    }

    fn resolution(self) -> Resolution {
        self.resolution.map_or(Resolution::Learn, Resolution::Step)
    }
}

impl Rule {
    fn of(preset: &str, decay: Decay, options: Options) -> PyResult<Self> {
        let (preset, rule) = match preset {
            "robust" => ("robust", options.robust(RobustMean::new(decay)).map(AnyRule::Robust)),
            "mean" => ("mean", options.robust(RobustMean::new(decay).mean_faithful()).map(AnyRule::Robust)),
            "clean" => ("clean", options.cleaned(CleanedEma::new(decay)).map(AnyRule::Cleaned)),
            "ema" => ("ema", Ok(AnyRule::Ema(Ema::new(decay)))),
            other => {
                return Err(value(format!("preset must be \"clean\", \"robust\", \"mean\" or \"ema\", not {other:?}")));
            }
        };
        Ok(Self { any: rule.map_err(|error| parameter(&error))?, preset, decay })
    }

    /// The rule that a snapshot was made by.
    pub(crate) fn of_snapshot(saved: &SnapshotRule) -> PyResult<Self> {
        let of = |name: &str| saved.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        let decay = match (of("gain"), of("half_life_ns")) {
            (Some(gain), _) => Decay::alpha(gain),
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // reading it back compares the bits
            (_, Some(time)) => Decay::half_life_time(Duration::from_nanos(time as u64)),
            _ => {
                return Err(value(format!(
                    "the snapshot was made by {saved}, which has no memory: there is no such rule here"
                )));
            }
        };
        let resolution = if of("learns") == Some(1.0) { None } else { of("resolution") };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // as above
        let patience = of("patience").map(|strikes| strikes as u32);
        let (preset, keeps_all, reject) = match saved.name.as_str() {
            "RobustMean" => {
                let at = of("reject").unwrap_or(f64::INFINITY);
                let taper = of("taper_from").filter(|_| at.is_finite()).map(|from| (from, at));
                ("robust", taper.is_none(), taper)
            }
            "CleanedEma" => ("clean", false, of("reject").map(|at| (0.0, at))),
            "Ema" => ("ema", false, None),
            _ => return Err(value(format!("the snapshot was made by {saved}, and there is no such rule in Python"))),
        };
        let options =
            Options { resolution, patience, clip: of("clip"), reject, scale_clip: of("scale_clip"), keeps_all };
        let mut rule = Self::of(preset, decay.map_err(|error| parameter(&error))?, options)?;
        if let AnyRule::Robust(robust) = rule.any
            && robust == robust.mean_faithful()
        {
            rule.preset = "mean";
        }
        Ok(rule)
    }
}

/// Reads a duration as a person writes it, such as `500ms`, `5m`, `1h30m` or `2d`, in nanoseconds; a day has 24 hours.
#[pyfunction]
pub(crate) fn duration(text: &str) -> Option<u64> {
    let span: Span = text.parse().ok()?;
    let signed = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    u64::try_from(Duration::try_from(signed).ok()?.as_nanos()).ok()
}

//! Rules in configuration files (feature `serde`): the names and defaults of the builders, and their checks.

use super::{
    Bound, CleanedEma, ClippedEma, Correlated, Ema, Floor, LearningRate, Numerator, RelaxedNumerator, Resolution,
    RobustMean, Scope, WeightDecay,
};
use crate::decay::Decay;
use crate::error::ParameterError;
use core::time::Duration;
use serde::{Deserialize, Serialize};

/// A decay by any of its names. It is written as a gain or as a half-life in time, exact where the format keeps all
/// digits.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DecayConfig {
    HalfLife(f64),
    HalfLifeTime(Duration),
    Span(f64),
    Com(f64),
    Alpha(f64),
    Beta(f64),
}

impl From<Decay> for DecayConfig {
    fn from(decay: Decay) -> Self {
        decay.in_time().map_or(Self::Alpha(decay.gain()), Self::HalfLifeTime)
    }
}

impl TryFrom<DecayConfig> for Decay {
    type Error = ParameterError;

    fn try_from(config: DecayConfig) -> Result<Self, ParameterError> {
        match config {
            DecayConfig::HalfLife(samples) => Self::half_life(samples),
            DecayConfig::HalfLifeTime(half_life) => Self::half_life_time(half_life),
            DecayConfig::Span(samples) => Self::span(samples),
            DecayConfig::Com(samples) => Self::com(samples),
            DecayConfig::Alpha(gain) => Self::alpha(gain),
            DecayConfig::Beta(keep) => Self::beta(keep),
        }
    }
}

/// Sets a parameter of a rule if a value for it is given.
fn given<R, P>(
    rule: R,
    value: Option<P>,
    set: impl FnOnce(R, P) -> Result<R, ParameterError>,
) -> Result<R, ParameterError> {
    match value {
        Some(value) => set(rule, value),
        None => Ok(rule),
    }
}

/// Sets a decay of a rule if one is given, where any decay will do.
fn given_decay<R>(rule: R, config: Option<DecayConfig>, set: impl FnOnce(R, Decay) -> R) -> Result<R, ParameterError> {
    given(rule, config, |rule, config| Ok(set(rule, config.try_into()?)))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RobustMeanConfig {
    decay: DecayConfig,
    clip: Option<f64>,
    /// The begin and the end of the taper; `false` for none.
    reject: Option<RejectConfig>,
    scale_clip: Option<f64>,
    patience: Option<u32>,
    resolution: Option<ResolutionConfig>,
}

/// A resolution: its step, or `"learn"`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ResolutionConfig {
    Step(f64),
    Word(ResolutionWord),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ResolutionWord {
    Learn,
}

impl From<Resolution> for ResolutionConfig {
    fn from(resolution: Resolution) -> Self {
        match resolution {
            Resolution::Step(step) => Self::Step(step),
            Resolution::Learn => Self::Word(ResolutionWord::Learn),
        }
    }
}

impl From<ResolutionConfig> for Resolution {
    fn from(config: ResolutionConfig) -> Self {
        match config {
            ResolutionConfig::Step(step) => Self::Step(step),
            ResolutionConfig::Word(ResolutionWord::Learn) => Self::Learn,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum RejectConfig {
    Taper([f64; 2]),
    /// `false` for none; `true` is an error.
    Nothing(bool),
}

impl From<RobustMean> for RobustMeanConfig {
    fn from(rule: RobustMean) -> Self {
        let reject = rule.reject.map_or(RejectConfig::Nothing(false), |(from, at)| RejectConfig::Taper([from, at]));
        Self {
            decay: rule.decay.into(),
            clip: Some(rule.clip),
            reject: Some(reject),
            scale_clip: Some(rule.scale_clip),
            patience: Some(rule.patience),
            resolution: Some(rule.resolution.into()),
        }
    }
}

impl TryFrom<RobustMeanConfig> for RobustMean {
    type Error = ParameterError;

    fn try_from(config: RobustMeanConfig) -> Result<Self, ParameterError> {
        let rule = Self::new(config.decay.try_into()?);
        let rule = given(rule, config.clip, Self::clip)?;
        let rule = match config.reject {
            Some(RejectConfig::Taper([from, at])) => rule.reject(from, at)?,
            Some(RejectConfig::Nothing(false)) => rule.reject_nothing(),
            Some(RejectConfig::Nothing(true)) => {
                return Err(ParameterError::OutOfRange { name: "reject", expected: "[from, at] or false", got: 1.0 });
            }
            None => rule,
        };
        let rule = given(rule, config.scale_clip, Self::scale_clip)?;
        let rule = given(rule, config.patience, Self::patience)?;
        given(rule, config.resolution, Self::resolution)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CleanedEmaConfig {
    decay: DecayConfig,
    reject: Option<f64>,
    patience: Option<u32>,
    resolution: Option<ResolutionConfig>,
}

impl From<CleanedEma> for CleanedEmaConfig {
    fn from(rule: CleanedEma) -> Self {
        Self {
            decay: rule.decay.into(),
            reject: Some(rule.reject),
            patience: Some(rule.patience),
            resolution: Some(rule.resolution.into()),
        }
    }
}

impl TryFrom<CleanedEmaConfig> for CleanedEma {
    type Error = ParameterError;

    fn try_from(config: CleanedEmaConfig) -> Result<Self, ParameterError> {
        let rule = given(Self::new(config.decay.try_into()?), config.reject, Self::reject)?;
        let rule = given(rule, config.patience, Self::patience)?;
        given(rule, config.resolution, Self::resolution)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmaConfig {
    decay: DecayConfig,
}

impl From<Ema> for EmaConfig {
    fn from(rule: Ema) -> Self {
        Self { decay: rule.decay.into() }
    }
}

impl TryFrom<EmaConfig> for Ema {
    type Error = ParameterError;

    fn try_from(config: EmaConfig) -> Result<Self, ParameterError> {
        Ok(Self::new(config.decay.try_into()?))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClippedEmaConfig {
    decay: DecayConfig,
    scale_decay: Option<DecayConfig>,
    clip: Option<f64>,
}

impl From<ClippedEma> for ClippedEmaConfig {
    fn from(rule: ClippedEma) -> Self {
        Self { decay: rule.decay.into(), scale_decay: Some(rule.scale_decay.into()), clip: Some(rule.clip) }
    }
}

impl TryFrom<ClippedEmaConfig> for ClippedEma {
    type Error = ParameterError;

    fn try_from(config: ClippedEmaConfig) -> Result<Self, ParameterError> {
        let rule = Self::new(config.decay.try_into()?);
        let rule = given_decay(rule, config.scale_decay, Self::scale_decay)?;
        given(rule, config.clip, Self::clip)
    }
}

/// The input clip of a numerator, in scales. No clip is written as `false`, since JSON has no infinity.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ClipConfig {
    Scales(f64),
    /// `false` for none; `true` is an error.
    Nothing(bool),
}

impl From<f64> for ClipConfig {
    fn from(clip: f64) -> Self {
        if clip == f64::INFINITY { Self::Nothing(false) } else { Self::Scales(clip) }
    }
}

impl TryFrom<ClipConfig> for f64 {
    type Error = ParameterError;

    fn try_from(config: ClipConfig) -> Result<Self, ParameterError> {
        match config {
            ClipConfig::Scales(clip) => Ok(clip),
            ClipConfig::Nothing(false) => Ok(Self::INFINITY),
            ClipConfig::Nothing(true) => {
                Err(ParameterError::OutOfRange { name: "clip", expected: "a number of scales or false", got: 1.0 })
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NumeratorConfig {
    mu: f64,
    decay: Option<DecayConfig>,
    scale_decay: Option<DecayConfig>,
    clip: Option<ClipConfig>,
    bound: Option<Bound>,
    scale_scope: Option<Scope>,
}

impl From<Numerator> for NumeratorConfig {
    fn from(rule: Numerator) -> Self {
        Self {
            mu: rule.bound_by,
            decay: Some(rule.decay.into()),
            scale_decay: Some(rule.scale_decay.into()),
            clip: Some(rule.clip.into()),
            bound: Some(rule.bound),
            scale_scope: Some(rule.scale_scope),
        }
    }
}

impl TryFrom<NumeratorConfig> for Numerator {
    type Error = ParameterError;

    fn try_from(config: NumeratorConfig) -> Result<Self, ParameterError> {
        let rule = given_decay(Self::new(config.mu)?, config.decay, Self::decay)?;
        let rule = given_decay(rule, config.scale_decay, Self::scale_decay)?;
        let rule = given(rule, config.clip, |rule, clip| rule.clip(clip.try_into()?))?;
        let rule = given(rule, config.bound, |rule, bound| Ok(rule.bound(bound)))?;
        given(rule, config.scale_scope, |rule, scope| Ok(rule.scale_scope(scope)))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RelaxedNumeratorConfig {
    mu: f64,
    decay: Option<DecayConfig>,
}

impl From<RelaxedNumerator> for RelaxedNumeratorConfig {
    fn from(rule: RelaxedNumerator) -> Self {
        Self { mu: rule.mu, decay: Some(rule.decay.into()) }
    }
}

impl TryFrom<RelaxedNumeratorConfig> for RelaxedNumerator {
    type Error = ParameterError;

    fn try_from(config: RelaxedNumeratorConfig) -> Result<Self, ParameterError> {
        given_decay(Self::new(config.mu)?, config.decay, Self::decay)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LearningRateConfig {
    mu: f64,
    decay: Option<DecayConfig>,
    scale_decay: Option<DecayConfig>,
    clip: Option<ClipConfig>,
    bound: Option<Bound>,
    scale_scope: Option<Scope>,
    norm_decay: Option<DecayConfig>,
    epsilon: Option<f64>,
    smoothing: Option<DecayConfig>,
    weight_decay: Option<WeightDecay>,
    correlated: Option<Correlated>,
    floor: Option<Floor>,
    mean_decay: Option<DecayConfig>,
}

impl From<LearningRate> for LearningRateConfig {
    fn from(rule: LearningRate) -> Self {
        let NumeratorConfig { mu, decay, scale_decay, clip, bound, scale_scope } = rule.numerator.into();
        Self {
            mu,
            decay,
            scale_decay,
            clip,
            bound,
            scale_scope,
            norm_decay: Some(rule.norm_decay.into()),
            epsilon: Some(rule.epsilon),
            smoothing: rule.smoothing.map(DecayConfig::from),
            weight_decay: Some(rule.weight_decay),
            correlated: Some(rule.correlated),
            floor: Some(rule.floor),
            mean_decay: rule.mean_decay.map(DecayConfig::from),
        }
    }
}

impl TryFrom<LearningRateConfig> for LearningRate {
    type Error = ParameterError;

    fn try_from(config: LearningRateConfig) -> Result<Self, ParameterError> {
        let LearningRateConfig { mu, decay, scale_decay, clip, bound, scale_scope, .. } = config;
        let numerator = NumeratorConfig { mu, decay, scale_decay, clip, bound, scale_scope };
        let numerator = Numerator::try_from(numerator)?;
        let rule = Self { numerator, ..Self::new(mu)? };
        let rule = given_decay(rule, config.norm_decay, Self::norm_decay)?;
        let rule = given(rule, config.epsilon, Self::epsilon)?;
        let rule = given_decay(rule, config.smoothing, |rule, smoothing| rule.smoothing(Some(smoothing)))?;
        let rule = given(rule, config.weight_decay, Self::weight_decay)?;
        let rule = given(rule, config.correlated, |rule, correlated| Ok(rule.correlated(correlated)))?;
        let rule = given(rule, config.floor, |rule, floor| Ok(rule.floor(floor)))?;
        given_decay(rule, config.mean_decay, |rule, decay| rule.mean_decay(Some(decay)))
    }
}

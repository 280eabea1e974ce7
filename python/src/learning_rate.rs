//! [`LearningRate`]: the rule of an optimiser's step, from keywords.

use crate::error::value;
use evenkeel::{Bound as Clip, Decay, ParameterError, Sweep, WeightDecay};
use pyo3::prelude::*;

/// The rule of a step, over both types.
#[pyclass(frozen, module = "evenkeel._core")]
pub(crate) struct LearningRate {
    single: Result<Sweep<evenkeel::LearningRate, f32>, ParameterError>,
    double: Sweep<evenkeel::LearningRate, f64>,
    pub(crate) mean_beta: Option<f64>,
}

/// What is made by a rule of its own type.
pub(crate) trait Swept: Sized {
    /// The sweep, or the reason why this type has no room for the rule.
    fn sweep(rule: &LearningRate) -> Result<Sweep<evenkeel::LearningRate, Self>, String>
    where
        Self: evenkeel::Real;
}

impl Swept for f32 {
    fn sweep(rule: &LearningRate) -> Result<Sweep<evenkeel::LearningRate, f32>, String> {
        rule.single.clone().map_err(|error| reason(&error, "lr"))
    }
}

impl Swept for f64 {
    fn sweep(rule: &LearningRate) -> Result<Sweep<evenkeel::LearningRate, f64>, String> {
        Ok(rule.double.clone())
    }
}

fn refused(error: &ParameterError, keyword: &str) -> PyErr {
    value(reason(error, keyword))
}

/// The error in a parameter, by the name that it has as a keyword.
fn reason(error: &ParameterError, keyword: &str) -> String {
    match error {
        ParameterError::OutOfRange { name, expected, got } => {
            let name = match *name {
                "mu" => "lr",
                "epsilon" => "eps",
                "weight_decay" => "weight_decay",
                "clip" | "c" => "clip",
                _ => keyword,
            };
            format!("{name} must be {expected}, not {got}")
        }
        ParameterError::GainTooSmall { gain, smallest, lane } => {
            let lane = if *lane == "f32" { "float32" } else { "float64" };
            format!(
                "a beta that keeps all but {gain:e} is too near 1 for {lane}, whose smallest part is {smallest:e}: lower it"
            )
        }
        error => error.to_string(),
    }
}

fn decay(beta: f64, keyword: &str) -> PyResult<Decay> {
    Decay::beta(beta).map_err(|error| refused(&error, keyword))
}

#[pymethods]
impl LearningRate {
    #[new]
    #[pyo3(signature = (lr, *, beta, beta_scale, beta_norm, beta_smooth, clip, bound, eps, weight_decay, decoupled, mean_beta))]
    #[allow(clippy::too_many_arguments)] // keywords of Python
    fn new(
        lr: f64,
        beta: f64,
        beta_scale: f64,
        beta_norm: f64,
        beta_smooth: Option<f64>,
        clip: f64,
        bound: &str,
        eps: f64,
        weight_decay: f64,
        decoupled: bool,
        mean_beta: Option<f64>,
    ) -> PyResult<Self> {
        let bound = match bound {
            "norm" => Clip::MuTimesNorm,
            "lr" => Clip::Mu,
            other => return Err(value(format!("bound must be \"norm\" or \"lr\", not {other:?}"))),
        };
        let weight_decay =
            if decoupled { WeightDecay::Decoupled(weight_decay) } else { WeightDecay::Coupled(weight_decay) };
        if let Some(beta) = mean_beta {
            decay(beta, "mean_beta")?;
        }
        let plain = |error| refused(&error, "lr");
        let rule = evenkeel::LearningRate::new(lr)
            .map_err(plain)?
            .decay(decay(beta, "beta")?)
            .scale_decay(decay(beta_scale, "beta_scale")?)
            .norm_decay(decay(beta_norm, "beta_norm")?)
            .smoothing(beta_smooth.map(|beta| decay(beta, "beta_smooth")).transpose()?)
            .clip(clip)
            .map_err(plain)?
            .bound(bound)
            .epsilon(eps)
            .map_err(plain)?
            .weight_decay(weight_decay)
            .map_err(plain)?;
        Ok(Self { single: Sweep::new(rule), double: Sweep::new(rule).map_err(plain)?, mean_beta })
    }

    /// Refuses what float32 has no room for.
    fn check_single(&self) -> PyResult<()> {
        f32::sweep(self).map(drop).map_err(value)
    }
}

//! The parameters of the optimiser, and the schedules of the rate.

use crate::Error;
use evenkeel::{Bound, Decay, LearningRate, WeightDecay};

/// The parameters of [`RobustSgm`](crate::RobustSgm), which are checked when an optimiser is made.
///
/// In the words of [`LearningRate`], for each tensor with gradient `g` at step `t`:
///
/// ```text
/// r      = LearningRate(w, g)              mean over the tensor, at most lr (1 + E[w^2]), or lr
/// r_hat  = bias-corrected EMA of r         beta = mean_beta
/// w     -= schedule(t) r_hat (m_hat / d + lambda w)
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ParamsRobustSgm {
    /// The learning-rate bound `mu`, 1e-3 by default. At 0 the weights stand still, which schedules of your own may
    /// want, and the state moves on as with the last bound that was not 0.
    pub lr: f64,
    /// The decay of the numerator and of the max-normaliser, 0.9999 by default.
    pub beta: f64,
    /// The decay of the scale behind the input clip, 0.999 by default.
    pub beta_scale: f64,
    /// The decay of the squared gradient in the norm `d`, 0.999 by default.
    pub beta_norm: f64,
    /// The decay of the smoothed gradient `m`, which is bias-corrected, 0.9 by default; `None` steps along the gradient
    /// itself.
    pub beta_smooth: Option<f64>,
    /// The input clip `c` in scales, 4 by default.
    pub clip: f64,
    /// The bound at which the output of the numerator is clipped.
    pub bound: Bound,
    /// The number that is added to the norm, 1e-8 by default.
    pub eps: f64,
    /// The weight decay lambda, 0 by default.
    pub weight_decay: f64,
    /// The way in which weight decay is applied, decoupled by default.
    pub decoupling: Decoupling,
    /// The decay of the smoothed layer mean, 0.1 by default; `None` takes the mean as it is.
    pub mean_beta: Option<f64>,
    /// The factor of the rate as training goes on, constant by default.
    pub schedule: Schedule,
}

impl Default for ParamsRobustSgm {
    fn default() -> Self {
        Self {
            lr: 1e-3,
            beta: 0.9999,
            beta_scale: 0.999,
            beta_norm: 0.999,
            beta_smooth: Some(0.9),
            clip: 4.0,
            bound: Bound::default(),
            eps: 1e-8,
            weight_decay: 0.0,
            decoupling: Decoupling::default(),
            mean_beta: Some(0.1),
            schedule: Schedule::default(),
        }
    }
}

/// The way in which weight decay is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decoupling {
    /// `rate lambda w` is taken off the weight, beside the step (Loshchilov and Hutter 2019).
    #[default]
    Decoupled,
    /// `lambda w` is added to the gradient.
    Coupled,
}

/// The factor of the rate at each step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schedule {
    /// The factor 1 at every step.
    #[default]
    Constant,
    /// A raised cosine, `(1 + cos(pi t / steps)) / 2`: 1 at the first step, 0 from `steps` steps on. `AutoSGM`'s.
    RaisedCosine {
        /// The length of the training.
        steps: u64,
    },
    /// A straight line, `1 - t / steps`: 1 at the first step, 0 from `steps` steps on.
    Linear {
        /// The length of the training.
        steps: u64,
    },
}

impl Schedule {
    /// The factor of the step with this number, counted from 1, with the same bits on every platform.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // 2^53 steps are out of reach
    pub fn factor(self, step: u64) -> f64 {
        let part = |steps: u64| (step.saturating_sub(1) as f64 / steps.max(1) as f64).min(1.0);
        match self {
            Self::Constant => 1.0,
            Self::RaisedCosine { steps } => f64::midpoint(1.0, libm::cos(std::f64::consts::PI * part(steps))),
            Self::Linear { steps } => 1.0 - part(steps),
        }
    }
}

impl ParamsRobustSgm {
    /// The rule of every tensor, with this bound.
    pub(crate) fn rule(&self, bound: f64) -> Result<LearningRate, Error> {
        let weight_decay = match self.decoupling {
            Decoupling::Decoupled => WeightDecay::Decoupled(self.weight_decay),
            Decoupling::Coupled => WeightDecay::Coupled(self.weight_decay),
        };
        if let Some(beta) = self.mean_beta {
            Decay::beta(beta)?;
        }
        Ok(LearningRate::new(bound)?
            .decay(Decay::beta(self.beta)?)
            .scale_decay(Decay::beta(self.beta_scale)?)
            .norm_decay(Decay::beta(self.beta_norm)?)
            .smoothing(self.beta_smooth.map(Decay::beta).transpose()?)
            .clip(self.clip)?
            .bound(self.bound)
            .epsilon(self.eps)?
            .weight_decay(weight_decay)?)
    }
}

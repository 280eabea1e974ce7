//! The parameters of the optimiser.

use crate::error::Error;
use crate::schedule::Schedule;
use evenkeel::{Bound, Correlated, Decay, Floor, LearningRate, Scope, WeightDecay};

/// The parameters of [`RobustSgm`](crate::RobustSgm), which are checked when an optimiser is made.
///
/// In the words of [`LearningRate`], for each tensor with gradient `g` at step `t`:
///
/// ```text
/// r      = LearningRate(w, g)              mean over the tensor, at most lr (1 + E[w^2]), or lr
/// r_hat  = EMA of r                        beta = mean_beta, bias-corrected where mean_corrected
/// w     -= schedule(t) r_hat (m_hat / d + lambda w)
/// ```
///
/// [`as_published`](Self::as_published) sets what the code of `AutoSGM` has, which the defaults are not.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamsRobustSgm {
    /// The learning-rate bound `mu`, at least 0, 1e-3 by default. At 0 the weights stand still, which schedules of your own may
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
    /// What the numerator's scale is of, each weight or the whole tensor; each weight by default.
    pub scale_scope: Scope,
    /// What the numerator is given as the gradient, the gradient over its norm by default.
    pub correlated: Correlated,
    /// The least output of the numerator, none by default.
    pub floor: Floor,
    /// The number that is added to the norm, 1e-8 by default.
    pub eps: f64,
    /// The weight decay lambda, 0 by default.
    pub weight_decay: f64,
    /// The way in which weight decay is applied, decoupled by default.
    pub decoupling: Decoupling,
    /// The decay of the smoothed layer mean, 0.1 by default; `None` takes the mean as it is.
    pub mean_beta: Option<f64>,
    /// Whether the smoothed layer mean is bias-corrected, so that the first one counts in full; it is by default.
    pub mean_corrected: bool,
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
            scale_scope: Scope::default(),
            correlated: Correlated::default(),
            floor: Floor::default(),
            eps: 1e-8,
            weight_decay: 0.0,
            decoupling: Decoupling::default(),
            mean_beta: Some(0.1),
            mean_corrected: true,
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

impl ParamsRobustSgm {
    /// The parameters of `AutoSGM`'s code, with the learning rate, the weight decay and the schedule of these: the step
    /// of [`LearningRate::as_published`].
    ///
    /// ```
    /// use evenkeel_candle::{Correlated, ParamsRobustSgm};
    ///
    /// let params = ParamsRobustSgm { lr: 1e-2, ..Default::default() }.as_published();
    /// assert_eq!(params.correlated, Correlated::Step);
    /// assert!(params.lr == 1e-2 && !params.mean_corrected);
    /// ```
    #[must_use]
    pub fn as_published(self) -> Self {
        Self {
            beta: 0.9999,
            beta_scale: 0.999,
            beta_norm: 0.999,
            beta_smooth: Some(0.9),
            clip: 4.0,
            bound: Bound::MuTimesNorm,
            scale_scope: Scope::Weight,
            correlated: Correlated::Step,
            floor: Floor::None,
            eps: 1e-10,
            mean_beta: Some(0.1),
            mean_corrected: false,
            ..self
        }
    }

    /// The learning-rate bound with which the state moves on: the one that is set, or at 0 the last that was not.
    pub(crate) fn bound_after(&self, last: f64) -> Result<f64, Error> {
        match self.lr {
            0.0 => Ok(last),
            lr if lr > 0.0 && lr.is_finite() => Ok(lr),
            lr => Err(Error::Rate { lr }),
        }
    }

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
            .scale_scope(self.scale_scope)
            .correlated(self.correlated)
            .floor(self.floor)
            .epsilon(self.eps)?
            .weight_decay(weight_decay)?)
    }
}

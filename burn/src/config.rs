//! The parameters of the optimiser.

use crate::error::Error;
use crate::optimiser::RobustSgm;
use burn::config::Config;
use burn::grad_clipping::GradientClippingConfig;
use burn::optim::ModuleOptimizer;
use evenkeel::{Bound, Decay, LearningRate, Sweep, WeightDecay};

/// The parameters of [`RobustSgm`], which are checked when an optimiser is made. The learning rate is the argument of each
/// step, as with all of burn's optimisers.
///
/// In the words of [`LearningRate`], for each tensor with gradient `g` and a step's learning rate `lr`:
///
/// ```text
/// r      = LearningRate(w, g) with mu = 1  mean over the tensor, at most 1 + E[w^2], or 1
/// r_hat  = bias-corrected EMA of r         beta = mean_beta
/// w     -= lr r_hat (m_hat / d + lambda w)
/// ```
///
/// `lr` is the bound `mu` of [`LearningRate`], in which everything is linear, taken out of the state: a schedule takes effect
/// at once, and a learning rate of 0 lets the weights stand still while the state moves on.
#[derive(Config, Debug)]
pub struct RobustSgmConfig {
    /// The decay of the numerator and of the max-normaliser.
    #[config(default = 0.9999)]
    pub beta: f64,
    /// The decay of the scale behind the input clip.
    #[config(default = 0.999)]
    pub beta_scale: f64,
    /// The decay of the squared gradient in the norm `d`.
    #[config(default = 0.999)]
    pub beta_norm: f64,
    /// The decay of the smoothed gradient `m`, which is bias-corrected; `None` steps along the gradient itself.
    #[config(default = "Some(0.9)")]
    pub beta_smooth: Option<f64>,
    /// The input clip `c` in scales.
    #[config(default = 4.0)]
    pub clip: f64,
    /// Whether the output of the numerator is clipped at `mu` instead of `mu (1 + E[w^2])`: [`Bound`].
    #[config(default = false)]
    pub bound_by_mu: bool,
    /// The number that is added to the norm.
    #[config(default = 1e-8)]
    pub epsilon: f64,
    /// The weight decay lambda.
    #[config(default = 0.0)]
    pub weight_decay: f64,
    /// Whether weight decay is added to the gradient, instead of being taken off the weight beside the step.
    #[config(default = false)]
    pub coupled: bool,
    /// The decay of the smoothed layer mean; `None` takes the mean as it is.
    #[config(default = "Some(0.1)")]
    pub mean_beta: Option<f64>,
    /// burn's clipping of each tensor's gradient, which only [`init`](Self::init) applies.
    pub grad_clipping: Option<GradientClippingConfig>,
}

impl RobustSgmConfig {
    /// Builds the optimiser of single tensors, which [`ModuleOptimizer::with_group`] takes to train one group of parameters.
    /// It applies no gradient clipping.
    ///
    /// # Errors
    /// A parameter is out of range, or too small for `f32`.
    pub fn build(&self) -> Result<RobustSgm, Error> {
        if let Some(beta) = self.mean_beta {
            Decay::beta(beta)?;
        }
        let rule = self.rule()?;
        Sweep::<LearningRate, f32>::new(rule)?;
        Ok(RobustSgm::new(rule, self.mean_beta))
    }

    /// Builds the optimiser of a whole module, with gradient clipping where it is set.
    ///
    /// # Errors
    /// A parameter is out of range, or too small for `f32`.
    pub fn init(&self) -> Result<ModuleOptimizer, Error> {
        let optimiser = ModuleOptimizer::from(self.build()?);
        Ok(match &self.grad_clipping {
            Some(clipping) => optimiser.with_grad_clipping(clipping.init()),
            None => optimiser,
        })
    }

    /// The rule of every tensor, with the bound 1.
    fn rule(&self) -> Result<LearningRate, Error> {
        let decay = if self.coupled { WeightDecay::Coupled } else { WeightDecay::Decoupled };
        Ok(LearningRate::new(1.0)?
            .decay(Decay::beta(self.beta)?)
            .scale_decay(Decay::beta(self.beta_scale)?)
            .norm_decay(Decay::beta(self.beta_norm)?)
            .smoothing(self.beta_smooth.map(Decay::beta).transpose()?)
            .clip(self.clip)?
            .bound(if self.bound_by_mu { Bound::Mu } else { Bound::MuTimesNorm })
            .epsilon(self.epsilon)?
            .weight_decay(decay(self.weight_decay))?)
    }
}

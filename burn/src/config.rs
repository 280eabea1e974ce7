//! The parameters of the optimiser.

use crate::error::Error;
use crate::optimiser::RobustSgm;
use crate::state::Smoothing;
use burn::config::Config;
use burn::grad_clipping::GradientClippingConfig;
use burn::optim::ModuleOptimizer;
use evenkeel::{Bound, Correlated, Decay, Floor, LearningRate, Scope, Sweep, WeightDecay};

/// The parameters of [`RobustSgm`], which are checked when an optimiser is made. The learning rate is the argument of each
/// step, as with all of burn's optimisers.
///
/// In the words of [`LearningRate`], for each tensor with gradient `g` and a step's learning rate `lr`:
///
/// ```text
/// r      = LearningRate(w, g) with mu = 1  mean over the tensor, at most 1 + E[w^2], or 1
/// r_hat  = EMA of r                        beta = mean_beta, bias-corrected where mean_corrected
/// w     -= lr r_hat (m_hat / d + lambda w)
/// ```
///
/// `lr` is the bound `mu` of [`LearningRate`], in which everything is linear, taken out of the state: a schedule takes effect
/// at once, and a learning rate of 0 lets the weights stand still while the state moves on.
///
/// [`as_published`](Self::as_published) sets what the code of `AutoSGM` has. As every configuration of burn's, this one can be
/// saved and loaded, and comes back to the bit:
///
/// ```
/// use burn::config::Config;
/// use evenkeel_burn::{Correlated, RobustSgmConfig, Scope};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("optimiser.json");
/// let config = RobustSgmConfig::new().with_scale_scope(Scope::Layer).with_correlated(Correlated::Step).with_clip(None);
/// config.save(&path)?;
/// let _optimiser = RobustSgmConfig::load(&path)?.init()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// The input clip `c` in scales; `None`, as `Some(f64::INFINITY)`, clips none. JSON has no infinity: a file has `null`.
    #[config(default = "Some(4.0)")]
    pub clip: Option<f64>,
    /// The bound at which the output of the numerator is clipped, `mu (1 + E[w^2])` by default.
    #[config(default = "Bound::MuTimesNorm")]
    pub bound: Bound,
    /// What the numerator's scale is of, each weight or the whole tensor; each weight by default.
    #[config(default = "Scope::Weight")]
    pub scale_scope: Scope,
    /// What the numerator is given as the gradient, the gradient over its norm by default.
    #[config(default = "Correlated::Gradient")]
    pub correlated: Correlated,
    /// The least output of the numerator, none by default.
    #[config(default = "Floor::None")]
    pub floor: Floor,
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
    /// Whether the smoothed layer mean is bias-corrected, so that the first one counts in full.
    #[config(default = true)]
    pub mean_corrected: bool,
    /// burn's clipping of each tensor's gradient, which only [`init`](Self::init) applies.
    pub grad_clipping: Option<GradientClippingConfig>,
}

impl RobustSgmConfig {
    /// The parameters of `AutoSGM`'s code, with the weight decay and the gradient clipping of these: the step of
    /// [`LearningRate::as_published`], the bound taken out.
    ///
    /// ```
    /// use evenkeel_burn::{Correlated, RobustSgmConfig};
    ///
    /// let config = RobustSgmConfig::new().with_weight_decay(0.01).as_published();
    /// assert_eq!(config.correlated, Correlated::Step);
    /// assert!(config.weight_decay == 0.01 && !config.mean_corrected);
    /// ```
    #[must_use]
    pub fn as_published(self) -> Self {
        Self {
            beta: 0.9999,
            beta_scale: 0.999,
            beta_norm: 0.999,
            beta_smooth: Some(0.9),
            clip: Some(4.0),
            bound: Bound::MuTimesNorm,
            scale_scope: Scope::Weight,
            correlated: Correlated::Step,
            floor: Floor::None,
            epsilon: 1e-10,
            mean_beta: Some(0.1),
            mean_corrected: false,
            ..self
        }
    }

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
        let smoothing = Smoothing { beta: self.mean_beta.unwrap_or(0.0), corrected: self.mean_corrected };
        Ok(RobustSgm::new(rule, smoothing))
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
            .clip(self.clip.unwrap_or(f64::INFINITY))?
            .bound(self.bound)
            .scale_scope(self.scale_scope)
            .correlated(self.correlated)
            .floor(self.floor)
            .epsilon(self.epsilon)?
            .weight_decay(decay(self.weight_decay))?)
    }
}

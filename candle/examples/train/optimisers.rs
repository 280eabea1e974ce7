//! The four optimisers.

use candle_core::backprop::GradStore;
use candle_core::{Error, Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use evenkeel::{Decay, RobustMean, Sweep};
use evenkeel_candle::{ParamsRobustSgm, RobustSgm};

use super::rounded::{RoundedSgm, Rounding};

/// What SGD keeps of its velocity at each step, and so does `AdamW` of its first moment.
const MOMENTUM: f64 = 0.9;

/// The column of a robust mean's state that holds counters, after its numbers.
const TALLY: usize = 3;

/// An optimiser to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Optimiser {
    Sgd,
    AdamW,
    RobustAdamW,
    RobustSgm,
    /// The two before, with state of sixteen bits.
    RoundedAdamW(Rounding),
    RoundedSgm(Rounding),
}

impl Optimiser {
    pub(crate) fn name(self) -> String {
        let name = match self {
            Self::Sgd => "SGD, momentum 0.9",
            Self::AdamW => "AdamW",
            Self::RobustAdamW | Self::RoundedAdamW(_) => "AdamW, robust first moment",
            Self::RobustSgm | Self::RoundedSgm(_) => "RobustSgm",
        };
        match self {
            Self::RoundedAdamW(rounding) | Self::RoundedSgm(rounding) => format!("{name}, {}", rounding.name()),
            _ => name.to_owned(),
        }
    }

    /// Made ready for these variables. All but the learning rate is as the optimiser's author has it.
    pub(crate) fn build(self, vars: Vec<Var>, rate: f64) -> Result<Box<dyn Step>> {
        let adam = ParamsAdamW { lr: rate, ..ParamsAdamW::default() };
        Ok(match self {
            Self::Sgd => Box::new(Momentum::new(vars, rate)?),
            Self::AdamW => Box::new(AdamW::new(vars, adam)?),
            Self::RobustAdamW => Box::new(RobustAdamW::new(vars, (adam, None))?),
            Self::RoundedAdamW(rounding) => Box::new(RobustAdamW::new(vars, (adam, Some(rounding)))?),
            Self::RoundedSgm(rounding) => Box::new(RoundedSgm::new(vars, (rate, rounding))?),
            Self::RobustSgm => {
                Box::new(RobustSgm::new(vars, ParamsRobustSgm { lr: rate, ..ParamsRobustSgm::default() })?)
            }
        })
    }
}

/// What training needs of an optimiser. (candle's trait has a constructor in it, and so cannot be boxed.)
pub(crate) trait Step {
    fn step(&mut self, grads: &GradStore, rate: f64) -> Result<()>;
}

impl<O: Optimizer> Step for O {
    fn step(&mut self, grads: &GradStore, rate: f64) -> Result<()> {
        self.set_learning_rate(rate);
        Optimizer::step(self, grads)
    }
}

/// Stochastic gradient descent with momentum, which candle's own does not have.
#[derive(Debug)]
struct Momentum {
    /// Each variable and its velocity.
    vars: Vec<(Var, Tensor)>,
    rate: f64,
}

impl Optimizer for Momentum {
    type Config = f64;

    fn new(vars: Vec<Var>, rate: f64) -> Result<Self> {
        let vars = vars.into_iter().map(|var| var.zeros_like().map(|zero| (var, zero)));
        Ok(Self { vars: vars.collect::<Result<_>>()?, rate })
    }

    fn step(&mut self, grads: &GradStore) -> Result<()> {
        for (var, velocity) in &mut self.vars {
            if let Some(grad) = grads.get(var) {
                *velocity = ((&*velocity * MOMENTUM)? + grad)?;
                var.set(&(var.as_tensor() - (&*velocity * self.rate)?)?)?;
            }
        }
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        self.rate
    }

    fn set_learning_rate(&mut self, rate: f64) {
        self.rate = rate;
    }
}

/// `AdamW` whose first moment is evenkeel's robust mean of each weight's gradient. The second moment stays as it is.
#[derive(Debug)]
struct RobustAdamW {
    vars: Vec<Moments>,
    sweep: Sweep<RobustMean, f32>,
    steps: i32,
    params: ParamsAdamW,
    /// How the state is rounded, if it is.
    rounding: Option<Rounding>,
}

/// A variable, and what is remembered of its gradients.
#[derive(Debug)]
struct Moments {
    var: Var,
    /// The robust mean's state, with an element for each weight. The first column is the location.
    first: [Vec<f32>; 4],
    second: Tensor,
}

impl Optimizer for RobustAdamW {
    type Config = (ParamsAdamW, Option<Rounding>);

    fn new(vars: Vec<Var>, (params, rounding): Self::Config) -> Result<Self> {
        // With so short a memory, fewer strikes are better: see `RobustMean::patience`.
        let rule = Decay::beta(params.beta1).and_then(|decay| RobustMean::new(decay).patience(8));
        let sweep = rule.and_then(Sweep::new).map_err(Error::wrap)?;
        let moments = |var: Var| {
            let mut first: [Vec<f32>; 4] = core::array::from_fn(|_| vec![0.0; var.elem_count()]);
            sweep.reset(first.each_mut().map(Vec::as_mut_slice));
            Ok(Moments { second: var.zeros_like()?, var, first })
        };
        let vars = vars.into_iter().map(moments).collect::<Result<_>>()?;
        Ok(Self { vars, sweep, steps: 0, params, rounding })
    }

    fn step(&mut self, grads: &GradStore) -> Result<()> {
        self.steps += 1;
        let ParamsAdamW { lr, beta2, eps, weight_decay, .. } = self.params;
        for (Moments { var, first, second }, layer) in self.vars.iter_mut().zip(0..) {
            let Some(grad) = grads.get(var) else { continue };
            let samples = grad.flatten_all()?.to_vec1::<f32>()?;
            self.sweep.update(first.each_mut().map(Vec::as_mut_slice), &samples).map_err(Error::wrap)?;
            for (column, number) in first.iter_mut().take(TALLY).zip(0..) {
                if let Some(rounding) = self.rounding {
                    rounding.round(column, self.steps.unsigned_abs(), 4 * layer + number);
                }
            }
            // No correction of a bias: the robust mean is a mean from its first sample on.
            let first = Tensor::from_slice(&first[0], var.shape(), var.device())?;

            *second = ((&*second * beta2)? + (grad.sqr()? * (1.0 - beta2))?)?;
            let corrected = (&*second / (1.0 - beta2.powi(self.steps)))?;
            let change = (first / (corrected.sqrt()? + eps)?)?;
            let kept = (var.as_tensor() * (1.0 - lr * weight_decay))?;
            var.set(&(kept - (change * lr)?)?)?;
        }
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        self.params.lr
    }

    fn set_learning_rate(&mut self, rate: f64) {
        self.params.lr = rate;
    }
}

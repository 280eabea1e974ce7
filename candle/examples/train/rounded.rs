//! State of sixteen bits, simulated: columns that are rounded to `bf16` after every step of an optimiser. The library has no
//! such state; `docs/PERFORMANCE.md` says why.
//!
//! The arithmetic stays `f32`. The tally of a [`RobustMean`](evenkeel::RobustMean), whose strikes and short
//! age sixteen bits have room for, stays as it is, and so does the -1 of a weight that has seen no gradient.

use candle_core::backprop::GradStore;
use candle_core::{Error, Result, Tensor, Var};
use candle_nn::Optimizer;
use evenkeel::{Decay, LearningRate, Sweep};
use evenkeel_candle::ParamsRobustSgm;

use super::single::single;

/// How a number of the state becomes one of sixteen bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// Up or down at random, each as often as the number lies near it: right on average.
    Stochastic,
    /// To the nearest, the even one of two.
    Nearest,
}

impl Rounding {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stochastic => "bf16, stochastic",
            Self::Nearest => "bf16, nearest",
        }
    }

    /// Rounds a column, which is the `number`th of a state, after a step.
    pub(crate) fn round(self, column: &mut [f32], step: u32, number: u32) {
        let key = mixed(mixed(step).wrapping_add(number));
        for (value, index) in column.iter_mut().zip(0_u32..) {
            let bits = value.to_bits();
            let added = match self {
                Self::Stochastic => mixed(index ^ key) >> 16,
                Self::Nearest => 0x7fff + (bits >> 16 & 1),
            };
            // The sixteen bits that are cut off carry into those that stay; an infinity or a NaN has none to cut off.
            *value = f32::from_bits(if value.is_finite() { bits + added } else { bits } & 0xffff_0000);
        }
    }
}

/// A number that looks like chance, of a counter (C. Wellons, *Prospecting for Hash Functions*, 2018).
fn mixed(mut bits: u32) -> u32 {
    bits = (bits ^ bits >> 16).wrapping_mul(0x7feb_352d);
    bits = (bits ^ bits >> 15).wrapping_mul(0x846c_a68b);
    bits ^ bits >> 16
}

/// `RobustSgm` with its defaults, over columns that are rounded.
#[derive(Debug)]
pub(crate) struct RoundedSgm {
    vars: Vec<Layer>,
    rate: f64,
    steps: u32,
    /// The gain of the smoothed layer means.
    gain: f64,
    rounding: Rounding,
}

/// A variable, its state and its smoothed layer mean.
#[derive(Debug)]
struct Layer {
    var: Var,
    state: [Vec<f32>; 5],
    mean: f64,
}

impl RoundedSgm {
    /// The rule of `RobustSgm`, with the bound of this step.
    fn sweep(rate: f64) -> Result<Sweep<LearningRate, f32>> {
        let smoothing = Decay::beta(0.9).map_err(Error::wrap)?;
        let rule = LearningRate::new(rate).map_err(Error::wrap)?;
        Sweep::new(rule.smoothing(Some(smoothing))).map_err(Error::wrap)
    }
}

impl Optimizer for RoundedSgm {
    type Config = (f64, Rounding);

    fn new(vars: Vec<Var>, (rate, rounding): Self::Config) -> Result<Self> {
        let sweep = Self::sweep(rate)?;
        let layer = |var: Var| {
            let mut state: [Vec<f32>; 5] = core::array::from_fn(|_| vec![0.0; var.elem_count()]);
            sweep.reset(state.each_mut().map(Vec::as_mut_slice));
            Layer { var, state, mean: 0.0 }
        };
        Ok(Self { vars: vars.into_iter().map(layer).collect(), rate, steps: 0, gain: 1.0, rounding })
    }

    fn step(&mut self, grads: &GradStore) -> Result<()> {
        self.steps += 1;
        let sweep = Self::sweep(self.rate)?;
        // The bias-corrected average of the layer mean, as `ParamsRobustSgm::mean_beta` has it.
        let beta = ParamsRobustSgm::default().mean_beta.unwrap_or(0.0);
        self.gain /= if self.steps == 1 { 1.0 } else { self.gain + beta };
        let gain = self.gain;
        for (Layer { var, state, mean }, layer) in self.vars.iter_mut().zip(0..) {
            let Some(grad) = grads.get(var) else { continue };
            let mut weights = var.flatten_all()?.to_vec1::<f32>()?;
            let gradient = grad.flatten_all()?.to_vec1::<f32>()?;
            let smooth = |found: f32| {
                *mean = if gain >= 1.0 { found.into() } else { *mean + gain * (f64::from(found) - *mean) };
                single(*mean)
            };
            sweep
                .descend(state.each_mut().map(Vec::as_mut_slice), &mut weights, &gradient, self.steps.into(), smooth)
                .map_err(Error::wrap)?;
            for (column, number) in state.iter_mut().zip(0..) {
                self.rounding.round(column, self.steps, 8 * layer + number);
            }
            var.set(&Tensor::from_vec(weights, var.shape(), var.device())?)?;
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

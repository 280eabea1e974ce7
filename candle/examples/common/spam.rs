//! SPAM, Adam with spike-aware clipping and momentum reset (Huang, Zhu and others 2025), but for its sparse momentum.

use core::f64::consts::PI;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};
use candle_nn::Optimizer;

use super::single::single;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-6;
/// An element whose square is more than so many times its running mean is cut off there.
const THRESHOLD: f64 = 5000.0;
/// The steps after the start and after a reset in which nothing is cut off, because there is no running mean yet.
const FIRST: usize = 20;
/// The share of the steps from one reset to the next in which the rate rises again, along half a cosine: 150 of 500.
const WARM_UP: f64 = 0.3;

/// What is chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParamsSpam {
    pub(crate) rate: f64,
    /// Steps from one reset of both moments to the next: the authors' are 500.
    pub(crate) reset: usize,
}

/// The optimiser. Constants are the authors', and as in their program the bias correction goes on over a reset.
#[derive(Debug)]
pub(crate) struct Spam {
    moments: Vec<Moments>,
    params: ParamsSpam,
    steps: usize,
}

/// A variable, and the first and the second moment of each element's gradient.
#[derive(Debug)]
struct Moments {
    var: Var,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Spam {
    /// The factor of the rate: 1 but after a reset.
    fn warm_up(&self) -> f64 {
        let ParamsSpam { reset, .. } = self.params;
        let done = (self.steps % reset) as f64 / (WARM_UP * reset as f64);
        if self.steps < reset || done >= 1.0 { 1.0 } else { 1.0 - 0.99 * 0.5 * (1.0 + (PI * done).cos()) }
    }
}

impl Optimizer for Spam {
    type Config = ParamsSpam;

    fn new(vars: Vec<Var>, params: ParamsSpam) -> Result<Self> {
        let moments = |var: Var| {
            let zeros = vec![0.0; var.elem_count()];
            Moments { var, first: zeros.clone(), second: zeros }
        };
        Ok(Self { moments: vars.into_iter().map(moments).collect(), params, steps: 0 })
    }

    fn step(&mut self, grads: &GradStore) -> Result<()> {
        self.steps += 1;
        let (resets, cuts) = (self.steps.is_multiple_of(self.params.reset), self.steps % self.params.reset >= FIRST);
        let corrected = |beta: f64| 1.0 - beta.powf(self.steps as f64);
        let rate = self.params.rate * self.warm_up() * corrected(BETA_2).sqrt() / corrected(BETA_1);
        for Moments { var, first, second } in &mut self.moments {
            let Some(grad) = grads.get(var) else { continue };
            if resets {
                first.fill(0.0);
                second.fill(0.0);
            }
            let mut weights = var.flatten_all()?.to_vec1::<f32>()?;
            let grad = grad.flatten_all()?.to_vec1::<f32>()?;
            for (((weight, grad), first), second) in weights.iter_mut().zip(grad).zip(first).zip(second) {
                let mut grad = f64::from(grad);
                let most = THRESHOLD * *second;
                if cuts && grad * grad > most {
                    grad = most.sqrt().copysign(grad);
                }
                *first = BETA_1 * *first + (1.0 - BETA_1) * grad;
                *second = BETA_2 * *second + (1.0 - BETA_2) * grad * grad;
                *weight -= single(rate * *first / (second.sqrt() + EPSILON));
            }
            var.set(&Tensor::from_vec(weights, var.shape(), var.device())?)?;
        }
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        self.params.rate
    }

    fn set_learning_rate(&mut self, rate: f64) {
        self.params.rate = rate;
    }
}

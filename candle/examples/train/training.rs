//! One run: a network trained from a seed.

use anyhow::Result;
use candle_core::Var;
use candle_core::backprop::GradStore;
use evenkeel_candle::norm;
use fastrand::Rng;

use crate::clipping::Clip;
use crate::data::{Data, Part};
use crate::method::{Method, Objective, Setting};
use crate::model::Network;
use crate::scenario::{GradientNoise, Scenario};

/// Rows in a minibatch. Every step takes whole ones; what is left over of an epoch changes with its order.
pub(crate) const BATCH: usize = 8;

/// What a run is determined by, but for the data and its length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) scenario: Scenario,
    pub(crate) method: Method,
    pub(crate) setting: Setting,
    /// Initial weights, spoiled labels, order of the samples and noise: runs of one seed share them all.
    pub(crate) seed: u64,
}

/// Losses before training and after each epoch. They end with the epoch in which one was not finite any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) validation: Vec<f64>,
    pub(crate) test: Vec<f64>,
    pub(crate) diverged: bool,
}

impl Outcome {
    /// The validation loss after training: infinite if there was no such thing.
    pub(crate) fn validation(&self) -> f64 {
        if self.diverged { f64::INFINITY } else { self.validation.last().copied().unwrap_or(f64::INFINITY) }
    }

    /// The test loss after training.
    pub(crate) fn test(&self) -> Option<f64> {
        if self.diverged { None } else { self.test.last().copied() }
    }
}

impl Run {
    pub(crate) fn train(&self, data: &Data, epochs: usize) -> Result<Outcome> {
        let mut source = Rng::with_seed(self.seed);
        let [mut weights, mut labels, mut order, mut noise] = core::array::from_fn(|_| source.fork());
        let network = Network::new(data.features, &mut weights)?;
        let rate = self.setting.rate;
        let mut optimiser = self.method.optimiser.build(network.vars().to_vec(), rate)?;
        let mut objective = self.method.objective(self.setting)?;
        let mut clip = self.method.clip(self.setting)?;
        let mut train = data.train.clone();
        self.scenario.spoil(&mut train.targets, &mut labels);

        let mut rows: Vec<usize> = (0..train.targets.len()).collect();
        let mut gradient_noise = GradientNoise::default();
        if self.scenario == Scenario::Gradients {
            for batch in rows.chunks_exact(BATCH) {
                gradient_noise.learn(network.vars(), &gradients(&network, &train, batch, &mut Objective::Mean)?)?;
            }
        }

        let mut outcome = Outcome::default();
        outcome.add(&network, data)?;
        let steps = (epochs * (rows.len() / BATCH)) as f64;
        let mut done = 0.0;
        for _ in 0..epochs {
            order.shuffle(&mut rows);
            for batch in rows.chunks_exact(BATCH) {
                let mut grads = gradients(&network, &train, batch, &mut objective)?;
                gradient_noise.add(network.vars(), &mut grads, &mut noise)?;
                // A factor of 0 skips the step.
                if hold_back(&mut grads, network.vars(), clip.as_mut())? > 0.0 {
                    optimiser.step(&grads, rate * (1.0 - done / steps))?;
                }
                done += 1.0;
            }
            outcome.add(&network, data)?;
            if outcome.diverged {
                break;
            }
        }
        Ok(outcome)
    }
}

impl Outcome {
    fn add(&mut self, network: &Network, data: &Data) -> Result<()> {
        let (validation, test) = (network.evaluate(&data.validation)?, network.evaluate(&data.test)?);
        if validation.is_finite() && test.is_finite() {
            self.validation.push(validation);
            self.test.push(test);
        } else {
            self.diverged = true;
        }
        Ok(())
    }
}

/// The gradients of the loss over some rows.
fn gradients(network: &Network, part: &Part, rows: &[usize], objective: &mut Objective) -> Result<GradStore> {
    let features = part.inputs.len() / part.targets.len();
    let inputs = rows.iter().flat_map(|row| &part.inputs[row * features..][..features]).copied().collect();
    let targets = rows.iter().map(|row| part.targets[*row]).collect();
    Ok(objective.of(&network.errors(inputs, targets)?)?.backward()?)
}

/// Multiplies the gradients by the factor that a clip makes of their norm, and returns it.
fn hold_back(grads: &mut GradStore, vars: &[Var], clip: &mut dyn Clip) -> Result<f64> {
    let factor = clip.factor(norm(grads, vars)?);
    if factor > 0.0 && factor < 1.0 {
        for var in vars {
            if let Some(grad) = grads.remove(var) {
                grads.insert(var, (grad * factor)?);
            }
        }
    }
    Ok(factor)
}

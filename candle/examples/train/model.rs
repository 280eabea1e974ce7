//! The network, and how far off it is.

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{Linear, Module};
use fastrand::Rng;

use crate::data::Part;
use crate::single::single;

/// Units of the hidden layers.
const HIDDEN: [usize; 2] = [64, 64];

/// Rows that are evaluated at once: so few that the multiplication of matrices stays on the thread that asks for it.
const EVALUATED_AT_ONCE: usize = 80;

/// A multilayer perceptron with one output.
///
/// Its units are sigmoid-weighted (`silu`). With `relu`, the gradient of a weight is exactly zero in every minibatch
/// for which the unit is off, and evenkeel takes a series that is mostly one value for a constant with outliers.
#[derive(Debug)]
pub(crate) struct Network {
    layers: Vec<Linear>,
    vars: Vec<Var>,
}

impl Network {
    /// Weights and biases uniform within the inverse square root of a layer's inputs, from a generator that can be
    /// seeded, which candle's own on the CPU cannot.
    pub(crate) fn new(features: usize, rng: &mut Rng) -> Result<Self> {
        let widths = widths(features);
        let mut network = Self { layers: Vec::new(), vars: Vec::new() };
        for (inputs, outputs) in widths.iter().copied().zip(widths.iter().copied().skip(1)) {
            let bound = 1.0 / (inputs as f64).sqrt();
            let mut uniform =
                |count: usize| -> Vec<f32> { (0..count).map(|_| single((2.0 * rng.f64() - 1.0) * bound)).collect() };
            let weight = Var::from_vec(uniform(inputs * outputs), (outputs, inputs), &Device::Cpu)?;
            let bias = Var::from_vec(uniform(outputs), outputs, &Device::Cpu)?;
            network.layers.push(Linear::new(weight.as_tensor().clone(), Some(bias.as_tensor().clone())));
            network.vars.extend([weight, bias]);
        }
        Ok(network)
    }

    /// Inputs and units of each layer, for the report.
    pub(crate) fn shape(features: usize) -> String {
        let widths: Vec<String> = widths(features).iter().map(usize::to_string).collect();
        widths.join("-")
    }

    /// Weights and biases, in the order of the layers.
    pub(crate) fn vars(&self) -> &[Var] {
        &self.vars
    }

    /// What is predicted for some rows less what is right, a row each, from which gradients can be had.
    pub(crate) fn errors(&self, inputs: Vec<f32>, targets: Vec<f32>) -> Result<Tensor> {
        let rows = targets.len();
        let features = inputs.len() / rows;
        let mut values = Tensor::from_vec(inputs, (rows, features), &Device::Cpu)?;
        for (index, layer) in self.layers.iter().enumerate() {
            values = layer.forward(&values)?;
            if index + 1 < self.layers.len() {
                values = values.silu()?;
            }
        }
        let targets = Tensor::from_vec(targets, (rows, 1), &Device::Cpu)?;
        values - targets
    }

    /// The mean squared error over a whole part.
    pub(crate) fn evaluate(&self, part: &Part) -> Result<f64> {
        let features = part.inputs.len() / part.targets.len();
        let inputs = part.inputs.chunks(EVALUATED_AT_ONCE * features);
        let mut sum = 0.0;
        for (inputs, targets) in inputs.zip(part.targets.chunks(EVALUATED_AT_ONCE)) {
            let loss = self.errors(inputs.to_vec(), targets.to_vec())?.sqr()?.mean_all()?;
            sum += loss.to_dtype(DType::F64)?.to_scalar::<f64>()? * targets.len() as f64;
        }
        Ok(sum / part.targets.len() as f64)
    }
}

/// From the inputs through the hidden layers to the one output.
fn widths(features: usize) -> Vec<usize> {
    [features].into_iter().chain(HIDDEN).chain([1]).collect()
}

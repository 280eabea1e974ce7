//! The network, and how far off it is.

use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::ops::log_softmax;
use fastrand::Rng;

use crate::common::uniform;
use crate::data::{CLASSES, PIXELS, Part};

/// Units of the hidden layers.
pub(crate) const HIDDEN: [usize; 2] = [64, 64];

/// A perceptron with `relu`.
#[derive(Debug)]
pub(crate) struct Network {
    /// Weights and biases in turns, in the order of the layers.
    vars: Vec<Var>,
}

impl Network {
    pub(crate) fn new(rng: &mut Rng) -> anyhow::Result<Self> {
        let widths: Vec<usize> = [PIXELS].into_iter().chain(HIDDEN).chain([CLASSES as usize]).collect();
        let mut vars = Vec::new();
        for (inputs, outputs) in widths.iter().copied().zip(widths.iter().copied().skip(1)) {
            let bound = 1.0 / (inputs as f64).sqrt();
            vars.extend([uniform((inputs, outputs), bound, rng)?, uniform((1, outputs), bound, rng)?]);
        }
        Ok(Self { vars })
    }

    pub(crate) fn vars(&self) -> &[Var] {
        &self.vars
    }

    /// A number for each class of each image.
    fn scores(&self, part: Part) -> Result<Tensor> {
        let mut values = Tensor::from_vec(part.images, (part.labels.len(), PIXELS), &Device::Cpu)?;
        for (index, layer) in self.vars.chunks_exact(2).enumerate() {
            if index > 0 {
                values = values.relu()?;
            }
            values = values.matmul(&layer[0])?.broadcast_add(&layer[1])?;
        }
        Ok(values)
    }

    /// The cross-entropy of each image, from which gradients can be had.
    pub(crate) fn losses(&self, part: Part) -> Result<Tensor> {
        let labels = Tensor::new(part.labels.as_slice(), &Device::Cpu)?.unsqueeze(1)?;
        log_softmax(&self.scores(part)?, D::Minus1)?.gather(&labels, 1)?.squeeze(1)?.neg()
    }

    /// The share of images that it takes for another digit, in percent; NaN if a score is none.
    pub(crate) fn errors(&self, part: &Part) -> Result<f64> {
        let labels = Tensor::new(part.labels.as_slice(), &Device::Cpu)?;
        let scores = self.scores(part.clone())?;
        if scores.sum_all()?.to_scalar::<f32>()?.is_nan() {
            return Ok(f64::NAN);
        }
        let wrong = scores.argmax(D::Minus1)?.ne(&labels)?.to_dtype(DType::F64)?;
        Ok(wrong.mean_all()?.to_scalar::<f64>()? * 100.0)
    }
}

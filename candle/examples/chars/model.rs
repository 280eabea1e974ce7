//! The transformer: two layers of causal attention and of a perceptron, each behind a layer norm, without biases.

use candle_core::{D, Device, Result, Tensor, Var};
use candle_nn::ops::{log_softmax, sigmoid, softmax};
use fastrand::Rng;

use crate::common::uniform;

const LAYERS: usize = 2;
pub(crate) const WIDTH: usize = 64;
const HEADS: usize = 2;
/// Characters in a sequence.
pub(crate) const CONTEXT: usize = 32;

#[derive(Debug)]
pub(crate) struct Transformer {
    /// A row for each character of the alphabet.
    characters: Tensor,
    /// A row for each place in a sequence.
    places: Tensor,
    layers: Vec<Layer>,
    norm: Norm,
    /// From the width to the alphabet.
    head: Tensor,
    /// What is added to the attention: nothing to what went before, and what forbids it to what comes.
    causal: Tensor,
    vars: Vec<Var>,
}

#[derive(Debug)]
struct Layer {
    attends: Norm,
    /// Queries, keys and values beside each other.
    query: Tensor,
    mix: Tensor,
    thinks: Norm,
    up: Tensor,
    down: Tensor,
}

/// A layer norm. (candle-nn's is computed by an operation that has no gradient.)
#[derive(Debug)]
struct Norm {
    gain: Tensor,
    bias: Tensor,
}

impl Norm {
    fn forward(&self, values: &Tensor) -> Result<Tensor> {
        let centred = values.broadcast_sub(&values.mean_keepdim(D::Minus1)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + 1e-5)?.sqrt()?;
        centred.broadcast_div(&deviation)?.broadcast_mul(&self.gain)?.broadcast_add(&self.bias)
    }
}

/// The form of GELU that has a sigmoid in it (Hendrycks and Gimpel 2016), three times as fast as the one with a hyperbolic tangent.
fn gelu(values: &Tensor) -> Result<Tensor> {
    values * sigmoid(&(values * 1.702)?)?
}

impl Transformer {
    pub(crate) fn new(alphabet: usize, rng: &mut Rng) -> anyhow::Result<Self> {
        let mut vars = Vec::new();
        let mut add = |var: Var| {
            let tensor = var.as_tensor().clone();
            vars.push(var);
            tensor
        };
        let mut weight =
            |shape: (usize, usize), inputs: usize| anyhow::Ok(add(uniform(shape, 1.0 / (inputs as f64).sqrt(), rng)?));
        let characters = weight((alphabet, WIDTH), WIDTH)?;
        let places = weight((CONTEXT, WIDTH), WIDTH)?;
        let head = weight((WIDTH, alphabet), WIDTH)?;
        let mut matrices = Vec::new();
        for _ in 0..LAYERS {
            let [wide, middle] = [2 * WIDTH, 3 * WIDTH];
            let shapes = [(WIDTH, middle), (WIDTH, WIDTH), (WIDTH, wide), (wide, WIDTH)];
            matrices.push(shapes.map(|shape| weight(shape, shape.0)));
        }
        let mut norm = || {
            let gain = add(Var::ones(WIDTH, candle_core::DType::F32, &Device::Cpu)?);
            anyhow::Ok(Norm { gain, bias: add(Var::zeros(WIDTH, candle_core::DType::F32, &Device::Cpu)?) })
        };
        let mut layers = Vec::new();
        for [query, mix, up, down] in matrices {
            let (attends, thinks) = (norm()?, norm()?);
            layers.push(Layer { attends, query: query?, mix: mix?, thinks, up: up?, down: down? });
        }
        let norm = norm()?;
        let forbids = |index: usize| if index % CONTEXT > index / CONTEXT { -60.0_f32 } else { 0.0 };
        let causal: Vec<f32> = (0..CONTEXT * CONTEXT).map(forbids).collect();
        let causal = Tensor::from_vec(causal, (CONTEXT, CONTEXT), &Device::Cpu)?;
        Ok(Self { characters, places, layers, norm, head, causal, vars })
    }

    pub(crate) fn vars(&self) -> &[Var] {
        &self.vars
    }

    /// The mean cross-entropy of each sequence in nats, from which gradients can be had: of every character but its first by
    /// those before it. Sequences have a character more than the context.
    pub(crate) fn losses(&self, sequences: &[&[u32]]) -> Result<Tensor> {
        let count = sequences.len();
        let shifted = |by: usize| sequences.iter().flat_map(move |all| all[by..by + CONTEXT].iter().copied());
        let numbers = |by: usize| Tensor::from_iter(shifted(by), &Device::Cpu);
        let values = self.characters.index_select(&numbers(0)?, 0)?.reshape((count, CONTEXT, WIDTH))?;
        let mut values = values.broadcast_add(&self.places)?.reshape((count * CONTEXT, WIDTH))?;
        for layer in &self.layers {
            let attended = self.attend(layer, &layer.attends.forward(&values)?, count)?;
            values = (values + attended)?;
            let thought = layer.thinks.forward(&values)?.matmul(&layer.up)?;
            let thought = gelu(&thought)?.matmul(&layer.down)?;
            values = (values + thought)?;
        }
        let logs = log_softmax(&self.norm.forward(&values)?.matmul(&self.head)?, D::Minus1)?;
        let right = logs.gather(&numbers(1)?.unsqueeze(1)?, 1)?;
        right.reshape((count, CONTEXT))?.mean(1)?.neg()
    }

    fn attend(&self, layer: &Layer, values: &Tensor, count: usize) -> Result<Tensor> {
        let size = WIDTH / HEADS;
        let all = values.matmul(&layer.query)?.reshape((count, CONTEXT, 3, HEADS, size))?;
        let all = all.permute((2, 0, 3, 1, 4))?.contiguous()?;
        let [query, key, value] = [all.get(0)?, all.get(1)?, all.get(2)?];
        let fits = (query.matmul(&key.t()?.contiguous()?)? * (1.0 / (size as f64).sqrt()))?;
        let weights = softmax(&fits.broadcast_add(&self.causal)?, D::Minus1)?;
        let found = weights.matmul(&value)?.transpose(1, 2)?.contiguous()?;
        found.reshape((count * CONTEXT, WIDTH))?.matmul(&layer.mix)
    }
}

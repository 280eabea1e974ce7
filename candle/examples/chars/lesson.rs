//! What the transformer is shown, and what is wrong with that.

use anyhow::Result;
use candle_core::{DType, Tensor, Var};
use fastrand::Rng;

use crate::common::{Lesson, Score, Sheet, Task};
use crate::model::{CONTEXT, Transformer, WIDTH};
use crate::text::Text;

/// Sequences in a minibatch.
const BATCH: usize = 16;
/// Sequences that are evaluated, spread over a part.
const EVALUATED: usize = 256;

/// The share of steps whose gradient spikes.
const SPIKES: f64 = 0.02;
/// Powers of ten by which it does.
const SIZES: [f64; 2] = [2.0, 4.0];
/// The share of sequences that are garbage.
const GARBAGE: f64 = 0.1;

/// The novel, to be learnt.
pub(crate) struct Chars {
    pub(crate) text: Text,
}

/// A transformer that learns it.
struct Reader<'t> {
    text: &'t Text,
    network: Transformer,
    /// Where the next sequences begin.
    order: Rng,
    /// What goes wrong.
    errors: Rng,
    spikes: bool,
    garbage: bool,
}

impl Task for Chars {
    fn sheet(&self) -> Sheet {
        let alone = self.loss_of_frequencies();
        Sheet {
            name: "chars",
            title: "Clean test loss of a transformer on the characters of a novel, in nats".to_owned(),
            about: format!(
                "A transformer of two layers, width {WIDTH} and context {CONTEXT} learns {} characters of a novel, of {} kinds. A spike\n\
                 multiplies the gradient by {:.0e} to {:.0e}, uniform in the logarithm; a sequence that is garbage has random characters. The\n\
                 cross-entropy is that of clean text, in nats a character; by the frequencies of the characters alone it is {alone:.3}.",
                self.text.train.len(),
                self.text.alphabet,
                10_f64.powf(SIZES[0]),
                10_f64.powf(SIZES[1]),
            ),
            mark: Some(("by frequencies alone", alone)),
            scenarios: vec!["clean", "spikes in 2% of the steps", "10% garbage sequences"],
            batch: BATCH,
            steps: 250,
            rates: [1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1],
            middle_rates: [1e-3, 3e-3, 1e-2],
            tuning_seeds: 1,
            seeds: 5,
            decimals: 3,
            range: [1.8, 3.0],
            ticks: vec![2.0, 2.2, 2.4, 2.6, 2.8],
        }
    }

    fn begin(&self, scenario: usize, seed: u64) -> Result<Box<dyn Lesson + '_>> {
        let mut source = Rng::with_seed(seed);
        let [mut weights, order, errors] = core::array::from_fn(|_| source.fork());
        let network = Transformer::new(self.text.alphabet, &mut weights)?;
        Ok(Box::new(Reader { text: &self.text, network, order, errors, spikes: scenario == 1, garbage: scenario == 2 }))
    }
}

impl Chars {
    /// The loss of who knows how frequent each character is in the training part, and nothing else.
    fn loss_of_frequencies(&self) -> f64 {
        // Each counts once more than it was seen, so that none is impossible.
        let mut counts = vec![1.0_f64; self.text.alphabet];
        self.text.train.iter().for_each(|&character| counts[character as usize] += 1.0);
        let all: f64 = counts.iter().sum();
        let losses = self.text.test.iter().map(|&character| (all / counts[character as usize]).ln());
        losses.sum::<f64>() / self.text.test.len() as f64
    }
}

impl Lesson for Reader<'_> {
    fn vars(&self) -> &[Var] {
        self.network.vars()
    }

    fn losses(&mut self) -> Result<Tensor> {
        let mut sequences = Vec::with_capacity(BATCH);
        for _ in 0..BATCH {
            let start = self.order.usize(..self.text.train.len() - CONTEXT);
            sequences.push(self.text.train[start..=start + CONTEXT].to_vec());
        }
        if self.garbage {
            let kinds = u32::try_from(self.text.alphabet)?;
            for sequence in &mut sequences {
                if self.errors.f64() < GARBAGE {
                    sequence.fill_with(|| self.errors.u32(..kinds));
                }
            }
        }
        let sequences: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
        Ok(self.network.losses(&sequences)?)
    }

    fn spike(&mut self) -> f64 {
        let (chance, size) = (self.errors.f64(), SIZES[0] + (SIZES[1] - SIZES[0]) * self.errors.f64());
        if self.spikes && chance < SPIKES { 10_f64.powf(size) } else { 1.0 }
    }

    fn score(&self, enough: usize) -> Result<Score> {
        let loss = |part: &[u32]| -> Result<f64> {
            let sequences: Vec<&[u32]> =
                part.windows(CONTEXT + 1).step_by(part.len() / EVALUATED.min(enough)).collect();
            let mut sum = 0.0;
            for batch in sequences.chunks(BATCH) {
                let losses = self.network.losses(batch)?.sum_all()?;
                sum += losses.to_dtype(DType::F64)?.to_scalar::<f64>()?;
            }
            Ok(sum / sequences.len() as f64)
        };
        Ok(Score { validation: loss(&self.text.validation)?, test: loss(&self.text.test)? })
    }
}

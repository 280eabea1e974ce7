//! `AdamW` whose first moment is a robust mean, over plain vectors: what to put where Adam keeps `m`.
//!
//! `cargo run --release --example adamw`

use evenkeel::{Decay, RobustMean, Sweep};
use std::error::Error;

/// The rule in the place of `m`; `COLUMNS` is its number of columns per weight. For Adam's own average write `Ema` and
/// 2; for the numerator's input clip alone, `ClippedEma` and 3. Nothing else changes.
type First = RobustMean;
const COLUMNS: usize = 4;

fn first(decay: Decay) -> Result<First, Box<dyn Error>> {
    // With so short a memory, fewer strikes are better.
    Ok(RobustMean::new(decay).patience(8)?)
}

/// `AdamW` (Loshchilov and Hutter 2019, algorithm 2).
struct AdamW {
    first: Sweep<First, f32>,
    state: [Vec<f32>; COLUMNS],
    second: Vec<f32>,
    steps: i32,
}

impl AdamW {
    const RATE: f32 = 0.02;
    const BETA: f32 = 0.999;
    const EPSILON: f32 = 1e-8;
    const DECAY: f32 = 1e-4;

    fn new(weights: usize) -> Result<Self, Box<dyn Error>> {
        let first = Sweep::new(first(Decay::beta(0.9)?)?)?;
        let mut state = core::array::from_fn(|_| vec![0.0; weights]);
        first.reset(state.each_mut().map(Vec::as_mut_slice));
        Ok(Self { first, state, second: vec![0.0; weights], steps: 0 })
    }

    fn step(&mut self, weights: &mut [f32], gradient: &[f32]) -> Result<(), Box<dyn Error>> {
        self.steps += 1;
        self.first.update(self.state.each_mut().map(Vec::as_mut_slice), gradient)?;
        let correction = 1.0 - Self::BETA.powi(self.steps);
        for (i, ((w, v), g)) in weights.iter_mut().zip(&mut self.second).zip(gradient).enumerate() {
            // Bias-corrected, whatever the rule; of a weight that has seen no gradient there is none.
            let seen = self.first.reading(&self.state.each_ref().map(|column| column[i]));
            let (m, bound) = (seen.location, 4.0 * seen.scale);
            if m.is_nan() || g.is_nan() {
                continue;
            }
            // The second moment must not be owned by outliers either. `Ema` has no scale: NaN is no bound here.
            let g = g.min(m + bound).max(m - bound);
            *v = Self::BETA * *v + (1.0 - Self::BETA) * g * g;
            *w -= Self::RATE * (m / ((*v / correction).sqrt() + Self::EPSILON) + Self::DECAY * *w);
        }
        Ok(())
    }
}

/// Finds the least of `(w - target)^2 / 2` from gradients of which one in twenty is wild.
fn main() -> Result<(), Box<dyn Error>> {
    let targets: Vec<f32> = (0..1000).map(|i| (i % 7) as f32 - 3.0).collect();
    let mut weights = vec![0.0_f32; targets.len()];
    let mut optimiser = AdamW::new(weights.len())?;
    let mut seed = 1_u32;
    for _ in 0..2000 {
        let noisy = |(w, target): (&f32, &f32)| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            w - target + if seed >> 16 & 0xff < 13 { 1e4 } else { (seed >> 24) as f32 / 128.0 - 1.0 }
        };
        let gradient: Vec<f32> = weights.iter().zip(&targets).map(noisy).collect();
        optimiser.step(&mut weights, &gradient)?;
    }
    let error = weights.iter().zip(&targets).map(|(w, target)| (w - target).abs()).sum::<f32>() / 1000.0;
    println!("mean distance from the target after 2000 steps: {error:.3}");
    if error < 0.3 { Ok(()) } else { Err("the outliers own the estimate".into()) }
}

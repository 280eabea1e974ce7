//! One optimiser step, `RobustSgm` beside candle's `AdamW`, on the same tensors in turns in one run.
//!
//! `cargo bench -p evenkeel-candle --bench step`. The best of many turns counts: what else the machine does can only
//! add.

use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use evenkeel_candle::{ParamsRobustSgm, RobustSgm};
use std::time::Instant;

/// The tensors of a small transformer: 6 blocks of width 256, 8192 tokens.
fn transformer() -> Vec<Vec<usize>> {
    let (width, tokens) = (256, 8192);
    let mut shapes = vec![vec![tokens, width], vec![512, width]];
    for _ in 0..6 {
        for (rows, columns) in [(3 * width, width), (width, width), (4 * width, width), (width, 4 * width)] {
            shapes.extend([vec![rows, columns], vec![rows]]);
        }
        shapes.extend([vec![width], vec![width], vec![width], vec![width]]);
    }
    shapes.extend([vec![width], vec![width]]);
    shapes
}

/// Variables of these shapes, and a gradient for each.
fn model(shapes: &[Vec<usize>]) -> Result<(Vec<Var>, GradStore)> {
    let noise = |shape: &[usize], deviation: f32| Tensor::randn(0.0_f32, deviation, shape, &Device::Cpu);
    let vars = shapes.iter().map(|shape| Var::from_tensor(&noise(shape, 0.05)?)).collect::<Result<Vec<_>>>()?;
    let mut store = vars[0].sum_all()?.backward()?;
    for (var, shape) in vars.iter().zip(shapes) {
        store.insert(var.as_tensor(), noise(shape, 0.01)?);
    }
    Ok((vars, store))
}

fn compare(name: &str, shapes: &[Vec<usize>]) -> Result<()> {
    let weights: usize = shapes.iter().map(|shape| shape.iter().product::<usize>()).sum();
    let (vars, gradients) = model(shapes)?;
    let mut robust = RobustSgm::new(vars, ParamsRobustSgm::default())?;
    let (vars, others) = model(shapes)?;
    let mut adam = AdamW::new(vars, ParamsAdamW::default())?;
    let mut best = [f64::INFINITY; 2];
    for _ in 0..15 {
        let start = Instant::now();
        robust.step(&gradients)?;
        best[0] = best[0].min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        adam.step(&others)?;
        best[1] = best[1].min(start.elapsed().as_secs_f64());
    }
    let [robust, adam] = best.map(|seconds| seconds * 1e9 / weights as f64);
    println!(
        "{name}: {} tensors, {weights} weights, f32: RobustSgm {robust:.2} ns per weight, AdamW {adam:.2} ns, {:.1} times",
        shapes.len(),
        adam / robust
    );
    Ok(())
}

fn main() -> Result<()> {
    println!("{} threads", rayon::current_num_threads());
    compare("one tensor of 16 Mi weights", &[vec![4096, 4096]])?;
    compare("a small transformer", &transformer())?;
    compare("200 tensors of 4 Ki weights", &vec![vec![64, 64]; 200])
}

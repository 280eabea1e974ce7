//! What is counted: 64 updates of 1,024 channels or weights, of which callgrind and the emulator count the instructions.

use super::data::Rows;
use evenkeel::{
    Backend, Bank, CleanedEma, Decay, Ema, Estimator, Layer, LayerRule, LearningRate, Numerator, Real, RobustMean,
    Threads,
};
use std::hint::black_box;

pub const CHANNELS: usize = 1024;
pub const ROWS: usize = 64;

/// A bank of full age on the given backend, and the rows to come as one block.
fn set_up<R: Estimator, T: Real>(rule: R, backend: Backend, outliers: f64) -> (Bank<R, T>, Vec<T>) {
    let mut rows = Rows::<T>::new(CHANNELS, outliers, 7);
    let bank = Bank::new(rule, CHANNELS).unwrap().with_backend(backend).unwrap();
    let mut bank = bank.with_threads(Threads::One);
    for _ in 0..150 {
        bank.update(rows.next()).unwrap();
    }
    let block = (0..ROWS).flat_map(|_| rows.next().to_vec()).collect();
    (bank, block)
}

pub fn robust<T: Real>(backend: Backend, outliers: f64) -> (Bank<RobustMean, T>, Vec<T>) {
    set_up(RobustMean::new(Decay::alpha(0.01).unwrap()), backend, outliers)
}

pub fn cleaned<T: Real>(backend: Backend, outliers: f64) -> (Bank<CleanedEma, T>, Vec<T>) {
    set_up(CleanedEma::new(Decay::alpha(0.01).unwrap()), backend, outliers)
}

pub fn ema<T: Real>(backend: Backend) -> (Bank<Ema, T>, Vec<T>) {
    set_up(Ema::new(Decay::alpha(0.2).unwrap()), backend, 0.0)
}

pub fn row_by_row<R: Estimator, T: Real>((mut bank, block): (Bank<R, T>, Vec<T>)) -> Bank<R, T> {
    for row in block.chunks_exact(CHANNELS) {
        bank.update(black_box(row)).unwrap();
    }
    bank
}

pub fn in_blocks<R: Estimator, T: Real>((mut bank, block): (Bank<R, T>, Vec<T>)) -> Bank<R, T> {
    bank.update_rows(black_box(&block)).unwrap();
    bank
}

/// A layer on the given backend, its weights, and the gradients to come.
fn layer<R: LayerRule, T: Real>(rule: R, backend: Backend) -> (Layer<R, T>, Vec<T>, Vec<T>) {
    let mut rows = Rows::<T>::new(CHANNELS, 0.01, 7);
    let layer = Layer::new(rule, CHANNELS).unwrap().with_backend(backend).unwrap().with_threads(Threads::One);
    let weights = rows.next().to_vec();
    let gradients = (0..ROWS).flat_map(|_| rows.next().to_vec()).collect();
    (layer, weights, gradients)
}

pub fn numerator<T: Real>(backend: Backend) -> (Layer<Numerator, T>, Vec<T>, Vec<T>) {
    layer(Numerator::new(1e-3).unwrap(), backend)
}

pub fn learning_rate<T: Real>(backend: Backend) -> (Layer<LearningRate, T>, Vec<T>, Vec<T>) {
    layer(LearningRate::new(1e-3).unwrap(), backend)
}

pub fn step_by_step<R: LayerRule, T: Real>(
    (mut layer, weights, gradients): (Layer<R, T>, Vec<T>, Vec<T>),
) -> Layer<R, T> {
    for gradient in gradients.chunks_exact(CHANNELS) {
        black_box(layer.update(black_box(&weights), gradient).unwrap());
    }
    layer
}

/// Not a closure: the name of what is called with one holds the name of the benchmark, by which the counter is
/// switched.
fn unchanged<T>(mean: T) -> T {
    mean
}

pub fn descent<T: Real>(
    (mut layer, mut weights, gradients): (Layer<LearningRate, T>, Vec<T>, Vec<T>),
) -> Layer<LearningRate, T> {
    for gradient in gradients.chunks_exact(CHANNELS) {
        black_box(layer.descend(black_box(&mut weights), gradient, unchanged).unwrap());
    }
    layer
}

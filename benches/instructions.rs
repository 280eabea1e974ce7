//! Instructions per channel-update, counted by callgrind: the same on every run of one binary, whatever the machine
//! does.
//!
//! `cargo bench --bench instructions` needs valgrind and `cargo install iai-callgrind-runner --version 0.16.1`.
//! Valgrind has no AVX-512, so the best backend here is AVX2. Each function makes 64 updates of 1,024 channels, so that
//! the count divided by 65,536 is instructions per channel-update. What a benchmark is given is made before the count
//! begins and dropped after it ends, but for the block of samples, which costs a few hundred instructions to free.
//!
//! A benchmark fails if it takes 3% more than `instructions.limits` says; `.ci/limits` writes that file anew. The
//! processor, the allocator and the C library hardly show in the counts, the compiler does: between Rust 1.95 and a
//! nightly 1.97 the counts with vectors moved by a third of a percent and those without by up to a fifth. So the file
//! names its compiler, and `EVENKEEL_INSTRUCTIONS_ROOM`, a part such as 0.1, gives another one more room.

#![allow(missing_docs)] // the harness generates modules

mod common;

use common::updates::{
    CHANNELS, ROWS, cleaned, descent, ema, in_blocks, learning_rate, numerator, robust, row_by_row, step_by_step,
};
use evenkeel::{Backend, Bank, CleanedEma, Ema, Layer, LearningRate, Numerator, Real, RobustMean};
use iai_callgrind::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};

/// Instructions per channel-update, a benchmark a line.
const LIMITS: &str = include_str!("instructions.limits");

/// Most additional instructions of a benchmark, as a part of those on its line.
fn room() -> f64 {
    std::env::var("EVENKEEL_INSTRUCTIONS_ROOM").map_or(0.03, |room| room.parse().unwrap())
}

/// Fails the benchmark of this name if it takes more instructions than it may. One without a line may take none, so
/// that it is not forgotten.
fn limit(name: &str) -> LibraryBenchmarkConfig {
    let per_update = LIMITS.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok()).unwrap_or(0.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some millions
    let most = (per_update * (CHANNELS * ROWS) as f64 * (1.0 + room())) as u64;
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, most)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

#[library_benchmark]
#[bench::avx2_f32(args = (ema::<f32>(Backend::Avx2)), config = limit("ema_row::avx2_f32"))]
#[bench::avx2_f64(args = (ema::<f64>(Backend::Avx2)), config = limit("ema_row::avx2_f64"))]
#[bench::scalar_f32(args = (ema::<f32>(Backend::Scalar)), config = limit("ema_row::scalar_f32"))]
fn ema_row<T: Real>(set_up: (Bank<Ema, T>, Vec<T>)) -> Bank<Ema, T> {
    row_by_row(set_up)
}

#[library_benchmark]
#[bench::avx2_f32(args = (ema::<f32>(Backend::Avx2)), config = limit("ema_block::avx2_f32"))]
#[bench::avx2_f64(args = (ema::<f64>(Backend::Avx2)), config = limit("ema_block::avx2_f64"))]
fn ema_block<T: Real>(set_up: (Bank<Ema, T>, Vec<T>)) -> Bank<Ema, T> {
    in_blocks(set_up)
}

#[library_benchmark]
#[bench::avx2_f32_clean(args = (robust::<f32>(Backend::Avx2, 0.0)), config = limit("robust_row::avx2_f32_clean"))]
#[bench::avx2_f32_outliers(args = (robust::<f32>(Backend::Avx2, 0.05)), config = limit("robust_row::avx2_f32_outliers"))]
#[bench::avx2_f64_clean(args = (robust::<f64>(Backend::Avx2, 0.0)), config = limit("robust_row::avx2_f64_clean"))]
#[bench::scalar_f32_clean(args = (robust::<f32>(Backend::Scalar, 0.0)), config = limit("robust_row::scalar_f32_clean"))]
fn robust_row<T: Real>(set_up: (Bank<RobustMean, T>, Vec<T>)) -> Bank<RobustMean, T> {
    row_by_row(set_up)
}

#[library_benchmark]
#[bench::avx2_f32_clean(args = (robust::<f32>(Backend::Avx2, 0.0)), config = limit("robust_block::avx2_f32_clean"))]
#[bench::avx2_f32_outliers(args = (robust::<f32>(Backend::Avx2, 0.05)), config = limit("robust_block::avx2_f32_outliers"))]
#[bench::avx2_f64_clean(args = (robust::<f64>(Backend::Avx2, 0.0)), config = limit("robust_block::avx2_f64_clean"))]
fn robust_block<T: Real>(set_up: (Bank<RobustMean, T>, Vec<T>)) -> Bank<RobustMean, T> {
    in_blocks(set_up)
}

#[library_benchmark]
#[bench::avx2_f32_clean(args = (cleaned::<f32>(Backend::Avx2, 0.0)), config = limit("cleaned_row::avx2_f32_clean"))]
#[bench::avx2_f32_outliers(args = (cleaned::<f32>(Backend::Avx2, 0.05)), config = limit("cleaned_row::avx2_f32_outliers"))]
#[bench::avx2_f64_clean(args = (cleaned::<f64>(Backend::Avx2, 0.0)), config = limit("cleaned_row::avx2_f64_clean"))]
fn cleaned_row<T: Real>(set_up: (Bank<CleanedEma, T>, Vec<T>)) -> Bank<CleanedEma, T> {
    row_by_row(set_up)
}

#[library_benchmark]
#[bench::avx2_f32(args = (numerator::<f32>(Backend::Avx2)), config = limit("numerator_layer::avx2_f32"))]
#[bench::avx2_f64(args = (numerator::<f64>(Backend::Avx2)), config = limit("numerator_layer::avx2_f64"))]
#[bench::scalar_f32(args = (numerator::<f32>(Backend::Scalar)), config = limit("numerator_layer::scalar_f32"))]
fn numerator_layer<T: Real>(set_up: (Layer<Numerator, T>, Vec<T>, Vec<T>)) -> Layer<Numerator, T> {
    step_by_step(set_up)
}

#[library_benchmark]
#[bench::avx2_f32(args = (learning_rate::<f32>(Backend::Avx2)), config = limit("learning_rate_descent::avx2_f32"))]
fn learning_rate_descent<T: Real>(set_up: (Layer<LearningRate, T>, Vec<T>, Vec<T>)) -> Layer<LearningRate, T> {
    descent(set_up)
}

library_benchmark_group!(
    name = updates;
    benchmarks = ema_row, ema_block, robust_row, robust_block, cleaned_row, numerator_layer, learning_rate_descent
);
main!(library_benchmark_groups = updates);

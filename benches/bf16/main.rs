//! State of sixteen bits, weighed: what columns of `bf16` would save a step of [`LearningRate`], and what they do to it.
//!
//! `cargo bench --bench bf16`. The library has no such state; `docs/PERFORMANCE.md` says why, with these numbers, and
//! `cargo run --release -p evenkeel-candle --example train -- --bf16` trains with it.
//!
//! | file | what it does |
//! |---|---|
//! | `step.rs` | a whole step as plain loops, over columns of `f32` or of sixteen bits |

#[path = "../common/mod.rs"]
mod common;
mod step;

use common::data::{Rows, samples};
use evenkeel::{Backend, Decay, Layer, LearningRate, Threads};
use std::cell::RefCell;
use std::time::Instant;
use step::{Chance, Column, Nearest, State, Stored, factors};

fn rule() -> LearningRate {
    LearningRate::new(step::MU).unwrap().smoothing(Some(Decay::beta(step::BETA_SMOOTH).unwrap()))
}

/// The rate of a step: so small that the weights stay what they are.
const RATE: f32 = 1e-6;

/// Weights of deviation 0.05 about 0.5.
fn weights(count: usize) -> Column<f32> {
    Column::from_iter(64, samples::<f32>(count, 0.0, 11).into_iter().map(|w| w / 20.0))
}

/// Nanoseconds per weight of each contestant: the best of many short turns.
fn turns<const N: usize>(weights: usize, mut contestants: [&mut dyn FnMut(u64); N]) -> [f64; N] {
    let calls = (1 << 20) / weights.min(1 << 20);
    let rounds = if weights > 1 << 20 { 40 } else { 60 };
    let mut best = [f64::INFINITY; N];
    for round in 0..rounds {
        for (contestant, best) in contestants.iter_mut().zip(&mut best) {
            let start = Instant::now();
            for call in 0..calls {
                contestant((round * calls + call + 1) as u64);
            }
            *best = best.min(start.elapsed().as_secs_f64() * 1e9 / (calls * weights) as f64);
        }
    }
    best
}

/// A whole step on one thread: the engine, the plain loop over `f32`, and over numbers of sixteen bits.
fn speed(name: &str, count: usize, backend: Backend) {
    let layer = Layer::<LearningRate, f32>::new(rule(), count).unwrap().with_backend(backend).unwrap();
    let mut layer = layer.with_threads(Threads::One);
    let mut of_engine = weights(count);
    let (mut single, mut chance, mut nearest) =
        (State::<f32>::new(count), State::<Chance>::new(count), State::<Nearest>::new(count));
    let [mut of_single, mut of_chance, mut of_nearest] = [weights(count), weights(count), weights(count)];
    let feed = RefCell::new(Rows::<f32>::new(count, 0.01, 12));

    for step in 1..4 {
        let mut feed = feed.borrow_mut();
        let gradient = feed.next();
        let mean = layer.descend(&mut of_engine, gradient, |_| RATE);
        let plain = single.step(backend, &mut of_single, gradient, &factors(step), RATE);
        assert!(of_engine == of_single && mean.unwrap() == plain, "the plain loop is another step");
    }
    let [engine, single, chance, nearest] = turns(
        count,
        [
            &mut |_| {
                layer.descend(&mut of_engine, feed.borrow_mut().next(), |_| RATE).unwrap();
            },
            &mut |step| {
                single.step(backend, &mut of_single, feed.borrow_mut().next(), &factors(step), RATE);
            },
            &mut |step| {
                chance.step(backend, &mut of_chance, feed.borrow_mut().next(), &factors(step), RATE);
            },
            &mut |step| {
                nearest.step(backend, &mut of_nearest, feed.borrow_mut().next(), &factors(step), RATE);
            },
        ],
    );
    println!(
        "{backend:?} {name:>4} | f32: engine {engine:.3} ns, plain {single:.3} ns | bf16: stochastic {chance:.3} ns, {:.2} x the faster of f32, nearest {nearest:.3} ns, {:.2} x",
        engine.min(single) / chance,
        engine.min(single) / nearest,
    );
}

/// Whether the rounded state is the same on every backend, as the library promises of its own.
fn same_bits() {
    let count = 4096;
    let mut seen: Option<State<Chance>> = None;
    for backend in Backend::available() {
        let (mut state, mut feed) = (State::<Chance>::new(count), Rows::<f32>::new(count, 0.01, 16));
        for step in 1..=100 {
            state.step(backend, &mut weights(count), feed.next(), &factors(step), RATE);
        }
        assert!(seen.as_ref().is_none_or(|seen| seen.columns == state.columns), "other bits on {backend:?}");
        seen = Some(state);
    }
}

/// The columns after many steps, beside those in `f32`: the sum of their sizes as a ratio, and the root mean square of
/// their differences as a part of their own.
fn compared<C: Stored>(name: &str, step: u64, mean: f32, state: &State<C>, exact_mean: f32, exact: &State<f32>) {
    print!("{step:>6} {name:<10} | r {:.4}", mean / exact_mean);
    for ((column, exact), what) in state.columns.iter().zip(&exact.columns).zip(["v", "u", "s", "a~", "m"]) {
        let [mut size, mut exact_size, mut square, mut exact_square] = [0.0; 4];
        for (&value, &exact) in column.iter().zip(exact.iter()) {
            let (value, exact) = (f64::from(value.wide()), f64::from(exact));
            size += value.abs();
            exact_size += exact.abs();
            square += (value - exact).powi(2);
            exact_square += exact * exact;
        }
        print!(" | {what} {:.3} ± {:.3}", size / exact_size, (square / exact_square).sqrt());
    }
    println!();
}

/// What rounding does to the state over many steps: the gradient falls to a tenth half-way, and the norm has to follow.
fn drift() {
    let (count, steps) = (4096, 20_000);
    let (backend, mut feed) = (Backend::best(), Rows::<f32>::new(count, 0.0, 13));
    let level: Vec<f32> = samples::<f32>(count, 0.0, 14).into_iter().map(|x| 0.3 * (x - 10.0)).collect();
    let (mut single, mut chance, mut nearest) =
        (State::<f32>::new(count), State::<Chance>::new(count), State::<Nearest>::new(count));
    let mut weights = samples::<f32>(count, 0.0, 15).into_iter().map(|x| x - 10.0).collect::<Vec<_>>();
    println!(
        "state of sixteen bits beside f32, {count} weights; the gradient falls to a tenth after {} steps",
        steps / 2
    );
    for step in 1..=steps {
        let size = if step > steps / 2 { 0.1 } else { 1.0 };
        let gradient: Vec<f32> = feed.next().iter().zip(&level).map(|(x, level)| size * (x - 10.0 + level)).collect();
        let factors = factors(step);
        let exact = single.step(backend, &mut weights, &gradient, &factors, 0.0);
        let by_chance = chance.step(backend, &mut weights, &gradient, &factors, 0.0);
        let to_nearest = nearest.step(backend, &mut weights, &gradient, &factors, 0.0);
        if [100, 1_000, 10_000, 20_000].contains(&step) {
            compared("stochastic", step, by_chance, &chance, exact, &single);
            compared("nearest", step, to_nearest, &nearest, exact, &single);
        }
    }
}

fn main() {
    println!("a whole step of LearningRate on one thread: 64 bytes a weight with state of f32, 42 with state of bf16");
    for backend in Backend::available() {
        for (name, count) in [("1Ki", 1 << 10), ("64Ki", 64 << 10), ("1Mi", 1 << 20), ("16Mi", 16 << 20)] {
            speed(name, count, backend);
        }
    }
    same_bits();
    drift();
}

//! Weights and gradients: rules beside the memory limit, and many small layers beside one call for each and beside a
//! large one.

use crate::common::data::{Rows, samples};
use crate::common::probe::{Number, Probe};
use crate::common::turns::{turns, wanted};
use crate::{ALPHA, bank};
use evenkeel::{
    Backend, Bank, ClippedEma, Decay, Layer, LayerRule, LayerUpdate, Numerator, Real, Threads, update_layers,
};
use std::cell::RefCell;
use std::hint::black_box;

const SIZES: [(&str, usize); 5] =
    [("4Ki", 4 << 10), ("64Ki", 64 << 10), ("1Mi", 1 << 20), ("16Mi", 16 << 20), ("64Mi", 64 << 20)];

/// One rule of weights and gradients on one thread, beside the memory limit.
pub(crate) fn layers<R: LayerRule, T: Real + Number>(name: &str, rule: &R, written: usize) {
    for (size, weights) in SIZES {
        if !wanted(&["layer", name, T::NAME, size]) {
            continue;
        }
        // Two columns of 64 Mi f64 weights more would not fit a small machine.
        if weights * size_of::<T>() > 256 << 20 {
            continue;
        }
        let w: Vec<T> = samples(weights, 0.0, 11).into_iter().map(|w: T| T::from_f64(w.to_f64() / 20.0)).collect();
        let feed = RefCell::new(Rows::<T>::new(weights, 0.01, 12));
        let mut probe = Probe::<T>::new(weights, written, 1);
        let (bytes, lane) = (probe.bytes(), T::NAME);
        print!("{name:<16} {lane} {size:>5} {bytes:>3} B ");
        for backend in Backend::available() {
            let layer = Layer::<R, T>::new(rule.clone(), weights).unwrap().with_backend(backend).unwrap();
            let mut layer = layer.with_threads(Threads::One);
            let [engine, limit] = turns(
                weights,
                [
                    &mut || {
                        black_box(layer.update(&w, feed.borrow_mut().next()).unwrap());
                    },
                    &mut || probe.pass(feed.borrow_mut().next()),
                ],
            );
            print!(" | {backend:?} {engine:.3} ns, {:.2} of limit", limit / engine);
        }
        println!();
    }
}

/// The robust first moment row by row on one thread, beside the memory limit.
pub(crate) fn moments<T: Real + Number>() {
    for (size, channels) in SIZES {
        if !wanted(&["layer", "ClippedEma", T::NAME, size]) || channels * size_of::<T>() > 256 << 20 {
            continue;
        }
        let feed = RefCell::new(Rows::<T>::new(channels, 0.01, 12));
        let mut probe = Probe::<T>::new(channels, 3, 0);
        let (bytes, lane) = (probe.bytes(), T::NAME);
        print!("{:<16} {lane} {size:>5} {bytes:>3} B ", "ClippedEma");
        for backend in Backend::available() {
            let rule = ClippedEma::new(Decay::alpha(ALPHA).unwrap());
            let mut bank: Bank<_, T> = bank(rule, backend, &mut feed.borrow_mut(), channels);
            let [engine, limit] = turns(
                channels,
                [&mut || bank.update(feed.borrow_mut().next()).unwrap(), &mut || probe.pass(feed.borrow_mut().next())],
            );
            print!(" | {backend:?} {engine:.3} ns, {:.2} of limit", limit / engine);
        }
        println!();
    }
}

/// Many small layers in one call, beside one call for each, on all threads.
pub(crate) fn small_layers() {
    if !wanted(&["layer", "small"]) {
        return;
    }
    let (count, weights) = (200, 4 << 10);
    let rule = Numerator::new(1e-3).unwrap();
    let make = || (0..count).map(|_| Layer::<Numerator, f32>::new(rule, weights).unwrap()).collect::<Vec<_>>();
    let (mut together, mut alone) = (make(), make());
    let w = samples::<f32>(weights * count, 0.0, 13);
    let feed = RefCell::new(Rows::<f32>::new(weights * count, 0.0, 14));
    let [one_call, calls] = turns(
        weights * count,
        [
            &mut || {
                let mut feed = feed.borrow_mut();
                let data = w.chunks(weights).zip(feed.next().chunks(weights));
                let updates = together.iter_mut().zip(data).map(|(layer, (w, g))| layer.with(w, g).unwrap());
                let mut updates: Vec<_> = updates.collect();
                update_layers(&mut updates, Threads::Auto);
                black_box(updates.iter().map(LayerUpdate::mean).sum::<f32>());
            },
            &mut || {
                let mut feed = feed.borrow_mut();
                let data = w.chunks(weights).zip(feed.next().chunks(weights));
                for (layer, (w, g)) in alone.iter_mut().zip(data) {
                    black_box(layer.update(w, g).unwrap());
                }
            },
        ],
    );
    println!(
        "{count} layers of {weights} weights, Numerator f32: one call {one_call:.3} ns, {:.2} x one by one",
        calls / one_call
    );
}

/// Layers of one rule, their weights, and the gradients to come.
struct Model<R: LayerRule> {
    layers: Vec<Layer<R, f32>>,
    weights: Vec<f32>,
    feed: Rows<f32>,
}

impl<R: LayerRule> Model<R> {
    fn new(rule: &R, backend: Backend, layers: usize, weights: usize) -> Self {
        let layer = || Layer::<R, f32>::new(rule.clone(), weights).unwrap().with_backend(backend).unwrap();
        let all: Vec<f32> = samples::<f32>(layers * weights, 0.0, 13).into_iter().map(|w| w / 20.0).collect();
        let feed = Rows::new(layers * weights, 0.01, 14);
        Self { layers: (0..layers).map(|_| layer()).collect(), weights: all, feed }
    }

    fn step(&mut self, threads: Threads) {
        let each = self.weights.len() / self.layers.len();
        let data = self.weights.chunks_exact(each).zip(self.feed.next().chunks_exact(each));
        let updates = self.layers.iter_mut().zip(data).map(|(layer, (w, g))| layer.with(w, g).unwrap());
        let mut updates: Vec<_> = updates.collect();
        update_layers(&mut updates, threads);
        black_box(updates.iter().map(LayerUpdate::mean).sum::<f32>());
    }
}

/// A million weights in tensors of a thousand, in one call, beside as many in one tensor: what does a tensor cost?
pub(crate) fn many_layers<R: LayerRule>(name: &str, rule: &R) {
    for backend in Backend::available() {
        for (threads, count) in [(Threads::One, 1), (Threads::Auto, 2)] {
            if !wanted(&["layer", "many", name, &format!("{backend:?}"), &count.to_string()]) {
                continue;
            }
            let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
            let mut one = Model::new(rule, backend, 1, 1 << 20);
            let others = [(64 << 10, 16), (4 << 10, 256), (1 << 10, 1024), (256, 4096)];
            let [mut a, mut b, mut c, mut d] =
                others.map(|(weights, layers)| Model::new(rule, backend, layers, weights));
            let best = pool.install(|| {
                turns(
                    1 << 20,
                    [
                        &mut || one.step(threads),
                        &mut || a.step(threads),
                        &mut || b.step(threads),
                        &mut || c.step(threads),
                        &mut || d.step(threads),
                    ],
                )
            });
            print!("{name:<16} f32 {backend:?}, {count} threads: one layer of 1 Mi {:.3} ns; times that:", best[0]);
            for ((weights, layers), time) in others.into_iter().zip(&best[1..]) {
                print!("  {layers} of {weights} {:.2}", time / best[0]);
            }
            println!();
        }
    }
}

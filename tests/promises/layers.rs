//! Promise: the same bits for the rules of weights and gradients, the layer mean included: on every backend, on 1, 2, 3
//! and 8 threads, alone or among other layers, at any length and any alignment of borrowed columns.
//!
//! The yardstick is the plain loop of `oracle/layer.rs`; the engine is never compared with itself.

use crate::{oracle, support};
use evenkeel::{
    Backend, Bound, Correlated, Decay, Floor, Layer, LayerDescent, LayerRule, LayerUpdate, LearningRate, Numerator,
    RelaxedNumerator, Scope, Sweep, Threads, UpdateError, WeightDecay, descend_layers, update_layers,
};
use oracle::Float;
use oracle::layer::{NumeratorSpec, NumeratorState, RateOptions, RateSpec, RateState, RelaxedSpec, mean};
use support::random::Random;
use support::{both_types, every_backend};

/// A rule, its plain loop, and the state of every weight.
trait Plain<T: Float> {
    type Rule: LayerRule;
    fn random(random: &mut Random, weights: usize) -> Self;
    fn rule(&self) -> Self::Rule;
    /// `a` of every weight.
    fn step(&mut self, w: &[T], g: &[T]) -> Vec<T>;
    /// What a layer returns for a layer mean.
    fn average(&mut self, mean: T) -> T {
        mean
    }
    /// The state columns, from first to last.
    fn columns(&self) -> Vec<Vec<T>>;
}

fn beta(random: &mut Random) -> f64 {
    [0.0, 5e-4, 0.5, 0.9, 0.999, 0.9999, 1.0 - 0.5_f64.powi(22)][random.below(7)]
}

fn decay(beta: f64) -> Decay {
    Decay::beta(beta).expect("in range")
}

struct PlainNumerator<T> {
    rule: Numerator,
    spec: NumeratorSpec<T>,
    states: Vec<NumeratorState<T>>,
}

fn random_numerator<T: Float>(random: &mut Random) -> ([f64; 4], Numerator, NumeratorSpec<T>) {
    let mu = [1e-3, 0.1, 1.0, 1_048_576.0, 1e34][random.below(5)];
    let clip = [0.5, 4.0, 1e30, f64::INFINITY][random.below(4)];
    let (slow, fast) = (beta(random), beta(random));
    let mut spec = NumeratorSpec::new(mu, slow, fast, clip);
    let mut rule = Numerator::new(mu).unwrap().clip(clip).unwrap().decay(decay(slow)).scale_decay(decay(fast));
    match random.below(10) {
        0..3 => (spec.flat, rule) = (true, rule.bound(Bound::Mu)),
        3..6 => (spec.printed, rule) = (true, rule.bound(Bound::MuTimesScale)),
        _ => {}
    }
    if random.chance(0.4) {
        (spec.layer, rule) = (true, rule.scale_scope(Scope::Layer));
    }
    ([mu, slow, fast, clip], rule, spec)
}

impl<T: Float> Plain<T> for PlainNumerator<T> {
    type Rule = Numerator;
    fn random(random: &mut Random, weights: usize) -> Self {
        let (_, rule, spec) = random_numerator(random);
        Self { rule, spec, states: vec![[T::ZERO; 3]; weights] }
    }
    fn rule(&self) -> Numerator {
        self.rule
    }
    fn step(&mut self, w: &[T], g: &[T]) -> Vec<T> {
        self.spec.steps(&mut self.states, w, g)
    }
    fn columns(&self) -> Vec<Vec<T>> {
        (0..3).map(|column| self.states.iter().map(|state| state[column]).collect()).collect()
    }
}

struct PlainRelaxed<T> {
    rule: RelaxedNumerator,
    spec: RelaxedSpec<T>,
    states: Vec<T>,
}

impl<T: Float> Plain<T> for PlainRelaxed<T> {
    type Rule = RelaxedNumerator;
    fn random(random: &mut Random, weights: usize) -> Self {
        let (mu, beta) = ([1e-3, 0.1, 0.499][random.below(3)], beta(random));
        let rule = RelaxedNumerator::new(mu).unwrap().decay(decay(beta));
        let spec = RelaxedSpec { mu: T::from_f64(mu), alpha: T::from_f64(1.0 - beta) };
        Self { rule, spec, states: vec![T::ZERO; weights] }
    }
    fn rule(&self) -> RelaxedNumerator {
        self.rule
    }
    fn step(&mut self, w: &[T], g: &[T]) -> Vec<T> {
        self.states.iter_mut().zip(w.iter().zip(g)).map(|(state, (&w, &g))| self.spec.step(state, w, g)).collect()
    }
    fn columns(&self) -> Vec<Vec<T>> {
        vec![self.states.clone()]
    }
}

struct PlainRate<T> {
    rule: LearningRate,
    spec: RateSpec<T>,
    states: Vec<RateState<T>>,
    t: u64,
    average: T,
}

impl<T: Float> PlainRate<T> {
    /// A copy of the rule, over weights in these states, before the first step.
    fn begun(&self) -> Self {
        Self { states: self.states.clone(), t: 0, average: T::ZERO, ..*self }
    }

    /// The weights after a step of descent, whose first pass has been made.
    fn descend(&mut self, w: &[T], g: &[T], rate: T) -> Vec<T> {
        let samples = w.iter().zip(g);
        let step = |(state, (&w, &g)): (&mut RateState<T>, (&T, &T))| self.spec.descend(state, self.t, w, g, rate);
        self.states.iter_mut().zip(samples).map(step).collect()
    }
}

impl<T: Float> Plain<T> for PlainRate<T> {
    type Rule = LearningRate;
    fn random(random: &mut Random, weights: usize) -> Self {
        let ([mu, slow, fast, clip], _, numerator) = random_numerator(random);
        let (norm_beta, epsilon) = (beta(random), [1e-8, 0.5_f64.powi(40), 1e-37, 1.0][random.below(4)]);
        let smooth_beta = random.chance(0.6).then(|| beta(random));
        let lambda = [0.0, 1e-2, 1.0, 1e20][random.below(4)];
        let mut rule = LearningRate::new(mu)
            .and_then(|rule| rule.clip(clip)?.epsilon(epsilon))
            .unwrap()
            .decay(decay(slow))
            .scale_decay(decay(fast))
            .norm_decay(decay(norm_beta))
            .smoothing(smooth_beta.map(decay));
        if numerator.flat {
            rule = rule.bound(Bound::Mu);
        }
        if numerator.printed {
            rule = rule.bound(Bound::MuTimesScale);
        }
        if numerator.layer {
            rule = rule.scale_scope(Scope::Layer);
        }
        let mut options = RateOptions::default();
        if random.chance(0.4) {
            (options.along, rule) = (true, rule.correlated(Correlated::Step));
        }
        if random.chance(0.3) {
            (options.floored, rule) = (true, rule.floor(Floor::Norm));
        }
        if random.chance(0.4) {
            options.mean_beta = Some(beta(random));
            rule = rule.mean_decay(options.mean_beta.map(decay));
        }
        let coupled = random.chance(0.5);
        let weight_decay = match coupled {
            true => WeightDecay::Coupled(lambda),
            false if lambda == 0.0 => WeightDecay::None,
            false => WeightDecay::Decoupled(lambda),
        };
        rule = rule.weight_decay(weight_decay).unwrap();
        let lambda = T::from_f64(lambda);
        let (coupled, decoupled) = if coupled { (lambda, T::ZERO) } else { (T::ZERO, lambda) };
        let epsilon = T::from_f64(epsilon);
        let spec = RateSpec { numerator, norm_beta, smooth_beta, epsilon, coupled, decoupled, options };
        Self { rule, spec, states: vec![RateSpec::unseen(); weights], t: 0, average: T::ZERO }
    }
    fn rule(&self) -> LearningRate {
        self.rule
    }
    fn step(&mut self, w: &[T], g: &[T]) -> Vec<T> {
        self.t += 1;
        self.spec.steps(&mut self.states, self.t, w, g)
    }
    fn average(&mut self, mean: T) -> T {
        self.average = self.spec.average(self.average, mean);
        self.average
    }
    fn columns(&self) -> Vec<Vec<T>> {
        RateSpec::columns(&self.states)
    }
}

/// Checks that two slices have the same bits, or names the first that differ.
fn assert_words<T: Float>(found: &[T], expected: &[T], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.to_word(), expected.to_word(), "{found}, not {expected}; number {index}, {what}");
    }
}

fn assert_state<R: LayerRule, T: Float>(layer: &Layer<R, T>, columns: &[Vec<T>], what: &str) {
    let state = layer.state();
    assert_eq!(state.as_ref().len(), columns.len());
    for (index, (found, expected)) in state.as_ref().iter().zip(columns).enumerate() {
        assert_words(found, expected, &format!("column {index}, {what}, {:?}", layer.rule()));
    }
}

/// Numbers of any size up to 2^24, where a step without clamps is taken: that size itself, zeros, and what is too small
/// for its square to be a number. In some of the steps one number is just larger, or missing.
fn ordinary<T: Float>(random: &mut Random, steps: usize, weights: usize) -> Vec<T> {
    let mut numbers = Vec::with_capacity(steps * weights);
    for _ in 0..steps {
        let odd_one = if random.chance(0.3) { random.below(weights.max(1)) } else { usize::MAX };
        for weight in 0..weights {
            let size = match random.below(20) {
                0 => 2.0_f64.powi(24),
                1 => 0.0,
                2 => libm::pow(2.0, random.between(-150.0, 24.0)),
                _ => libm::pow(2.0, random.between(-12.0, 3.0)),
            };
            let size = match random.below(4) {
                0 if weight == odd_one => f64::NAN,
                _ if weight == odd_one => 2.0_f64.powi(24) + 2.0,
                _ => size,
            };
            numbers.push(T::from_f64(if random.chance(0.5) { -size } else { size }));
        }
    }
    numbers
}

/// Weights and gradients of the worst kinds, or ordinary ones.
fn samples<T: Float>(random: &mut Random, steps: usize, weights: usize) -> Vec<(Vec<T>, Vec<T>)> {
    let kind = if random.chance(0.5) { ordinary::<T> } else { Random::hostile::<T> };
    let (w, g) = (kind(random, steps, weights), kind(random, steps, weights));
    let (w, g) = (w.chunks(weights.max(1)), g.chunks(weights.max(1)));
    w.zip(g).map(|(w, g)| (w.to_vec(), g.to_vec())).collect()
}

/// Lengths about the edges of vectors, buffers and chunks.
const LENGTHS: [usize; 20] =
    [1, 2, 7, 16, 17, 31, 3, 200, 64, 77, 130, 5, 33, 99, 1023, 1025, 4096, 4097, 3 * 4096 + 5, 5 * 4096];

fn run<T: Float, P: Plain<T>>(seed: u64, lengths: &[usize], threads: Threads) {
    let mut random = Random::new(seed);
    for (turn, &weights) in lengths.iter().enumerate() {
        let mut plain = P::random(&mut random, weights);
        let steps = samples::<T>(&mut random, if weights > 2000 { 4 } else { 40 }, weights);
        let story: Vec<_> = steps
            .iter()
            .map(|(w, g)| {
                let a = plain.step(w, g);
                (w, g, plain.average(mean(&a)), a)
            })
            .collect();
        every_backend(|backend| {
            let layer = Layer::<P::Rule, T>::new(plain.rule(), weights).unwrap();
            let mut layer = layer.with_backend(backend).unwrap().with_threads(threads);
            for (step, (w, g, expected, expected_a)) in story.iter().enumerate() {
                let what = format!("{weights} weights, step {step}, {:?}", layer.rule());
                let mut a = vec![T::from_f64(-7.0); weights];
                let found = match (step + turn) % 3 {
                    0 => layer.update(w, g).unwrap(),
                    1 => {
                        let mut updates = [layer.with(w, g).unwrap()];
                        update_layers(&mut updates, threads);
                        updates[0].mean()
                    }
                    _ => {
                        let found = layer.update_into(w, g, &mut a).unwrap();
                        assert_words(&a, expected_a, &what);
                        found
                    }
                };
                assert_eq!(found.to_word(), expected.to_word(), "{found}, not {expected}; {what}");
                assert_eq!(layer.steps(), step as u64 + 1);
            }
            assert_state(&layer, &plain.columns(), "at the end");
        });
    }
}

fn numerators<T: Float>() {
    run::<T, PlainNumerator<T>>(1, &LENGTHS, Threads::Auto);
}
fn relaxed_numerators<T: Float>() {
    run::<T, PlainRelaxed<T>>(2, &LENGTHS, Threads::Auto);
}
fn learning_rates<T: Float>() {
    run::<T, PlainRate<T>>(3, &LENGTHS, Threads::Auto);
}

/// Wide enough to be shared without being asked for.
fn wide_layers<T: Float>() {
    let wide = Threads::AUTO_BYTES / size_of::<T>() / 4 + 12_345;
    run::<T, PlainNumerator<T>>(4, &[wide], Threads::Auto);
}

/// Cut into any parts, by any number of threads.
#[cfg(feature = "rayon")]
fn any_number_of_threads<T: Float>() {
    use core::num::NonZeroUsize;
    for (seed, threads) in [1, 2, 3, 8].into_iter().enumerate() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            for part in [1, 5000, 9000] {
                let part = Threads::Parts(NonZeroUsize::new(part).unwrap());
                let lengths = [100, 4097, 5 * 4096 + 77, 2 * 4096];
                run::<T, PlainNumerator<T>>(5 + seed as u64, &lengths, part);
                run::<T, PlainRate<T>>(50 + seed as u64, &lengths[..3], part);
            }
            many_descents::<T>();
        });
    }
}

/// Whole steps of descent: the rate is a function of the mean, and the weights move.
fn descents<T: Float>() {
    let mut random = Random::new(20);
    for weights in [1, 5, 33, 200, 4100] {
        for _ in 0..6 {
            let start = PlainRate::<T>::random(&mut random, weights);
            let steps = samples::<T>(&mut random, 12, weights);
            let rate = |mean: T| mean * T::from_f64(0.5);
            every_backend(|backend| {
                let mut plain = start.begun();
                let mut layer =
                    Layer::<LearningRate, T>::new(plain.rule, weights).unwrap().with_backend(backend).unwrap();
                let mut w = steps[0].0.clone();
                let mut expected = w.clone();
                for (_, g) in &steps {
                    let a = plain.step(&expected, g);
                    let average = plain.average(mean(&a));
                    expected = plain.descend(&expected, g, rate(average));
                    let found = layer.descend(&mut w, g, rate).unwrap();
                    assert_eq!(found.to_word(), average.to_word(), "{:?}", plain.rule);
                    assert_eq!(layer.mean().to_word(), average.to_word());
                    assert_words(&w, &expected, &format!("{:?}", plain.rule));
                    assert_state(&layer, &plain.columns(), "in descent");
                    assert!(
                        w.iter()
                            .zip(&steps[0].0)
                            .all(|(w, first)| w.finite() || (!first.finite() && w == first) || first.nan())
                    );
                }
            });
        }
    }
}

/// Many layers in one call: each as if it were alone.
fn many_layers<T: Float>() {
    let mut random = Random::new(30);
    for count in [0, 1, 2, 3, 20] {
        let sizes: Vec<usize> = (0..count).map(|_| [0, 1, 30, 700, 9000, 40_000][random.below(6)]).collect();
        let mut plains: Vec<_> = sizes.iter().map(|&size| PlainNumerator::<T>::random(&mut random, size)).collect();
        let rules: Vec<Numerator> = plains.iter().map(Plain::rule).collect();
        let data: Vec<_> = sizes
            .iter()
            .map(|&size| {
                let draw = |random: &mut Random| (0..size).map(|_| T::from_f64(random.gauss())).collect::<Vec<T>>();
                (draw(&mut random), draw(&mut random))
            })
            .collect();
        let expected: Vec<T> = plains.iter_mut().zip(&data).map(|(plain, (w, g))| mean(&plain.step(w, g))).collect();
        every_backend(|backend| {
            for threads in [Threads::Auto, Threads::One, Threads::Parts(core::num::NonZeroUsize::MIN)] {
                let make =
                    |(&size, &rule)| Layer::<Numerator, T>::new(rule, size).unwrap().with_backend(backend).unwrap();
                let mut layers: Vec<_> = sizes.iter().zip(&rules).map(make).collect();
                let with_data = layers.iter_mut().zip(&data);
                let mut updates: Vec<_> = with_data.map(|(layer, (w, g))| layer.with(w, g).unwrap()).collect();
                update_layers(&mut updates, threads);
                let found: Vec<T> = updates.iter().map(LayerUpdate::mean).collect();
                assert_words(&found, &expected, &format!("{threads:?}"));
                for (layer, plain) in layers.iter().zip(&plains) {
                    assert_state(layer, &plain.columns(), "many");
                    assert_eq!(layer.steps(), 1);
                }
            }
        });
    }
}

/// Many layers take a whole step in one call: each as if it were alone, at a rate of its own, and once however often it
/// is asked for.
fn many_descents<T: Float>() {
    let mut random = Random::new(31);
    for count in [0, 1, 2, 3, 20] {
        let sizes: Vec<usize> = (0..count).map(|_| [0, 1, 30, 700, 9000, 40_000][random.below(6)]).collect();
        let starts: Vec<_> = sizes.iter().map(|&size| PlainRate::<T>::random(&mut random, size)).collect();
        let draw = |random: &mut Random, size: usize| -> Vec<T> {
            (0..size).map(|_| if random.chance(0.01) { T::NAN } else { T::from_f64(random.gauss()) }).collect()
        };
        let first: Vec<Vec<T>> = sizes.iter().map(|&size| draw(&mut random, size)).collect();
        let gradients: Vec<Vec<Vec<T>>> =
            (0..2).map(|_| sizes.iter().map(|&size| draw(&mut random, size)).collect()).collect();
        let factor = |index: usize| T::from_f64(0.25 * index as f64);
        every_backend(|backend| {
            let mut plains: Vec<_> = starts.iter().map(PlainRate::begun).collect();
            let mut expected = first.clone();
            let mut means = Vec::new();
            for gradients in &gradients {
                means.clear();
                for (index, ((plain, w), g)) in plains.iter_mut().zip(&mut expected).zip(gradients).enumerate() {
                    let a = plain.step(w, g);
                    let r = plain.average(mean(&a));
                    *w = plain.descend(w, g, factor(index) * r);
                    means.push(r);
                }
            }
            for threads in [Threads::Auto, Threads::One, Threads::Parts(core::num::NonZeroUsize::MIN)] {
                let make = |start: &PlainRate<T>| {
                    Layer::<LearningRate, T>::new(start.rule, start.states.len())
                        .unwrap()
                        .with_backend(backend)
                        .unwrap()
                };
                let mut layers: Vec<_> = starts.iter().map(make).collect();
                let mut w = first.clone();
                let mut found = Vec::new();
                for gradients in &gradients {
                    let with_data = layers.iter_mut().zip(&mut w).zip(gradients).enumerate();
                    let mut descents: Vec<_> = with_data
                        .map(|(index, ((layer, w), g))| layer.descent(w, g, move |r| factor(index) * r).unwrap())
                        .collect();
                    assert!(descents.iter().all(|descent| descent.mean() == T::ZERO));
                    descend_layers(&mut descents, threads);
                    descend_layers(&mut descents, threads);
                    found = descents.iter().map(LayerDescent::mean).collect();
                }
                assert_words(&found, &means, &format!("{threads:?}"));
                for (((layer, plain), w), expected) in layers.iter().zip(&plains).zip(&w).zip(&expected) {
                    assert_words(w, expected, &format!("{:?}, {threads:?}", plain.rule));
                    assert_state(layer, &plain.columns(), "many");
                    assert_eq!(layer.steps(), 2);
                }
            }
        });
    }
}

/// Columns, weights and gradients of the caller's, of which no two are aligned alike; nothing beside them is touched.
fn borrowed_columns<T: Float>() {
    const CANARY: f64 = 12345.0;
    fn buffer<T: Float>(content: &[T], offset: usize) -> Vec<T> {
        let mut buffer = vec![T::from_f64(CANARY); offset + content.len() + 17];
        buffer[offset..offset + content.len()].copy_from_slice(content);
        buffer
    }
    let mut random = Random::new(40);
    for weights in 0..=70 {
        let mut plain = PlainRate::<T>::random(&mut random, weights);
        let steps = samples::<T>(&mut random, 3, weights);
        let offset = |column: usize| (weights * 7 + column * 5) % 17;
        every_backend(|backend: Backend| {
            let mut plain = plain.begun();
            let sweep = Sweep::<LearningRate, T>::new(plain.rule).unwrap().with_backend(backend).unwrap();
            let mut buffers: [Vec<T>; 5] =
                core::array::from_fn(|column| buffer(&plain.columns()[column], offset(column)));
            for (step, (w, g)) in steps.iter().enumerate() {
                let mut column = 0;
                let state = buffers.each_mut().map(|buffer| {
                    let from = offset(column);
                    column += 1;
                    &mut buffer[from..from + weights]
                });
                let mut w_buffer = buffer(w, offset(5));
                let g_buffer = buffer(g, offset(6));
                let g_slice = &g_buffer[offset(6)..offset(6) + weights];
                let w_slice = &mut w_buffer[offset(5)..offset(5) + weights];
                let expected = mean(&plain.step(w, g));
                let half = |mean: T| mean * T::from_f64(0.5);
                let found = sweep.descend(state, w_slice, g_slice, step as u64 + 1, half).unwrap();
                assert_eq!(found.to_word(), expected.to_word());
                let moved = plain.descend(w, g, half(expected));
                assert_words(w_slice, &moved, &format!("{:?}", plain.rule));
                for (index, (found, expected)) in buffers.iter().zip(plain.columns()).enumerate() {
                    let (from, to) = (offset(index), offset(index) + weights);
                    assert_words(&found[from..to], &expected, &format!("column {index}"));
                    let outside = found[..from].iter().chain(&found[to..]);
                    assert!(outside.copied().all(|number| number.to_f64() == CANARY), "wrote outside the column");
                }
            }
        });
        plain.t = 0;
    }
}

/// One infinite gradient moves its own weight by a few tens of rates, and the others and the mean hardly at all.
fn one_infinite_gradient<T: Float>() {
    let t = T::from_f64;
    for infinite in [-T::INFINITY, t(1e22)] {
        for smoothing in [None, Some(decay(0.9))] {
            let rule = LearningRate::new(1e-3).unwrap().smoothing(smoothing);
            let mut random = Random::new(21);
            let mut w: Vec<T> = (0..500).map(|_| t(random.gauss() * 0.3)).collect();
            let mut layer = Layer::<LearningRate, T>::new(rule, w.len()).unwrap();
            let mut last = 0.0;
            for step in 0..520 {
                let mut g: Vec<T> = (0..500).map(|_| t(random.gauss())).collect();
                if step == 500 {
                    g[5] = infinite;
                }
                let before = w.clone();
                let rate = layer.descend(&mut w, &g, |mean| mean).unwrap().to_f64();
                if step >= 500 {
                    assert!((rate / last - 1.0).abs() < 0.02, "{rate} after {last}");
                    for (w, before) in w.iter().zip(&before) {
                        let moved = (w.to_f64() - before.to_f64()).abs() / rate;
                        assert!(moved < 33.0, "a weight moved by {moved} rates");
                    }
                }
                last = rate;
            }
        }
    }
}

/// Whatever the rate that the caller makes of the mean, and whatever step it is said to be.
fn rates_and_steps_of_the_caller<T: Float>() {
    let t = T::from_f64;
    every_backend(|backend| {
        for rate in [T::INFINITY, -T::INFINITY, T::NAN, T::ZERO, T::LARGEST] {
            let rule = LearningRate::new(1e-3).unwrap().weight_decay(WeightDecay::Decoupled(1e20)).unwrap();
            let mut layer = Layer::<LearningRate, T>::new(rule, 3).unwrap().with_backend(backend).unwrap();
            let mut w = [t(1.0), T::LARGEST, T::ZERO];
            layer.descend(&mut w, &[T::ZERO, t(1.0), T::ZERO], |_| rate).unwrap();
            assert!(w.iter().all(|w| w.finite()), "{rate}: {w:?}");
            assert_eq!(w[2], T::ZERO, "nothing pulls at it");
            if rate == T::ZERO || rate.nan() {
                assert_eq!(w, [t(1.0), T::LARGEST, T::ZERO], "{rate}");
            }
        }
        // Step 0 counts as the first.
        for beta in [0.2975, 0.3115, 0.9, 0.999] {
            let rule = LearningRate::new(1e-3).unwrap().norm_decay(decay(beta)).smoothing(Some(decay(beta)));
            let sweep = Sweep::<LearningRate, T>::new(rule).unwrap().with_backend(backend).unwrap();
            let run = |step| {
                let mut state: [[T; 2]; 5] = [[t(9.0); 2], [t(1.0); 2], [t(1.0); 2], [t(1e-3); 2], [T::ZERO; 2]];
                let mut w = [t(1.0), t(-1.0)];
                sweep.descend(state.each_mut().map(|c| &mut c[..]), &mut w, &[t(3.0), T::ZERO], step, |m| m).unwrap();
                (state.map(|column| column.map(T::to_f64)), w.map(T::to_f64))
            };
            let (state, w) = run(0);
            assert_eq!((state, w), run(1), "beta {beta}");
            // The mean of one squared gradient is that square, whatever the column held.
            let pass = |step| {
                let mut state = [[t(100.0); 2]; 5];
                let columns = state.each_mut().map(|column| &mut column[..]);
                let mean = sweep.at_step(step).layer_mean(columns, &[t(1.0), t(-1.0)], &[t(3.0), T::ZERO]).unwrap();
                (mean.to_f64(), state[0].map(T::to_f64))
            };
            let (mean, [first, second]) = pass(0);
            assert_eq!((mean, [first, second]), pass(1), "beta {beta}");
            assert!((first - 9.0).abs() < 1e-3 && second.abs() < 1e-3, "beta {beta}: {first}, {second}");
            assert!(state[0].iter().all(|square| *square >= 0.0), "beta {beta}: {state:?}");
            assert!(
                state.as_flattened().iter().chain(&w).all(|number| number.abs() < 100.0),
                "beta {beta}: {state:?} {w:?}"
            );
        }
    });
}

/// An update counts when it is made, and is made once.
#[test]
fn updates_that_are_not_made() {
    let rule = Numerator::new(1.0).unwrap();
    let mut layer = Layer::<Numerator>::new(rule, 2).unwrap();
    let (w, g) = ([1.0, 2.0], [3.0, 4.0]);
    assert_eq!(layer.with(&w, &g).unwrap().mean(), 0.0, "nothing is made yet");
    assert_eq!((layer.steps(), layer.state()[0]), (0, &[0.0, 0.0][..]));
    let mut updates = [layer.with(&w, &g).unwrap()];
    update_layers(&mut updates, Threads::Auto);
    let mean = updates[0].mean();
    update_layers(&mut updates, Threads::Auto);
    assert_eq!(updates[0].mean(), mean);
    assert_eq!(layer.steps(), 1);
    let mut once = Layer::<Numerator>::new(rule, 2).unwrap();
    assert_eq!(once.update(&w, &g), Ok(mean));
    assert_eq!(once.state(), layer.state());

    // Very many layers of nothing, cut as finely as may be.
    let mut empty: Vec<_> = (0..200_000).map(|_| Layer::<Numerator>::new(rule, 0).unwrap()).collect();
    let mut updates: Vec<_> = empty.iter_mut().map(|layer| layer.with(&[], &[]).unwrap()).collect();
    update_layers(&mut updates, Threads::Parts(core::num::NonZeroUsize::MIN));
    assert!(empty.iter().all(|layer| layer.steps() == 1));
}

/// A layer that is stopped, put back and continued gives the same bits as one that was not.
fn stop_and_continue<T: Float>() {
    let mut random = Random::new(50);
    let plain = PlainRate::<T>::random(&mut random, 333);
    let steps = samples::<T>(&mut random, 20, 333);
    let mut whole = Layer::<LearningRate, T>::new(plain.rule, 333).unwrap();
    let mut first = whole.clone();
    let (mut w, mut v) = (steps[0].0.clone(), steps[0].0.clone());
    for (_, g) in &steps {
        whole.descend(&mut w, g, |mean| mean).unwrap();
    }
    for (_, g) in &steps[..9] {
        first.descend(&mut v, g, |mean| mean).unwrap();
    }
    let mut second = Layer::<LearningRate, T>::new(plain.rule, 333).unwrap();
    second.restore(first.state(), first.steps()).unwrap();
    second.restore_mean(first.mean());
    for (_, g) in &steps[9..] {
        second.descend(&mut v, g, |mean| mean).unwrap();
    }
    assert_words(&w, &v, "weights");
    for (a, b) in whole.state().into_iter().zip(second.state()) {
        assert_words(a, b, "state");
    }
}

/// The first step follows the gradient, however long the memory that smooths it, and so does the second if the gradient
/// is the same: `1 - beta^t` must not be the difference of two numbers that are almost the same.
#[test]
fn the_first_steps_of_a_long_memory() {
    for gain in [0.5_f64, 1e-4, 1e-8, 1e-14] {
        let long = Decay::alpha(gain).unwrap();
        let rule = LearningRate::new(0.1).unwrap().smoothing(Some(long)).norm_decay(long);
        let mut layer = Layer::<LearningRate>::new(rule, 1).unwrap();
        let mut w = [0.0];
        for step in [1.0, 2.0] {
            layer.descend(&mut w, &[0.5], |_| 1.0).unwrap();
            let expected = -step * 0.5 / (0.5 + 1e-8);
            assert!((w[0] / expected - 1.0).abs() < 1e-14, "gain {gain:e}: {} is not {expected}", w[0]);
        }
    }
}

/// A wrong length names both lengths and changes nothing; so does a rate that is no number.
#[test]
fn refusals() {
    let rule = LearningRate::new(0.1).unwrap();
    let mut layer = Layer::<LearningRate>::new(rule, 4).unwrap();
    let (mut w, g) = ([1.0, 2.0, 3.0, 4.0], [0.5, -0.5, 0.25, 1.0]);
    layer.descend(&mut w, &g, |mean| mean).unwrap();
    let before = (layer.state().map(<[f64]>::to_vec), w, layer.steps());
    let length = |what, got| Err(UpdateError::Length { what, got, expected: 4 });
    assert_eq!(layer.update(&w[..3], &g), length("the weights", 3));
    assert_eq!(layer.update(&w, &[0.0; 5]), length("the gradient", 5));
    assert_eq!(layer.update_into(&w, &g, &mut [0.0; 2]), length("a", 2));
    assert_eq!(layer.with(&w[..1], &g).map(|update| update.mean()), length("the weights", 1));
    assert_eq!(layer.descend(&mut w[..2], &g, |mean| mean), length("the weights", 2));
    assert_eq!(layer.descend(&mut w, &g[..2], |mean| mean), length("the gradient", 2));
    assert_eq!(layer.descent(&mut w[..3], &g, |mean| mean).map(|descent| descent.mean()), length("the weights", 3));
    assert_eq!(layer.descent(&mut w, &g[..3], |mean| mean).map(|descent| descent.mean()), length("the gradient", 3));
    let short = [&[0.0; 4][..], &[0.0; 4], &[0.0; 3], &[0.0; 4], &[0.0; 4]];
    assert_eq!(layer.restore(short, 9), length("a state column", 3).map(|_: f64| ()));
    assert_eq!((layer.state().map(<[f64]>::to_vec), w, layer.steps()), before);

    layer.descend(&mut w, &g, |_| f64::NAN).unwrap();
    assert_eq!(w, before.1, "a rate of NaN is none");
    for mu in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let said = Numerator::new(mu).unwrap_err().to_string();
        assert_eq!(said, format!("mu must be above 0 and finite, not {mu}"));
        assert!(RelaxedNumerator::new(mu).is_err() && LearningRate::new(mu).is_err());
        assert!(rule.epsilon(mu).is_err());
        assert_eq!(Numerator::new(1.0).unwrap().clip(mu).is_ok(), mu == f64::INFINITY);
    }
    for lambda in [-1.0, -1e-9, f64::NAN, f64::INFINITY] {
        assert!(rule.weight_decay(WeightDecay::Coupled(lambda)).is_err());
        assert!(rule.weight_decay(WeightDecay::Decoupled(lambda)).is_err());
    }
    // What f64 can carry and f32 cannot.
    for rule in [Numerator::new(1e300).unwrap(), Numerator::new(1e-60).unwrap()] {
        assert!(Layer::<Numerator, f64>::new(rule, 1).is_ok());
        assert!(Layer::<Numerator, f32>::new(rule, 1).is_err());
    }
    assert!(Layer::<LearningRate, f32>::new(rule.epsilon(1e-60).unwrap(), 1).is_err());
    assert_eq!(Layer::<Numerator>::new(Numerator::new(1.0).unwrap(), 0).unwrap().update(&[], &[]), Ok(0.0));
}

both_types!(
    numerators,
    relaxed_numerators,
    learning_rates,
    wide_layers,
    descents,
    many_layers,
    many_descents,
    borrowed_columns,
    one_infinite_gradient,
    rates_and_steps_of_the_caller,
    stop_and_continue,
);

#[cfg(feature = "rayon")]
mod threads {
    use super::any_number_of_threads;
    use super::support::both_types;
    both_types!(any_number_of_threads);
}

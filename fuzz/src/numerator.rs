//! Target `numerator`: the rules of weights and gradients against their plain loops, the layer mean and whole steps of descent
//! included. Everything is the same bits.

use crate::draw::{Belief, Draw};
use crate::oracle::Float;
use crate::oracle::layer::{NumeratorSpec, NumeratorState, RateOptions, RateSpec, RateState, RelaxedSpec, mean};
use crate::{assert_words, for_the_drawn_type, rules};
use core::num::NonZeroUsize;
use evenkeel::{
    Backend, Bound, Layer, LayerRule, LearningRate, Numerator, RelaxedNumerator, Threads, WeightDecay, update_layers,
};

pub fn check(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    for_the_drawn_type!(check_as, draw);
}

fn check_as<T: Float>(draw: &mut Draw) {
    match draw.below(4) {
        0 => updates::<T, PlainNumerator<T>>(draw),
        1 => updates::<T, PlainRelaxed<T>>(draw),
        2 => updates::<T, PlainRate<T>>(draw),
        _ => descend::<T>(draw),
    }
}

/// The weights of a layer by their equations.
trait Plain<T: Float>: Clone {
    type Rule: LayerRule + Copy;
    /// `None` where a builder refuses.
    fn draw(draw: &mut Draw) -> Option<(Self::Rule, Self)>;
    fn resize(&mut self, weights: usize);
    fn step(&mut self, w: &[T], g: &[T]) -> Vec<T>;
    fn columns(&self) -> Vec<Vec<T>>;
}

fn positive(draw: &mut Draw, likely: &[f64]) -> (f64, bool) {
    let value = draw.number(likely);
    (value, value > 0.0 && value.is_finite())
}

#[derive(Clone)]
struct PlainNumerator<T> {
    spec: NumeratorSpec<T>,
    states: Vec<NumeratorState<T>>,
}

/// What all rules with a numerator have in common.
struct Common {
    mu: f64,
    clip: f64,
    betas: [(evenkeel::Decay, f64); 2],
    bound: Bound,
}

impl Common {
    fn draw(draw: &mut Draw) -> Option<Self> {
        let (mu, good) = positive(draw, &[1e-3, 0.1, 1.0, 1e30, 0.0]);
        rules::accepted(Numerator::new(mu), good, "mu", mu)?;
        let (clip, good) = positive(draw, &[4.0, 0.5, 1.0, 1e30, -1.0]);
        let good = good || clip == f64::INFINITY;
        rules::accepted(Numerator::new(1.0).expect("positive").clip(clip), good, "clip", clip)?;
        let betas = [rules::beta(draw)?, rules::beta(draw)?];
        let bound = if draw.below(4) == 0 { Bound::Mu } else { Bound::MuTimesNorm };
        Some(Self { mu, clip, betas, bound })
    }
    fn spec<T: Float>(&self) -> NumeratorSpec<T> {
        let [(_, slow), (_, fast)] = self.betas;
        NumeratorSpec { flat: self.bound == Bound::Mu, ..NumeratorSpec::new(self.mu, slow, fast, self.clip) }
    }
}

impl<T: Float> Plain<T> for PlainNumerator<T> {
    type Rule = Numerator;
    fn draw(draw: &mut Draw) -> Option<(Numerator, Self)> {
        let common = Common::draw(draw)?;
        let [(slow, _), (fast, _)] = common.betas;
        let rule = Numerator::new(common.mu).and_then(|rule| rule.clip(common.clip)).ok()?;
        let rule = rule.decay(slow).scale_decay(fast).bound(common.bound);
        Some((rule, Self { spec: common.spec(), states: Vec::new() }))
    }
    fn resize(&mut self, weights: usize) {
        self.states.resize(weights, [T::ZERO; 3]);
    }
    fn step(&mut self, w: &[T], g: &[T]) -> Vec<T> {
        self.spec.steps(&mut self.states, w, g)
    }
    fn columns(&self) -> Vec<Vec<T>> {
        (0..3).map(|column| self.states.iter().map(|state| state[column]).collect()).collect()
    }
}

#[derive(Clone)]
struct PlainRelaxed<T> {
    spec: RelaxedSpec<T>,
    states: Vec<T>,
}

impl<T: Float> Plain<T> for PlainRelaxed<T> {
    type Rule = RelaxedNumerator;
    fn draw(draw: &mut Draw) -> Option<(RelaxedNumerator, Self)> {
        let (mu, good) = positive(draw, &[1e-3, 0.1, 1.0, 1e30, 0.0]);
        let rule = rules::accepted(RelaxedNumerator::new(mu), good && mu < 0.5, "mu", mu)?;
        let (decay, beta) = rules::beta(draw)?;
        let spec = RelaxedSpec { mu: T::from_f64(mu), alpha: T::from_f64(1.0 - beta) };
        Some((rule.decay(decay), Self { spec, states: Vec::new() }))
    }
    fn resize(&mut self, weights: usize) {
        self.states.resize(weights, T::ZERO);
    }
    fn step(&mut self, w: &[T], g: &[T]) -> Vec<T> {
        self.states.iter_mut().zip(w.iter().zip(g)).map(|(state, (&w, &g))| self.spec.step(state, w, g)).collect()
    }
    fn columns(&self) -> Vec<Vec<T>> {
        vec![self.states.clone()]
    }
}

#[derive(Clone)]
struct PlainRate<T> {
    spec: RateSpec<T>,
    states: Vec<RateState<T>>,
    t: u64,
}

impl<T: Float> Plain<T> for PlainRate<T> {
    type Rule = LearningRate;
    fn draw(draw: &mut Draw) -> Option<(LearningRate, Self)> {
        let common = Common::draw(draw)?;
        let [(slow, _), (fast, _)] = common.betas;
        let (norm, norm_beta) = rules::beta(draw)?;
        let smoothing = if draw.flag() { Some(rules::beta(draw)?) } else { None };
        let (epsilon, good) = positive(draw, &[1e-8, 1.0, 1e-30, 1e30]);
        let rule = LearningRate::new(common.mu).and_then(|rule| rule.clip(common.clip)).ok()?;
        let rule = rules::accepted(rule.epsilon(epsilon), good, "epsilon", epsilon)?;
        let rule = rule.decay(slow).scale_decay(fast).bound(common.bound).norm_decay(norm);
        let lambda = draw.number(&[0.0, 1e-2, 1.0, 1e20]);
        let good = lambda >= 0.0 && lambda.is_finite();
        let (decay, [coupled, decoupled]) = match draw.below(3) {
            0 => (WeightDecay::None, [0.0, 0.0]),
            1 => (WeightDecay::Coupled(lambda), [lambda, 0.0]),
            _ => (WeightDecay::Decoupled(lambda), [0.0, lambda]),
        };
        let good = good || decay == WeightDecay::None;
        let rule = rules::accepted(rule.weight_decay(decay), good, "weight_decay", lambda)?;
        let [epsilon, coupled, decoupled] = [epsilon, coupled, decoupled].map(T::from_f64);
        let smooth_beta = smoothing.map(|(_, beta)| beta);
        let options = RateOptions::default();
        let spec = RateSpec { numerator: common.spec(), norm_beta, smooth_beta, epsilon, coupled, decoupled, options };
        Some((rule.smoothing(smoothing.map(|(decay, _)| decay)), Self { spec, states: Vec::new(), t: 0 }))
    }
    fn resize(&mut self, weights: usize) {
        self.states.resize(weights, RateSpec::unseen());
    }
    fn step(&mut self, w: &[T], g: &[T]) -> Vec<T> {
        self.t += 1;
        self.spec.steps(&mut self.states, self.t, w, g)
    }
    fn columns(&self) -> Vec<Vec<T>> {
        RateSpec::columns(&self.states)
    }
}

/// How many weights: any number about the width of a vector, or one about the edges of the chunks of the layer mean.
fn weights(draw: &mut Draw) -> usize {
    match draw.byte() {
        few @ 0..=249 => usize::from(few) % 70,
        many => [1023, 1025, 4096, 4097, 8192 + 33, 3 * 4096 + 5][usize::from(many - 250)],
    }
}

/// One number per weight out of a few: spelling thousands would leave the fuzzer nothing to try.
fn numbers<T: Float>(draw: &mut Draw, weights: usize) -> Vec<T> {
    let belief = Belief { location: T::ZERO, scale: T::ONE };
    let different = weights.min(1 + draw.below(20));
    let few = draw.row(&vec![belief; different], &[1.0]);
    few.iter().copied().cycle().take(weights).collect()
}

fn steps<T: Float>(draw: &mut Draw, weights: usize) -> Vec<(Vec<T>, Vec<T>)> {
    let most = if weights > 1000 { 4 } else { 24 };
    let mut steps: Vec<(Vec<T>, Vec<T>)> = Vec::new();
    while !draw.is_empty() && steps.len() < most {
        let w = match steps.last() {
            Some((w, _)) if draw.flag() => w.clone(),
            _ => numbers(draw, weights),
        };
        steps.push((w, numbers(draw, weights)));
    }
    steps
}

/// A layer, if its lane type can carry the rule.
fn layer<R: LayerRule, T: Float>(rule: R, weights: usize, backend: Backend, part: usize) -> Option<Layer<R, T>> {
    let threads = NonZeroUsize::new(part).map_or(Threads::One, Threads::Parts);
    let layer = Layer::<R, T>::new(rule, weights).ok()?;
    Some(layer.with_backend(backend).expect("available").with_threads(threads))
}

fn assert_layer<R: LayerRule, T: Float>(layer: &Layer<R, T>, columns: &[Vec<T>], step: usize) {
    let state = layer.state();
    assert_eq!(state.as_ref().len(), columns.len());
    for (index, (found, expected)) in state.as_ref().iter().zip(columns).enumerate() {
        assert_words(found, expected, || format!("column {index}, step {step}, {layer:?}"));
        assert!(found.iter().all(|number| number.finite()), "column {index} is not finite, {layer:?}");
    }
}

/// Alone, among others, and with every `a` written out.
fn updates<T: Float, P: Plain<T>>(draw: &mut Draw) {
    let Some((rule, mut plain)) = P::draw(draw) else { return };
    let (weights, part, way) = (weights(draw), draw.below(4) * 5, draw.below(3));
    plain.resize(weights);
    let steps = steps::<T>(draw, weights);
    let story: Vec<_> = steps.iter().map(|(w, g)| (plain.step(w, g), plain.columns())).collect();
    for backend in Backend::available() {
        let Some(mut layer) = layer::<P::Rule, T>(rule, weights, backend, part) else { return };
        for (step, ((w, g), (expected, columns))) in steps.iter().zip(&story).enumerate() {
            let found = match (step + way) % 3 {
                0 => layer.update(w, g).expect("lengths fit"),
                1 => {
                    let mut updates = [layer.with(w, g).expect("lengths fit")];
                    update_layers(&mut updates, Threads::Parts(NonZeroUsize::MIN));
                    updates[0].mean()
                }
                _ => {
                    let mut a = vec![T::from_f64(-7.0); weights];
                    let found = layer.update_into(w, g, &mut a).expect("lengths fit");
                    assert_words(&a, expected, || format!("a, step {step}, {layer:?}"));
                    found
                }
            };
            assert_words(&[found], &[mean(expected)], || format!("the mean, step {step}, {layer:?}"));
            assert_layer(&layer, columns, step);
        }
    }
}

fn counted<T: Float>(rate: T) -> T {
    if rate.nan() {
        T::ZERO
    } else if rate.finite() {
        rate
    } else if rate.negative() {
        -T::LARGEST
    } else {
        T::LARGEST
    }
}

/// Whole steps, the weights moving.
fn descend<T: Float>(draw: &mut Draw) {
    let Some((rule, mut plain)) = PlainRate::<T>::draw(draw) else { return };
    let (weights, part) = (weights(draw), draw.below(4) * 5);
    plain.resize(weights);
    let factor = T::from_f64(draw.number(&[1.0, 0.5, 0.0, -1.0, 1e30, f64::NAN, f64::INFINITY]));
    let rate = |mean: T| mean * factor;
    let steps = steps::<T>(draw, weights);
    let Some((start, _)) = steps.first() else { return };
    for backend in Backend::available() {
        let Some(mut layer) = layer::<LearningRate, T>(rule, weights, backend, part) else { return };
        let (mut plain, mut found, mut expected) = (plain.clone(), start.clone(), start.clone());
        for (step, (_, g)) in steps.iter().enumerate() {
            let a = plain.step(&expected, g);
            let r = mean(&a);
            // None is none, and an infinity counts as the largest number, as it does everywhere.
            let at = counted(rate(r));
            let moved = |((state, &w), &g): ((&mut RateState<T>, &T), &T)| plain.spec.descend(state, plain.t, w, g, at);
            expected = plain.states.iter_mut().zip(&expected).zip(g).map(moved).collect();
            let mean = layer.descend(&mut found, g, rate).expect("lengths fit");
            assert_words(&[mean], &[r], || format!("the mean, step {step}, {layer:?}"));
            assert_words(&found, &expected, || format!("weights at rate {at:?}, step {step}, {layer:?}"));
            assert_layer(&layer, &plain.columns(), step);
        }
    }
}

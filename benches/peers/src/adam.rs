//! A step of Adam beside evenkeel's sweeps over weights: how many bytes each moves, and how long it takes.

use crate::common::data::samples;
use crate::contestant::{Contestant, time};
use crate::oracle::layer::{NumeratorSpec, RateOptions, RateSpec, RateState};
use crate::oracle::{Parameters, Spec, State};
use crate::peers::Field;
use evenkeel::{Decay, Layer, LearningRate, RobustMean, Sweep, Threads};
use std::error::Error;
use std::rc::Rc;

/// So many weights that no cache holds them.
pub(crate) const WEIGHTS: usize = 16 << 20;
/// The gradient of a step is a window on a long row, and the next step's begins this much further on.
pub(crate) const STRIDE: usize = 16;
/// How many windows there are.
pub(crate) const WINDOWS: usize = 256;
const RATE: f32 = 1e-3;
const BETA: f64 = 0.9;
/// How many steps are checked.
const CHECKED: usize = 3;

/// Weights and gradients about zero.
pub(crate) struct Data {
    pub(crate) weights: Vec<f32>,
    pub(crate) gradients: Vec<f32>,
}

impl Data {
    pub(crate) fn new(outliers: f64) -> Self {
        let about_zero = |count, outliers, seed| -> Vec<f32> {
            samples::<f32>(count, outliers, seed).into_iter().map(|x| (x - 10.0) / 50.0).collect()
        };
        Self { weights: about_zero(WEIGHTS, 0.0, 11), gradients: about_zero(WEIGHTS + WINDOWS * STRIDE, outliers, 12) }
    }

    fn gradient(&self, step: usize) -> &[f32] {
        &self.gradients[step % WINDOWS * STRIDE..][..WEIGHTS]
    }
}

/// A sweep over all weights that takes a gradient and tells where some of the weights, or their averages, are now.
trait Step {
    fn step(&mut self, gradient: &[f32]);
    fn value(&self, weight: usize) -> f32;
}

struct Entry<S> {
    name: &'static str,
    robust: &'static str,
    bytes: usize,
    sweep: S,
    data: Rc<Data>,
    steps: usize,
}

impl<S: Step> Contestant for Entry<S> {
    fn name(&self) -> &str {
        self.name
    }

    fn robust(&self) -> &str {
        self.robust
    }

    fn bytes(&self) -> Option<usize> {
        Some(self.bytes)
    }

    fn turn(&mut self) -> Result<f64, String> {
        Ok(time(|| {
            self.sweep.step(self.data.gradient(self.steps));
            self.steps += 1;
            WEIGHTS
        }))
    }
}

impl<S: Step> Entry<S> {
    /// Makes the first steps, and compares every so manieth weight with `expected` of its number.
    fn check(&mut self, steps: usize, expected: impl Fn(usize) -> f64) -> Result<(), String> {
        (0..steps).for_each(|step| self.sweep.step(self.data.gradient(step)));
        self.steps = steps;
        for weight in (0..WEIGHTS).step_by(WEIGHTS / 1000 - 1) {
            let (value, expected) = (f64::from(self.sweep.value(weight)), expected(weight));
            let close = (value - expected).abs() <= 1e-6 * expected.abs().max(0.01);
            // A NaN is not close.
            if !close {
                return Err(format!("{}, weight {weight}: {value}; a plain loop has {expected}", self.name));
            }
        }
        Ok(())
    }
}

/// The robust mean where Adam keeps its first moment, and nothing else.
struct FirstMoment {
    sweep: Sweep<RobustMean, f32>,
    state: [Vec<f32>; 4],
}

impl Step for FirstMoment {
    fn step(&mut self, gradient: &[f32]) {
        self.sweep.update(self.state.each_mut().map(Vec::as_mut_slice), gradient).expect("as many as weights");
    }

    fn value(&self, weight: usize) -> f32 {
        self.state[0][weight]
    }
}

/// evenkeel's own step of descent, whole.
struct Descent {
    layer: Layer<LearningRate, f32>,
    weights: Vec<f32>,
}

impl Step for Descent {
    fn step(&mut self, gradient: &[f32]) {
        // Half of the mean, as a schedule would, so that the mean is used.
        self.layer.descend(&mut self.weights, gradient, |mean| mean / 2.0).expect("as many as weights");
    }

    fn value(&self, weight: usize) -> f32 {
        self.weights[weight]
    }
}

/// Adam (Kingma and Ba 2015, algorithm 1), a plain loop in one pass that the compiler vectorises.
struct Adam {
    weights: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    steps: i32,
}

impl Step for Adam {
    fn step(&mut self, gradient: &[f32]) {
        self.steps += 1;
        // In f64: of 1 - 0.999 an f32 keeps four digits.
        let first = 1.0 - BETA.powi(self.steps);
        let second = 1.0 - 0.999_f64.powi(self.steps);
        #[allow(clippy::cast_possible_truncation)] // rounded once
        let (rate, second_correction) = ((f64::from(RATE) / first) as f32, second.sqrt() as f32);
        adam(&mut self.weights, &mut self.first, &mut self.second, gradient, rate, second_correction);
    }

    fn value(&self, weight: usize) -> f32 {
        self.weights[weight]
    }
}

/// Slices as arguments, so that the compiler knows that they do not overlap.
fn adam(weights: &mut [f32], first: &mut [f32], second: &mut [f32], gradient: &[f32], rate: f32, correction: f32) {
    for (((w, m), v), &g) in weights.iter_mut().zip(first).zip(second).zip(gradient) {
        *m += 0.1 * (g - *m);
        *v += 0.001 * (g * g - *v);
        *w -= rate * *m / (v.sqrt() / correction + 1e-8);
    }
}

/// Everybody who has a sweep over weights, each held to a plain loop over single weights.
pub(crate) fn enter(data: &Rc<Data>) -> Result<Field, Box<dyn Error>> {
    let first = Sweep::new(RobustMean::new(Decay::beta(BETA)?).patience(8)?)?.with_threads(Threads::One);
    let mut state = std::array::from_fn(|_| vec![0.0; WEIGHTS]);
    first.reset(state.each_mut().map(Vec::as_mut_slice));
    let name = "evenkeel RobustMean as the first moment, no step";
    let sweep = FirstMoment { sweep: first, state };
    let mut moment = Entry { name, robust: "yes", bytes: 28, sweep, data: data.clone(), steps: 0 };
    let spec = Spec::<f32>::new(&Parameters { patience: 8, ..Parameters::new(1.0 - BETA) });
    let seen = |weight| (0..CHECKED).map(move |step| data.gradient(step)[weight]);
    moment.check(CHECKED, |weight| f64::from(spec.run(State::unseen(), seen(weight)).location))?;

    let rule = LearningRate::new(f64::from(RATE))?.smoothing(Some(Decay::beta(BETA)?));
    let layer = Layer::new(rule, WEIGHTS)?.with_threads(Threads::One);
    let sweep = Descent { layer, weights: data.weights.clone() };
    let name = "evenkeel LearningRate, a whole step";
    let mut descent = Entry { name, robust: "its rate", bytes: 64, sweep, data: data.clone(), steps: 0 };
    descent.check(1, descended(data))?;

    let zeros = || vec![0.0; WEIGHTS];
    let sweep = Adam { weights: data.weights.clone(), first: zeros(), second: zeros(), steps: 0 };
    let name = "loop, Adam, a whole step";
    let mut adam = Entry { name, robust: "no", bytes: 28, sweep, data: data.clone(), steps: 0 };
    adam.check(CHECKED, |weight| stepped(f64::from(data.weights[weight]), seen(weight).map(f64::from)))?;
    Ok(vec![Box::new(moment), Box::new(descent), Box::new(adam)])
}

/// Where Adam must lead a weight, by its equations.
fn stepped(weight: f64, gradients: impl Iterator<Item = f64>) -> f64 {
    let (beta, beta2) = (BETA, 0.999);
    let start = (weight, 0.0, 0.0, 1.0, 1.0);
    let end = gradients.fold(start, |(w, m, v, power, power2), g| {
        let (m, v) = (beta * m + (1.0 - beta) * g, beta2 * v + (1.0 - beta2) * g * g);
        let (power, power2) = (power * beta, power2 * beta2);
        let step = m / (1.0 - power) / ((v / (1.0 - power2)).sqrt() + 1e-8);
        (w - f64::from(RATE) * step, m, v, power, power2)
    });
    end.0
}

/// Where evenkeel's first step of descent must lead each weight, by the oracle of the library's own tests.
fn descended(data: &Data) -> impl Fn(usize) -> f64 {
    let numerator = NumeratorSpec::new(f64::from(RATE), 0.9999, 0.999, 4.0);
    let (norm_beta, smooth_beta, epsilon) = (0.999, Some(BETA), 1e-8);
    let spec = RateSpec {
        numerator,
        norm_beta,
        smooth_beta,
        epsilon,
        coupled: 0.0_f32,
        decoupled: 0.0,
        options: RateOptions::default(),
    };
    let seen = move |weight: usize| -> (RateState<f32>, f32) {
        let mut states = [RateSpec::unseen()];
        let values = spec.steps(&mut states, 1, &data.weights[weight..=weight], &data.gradient(0)[weight..=weight]);
        (states[0], values[0])
    };
    let mean = (0..WEIGHTS).map(|weight| f64::from(seen(weight).1)).sum::<f64>() / WEIGHTS as f64;
    #[allow(clippy::cast_possible_truncation)] // the rate is an f32
    let rate = mean as f32 / 2.0;
    move |weight| {
        let (mut state, _) = seen(weight);
        f64::from(spec.descend(&mut state, 1, data.weights[weight], data.gradient(0)[weight], rate))
    }
}

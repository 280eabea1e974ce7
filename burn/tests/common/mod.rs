//! A module with one matrix, the gradients that it is given, and the weights that the library's layer and the optimiser make of them.

use burn::module::{Module, Param};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Element, Tensor, TensorData};
use evenkeel::{Layer, LearningRate, Real};
use evenkeel_burn::RobustSgmConfig;

pub(crate) const SHAPE: [usize; 2] = [37, 29];
pub(crate) const WEIGHTS: usize = SHAPE[0] * SHAPE[1];

#[derive(Module, Debug)]
pub(crate) struct Net {
    pub(crate) weight: Param<Tensor<2>>,
    pub(crate) bias: Param<Tensor<1>>,
}

impl Net {
    pub(crate) fn new<T: Element>(weights: Vec<T>, bias: Vec<T>) -> Self {
        let (device, shape) = (Device::flex().autodiff(), [bias.len()]);
        Self {
            weight: Param::from_tensor(Tensor::from_data(TensorData::new(weights, SHAPE), (&device, T::dtype()))),
            bias: Param::from_tensor(Tensor::from_data(TensorData::new(bias, shape), (&device, T::dtype()))),
        }
    }

    pub(crate) fn weights<T: Element>(&self) -> Vec<T> {
        self.weight.val().into_data().try_into_vec().unwrap()
    }

    pub(crate) fn step<T: Element>(self, optimiser: &mut ModuleOptimizer, lr: f64, gradient: Vec<T>) -> Self {
        let mut gradients = GradientsParams::new();
        let data = TensorData::new(gradient, SHAPE);
        gradients.register(self.weight.id, Tensor::<2>::from_data(data, (&Device::flex(), T::dtype())));
        optimiser.step(lr, self, gradients)
    }
}

/// Weights and gradients that hold everything that may come.
pub(crate) struct Stream(fastrand::Rng);

impl Stream {
    pub(crate) fn new() -> Self {
        Self(fastrand::Rng::with_seed(7))
    }

    pub(crate) fn weights<T: Real>(&mut self) -> Vec<T> {
        (0..WEIGHTS).map(|_| T::from_f64(self.0.f64() - 0.5)).collect()
    }

    pub(crate) fn gradient<T: Real>(&mut self) -> Vec<T> {
        let draw = |rng: &mut fastrand::Rng| match rng.u32(0..100) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => -1e20,
            3 => 0.0,
            4 => 1e-42,
            _ => rng.f64() - 0.4,
        };
        (0..WEIGHTS).map(|_| T::from_f64(draw(&mut self.0))).collect()
    }
}

/// The weights after steps of the library's layer, whose rate at each is a function of the step and the layer mean.
pub(crate) fn expected<T: Real>(rule: LearningRate, mut rate: impl FnMut(usize, f64) -> f64, steps: usize) -> Vec<T> {
    let mut stream = Stream::new();
    let mut weights = stream.weights::<T>();
    let mut layer = Layer::<LearningRate, T>::new(rule, WEIGHTS).unwrap();
    for step in 0..steps {
        let rate = |mean: T| T::from_f64(rate(step, mean.to_f64()));
        layer.descend(&mut weights, &stream.gradient::<T>(), rate).unwrap();
    }
    weights
}

/// The weights after steps of the optimiser, at a learning rate that is a function of the step.
pub(crate) fn found<T: Real + Element>(config: &RobustSgmConfig, lr: impl Fn(usize) -> f64, steps: usize) -> Vec<T> {
    let mut stream = Stream::new();
    let mut net = Net::new(stream.weights::<T>(), vec![T::default()]);
    let mut optimiser = config.init().unwrap();
    for step in 0..steps {
        net = net.step(&mut optimiser, lr(step), stream.gradient::<T>());
    }
    net.weights()
}

pub(crate) fn bits<T: Real>(weights: &[T]) -> Vec<u64> {
    weights.iter().map(|weight| weight.to_f64().to_bits()).collect()
}

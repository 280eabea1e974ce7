//! The optimiser: the step of one tensor.

use crate::state::{RobustSgmState, Smoothing, Weight};
use burn::optim::LearningRate as Rate;
use burn::optim::Optimizer;
use burn::tensor::{DType, Device, Tensor, TensorData};
use evenkeel::{Layer, LearningRate, UpdateError};

/// Stochastic gradient descent with a learning rate per tensor that is estimated robustly from weights and gradients: see
/// [`RobustSgmConfig`](crate::RobustSgmConfig) for the parameters, and for how one is made.
///
/// What is robust is the *rate*. The direction is Adam's: one step moves a weight by some 32 rates at the most (one over the
/// root of `1 - beta_norm`), whatever the gradient, but a direction that outliers own is followed. Where labels are wrong, weigh
/// the losses with [`weighted_mean`](crate::weighted_mean).
///
/// * **Numbers.** A step is [`evenkeel::Layer::descend`] to the bit, on every machine and any number of threads, in `f64` and
///   `f32`. Tensors in `f16` and `bf16` are computed in `f32` and rounded; tensors of other types stay as they are.
/// * **Copies.** On the CPU backend (`burn-flex`) weights change in place and a step allocates nothing in proportion to them,
///   unless somebody else holds them, such as a clone of the module, or a gradient does not lie one element after the other.
///   From a GPU, weights and gradients are copied to main memory, and weights back, at every step.
/// * **Numbers that are none.** A gradient that is NaN leaves its weight and its state alone; an infinite one leaves them
///   finite. A learning rate that is NaN, infinite or below 0 counts as 0: the weights stand still.
/// * **What does not fit.** burn gives a step no way to report an error. A state of another shape or type, as a record of another
///   model may hold, is replaced by one that has seen nothing; a gradient that has not as many elements as its weights, as
///   only one put there by hand can be, is left out.
#[derive(Clone, Debug)]
pub struct RobustSgm {
    rule: LearningRate,
    smoothing: Smoothing,
}

impl RobustSgm {
    pub(crate) fn new(rule: LearningRate, smoothing: Smoothing) -> Self {
        Self { rule, smoothing }
    }

    /// The step of a tensor that is computed in `T`.
    fn advance<T: Weight, const D: usize>(
        &self,
        lr: f64,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<RobustSgmState<D>>,
    ) -> (Tensor<D>, Option<RobustSgmState<D>>) {
        let (shape, options) = (tensor.dims(), (tensor.device(), tensor.dtype()));
        let fitting = state.and_then(|mut state| state.fits::<T>(shape).then_some(state));
        let Some(mut state) = fitting.or_else(|| RobustSgmState::new::<T>(self.rule, shape).ok()) else {
            return (tensor, None);
        };
        let mut weights = tensor.into_data();
        let RobustSgmState { layer, mean, .. } = &mut state;
        if let Some(layer) = T::layer(layer) {
            let mut smoothed = *mean;
            let rate = |found: T| T::from_f64(lr * smoothed.smooth(found.to_f64(), self.smoothing));
            if self.descend(layer, &mut weights, &grad.into_data(), rate).is_some() {
                *mean = smoothed;
            }
        }
        let (device, dtype) = options;
        (Tensor::from_data(weights, (&device, dtype)), Some(state))
    }

    /// The step on data, in place where they are of type `T`; nothing has changed if there is none.
    fn descend<T: Weight>(
        &self,
        layer: &mut Layer<LearningRate, T>,
        weights: &mut TensorData,
        gradient: &TensorData,
        rate: impl FnOnce(T) -> T,
    ) -> Option<()> {
        if *layer.rule() != self.rule {
            layer.set_rule(self.rule).ok()?;
        }
        let copy;
        let gradient = if let Ok(slice) = gradient.as_slice::<T>() {
            slice
        } else {
            copy = gradient.try_to_vec_as::<T>().ok()?;
            &copy
        };
        let step = |layer: &mut Layer<LearningRate, T>, weights: &mut [T]| -> Result<T, UpdateError> {
            layer.descend(weights, gradient, rate)
        };
        if let Ok(slice) = weights.as_mut_slice::<T>() {
            return step(layer, slice).ok().map(drop);
        }
        let mut copy = weights.try_to_vec_as::<T>().ok()?;
        step(layer, &mut copy).ok()?;
        *weights = TensorData::new(copy, weights.shape().clone());
        Some(())
    }
}

impl Optimizer for RobustSgm {
    type State<const D: usize> = RobustSgmState<D>;

    fn step<const D: usize>(
        &self,
        lr: Rate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let lr = if lr > 0.0 && lr.is_finite() { lr } else { 0.0 };
        match tensor.dtype() {
            DType::F64 => self.advance::<f64, D>(lr, tensor, grad, state),
            DType::F32 | DType::Flex32 | DType::F16 | DType::BF16 => self.advance::<f32, D>(lr, tensor, grad, state),
            _ => (tensor, state),
        }
    }

    /// Returns the state as it is, which lives in main memory.
    fn to_device<const D: usize>(state: Self::State<D>, _device: &Device) -> Self::State<D> {
        state
    }
}

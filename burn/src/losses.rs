//! Weights of a batch's losses.

use crate::error::Error;
use burn::tensor::{DType, Element, Int, Tensor, TensorData};
use evenkeel::{LossGuard, Real};

/// Weights of the examples of a batch from their losses, of the same shape, type and device: see [`LossGuard::weigh`]. They
/// are constants, through which no gradient goes; a loss that is NaN, infinite or below zero weighs 0.
///
/// Zero times NaN is NaN, and so is its derivative: where losses may be none, take their mean with [`weighted_mean`].
///
/// # Errors
/// The losses are of no type that is supported, or cannot be read.
pub fn weigh<const D: usize>(guard: &mut LossGuard, losses: &Tensor<D>) -> Result<Tensor<D>, Error> {
    let losses = losses.clone().inner();
    match losses.dtype() {
        DType::F64 => weights::<f64, D>(guard, losses),
        DType::F32 | DType::Flex32 | DType::F16 | DType::BF16 => weights::<f32, D>(guard, losses),
        dtype => Err(Error::DType { what: "the tensor of losses", dtype }),
    }
}

fn weights<T: Real + Element, const D: usize>(guard: &mut LossGuard, losses: Tensor<D>) -> Result<Tensor<D>, Error> {
    let (shape, device, dtype) = (losses.dims(), losses.device(), losses.dtype());
    let losses = read::<T, D>("the tensor of losses", losses)?;
    let mut weights = vec![T::default(); losses.len()];
    guard.weigh(&losses, &mut weights)?;
    Ok(Tensor::from_data(TensorData::new(weights, shape), (&device, dtype)))
}

/// The numbers of a tensor.
fn read<T: Element, const D: usize>(what: &'static str, tensor: Tensor<D>) -> Result<Vec<T>, Error> {
    tensor.try_into_vec_as().map_err(|error| Error::Read { what, why: error.to_string() })
}

/// Takes the mean of the losses of a batch, each multiplied by its weight, as [`weigh`] makes them; `None` where no example of
/// the batch has a loss, and there is nothing to learn.
///
/// Examples whose loss is NaN, infinite or below zero have to be kept out of the whole computation: a factor of 0 does not keep
/// their derivatives out of the gradient, nor does [`Tensor::mask_fill`]. So where there are such losses, `again` has to compute
/// the others anew, without them: it gets the positions of those that are kept, in order, and returns their losses. Where all
/// losses are sound it is not called. The mean is over all examples, those without weight included.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use evenkeel::{Decay, LossGuard};
/// use evenkeel_burn::weighted_mean;
///
/// let device = Device::flex().autodiff();
/// let w = Tensor::<2>::from_floats([[0.5], [0.5]], &device).require_grad();
/// let x = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]], &device);
/// let y = Tensor::<2>::from_floats([[5.0], [f32::NAN], [19.0]], &device);
/// let losses = |x: Tensor<2>, y: Tensor<2>| (x.matmul(w.clone()) - y).square().squeeze_dim::<1>(1);
///
/// let mut guard = LossGuard::new(Decay::half_life(150.0)?)?.squared();
/// let loss = weighted_mean(&mut guard, losses(x.clone(), y.clone()), |kept| {
///     losses(x.select(0, kept.clone()), y.select(0, kept))
/// })?;
/// let gradient = w.grad(&loss.unwrap().backward()).unwrap().into_data();
/// assert!(gradient.iter::<f32>().all(f32::is_finite));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The losses are of no type that is supported, or cannot be read, or `again` returned not one loss for each position.
pub fn weighted_mean(
    guard: &mut LossGuard,
    losses: Tensor<1>,
    again: impl FnOnce(Tensor<1, Int>) -> Tensor<1>,
) -> Result<Option<Tensor<1>>, Error> {
    let [count] = losses.dims();
    let before = guard.invalid();
    let weights = weigh(guard, &losses)?;
    if count == 0 {
        return Ok(None);
    }
    if guard.invalid() == before {
        return Ok(Some((losses * weights).sum().div_scalar(count as f64)));
    }
    let device = losses.device().inner();
    let near = read::<f64, 1>("the tensor of losses", losses.inner())?;
    let sound = (0_i64..).zip(near).filter(|(_, loss)| (0.0..f64::INFINITY).contains(loss));
    let kept: Vec<i64> = sound.map(|(index, _)| index).collect();
    let expected = kept.len();
    if expected == 0 {
        return Ok(None);
    }
    let kept = Tensor::<1, Int>::from_data(TensorData::new(kept, [expected]), &device);
    let losses = again(kept.clone());
    let [got] = losses.dims();
    if got != expected {
        return Err(Error::Again { got, expected });
    }
    Ok(Some((losses * weights.select(0, kept)).sum().div_scalar(count as f64)))
}

//! The guards of evenkeel over candle's tensors: weights of a batch's losses, and a factor for its gradients.

use crate::error::Error;
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Storage, Tensor, TensorId, Var, WithDType};
use evenkeel::{GradientGuard, LossGuard, Real, sum_of_squares};
use std::collections::HashSet;

/// Weights of the examples of a batch from their losses, of the same shape, type and device: see [`LossGuard::weigh`].
/// They are constants, through which no gradient goes; a loss that is NaN, infinite or below zero weighs 0.
///
/// Zero times NaN is NaN, and so is its derivative: where losses may be none, take their mean with [`weighted_mean`].
/// Losses on the CPU that lie one after the other are read where they are; others are copied once.
///
/// # Errors
/// The losses are not `f32` or `f64`.
pub fn weigh(guard: &mut LossGuard, losses: &Tensor) -> Result<Tensor> {
    match losses.dtype() {
        DType::F32 => weights::<f32>(guard, losses),
        DType::F64 => weights::<f64>(guard, losses),
        dtype => Err(Error::Losses { dtype }.into()),
    }
}

fn weights<T: Real + WithDType>(guard: &mut LossGuard, losses: &Tensor) -> Result<Tensor> {
    let mut weights = vec![T::default(); losses.elem_count()];
    on_slice(losses, |losses| guard.weigh(losses, &mut weights))?.map_err(candle_core::Error::wrap)?;
    Tensor::from_vec(weights, losses.shape(), losses.device())
}

/// Takes the mean of the losses of a batch, each multiplied by its weight, as [`weigh`] makes them.
///
/// Examples whose loss is NaN, infinite or below zero have to be kept out of the whole computation: a factor of 0 does
/// not keep their derivatives out of the gradient, nor does [`Tensor::where_cond`]. So where there are such losses,
/// `again` has to compute the others anew, without them: it gets the positions of those that are kept, in `u32`, in the
/// order of the flattened losses, and returns their losses. Where all losses are sound it is not called. The mean is over
/// all examples, those without weight included; of nothing it is 0.
///
/// ```
/// use candle_core::{Device, Result, Tensor, Var};
/// use evenkeel::{Decay, LossGuard};
/// use evenkeel_candle::weighted_mean;
///
/// let w = Var::from_tensor(&Tensor::new(&[[0.5_f32], [0.5]], &Device::Cpu)?)?;
/// let x = Tensor::new(&[[1.0_f32, 2.0], [3.0, 4.0], [5.0, 7.0]], &Device::Cpu)?;
/// let y = Tensor::new(&[[5.0_f32], [f32::NAN], [19.0]], &Device::Cpu)?;
/// let losses = |x: &Tensor, y: &Tensor| -> Result<Tensor> { (x.matmul(&w)? - y)?.sqr() };
///
/// let mut guard = LossGuard::new(Decay::half_life(150.0).unwrap()).unwrap().squared();
/// let loss = weighted_mean(&mut guard, &losses(&x, &y)?, |kept| {
///     losses(&x.index_select(kept, 0)?, &y.index_select(kept, 0)?)
/// })?;
/// let gradients = loss.backward()?;
/// let gradient = gradients.get(w.as_tensor()).unwrap().flatten_all()?.to_vec1::<f32>()?;
/// assert!(gradient.iter().all(|g| g.is_finite()));
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// The losses are not `f32` or `f64`, or `again` returned not one loss for each position, or an error.
pub fn weighted_mean(
    guard: &mut LossGuard,
    losses: &Tensor,
    again: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let (count, before) = (losses.elem_count(), guard.invalid());
    let weights = weigh(guard, losses)?.flatten_all()?;
    let sum = if guard.invalid() == before {
        (losses.flatten_all()? * weights)?.sum_all()?
    } else {
        let near = losses.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        let sound = (0_u32..).zip(near).filter(|(_, loss)| (0.0..f64::INFINITY).contains(loss));
        let kept: Vec<u32> = sound.map(|(index, _)| index).collect();
        if kept.is_empty() {
            return Tensor::zeros((), losses.dtype(), losses.device());
        }
        let kept = Tensor::new(kept, losses.device())?;
        (again(&kept)?.flatten_all()? * weights.index_select(&kept, 0)?)?.sum_all()?
    };
    #[allow(clippy::cast_precision_loss)] // 2^53 examples are out of reach
    let mean = sum / count.max(1) as f64;
    mean
}

/// The norm of the gradients of these variables together, the root of the sum of their squares: the same bits on every
/// machine, and in whichever order the variables are given. A variable that is given twice counts once, one without a
/// gradient not at all. A gradient that is not on the CPU is copied there.
///
/// # Errors
/// A gradient could not be read.
pub fn norm<'a>(grads: &GradStore, vars: impl IntoIterator<Item = &'a Var>) -> Result<f64> {
    let mut seen = HashSet::<TensorId>::new();
    let mut squares = Vec::new();
    for var in vars {
        let Some(gradient) = grads.get(var.as_tensor()).filter(|_| seen.insert(var.as_tensor().id())) else { continue };
        squares.push(match gradient.dtype() {
            DType::F64 => on_slice(gradient, sum_of_squares::<f64>)?,
            DType::F32 => on_slice(gradient, sum_of_squares::<f32>)?,
            _ => on_slice(&gradient.to_dtype(DType::F32)?, sum_of_squares::<f32>)?,
        });
    }
    // A map gives its variables in another order in every run.
    squares.sort_unstable_by(f64::total_cmp);
    Ok(squares.into_iter().sum::<f64>().sqrt())
}

/// Judges the gradients of these variables by their norm, all together, and multiplies them by the factor that is
/// returned: see [`GradientGuard`]. At 1, which is nearly always, nothing is touched.
///
/// At 0 the step is to be skipped, and the gradients are taken out of the store: an optimiser that makes the step all
/// the same moves no weight, and counts it. Leave it out where a schedule or a bias correction should not go on:
///
/// ```
/// # use candle_core::{Device, Tensor, Var};
/// # use candle_nn::Optimizer;
/// # use evenkeel::{Decay, GradientGuard};
/// # use evenkeel_candle::{ParamsRobustSgm, RobustSgm, guard_gradients};
/// # let w = Var::from_tensor(&Tensor::new(&[1.0_f32, 2.0], &Device::Cpu)?)?;
/// # let mut optimiser = RobustSgm::new(vec![w.clone()], ParamsRobustSgm::default())?;
/// let mut guard = GradientGuard::new(Decay::half_life(50.0).unwrap()).unwrap();
/// # let loss = w.sqr()?.sum_all()?;
/// let mut gradients = loss.backward()?;
/// if guard_gradients(&mut guard, &mut gradients, [&w])? > 0.0 {
///     optimiser.step(&gradients)?;
/// }
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// A gradient could not be read or multiplied.
pub fn guard_gradients<'a>(
    guard: &mut GradientGuard,
    grads: &mut GradStore,
    vars: impl IntoIterator<Item = &'a Var>,
) -> Result<f64> {
    let vars: Vec<&Var> = vars.into_iter().collect();
    let factor = guard.observe(norm(grads, vars.iter().copied())?);
    if factor == 1.0 {
        return Ok(factor);
    }
    let mut seen = HashSet::<TensorId>::new();
    for var in vars.into_iter().map(Var::as_tensor).filter(|var| seen.insert(var.id())) {
        if let Some(gradient) = grads.remove(var).filter(|_| factor > 0.0) {
            grads.insert(var, (gradient * factor)?);
        }
    }
    Ok(factor)
}

/// Calls a function with the numbers of a tensor, which are of this type: where they are, or a copy if they do not lie
/// one after the other on the CPU.
fn on_slice<T: WithDType, A>(tensor: &Tensor, call: impl FnOnce(&[T]) -> A) -> Result<A> {
    let near = tensor.to_device(&Device::Cpu)?.contiguous()?;
    let (storage, layout) = near.storage_and_layout();
    let numbers = match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(storage), Some((from, to))) => storage.as_slice::<T>()?.get(from..to),
        _ => None,
    };
    Ok(call(numbers.ok_or_else(|| Error::Layout { name: "of losses or gradients".to_owned() })?))
}

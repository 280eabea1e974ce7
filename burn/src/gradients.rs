//! Factors for the gradients of a module, from their norms.

use crate::error::Error;
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Element, Tensor, TensorData};
use evenkeel::{GradientGuard, GradientGuards, Real, sum_of_squares};
use std::collections::{HashMap, HashSet};

/// The norm of the gradients of a module's parameters together, the root of the sum of their squares: the same bits on every
/// machine, whichever order the parameters are in. A parameter that is there twice counts once, one without a gradient not at
/// all.
///
/// Gradients are taken out, read and put back, so that on the CPU backend none is copied.
///
/// # Errors
/// A gradient is of no type that is supported, or cannot be read.
pub fn norm<M: Module>(grads: &mut GradientsParams, module: &M) -> Result<f64, Error> {
    let mut squares: Vec<f64> = squares(grads, module)?.into_iter().filter_map(|(_, square)| square).collect();
    squares.sort_unstable_by(f64::total_cmp);
    Ok(squares.into_iter().sum::<f64>().sqrt())
}

/// Judges the gradients of a module by their norm, all together, and multiplies them by the factor that is returned: see
/// [`GradientGuard`]. At 1, which is nearly always, nothing is touched.
///
/// At 0 the step is to be skipped, and the gradients are taken out: an optimiser that makes the step all the same moves nothing.
///
/// ```
/// use burn::nn::{Linear, LinearConfig};
/// use burn::optim::{AdamWConfig, GradientsParams};
/// use burn::tensor::{Device, Tensor};
/// use evenkeel::{Decay, GradientGuard};
/// use evenkeel_burn::guard_gradients;
///
/// let device = Device::flex().autodiff();
/// let mut model: Linear = LinearConfig::new(2, 1).init(&device);
/// let mut optimiser = AdamWConfig::new().init();
/// let mut guard = GradientGuard::new(Decay::half_life(50.0)?)?; // 50 steps
/// let loss = model.forward(Tensor::<2>::ones([3, 2], &device)).square().mean();
///
/// let mut gradients = GradientsParams::from_grads(loss.backward(), &model);
/// if guard_gradients(&mut guard, &mut gradients, &model)? > 0.0 {
///     model = optimiser.step(1e-3, model, gradients);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A gradient is of no type that is supported, or cannot be read.
pub fn guard_gradients<M: Module>(
    guard: &mut GradientGuard,
    grads: &mut GradientsParams,
    module: &M,
) -> Result<f64, Error> {
    let factor = guard.observe(norm(grads, module)?);
    module.visit(&mut Multiply { grads, factors: Factors::All(factor), seen: HashSet::new() });
    Ok(factor)
}

/// Judges the gradient of each parameter of a module by its own norm, multiplies it by its factor, and returns the factors, in
/// the order in which the module has its parameters: see [`GradientGuards`], which has to be made for as many. A parameter
/// without a gradient has the factor 1, and its guard learns nothing; at 0 a gradient is taken out.
///
/// # Errors
/// A gradient is of no type that is supported, or cannot be read, or there is not one guard for each parameter.
pub fn guard_each_gradient<M: Module>(
    guards: &mut GradientGuards,
    grads: &mut GradientsParams,
    module: &M,
) -> Result<Vec<f64>, Error> {
    let squares = squares(grads, module)?;
    // A norm of 0 passes and is not learnt.
    let norms: Vec<f64> = squares.iter().map(|(_, square)| square.unwrap_or(0.0).sqrt()).collect();
    let mut factors = vec![1.0; norms.len()];
    guards.observe(&norms, &mut factors)?;
    let each = squares.iter().map(|(id, _)| *id).zip(factors.iter().copied()).collect();
    module.visit(&mut Multiply { grads, factors: Factors::Each(each), seen: HashSet::new() });
    Ok(factors)
}

/// The sum of squares of each parameter's gradient, of those that have one.
fn squares<M: Module>(grads: &mut GradientsParams, module: &M) -> Result<Vec<(ParamId, Option<f64>)>, Error> {
    let mut visitor = Squares { grads, seen: HashSet::new(), found: Ok(Vec::new()) };
    module.visit(&mut visitor);
    visitor.found
}

struct Squares<'a> {
    grads: &'a mut GradientsParams,
    seen: HashSet<ParamId>,
    found: Result<Vec<(ParamId, Option<f64>)>, Error>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Ok(found) = &mut self.found else { return };
        if !self.seen.insert(param.id) {
            return;
        }
        let square = match self.grads.remove::<D>(param.id) {
            Some(gradient) => match square(gradient) {
                Ok((square, gradient)) => {
                    self.grads.register(param.id, gradient);
                    Some(square)
                }
                Err(error) => {
                    self.found = Err(error);
                    return;
                }
            },
            None => None,
        };
        found.push((param.id, square));
    }
}

/// The sum of squares of a gradient, and the gradient again, which is not copied where nobody else has it.
fn square<const D: usize>(gradient: Tensor<D>) -> Result<(f64, Tensor<D>), Error> {
    let (device, dtype) = (gradient.device(), gradient.dtype());
    let data = gradient.try_into_data().map_err(|error| unread(&error))?;
    let square = match dtype {
        DType::F64 => of_data::<f64>(&data),
        DType::F32 | DType::Flex32 | DType::F16 | DType::BF16 => of_data::<f32>(&data),
        dtype => return Err(Error::DType { what: "a gradient", dtype }),
    };
    Ok((square?, Tensor::from_data(data, (&device, dtype))))
}

fn of_data<T: Real + Element>(data: &TensorData) -> Result<f64, Error> {
    match data.as_slice::<T>() {
        Ok(slice) => Ok(sum_of_squares(slice)),
        Err(_) => data.try_to_vec_as::<T>().map(|copy| sum_of_squares(&copy)).map_err(|error| unread(&error)),
    }
}

fn unread(error: &dyn std::fmt::Display) -> Error {
    Error::Read { what: "a gradient", why: error.to_string() }
}

enum Factors {
    All(f64),
    Each(HashMap<ParamId, f64>),
}

struct Multiply<'a> {
    grads: &'a mut GradientsParams,
    factors: Factors,
    seen: HashSet<ParamId>,
}

impl ModuleVisitor for Multiply<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let factor = match &self.factors {
            Factors::All(factor) => *factor,
            Factors::Each(factors) => factors.get(&param.id).copied().unwrap_or(1.0),
        };
        if factor == 1.0 || !self.seen.insert(param.id) {
            return;
        }
        if let Some(gradient) = self.grads.remove::<D>(param.id)
            && factor > 0.0
        {
            self.grads.register(param.id, gradient.mul_scalar(factor));
        }
    }
}

//! An optimiser for [burn](https://burn.dev) whose learning rates come from the stream of gradients, robustly, and guards
//! against wrong labels and spikes of the gradient.
//!
//! | | what it does |
//! |---|---|
//! | [`RobustSgm`] | stochastic gradient descent with [`evenkeel::LearningRate`] for each tensor |
//! | [`weighted_mean`], [`weigh`] | weights of a batch's losses, with [`LossGuard`], so that wrong labels do not count |
//! | [`guard_gradients`], [`guard_each_gradient`], [`norm`] | a norm clip with nothing to tune, with [`GradientGuard`] and [`GradientGuards`] |
//!
//! Everything works on tensors of any of burn's backends, computes on the CPU, and returns to the tensor's device.
//!
//! ```
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::optim::GradientsParams;
//! use burn::tensor::{Device, Tensor};
//! use evenkeel_burn::RobustSgmConfig;
//!
//! let device = Device::flex().autodiff();
//! let x = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]], &device);
//! let y = Tensor::<2>::from_floats([[5.0], [11.0], [19.0]], &device); // y = x w for w = (1, 2)
//! let mut model: Linear = LinearConfig::new(2, 1).with_bias(false).init(&device);
//!
//! let mut optimiser = RobustSgmConfig::new().init()?;
//! let mut losses = Vec::new();
//! for _ in 0..200 {
//!     let loss = (model.forward(x.clone()) - y.clone()).square().mean();
//!     losses.push(loss.clone().into_scalar::<f32>());
//!     let gradients = GradientsParams::from_grads(loss.backward(), &model);
//!     model = optimiser.step(0.05, model, gradients);
//! }
//! assert!(losses[199] < 0.05 * losses[0], "{} {}", losses[0], losses[199]);
//! # Ok::<(), evenkeel_burn::Error>(())
//! ```

mod config;
mod error;
mod gradients;
mod losses;
mod optimiser;
mod state;

pub use config::RobustSgmConfig;
pub use error::Error;
pub use evenkeel::{Bound, Correlated, Floor, GradientGuard, GradientGuards, LossGuard, Scope};
pub use gradients::{guard_each_gradient, guard_gradients, norm};
pub use losses::{weigh, weighted_mean};
pub use optimiser::RobustSgm;
pub use state::RobustSgmState;

/// The README, whose examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

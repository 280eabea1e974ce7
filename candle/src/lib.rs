//! An optimiser for [candle](https://github.com/huggingface/candle) whose learning rates come from the stream of
//! gradients, robustly, at the speed of memory.
//!
//! [`RobustSgm`] is stochastic gradient descent with [`evenkeel::LearningRate`] for each tensor: a robust `E[w g / d]`,
//! averaged over the tensor, is the rate; the smoothed gradient over its norm `d` is the direction.
//!
//! What is robust is the *rate*. The direction is Adam's: one step moves a weight by some 32 rates at the most (one
//! over the root of `1 - beta_norm`), whatever the gradient, but a direction that outliers own is followed: see the
//! measurements in the README. Where labels or gradients hold gross errors, put a robust mean where Adam keeps its
//! first moment, as `examples/adamw.rs` of evenkeel does.
//!
//! ```
//! use candle_core::{DType, Device, Tensor, Var};
//! use candle_nn::Optimizer;
//! use evenkeel_candle::{ParamsRobustSgm, RobustSgm};
//!
//! let device = Device::Cpu;
//! let x = Tensor::new(&[[1.0_f32, 2.0], [3.0, 4.0], [5.0, 7.0]], &device)?;
//! let y = Tensor::new(&[[5.0_f32], [11.0], [19.0]], &device)?; // y = x w for w = (1, 2)
//! let w = Var::from_tensor(&Tensor::new(&[[0.5_f32], [0.5]], &device)?)?;
//!
//! let params = ParamsRobustSgm { lr: 0.05, ..Default::default() };
//! let mut optimiser = RobustSgm::new(vec![w.clone()], params)?;
//! let mut losses = Vec::new();
//! for _ in 0..200 {
//!     let loss = (x.matmul(&w)? - &y)?.sqr()?.mean_all()?;
//!     losses.push(loss.to_scalar::<f32>()?);
//!     optimiser.backward_step(&loss)?;
//! }
//! assert!(losses[199] < 0.05 * losses[0]);
//! # Ok::<(), candle_core::Error>(())
//! ```
//!
//! Tensors may have parameters of their own ([`Group`]), and any function may be the schedule
//! ([`set_schedule`](RobustSgm::set_schedule)). With any optimiser, [`weighted_mean`] and [`guard_gradients`] keep wrong
//! labels and spikes of the gradient from it.
//!
//! # What it promises
//! * A step changes the tensors in place, in two fused passes, and allocates nothing in proportion to them. Its result
//!   is the same bits on every instruction set and any number of threads.
//! * A gradient that is NaN leaves its weight and its state alone; an infinite one leaves them finite. After a gradient
//!   of 1e20 its weight stands still until the norm has forgotten it, about `80 / (1 - beta_norm)` steps in `f32`, and
//!   goes on; in candle's `AdamW` it never moves again.
//! * A run that is saved, loaded and continued gives the same bits as one that was not interrupted
//!   ([`save`](RobustSgm::save), [`load`](RobustSgm::load)).
//! * Errors name the tensor.
//!
//! Tensors that are trained live on the CPU and are `f32` or `f64`.

mod config;
mod descent;
mod error;
mod groups;
mod guards;
mod optimiser;
mod schedule;
mod state;

pub use config::{Decoupling, ParamsRobustSgm};
pub use error::Error;
pub use evenkeel::{Bound, Correlated, Floor, Scope};
pub use groups::{Group, named_vars};
pub use guards::{guard_gradients, norm, weigh, weighted_mean};
pub use optimiser::RobustSgm;
pub use schedule::Schedule;

/// The README, whose examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

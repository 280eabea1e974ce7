//! The guards: a [`RobustMean`](crate::RobustMean) of what a training produces, its losses or the norms of its gradients.
//!
//! | file | what it does |
//! |---|---|
//! | `loss.rs` | weights of a batch's examples from their losses |
//! | `gradient.rs` | factors of gradients from their norms |
//! | `saved.rs` | snapshots of both |

mod gradient;
mod loss;
mod saved;

pub use gradient::{GradientGuard, GradientGuards};
pub use loss::{LossGuard, Suspect};

use crate::decay::Decay;
use crate::error::ParameterError;
use crate::rules::RobustMean;
use crate::sweep::Sweep;

/// The state of one channel of a [`RobustMean`].
type State = [f64; 4];

/// The engine of a guard; an error that names the guard where the decay is in time.
fn sweep(guard: &'static str, decay: Decay) -> Result<Sweep<RobustMean, f64>, ParameterError> {
    if decay.in_time().is_some() {
        return Err(ParameterError::InTime { rule: guard });
    }
    Sweep::new(RobustMean::new(decay))
}

/// The state of a channel that has seen nothing.
fn unseen(sweep: &Sweep<RobustMean, f64>) -> State {
    let mut state = State::default();
    sweep.reset(state.each_mut().map(core::slice::from_mut));
    state
}

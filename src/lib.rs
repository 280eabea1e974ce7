//! evenkeel

mod bank;
mod columns;
mod decay;
mod error;
mod lane;
mod rule;
mod rules;
mod sweep;
#[cfg(feature = "histogram")]
mod tail;
mod tracker;

pub use bank::Bank;
pub use columns::Columns;
pub use decay::Decay;
pub use error::{BackendError, ChannelsError, ParameterError, UpdateError};
pub use lane::Real;
pub use rule::{ColumnsOf, Reading, Rule, Scored};
pub use rules::{Ema, RobustMean};
pub use sweep::{Backend, Observation, Sweep, Threads};
#[cfg(feature = "histogram")]
pub use tail::TailProfile;
pub use tracker::{Series, Tracker};

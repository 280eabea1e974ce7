//! The schedules of the rate: those that have a name, and a function of the caller's.

use crate::Error;
use std::fmt;

/// The factor of the rate at each step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schedule {
    /// The factor 1 at every step.
    #[default]
    Constant,
    /// A raised cosine, `(1 + cos(pi t / steps)) / 2`: 1 at the first step, 0 from `steps` steps on. `AutoSGM`'s.
    RaisedCosine {
        /// The length of the training.
        steps: u64,
    },
    /// A straight line, `1 - t / steps`: 1 at the first step, 0 from `steps` steps on.
    Linear {
        /// The length of the training.
        steps: u64,
    },
}

impl Schedule {
    /// The factor of the step with this number, counted from 1, with the same bits on every platform.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // 2^53 steps are out of reach
    pub fn factor(self, step: u64) -> f64 {
        let part = |steps: u64| (step.saturating_sub(1) as f64 / steps.max(1) as f64).min(1.0);
        match self {
            Self::Constant => 1.0,
            Self::RaisedCosine { steps } => f64::midpoint(1.0, libm::cos(std::f64::consts::PI * part(steps))),
            Self::Linear { steps } => 1.0 - part(steps),
        }
    }
}

/// A schedule of the caller's.
pub(crate) struct Function(Box<dyn Fn(u64) -> f64 + Send + Sync>);

impl Function {
    pub(crate) fn new(function: impl Fn(u64) -> f64 + Send + Sync + 'static) -> Self {
        Self(Box::new(function))
    }

    /// The factor of the step with this number, if it is one.
    pub(crate) fn factor(&self, step: u64) -> Result<f64, Error> {
        let factor = (self.0)(step);
        if factor >= 0.0 && factor.is_finite() { Ok(factor) } else { Err(Error::Schedule { step, factor }) }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Function(..)")
    }
}

//! [`Resolution`]: the step in which a signal is recorded, given or learnt from the samples.

/// The step in which a signal is recorded, below which a scale means nothing.
///
/// A signal that is recorded in whole numbers, or to one decimal, repeats its values. An estimator without the step
/// takes such a run for a constant: its scale collapses, and the next value is an outlier. So the scale that judges is
/// never smaller than half the step.
///
/// ```
/// use evenkeel::{Decay, Resolution, RobustMean};
/// let rule = RobustMean::new(Decay::half_life(60.0)?);
/// let counts = rule.resolution(1.0)?;             // a number is a step
/// let unknown = rule.resolution(Resolution::Learn)?; // from the samples
/// # Ok::<(), evenkeel::ParameterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resolution {
    /// The given step, in the signal's own unit; 0 for a continuous signal.
    Step(f64),
    /// A step that each channel learns from its samples: 1, 0.1, 0.01 and so on to 1e-6, or none.
    ///
    /// A channel begins with the step 1. A sample that is no multiple of the step, to `2^-40` of its size (`f32`:
    /// `2^-20`), makes the step ten times as fine; strikes have no vote. The step never grows again: `{0, 1}` are
    /// counts, and `{0, 1e6}` is a constant with outliers. Steps that are no power of ten are not found, and multiples
    /// of more than 1 count as 1.
    ///
    /// Learning costs three bits of a channel's state and, until the samples turn out to be continuous, about as much
    /// time again as the update.
    Learn,
}

impl Default for Resolution {
    fn default() -> Self {
        Self::Step(0.0)
    }
}

impl From<f64> for Resolution {
    fn from(step: f64) -> Self {
        Self::Step(step)
    }
}

impl Resolution {
    /// The two parameters of a snapshot: the given step, 0 where there is none or it is learnt, and whether it is
    /// learnt.
    pub(crate) fn parameters(self) -> [(&'static str, f64); 2] {
        let (step, learns) = match self {
            Self::Step(step) => (step, 0.0),
            Self::Learn => (0.0, 1.0),
        };
        [("resolution", step), ("learns", learns)]
    }
}

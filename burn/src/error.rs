//! The errors: each has its cause and its remedy.

use burn::tensor::DType;

/// An error of this crate. A step returns none, because burn's optimisers do not: see [`RobustSgm`](crate::RobustSgm).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter is outside the range in which it means something, or too small for `f32`.
    #[error(transparent)]
    Parameter(#[from] evenkeel::ParameterError),
    /// An optimiser has no room for its parameters.
    #[error(transparent)]
    State(#[from] evenkeel::ChannelsError),
    /// A guard refused what it was given.
    #[error(transparent)]
    Guard(#[from] evenkeel::UpdateError),
    /// A tensor has an element type that is not supported.
    #[error("{what} is {dtype:?}: use f64, f32, f16 or bf16")]
    DType {
        /// The name of the tensor.
        what: &'static str,
        /// The element type.
        dtype: DType,
    },
    /// A tensor could not be read from its device.
    #[error("{what} could not be read: {why}")]
    Read {
        /// The name of the tensor.
        what: &'static str,
        /// The words of the backend.
        why: String,
    },
    /// Losses that were computed anew are not one for each example that was asked for.
    #[error("{got} losses were computed anew for {expected} examples: return one for each position, in their order")]
    Again {
        /// The number that was returned.
        got: usize,
        /// The number of examples.
        expected: usize,
    },
}

//! The errors: each has its cause and its remedy, and names the tensor.

use candle_core::{DType, Shape};
use std::path::PathBuf;

/// An error of a [`RobustSgm`](crate::RobustSgm), which candle's own errors carry in [`candle_core::Error::Wrapped`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter is outside the range in which it means something.
    #[error(transparent)]
    Parameter(#[from] evenkeel::ParameterError),
    /// The state of a tensor could not be made.
    #[error("tensor {name}: {source}")]
    State {
        /// The name of the tensor.
        name: String,
        /// The cause.
        source: evenkeel::ChannelsError,
    },
    /// A tensor has an element type that is not supported.
    #[error("tensor {name} is {dtype:?}: train it as f32 or f64")]
    DType {
        /// The name of the tensor.
        name: String,
        /// The element type of the tensor.
        dtype: DType,
    },
    /// A tensor is not on the CPU.
    #[error("tensor {name} is not on the CPU: move the model to Device::Cpu")]
    Device {
        /// The name of the tensor.
        name: String,
    },
    /// A tensor's elements do not lie one after the other.
    #[error("tensor {name} is not contiguous: make the variable from a contiguous tensor")]
    Layout {
        /// The name of the tensor.
        name: String,
    },
    /// Two tensors have one name, or are one tensor.
    #[error("tensor {name} is there twice: give every tensor once and a name of its own")]
    Twice {
        /// The name of the tensor.
        name: String,
    },
    /// A gradient does not fit its tensor.
    #[error("tensor {name}: its gradient is {got:?} {got_shape:?}, but the tensor is {expected:?} {expected_shape:?}")]
    Gradient {
        /// The name of the tensor.
        name: String,
        /// The gradient's type.
        got: DType,
        /// The gradient's shape.
        got_shape: Shape,
        /// The tensor's type.
        expected: DType,
        /// The tensor's shape.
        expected_shape: Shape,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file is no state of this optimiser.
    #[error("{path} is no state of this optimiser: {what}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The reason.
        what: String,
    },
    /// A file holds the state of other tensors.
    #[error("{path} does not fit these tensors: {what}", path = path.display())]
    Fit {
        /// The file.
        path: PathBuf,
        /// The tensor and its difference.
        what: String,
    },
}

impl From<Error> for candle_core::Error {
    fn from(error: Error) -> Self {
        candle_core::Error::wrap(error)
    }
}

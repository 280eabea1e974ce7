//! The errors: each has its cause and its remedy, and names the tensor.

use candle_core::{DType, Shape};
use std::path::PathBuf;

/// An error of a [`RobustSgm`](crate::RobustSgm). Where the methods of candle's trait return it, it is in
/// [`candle_core::Error::Wrapped`], from which candle gives back the sentence but not the type; the methods of
/// [`RobustSgm`](crate::RobustSgm) itself return it as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter is outside the range in which it means something.
    #[error(transparent)]
    Parameter(#[from] evenkeel::ParameterError),
    /// A learning rate is below 0, infinite or NaN.
    #[error("the learning rate is {lr}: set one that is at least 0 and finite")]
    Rate {
        /// The learning rate.
        lr: f64,
    },
    /// A schedule of the caller's returned a number that is no factor.
    #[error("the schedule returned {factor} for step {step}: return a number that is at least 0 and finite")]
    Schedule {
        /// The number of the step, counted from 1.
        step: u64,
        /// The number that was returned.
        factor: f64,
    },
    /// A group of this number does not exist.
    #[error("there is no group {index}: there are {groups}, counted from 0")]
    Group {
        /// The number.
        index: usize,
        /// How many groups there are.
        groups: usize,
    },
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
    /// A name is there twice.
    #[error("the name {name} is there twice: give every tensor a name of its own")]
    Twice {
        /// The name.
        name: String,
    },
    /// A tensor is in two groups.
    #[error("tensor {name} is in another group too, as {other}: leave it in one of them")]
    Groups {
        /// The name of the tensor.
        name: String,
        /// The name of the tensor in the other group.
        other: String,
    },
    /// Losses have an element type that is not supported.
    #[error("the losses are {dtype:?}: give them to the guard as f32 or f64")]
    Losses {
        /// The element type of the losses.
        dtype: DType,
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

//! The errors: a small type for each thing that can go wrong, with its cause and its remedy.

use thiserror::Error;

/// A parameter that no estimator can have.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// A number was outside the range in which it means something.
    #[error("{name} must be {expected}, not {got}")]
    OutOfRange {
        /// The parameter, by the name of the method that sets it.
        name: &'static str,
        /// The range that is accepted, in words.
        expected: &'static str,
        /// The number that was given.
        got: f64,
    },
    /// The memory is longer than the element type can count.
    #[error("a gain of {gain:e} is too small for {lane}, whose smallest is {smallest:e}: {}", shorten(lane))]
    GainTooSmall {
        /// The gain of the decay.
        gain: f64,
        /// The smallest gain of this element type.
        smallest: f64,
        /// The element type, `f32` or `f64`.
        lane: &'static str,
    },
    /// A decay in time where only samples are counted.
    #[error(
        "{rule} cannot decay in time, half_life_time needs RobustMean, CleanedEma or Ema: give the decay in samples"
    )]
    InTime {
        /// The rule.
        rule: &'static str,
    },
}

/// The remedy for a gain that an element type has no room for.
fn shorten(lane: &str) -> &'static str {
    if lane == "f32" { "shorten the half-life or use f64" } else { "shorten the half-life" }
}

impl ParameterError {
    /// `value` if `accept` holds, an error that says what was expected otherwise. NaN is never accepted by a
    /// comparison.
    pub(crate) fn check(
        name: &'static str,
        value: f64,
        expected: &'static str,
        accept: impl FnOnce(f64) -> bool,
    ) -> Result<f64, Self> {
        if accept(value) { Ok(value) } else { Err(Self::OutOfRange { name, expected, got: value }) }
    }

    /// `value` if it is above 0 and finite.
    pub(crate) fn check_positive(name: &'static str, value: f64) -> Result<f64, Self> {
        Self::check(name, value, "above 0 and finite", |value| value > 0.0 && value.is_finite())
    }
}

/// A number of channels that could not be made.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ChannelsError {
    /// A parameter of the rule does not fit the element type.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// There is no memory for the state.
    #[error("no memory for the state of {channels} channels: use fewer channels, or f32")]
    OutOfMemory {
        /// The number of channels asked for in all.
        channels: usize,
    },
}

/// A sample that a tracker refused. Nothing has changed but the tracker's counters.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum TrackError {
    /// The sample is older than the last of its series.
    #[error(
        "the sample is of {time} ns, and the last of its series of {last} ns: samples of a series come in order of time"
    )]
    Late {
        /// The time of the sample, in nanoseconds.
        time: i64,
        /// The time of the last sample of its series, in nanoseconds.
        last: i64,
    },
    /// The series would be one too many.
    #[error(
        "there are {max_series} series, and no more may be: raise max_series, choose Overflow::Evict, or set max_idle"
    )]
    Full {
        /// The most series that there may be.
        max_series: usize,
    },
    /// The decay or the limit of idleness is in time, and the sample has none.
    #[error("the decay or max_idle is in time, and the sample has none: use update_at, or Idle::Samples")]
    NoTime,
    /// A code that no key has.
    #[error("the code {code} has no key: the dictionary has {keys}, and codes count from 0")]
    Code {
        /// The code.
        code: u32,
        /// The number of keys in the dictionary.
        keys: usize,
    },
    /// Slices that do not fit each other.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// There is no channel for a new series.
    #[error(transparent)]
    Channels(#[from] ChannelsError),
}

/// An update that does not fit the channels, or a channel's last sample. The state is untouched.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// A slice has the wrong length.
    #[error("{what} has length {got}, but {expected} was expected: one for each channel, or for each sample")]
    Length {
        /// The name of the slice.
        what: &'static str,
        /// Its length.
        got: usize,
        /// The length that fits.
        expected: usize,
    },
    /// A block is not a whole number of rows.
    #[error("a block of {got} samples is no whole number of rows of {channels} channels")]
    Rows {
        /// The length of the block.
        got: usize,
        /// The length of a row.
        channels: usize,
    },
    /// The decay is in time, and the update does not say how much has passed.
    #[error(
        "the decay is in time, and how much has passed is not known: use an update that takes it, such as update_after, \
         or the time of the sample, such as observe_at"
    )]
    NoElapsed,
    /// The update says how much time has passed, and the decay counts samples.
    #[error("the decay is in samples, and time does not count: use update, or a rule with Decay::half_life_time")]
    NotInTime,
    /// The sample is older than the last of its channel.
    #[error(
        "the sample is of {time} ns, and the last of its channel of {last} ns: samples of a channel come in order of time"
    )]
    Late {
        /// When the sample was taken.
        time: i64,
        /// When the last one of its channel was.
        last: i64,
    },
    /// Nothing that a channel can begin with.
    #[error(
        "nothing can begin with {what}: give a finite location, a finite scale of at least 0 and an age of at least 1"
    )]
    Seed {
        /// What was given.
        what: &'static str,
    },
    /// A channel that does not exist.
    #[error("channel {channel} does not exist: there are {channels}")]
    Channel {
        /// The channel that was named.
        channel: usize,
        /// The number of channels that there are.
        channels: usize,
    },
}

/// An instruction set that this machine does not have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("this machine has no {backend:?} backend: choose one of Backend::available()")]
pub struct BackendError {
    /// The backend that was asked for.
    pub backend: crate::Backend,
}

//! What a tracker says: of one sample, of one series, and of everything that happened.

use crate::lane::Real;

/// What a [`Tracker`](crate::Tracker) knows of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Series<T> {
    /// The location; NaN while nothing has been seen.
    pub location: T,
    /// The scale; NaN while nothing has been seen.
    pub scale: T,
    /// The score of the last sample that was there: its residual over the scale before it. NaN while the series' samples are
    /// [unscored](crate::Scored::unscored).
    pub score: T,
    /// How many samples were seen; missing ones do not count.
    pub samples: u64,
    /// How many of them were [outliers](crate::Scored::outlier_at).
    pub outliers: u64,
    /// The time of the last of them, in nanoseconds, if it was told.
    pub last: Option<i64>,
}

/// What one sample was, and what its series is after it.
#[derive(Clone, Copy, Debug, PartialEq)]
// As many questions, each with its own answer.
#[allow(clippy::struct_excessive_bools)]
pub struct Update<T> {
    /// The location after the sample; NaN while nothing has been seen.
    pub location: T,
    /// The scale after the sample; NaN while nothing has been seen.
    pub scale: T,
    /// The sample's residual over the scale before it; NaN if it is missing or one of the series' first.
    pub score: T,
    /// The sample counted: it was not missing, and it was no infinity where an estimate was to begin.
    pub accepted: bool,
    /// The sample was beyond what the rule takes for [an outlier](crate::Scored::outlier_at).
    pub outlier: bool,
    /// The estimate was re-opened by this sample.
    pub reopened: bool,
}

/// What has happened to a [`Tracker`](crate::Tracker) so far.
///
/// `created = len + expired + evicted + removed`, and every sample that was given is one of `samples`, `missing`, `late` and
/// `full`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Series that began.
    pub created: u64,
    /// Series that were forgotten because they were idle for too long.
    pub expired: u64,
    /// Series that made room for others.
    pub evicted: u64,
    /// Series that were taken away by [`Tracker::remove`](crate::Tracker::remove).
    pub removed: u64,
    /// Samples that counted.
    pub samples: u64,
    /// Samples that were missing, and infinities where an estimate was to begin.
    pub missing: u64,
    /// Samples that were refused because they were older than their series' last.
    pub late: u64,
    /// Samples that were refused because their series would have been one too many, and series that were refused before their first
    /// sample by [`Tracker::begin`](crate::Tracker::begin).
    pub full: u64,
    /// Outliers among the samples.
    pub outliers: u64,
    /// Estimates that were re-opened.
    pub reopenings: u64,
}

impl<T: Real> Update<T> {
    /// Nothing happened, to nothing that is known.
    pub(super) const NONE: Self =
        Self { location: T::NAN, scale: T::NAN, score: T::NAN, accepted: false, outlier: false, reopened: false };
}

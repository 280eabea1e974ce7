//! What a tracker returns: the state of one series, and its counters.

/// One series of a [`Tracker`](crate::Tracker): its estimates, counters and last time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Series<T> {
    /// The location; NaN before the first sample.
    pub location: T,
    /// The scale; NaN before the first sample.
    pub scale: T,
    /// The score of the last sample that counted: its residual over the scale before it. NaN while the series' samples
    /// are [unscored](crate::Scored::unscored).
    pub score: T,
    /// The number of samples; missing ones do not count.
    pub samples: u64,
    /// The number of [outliers](crate::Scored::outlier_at) among the samples.
    pub outliers: u64,
    /// The time of the last sample in nanoseconds; `None` if no sample had a time.
    pub last: Option<i64>,
}

/// Counters of everything that has happened to a [`Tracker`](crate::Tracker).
///
/// `created = len + expired + evicted + removed`, and every sample is counted as one of `samples`, `missing`, `late`
/// and `full`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Series that began.
    pub created: u64,
    /// Series that were removed because they were idle for too long.
    pub expired: u64,
    /// Series that were removed to make room for others.
    pub evicted: u64,
    /// Series that were removed by [`Tracker::remove`](crate::Tracker::remove).
    pub removed: u64,
    /// Samples that counted.
    pub samples: u64,
    /// Samples that were missing, and infinities where an estimate was to begin.
    pub missing: u64,
    /// Samples that were refused because they were older than their series' last.
    pub late: u64,
    /// Samples that were refused because their series would have been one too many, and series that were refused before
    /// their first sample by [`Tracker::begin`](crate::Tracker::begin).
    pub full: u64,
    /// Outliers among the samples.
    pub outliers: u64,
    /// Estimates that were re-opened.
    pub reopenings: u64,
}

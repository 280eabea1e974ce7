//! Named series over a [`TimedBank`]: a new key gets a channel.
//!
//! | file | what it does |
//! |---|---|
//! | `key.rs` | what the key of a new series is made of |
//! | `feed.rs` | a sample's way through a tracker |
//! | `batch.rs` | many samples, whose series are found together |
//! | `codes.rs` | many samples, whose series have numbers |
//! | `expiry.rs` | limits of idleness and number, and the clock |
//! | `order.rs` | the order in which series have been idle |
//! | `types.rs` | the state of one series, and the counters |
//! | `saved.rs` | one series to bytes and back |
//! | `one.rs` | a series by itself, without a tracker |
//! | `snapshot.rs` | a tracker to bytes and back |

mod batch;
mod codes;
mod expiry;
mod feed;
mod key;
mod one;
mod order;
mod saved;
mod snapshot;
mod types;

pub use codes::Dictionary;
pub use expiry::{Idle, Overflow};
pub use key::ToKey;
pub use one::OneSeries;
pub use snapshot::SnapshotKey;
pub use types::{Counters, Series};

use crate::error::{ChannelsError, TrackError};
use crate::lane::Real;
use crate::rule::{Estimator, Scored, Timed};
use crate::rules::RobustMean;
use crate::snapshot::Fingerprint;
use crate::timed::{TimedBank, Update};
use codes::Moves;
use core::borrow::Borrow;
use core::hash::Hash;
use expiry::Clock;
use feed::Slot;
use indexmap::IndexMap;
use order::Order;

/// The robust location and scale of named series that come and go.
///
/// A key gets a channel of a [`TimedBank`] when its first sample arrives. [`max_idle`](Self::max_idle) removes series
/// that have ended, [`max_series`](Self::max_series) bounds their number, and nothing of a series that is gone is left
/// to the one that takes its place. All of it costs constant time per sample; nothing is ever done to all series at
/// once, but for the hash map when it grows and the first sample after a snapshot.
///
/// # Memory
/// In `f64` a series costs 32 bytes of a [`RobustMean`]'s state (56 of a [`CleanedEma`](crate::CleanedEma)'s) and 57 of
/// counters, times and neighbours, beside its key and its place in the hash map, whatever its decay; all of it grows by
/// doubling, and room that has been made stays. A million series with names of 36 bytes were measured at 187 MB, and at
/// the same after two million others had taken their places (`cargo run --release --example million`).
///
/// Keys are hashed with the standard library's randomly seeded `SipHash`, because the names of telemetry series come
/// from outside.
///
/// # Time
/// [`update_at`](Self::update_at) takes the time of each sample: each series has its own last time, from which the gain
/// of a decay [in time](crate::Decay::half_life_time) is made. A sample older than its series' last is refused and
/// counted.
///
/// After a silence the estimate counts for less. A silence that leaves less than one sample makes two strikes enough to
/// re-open it, whatever the patience; one that is longer than [`max_idle`](Self::max_idle) ends the series, and its next
/// sample begins it anew, even if nothing else has come meanwhile.
///
/// # Clocks that were wrong
/// A stamp of the future does not silence a series for good. It goes on with a late sample, whose distance to the last
/// one counts as none, as soon as one of these holds:
///
/// * [`TimedBank::MOST_LATE`] late samples of the series, not missing ones, have been refused in a row. This needs no
///   limit, and no other series: a host that is set back by an hour is followed again after so many samples, and so is
///   a lone series whose first stamp was wrong. What is sent a second time is refused as long as it is no more than that.
/// * By [`max_idle`](Self::max_idle), the sample agrees with the tracker's clock, and the series' last time is of that
///   clock's future. Late samples move this clock as others do, so that it comes back from where all of them were wrong.
///
/// Either is the series' own affair: a source whose clock is wrong moves no other series. What both rules remember is in
/// a [snapshot](Self::write_snapshot).
///
/// ```
/// use evenkeel::{Decay, Idle, Overflow, RobustMean, Tracker};
/// use std::time::Duration;
///
/// let rule = RobustMean::new(Decay::half_life_time(Duration::from_secs(600))?);
/// let mut tracker = Tracker::<String>::new(rule)?
///     .max_idle(Idle::Time(Duration::from_secs(3600)))
///     .max_series(100_000, Overflow::Evict);
/// let second = 1_000_000_000; // times are in nanoseconds, since 1970 or any other moment
/// for n in 0..100 {
///     tracker.update_at("cpu", n * 10 * second, 40.0 + (n % 7) as f64)?;
///     tracker.update_at("disk", n * 10 * second, 5.0)?;
/// }
/// let seen = tracker.update_at("disk", 1_000 * second, 9000.0)?;
/// assert!(seen.outlier && seen.location == 5.0);
/// assert!(tracker.update_at("disk", 0, 5.0).is_err()); // too late
///
/// let disk = tracker.get("disk").unwrap();
/// assert_eq!((disk.location, disk.samples, disk.outliers), (5.0, 101, 1));
/// assert_eq!(tracker.counters().late, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tracker<K, R: Estimator = RobustMean, T: Real = f64> {
    /// The position of a key is its channel.
    series: IndexMap<K, Slot<T>>,
    bank: TimedBank<R, T>,
    max_series: usize,
    overflow: Overflow,
    max_idle: Option<Idle>,
    order: Order,
    clock: Clock,
    counters: Counters,
    fingerprint: Fingerprint,
    moves: Moves,
}

impl<K: Hash + Eq, R: Scored, T: Real> Tracker<K, R, T> {
    /// A tracker without series and without limits.
    ///
    /// # Errors
    /// The lane type cannot carry the rule's parameters.
    pub fn new(rule: R) -> Result<Self, ChannelsError> {
        Ok(Self {
            fingerprint: Fingerprint::of::<R, T>(&rule),
            moves: Moves::new(),
            series: IndexMap::new(),
            bank: TimedBank::new(rule, 0)?,
            max_series: usize::MAX,
            overflow: Overflow::Refuse,
            max_idle: None,
            order: Order::EMPTY,
            clock: Clock::default(),
            counters: Counters::default(),
        })
    }

    /// Sets the most series there may be, and what is done with one more. By default there is no limit. If there are
    /// more already, the longest idle are evicted.
    #[must_use]
    pub fn max_series(mut self, series: usize, overflow: Overflow) -> Self {
        (self.max_series, self.overflow) = (series, overflow);
        self.evict_surplus();
        self
    }

    /// Sets the longest that a series may be without a sample before it is removed. By default none is removed.
    ///
    /// A missing sample is none. Each sample removes a few series at most, those that have been idle the longest;
    /// [`expire`](Self::expire) removes all at once.
    ///
    /// A series whose own last sample is longer ago begins anew with the next one. For the others there is a clock: the
    /// latest sample time, late samples included. A time more than `max_idle` away from it is ignored until, net, as
    /// many samples as there are series agree with it; then the clock jumps there. A series whose last sample is within
    /// `max_idle` of it stays, and one whose last sample was as far in the future as the clock before has `max_idle` from
    /// then on. [`Idle::Time`] needs the times of [`update_at`](Self::update_at), and so a rule that can
    /// be in time.
    #[must_use]
    pub fn max_idle(mut self, idle: Idle) -> Self {
        let was_in_time = self.is_idle_by_time();
        self.max_idle = Some(idle);
        if self.is_idle_by_time() != was_in_time {
            self.clock = Clock::default();
        }
        self
    }

    /// Begins a series before its first sample, with the step in which it is recorded; `None` where that is not known.
    /// Returns whether the series is new: nothing happens to one that is there. The step counts where the rule
    /// [learns](crate::Resolution::Learn) one, as [`Sweep::begin`](crate::Sweep::begin) describes. As a first sample
    /// does, a series that begins may [evict](Overflow::Evict) another.
    ///
    /// # Errors
    /// It would be one too many, which is counted as a sample of it would be, or there is no memory for it.
    pub fn begin<Q>(&mut self, key: &Q, step: Option<f64>) -> Result<bool, TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToKey<K> + ?Sized,
    {
        if self.series.contains_key(key) {
            return Ok(false);
        }
        let channel = self.add(key, self.clock.now.unwrap_or(0), false)?;
        if let (Some(channel), Some(step)) = (channel, step) {
            // The channel has just been made.
            let _ = self.bank.begin(channel, step);
        }
        Ok(true)
    }

    /// The step that a series has learnt: 1, 0.1 and so on to 1e-6, or 0 where its samples are continuous. `None` for a
    /// rule without [`Resolution::Learn`](crate::Resolution::Learn), and if there is no such series.
    #[must_use]
    pub fn step<Q>(&self, key: &Q) -> Option<f64>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.bank.step(self.series.get_index_of(key)?)
    }

    /// Updates one series with a sample that has no time, and returns the verdict on it. NaN is a missing sample.
    ///
    /// # Errors
    /// The series is new and one too many, or there is no memory for it; or the decay or the limit of idleness is in
    /// time, and [`update_at`](Self::update_at) is needed. No estimate has changed.
    pub fn update<Q>(&mut self, key: &Q, sample: T) -> Result<Update<T>, TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToKey<K> + ?Sized,
    {
        self.take(key, self.series.get_index_of(key), sample)
    }

    /// Updates many series with a sample each, in order; a series may come more than once. Samples that are refused are
    /// counted and passed over.
    ///
    /// # Errors
    /// There is no memory for a new series, or [`update_batch_at`](Self::update_batch_at) is needed. The samples before
    /// it have been taken, the others have not.
    pub fn update_batch<'a, Q>(&mut self, batch: impl IntoIterator<Item = (&'a Q, T)>) -> Result<(), TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToKey<K> + ?Sized + 'a,
    {
        self.update_batch_with(batch, |_, _, _| ())
    }

    /// Updates many series as [`update_batch`](Self::update_batch) does, and calls `report` with the tracker, each key and
    /// the verdict on its sample, or the error by which it was refused: it was one series too many.
    ///
    /// ```
    /// use evenkeel::{Decay, RobustMean, Tracker};
    ///
    /// let mut tracker = Tracker::<String>::new(RobustMean::new(Decay::half_life(60.0)?))?;
    /// let batch = [("cpu", 40.0), ("disk", 5.0), ("cpu", 40.0)];
    /// let mut locations = Vec::new();
    /// tracker.update_batch_with(batch, |_, _, seen| locations.extend(seen.map(|seen| seen.location)))?;
    /// assert_eq!(locations, [40.0, 5.0, 40.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for `update_batch`. The samples before it have been reported.
    pub fn update_batch_with<'a, Q>(
        &mut self,
        batch: impl IntoIterator<Item = (&'a Q, T)>,
        report: impl FnMut(&Self, &'a Q, Result<Update<T>, TrackError>),
    ) -> Result<(), TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToKey<K> + ?Sized + 'a,
    {
        self.in_windows(batch, Self::take, report)
    }

    /// Removes every series that is idle, by the tracker's clock, and returns their number. Samples do that by and by.
    pub fn expire(&mut self) -> usize {
        self.expire_some(usize::MAX)
    }

    /// Removes a series and returns it; `None` if there is no such series. Its channel goes to the last series.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<Series<T>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (channel, _, slot) = self.series.get_full(key)?;
        let series = self.describe(channel, slot);
        self.take_out(channel);
        self.counters.removed += 1;
        Some(series)
    }

    /// The estimates, counters and last time of a series; `None` if there is no such series.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<Series<T>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (channel, _, slot) = self.series.get_full(key)?;
        Some(self.describe(channel, slot))
    }

    /// Every series, in order of appearance; but when one goes, the last takes its place.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, Series<T>)> {
        let numbered = self.series.iter().enumerate();
        numbered.map(|(channel, (key, slot))| (key, self.describe(channel, slot)))
    }

    /// The number of series.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there are no series.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Counters of everything that has happened.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The bank below: a series' channel is its place in [`iter`](Self::iter).
    #[must_use]
    pub fn bank(&self) -> &TimedBank<R, T> {
        &self.bank
    }
}

/// Samples with their times.
impl<K: Hash + Eq, R: Scored + Timed, T: Real> Tracker<K, R, T> {
    /// Updates one series with a sample taken at `time`, in nanoseconds since 1970 or any other moment, and returns the
    /// verdict on it. NaN is a missing sample. Two samples of one moment both count.
    ///
    /// The gain depends on the time where the decay is [in time](crate::Decay::half_life_time). Whatever the decay,
    /// times decide which series are [idle](Self::max_idle) and which samples late.
    ///
    /// # Errors
    /// The sample is older than the last of its series, and no [clock has been set back](Self#clocks-that-were-wrong):
    /// no estimate has changed; or the series is new and one too many, or there is no memory for it, and no estimate has changed.
    pub fn update_at<Q>(&mut self, key: &Q, time: i64, sample: T) -> Result<Update<T>, TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToKey<K> + ?Sized,
    {
        self.take_at(key, self.series.get_index_of(key), (time, sample))
    }

    /// Updates a batch of series with their times and samples, in order. Samples that are refused are counted and
    /// passed over.
    ///
    /// # Errors
    /// There is no memory for a new series. The samples before it have been taken, the others have not.
    pub fn update_batch_at<'a, Q>(&mut self, batch: impl IntoIterator<Item = (&'a Q, i64, T)>) -> Result<(), TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToKey<K> + ?Sized + 'a,
    {
        self.update_batch_at_with(batch, |_, _, _| ())
    }

    /// Updates a batch as [`update_batch_at`](Self::update_batch_at) does, and calls `report` with the tracker, each key and
    /// the verdict on its sample, or the error by which it was refused: it was late, or one series too many.
    ///
    /// # Errors
    /// As for `update_batch_at`. The samples before it have been reported.
    pub fn update_batch_at_with<'a, Q>(
        &mut self,
        batch: impl IntoIterator<Item = (&'a Q, i64, T)>,
        report: impl FnMut(&Self, &'a Q, Result<Update<T>, TrackError>),
    ) -> Result<(), TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToKey<K> + ?Sized + 'a,
    {
        let batch = batch.into_iter().map(|(key, time, sample)| (key, (time, sample)));
        self.in_windows(batch, Self::take_at, report)
    }
}

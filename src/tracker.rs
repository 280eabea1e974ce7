//! Named series over a bank: a key that is seen for the first time gets a channel.

use crate::bank::Bank;
use crate::error::ChannelsError;
use crate::lane::Real;
use crate::rule::{Estimator, Scored};
use crate::rules::RobustMean;
use crate::sweep::Observation;
use core::borrow::Borrow;
use core::hash::Hash;
use indexmap::IndexMap;

/// The robust location and scale of named series that appear as they come.
///
/// A key gets a channel of a [`Bank`] when its first sample arrives, and keeps it. Growth is amortised as a hash map's and a
/// `Vec`'s is. In `f64` a series costs 32 bytes of estimator state and 24 of counters, beside its key and its place in the
/// hash map.
///
/// Keys are hashed with the standard library's randomly seeded `SipHash`, because the names of telemetry series come from
/// outside.
///
/// ```
/// use evenkeel::{Decay, RobustMean, Tracker};
///
/// let mut tracker = Tracker::<String>::new(RobustMean::new(Decay::half_life(60.0)?))?;
/// for minute in 0..100 {
///     tracker.update("cpu", 40.0 + f64::from(minute % 7))?;
///     tracker.update_batch([("disk", 5.0), ("load", f64::from(minute % 3))])?;
/// }
/// tracker.update("disk", 9000.0)?;
///
/// let disk = tracker.get("disk").unwrap();
/// assert_eq!((disk.location, disk.samples, disk.outliers), (5.0, 101, 1));
/// assert!(disk.score > 8.0);
/// assert_eq!(tracker.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["cpu", "disk", "load"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tracker<K, R: Estimator = RobustMean, T: Real = f64> {
    /// The position of a key is its channel.
    series: IndexMap<K, Counters<T>>,
    bank: Bank<R, T>,
}

/// What the bank does not remember.
#[derive(Clone, Copy, Debug)]
struct Counters<T> {
    score: T,
    samples: u64,
    outliers: u64,
}

/// What a [`Tracker`] knows of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Series<T> {
    /// The location; NaN while nothing has been seen.
    pub location: T,
    /// The scale; NaN while nothing has been seen.
    pub scale: T,
    /// The score of the last sample that was there: its residual over the scale before it. NaN before the second.
    pub score: T,
    /// How many samples were seen; missing ones do not count.
    pub samples: u64,
    /// How many of them were outliers: strikes, beyond four scales.
    pub outliers: u64,
}

impl<K: Hash + Eq, R: Scored, T: Real> Tracker<K, R, T> {
    /// No series yet.
    ///
    /// # Errors
    /// The lane type cannot carry the rule's parameters.
    pub fn new(rule: R) -> Result<Self, ChannelsError> {
        Ok(Self { series: IndexMap::new(), bank: Bank::new(rule, 0)? })
    }

    /// One sample of one series, and everything that is to be said about it. NaN is a missing sample.
    ///
    /// # Errors
    /// The series is new and there is no memory for it. Nothing has changed.
    pub fn update<Q>(&mut self, key: &Q, sample: T) -> Result<Observation<T>, ChannelsError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let channel = match self.series.get_index_of(key) {
            Some(channel) => channel,
            None => self.add(key.to_owned())?,
        };
        let seen = self.bank.observe(channel, sample).unwrap_or(Observation::NONE);
        if let Some((_, counters)) = self.series.get_index_mut(channel)
            && seen.accepted
        {
            counters.score = seen.score;
            counters.samples += 1;
            counters.outliers += u64::from(seen.outlier);
        }
        Ok(seen)
    }

    /// A sample of each of many series, in order; a series may come more than once.
    ///
    /// # Errors
    /// A series is new and there is no memory for it. The samples before it have been taken, the others have not.
    pub fn update_batch<'a, Q>(&mut self, batch: impl IntoIterator<Item = (&'a Q, T)>) -> Result<(), ChannelsError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized + 'a,
    {
        batch.into_iter().try_for_each(|(key, sample)| self.update(key, sample).map(drop))
    }

    /// What is known of a series; `None` if it was never seen.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<Series<T>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (channel, _, counters) = self.series.get_full(key)?;
        Some(self.describe(channel, counters))
    }

    /// Every series, in the order in which they were first seen.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, Series<T>)> {
        let numbered = self.series.iter().enumerate();
        numbered.map(|(channel, (key, counters))| (key, self.describe(channel, counters)))
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether nothing was ever seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The bank below: a series' channel is its place in the order of first appearance.
    #[must_use]
    pub fn bank(&self) -> &Bank<R, T> {
        &self.bank
    }

    /// A channel for a new key.
    fn add(&mut self, key: K) -> Result<usize, ChannelsError> {
        let channel = self.series.len();
        let room = self.series.try_reserve(1);
        room.map_err(|_| ChannelsError::OutOfMemory { channels: channel.saturating_add(1) })?;
        self.bank.extend(1)?;
        self.series.insert(key, Counters { score: T::NAN, samples: 0, outliers: 0 });
        Ok(channel)
    }

    fn describe(&self, channel: usize, counters: &Counters<T>) -> Series<T> {
        let (location, scale) = self.bank.reading(channel).map_or((T::NAN, T::NAN), |r| (r.location, r.scale));
        let Counters { score, samples, outliers } = *counters;
        Series { location, scale, score, samples, outliers }
    }
}

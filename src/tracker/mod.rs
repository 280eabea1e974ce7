//! Named series over a bank: a key that is seen for the first time gets a channel.
//!
//! | file | what it does |
//! |---|---|
//! | `expiry.rs` | how long series are kept, and what time it is |
//! | `order.rs` | which series has been idle the longest |
//! | `told.rs` | what a tracker says |
//! | `snapshot.rs` | a tracker to bytes and back |

mod expiry;
mod order;
mod snapshot;
mod told;

pub use expiry::{Idle, Overflow};
pub use snapshot::SnapshotKey;
pub use told::{Counters, Series, Update};

use crate::bank::Bank;
use crate::error::{ChannelsError, TrackError};
use crate::lane::Real;
use crate::rule::{Estimator, Scored, Timed};
use crate::rules::RobustMean;
use crate::sweep::{Observation, Recent, Sweep, nanoseconds};
use core::borrow::Borrow;
use core::hash::Hash;
use core::time::Duration;
use expiry::Clock;
use indexmap::IndexMap;
use order::{Links, Order, Slots};

/// The robust location and scale of named series that come and go.
///
/// A key gets a channel of a [`Bank`] when its first sample arrives. [`max_idle`](Self::max_idle) forgets series that have
/// ended, [`max_series`](Self::max_series) bounds their number, and nothing of a series that is gone is left to the one that
/// takes its place. All of it costs constant time per sample; nothing is ever done to all series at once, but for the hash map
/// when it grows and the first sample after a snapshot.
///
/// # Memory
/// In `f64` a series costs 32 bytes of a [`RobustMean`]'s state (56 of a [`CleanedEma`](crate::CleanedEma)'s) and 56 of counters, times and neighbours, beside its key and its place in
/// the hash map; all of it grows by doubling, and room that has been made is kept. A million series with names of 36 bytes were
/// measured at 187 MB, and at the same after two million others had taken their places (`cargo run --release --example million`).
///
/// Keys are hashed with the standard library's randomly seeded `SipHash`, because the names of telemetry series come from
/// outside.
///
/// # Time
/// [`update_at`](Self::update_at) takes the time of each sample: each series has its own last time, from which the gain of a
/// decay [in time](crate::Decay::half_life_time) is made. A sample older than its series' last is refused and counted.
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
    bank: Bank<R, T>,
    /// The rule, ready for samples at any distance.
    sweep: Sweep<R, T>,
    recent: Recent<R, T>,
    max_series: usize,
    overflow: Overflow,
    max_idle: Option<Idle>,
    order: Order,
    clock: Clock,
    counters: Counters,
}

/// What the bank does not remember of a series.
#[derive(Clone, Copy, Debug)]
struct Slot<T> {
    score: T,
    samples: u64,
    outliers: u64,
    /// When its last sample was; [`NEVER`] if no time was told.
    last: i64,
    /// The tracker's clock at the last sample, or when the series began: a time, or a number of samples.
    seen: i64,
    links: Links,
}

/// No time.
const NEVER: i64 = i64::MIN;

/// How many idle series one sample forgets at most: more than the one that it may begin.
const EXPIRED_AT_ONCE: usize = 2;

impl<K: Hash + Eq, R: Scored, T: Real> Tracker<K, R, T> {
    /// No series yet, and no limits.
    ///
    /// # Errors
    /// The lane type cannot carry the rule's parameters.
    pub fn new(rule: R) -> Result<Self, ChannelsError> {
        let bank = Bank::new(rule.clone(), 0)?;
        Ok(Self {
            series: IndexMap::new(),
            bank,
            sweep: Sweep::new(rule)?,
            recent: Recent::default(),
            max_series: usize::MAX,
            overflow: Overflow::Refuse,
            max_idle: None,
            order: Order::EMPTY,
            clock: Clock::default(),
            counters: Counters::default(),
        })
    }

    /// How many series there may be, and what is done with one more. By default there is no limit. Of those that are there, the
    /// longest idle are evicted if they are more.
    #[must_use]
    pub fn max_series(mut self, series: usize, overflow: Overflow) -> Self {
        (self.max_series, self.overflow) = (series, overflow);
        self.evict_surplus();
        self
    }

    /// How long a series may be without a sample before it is forgotten. By default it never is.
    ///
    /// Missing samples do not keep a series. Each sample forgets a few others at most, those that have been idle the longest;
    /// [`expire`](Self::expire) forgets all at once. What time it is, the samples tell: the latest of them, but one that is
    /// further away than `max_idle` is only believed when, on balance, as many as there are series agree; whatever the clock
    /// then jumps to, a series whose last sample is within `max_idle` of it stays. [`Idle::Time`] needs the times of
    /// [`update_at`](Self::update_at), and so a rule that can be in time.
    #[must_use]
    pub fn max_idle(mut self, idle: Idle) -> Self {
        let was_in_time = self.is_idle_by_time();
        self.max_idle = Some(idle);
        if self.is_idle_by_time() != was_in_time {
            self.clock = Clock::default();
        }
        self
    }

    /// Begins a series before its first sample, with the step in which it is known to be recorded, for input that says so; `None`
    /// where it is not known. The step counts where the rule [learns](crate::Resolution::Learn) one, as [`Sweep::begin`] says. Nothing
    /// happens to a series that is there; returns whether it was not. As a first sample does, it may [evict](Overflow::Evict) another.
    ///
    /// # Errors
    /// It would be one too many, which is counted as a sample of it would be, or there is no memory for it.
    pub fn begin<Q>(&mut self, key: &Q, step: Option<f64>) -> Result<bool, TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
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

    /// The step that a series has learnt: 1, 0.1 and so on to 1e-6, or 0 where its samples are continuous. `None` for a rule without
    /// [`Resolution::Learn`](crate::Resolution::Learn), and if there is no such series.
    #[must_use]
    pub fn step<Q>(&self, key: &Q) -> Option<f64>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.bank.step(self.series.get_index_of(key)?)
    }

    /// One sample of one series, and everything that is to be said about it. NaN is a missing sample.
    ///
    /// # Errors
    /// The series is new and one too many, or there is no memory for it; or the decay or the limit of idleness is in time, and
    /// [`update_at`](Self::update_at) is wanted. No estimate has changed.
    pub fn update<Q>(&mut self, key: &Q, sample: T) -> Result<Update<T>, TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if self.sweep.rule().is_in_time() || matches!(self.max_idle, Some(Idle::Time(_))) {
            return Err(TrackError::NoTime);
        }
        self.feed(key, None, sample, |this, channel, _| this.bank.observe_by(&this.sweep, channel, sample))
    }

    /// A sample of each of many series, in order; a series may come more than once. Samples that are refused are counted and
    /// passed over.
    ///
    /// # Errors
    /// There is no memory for a new series, or [`update_batch_at`](Self::update_batch_at) is wanted. The samples before it have
    /// been taken, the others have not.
    pub fn update_batch<'a, Q>(&mut self, batch: impl IntoIterator<Item = (&'a Q, T)>) -> Result<(), TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized + 'a,
    {
        batch.into_iter().try_for_each(|(key, sample)| passing_over(self.update(key, sample)))
    }

    /// Forgets every series that is idle, by the tracker's clock; tells how many. Samples do that by and by.
    pub fn expire(&mut self) -> usize {
        self.forget_idle(usize::MAX)
    }

    /// Takes a series away; `None` if there is no such series. Its channel goes to the last series.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<Series<T>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (channel, _, slot) = self.series.get_full(key)?;
        let series = self.describe(channel, slot);
        self.forget(channel);
        self.counters.removed += 1;
        Some(series)
    }

    /// What is known of a series; `None` if there is no such series.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<Series<T>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (channel, _, slot) = self.series.get_full(key)?;
        Some(self.describe(channel, slot))
    }

    /// Every series, in the order in which they were first seen; but when one goes, the last takes its place.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, Series<T>)> {
        let numbered = self.series.iter().enumerate();
        numbered.map(|(channel, (key, slot))| (key, self.describe(channel, slot)))
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The bank below: a series' channel is its place in [`iter`](Self::iter).
    #[must_use]
    pub fn bank(&self) -> &Bank<R, T> {
        &self.bank
    }

    /// One sample on its way: room for its series, the step, and what is remembered of it.
    fn feed<Q>(
        &mut self,
        key: &Q,
        time: Option<i64>,
        sample: T,
        step: impl FnOnce(&mut Self, usize, Duration) -> Observation<T>,
    ) -> Result<Update<T>, TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let known = self.series.get_index_of(key);
        let last = known.and_then(|channel| self.series.get_index(channel)).map_or(NEVER, |(_, slot)| slot.last);
        if let Some(time) = time
            && last != NEVER
            && time < last
        {
            self.counters.late += 1;
            return Err(TrackError::Late { time, last });
        }
        let now = self.tick(time);
        // No series begins with an infinity.
        let is_missing = sample.to_f64().is_nan() || known.is_none() && sample.to_f64().is_infinite();
        let channel = match known {
            Some(channel) => channel,
            None => match self.add(key, now, is_missing)? {
                Some(channel) => channel,
                None => return Ok(Update::NONE),
            },
        };
        let seen = if is_missing {
            Observation::NONE
        } else {
            let elapsed = match time {
                Some(time) if last != NEVER => Duration::from_nanos(time.abs_diff(last)),
                _ => Duration::ZERO,
            };
            step(self, channel, elapsed)
        };
        let mut slots = AllSlots(&mut self.series);
        if let Some(slot) = slots.at(channel)
            && seen.accepted
        {
            slot.score = seen.score;
            slot.samples += 1;
            slot.outliers += u64::from(seen.outlier);
            slot.last = time.unwrap_or(slot.last);
            slot.seen = now;
            self.order.touch(&mut slots, number(channel));
        }
        let counters = &mut self.counters;
        *(if seen.accepted { &mut counters.samples } else { &mut counters.missing }) += 1;
        counters.outliers += u64::from(seen.outlier);
        counters.reopenings += u64::from(seen.reopened);
        let (location, scale) = self.reading(channel);
        if self.max_idle.is_some() {
            self.forget_idle(EXPIRED_AT_ONCE);
        }
        let Observation { score, accepted, outlier, reopened } = seen;
        Ok(Update { location, scale, score, accepted, outlier, reopened })
    }

    /// The clock after a sample: the times of samples, or their number, as series are idle by one or the other.
    fn tick(&mut self, time: Option<i64>) -> i64 {
        let is_first = self.clock.now.is_none();
        let now = if let (Some(Idle::Time(limit)), Some(time)) = (self.max_idle, time) {
            self.clock.tick(time, nanoseconds(limit), self.series.len() as u64)
        } else {
            let count = self.clock.now.unwrap_or(0).saturating_add(1);
            *self.clock.now.insert(count)
        };
        if is_first {
            // Series that are there already have come from elsewhere, or without a sample, and are not idle yet.
            self.series.values_mut().for_each(|slot| slot.seen = now);
        }
        now
    }

    /// A channel for a new key; none where a missing sample is all there is and the place is wanted by others.
    fn add<Q>(&mut self, key: &Q, now: i64, is_missing: bool) -> Result<Option<usize>, TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let most = self.max_series.min(order::NONE as usize);
        if self.series.len() >= most {
            self.forget_idle(EXPIRED_AT_ONCE);
        }
        if self.series.len() >= most {
            if is_missing {
                self.counters.missing += 1;
                return Ok(None);
            }
            let oldest = self.order.oldest as usize;
            if self.overflow == Overflow::Refuse || oldest >= self.series.len() {
                self.counters.full += 1;
                return Err(TrackError::Full { max_series: most });
            }
            self.forget(oldest);
            self.counters.evicted += 1;
        }
        let channel = self.series.len();
        let room = self.series.try_reserve(1);
        room.map_err(|_| ChannelsError::OutOfMemory { channels: channel.saturating_add(1) })?;
        self.bank.extend(1)?;
        let slot = Slot { score: T::NAN, samples: 0, outliers: 0, last: NEVER, seen: now, links: Links::NONE };
        self.series.insert(key.to_owned(), slot);
        self.order.append(&mut AllSlots(&mut self.series), number(channel));
        self.counters.created += 1;
        Ok(Some(channel))
    }

    fn is_idle_by_time(&self) -> bool {
        matches!(self.max_idle, Some(Idle::Time(_)))
    }

    /// Forgets the longest idle of those series that are too many.
    fn evict_surplus(&mut self) {
        while self.series.len() > self.max_series && self.order.oldest != order::NONE {
            self.forget(self.order.oldest as usize);
            self.counters.evicted += 1;
        }
    }

    /// Looks at up to so many of the series that seem idle, forgets those that are, and tells how many they were.
    fn forget_idle(&mut self, most: usize) -> usize {
        let limit = match self.max_idle {
            None => return 0,
            Some(Idle::Time(limit)) => nanoseconds(limit),
            Some(Idle::Samples(limit)) => limit,
        };
        let Some(now) = self.clock.now else { return 0 };
        let is_by_time = self.is_idle_by_time();
        let mut count = 0;
        for _ in 0..most {
            let oldest = self.order.oldest;
            let mut slots = AllSlots(&mut self.series);
            // A series of the future was seen by a clock that has been put right since.
            let Some(slot) = slots.at(oldest as usize).filter(|slot| slot.seen.abs_diff(now) > limit) else { break };
            if is_by_time && slot.last != NEVER && slot.last.abs_diff(now) <= limit {
                // The clock has jumped to where this series was all the time.
                slot.seen = slot.last;
                self.order.touch(&mut slots, oldest);
                continue;
            }
            self.forget(oldest as usize);
            self.counters.expired += 1;
            count += 1;
        }
        count
    }

    /// Takes a series out of everything; the last one takes its place.
    fn forget(&mut self, channel: usize) {
        self.order.unlink(&mut AllSlots(&mut self.series), number(channel));
        self.series.swap_remove_index(channel);
        // There is such a channel: there was such a series.
        let _ = self.bank.swap_remove(channel);
        self.order.renumber(&mut AllSlots(&mut self.series), number(channel));
    }

    fn reading(&self, channel: usize) -> (T, T) {
        self.bank.reading(channel).map_or((T::NAN, T::NAN), |reading| (reading.location, reading.scale))
    }

    fn describe(&self, channel: usize, slot: &Slot<T>) -> Series<T> {
        let (location, scale) = self.reading(channel);
        let Slot { score, samples, outliers, last, .. } = *slot;
        Series { location, scale, score, samples, outliers, last: (last != NEVER).then_some(last) }
    }
}

/// Samples with their times.
impl<K: Hash + Eq, R: Scored + Timed, T: Real> Tracker<K, R, T> {
    /// One sample of one series at a time, in nanoseconds since 1970 or any other moment, and everything that is to be said
    /// about it. NaN is a missing sample. Two samples of one moment are both taken.
    ///
    /// The time makes the gain where the decay is [in time](crate::Decay::half_life_time), and tells which series are
    /// [idle](Self::max_idle) and which samples late, whatever the decay.
    ///
    /// # Errors
    /// The sample is older than the last of its series, and nothing has changed but what is counted; or the series is new and
    /// one too many, or there is no memory for it, and no estimate has changed.
    pub fn update_at<Q>(&mut self, key: &Q, time: i64, sample: T) -> Result<Update<T>, TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        // The smallest number stands for no time; a nanosecond in 1677 is not missed.
        let time = time.max(NEVER + 1);
        self.feed(key, Some(time), sample, |this, channel, elapsed| {
            if !this.sweep.rule().is_in_time() {
                return this.bank.observe_by(&this.sweep, channel, sample);
            }
            let sweep = this.recent.after(&this.sweep, elapsed);
            sweep.map_or(Observation::NONE, |sweep| this.bank.observe_by(sweep, channel, sample))
        })
    }

    /// The same for a batch of series, times and samples, in order. Samples that are refused are counted and passed over.
    ///
    /// # Errors
    /// There is no memory for a new series. The samples before it have been taken, the others have not.
    pub fn update_batch_at<'a, Q>(&mut self, batch: impl IntoIterator<Item = (&'a Q, i64, T)>) -> Result<(), TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized + 'a,
    {
        batch.into_iter().try_for_each(|(key, time, sample)| passing_over(self.update_at(key, time, sample)))
    }
}

/// Nothing stops a batch but what would stop every sample after it.
fn passing_over<T>(result: Result<Update<T>, TrackError>) -> Result<(), TrackError> {
    match result {
        Ok(_) | Err(TrackError::Late { .. } | TrackError::Full { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// There are fewer series than `u32` can count.
#[allow(clippy::cast_possible_truncation)]
fn number(channel: usize) -> u32 {
    channel as u32
}

/// The slots of all series, by channel.
struct AllSlots<'a, K, T>(&'a mut IndexMap<K, Slot<T>>);

impl<K, T> AllSlots<'_, K, T> {
    fn at(&mut self, channel: usize) -> Option<&mut Slot<T>> {
        self.0.get_index_mut(channel).map(|(_, slot)| slot)
    }
}

impl<K, T> Slots for AllSlots<'_, K, T> {
    fn links(&mut self, slot: u32) -> Option<&mut Links> {
        self.at(slot as usize).map(|slot| &mut slot.links)
    }
}

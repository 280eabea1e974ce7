//! A sample's way through a tracker: its series is admitted, the bank takes the sample, and the tracker records what
//! came of it.

use super::order::{self, Links, Slots};
use super::{Idle, Overflow, Series, ToKey, Tracker};
use crate::error::{ChannelsError, TrackError};
use crate::lane::Real;
use crate::rule::{Scored, Timed};
use crate::sweep::nanoseconds;
use crate::timed::{EARLIEST, TimedBank, Update};
use core::borrow::Borrow;
use core::hash::Hash;
use core::time::Duration;
use indexmap::IndexMap;

/// The number of idle series that one sample removes at most: more than the one that it may begin.
const EXPIRED_AT_ONCE: usize = 2;

/// Counters of one series, and its place in the order of idleness. Its estimates and its last time are in the bank.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot<T> {
    pub(super) score: T,
    pub(super) samples: u64,
    pub(super) outliers: u64,
    /// The tracker's clock at the last sample, or when the series began: a time, or a number of samples.
    pub(super) seen: i64,
    pub(super) links: Links,
}

impl<T: Real> Slot<T> {
    /// A series without a sample that is in no order yet.
    pub(super) const EMPTY: Self = Self { score: T::NAN, samples: 0, outliers: 0, seen: 0, links: Links::NONE };

    /// Counts a sample, and returns what came of it.
    #[inline]
    pub(super) fn counted(&mut self, update: Update<T>) -> Update<T> {
        if update.accepted {
            self.score = update.score;
            self.samples += 1;
            self.outliers += u64::from(update.outlier);
        }
        update
    }

    /// The series of this slot, whose state is in a channel of `bank`.
    pub(super) fn series<R: Scored>(&self, bank: &TimedBank<R, T>, channel: usize) -> Series<T> {
        let reading = bank.reading(channel);
        let (location, scale) = reading.map_or((T::NAN, T::NAN), |reading| (reading.location, reading.scale));
        let Self { score, samples, outliers, .. } = *self;
        Series { location, scale, score, samples, outliers, last: bank.last(channel) }
    }
}

/// A sample that its series may take.
pub(super) struct Admitted {
    pub(super) channel: usize,
    /// The tracker's clock.
    now: i64,
    /// Whether it is older than the last of its series, whose clock has been set back.
    pub(super) is_set_back: bool,
}

impl<K: Hash + Eq, R: Scored, T: Real> Tracker<K, R, T> {
    /// Takes a sample that has no time, of the series of a key, which has this channel if there is such a series.
    #[inline]
    pub(super) fn take<Q>(&mut self, key: &Q, channel: Option<usize>, sample: T) -> Result<Update<T>, TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToKey<K> + ?Sized,
    {
        if self.bank.rule().is_in_time() || self.is_idle_by_time() {
            return Err(TrackError::NoTime);
        }
        let Some(admitted) = self.admit(key, channel, None, sample)? else { return Ok(Update::NONE) };
        // The channel exists, and the decay is in samples.
        let update = self.bank.observe(admitted.channel, sample).unwrap_or(Update::NONE);
        Ok(self.record(admitted, update))
    }

    /// Moves the clock on and makes room for the series of a sample, if it has none or has been silent for too long.
    /// `None` for a missing sample of a new series where there is no room.
    #[inline]
    fn admit<Q>(
        &mut self,
        key: &Q,
        mut channel: Option<usize>,
        time: Option<i64>,
        sample: T,
    ) -> Result<Option<Admitted>, TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToKey<K> + ?Sized,
    {
        let mut silence = 0;
        // Without a time, the column of last times is not read: with very many series that would cost a miss of the cache.
        if let (Some(time), Some(channel)) = (time, channel)
            && let Some(last) = self.bank.last(channel)
        {
            if time < last {
                return self.admit_late(channel, time, last, sample).map(Some);
            }
            silence = time.abs_diff(last);
        }
        let now = self.tick(time);
        if let Some(Idle::Time(limit)) = self.max_idle
            && let Some(silent) = channel.filter(|_| silence > nanoseconds(limit) && !sample.to_f64().is_nan())
        {
            // The clock may not know yet: everything may have been as silent.
            self.take_out(silent);
            self.counters.expired += 1;
            channel = None;
        }
        let channel = if channel.is_some() {
            channel
        } else {
            // No series begins with an infinity.
            let is_missing = sample.to_f64().is_nan() || sample.to_f64().is_infinite();
            self.add(key, now, is_missing)?
        };
        Ok(channel.map(|channel| Admitted { channel, now, is_set_back: false }))
    }

    /// Admits a sample that is older than the last of its series where it is the clock that has been set back: enough
    /// such have come in a row, or the tracker's clock agrees with the sample and not with the last one. Others are
    /// refused; but they, too, have their say about the tracker's clock.
    #[cold]
    fn admit_late(&mut self, channel: usize, time: i64, last: i64, sample: T) -> Result<Admitted, TrackError> {
        let is_missing = sample.to_f64().is_nan();
        let mut now = None;
        let mut is_set_back = self.bank.is_set_back(channel);
        if let Some(Idle::Time(limit)) = self.max_idle {
            let (clock, limit) = (self.tick(Some(time)), nanoseconds(limit));
            is_set_back |= last > clock && last.abs_diff(clock) > limit && time.abs_diff(clock) <= limit;
            now = Some(clock);
        }
        if is_missing || !is_set_back {
            self.counters.late += 1;
            if !is_missing {
                self.bank.count_late(channel);
            }
            return Err(TrackError::Late { time, last });
        }
        let now = now.unwrap_or_else(|| self.tick(Some(time)));
        Ok(Admitted { channel, now, is_set_back })
    }

    /// Counts a sample that the bank has taken, and removes a few series that have become idle.
    #[inline]
    pub(super) fn record(&mut self, Admitted { channel, now, .. }: Admitted, update: Update<T>) -> Update<T> {
        let mut slots = AllSlots(&mut self.series);
        if let Some(slot) = slots.at(channel)
            && update.accepted
        {
            slot.counted(update);
            slot.seen = now;
            self.order.touch(&mut slots, number(channel));
        }
        let counters = &mut self.counters;
        *(if update.accepted { &mut counters.samples } else { &mut counters.missing }) += 1;
        counters.outliers += u64::from(update.outlier);
        counters.reopenings += u64::from(update.reopened);
        if self.max_idle.is_some() {
            self.expire_some(EXPIRED_AT_ONCE);
        }
        update
    }

    /// The clock after a sample: a time or a number of samples, as series are idle by one or the other.
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

    /// Makes a channel for a new key. `None` where there is no room and the sample is missing.
    #[inline(never)] // most samples are of series that are there
    pub(super) fn add<Q>(&mut self, key: &Q, now: i64, is_missing: bool) -> Result<Option<usize>, TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToKey<K> + ?Sized,
    {
        let most = self.max_series.min(order::NONE as usize);
        if self.series.len() >= most {
            self.expire_some(EXPIRED_AT_ONCE);
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
            self.take_out(oldest);
            self.counters.evicted += 1;
        }
        let channel = self.series.len();
        let room = self.series.try_reserve(1);
        room.map_err(|_| ChannelsError::OutOfMemory { channels: channel.saturating_add(1) })?;
        self.bank.extend(1)?;
        self.series.insert(key.to_key(), Slot { seen: now, ..Slot::EMPTY });
        self.order.append(&mut AllSlots(&mut self.series), number(channel));
        self.counters.created += 1;
        Ok(Some(channel))
    }

    pub(super) fn is_idle_by_time(&self) -> bool {
        matches!(self.max_idle, Some(Idle::Time(_)))
    }

    /// Evicts the longest idle of those series that are too many.
    pub(super) fn evict_surplus(&mut self) {
        while self.series.len() > self.max_series && self.order.oldest != order::NONE {
            self.take_out(self.order.oldest as usize);
            self.counters.evicted += 1;
        }
    }

    /// Looks at up to `most` of the series that seem idle, removes those that are, and returns their number.
    pub(super) fn expire_some(&mut self, most: usize) -> usize {
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
            let Some(slot) = slots.at(oldest as usize).filter(|slot| slot.seen.abs_diff(now) > limit) else { break };
            if is_by_time && let Some(last) = self.bank.last(oldest as usize) {
                let is_near = last.abs_diff(now) <= limit;
                if is_near || slot.seen > now && last > now {
                    // The clock has jumped: to where this series was all the time, or back from where both were wrong.
                    slot.seen = if is_near { last } else { now };
                    self.order.touch(&mut slots, oldest);
                    continue;
                }
            }
            self.take_out(oldest as usize);
            self.counters.expired += 1;
            count += 1;
        }
        count
    }

    /// Removes a series from the map, the bank and the order; the last one takes its channel.
    pub(super) fn take_out(&mut self, channel: usize) {
        self.moves.count();
        self.order.unlink(&mut AllSlots(&mut self.series), number(channel));
        self.series.swap_remove_index(channel);
        // There is such a channel: there was such a series.
        let _ = self.bank.swap_remove(channel);
        self.order.renumber(&mut AllSlots(&mut self.series), number(channel));
    }

    pub(super) fn describe(&self, channel: usize, slot: &Slot<T>) -> Series<T> {
        slot.series(&self.bank, channel)
    }
}

impl<K: Hash + Eq, R: Scored + Timed, T: Real> Tracker<K, R, T> {
    /// Takes a sample of a time, of the series of a key, which has this channel if there is such a series.
    #[inline]
    pub(super) fn take_at<Q>(
        &mut self,
        key: &Q,
        channel: Option<usize>,
        (time, sample): (i64, T),
    ) -> Result<Update<T>, TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToKey<K> + ?Sized,
    {
        let time = time.max(EARLIEST);
        let Some(admitted) = self.admit(key, channel, Some(time), sample)? else { return Ok(Update::NONE) };
        // The channel exists, and the sample is not late.
        let update = if admitted.is_set_back {
            self.bank.observe_after(admitted.channel, time, Duration::ZERO, sample)
        } else {
            self.bank.observe_at(admitted.channel, time, sample)
        };
        Ok(self.record(admitted, update.unwrap_or(Update::NONE)))
    }
}

/// A channel as the links count it: there are fewer series than `u32` can count.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn number(channel: usize) -> u32 {
    channel as u32
}

/// The slots of all series, by channel.
pub(super) struct AllSlots<'a, K, T>(pub(super) &'a mut IndexMap<K, Slot<T>>);

impl<K, T> AllSlots<'_, K, T> {
    pub(super) fn at(&mut self, channel: usize) -> Option<&mut Slot<T>> {
        self.0.get_index_mut(channel).map(|(_, slot)| slot)
    }
}

impl<K, T> Slots for AllSlots<'_, K, T> {
    fn links(&mut self, slot: u32) -> Option<&mut Links> {
        self.at(slot as usize).map(|slot| &mut slot.links)
    }
}

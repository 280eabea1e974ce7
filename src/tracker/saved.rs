//! One series of a tracker to bytes and back, so that it can move alone.

use super::feed::{AllSlots, Slot, number};
use super::order;
use super::{ToKey, Tracker};
use crate::error::TrackError;
use crate::lane::Real;
use crate::rule::Scored;
use crate::snapshot::{SavedSeries, SnapshotError};
use crate::timed::TimedBank;
use core::borrow::Borrow;
use core::hash::Hash;

impl<T: Real> Slot<T> {
    /// The series of this slot, whose state is in a channel of `bank`.
    pub(super) fn saved<R: Scored>(&self, bank: &TimedBank<R, T>, channel: usize) -> Option<SavedSeries<R, T>> {
        let state = bank.columns().state(channel)?;
        let (last, late) = (*bank.last_times().get(channel)?, *bank.late_in_a_row().get(channel)?);
        let Self { score, samples, outliers, .. } = *self;
        Some(SavedSeries { state, score, samples, outliers, last, late })
    }

    /// The slot of a series that is restored, and its state to a channel of `bank`.
    pub(super) fn restored<R: Scored>(bank: &mut TimedBank<R, T>, channel: usize, series: SavedSeries<R, T>) -> Self {
        let SavedSeries { state, score, samples, outliers, last, late } = series;
        bank.put(channel, state, last, late);
        Self { score, samples, outliers, ..Self::EMPTY }
    }
}

impl<K: Hash + Eq, R: Scored, T: Real> Tracker<K, R, T> {
    /// Appends the state of one series to `out`, without its key: 78 bytes of a [`RobustMean`](crate::RobustMean) in
    /// `f64`, 102 of a [`CleanedEma`](crate::CleanedEma). Returns whether there is such a series. The estimates, the
    /// series' counters, its last time and its row of late samples are in it, and a fingerprint of the rule and its
    /// parameters; `FORMAT.md` describes the bytes. The series stays.
    ///
    /// [`restore_series`](Self::restore_series) of another tracker goes on with it to the bit, and so does
    /// [`OneSeries`](crate::OneSeries) without any tracker.
    ///
    /// ```
    /// use evenkeel::{Decay, RobustMean, Tracker};
    ///
    /// let rule = RobustMean::new(Decay::half_life(60.0)?);
    /// let (mut one, mut other) = (Tracker::<String>::new(rule)?, Tracker::<String>::new(rule)?);
    /// one.update("cpu", 42.0)?;
    /// let mut bytes = Vec::new(); // may be used again and again
    /// assert!(one.save_series("cpu", &mut bytes));
    /// assert_eq!(bytes.len(), 78);
    ///
    /// assert!(other.restore_series("cpu", &bytes)?); // it is new there
    /// assert_eq!(other.get("cpu").map(|series| series.location), Some(42.0));
    /// # assert!(!one.save_series("disk", &mut bytes));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save_series<Q>(&self, key: &Q, out: &mut Vec<u8>) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let found = self.series.get_full(key);
        let saved = found.and_then(|(channel, _, slot)| slot.saved(&self.bank, channel));
        if let Some(series) = &saved {
            self.fingerprint.save(series, out);
        }
        saved.is_some()
    }

    /// Puts a series that was [saved](Self::save_series) under a key, in place of the one that is there if there is one,
    /// and returns whether it is new here. A new one counts as created; the counters of its samples are its own, and the
    /// tracker's do not change. It is not idle: the limits count from now.
    ///
    /// # Errors
    /// The bytes are no series of this rule, these parameters and this element type, or they are damaged; or the series
    /// would be one too many (none is evicted for it), or there is no memory for it. Nothing has changed.
    pub fn restore_series<Q>(&mut self, key: &Q, bytes: &[u8]) -> Result<bool, SnapshotError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToKey<K> + ?Sized,
    {
        let saved = self.fingerprint.restore(self.bank.rule(), self.bank.constants(), bytes)?;
        let now = self.clock.now.unwrap_or(0);
        let known = self.series.get_index_of(key);
        let channel = if let Some(channel) = known {
            channel
        } else {
            let (series, max_series) = (self.series.len() + 1, self.max_series.min(order::NONE as usize));
            let full = SnapshotError::Full { series, max_series };
            if series > max_series {
                return Err(full);
            }
            match self.add(key, now, false) {
                Ok(Some(channel)) => channel,
                Err(TrackError::Channels(error)) => return Err(error.into()),
                // There is room.
                Ok(None) | Err(_) => return Err(full),
            }
        };
        let slot = Slot::restored(&mut self.bank, channel, saved);
        let mut slots = AllSlots(&mut self.series);
        if let Some(place) = slots.at(channel) {
            let links = place.links;
            *place = Slot { seen: now, links, ..slot };
        }
        self.order.touch(&mut slots, number(channel));
        Ok(known.is_none())
    }
}

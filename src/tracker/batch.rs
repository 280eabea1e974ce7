//! Batches: the series of some samples are found and fetched together, before the samples are taken one by one.
//!
//! Where there are many series, nothing of them is in the cache: the map's table, the key, the counters, two neighbours in
//! the order of idleness, and a number in each column of the bank. One after the other, a sample would wait for all of
//! these, and the next sample for it.

use super::Tracker;
use super::order::NONE;
use crate::error::TrackError;
use crate::lane::Real;
use crate::rule::Scored;
use crate::timed::Update;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::hint::black_box;
use indexmap::map::RawEntryApiV1;

/// Samples whose series are found together: enough for as many misses as a core has under way at a time.
pub(super) const WINDOW: usize = 32;

/// A sample of a batch.
struct Sample<'a, Q: ?Sized, X> {
    key: &'a Q,
    hash: u64,
    channel: Option<usize>,
    rest: X,
}

impl<K: Hash + Eq, R: Scored, T: Real> Tracker<K, R, T> {
    /// Gives the samples of a batch to `take` with their keys and the channels of these, if they have any, and what comes of
    /// each to `report`. A batch ends only at what would stop every sample after it.
    pub(super) fn in_windows<'a, Q, X: Copy>(
        &mut self,
        batch: impl IntoIterator<Item = (&'a Q, X)>,
        take: impl Fn(&mut Self, &'a Q, Option<usize>, X) -> Result<Update<T>, TrackError>,
        mut report: impl FnMut(&Self, &'a Q, Result<Update<T>, TrackError>),
    ) -> Result<(), TrackError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'a,
    {
        let mut batch = batch.into_iter();
        let mut window = [const { None }; WINDOW];
        loop {
            let mut count = 0;
            for (place, (key, rest)) in window.iter_mut().zip(&mut batch) {
                *place = Some(Sample { key, hash: self.series.hasher().hash_one(key), channel: None, rest });
                count += 1;
            }
            if count == 0 {
                return Ok(());
            }
            self.find(&mut window[..count]);
            let gone = self.moves.gone();
            for &Sample { key, channel, rest, .. } in window[..count].iter().flatten() {
                // A series that has gone has left its channel to another.
                let known = channel.filter(|_| gone == self.moves.gone());
                let channel = known.or_else(|| self.series.get_index_of(key));
                let outcome = take(self, key, channel, rest);
                match outcome {
                    Ok(_) | Err(TrackError::Late { .. } | TrackError::Full { .. }) => report(self, key, outcome),
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Finds the channels of some keys, and fetches what their samples will touch. Each turn asks for what the next one
    /// needs, and no key waits for another's.
    fn find<Q: Hash + Eq + ?Sized, X>(&self, window: &mut [Option<Sample<'_, Q, X>>])
    where
        K: Borrow<Q>,
    {
        for sample in window.iter_mut().flatten() {
            // The first whose hash begins alike: nearly always the one, and its key is not asked for yet.
            sample.channel = self.series.raw_entry_v1().index_from_hash(sample.hash, |_| true);
        }
        let neighbours = self.fetch_slots(window.iter().flatten().map(|sample| sample.channel));
        for sample in window.iter_mut().flatten() {
            let is_it = |&at: &usize| self.series.get_index(at).is_some_and(|(key, _)| key.borrow() == sample.key);
            sample.channel = sample.channel.filter(is_it).or_else(|| self.series.get_index_of(sample.key));
        }
        self.fetch_neighbours(&neighbours);
    }

    /// Fetches what samples of these channels will touch.
    pub(super) fn fetch(&self, channels: impl Iterator<Item = Option<usize>>) {
        let neighbours = self.fetch_slots(channels);
        self.fetch_neighbours(&neighbours);
    }

    /// Fetches the states of at most a window of channels, reads their slots, and returns their neighbours.
    fn fetch_slots(&self, channels: impl Iterator<Item = Option<usize>>) -> [[u32; 2]; WINDOW] {
        let mut neighbours = [[NONE; 2]; WINDOW];
        for (channel, neighbours) in channels.zip(&mut neighbours) {
            if let Some((channel, (_, slot))) = channel.and_then(|at| Some((at, self.series.get_index(at)?))) {
                self.bank.fetch(channel);
                *neighbours = [slot.links.older, slot.links.newer];
            }
        }
        neighbours
    }

    fn fetch_neighbours(&self, neighbours: &[[u32; 2]; WINDOW]) {
        // Slots lie beside their keys, where only reading fetches.
        let neighbours = neighbours.as_flattened().iter();
        let read = neighbours
            .filter_map(|&at| self.series.get_index(at as usize))
            .fold(0, |sum, (_, slot)| sum ^ slot.links.older);
        black_box(read);
    }
}

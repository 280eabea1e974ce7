//! Batches by dictionary codes: a sample names its series by a number, and no key is hashed for it.
//!
//! A code is resolved to a channel once. Channels move when series go, so each code has a mark of how many had gone when it
//! was last looked at; where more have gone since, the key that is in the channel now is compared, and only where it is
//! another one is the map asked.

use super::Tracker;
use super::batch::WINDOW;
use super::order::NONE;
use crate::error::TrackError;
use crate::lane::Real;
use crate::rule::{Scored, Timed};
use crate::sweep::{Outputs, same_length};
use crate::timed::Update;
use core::hash::Hash;
use core::sync::atomic::{AtomicU64, Ordering};

/// The keys of a dictionary, by their codes from 0 on, and the place in a [`Tracker`] where each was last found: for
/// samples that name their series by a code, as dictionary arrays of Arrow, categories and enumerations of frames do.
///
/// It may be used with any tracker of such keys, and goes on when series come and go; with one tracker it is fast.
#[derive(Clone, Debug)]
pub struct Dictionary<K> {
    keys: Vec<K>,
    /// Of each code.
    places: Vec<Place>,
    /// The tracker that the places are in.
    tracker: u64,
    /// The number of series that had gone when the places were last forgotten.
    base: u64,
}

/// Where a key was last found.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// [`NONE`] where it was not.
    channel: u32,
    /// The number of series that had gone, from the base on.
    gone: u32,
}

impl Place {
    const UNKNOWN: Self = Self { channel: NONE, gone: 0 };
}

impl<K> Dictionary<K> {
    /// A dictionary of these keys. A key that comes twice is one series.
    #[must_use]
    pub fn new(keys: Vec<K>) -> Self {
        let places = vec![Place::UNKNOWN; keys.len()];
        Self { keys, places, tracker: 0, base: 0 }
    }

    /// Appends a key, and returns its code.
    pub fn push(&mut self, key: K) -> usize {
        self.keys.push(key);
        self.places.push(Place::UNKNOWN);
        self.keys.len() - 1
    }

    /// The keys, by code.
    #[must_use]
    pub fn keys(&self) -> &[K] {
        &self.keys
    }

    /// Forgets all places where they are of another tracker, or of one of which more series have gone than a mark counts,
    /// and returns the mark of now.
    fn mark(&mut self, moves: &Moves) -> u32 {
        let mark = moves.gone.checked_sub(self.base).and_then(|gone| u32::try_from(gone).ok());
        if let Some(mark) = mark.filter(|_| self.tracker == moves.tracker) {
            return mark;
        }
        self.places.fill(Place::UNKNOWN);
        (self.tracker, self.base) = (moves.tracker, moves.gone);
        0
    }
}

/// Whose channels they are, and how many series have gone from them.
#[derive(Debug)]
pub(super) struct Moves {
    tracker: u64,
    gone: u64,
}

impl Moves {
    /// Channels that no dictionary knows.
    pub(super) fn new() -> Self {
        static TRACKERS: AtomicU64 = AtomicU64::new(1);
        Self { tracker: TRACKERS.fetch_add(1, Ordering::Relaxed), gone: 0 }
    }

    /// How many series have gone.
    pub(super) fn gone(&self) -> u64 {
        self.gone
    }

    pub(super) fn count(&mut self) {
        self.gone += 1;
    }
}

/// The series of a copy come and go by themselves.
impl Clone for Moves {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<K: Hash + Eq + Clone, R: Scored, T: Real> Tracker<K, R, T> {
    /// Updates many series with a sample each, in order, as [`update_batch`](Self::update_batch) does, where sample `i` is
    /// of the series with the key of `codes[i]`; and writes what is wanted of each sample. Returns how many were refused:
    /// their series would have been one too many, and all that is written of them is NaN and false.
    ///
    /// ```
    /// use evenkeel::{Decay, Dictionary, Outputs, RobustMean, Tracker};
    ///
    /// let mut tracker = Tracker::<String>::new(RobustMean::new(Decay::half_life(60.0)?))?;
    /// let mut dictionary = Dictionary::new(vec!["cpu".to_owned(), "disk".to_owned()]); // keep it for the next batch
    /// let mut locations = [0.0; 3];
    /// let outputs = Outputs { locations: Some(&mut locations), ..Outputs::default() };
    /// tracker.update_coded(&mut dictionary, &[0, 1, 0], &[40.0, 5.0, 40.0], outputs)?;
    /// assert_eq!(locations, [40.0, 5.0, 40.0]);
    /// assert_eq!(tracker.get("cpu").unwrap().samples, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Codes, samples and outputs are not of one length, or a code is none of the dictionary's: nothing has changed. Or
    /// there is no memory for a new series, or [`update_coded_at`](Self::update_coded_at) is needed: the samples before it
    /// have been taken, the others have not.
    pub fn update_coded(
        &mut self,
        dictionary: &mut Dictionary<K>,
        codes: &[u32],
        samples: &[T],
        outputs: Outputs<'_, T>,
    ) -> Result<usize, TrackError> {
        same_length("codes", codes.len(), samples.len())?;
        self.coded(dictionary, codes, samples.iter().copied(), outputs, Self::take)
    }

    fn coded<X: Copy>(
        &mut self,
        dictionary: &mut Dictionary<K>,
        codes: &[u32],
        rest: impl Iterator<Item = X>,
        mut outputs: Outputs<'_, T>,
        take: impl Fn(&mut Self, &K, Option<usize>, X) -> Result<Update<T>, TrackError>,
    ) -> Result<usize, TrackError> {
        outputs.check(codes.len())?;
        if let Some(&code) = codes.iter().max().filter(|&&code| code as usize >= dictionary.keys.len()) {
            return Err(TrackError::Code { code, keys: dictionary.keys.len() });
        }
        let (mut rest, mut refused) = (rest, 0);
        for (window, codes) in codes.chunks(WINDOW).enumerate() {
            let mark = dictionary.mark(&self.moves);
            let mut channels = [None; WINDOW];
            for (channel, &code) in channels.iter_mut().zip(codes) {
                *channel = self.resolve(dictionary, code as usize, mark);
            }
            self.fetch(channels.iter().copied().take(codes.len()));
            let gone = self.moves.gone();
            for (at, (&code, &channel)) in codes.iter().zip(&channels).enumerate() {
                let Some(rest) = rest.next() else { return Ok(refused) };
                let mut known = channel;
                if known.is_none() || gone != self.moves.gone() {
                    // It has just come, or others have gone.
                    let mark = dictionary.mark(&self.moves);
                    known = self.resolve(dictionary, code as usize, mark);
                }
                let Some(key) = dictionary.keys.get(code as usize) else { return Ok(refused) };
                let update = match take(self, key, known, rest) {
                    Ok(update) => update,
                    Err(TrackError::Late { .. }) => {
                        refused += 1;
                        let reading = known.and_then(|channel| self.bank.reading(channel));
                        let (location, scale) = reading.map_or((T::NAN, T::NAN), |of| (of.location, of.scale));
                        Update { location, scale, ..Update::NONE }
                    }
                    Err(TrackError::Full { .. }) => {
                        refused += 1;
                        Update::NONE
                    }
                    Err(error) => return Err(error),
                };
                outputs.set(window * WINDOW + at, update);
            }
        }
        Ok(refused)
    }

    /// The channel of a code; `None` if its series is not there.
    #[inline]
    fn resolve(&self, dictionary: &mut Dictionary<K>, code: usize, mark: u32) -> Option<usize> {
        let place = *dictionary.places.get(code)?;
        let channel = place.channel as usize;
        if place.gone == mark && place.channel != NONE {
            return Some(channel);
        }
        self.look_up(dictionary, code, channel, mark)
    }

    #[inline(never)]
    fn look_up(&self, dictionary: &mut Dictionary<K>, code: usize, channel: usize, mark: u32) -> Option<usize> {
        let key = dictionary.keys.get(code)?;
        let is_still = self.series.get_index(channel).is_some_and(|(there, _)| there == key);
        let found = if is_still { Some(channel) } else { self.series.get_index_of(key) };
        // There are fewer series than `u32` can count.
        let channel = found.and_then(|channel| u32::try_from(channel).ok()).unwrap_or(NONE);
        *dictionary.places.get_mut(code)? = Place { channel, gone: mark };
        found
    }
}

/// Samples with their times.
impl<K: Hash + Eq + Clone, R: Scored + Timed, T: Real> Tracker<K, R, T> {
    /// Updates many series with a sample each, taken at `times[i]`, in order, as [`update_batch_at`](Self::update_batch_at)
    /// does, where sample `i` is of the series with the key of `codes[i]`; and writes what is wanted of each sample. Returns
    /// how many were refused: they were late, and the location and the scale are those that stand, the score NaN and the
    /// outlier false; or their series would have been one too many, and the location and the scale are NaN, too.
    ///
    /// # Errors
    /// As for [`update_coded`](Self::update_coded), and the times are not as many.
    pub fn update_coded_at(
        &mut self,
        dictionary: &mut Dictionary<K>,
        codes: &[u32],
        times: &[i64],
        samples: &[T],
        outputs: Outputs<'_, T>,
    ) -> Result<usize, TrackError> {
        same_length("codes", codes.len(), samples.len())?;
        same_length("times", times.len(), samples.len())?;
        let rest = times.iter().copied().zip(samples.iter().copied());
        self.coded(dictionary, codes, rest, outputs, Self::take_at)
    }
}

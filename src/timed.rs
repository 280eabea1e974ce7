//! Many channels, each with the time of its own last sample: the public face for samples that come one by one.

use crate::columns::Columns;
use crate::error::{ChannelsError, UpdateError};
use crate::lane::Real;
use crate::rule::{ColumnsOf, Estimator, Reading, Timed};
use crate::rules::{CleanedEma, RobustMean};
use crate::sweep::{Observation, Outputs, Place, Recent, Sweep, check_named, same_length};
use core::time::Duration;
use prefetch_index::prefetch_index;

/// Many channels of one [`Estimator`], numbered from 0, each with the time of its own last sample.
///
/// Samples come one by one, of any channel and at any time, as the lines of a log do. With a decay [in
/// time](crate::Decay::half_life_time) the gain of a sample is made of the time since the last sample of its own
/// channel:
///
/// ```text
/// dt      = time - last        0 before the channel's first sample with a time
/// alpha_t = -expm1(-ln 2 dt / half-life)
/// last'   = time               if the sample counts, else last
/// ```
///
/// Times are in nanoseconds since 1970 or any other moment. Two samples of one moment both count; one that is older
/// than the last of its channel is refused as late.
///
/// # Silences and clocks
/// * After a silence the estimate counts for less: its age sinks with every half-life. A silence that leaves less than
///   one sample makes two strikes enough to re-open it, so that the second sample of a new level is followed, whatever
///   the patience.
/// * **A clock that was wrong heals.** A channel refuses [`MOST_LATE`](Self::MOST_LATE) late samples in a row, and takes
///   the next one: so many are no stragglers, and the time before them was of a clock that has been set back. Nobody
///   knows how long ago the last sample was, so `dt = 0`, and the last time is that of the new sample. A sample that is
///   taken ends the row, a missing one is none. The row is of one channel alone: no other is moved by it.
///
/// ```
/// use evenkeel::{Decay, RobustMean, TimedBank, UpdateError};
/// use std::time::Duration;
///
/// let rule = RobustMean::new(Decay::half_life_time(Duration::from_secs(600))?);
/// let mut bank = TimedBank::<RobustMean>::new(rule, 2)?; // f64; TimedBank::<RobustMean, f32> for half the state
/// let second = 1_000_000_000;
/// for n in 0..100 {
///     bank.observe_at(0, n * 10 * second, 40.0 + (n % 7) as f64)?; // every ten seconds
///     if n % 6 == 0 {
///         bank.observe_at(1, n * 10 * second, 5.0)?;               // every minute
///     }
/// }
/// let spike = bank.observe_at(1, 1_000 * second, 9000.0)?;
/// assert!(spike.outlier && spike.location == 5.0);
/// assert_eq!(bank.last(1), Some(1_000 * second));
///
/// let late = bank.observe_at(1, 999 * second, 5.0);
/// assert_eq!(late, Err(UpdateError::Late { time: 999 * second, last: 1_000 * second }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Which bank
/// | samples come | use |
/// |---|---|
/// | a row at a time, one of each channel | [`Bank::update_after`](crate::Bank::update_after) |
/// | one by one, of channels with numbers; or both ways | `TimedBank` |
/// | one by one, of series with names that come and go | [`Tracker`](crate::Tracker) |
///
/// # Cost
/// A channel costs 9 bytes beside the state of its rule: 41 in all for a [`RobustMean`] in `f64`. There are no keys and
/// no hashing. No update panics or allocates, and one that returns an error has changed nothing but the count of late
/// samples.
#[derive(Clone, Debug)]
pub struct TimedBank<R: Estimator, T: Real = f64> {
    sweep: Sweep<R, T>,
    columns: Columns<R, T>,
    /// One time per channel; [`NEVER`] before the first sample with a time.
    last: Vec<i64>,
    /// One number per channel: late samples in a row, up to [`MOST_LATE`].
    late: Vec<u8>,
    recent: Recent<R, T>,
}

/// Most late samples in a row that a channel refuses.
pub(crate) const MOST_LATE: u8 = 12;

/// The mark of a channel without a sample that had a time.
const NEVER: i64 = i64::MIN;

/// The earliest time of a sample. One a nanosecond earlier, in 1677, counts as one of this time.
pub(crate) const EARLIEST: i64 = NEVER + 1;

/// The verdict on one sample, and the estimates of its channel after it.
#[derive(Clone, Copy, Debug, PartialEq)]
// As many questions, each with its own answer.
#[allow(clippy::struct_excessive_bools)]
pub struct Update<T> {
    /// The location after the sample; NaN before the first.
    pub location: T,
    /// The scale after the sample; NaN before the first, and for rules that have none.
    pub scale: T,
    /// The sample's residual over the scale before it; NaN if it is missing or one of the channel's first, which are
    /// [unscored](crate::Scored::unscored).
    pub score: T,
    /// Whether the sample counted: it was not missing, and it was no infinity where an estimate was to begin.
    pub accepted: bool,
    /// Whether the sample was beyond the rule's threshold for [an outlier](crate::Scored::outlier_at).
    pub outlier: bool,
    /// Whether the estimate was re-opened by this sample.
    pub reopened: bool,
}

/// An update as the place of a verdict; its estimates are written later.
impl<T: Real> Place<T> for Update<T> {
    #[inline(always)]
    fn set(&mut self, observation: Observation<T>) {
        let Observation { score, accepted, outlier, reopened } = observation;
        *self = Self { score, accepted, outlier, reopened, ..*self };
    }
}

impl<T: Real> Update<T> {
    /// The update of nothing, by a sample that does not count.
    pub(crate) const NONE: Self =
        Self { location: T::NAN, scale: T::NAN, score: T::NAN, accepted: false, outlier: false, reopened: false };
}

impl<R: Estimator, T: Real> TimedBank<R, T> {
    /// The most late samples in a row that a channel refuses: the next one is taken, because it is the clock that has
    /// been set back.
    pub const MOST_LATE: u8 = MOST_LATE;

    /// `channels` channels without a sample.
    ///
    /// # Errors
    /// The lane type cannot carry the rule's parameters, or there is no memory.
    pub fn new(rule: R, channels: usize) -> Result<Self, ChannelsError> {
        let sweep = Sweep::new(rule)?;
        let mut bank =
            Self { sweep, columns: Columns::new(0)?, last: Vec::new(), late: Vec::new(), recent: Recent::default() };
        bank.extend(channels)?;
        Ok(bank)
    }

    /// The number of channels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.last.len()
    }

    /// Whether there are no channels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> &R {
        self.sweep.rule()
    }

    /// Bytes of state and times held, padding and room to grow included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.columns.bytes() + self.last.capacity() * size_of::<i64>() + self.late.capacity()
    }

    /// The state of every channel: to be read as slices, or cloned and updated by rows with a [`Sweep`].
    #[must_use]
    pub fn columns(&self) -> &Columns<R, T> {
        &self.columns
    }

    /// Updates one channel with a sample that has no time, for a decay in samples. NaN is a missing sample. The
    /// channel's last time stays.
    ///
    /// # Errors
    /// The decay is in time, and [`observe_at`](Self::observe_at) is needed; or the channel does not exist.
    #[inline(always)] // its result is a dozen moves in memory where it is a call
    pub fn observe(&mut self, channel: usize, sample: T) -> Result<Update<T>, UpdateError> {
        if channel >= self.len() {
            return Err(self.no_such(channel));
        }
        let constants = self.sweep.steady()?;
        let seen = Sweep::<R, T>::observe_by(constants, self.columns.as_mut_slices(), channel, sample)?;
        Ok(self.updated(channel, seen))
    }

    /// Updates every channel with a sample that has no time, for a decay in samples, and writes the update of each: what
    /// [`observe`](Self::observe) returns of one channel, for a whole row, at the speed of a row. The last times stay.
    ///
    /// # Errors
    /// There are not one sample and one update per channel; or the decay is in time, and
    /// [`observe_at`](Self::observe_at) is needed. Nothing has changed.
    pub fn observe_row(&mut self, samples: &[T], updates: &mut [Update<T>]) -> Result<(), UpdateError> {
        self.sweep.judge_row(self.columns.as_mut_slices(), samples, updates)?;
        for (channel, update) in updates.iter_mut().enumerate() {
            if let Some(state) = self.columns.state(channel) {
                let reading = self.sweep.reading(&state);
                (update.location, update.scale) = (reading.location, reading.scale);
            }
        }
        Ok(())
    }

    /// The time of a channel's last sample that counted and had one, in nanoseconds; `None` before it, and if there is
    /// no such channel.
    #[must_use]
    pub fn last(&self, channel: usize) -> Option<i64> {
        self.last.get(channel).copied().filter(|&last| last != NEVER)
    }

    /// Location, scale and age of one channel; `None` if there is no such channel.
    #[inline(always)]
    #[must_use]
    pub fn reading(&self, channel: usize) -> Option<Reading<T>> {
        self.columns.state(channel).map(|state| self.sweep.reading(&state))
    }

    /// Location, scale and age of every channel, in order.
    pub fn readings(&self) -> impl ExactSizeIterator<Item = Reading<T>> {
        (0..self.len()).map(|channel| {
            let none = Reading { location: T::NAN, scale: T::NAN, age: T::default() };
            self.reading(channel).unwrap_or(none)
        })
    }

    /// The step that a channel has learnt: 1, 0.1 and so on to 1e-6, or 0 where its samples are continuous. `None` for
    /// a rule without [`Resolution::Learn`](crate::Resolution::Learn), and if there is no such channel.
    #[must_use]
    pub fn step(&self, channel: usize) -> Option<f64> {
        self.columns.state(channel).and_then(|state| self.sweep.step(&state))
    }

    /// Begins a channel before its first sample with the step in which its signal is recorded, if that is known
    /// beforehand: see [`Sweep::begin`].
    ///
    /// # Errors
    /// The channel does not exist.
    pub fn begin(&mut self, channel: usize, step: f64) -> Result<(), UpdateError> {
        self.sweep.begin(self.columns.as_mut_slices(), channel, step)
    }

    /// Makes a channel one without a sample, and without a last time.
    ///
    /// # Errors
    /// The channel does not exist.
    pub fn reset(&mut self, channel: usize) -> Result<(), UpdateError> {
        let Some(last) = self.last.get_mut(channel) else { return Err(self.no_such(channel)) };
        *last = NEVER;
        self.set_late(channel, 0);
        self.columns.reset(channel);
        Ok(())
    }

    /// Removes a channel. The last channel takes its number, and its state and last time move with it, to the bit.
    ///
    /// # Errors
    /// The channel does not exist.
    pub fn swap_remove(&mut self, channel: usize) -> Result<(), UpdateError> {
        if !self.columns.swap_remove(channel) {
            return Err(self.no_such(channel));
        }
        self.last.swap_remove(channel);
        self.late.swap_remove(channel);
        Ok(())
    }

    /// Adds `more` channels without a sample, after the present ones. Growth is amortised, as a `Vec`'s.
    ///
    /// # Errors
    /// There is no memory for them; the present ones are untouched.
    pub fn extend(&mut self, more: usize) -> Result<(), ChannelsError> {
        let channels = self.len().saturating_add(more);
        let out_of_memory = ChannelsError::OutOfMemory { channels };
        self.last.try_reserve(more).map_err(|_| out_of_memory.clone())?;
        self.late.try_reserve(more).map_err(|_| out_of_memory)?;
        self.columns.extend(more)?;
        self.last.resize(channels, NEVER);
        self.late.resize(channels, 0);
        Ok(())
    }

    /// The update that an observation of a channel amounts to.
    #[inline]
    fn updated(&self, channel: usize, seen: Observation<T>) -> Update<T> {
        let Observation { score, accepted, outlier, reopened } = seen;
        let (location, scale) =
            self.reading(channel).map_or((T::NAN, T::NAN), |reading| (reading.location, reading.scale));
        Update { location, scale, score, accepted, outlier, reopened }
    }

    fn no_such(&self, channel: usize) -> UpdateError {
        UpdateError::Channel { channel, channels: self.len() }
    }

    /// The time since a channel's last sample: none before the first, and an error before the last.
    #[inline]
    fn elapsed(&self, channel: usize, time: i64) -> Result<Duration, UpdateError> {
        match self.last.get(channel) {
            None => Err(self.no_such(channel)),
            Some(&NEVER) => Ok(Duration::ZERO),
            Some(&last) if time < last => Err(UpdateError::Late { time, last }),
            Some(&last) => Ok(Duration::from_nanos(time.abs_diff(last))),
        }
    }

    /// Whether a channel has refused so many late samples in a row that it takes the next one.
    pub(crate) fn is_set_back(&self, channel: usize) -> bool {
        self.late.get(channel).is_some_and(|&late| late >= MOST_LATE)
    }

    /// Counts a late sample that has been refused.
    pub(crate) fn count_late(&mut self, channel: usize) {
        let late = self.late.get(channel).map_or(0, |&late| late.saturating_add(1).min(MOST_LATE));
        self.set_late(channel, late);
    }

    fn set_late(&mut self, channel: usize, count: u8) {
        if let Some(late) = self.late.get_mut(channel) {
            *late = count;
        }
    }

    /// Fetches what a sample of this channel will touch.
    #[inline]
    pub(crate) fn fetch(&self, channel: usize) {
        for (number, column) in self.columns.as_slices().as_ref().iter().enumerate() {
            if R::STREAMED >> number & 1 == 1 {
                prefetch_index(column, channel);
            }
        }
        prefetch_index(&*self.last, channel);
        prefetch_index(&*self.late, channel);
    }

    pub(crate) fn constants(&self) -> &R::Constants<T> {
        self.sweep.constants()
    }

    /// The last time of every channel as snapshots hold it: the smallest number where there is none.
    pub(crate) fn last_times(&self) -> &[i64] {
        &self.last
    }

    /// The late samples in a row of every channel.
    pub(crate) fn late_in_a_row(&self) -> &[u8] {
        &self.late
    }

    /// Replaces all channels, by columns and as many last times and rows of late samples.
    pub(crate) fn replace(&mut self, columns: Columns<R, T>, last: Vec<i64>, late: Vec<u8>) {
        (self.columns, self.last, self.late) = (columns, last, late);
    }

    /// Replaces the state of a channel, its last time and its row of late samples. Nothing happens if there is none.
    pub(crate) fn put(&mut self, channel: usize, state: ColumnsOf<R, T>, last: i64, late: u8) {
        let Some(place) = self.last.get_mut(channel) else { return };
        *place = last;
        self.set_late(channel, late);
        for (column, number) in self.columns.as_mut_slices().into_iter().zip(state) {
            column[channel] = number;
        }
    }

    /// Adds channels after the present ones, by columns and as many last times and rows of late samples. On an error
    /// nothing has changed.
    pub(crate) fn append(&mut self, columns: &Columns<R, T>, last: &[i64], late: &[u8]) -> Result<(), ChannelsError> {
        let first = self.len();
        self.extend(last.len())?;
        for (to, from) in self.columns.as_mut_slices().into_iter().zip(columns.as_slices()) {
            to[first..].copy_from_slice(from);
        }
        self.last[first..].copy_from_slice(last);
        self.late[first..].copy_from_slice(late);
        Ok(())
    }
}

/// Samples with their times.
impl<R: Timed, T: Real> TimedBank<R, T> {
    /// Updates one channel with a sample taken at `time`, in nanoseconds. NaN is a missing sample: it changes nothing,
    /// and the time since the last one goes on.
    ///
    /// With a decay in samples the gain does not depend on the time, and late samples are refused all the same.
    ///
    /// # Errors
    /// The sample is older than the last of its channel, and not the one after [`MOST_LATE`](Self::MOST_LATE) such in a
    /// row; or the channel does not exist. Nothing has changed but the row.
    #[inline]
    pub fn observe_at(&mut self, channel: usize, time: i64, sample: T) -> Result<Update<T>, UpdateError> {
        let time = time.max(EARLIEST);
        let elapsed = match self.elapsed(channel, time) {
            Ok(elapsed) => elapsed,
            Err(late) => return self.observe_late(channel, time, sample, late),
        };
        self.observe_after(channel, time, elapsed, sample)
    }

    /// Updates channel `channels[i]` with `samples[i]`, taken at `times[i]`, in this order, as
    /// [`observe_at`](Self::observe_at) does, and writes what is wanted of every sample: see [`Outputs`]. Returns how many
    /// were late and refused; of those the location and the scale are those that stand, the score is NaN, and the outlier
    /// false.
    ///
    /// ```
    /// use evenkeel::{Decay, Outputs, RobustMean, TimedBank};
    /// use std::time::Duration;
    ///
    /// let rule = RobustMean::new(Decay::half_life_time(Duration::from_nanos(600))?);
    /// let mut bank = TimedBank::<RobustMean>::new(rule, 2)?;
    /// let (channels, times) = ([0, 1, 0, 0], [10, 10, 20, 15]);
    /// let mut locations = [0.0; 4];
    /// let outputs = Outputs { locations: Some(&mut locations), ..Outputs::default() };
    /// let late = bank.observe_all_at(&channels, &times, &[5.0, 80.0, 5.0, 6.0], outputs)?;
    /// assert_eq!((late, locations), (1, [5.0, 80.0, 5.0, 5.0]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Channels, times, samples and outputs are not of one length, or a channel does not exist. Nothing has changed.
    pub fn observe_all_at(
        &mut self,
        channels: &[usize],
        times: &[i64],
        samples: &[T],
        mut outputs: Outputs<'_, T>,
    ) -> Result<usize, UpdateError> {
        check_named(channels, samples.len(), self.len())?;
        same_length("times", times.len(), samples.len())?;
        outputs.check(samples.len())?;
        let mut late = 0;
        for (index, ((&channel, &time), &sample)) in channels.iter().zip(times).zip(samples).enumerate() {
            let update = match self.observe_at(channel, time, sample) {
                Ok(update) => update,
                Err(UpdateError::Late { .. }) => {
                    late += 1;
                    self.updated(channel, Observation::NONE)
                }
                Err(other) => return Err(other),
            };
            outputs.set(index, update);
        }
        Ok(late)
    }

    /// Refuses a sample that is older than the last of its channel, or takes it where enough have come in a row.
    #[cold]
    fn observe_late(
        &mut self,
        channel: usize,
        time: i64,
        sample: T,
        late: UpdateError,
    ) -> Result<Update<T>, UpdateError> {
        if sample.to_f64().is_nan() {
            return Err(late);
        }
        if self.is_set_back(channel) {
            return self.observe_after(channel, time, Duration::ZERO, sample);
        }
        self.count_late(channel);
        Err(late)
    }

    /// Updates one channel with a sample that comes so long after its last one, or with the first of a clock that has
    /// been set back.
    #[inline]
    pub(crate) fn observe_after(
        &mut self,
        channel: usize,
        time: i64,
        elapsed: Duration,
        sample: T,
    ) -> Result<Update<T>, UpdateError> {
        if sample.to_f64().is_nan() {
            return Ok(self.updated(channel, Observation::NONE));
        }
        let constants = if self.sweep.rule().is_in_time() {
            self.recent.after(&self.sweep, elapsed)?
        } else {
            self.sweep.constants()
        };
        let seen = Sweep::<R, T>::observe_by(constants, self.columns.as_mut_slices(), channel, sample)?;
        if seen.accepted {
            self.last[channel] = time;
            if self.late[channel] > 0 {
                self.late[channel] = 0;
            }
        }
        Ok(self.updated(channel, seen))
    }
}

macro_rules! scaled {
    ($rule:ident, $location:literal) => {
        impl<T: Real> TimedBank<$rule, T> {
            #[doc = $location]
            #[must_use]
            pub fn locations(&self) -> &[T] {
                self.columns.column(0)
            }
        }
    };
}
scaled!(RobustMean, "The location of every channel; NaN before its first sample.");
scaled!(CleanedEma, "The average of every channel; NaN before its first sample.");

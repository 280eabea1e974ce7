//! [`Bank`]: many channels of one estimator, the public face for telemetry.

use crate::columns::Columns;
use crate::dispatch::Backend;
use crate::error::{BackendError, ChannelsError, UpdateError};
use crate::lane::Real;
use crate::rule::{ColumnsOf, Estimator, Reading, Scored, Timed};
use crate::rules::{CleanedEma, Ema, RobustMean};
use crate::sweep::{Observation, Outputs, Recent, Silence, Sweep, Threads, nanoseconds};
use core::time::Duration;

/// Many channels of one [`Estimator`], numbered from 0: their state, and the engine that updates it.
///
/// ```
/// use evenkeel::{Bank, Decay, RobustMean};
///
/// let rule = RobustMean::new(Decay::half_life(60.0)?);
/// let mut bank = Bank::<RobustMean>::new(rule, 3)?;           // f64; Bank::<RobustMean, f32> for half the memory
/// bank.update(&[1.0, 20.0, 300.0])?;                          // one sample per channel
/// bank.update_rows(&[1.1, 20.0, f64::NAN, 0.9, 20.0, 301.0])?; // two rows, oldest first; NaN = missing
/// bank.update_at(&[1, 0, 1], &[20.5, 1.0, 19.5])?;            // scattered; repeats are applied in order
/// let mut scores = [0.0; 3];
/// bank.update_scored(&[1.0, 90.0, 300.0], &mut scores)?;      // residual / scale before the sample
/// assert!(scores[1] > 4.0);
/// assert_eq!(bank.locations()[1], 20.0);                      // the spike did not count
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// No update panics or allocates (rayon's queue apart, when an update is shared among threads), and an update that
/// returns an error has changed nothing.
#[derive(Clone, Debug)]
pub struct Bank<R: Estimator, T: Real = f64> {
    sweep: Sweep<R, T>,
    columns: Columns<R, T>,
    /// Where the decay is in time; of no channels elsewhere.
    silence: Silence,
    recent: Recent<R, T>,
}

impl<R: Estimator, T: Real> Bank<R, T> {
    /// Makes a bank of `channels` channels that have seen nothing.
    ///
    /// # Errors
    /// `T` has no room for the rule's parameters, or there is no memory.
    pub fn new(rule: R, channels: usize) -> Result<Self, ChannelsError> {
        let sweep = Sweep::new(rule)?;
        let mut bank =
            Self { sweep, columns: Columns::new(0)?, silence: Silence::default(), recent: Recent::default() };
        bank.extend(channels)?;
        Ok(bank)
    }

    /// Runs the bank on the given backend instead of the fastest: for tests and measurements, as the results are the
    /// same bits.
    ///
    /// # Errors
    /// The machine does not have the backend.
    pub fn with_backend(mut self, backend: Backend) -> Result<Self, BackendError> {
        self.sweep = self.sweep.with_backend(backend)?;
        Ok(self)
    }

    /// Sets when updates are shared among threads. The results are the same bits.
    #[must_use]
    pub fn with_threads(mut self, threads: Threads) -> Self {
        self.sweep = self.sweep.with_threads(threads);
        self
    }

    /// The number of channels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether the bank has no channels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The rule that every channel is estimated by.
    #[must_use]
    pub fn rule(&self) -> &R {
        self.sweep.rule()
    }

    /// The backend that the bank runs on.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.sweep.backend()
    }

    /// The bytes of state that the bank holds, padding and room to grow included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.columns.bytes() + self.silence.bytes()
    }

    /// Updates every channel with one sample of its own; NaN is a missing sample.
    ///
    /// # Errors
    /// There is not one sample per channel. The state is untouched.
    pub fn update(&mut self, samples: &[T]) -> Result<(), UpdateError> {
        self.sweep.update(self.columns.as_mut_slices(), samples)
    }

    /// Updates every channel with a block of whole rows, oldest first, of one sample per channel each. The results are
    /// the bits of one [`update`](Self::update) after the other, and come faster when the state is larger than the
    /// cache.
    ///
    /// # Errors
    /// The block is no whole number of rows. The state is untouched.
    pub fn update_rows(&mut self, block: &[T]) -> Result<(), UpdateError> {
        self.sweep.update_rows(self.columns.as_mut_slices(), block)
    }

    /// Updates every channel with a series of its own, oldest sample first, all of one length: each channel's samples
    /// lie in one slice, as Arrow and data frames hold them. The results are the bits of
    /// [`update_rows`](Self::update_rows); the samples have to be transposed, which costs about as much as the update
    /// itself.
    ///
    /// ```
    /// use evenkeel::{Bank, Decay, RobustMean};
    /// let columns = [vec![1.0, 1.1, 0.9], vec![20.0, 20.5, f64::NAN]];
    /// let mut bank = Bank::<RobustMean>::new(RobustMean::new(Decay::half_life(60.0)?), 2)?;
    /// bank.update_series(&columns)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// There is not one series for each channel, or they are not all of one length. The state is untouched.
    pub fn update_series<C: AsRef<[T]> + Sync>(&mut self, series: &[C]) -> Result<(), UpdateError> {
        self.sweep.update_series(self.columns.as_mut_slices(), series)
    }

    /// Updates one channel with many samples, oldest first. Each step of a single series waits for the one before it:
    /// expect some fifteen nanoseconds a sample of `RobustMean`, on any backend. [`update_series`](Self::update_series)
    /// takes many series together, several at a time.
    ///
    /// # Errors
    /// The channel does not exist.
    pub fn update_channel(&mut self, channel: usize, samples: &[T]) -> Result<(), UpdateError> {
        self.sweep.update_channel(self.columns.as_mut_slices(), channel, samples)
    }

    /// Updates one channel with many samples, oldest first, and writes what is wanted of each of them: with the locations,
    /// a robust `ewm().mean()` of a whole column.
    ///
    /// ```
    /// use evenkeel::{Bank, Decay, Outputs, RobustMean};
    /// let mut bank = Bank::<RobustMean>::new(RobustMean::new(Decay::half_life(60.0)?), 1)?;
    /// let column = [10.0, 10.2, 9.9, 10.1, 9.8, 1e9, 10.0];
    /// let mut locations = [0.0; 7];
    /// bank.update_channel_into(0, &column, Outputs { locations: Some(&mut locations), ..Outputs::default() })?;
    /// assert!((locations[6] - 10.0).abs() < 0.2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The channel does not exist, or an output is not as long as the samples. The state and the outputs are untouched.
    pub fn update_channel_into(
        &mut self,
        channel: usize,
        samples: &[T],
        outputs: Outputs<'_, T>,
    ) -> Result<(), UpdateError> {
        self.sweep.update_channel_into(self.columns.as_mut_slices(), channel, samples, outputs)
    }

    /// Updates every channel with a block of whole rows as [`update_rows`](Self::update_rows) does, and writes what is
    /// wanted of every sample, in the layout of the block: see [`Outputs`].
    ///
    /// # Errors
    /// The block is no whole number of rows, or an output is not as long as the block. The state and the outputs are
    /// untouched.
    pub fn update_rows_into(&mut self, block: &[T], outputs: Outputs<'_, T>) -> Result<(), UpdateError> {
        self.sweep.update_rows_into(self.columns.as_mut_slices(), block, outputs)
    }

    /// Updates every channel with a series of its own as [`update_series`](Self::update_series) does, and writes what is
    /// wanted of every sample: to each series belong the outputs of the same index.
    ///
    /// ```
    /// use evenkeel::{Bank, Decay, Outputs, RobustMean};
    /// let columns = [vec![1.0, 1.1, 0.9], vec![20.0, 20.5, f64::NAN]];
    /// let mut bank = Bank::<RobustMean>::new(RobustMean::new(Decay::half_life(60.0)?), 2)?;
    /// let mut locations = [vec![0.0; 3], vec![0.0; 3]];
    /// let wanted = |places| Outputs { locations: Some(places), ..Outputs::default() };
    /// let mut outputs = locations.each_mut().map(|places| wanted(places));
    /// bank.update_series_into(&columns, &mut outputs)?;
    /// assert_eq!((locations[0][0], locations[1][2]), (1.0, locations[1][1])); // what is missing leaves the location
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// There are not one series and one `Outputs` for each channel, the series are not all of one length, or an output is
    /// not as long as they are. The state and the outputs are untouched.
    pub fn update_series_into<C: AsRef<[T]> + Sync>(
        &mut self,
        series: &[C],
        outputs: &mut [Outputs<'_, T>],
    ) -> Result<(), UpdateError> {
        self.sweep.update_series_into(self.columns.as_mut_slices(), series, outputs)
    }

    /// Updates channel `channels[i]` with `samples[i]`, in this order; a channel may be named more than once.
    ///
    /// # Errors
    /// The two are not of one length, or a channel does not exist. The state is untouched.
    pub fn update_at(&mut self, channels: &[usize], samples: &[T]) -> Result<(), UpdateError> {
        self.sweep.update_at(self.columns.as_mut_slices(), channels, samples)
    }

    /// Updates channel `channels[i]` with `samples[i]` as [`update_at`](Self::update_at) does, and writes what is wanted of
    /// every sample, in the order of the samples: a `group by`, with the number of its group beside each sample.
    ///
    /// ```
    /// use evenkeel::{Bank, Decay, Outputs, RobustMean};
    /// let mut bank = Bank::<RobustMean>::new(RobustMean::new(Decay::half_life(60.0)?), 2)?;
    /// let mut locations = [0.0; 4];
    /// let outputs = Outputs { locations: Some(&mut locations), ..Outputs::default() };
    /// bank.update_at_into(&[1, 0, 1, 0], &[20.0, 1.0, f64::NAN, 1.0], outputs)?;
    /// assert_eq!(locations, [20.0, 1.0, 20.0, 1.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Channels, samples and outputs are not of one length, or a channel does not exist. The state and the outputs are
    /// untouched.
    pub fn update_at_into(
        &mut self,
        channels: &[usize],
        samples: &[T],
        outputs: Outputs<'_, T>,
    ) -> Result<(), UpdateError> {
        self.sweep.update_at_into(self.columns.as_mut_slices(), channels, samples, outputs)
    }

    /// Updates every channel with one sample and writes each sample's score, its residual over the scale before it. The
    /// score is NaN for a missing sample and for a channel's first ones, which are [unscored](Scored::unscored).
    ///
    /// # Errors
    /// There are not one sample and one score per channel. The state is untouched.
    pub fn update_scored(&mut self, samples: &[T], scores: &mut [T]) -> Result<(), UpdateError>
    where
        R: Scored,
    {
        self.sweep.update_scored(self.columns.as_mut_slices(), samples, scores)
    }

    /// Updates every channel with one sample, and writes the rule's verdict on each: what [`observe`](Self::observe)
    /// returns of one channel, for a whole row.
    ///
    /// ```
    /// use evenkeel::{Bank, CleanedEma, Decay, Observation};
    ///
    /// let mut bank = Bank::<CleanedEma>::new(CleanedEma::new(Decay::half_life(60.0)?), 2)?;
    /// let nothing = Observation { score: f64::NAN, accepted: false, outlier: false, reopened: false };
    /// let mut verdicts = [nothing; 2];
    /// for t in 0..50 {
    ///     let sample = 5.0 + f64::from(t % 3);
    ///     bank.update_observed(&[sample, sample], &mut verdicts)?;
    /// }
    /// bank.update_observed(&[1e6, f64::NAN], &mut verdicts)?;
    /// assert!(verdicts[0].outlier && verdicts[0].score > 1e5);
    /// assert!(!verdicts[1].accepted); // missing
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// There are not one sample and one observation per channel, or the decay is in time. The state is untouched.
    pub fn update_observed(&mut self, samples: &[T], observations: &mut [Observation<T>]) -> Result<(), UpdateError> {
        self.sweep.update_observed(self.columns.as_mut_slices(), samples, observations)
    }

    /// Updates one channel with one sample, and returns the rule's verdict on that sample.
    ///
    /// # Errors
    /// The channel does not exist.
    #[inline]
    pub fn observe(&mut self, channel: usize, sample: T) -> Result<Observation<T>, UpdateError> {
        self.sweep.observe(self.columns.as_mut_slices(), channel, sample)
    }

    /// The columns of the state, which a snapshot holds.
    pub(crate) fn columns(&self) -> &Columns<R, T> {
        &self.columns
    }

    pub(crate) fn silence(&self) -> &[u64] {
        self.silence.channels()
    }

    pub(crate) fn constants(&self) -> &R::Constants<T> {
        self.sweep.constants()
    }

    /// The engine, and the columns that it runs over.
    pub(crate) fn parts(&mut self) -> (&Sweep<R, T>, ColumnsOf<R, &mut [T]>) {
        (&self.sweep, self.columns.as_mut_slices())
    }

    /// Ends the silence of a channel that begins anew, where the decay is in time.
    pub(crate) fn end_silence(&mut self, channel: usize) {
        self.silence.take(channel);
    }

    /// Other channels, with as many times of silence where the decay is in time.
    pub(crate) fn replace(&mut self, columns: Columns<R, T>, silence: Vec<u64>) {
        (self.columns, self.silence) = (columns, Silence::of(silence));
    }

    /// The location, scale and age of one channel; `None` if there is no such channel.
    #[must_use]
    pub fn reading(&self, channel: usize) -> Option<Reading<T>> {
        self.columns.state(channel).map(|state| self.sweep.reading(&state))
    }

    /// The location, scale and age of every channel, in order.
    pub fn readings(&self) -> impl ExactSizeIterator<Item = Reading<T>> {
        (0..self.len()).map(|channel| {
            let state = self.columns.state(channel);
            state.map_or(Reading { location: T::NAN, scale: T::NAN, age: T::default() }, |state| {
                self.sweep.reading(&state)
            })
        })
    }

    /// The age of every channel: the number of samples that its estimate rests on, up to the memory of the rule. It is
    /// 0 for a channel that has seen nothing, and 1 again after a re-opening (of a [`CleanedEma`], only where its
    /// average begins anew).
    pub fn ages(&self) -> impl ExactSizeIterator<Item = T> {
        self.readings().map(|reading| reading.age)
    }

    /// The resolution that a channel has learnt: 1, 0.1 and so on to 1e-6, or 0 where its samples are continuous.
    /// `None` for a rule without [`Resolution::Learn`](crate::Resolution::Learn), and if there is no such channel.
    #[must_use]
    pub fn step(&self, channel: usize) -> Option<f64> {
        self.columns.state(channel).and_then(|state| self.sweep.step(&state))
    }

    /// Gives a channel that has seen nothing the step in which its signal is known to be recorded: see
    /// [`Sweep::begin`].
    ///
    /// # Errors
    /// The channel does not exist.
    pub fn begin(&mut self, channel: usize, step: f64) -> Result<(), UpdateError> {
        self.sweep.begin(self.columns.as_mut_slices(), channel, step)
    }

    /// Resets a channel to one that has seen nothing.
    ///
    /// # Errors
    /// The channel does not exist.
    pub fn reset(&mut self, channel: usize) -> Result<(), UpdateError> {
        if !self.columns.reset(channel) {
            return Err(UpdateError::Channel { channel, channels: self.len() });
        }
        self.end_silence(channel);
        Ok(())
    }

    /// Removes a channel. The last channel takes its number, and its state moves with it, to the bit.
    ///
    /// # Errors
    /// The channel does not exist.
    pub fn swap_remove(&mut self, channel: usize) -> Result<(), UpdateError> {
        if !self.columns.swap_remove(channel) {
            return Err(UpdateError::Channel { channel, channels: self.len() });
        }
        if channel < self.silence.channels().len() {
            self.silence.swap_remove(channel);
        }
        Ok(())
    }

    /// Adds `more` channels that have seen nothing, after the present ones. Growth is amortised, as a `Vec`'s.
    ///
    /// # Errors
    /// There is no memory for them. The present channels are untouched.
    pub fn extend(&mut self, more: usize) -> Result<(), ChannelsError> {
        if self.sweep.rule().is_in_time() {
            let channels = self.len().saturating_add(more);
            if !self.silence.reserve(channels) {
                return Err(ChannelsError::OutOfMemory { channels });
            }
        }
        self.columns.extend(more)?;
        if self.sweep.rule().is_in_time() {
            self.silence.resize(self.columns.len());
        }
        Ok(())
    }
}

/// Samples at any distance in time, for a rule with [`Decay::half_life_time`](crate::Decay::half_life_time).
impl<R: Timed, T: Real> Bank<R, T> {
    /// Updates every channel with one sample, `elapsed` after the last row; NaN is a missing sample. A channel's gain
    /// is that of the time since its own last sample, so a gap in one series is a gap for that series. Zero is allowed:
    /// samples of one moment are averaged. Before a channel's first sample, and so at the first row, nothing depends on
    /// `elapsed`.
    ///
    /// ```
    /// use core::time::Duration;
    /// use evenkeel::{Bank, Decay, RobustMean};
    ///
    /// let rule = RobustMean::new(Decay::half_life_time(Duration::from_secs(60))?);
    /// let mut bank = Bank::<RobustMean>::new(rule, 2)?;
    /// for n in 0..100 {
    ///     let jitter = Duration::from_millis(900 + n * 37 % 200);
    ///     bank.update_after(jitter, &[5.0 + 0.1 * (n % 5) as f64, 80.0])?;
    /// }
    /// assert!((bank.locations()[0] - 5.2).abs() < 0.05);
    /// bank.update_after(Duration::from_secs(3600), &[5.4, 80.0])?; // after an hour of silence, the sample counts alone
    /// assert!((bank.locations()[0] - 5.4).abs() < 0.01);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The decay is in samples, or there is not one sample per channel. The state is untouched.
    pub fn update_after(&mut self, elapsed: Duration, samples: &[T]) -> Result<(), UpdateError> {
        let outputs = Outputs { locations: None, scales: None, scores: None, outliers: None };
        self.sweep.row_after(self.columns.as_mut_slices(), &mut self.silence, elapsed, samples, outputs)
    }

    /// Updates every channel with one sample, `elapsed` after the last row, and writes each sample's score as
    /// [`update_scored`](Self::update_scored) does.
    ///
    /// # Errors
    /// The decay is in samples, or there are not one sample and one score per channel. The state is untouched.
    pub fn update_scored_after(
        &mut self,
        elapsed: Duration,
        samples: &[T],
        scores: &mut [T],
    ) -> Result<(), UpdateError> {
        let outputs = Outputs { scores: Some(scores), locations: None, scales: None, outliers: None };
        self.sweep.row_after(self.columns.as_mut_slices(), &mut self.silence, elapsed, samples, outputs)
    }

    /// Updates every channel with a block of whole rows, each so long after the one before as `elapsed` says, as
    /// [`update_after`](Self::update_after) does, and writes what is wanted of every sample, in the layout of the block:
    /// see [`Outputs`].
    ///
    /// ```
    /// use core::time::Duration;
    /// use evenkeel::{Bank, Decay, Ema, Outputs};
    ///
    /// let mut bank = Bank::<Ema>::new(Ema::new(Decay::half_life_time(Duration::from_secs(60))?), 1)?;
    /// let elapsed = [0, 60, 120].map(Duration::from_secs); // what the first one is does not matter
    /// let mut locations = [0.0; 3];
    /// let outputs = Outputs { locations: Some(&mut locations), ..Outputs::default() };
    /// bank.update_rows_into_after(&elapsed, &[1.0, 4.0, 9.0], outputs)?;
    /// assert_eq!(locations[..2], [1.0, 3.0]); // the mean of weights 1/2 and 1
    /// assert!((locations[2] - 81.0 / 11.0).abs() < 1e-12); // and of 1/8, 1/4 and 1
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The decay is in samples, the block is no whole number of rows, there is not one elapsed time per row, or an output
    /// is not as long as the block. The state and the outputs are untouched.
    pub fn update_rows_into_after(
        &mut self,
        elapsed: &[Duration],
        block: &[T],
        outputs: Outputs<'_, T>,
    ) -> Result<(), UpdateError> {
        self.sweep.rows_after(&mut self.columns.as_mut_slices(), &mut self.silence, elapsed, block, outputs)
    }

    /// Updates every channel with a series of its own, all of one length, and sample `i` of each so long after the one
    /// before as `elapsed[i]` says; and writes what is wanted of every sample: to each series belong the outputs of the
    /// same index. The results are the bits of [`update_rows_into_after`](Self::update_rows_into_after).
    ///
    /// # Errors
    /// The decay is in samples, there are not one series and one `Outputs` for each channel, the series and the elapsed
    /// times are not all of one length, or an output is not as long as they are. The state and the outputs are untouched.
    pub fn update_series_into_after<C: AsRef<[T]> + Sync>(
        &mut self,
        elapsed: &[Duration],
        series: &[C],
        outputs: &mut [Outputs<'_, T>],
    ) -> Result<(), UpdateError> {
        self.sweep.series_after(self.columns.as_mut_slices(), &mut self.silence, elapsed, series, outputs)
    }

    /// Updates one channel with one sample, `elapsed` after the last update of this channel, whether its sample was
    /// missing or not.
    ///
    /// For channels that get their samples one by one. Do not mix it with [`update_after`](Self::update_after):
    /// `elapsed` counts from the last row there, and overstates the gap of a channel that had a sample since.
    ///
    /// # Errors
    /// The decay is in samples, or the channel does not exist. The state is untouched.
    pub fn observe_after(
        &mut self,
        channel: usize,
        elapsed: Duration,
        sample: T,
    ) -> Result<Observation<T>, UpdateError> {
        let sweep = &self.sweep;
        if !sweep.rule().is_in_time() {
            return Err(UpdateError::NotInTime);
        }
        let silent = self.silence.take(channel);
        let silent = silent.ok_or(UpdateError::Channel { channel, channels: self.columns.len() })?;
        let elapsed = elapsed.saturating_add(Duration::from_nanos(silent));
        if sample.to_f64().is_nan() {
            self.silence.set(channel, nanoseconds(elapsed));
        }
        let constants = self.recent.after(sweep, elapsed)?;
        Sweep::<R, T>::observe_by(constants, self.columns.as_mut_slices(), channel, sample)
    }
}

macro_rules! scaled {
    ($rule:ident, $location:literal) => {
        impl<T: Real> Bank<$rule, T> {
            #[doc = $location]
            #[must_use]
            pub fn locations(&self) -> &[T] {
                self.columns.column(0)
            }

            /// The scale of every channel: a mean of absolute residuals, at least half of the resolution; NaN for a
            /// channel that has seen nothing.
            pub fn scales(&self) -> impl ExactSizeIterator<Item = T> {
                self.readings().map(|reading| reading.scale)
            }
        }
    };
}
scaled!(RobustMean, "The location of every channel; NaN for one that has seen nothing.");
scaled!(CleanedEma, "The average of every channel; NaN for one that has seen nothing.");

impl<T: Real> Bank<Ema, T> {
    /// The moment `m` of every channel, without bias correction, as optimisers store it (with a decay in time: the
    /// location); NaN for a channel that has seen nothing.
    #[must_use]
    pub fn moments(&self) -> &[T] {
        self.columns.column(0)
    }

    /// The bias-corrected average `m_hat` of every channel; NaN for a channel that has seen nothing.
    pub fn locations(&self) -> impl ExactSizeIterator<Item = T> {
        self.readings().map(|reading| reading.location)
    }
}

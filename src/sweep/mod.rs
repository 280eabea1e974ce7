//! The sweeps: how a rule runs over memory, in code that is generic over the rule.
//!
//! | file | what it does |
//! |---|---|
//! | `row.rs` | one sample per channel |
//! | `block.rs` | many rows, a tile of channels at a time |
//! | `series.rs` | many rows, a slice per channel; one long series |
//! | `indexed.rs` | scattered channels |
//! | `layer.rs` | a pass over weights and gradients, and its mean |
//! | `together.rs` | many layers in one call |
//! | `full.rs` | the kernels of a layer's rule beside its plain step |
//! | `sum.rs` | the reproducible sum behind that mean |
//! | `squares.rs` | the same sum over the squares of a gradient |
//! | `sink.rs` | where outputs go |
//! | `outputs.rs` | what a pass reports of every sample |
//! | `reported.rs` | many rows, all of whose samples are reported |
//! | `turn.rs` | samples of series written as rows, and back |
//! | `turned.rs` | many rows, a slice per channel, all of whose samples are reported |
//! | `elapsed.rs` | a row of channels whose decay is in time |
//! | `moment.rs` | the step of some of these channels |
//! | `turned_after.rs` | series whose decay is in time |
//! | `threads.rs` | rayon over ranges of channels |

mod block;
mod elapsed;
mod full;
mod indexed;
mod kept;
mod layer;
mod moment;
mod outputs;
mod reported;
mod row;
mod series;
mod sink;
mod squares;
mod sum;
mod threads;
mod together;
mod turn;
mod turned;
mod turned_after;

pub(crate) use elapsed::{Recent, Silence, nanoseconds};
pub(crate) use layer::check;
pub use outputs::Outputs;
pub use sink::Observation;
pub use squares::sum_of_squares;
pub use threads::Threads;
pub use together::{LayerUpdate, update_layers};
pub(crate) use together::{Part, fetch, run_together};

use crate::cells::One;
use crate::dispatch::{Backend, Token};
use crate::error::{BackendError, ParameterError, UpdateError};
use crate::lane::{Lane, Real};
use crate::rule::{Arity, ColumnsOf, Estimator, InputsOf, Reading, Rule, Scored};
use crate::rules::{exponent_for, step_of};
use block::Block;
use core::fmt;
use outputs::Report;
use pulp::Scalar;
use row::Row;
use series::Series;
pub(crate) use sink::Place;
use sink::{Ignore, Scores, Sink, Verdicts};
use turned::Turned;

/// A rule with its constants, an instruction set and threads, ready to run over columns that somebody owns: a
/// [`Bank`](crate::Bank)'s, or your own.
///
/// This is the engine. [`Bank`](crate::Bank) and [`Layer`](crate::Layer) are a sweep and the columns it runs over; use
/// the sweep itself when the state lives in buffers of yours, such as an optimiser's moments. The columns are slices of
/// any alignment, all of one length, the number of channels; nothing is copied or allocated.
///
/// ```
/// use evenkeel::{Decay, Ema, Sweep};
///
/// let sweep = Sweep::<Ema, f32>::new(Ema::new(Decay::beta(0.9)?))?;
/// let (mut m, mut t) = (vec![0.0_f32; 1000], vec![0.0_f32; 1000]); // Ema: moment, count
/// sweep.reset([&mut m, &mut t]);                                   // nothing seen yet
/// sweep.update([&mut m, &mut t], &[8.0; 1000])?;
/// assert!((m[999] - 0.8).abs() < 1e-6);
/// assert!((sweep.reading(&[m[0], t[0]]).location - 8.0).abs() < 1e-5); // bias-corrected
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | rule | columns |
/// |---|---|
/// | [`Ema`](crate::Ema) | moment, count |
/// | [`ClippedEma`](crate::ClippedEma) | moment, scale, count |
/// | [`RobustMean`](crate::RobustMean) | location, scale, last strike, tally |
/// | [`CleanedEma`](crate::CleanedEma) | average, scale, location of the judge, its last strike, its tally, age, pending |
/// | [`Numerator`](crate::Numerator) | `u_hat`, `s`, `a~` |
/// | [`RelaxedNumerator`](crate::RelaxedNumerator) | `a~` |
/// | [`LearningRate`](crate::LearningRate) | `v_hat`, `u_hat`, `s`, `a~`, `m` |
///
/// Count and tally are integers stored in the bits of a float, all zero for a channel that has seen nothing: copy them,
/// but do not do arithmetic with them. [`reset`](Self::reset) writes what a channel that has seen nothing holds.
pub struct Sweep<R: Rule, T: Real = f64> {
    rule: R,
    constants: R::Constants<T>,
    /// Whether the decay is in time, and the constants are not yet those of an elapsed time.
    is_in_time: bool,
    token: Token,
    threads: Threads,
}

impl<R: Rule, T: Real> Sweep<R, T> {
    /// Makes a sweep of this rule on the fastest backend, sharing wide updates among threads.
    ///
    /// # Errors
    /// `T` has no room for the rule's parameters.
    pub fn new(rule: R) -> Result<Self, ParameterError> {
        let constants = rule.constants::<T>()?;
        Ok(Self { is_in_time: rule.is_in_time(), rule, constants, token: Token::best(), threads: Threads::default() })
    }

    /// Runs the sweep on the given backend instead of the fastest: for tests and measurements, as the results are the
    /// same bits.
    ///
    /// # Errors
    /// The machine does not have the backend.
    pub fn with_backend(mut self, backend: Backend) -> Result<Self, BackendError> {
        self.token = Token::new(backend)?;
        Ok(self)
    }

    /// Sets when updates are shared among threads. The results are the same bits.
    #[must_use]
    pub fn with_threads(mut self, threads: Threads) -> Self {
        self.threads = threads;
        self
    }

    pub(crate) fn set_threads(&mut self, threads: Threads) {
        self.threads = threads;
    }

    /// The rule of the sweep.
    #[must_use]
    pub fn rule(&self) -> &R {
        &self.rule
    }

    /// The backend that the sweep runs on.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.token.backend()
    }

    /// Replaces the rule by one of the same kind; if `T` has no room for its parameters, the old one stays.
    pub(crate) fn set_rule(&mut self, rule: R) -> Result<(), ParameterError> {
        self.constants = rule.constants::<T>()?;
        self.is_in_time = rule.is_in_time();
        self.rule = rule;
        Ok(())
    }

    pub(crate) fn constants(&self) -> &R::Constants<T> {
        &self.constants
    }

    /// The constants for an update without an elapsed time; an error if the decay is in time.
    pub(crate) fn steady(&self) -> Result<&R::Constants<T>, UpdateError> {
        if self.is_in_time { Err(UpdateError::NoElapsed) } else { Ok(&self.constants) }
    }

    /// Takes one step of another rule, and ignores its output. All slices have the same length.
    pub(crate) fn pass<'a, Q: Rule>(
        &self,
        constants: &'a Q::Constants<T>,
        state: ColumnsOf<Q, &mut [T]>,
        inputs: InputsOf<Q, &'a [T]>,
    ) {
        threads::run(Row::<Q, T, _>::new(constants, state, inputs, Ignore), self.token, self.threads);
    }

    /// Resets every channel of these columns to one that has seen nothing.
    pub fn reset(&self, state: ColumnsOf<R, &mut [T]>) {
        for (column, unseen) in state.into_iter().zip(R::unseen::<T>()) {
            column.fill(unseen);
        }
    }
}

impl<R: Estimator, T: Real> Sweep<R, T> {
    /// Updates every channel with one sample of its own; NaN is a missing sample.
    ///
    /// # Errors
    /// The columns and the samples are not all of one length. The state is untouched.
    pub fn update(&self, state: ColumnsOf<R, &mut [T]>, samples: &[T]) -> Result<(), UpdateError> {
        self.row(state, samples, Ignore)
    }

    /// Updates every channel with one sample and writes each sample's score, its residual over the scale before it. The
    /// score is NaN for a missing sample and for a channel's first ones, which are [unscored](Scored::unscored).
    ///
    /// # Errors
    /// The columns, the samples and the scores are not all of one length. The state is untouched.
    pub fn update_scored(
        &self,
        state: ColumnsOf<R, &mut [T]>,
        samples: &[T],
        scores: &mut [T],
    ) -> Result<(), UpdateError>
    where
        R: Scored,
    {
        same_length("scores", scores.len(), samples.len())?;
        self.row(state, samples, Scores(scores))
    }

    /// Updates every channel with a block of whole rows, oldest first. The results are the bits of one
    /// [`update`](Self::update) after the other, and come faster when the state is larger than the cache.
    ///
    /// # Errors
    /// The columns are not all of one length, or the block is no whole number of rows. The state is untouched.
    pub fn update_rows(&self, state: ColumnsOf<R, &mut [T]>, block: &[T]) -> Result<(), UpdateError> {
        let channels = channels_of::<R, T>(&state)?;
        if block.is_empty() {
            return Ok(());
        }
        rows_of(block.len(), channels)?;
        let constants = self.steady()?;
        let work = Block::<R, T> { constants, state, channels, samples: block, stride: channels, offset: 0 };
        threads::run(work, self.token, self.threads);
        Ok(())
    }

    /// Updates every channel with a series of its own, oldest sample first, all of one length: each channel's samples
    /// lie in one slice, as Arrow and data frames hold them. The results are the bits of
    /// [`update_rows`](Self::update_rows). `as_ref` has to return the same slice at every call.
    ///
    /// # Errors
    /// The columns are not all of one length, there is not one series for each channel, or the series are not all of
    /// one length. The state is untouched.
    pub fn update_series<C: AsRef<[T]> + Sync>(
        &self,
        state: ColumnsOf<R, &mut [T]>,
        series: &[C],
    ) -> Result<(), UpdateError> {
        let samples = length_of(series, channels_of::<R, T>(&state)?)?;
        if let [one] = series {
            // A single series has no neighbours.
            return self.update_channel(state, 0, one.as_ref());
        }
        let work = Series::<R, T, C> { constants: self.steady()?, state, columns: series, samples };
        threads::run(work, self.token, self.threads);
        Ok(())
    }

    /// Updates every channel with a block of whole rows as [`update_rows`](Self::update_rows) does, and writes what is
    /// wanted of every sample, in the layout of the block.
    ///
    /// # Errors
    /// The columns are not all of one length, the block is no whole number of rows, or an output is not as long as the
    /// block. The state and the outputs are untouched.
    pub fn update_rows_into(
        &self,
        mut state: ColumnsOf<R, &mut [T]>,
        block: &[T],
        outputs: Outputs<'_, T>,
    ) -> Result<(), UpdateError> {
        outputs.check(block.len())?;
        if outputs.is_empty() || block.is_empty() {
            return self.update_rows(state, block);
        }
        let channels = channels_of::<R, T>(&state)?;
        rows_of(block.len(), channels)?;
        let how = (self.token, self.threads);
        reported::run::<R, T>(self.steady()?, &mut state, channels, block, outputs, how);
        Ok(())
    }

    /// Updates every channel with a series of its own as [`update_series`](Self::update_series) does, and writes what is
    /// wanted of every sample: to each series belong the outputs of the same index.
    ///
    /// # Errors
    /// The columns are not all of one length, there are not one series and one `Outputs` for each channel, the series are
    /// not all of one length, or an output is not as long as they are. The state and the outputs are untouched.
    pub fn update_series_into<C: AsRef<[T]> + Sync>(
        &self,
        state: ColumnsOf<R, &mut [T]>,
        series: &[C],
        outputs: &mut [Outputs<'_, T>],
    ) -> Result<(), UpdateError> {
        let samples = length_of(series, channels_of::<R, T>(&state)?)?;
        check_all(outputs, series.len(), samples)?;
        let constants = self.steady()?;
        let how = (self.token, self.threads);
        if outputs.iter().all(Outputs::is_empty) {
            threads::run(Series::<R, T, C> { constants, state, columns: series, samples }, how.0, how.1);
        } else if let ([one], [outputs]) = (series, &mut *outputs) {
            // A single series has no neighbours.
            let sink = Report::new(outputs.part(0, samples));
            series::one::<R, T>(constants, cell::<R, T>(state, 0)?, one.as_ref(), sink);
        } else {
            threads::run(Turned::<R, T, C> { constants, state, columns: series, samples, outputs }, how.0, how.1);
        }
        Ok(())
    }

    /// Updates one channel with many samples, oldest first. The results are the bits of one [`observe`](Self::observe)
    /// after the other.
    ///
    /// # Errors
    /// The columns are not all of one length, or the channel does not exist. The state is untouched.
    pub fn update_channel(
        &self,
        state: ColumnsOf<R, &mut [T]>,
        channel: usize,
        samples: &[T],
    ) -> Result<(), UpdateError> {
        series::one::<R, T>(self.steady()?, cell::<R, T>(state, channel)?, samples, Ignore);
        Ok(())
    }

    /// Updates one channel with many samples, oldest first, and writes what is wanted of each of them.
    ///
    /// # Errors
    /// The columns are not all of one length, the channel does not exist, or an output is not as long as the samples. The
    /// state and the outputs are untouched.
    pub fn update_channel_into(
        &self,
        state: ColumnsOf<R, &mut [T]>,
        channel: usize,
        samples: &[T],
        outputs: Outputs<'_, T>,
    ) -> Result<(), UpdateError> {
        outputs.check(samples.len())?;
        series::one::<R, T>(self.steady()?, cell::<R, T>(state, channel)?, samples, Report::new(outputs));
        Ok(())
    }

    /// Updates channel `channels[i]` with `samples[i]`, in this order; a channel may be named more than once.
    ///
    /// # Errors
    /// The columns are not all of one length, `channels` and `samples` are not, or a channel does not exist. The state
    /// is untouched.
    pub fn update_at(
        &self,
        mut state: ColumnsOf<R, &mut [T]>,
        channels: &[usize],
        samples: &[T],
    ) -> Result<(), UpdateError> {
        check_named(channels, samples.len(), channels_of::<R, T>(&state)?)?;
        indexed::run::<R, T>(self.steady()?, &mut state, channels, samples);
        Ok(())
    }

    /// Updates channel `channels[i]` with `samples[i]` as [`update_at`](Self::update_at) does, and writes what is wanted of
    /// every sample, in the order of the samples.
    ///
    /// # Errors
    /// The columns are not all of one length, `channels`, `samples` and the outputs are not, or a channel does not exist.
    /// The state and the outputs are untouched.
    pub fn update_at_into(
        &self,
        mut state: ColumnsOf<R, &mut [T]>,
        channels: &[usize],
        samples: &[T],
        outputs: Outputs<'_, T>,
    ) -> Result<(), UpdateError> {
        check_named(channels, samples.len(), channels_of::<R, T>(&state)?)?;
        outputs.check(samples.len())?;
        indexed::reported::<R, T>(self.steady()?, &mut state, channels, samples, Report::new(outputs));
        Ok(())
    }

    /// Updates one channel with one sample, and returns the rule's verdict on that sample.
    ///
    /// # Errors
    /// The columns are not all of one length, or the channel does not exist. The state is untouched.
    #[inline]
    pub fn observe(
        &self,
        state: ColumnsOf<R, &mut [T]>,
        channel: usize,
        sample: T,
    ) -> Result<Observation<T>, UpdateError> {
        let cells = cell::<R, T>(state, channel)?;
        Ok(watch::<R, T>(self.steady()?, cells, sample))
    }

    /// Updates one channel as [`observe`](Self::observe) does, by constants such as those of an elapsed time.
    #[inline(always)]
    pub(crate) fn observe_by(
        constants: &R::Constants<T>,
        state: ColumnsOf<R, &mut [T]>,
        channel: usize,
        sample: T,
    ) -> Result<Observation<T>, UpdateError> {
        Ok(watch::<R, T>(constants, cell::<R, T>(state, channel)?, sample))
    }

    /// The resolution that a channel of this state, one element of each column, has learnt: 1, 0.1 and so on to 1e-6,
    /// or 0 where its samples are continuous. `None` for a rule without
    /// [`Resolution::Learn`](crate::Resolution::Learn).
    #[must_use]
    pub fn step(&self, state: &ColumnsOf<R, T>) -> Option<f64> {
        R::exponent(&self.constants, state).map(step_of)
    }

    /// Gives a channel that has seen nothing the step in which its signal is known to be recorded, for a rule with
    /// [`Resolution::Learn`](crate::Resolution::Learn): 1, 0.1 and so on to 1e-6, or 0 for continuous samples. Another
    /// step counts as the next finer of these, and a NaN or a number below 0 as an unknown one. Nothing happens to a
    /// channel that has seen a sample, or with another rule.
    ///
    /// # Errors
    /// The columns are not all of one length, or the channel does not exist. The state is untouched.
    pub fn begin(&self, state: ColumnsOf<R, &mut [T]>, channel: usize, step: f64) -> Result<(), UpdateError> {
        let mut cells = cell::<R, T>(state, channel)?;
        let mut copy = R::Columns::map(R::Columns::each_mut(&mut cells), |cell| **cell);
        R::seed(&self.constants, &mut copy, exponent_for(step));
        put::<R, T>(cells, copy);
        Ok(())
    }

    /// The location, scale and age of a channel of this state, one element of each column.
    #[inline]
    #[must_use]
    pub fn reading(&self, state: &ColumnsOf<R, T>) -> Reading<T> {
        R::read(&self.constants, state)
    }

    /// Updates every channel with one sample, and writes the rule's verdict on each: what [`observe`](Self::observe)
    /// returns of one channel, for a whole row.
    ///
    /// # Errors
    /// The columns, the samples and the observations are not all of one length. The state is untouched.
    pub fn update_observed(
        &self,
        state: ColumnsOf<R, &mut [T]>,
        samples: &[T],
        observations: &mut [Observation<T>],
    ) -> Result<(), UpdateError> {
        self.judge_row(state, samples, observations)
    }

    /// Updates every channel with one sample, and writes the verdict on each to a place of its own.
    pub(crate) fn judge_row<P: Place<T>>(
        &self,
        state: ColumnsOf<R, &mut [T]>,
        samples: &[T],
        places: &mut [P],
    ) -> Result<(), UpdateError> {
        same_length("observations", places.len(), channels_of::<R, T>(&state)?)?;
        self.row(state, samples, Verdicts(places))
    }

    fn row(&self, state: ColumnsOf<R, &mut [T]>, samples: &[T], sink: impl Sink<R, T>) -> Result<(), UpdateError> {
        let channels = channels_of::<R, T>(&state)?;
        same_length("samples", samples.len(), channels)?;
        let work = Row::<R, T, _>::new(self.steady()?, state, [samples], sink);
        threads::run(work, self.token, self.threads);
        Ok(())
    }
}

/// The length of the columns; an error if they are not all of one length.
fn channels_of<R: Rule, T: Real>(state: &ColumnsOf<R, &mut [T]>) -> Result<usize, UpdateError> {
    let mut lengths = state.as_ref().iter().map(|column| column.len());
    let first = lengths.next().unwrap_or(0);
    for length in lengths {
        same_length("a state column", length, first)?;
    }
    Ok(first)
}

/// The elements of one channel, one of each column.
#[inline(always)]
fn cell<R: Rule, T: Real>(state: ColumnsOf<R, &mut [T]>, channel: usize) -> Result<ColumnsOf<R, &mut T>, UpdateError> {
    let channels = channels_of::<R, T>(&state)?;
    if channel >= channels {
        return Err(UpdateError::Channel { channel, channels });
    }
    Ok(R::Columns::map(state, |column| &mut column[channel]))
}

/// Replaces the state of one channel.
pub(crate) fn replace_one<R: Rule, T: Real>(
    state: ColumnsOf<R, &mut [T]>,
    channel: usize,
    value: ColumnsOf<R, T>,
) -> Result<(), UpdateError> {
    put::<R, T>(cell::<R, T>(state, channel)?, value);
    Ok(())
}

fn put<R: Rule, T: Real>(cells: ColumnsOf<R, &mut T>, value: ColumnsOf<R, T>) {
    for (cell, value) in cells.into_iter().zip(value) {
        *cell = value;
    }
}

/// Updates one channel, and returns the verdict on its sample: a step by itself, without what a row makes ready for the
/// vectors that follow.
#[inline(always)]
fn watch<R: Estimator, T: Real>(constants: &R::Constants<T>, cells: ColumnsOf<R, &mut T>, sample: T) -> Observation<T> {
    let mut seen = Observation::NONE;
    R::step_and(
        constants,
        &mut One::<R, T>(cells),
        [Lane::splat(Scalar::new(), sample)],
        #[inline(always)]
        |output| seen = Observation::of(R::verdict(output)),
    );
    seen
}

/// The number of rows of a block; an error if it is no whole number.
fn rows_of(block: usize, channels: usize) -> Result<usize, UpdateError> {
    let rows = block.checked_div(channels).filter(|rows| rows * channels == block);
    rows.ok_or(UpdateError::Rows { got: block, channels })
}

/// The length of one series for each channel; an error if there are more or fewer, or not all are of one length.
fn length_of<T: Real, C: AsRef<[T]>>(series: &[C], channels: usize) -> Result<usize, UpdateError> {
    same_length("series", series.len(), channels)?;
    let samples = series.first().map_or(0, |first| first.as_ref().len());
    for one in series {
        same_length("samples of a series", one.as_ref().len(), samples)?;
    }
    Ok(samples)
}

/// Checks the outputs of some series, all of one length.
fn check_all<T>(outputs: &[Outputs<'_, T>], series: usize, samples: usize) -> Result<(), UpdateError> {
    same_length("outputs", outputs.len(), series)?;
    outputs.iter().try_for_each(|outputs| outputs.check(samples))
}

/// Checks that there is a channel for each sample, and that all of them exist.
pub(crate) fn check_named(channels: &[usize], samples: usize, have: usize) -> Result<(), UpdateError> {
    same_length("samples", samples, channels.len())?;
    let missing = channels.iter().find(|&&channel| channel >= have);
    missing.map_or(Ok(()), |&channel| Err(UpdateError::Channel { channel, channels: have }))
}

pub(crate) fn same_length(what: &'static str, got: usize, expected: usize) -> Result<(), UpdateError> {
    if got == expected { Ok(()) } else { Err(UpdateError::Length { what, got, expected }) }
}

impl<R: Rule, T: Real> Clone for Sweep<R, T> {
    fn clone(&self) -> Self {
        Self { rule: self.rule.clone(), ..*self }
    }
}

impl<R: Rule, T: Real> fmt::Debug for Sweep<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweep")
            .field("rule", &self.rule)
            .field("lane", &T::NAME)
            .field("backend", &self.backend())
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

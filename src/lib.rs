//! The running mean of signals that cannot be trusted: a robust location and scale of very many signals at once, at the
//! speed of memory.
//!
//! An exponential moving average is owned by its outliers: one spike of a million sigma, and it is wrong for hundreds
//! of steps. evenkeel judges each sample against a running scale, clips, rejects or replaces it (Huber, Hampel, Martin
//! and Thomson), and only then averages. A channel costs four to seven numbers of state, a sample a few tenths of a
//! nanosecond; there may be millions of channels.
//!
//! # Quick start
//!
//! ```
//! use evenkeel::{Bank, CleanedEma, Decay, RobustMean, Tracker};
//!
//! let decay = Decay::half_life(60.0)?; // a sample's weight halves every 60 samples; or span, com, alpha, beta
//! let rule = CleanedEma::new(decay); // the mean as if the spikes had not been there
//!
//! // Many channels, one row of samples at a time.
//! let mut bank = Bank::<CleanedEma>::new(rule, 3)?; // f64; Bank::<CleanedEma, f32> for half the memory
//! for t in 0..100 {
//!     let wobble = f64::from(t % 7) / 7.0;
//!     bank.update(&[5.0 + wobble, 100.0 + wobble, f64::NAN])?; // NaN = missing
//! }
//! let mut scores = [0.0; 3];
//! bank.update_scored(&[1e6, 100.5, f64::NAN], &mut scores)?; // residual / scale before the sample
//! assert!(scores[0] > 1e6);
//! assert!((bank.locations()[0] - 5.4).abs() < 0.1); // the spike did not count
//! assert!(bank.locations()[2].is_nan()); // nothing was ever seen
//!
//! // Named series that appear as they come; the robust centre of each, which soon follows a new level.
//! let mut tracker = Tracker::<String>::new(RobustMean::new(decay))?;
//! tracker.update("cpu", 42.0)?;
//! assert_eq!(tracker.get("cpu").unwrap().location, 42.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which piece
//!
//! | you have | use |
//! |---|---|
//! | a row of samples, one per channel, again and again | [`Bank::update`] |
//! | many rows at once | [`Bank::update_rows`]: the same bits, and less memory traffic |
//! | a column per series, as Arrow and data frames hold them | [`Bank::update_series`] |
//! | one long series | [`Bank::update_channel`] |
//! | a location, scale, score or outlier wanted for each sample, as a data frame does | [`Outputs`] with [`Bank::update_rows_into`], [`Bank::update_series_into`], [`Bank::update_channel_into`]; by group [`Bank::update_at_into`], [`TimedBank::observe_all_at`] |
//! | samples of some of the channels | [`Bank::update_at`] |
//! | the question how unusual each sample was | [`Bank::update_scored`], [`Bank::observe`] |
//! | samples at any distance in time | [`Decay::half_life_time`] with [`Bank::update_after`] for rows, [`Bank::update_rows_into_after`] and [`Bank::update_series_into_after`] for many, [`TimedBank::observe_at`] for samples one by one, [`Tracker::update_at`] for series by name |
//! | named series that come and go | [`Tracker`], with [`max_idle`](Tracker::max_idle) and [`max_series`](Tracker::max_series) |
//! | a process that may be killed, or series to move to another | [`Tracker::write_snapshot`], [`Bank::write_snapshot`], [`Layer::write_snapshot`] |
//! | an engine that holds the state of each series for you | [`OneSeries`], [`Tracker::save_series`] |
//! | more series than one process should hold | [`key_part`], [`split_snapshot`] and [`merge_snapshots`] |
//! | a dictionary of keys, and a code for each sample | [`Dictionary`] with [`Tracker::update_coded`] |
//! | weights and their gradients | [`Layer::update`], [`Layer::descend`]; many small layers at once: [`update_layers`], [`descend_layers`] |
//! | the losses of a batch, of which some labels are wrong | [`LossGuard`]: a weight for each example |
//! | gradients with a spike now and then | [`GradientGuard`], and [`sum_of_squares`] for the norm |
//! | state in buffers of your own, such as an optimiser's | [`Sweep`] |
//! | a signal recorded in steps: counts, or two decimals | [`Resolution`] |
//! | doubt about the thresholds | `TailProfile` (feature `histogram`) |
//!
//! | rule | what it estimates |
//! |---|---|
//! | [`CleanedEma`] | the plain exponential average as if the spikes had not been there: the mean of telemetry |
//! | [`RobustMean`] | robust location and scale: the centre of a contaminated signal, and quick to follow a shift |
//! | [`Ema`] | the plain exponential average with bias correction: Adam's first moment, and pandas' `ewm().mean()` |
//! | [`ClippedEma`] | that average behind an input clip, for samples about zero |
//! | [`Numerator`], [`RelaxedNumerator`] | the robust numerator of a learning rate, per weight, and its mean over the layer |
//! | [`LearningRate`] | that numerator over the norm of the gradient, and the step of descent |
//!
//! # In a running pipeline
//!
//! Clocks jitter, series come and go, and processes are killed:
//!
//! ```
//! use evenkeel::{Decay, Idle, Overflow, RobustMean, Tracker};
//! use std::time::Duration;
//!
//! let rule = RobustMean::new(Decay::half_life_time(Duration::from_secs(600))?); // a half-life in time, not in samples
//! let new = || -> Result<_, evenkeel::ChannelsError> {
//!     let tracker = Tracker::<String>::new(rule)?.max_idle(Idle::Time(Duration::from_secs(3600)));
//!     Ok(tracker.max_series(100_000, Overflow::Evict)) // the longest idle makes room
//! };
//! let mut tracker = new()?;
//! let feed = [(0, 42.0), (9_900, 43.0), (20_100, 41.5), (30_000, 42.2), (40_200, 42.4), (300_000, 42.6)];
//! for (milliseconds, sample) in feed {
//!     let nanoseconds = 1_700_000_000_000_000_000 + milliseconds * 1_000_000;
//!     tracker.update_at("cpu", nanoseconds, sample)?; // each series has its own last time
//! }
//! assert!((tracker.get("cpu").unwrap().location - 42.2).abs() < 1.0);
//! assert!(tracker.update_at("cpu", 1_700_000_000_000_000_000, 42.0).is_err()); // too late: refused and counted
//!
//! let mut bytes = Vec::new(); // or a file
//! tracker.write_snapshot(&mut bytes, b"line 3")?;
//! let mut restored = new()?;
//! restored.read_snapshot(&bytes)?; // goes on to the same bits, on any machine
//! assert_eq!(restored.get("cpu"), tracker.get("cpu"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`FORMAT.md`](https://github.com/evenkeel/evenkeel/blob/main/FORMAT.md) describes a snapshot byte for byte.
//!
//! # For optimisers
//!
//! A [`Layer`] runs a rule over weights and their gradient and returns the mean of its answer over the layer: one
//! number, computed in the same pass, with the same bits on every machine and any number of threads.
//!
//! ```
//! use evenkeel::{Decay, Layer, LearningRate, Numerator, RobustMean, Sweep};
//!
//! let (mut weights, gradient) = (vec![0.1_f32; 1000], vec![0.5_f32; 1000]);
//!
//! // The robust numerator of a learning rate: input clip, max-normaliser, output clip, layer mean.
//! let mut layer = Layer::<Numerator, f32>::new(Numerator::new(1e-3)?, weights.len())?;
//! let normalised = vec![1.0_f32; 1000];
//! let numerator: f32 = layer.update(&weights, &normalised)?;
//! assert!(numerator > 0.0);
//!
//! // The same over the norm of the gradient, and the step of descent.
//! let rule = LearningRate::new(1e-3)?.smoothing(Some(Decay::beta(0.9)?));
//! let mut layer = Layer::<LearningRate, f32>::new(rule, weights.len())?;
//! let rate = layer.descend(&mut weights, &gradient, |mean| mean)?; // a schedule may go here
//! assert!(rate > 0.0 && weights[0] < 0.1);
//!
//! // A robust mean where Adam keeps its first moment, in vectors of your own.
//! let first = Sweep::<RobustMean, f32>::new(RobustMean::new(Decay::beta(0.9)?).patience(8)?)?;
//! let mut state: [Vec<f32>; 4] = std::array::from_fn(|_| vec![0.0; 1000]);
//! first.reset(state.each_mut().map(Vec::as_mut_slice));
//! first.update(state.each_mut().map(Vec::as_mut_slice), &gradient)?;
//! assert_eq!(state[0][0], 0.5); // the location
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Two guards work with any optimiser, on any device, because they see numbers and no tensors: the losses of a batch become
//! weights of its examples, and the norm of a gradient becomes a factor of the step.
//!
//! ```
//! use evenkeel::{Decay, GradientGuard, LossGuard, sum_of_squares};
//!
//! let mut losses = LossGuard::new(Decay::half_life(50.0 * 32.0)?)?.squared(); // 50 steps of 32 examples
//! let mut gradients = GradientGuard::new(Decay::half_life(50.0)?)?;
//! let (batch, mut weights) = ([0.5_f32; 32], [0.0_f32; 32]);
//! for _ in 0..10 {
//!     losses.weigh(&batch, &mut weights)?; // wrong labels weigh 0: the gradient is that of the mean of weights * losses
//!     let gradient = [0.1_f32; 1000];
//!     let factor = gradients.observe(sum_of_squares(&gradient).sqrt()); // 1, less, or 0: skip the step
//!     assert_eq!((weights[0], factor), (1.0, 1.0));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/adamw.rs` is a whole `AdamW` with a robust first moment in 76 lines. The crate `evenkeel-candle` has an
//! optimiser for candle, and `evenkeel-burn` one for burn.
//!
//! # Guarantees
//!
//! 1. **The same bits** on every instruction set ([`Backend`]) and number of threads, row by row or in blocks, dense or
//!    scattered, at any channel position. So a result can be reproduced on another machine, and a test can compare for
//!    equality.
//! 2. **The specification to the bit**, in `f32` and `f64`: every operation is a single IEEE operation in the order of
//!    the equations, and the tests hold the engine to vectors that an independent implementation made,
//!    `tests/robust_mean.py`. The numerators agree with theirs to 1e-12 in `f64` and 1e-5 in `f32`, and with a plain
//!    loop to the bit.
//! 3. **NaN is missing, an infinity is an outlier, and the state is always finite.** Only a channel that has seen
//!    nothing has the location NaN. Zeros of either sign, subnormals and the largest floats are ordinary samples;
//!    samples beyond half the largest float count as half the largest float.
//! 4. **No panic and no allocation in an update** of a bank, a layer or a sweep. A wrong length is an error that names
//!    both lengths, and the state is untouched. (A new series of a [`Tracker`] needs room, and when an update is shared
//!    among threads from outside of rayon's pool, rayon's queue may allocate.)
//! 5. **State survives**: a snapshot that is read back goes on to the same bits, on any machine; one that is damaged,
//!    or of another rule, is an error and changes nothing. What this version writes is read by every later one.
//! 6. **No unsafe code**; pulp and aligned-vec carry it.
//! 7. **Robust as stated** in [`RobustMean`] and [`CleanedEma`]: influence, breakdown point, efficiency and recovery
//!    are tests with fixed seeds.
//!
//! Each but the sixth, which the compiler checks, has files of its own in `tests/promises/`.
//!
//! # Features
//!
//! * `rayon` (default): wide updates are shared among threads; see [`Threads`].
//! * `histogram`: `TailProfile`.
//! * `serde`: rules and limits in configuration files; [`Decay`], for example, reads `{"half_life": 60}` and checks it
//!   as its builder does. A rule that is written reads back as the same rule, to the bit, where the format keeps all
//!   digits: `serde_json` does so with its feature `float_roundtrip`.
//!
//! The crate needs Rust 1.89, from which on AVX-512 is stable.

mod bank;
mod cells;
mod columns;
mod decay;
mod descent;
mod dispatch;
mod error;
mod guards;
mod lane;
mod layer;
mod rule;
mod rules;
mod seed;
mod snapshot;
mod sweep;
#[cfg(feature = "histogram")]
mod tail;
mod timed;
mod tracker;
mod transpose;

pub use bank::Bank;
pub use columns::Columns;
pub use decay::Decay;
pub use descent::{LayerDescent, descend_layers};
pub use dispatch::Backend;
pub use error::{BackendError, ChannelsError, ParameterError, TrackError, UpdateError};
pub use guards::{GradientGuard, GradientGuards, LossGuard, Suspect};
pub use lane::Real;
pub use layer::Layer;
pub use rule::{ColumnsOf, Estimator, LayerRule, Reading, Rule, Scored, Timed};
pub use rules::{
    Bound, CleanedEma, ClippedEma, Correlated, Ema, Floor, LearningRate, Numerator, RelaxedNumerator, Resolution,
    RobustMean, Scope, WeightDecay,
};
pub use snapshot::{
    SnapshotError, SnapshotInfo, SnapshotKind, SnapshotRule, key_hash, key_part, merge_snapshots, split_snapshot,
};
pub use sweep::{LayerUpdate, Observation, Outputs, Sweep, Threads, sum_of_squares, update_layers};
#[cfg(feature = "histogram")]
pub use tail::TailProfile;
pub use timed::{TimedBank, Update};
pub use tracker::{Counters, Dictionary, Idle, OneSeries, Overflow, Series, SnapshotKey, ToKey, Tracker};

/// The README, whose examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

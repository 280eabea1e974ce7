//! The running mean of signals that cannot be trusted: a robust location and scale of very many signals at once, at the
//! speed of memory.
//!
//! An exponential moving average is owned by its outliers: one spike of a million sigma, and it is wrong for hundreds of
//! steps. evenkeel judges each sample against a running scale, clips, rejects or replaces it (Huber, Hampel, Martin and Thomson),
//! and only then averages. A channel costs four to seven numbers of state, a sample a few tenths of a nanosecond; there may be
//! millions of channels.
//!
//! # Quick start
//!
//! ```
//! use evenkeel::{Bank, Decay, RobustMean};
//!
//! let rule = RobustMean::new(Decay::half_life(60.0)?); // a sample's weight halves every 60 samples
//! let mut bank = Bank::<RobustMean>::new(rule, 10_000)?; // 10,000 channels of f64
//! let mut row = vec![20.0; 10_000];
//! for t in 0..100 {
//!     row.fill(20.0 + f64::from(t % 5));
//!     bank.update(&row)?; // one sample per channel; NaN = missing
//! }
//! row.fill(1e9);
//! bank.update(&row)?; // a spike everywhere
//! assert!((bank.locations()[0] - 22.0).abs() < 1.0); // never happened
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
//! | one long series | [`Bank::update_channel_into`]: the location after each sample |
//! | samples of some of the channels | [`Bank::update_at`] |
//! | the question how unusual each sample was | [`Bank::update_scored`], [`Bank::observe`] |
//! | samples at any distance in time | [`Decay::half_life_time`] with [`Bank::update_after`] for rows, [`TimedBank::observe_at`] for samples one by one, [`Tracker::update_at`] for series by name |
//! | named series that come and go | [`Tracker`], with [`max_idle`](Tracker::max_idle) and [`max_series`](Tracker::max_series) |
//! | a process that may be killed, or series to move to another | [`Tracker::write_snapshot`], [`Bank::write_snapshot`], [`Layer::write_snapshot`] |
//! | weights and their gradients | [`Layer::update`], [`Layer::descend`]; many small layers at once: [`update_layers`] |
//! | state in buffers of your own, such as an optimiser's | [`Sweep`] |
//! | a signal recorded in steps: counts, or two decimals | [`Resolution`] |
//! | doubt about the thresholds | `TailProfile` (feature `histogram`) |
//!
//! | rule | what it estimates |
//! |---|---|
//! | [`CleanedEma`] | the plain exponential average as if the spikes had not been there: the mean of telemetry |
//! | [`RobustMean`] | robust location and scale: the centre of a contaminated signal, and quick to follow a shift |
//! | [`Ema`] | the plain exponential average with bias correction: Adam's first moment |
//! | [`ClippedEma`] | that average behind an input clip, for samples about zero |
//! | [`Numerator`], [`RelaxedNumerator`] | the robust numerator of a learning rate, per weight, and its mean over the layer |
//! | [`LearningRate`] | that numerator over the norm of the gradient, and the step of descent |
//!
//! # Guarantees
//!
//! 1. **The same bits** on every instruction set ([`Backend`]) and number of threads, row by row or in blocks, dense or
//!    scattered, at any channel position. So a result can be reproduced on another machine, and a test can compare for
//!    equality.
//! 2. **The specification to the bit**: every operation is a single IEEE operation in the order of the equations, and the
//!    tests hold the engine to vectors that an independent implementation made.
//! 3. **NaN is missing, an infinity is an outlier, and the state is always finite.** Only a channel that has seen nothing has
//!    the location NaN. Zeros of either sign, subnormals and the largest floats are ordinary samples; samples beyond half
//!    the largest float count as half the largest float.
//! 4. **No panic and no allocation in an update.** A wrong length is an error that names both lengths, and the state is
//!    untouched. (When an update is shared among threads from outside of rayon's pool, rayon's queue may allocate.)
//! 5. **State survives**: a snapshot that is read back goes on to the same bits, on any machine; one that is damaged, or of another
//!    rule, is an error. What this version writes is read by every later one.
//! 6. **No unsafe code**; pulp and aligned-vec carry it.
//! 7. **Robust as stated** in [`RobustMean`] and [`CleanedEma`]: influence, breakdown point, efficiency and recovery are tests with fixed seeds.
//!
//! # Features
//!
//! * `rayon` (default): wide updates are shared among threads; see [`Threads`].
//! * `histogram`: `TailProfile`.
//! * `serde`: rules and limits in configuration files; [`Decay`], for example, reads `{"half_life": 60}` and checks it as its
//!   builder does. What is written reads back as the same rule, to the bit, where the format keeps all digits: `serde_json`
//!   does so with its feature `float_roundtrip`.
//!
//! The crate needs Rust 1.89, from which on AVX-512 is stable.

mod bank;
mod cells;
mod columns;
mod decay;
mod error;
mod lane;
mod layer;
mod rule;
mod rules;
mod snapshot;
mod sweep;
#[cfg(feature = "histogram")]
mod tail;
mod timed;
mod tracker;

pub use bank::Bank;
pub use columns::Columns;
pub use decay::Decay;
pub use error::{BackendError, ChannelsError, ParameterError, TrackError, UpdateError};
pub use lane::Real;
pub use layer::Layer;
pub use rule::{ColumnsOf, Estimator, LayerRule, Reading, Rule, Scored, Timed};
pub use rules::{
    Bound, CleanedEma, ClippedEma, Ema, LearningRate, Numerator, RelaxedNumerator, Resolution, RobustMean, WeightDecay,
};
pub use snapshot::{SnapshotError, SnapshotInfo, SnapshotKind, SnapshotRule};
pub use sweep::{Backend, LayerUpdate, Observation, Sweep, Threads, update_layers};
#[cfg(feature = "histogram")]
pub use tail::TailProfile;
pub use timed::{TimedBank, Update};
pub use tracker::{Counters, Idle, Overflow, Series, SnapshotKey, Tracker};

/// The README's examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

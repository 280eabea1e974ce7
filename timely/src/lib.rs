//! Robust location and scale of keyed streams, as an operator of [timely dataflow](timely), with snapshots that survive
//! crashes and other numbers of workers.
//!
//! Each worker has an [`evenkeel::Tracker`] with the series whose stable hash is its own, and [`track`] sends it their
//! samples. At the end of every so many epochs it saves its series; after a crash, as many workers as you like go on
//! from the last epoch that all had saved, with the bits and the counters of one tracker that saw everything once.
//!
//! ```
//! use evenkeel::{Decay, RobustMean, Tracker};
//! use evenkeel_timely::{Snapshots, track};
//! use timely::dataflow::operators::{Inspect, Probe};
//! use timely::dataflow::{InputHandle, ProbeHandle};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path().to_owned();
//! timely::execute(timely::Config::process(2), move |worker| {
//!     let tracker = Tracker::<String>::new(RobustMean::new(Decay::half_life(60.0).unwrap())).unwrap();
//!     let snapshots = Snapshots::new(&folder, 10).unwrap(); // at the end of epochs 9, 19, 29, ...
//!     let (mut input, probe) = (InputHandle::new(), ProbeHandle::new());
//!     let status = worker.dataflow(|scope| {
//!         let (estimates, status) = track(input.to_stream(scope), tracker, Some((snapshots, &probe))).unwrap();
//!         estimates.inspect(|(key, time, estimate)| assert!(key == "cpu" && estimate.location == 42.0)).probe_with(&probe);
//!         status
//!     });
//!     // Replay the source from here: 0 at first, and after a crash the epoch behind the last that all had saved.
//!     input.advance_to(status.resumed_from());
//!     for epoch in status.resumed_from()..20 {
//!         if worker.index() == 0 {
//!             input.send(("cpu".to_owned(), i64::try_from(epoch).unwrap(), 42.0));
//!         }
//!         input.advance_to(epoch + 1);
//!     }
//!     worker.step_while(|| status.saved() < Some(19) && status.failed().is_none());
//!     assert_eq!(status.failed(), None);
//! })
//! .map_err(std::io::Error::other)?
//! .join()
//! .into_iter()
//! .try_for_each(|worker| worker.map_err(std::io::Error::other))?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | `operator.rs` | [`track`]: samples in, estimates out, epoch by epoch |
//! | `snapshots.rs` | [`Snapshots`]: the parts of all workers, and the last epoch that all have saved |
//! | `place.rs`, `store.rs` | where the parts are: a folder, or an object store with the feature `object_store` |

mod error;
mod operator;
mod place;
mod snapshots;
#[cfg(feature = "object_store")]
mod store;

pub use error::Error;
pub use operator::{Estimate, Estimates, Sample, Status, track};
pub use snapshots::Snapshots;

/// The README, whose examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

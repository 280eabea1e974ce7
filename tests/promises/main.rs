//! The promises, a module for each; `oracle` holds the plain loops that they are held to.
//!
//! One program, and not one for each file: every kernel is compiled for each of its rules, element types and
//! instruction sets, and that once is enough.

#[path = "../oracle/mod.rs"]
mod oracle;
#[path = "../support/mod.rs"]
mod support;

mod clipped_ema;
mod codes;
mod convert;
mod decay;
mod digest;
mod elapsed;
mod ema;
mod errors;
mod expiry;
mod golden;
mod guards;
mod layers;
mod no_alloc;
mod numerator;
mod outputs;
mod parts;
mod properties;
mod same_bits;
mod samples;
mod series_bytes;
mod snapshot;
mod start;
mod statistics;
#[cfg(feature = "histogram")]
mod tail;
mod timed;
mod tracker;
mod vectors;
mod verdicts;

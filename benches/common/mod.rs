//! What every benchmark shares: the data, the memory probe and the honest competitor.
#![allow(dead_code, unreachable_pub)] // a module of several programs, each of which uses its part

#[allow(clippy::cast_possible_truncation)] // constants, rounded once to the lane type
pub mod competitor;
pub mod data;
pub mod probe;

//! The parts that benchmarks share: the data, the memory probe and the honest competitor.
#![allow(dead_code, unreachable_pub)] // a module of several programs, each of which uses its part

#[allow(clippy::cast_possible_truncation)] // constants, rounded once
pub mod competitor;
pub mod data;
pub mod probe;

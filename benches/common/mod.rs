//! The parts that benchmarks share: the data, the turns, the memory probe and the honest competitor, and what is counted.
#![allow(dead_code, unreachable_pub)] // a module of several programs, each of which uses its part

#[allow(clippy::cast_possible_truncation)] // constants, rounded once
pub mod competitor;
pub mod data;
pub mod memory;
pub mod probe;
pub mod turns;
pub mod updates;

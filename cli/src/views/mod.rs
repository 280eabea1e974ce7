//! Estimates made visible: plots, and tables of tails.

pub(crate) mod drawing;
pub(crate) mod plot;
pub(crate) mod tails;

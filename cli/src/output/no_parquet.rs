//! The writer of Parquet and Arrow where that is not built in: an error that names the feature.

use super::encode::Batch;
use super::format::OutputFormat;
use super::target::Target;
use crate::failure::{Failure, not_built_in};

/// A writer that cannot be made.
pub(super) enum Encoder {}

impl Encoder {
    pub(super) fn new(_: OutputFormat, _: Target) -> Result<Self, Failure> {
        Err(not_built_in("the output", "Parquet or Arrow"))
    }

    pub(super) fn batch(&mut self, _: &Batch) -> Result<(), Failure> {
        match *self {}
    }

    pub(super) fn finish(self) -> Result<Target, Failure> {
        match self {}
    }
}

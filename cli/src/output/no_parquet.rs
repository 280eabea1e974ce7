//! The writer of Parquet files where that is not built in: an error that names the feature.

use super::encode::Batch;
use super::target::Target;
use crate::failure::{Failure, no_parquet};

/// A writer that cannot be made.
pub(super) enum Encoder {}

impl Encoder {
    pub(super) fn new(_: Target) -> Result<Self, Failure> {
        Err(no_parquet("the output"))
    }

    pub(super) fn batch(&mut self, _: &Batch) -> Result<(), Failure> {
        match *self {}
    }

    pub(super) fn finish(self) -> Result<Target, Failure> {
        match self {}
    }
}

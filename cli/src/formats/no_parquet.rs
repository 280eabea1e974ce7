//! The reader of Parquet files where it is not built in: it refuses them.

use super::csv::Fields;
use super::reader::{Client, Input, Next, Reader, Use};
use crate::failure::{Failure, not_built_in};

/// A reader that cannot be made.
pub(crate) enum Parquet {}

impl Reader for Parquet {
    type Record<'a> = Fields<'a>;

    const ENDINGS: &'static [&'static str] = &["parquet"];
    const USES: &'static [Use] = &[Use::Columns, Use::TimeForm];
    const IS_STREAMED: bool = false;
    const IS_TYPED: bool = true;

    /// A Parquet file begins with its mark, and then the first field of a header, which no text has.
    fn looks_like(first: &[u8]) -> bool {
        first.starts_with(b"PAR1\x15")
    }

    fn open(input: Input) -> Result<Self, Failure> {
        Err(not_built_in(&input.name, "Parquet"))
    }

    fn next(&mut self, _: &mut impl Client) -> Result<Next<'_, Fields<'_>>, Failure> {
        match *self {}
    }

    fn check_end(&self, _: u64) -> Result<(), Failure> {
        match *self {}
    }
}

//! The reader of Arrow files and streams where it is not built in: it refuses them.

use super::csv::Fields;
use super::reader::{Client, Input, Next, Reader, Use};
use crate::failure::{Failure, not_built_in};

/// A reader that cannot be made.
pub(crate) enum Arrow {}

impl Reader for Arrow {
    type Record<'a> = Fields<'a>;

    const ENDINGS: &'static [&'static str] = &["arrow", "arrows", "feather", "ipc"];
    const USES: &'static [Use] = &[Use::Columns, Use::TimeForm];
    const IS_STREAMED: bool = false;
    const IS_TYPED: bool = true;

    /// The mark of a file; or the start of a stream, which no text has.
    fn looks_like(first: &[u8]) -> bool {
        first.starts_with(b"ARROW1") || first.starts_with(&[0xff; 4])
    }

    fn open(input: Input) -> Result<Self, Failure> {
        Err(not_built_in(&input.name, "Arrow"))
    }

    fn next(&mut self, _: &mut impl Client) -> Result<Next<'_, Fields<'_>>, Failure> {
        match *self {}
    }

    fn check_end(&self, _: u64) -> Result<(), Failure> {
        match *self {}
    }
}

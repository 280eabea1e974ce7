//! The decompressors where they are not built in: what is compressed is refused.

use super::compression::Compression;
use crate::failure::Failure;
use std::io::Read;

/// Refuses what is compressed.
pub(super) fn unpack(compression: Compression, _: impl Read + 'static, name: &str) -> Result<Box<dyn Read>, Failure> {
    let why =
        "which this program was built without: build it with the feature `compression`, which is on by default, or";
    let (compression, command) = (compression.name(), compression.command());
    Err(Failure::usage(format!("{name} is compressed by {compression}, {why} unpack it with `{command} FILE |`")))
}

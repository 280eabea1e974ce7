//! State that survives the process: the bytes of a bank, a layer or a tracker, as `FORMAT.md` describes them.
//!
//! | file | what it does |
//! |---|---|
//! | `header.rs` | what a snapshot is of: the kind, the rule and its parameters, the size |
//! | `body.rs` | numbers to bytes and back, in order |
//! | `first.rs` | what is made of snapshots of format 1 |
//! | `faces.rs` | [`Bank`](crate::Bank) and [`Layer`](crate::Layer); a [`Tracker`](crate::Tracker)'s is in its own folder |

mod body;
mod faces;
mod first;
mod header;

pub(crate) use body::{Body, Reader, columns, read_columns, write_whole};
pub(crate) use first::Tally as FirstTally;
pub(crate) use header::Header;
pub use header::{SnapshotInfo, SnapshotKind, SnapshotRule};

use crate::error::ChannelsError;
use thiserror::Error;

/// Bytes that cannot be taken for the state of this bank, layer or tracker, which is as it was.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// They are something else.
    #[error("this is no snapshot of evenkeel: it does not begin with `EVENKEEL`")]
    NotASnapshot,
    /// They were written by a later version of this library.
    #[error("the snapshot has format {found}, and this version of evenkeel reads 1 to {known}: use a later one")]
    Format {
        /// The format of the snapshot.
        found: u32,
        /// The latest format that is known here.
        known: u32,
    },
    /// Some of them are missing, or there are too many.
    #[error(
        "the snapshot should have {expected} bytes and has {got}: it was cut off, or something was added: take \
         the one before it"
    )]
    Length {
        /// How many there should be.
        expected: u64,
        /// How many there are.
        got: u64,
    },
    /// Some of them are not what was written.
    #[error("the checksum of the snapshot's {part} is wrong: it was damaged, take the one before it")]
    Checksum {
        /// `header` or `body`.
        part: &'static str,
    },
    /// The checksums are right and what they protect is not.
    #[error("the snapshot contradicts itself: {what}; whatever wrote it is broken")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// It is of something else: a bank, a layer or a tracker, of `f32` or `f64`, with another kind of key.
    #[error("the snapshot is of {found}, not of {expected}: read it into what it is of")]
    Other {
        /// What it is of.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// It was made by another rule, or by the same with other parameters.
    #[error("the snapshot was made by {found}, not by {expected}: it differs in {differs}")]
    Rule {
        /// The rule of the snapshot with all of its parameters.
        found: String,
        /// The rule here.
        expected: String,
        /// The parameters that differ, by name.
        differs: String,
    },
    /// A channel is in a state that the rule cannot have led to.
    #[error("the snapshot's channel {channel} is in a state that {rule} never leads to: whatever wrote it is broken")]
    State {
        /// The number of the channel.
        channel: usize,
        /// The rule.
        rule: &'static str,
    },
    /// A series that was to be added is there already.
    #[error("the series {key:?} is there already: remove it first")]
    Exists {
        /// Its key.
        key: String,
    },
    /// There is no room for what it holds.
    #[error(transparent)]
    Channels(#[from] ChannelsError),
    /// There would be more series than there may be.
    #[error("with these there would be {series} series, and {max_series} may be: raise max_series")]
    Full {
        /// How many there would be.
        series: usize,
        /// How many there may be.
        max_series: usize,
    },
}

//! Snapshots, state that survives the process: the bytes of a bank, a layer, a tracker or a guard, as `FORMAT.md` describes
//! them.
//!
//! | file | what it does |
//! |---|---|
//! | `header.rs` | the header: kind, rule with its parameters, size |
//! | `body.rs` | numbers to bytes and back, in order |
//! | `first.rs` | snapshots of format 1, read as those of format 2 |
//! | `parts.rs` | the series of a tracker shared out among several snapshots, and put together |
//! | `series.rs` | one series as a few bytes of its own |
//! | `faces.rs` | [`Bank`](crate::Bank) and [`Layer`](crate::Layer); those of a [`Tracker`](crate::Tracker) and of guards are in their own folders |

mod body;
mod faces;
mod first;
mod header;
mod parts;
mod series;

pub(crate) use body::{Body, Reader, columns, read_columns, write_whole};
pub(crate) use first::Tally as FirstTally;
pub(crate) use header::Header;
pub use header::{SnapshotInfo, SnapshotKind, SnapshotRule};
pub use parts::{key_hash, key_part, merge_snapshots, split_snapshot};
pub(crate) use series::{Fingerprint, MOST, SavedSeries};

use crate::error::ChannelsError;
use thiserror::Error;

/// The mark of a tracker whose clock is in time.
pub(crate) const IN_TIME: u8 = 1;
/// The mark of a tracker that has refused late samples of some series.
pub(crate) const HAS_LATE: u8 = 2;
/// The number of a tracker's counters.
pub(crate) const COUNTERS: usize = 10;

/// Bytes that are no state of this bank, layer, tracker or guard, which has not changed.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The bytes are no snapshot.
    #[error("this is no snapshot of evenkeel: it does not begin with `EVENKEEL`")]
    NotASnapshot,
    /// The bytes were written by a later version of this library.
    #[error("the snapshot has format {found}, and this version of evenkeel reads 1 to {known}: use a later one")]
    Format {
        /// The format of the snapshot.
        found: u32,
        /// The latest format that this version reads.
        known: u32,
    },
    /// Some bytes are missing, or there are too many.
    #[error(
        "the snapshot should have {expected} bytes and has {got}: it was cut off, or something was added: take \
         the one before it"
    )]
    Length {
        /// The number of bytes that there should be.
        expected: u64,
        /// The number of bytes that there are.
        got: u64,
    },
    /// Some bytes are not those that were written.
    #[error("the checksum of the snapshot's {part} is wrong: it was damaged, take the one before it")]
    Checksum {
        /// The part with the wrong checksum: `header` or `body`.
        part: &'static str,
    },
    /// The checksums are right, and the bytes contradict themselves.
    #[error("the snapshot contradicts itself: {what}; whatever wrote it is broken")]
    Malformed {
        /// The contradiction.
        what: &'static str,
    },
    /// The snapshot is of something else: a bank, a layer or a tracker, of `f32` or `f64`, with another kind of key.
    #[error("the snapshot is of {found}, not of {expected}: read it into what it is of")]
    Other {
        /// A description of the snapshot.
        found: String,
        /// A description of the snapshot that was expected.
        expected: String,
    },
    /// The snapshot was made by another rule, or by the same with other parameters.
    #[error("the snapshot was made by {found}, not by {expected}: it differs in {differs}")]
    Rule {
        /// The rule of the snapshot with all of its parameters.
        found: String,
        /// The rule of this bank, layer or tracker.
        expected: String,
        /// The parameters that differ, by name.
        differs: String,
    },
    /// The bytes of a series were saved by another rule, other parameters or another element type.
    #[error("the series was saved by another rule, or other parameters, than {expected}: restore it by its own")]
    Fingerprint {
        /// The rule with all of its parameters, and the element type, by which it was to be restored.
        expected: String,
    },
    /// A snapshot cannot be split into so many.
    #[error("a snapshot is split into 1 to 65536 parts, not into {parts}")]
    Parts {
        /// The number of parts that was asked for.
        parts: usize,
    },
    /// There is no snapshot to merge.
    #[error("there is no snapshot to merge: give one at least")]
    Nothing,
    /// The note is too long.
    #[error("a note of {bytes} bytes is too long: it has half a mebibyte at most")]
    Note {
        /// The bytes of the note.
        bytes: usize,
    },
    /// A channel is in a state that the rule cannot have led to.
    #[error("the snapshot's channel {channel} is in a state that {rule} never leads to: whatever wrote it is broken")]
    State {
        /// The number of the channel.
        channel: usize,
        /// The rule.
        rule: &'static str,
    },
    /// The series that was to be added is there already.
    #[error("the series {key} is there already: remove it first")]
    Exists {
        /// The key of the series, as its `Debug` writes it.
        key: String,
    },
    /// There is no memory for the state in the snapshot.
    #[error(transparent)]
    Channels(#[from] ChannelsError),
    /// The snapshot's series would be too many.
    #[error("with these there would be {series} series, and {max_series} may be: raise max_series")]
    Full {
        /// The number of series that there would be.
        series: usize,
        /// The most series that there may be.
        max_series: usize,
    },
}

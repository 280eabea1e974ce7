//! [`Error`]: why snapshots cannot be made or read.

use evenkeel::SnapshotError;
use std::io;
use std::path::PathBuf;

/// A reason for which snapshots cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There would be a snapshot every 0 epochs.
    #[error("a snapshot every 0 epochs would be none: give 1 or more, or no snapshots at all")]
    Every,
    /// The folder or a file in it cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The folder or the file.
        path: PathBuf,
        /// The reason.
        #[source]
        error: io::Error,
    },
    /// The object store cannot be read or written.
    #[cfg(feature = "object_store")]
    #[error("{path}: {error}")]
    Store {
        /// The prefix or the object.
        path: String,
        /// The reason.
        #[source]
        error: object_store::Error,
    },
    /// A file or an object is damaged, or of another rule or kind of key.
    #[error("{path}: {error}; remove what is of this epoch there to go on from the one before")]
    Snapshot {
        /// The file or the object, or where they all are if they do not fit each other.
        path: String,
        /// The reason.
        #[source]
        error: SnapshotError,
    },
}

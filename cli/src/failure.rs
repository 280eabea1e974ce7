//! The ways in which the program stops early, and the exit code of each.

use std::fmt::Display;
use std::io::ErrorKind;

/// A reason to stop before the work is done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line or the input cannot be used as it is: exit code 2.
    Usage(String),
    /// The work failed on the way: exit code 1, or 0 where a reader closed the pipe because it has seen enough.
    Failed(anyhow::Error),
}

impl Failure {
    /// A command line or an input that cannot be used.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::Usage(message.to_string())
    }

    /// A failure on the way that no library error stands behind.
    pub(crate) fn failed(message: impl Display) -> Self {
        Self::Failed(anyhow::anyhow!("{message}"))
    }

    /// The exit code of the program.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) if self.is_closed_pipe() => 0,
            Self::Failed(_) => 1,
        }
    }

    /// The message to the user; nothing where nothing is wrong.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Usage(message) => Some(message.clone()),
            Self::Failed(_) if self.is_closed_pipe() => None,
            Self::Failed(error) => Some(format!("{error:#}")),
        }
    }

    /// Whether the reader of a pipe has gone away, as `head` does, which is how pipes end.
    fn is_closed_pipe(&self) -> bool {
        let Self::Failed(error) = self else { return false };
        let io_errors = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
        io_errors.map(std::io::Error::kind).any(|kind| kind == ErrorKind::BrokenPipe)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// The failure where Parquet or Arrow is wanted and not built in.
#[cfg(not(feature = "parquet"))]
pub(crate) fn not_built_in(what: &str, format: &str) -> Failure {
    Failure::usage(format!(
        "{what} is {format}, which this program was built without: build it with the feature `parquet`, such as by `cargo \
         install --path cli`, where it is on by default"
    ))
}

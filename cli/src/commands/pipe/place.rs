//! How far messages have been followed, as a state has it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The place in a stream of messages up to which a state knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    #[serde(flatten)]
    pub(super) origin: Origin,
    /// The last message that is in the state.
    pub(super) sequence: u64,
    /// Where the output goes, if that is a stream, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<End>,
}

/// The stream that messages come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) stream: String,
    /// When it was made: another one of the same name was made at another time.
    pub(super) created: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (made at {} ns)", self.stream, self.created)
    }
}

/// The end of an output stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) stream: String,
    pub(super) subject: String,
    /// The last message of the subject.
    pub(super) sequence: u64,
}

//! The commands, one file or folder each: its options, and what it does.

pub(crate) mod completions;
pub(crate) mod man;
pub(crate) mod pipe;
pub(crate) mod profile;
pub(crate) mod record;
pub(crate) mod report;
pub(crate) mod track;
pub(crate) mod watch;

//! The way out: records in one draft, sent on when there is enough or when the input has to be waited for.

use crate::failure::Failure;
use crate::output::{Draft, Drafts};

/// Records on their way out.
pub(super) struct Output {
    pub(super) draft: Draft,
    drafts: Drafts,
    has_lost: bool,
}

impl Output {
    pub(super) fn new(drafts: Drafts) -> Self {
        Self { draft: Draft::default(), drafts, has_lost: false }
    }

    /// Sends what there is on if it is enough. A record is complete.
    #[inline]
    pub(super) fn end_record(&mut self) -> Result<(), Failure> {
        let sent = self.drafts.send_full(&mut self.draft);
        self.has_lost |= sent.is_err();
        sent
    }

    /// Sends everything on, without waiting until it has been written.
    pub(super) fn send(&mut self) -> Result<(), Failure> {
        let sent = self.drafts.send(&mut self.draft);
        self.has_lost |= sent.is_err();
        self.drafts.hurry();
        sent
    }

    /// Sends everything on, and waits until it has been written.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.send()?;
        let written = self.drafts.flush();
        self.has_lost |= written.is_err();
        written
    }

    /// Whether something could not be written. No state must know of it.
    pub(super) fn has_lost(&self) -> bool {
        self.has_lost
    }
}

//! The way out: records in one draft, sent on when there is enough or when the input has to be waited for. Where the output is a
//! stream of messages, a record is a message, or what has been made of a message is one.

use super::place::End;
use crate::console::Console;
use crate::failure::Failure;
use crate::nats::Publisher;
use crate::output::{Draft, Drafts};

/// Records on their way out.
pub(super) struct Output {
    pub(super) draft: Draft,
    way: Way,
    has_lost: bool,
}

/// Where records go.
pub(super) enum Way {
    Drafts(Drafts),
    Publisher(Box<Publisher>),
}

impl Output {
    pub(super) fn new(way: Way) -> Self {
        Self { draft: Draft::default(), way, has_lost: false }
    }

    /// Sends what there is on if it is enough. A record is complete.
    #[inline]
    pub(super) fn end_record(&mut self) -> Result<(), Failure> {
        let sent = match &mut self.way {
            Way::Drafts(drafts) => drafts.send_full(&mut self.draft),
            Way::Publisher(_) => self.publish(None, false),
        };
        self.has_lost |= sent.is_err();
        sent
    }

    /// Sends what there is on if it is enough, or the end of a message: a record of one is complete. `at` is the message and its lines
    /// so far; where these had no end at the end, what comes out has none.
    pub(super) fn end_part(&mut self, at: (u64, u64), is_over: bool, has_end: bool) -> Result<(), Failure> {
        let Way::Publisher(publisher) = &self.way else { return self.end_record() };
        if !is_over && self.draft.size() < publisher.most_bytes() / 2 {
            return Ok(());
        }
        let sent = self.publish(Some(at), has_end || !is_over);
        self.has_lost |= sent.is_err();
        sent
    }

    /// Leaves out what would be sent again.
    pub(super) fn forget(&mut self) {
        if let Way::Publisher(_) = self.way {
            self.draft.clear();
        }
    }

    /// Publishes what there is as a message.
    fn publish(&mut self, at: Option<(u64, u64)>, has_end: bool) -> Result<(), Failure> {
        let Way::Publisher(publisher) = &mut self.way else { return Ok(()) };
        let mut bytes = self.draft.take();
        if !has_end && bytes.ends_with(b"\n") {
            bytes.truncate(bytes.len() - 1);
        }
        if bytes.is_empty() { Ok(()) } else { publisher.publish(at, bytes) }
    }

    /// Sends everything on, without waiting until it has been written.
    pub(super) fn send(&mut self) -> Result<(), Failure> {
        let Way::Drafts(drafts) = &mut self.way else { return Ok(()) };
        let sent = drafts.send(&mut self.draft);
        self.has_lost |= sent.is_err();
        drafts.hurry();
        sent
    }

    /// Sends everything on, and waits until it has been written.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.send()?;
        let written = match &mut self.way {
            Way::Drafts(drafts) => drafts.flush(),
            Way::Publisher(publisher) => publisher.flush(),
        };
        self.has_lost |= written.is_err();
        written
    }

    /// Whether something could not be written. No state must know of it.
    pub(super) fn has_lost(&self) -> bool {
        self.has_lost
    }

    /// Finds out how far an earlier process has published what comes of a source: a message, and lines of it. `end` is how far the
    /// output had come when the state was saved.
    pub(super) fn resume(
        &mut self,
        source: String,
        end: Option<&End>,
        console: &Console,
    ) -> Result<Option<(u64, u64)>, Failure> {
        let Way::Publisher(publisher) = &mut self.way else { return Ok(None) };
        let (stream, subject) = publisher.place();
        let after = end.filter(|end| end.stream == stream && end.subject == subject).map(|end| end.sequence);
        if let Some(after) = after.filter(|after| publisher.last() < *after) {
            let end = publisher.stream_end();
            let what = if end < after { "the server has lost" } else { "somebody has removed" };
            console.note(format_args!(
                "{subject} of the stream {stream} ends with message {}, and {after} was there: {what} what was between",
                publisher.last()
            ));
        }
        publisher.resume(source, after)
    }

    /// The end of the output stream, if it is one.
    pub(super) fn end(&self) -> Option<End> {
        let Way::Publisher(publisher) = &self.way else { return None };
        let (stream, subject) = publisher.place();
        Some(End { stream: stream.to_owned(), subject: subject.to_owned(), sequence: publisher.last() })
    }
}

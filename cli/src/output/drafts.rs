//! Text whose numbers are still to be written, and the way on which they are.
//!
//! A number takes longer to write than all around it takes to copy, so that it is noted where it belongs, and written beside the
//! reading.

use super::line_buffer::LineBuffer;
use super::relay::{Relay, Work};
use crate::failure::Failure;
use crate::text::number;

/// Least bytes of a draft that is sent: then it is full.
const FULL: usize = 48 << 10;
/// Bytes of a number, by an estimate.
const NUMBER: usize = 18;

/// Text whose numbers are still to be written.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    text: LineBuffer,
    /// The numbers, each behind so many bytes of the text.
    numbers: Vec<(usize, f64)>,
    /// The text with its numbers, once they have been written.
    written: LineBuffer,
}

/// A place in a draft.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    text: usize,
    numbers: usize,
}

impl Draft {
    /// Appends a piece of text.
    #[inline]
    pub(crate) fn put(&mut self, piece: &[u8]) {
        self.text.put(piece);
    }

    /// Appends a number, which is finite.
    #[inline]
    pub(crate) fn put_number(&mut self, number: f64) {
        self.numbers.push((self.text.len(), number));
    }

    /// The end, for [`truncate`](Self::truncate).
    #[inline]
    pub(crate) fn mark(&self) -> Mark {
        Mark { text: self.text.len(), numbers: self.numbers.len() }
    }

    /// Takes back what follows a mark.
    pub(crate) fn truncate(&mut self, mark: Mark) {
        self.text.truncate(mark.text);
        self.numbers.truncate(mark.numbers);
    }

    /// The bytes with all numbers, by an estimate.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        self.text.len() + self.numbers.len() * NUMBER
    }

    /// Writes the numbers.
    fn encode(&mut self) {
        let Self { text, numbers, written } = self;
        let mut rest = text.as_bytes();
        let mut start = 0;
        for &mut (at, number) in numbers {
            let (before, behind) = rest.split_at_checked(at - start).unwrap_or((rest, b""));
            written.put(before);
            written.put(number::csv(number, &mut zmij::Buffer::new()).as_bytes());
            (start, rest) = (at, behind);
        }
        written.put(rest);
    }

    /// The text with its numbers, of which the draft is empty then.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.encode();
        let text = self.written.as_bytes().to_vec();
        self.clear();
        text
    }

    /// Takes back everything.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.numbers.clear();
        self.written.clear();
    }
}

/// A writer of bytes.
type Write = Box<dyn FnMut(&[u8]) -> Result<(), Failure>>;
/// A writer of bytes that may go to another thread.
type FreeWrite = Box<dyn FnMut(&[u8]) -> Result<(), Failure> + Send>;

/// Drafts on their way to a writer.
pub(crate) enum Drafts {
    /// By threads of their own.
    Beside(Relay<Numbers>),
    /// By whoever sends them, at once.
    Here(Write),
}

/// The writing of numbers, and of what they stand in.
pub(crate) struct Numbers;

impl Work for Numbers {
    type Batch = Draft;
    type Writer = FreeWrite;

    fn size(draft: &Draft) -> usize {
        draft.size()
    }

    fn copy(draft: &Draft, to: &mut Draft) {
        to.text.put(draft.text.as_bytes());
        to.numbers.extend_from_slice(&draft.numbers);
    }

    fn encode(&self, draft: &mut Draft) {
        draft.encode();
    }

    fn write(&self, draft: &Draft, writer: &mut FreeWrite) -> Result<(), Failure> {
        writer(draft.written.as_bytes())
    }

    fn clear(draft: &mut Draft) {
        draft.clear();
    }
}

impl Drafts {
    /// The way to a writer, beside the reading.
    pub(crate) fn beside(writer: FreeWrite) -> Self {
        Self::Beside(Relay::new(Numbers, writer))
    }

    /// The way to a writer that cannot leave this thread.
    pub(crate) fn here(writer: Write) -> Self {
        Self::Here(writer)
    }

    /// Sends a draft if it is full, and leaves an empty one in its place.
    ///
    /// # Errors
    /// It, or what was sent before, could not be written.
    #[inline]
    pub(crate) fn send_full(&mut self, draft: &mut Draft) -> Result<(), Failure> {
        if draft.size() >= FULL { self.send(draft) } else { Ok(()) }
    }

    /// Sends a draft, and leaves an empty one in its place.
    ///
    /// # Errors
    /// It, or what was sent before, could not be written.
    pub(crate) fn send(&mut self, draft: &mut Draft) -> Result<(), Failure> {
        match self {
            _ if draft.size() == 0 => Ok(()),
            Self::Beside(relay) => relay.send(draft),
            Self::Here(write) => {
                draft.encode();
                let written = write(draft.written.as_bytes());
                draft.clear();
                written
            }
        }
    }

    /// Sees to it that what has been sent is written although nothing more may come, without waiting for that.
    pub(crate) fn hurry(&self) {
        if let Self::Beside(relay) = self {
            relay.hurry();
        }
    }

    /// Waits until everything has been written that was sent.
    ///
    /// # Errors
    /// Something could not be written.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Beside(relay) => relay.flush(),
            Self::Here(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_where_they_were_put() {
        let mut draft = Draft::default();
        draft.put_number(1.5);
        draft.put(b"a=");
        draft.put_number(-2.0);
        draft.put_number(1e-7);
        let mark = draft.mark();
        draft.put_number(9.0);
        draft.put(b",wrong");
        draft.put_number(9.0);
        draft.truncate(mark);
        draft.put(b",b=");
        draft.put_number(0.1);
        draft.put(b"\n");
        let mut copy = Draft::default();
        Numbers::copy(&draft, &mut copy);
        for draft in [&mut draft, &mut copy] {
            draft.encode();
            assert_eq!(draft.written.as_bytes(), b"1.5a=-2.01e-7,b=0.1\n");
        }
        draft.clear();
        draft.put(b"again");
        draft.encode();
        assert_eq!(draft.written.as_bytes(), b"again");
    }
}

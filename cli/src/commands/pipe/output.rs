//! The way out: records in one buffer, written when there is enough or when the input has to be waited for.

use crate::failure::Failure;
use crate::output::LineBuffer;

/// Bytes that are written at once.
const CHUNK: usize = 128 << 10;

/// The writer of bytes.
pub(super) type Write = Box<dyn FnMut(&[u8]) -> Result<(), Failure>>;

/// Records on their way out.
pub(super) struct Output {
    pub(super) buffer: LineBuffer,
    write: Write,
    has_lost: bool,
}

impl Output {
    pub(super) fn new(write: Write) -> Self {
        Self { buffer: LineBuffer::new(2 * CHUNK), write, has_lost: false }
    }

    /// Writes what is in the buffer when that is enough. A record is complete.
    #[inline]
    pub(super) fn end_record(&mut self) -> Result<(), Failure> {
        if self.buffer.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// Writes what is in the buffer.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        if self.buffer.len() > 0 {
            let written = (self.write)(self.buffer.as_bytes());
            self.buffer.clear();
            self.has_lost |= written.is_err();
            written?;
        }
        Ok(())
    }

    /// Whether something could not be written. No state must know of it.
    pub(super) fn has_lost(&self) -> bool {
        self.has_lost
    }
}

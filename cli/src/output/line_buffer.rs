//! A buffer of lines that are put together from short pieces.
//!
//! A piece is a name, a time or a number of some 20 bytes, and there are a dozen to a row. Copies whose length the
//! compiler knows are inlined, where a copy of any length is a call: two that overlap make one of any length between.

use super::relay::LARGE;

/// Lines in the making, of which the memory is reused.
#[derive(Debug, Default)]
pub(super) struct LineBuffer {
    bytes: Vec<u8>,
    filled: usize,
}

impl LineBuffer {
    /// The lines so far.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.filled
    }

    /// Empties the buffer; its memory stays, up to so many bytes.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
        if self.bytes.len() > 2 * LARGE {
            self.bytes = Vec::new();
        }
    }

    /// Takes back what follows the first `length` bytes.
    pub(super) fn truncate(&mut self, length: usize) {
        self.filled = self.filled.min(length);
    }

    /// Appends a piece.
    #[inline]
    pub(super) fn put(&mut self, piece: &[u8]) {
        let end = self.filled + piece.len();
        if end > self.bytes.len() {
            self.bytes.resize(2 * end, 0);
        }
        if let Some(room) = self.bytes.get_mut(self.filled..end) {
            copy(room, piece);
        }
        self.filled = end;
    }

    /// Appends a piece and one byte behind it.
    #[inline]
    pub(super) fn put_ended(&mut self, piece: &[u8], by: u8) {
        let end = self.filled + piece.len() + 1;
        if end > self.bytes.len() {
            self.bytes.resize(2 * end, 0);
        }
        if let Some([room @ .., last]) = self.bytes.get_mut(self.filled..end) {
            copy(room, piece);
            *last = by;
        }
        self.filled = end;
    }
}

/// Copies a piece into a slice of its length.
#[inline]
fn copy(room: &mut [u8], piece: &[u8]) {
    match piece.len() {
        0..4 => room.iter_mut().zip(piece).for_each(|(to, from)| *to = *from),
        4..8 => copy_ends::<4>(room, piece),
        8..16 => copy_ends::<8>(room, piece),
        16..=32 => copy_ends::<16>(room, piece),
        _ => room.copy_from_slice(piece),
    }
}

/// Copies the first and the last `N` bytes, which are all of a piece of up to twice as many.
#[inline]
fn copy_ends<const N: usize>(room: &mut [u8], piece: &[u8]) {
    if let (Some(to), Some(from)) = (room.first_chunk_mut::<N>(), piece.first_chunk::<N>()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (room.last_chunk_mut::<N>(), piece.last_chunk::<N>()) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_every_length_follow_each_other() {
        let text: Vec<u8> = (0..=255).collect();
        let (mut buffer, mut expected) = (LineBuffer::default(), Vec::new());
        for length in (0..80).chain([150]) {
            buffer.put(&text[length / 2..][..length]);
            expected.extend_from_slice(&text[length / 2..][..length]);
        }
        assert_eq!((buffer.as_bytes(), buffer.len()), (&expected[..], expected.len()));
        buffer.clear();
        buffer.put(b"again");
        assert_eq!(buffer.as_bytes(), b"again");
    }
}

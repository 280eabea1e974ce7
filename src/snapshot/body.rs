//! The body of a snapshot: numbers to bytes and back, in order, little-endian and without padding.

use super::{Header, SnapshotError};
use crate::columns::Columns;
use crate::error::ChannelsError;
use crate::lane::Real;
use crate::rule::Rule;
use std::io::{self, Write};

/// Bytes that are collected before they are written out.
const BUFFER: usize = 64 << 10;

/// A writer of the body of a snapshot.
pub(crate) struct Body<'w> {
    out: &'w mut dyn Write,
    hasher: crc32fast::Hasher,
    buffer: Vec<u8>,
}

impl Body<'_> {
    pub(crate) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn number<T: Real>(&mut self, number: T) -> io::Result<()> {
        self.put(&number.to_word().to_le_bytes()[..size_of::<T>()])
    }

    pub(crate) fn numbers<T: Real>(&mut self, numbers: impl IntoIterator<Item = T>) -> io::Result<()> {
        numbers.into_iter().try_for_each(|number| self.number(number))
    }

    pub(crate) fn words(&mut self, words: impl IntoIterator<Item = u64>) -> io::Result<()> {
        words.into_iter().try_for_each(|word| self.put(&word.to_le_bytes()))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hasher.update(&self.buffer);
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Writes a header, the body that it promises, and both checksums.
pub(crate) fn write_whole(
    out: &mut dyn Write,
    header: &Header,
    body: impl FnOnce(&mut Body<'_>) -> io::Result<()>,
) -> io::Result<()> {
    if header.note.len() > super::header::LONGEST_NOTE {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a note has at most half a mebibyte"));
    }
    out.write_all(&header.encode())?;
    let mut writer = Body { out, hasher: crc32fast::Hasher::new(), buffer: Vec::with_capacity(BUFFER) };
    body(&mut writer)?;
    writer.flush()?;
    let checksum = writer.hasher.finalize();
    out.write_all(&checksum.to_le_bytes())?;
    out.flush()
}

/// Appends a name: its length in one byte, and its bytes.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    out.push(length);
    out.extend(text.bytes().take(length.into()));
}

/// A reader of the bytes of a snapshot.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], SnapshotError> {
        let split = self.0.split_at_checked(length);
        let (taken, rest) = split.ok_or(SnapshotError::Malformed { what: "it has less than it says" })?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, SnapshotError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, SnapshotError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, SnapshotError> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn number<T: Real>(&mut self) -> Result<T, SnapshotError> {
        let mut word = [0; 8];
        let bytes = self.take(size_of::<T>())?;
        for (to, from) in word.iter_mut().zip(bytes) {
            *to = *from;
        }
        Ok(T::from_word(u64::from_le_bytes(word)))
    }

    pub(crate) fn text(&mut self) -> Result<String, SnapshotError> {
        let [length] = self.array()?;
        let bytes = self.take(length.into())?.to_vec();
        String::from_utf8(bytes).map_err(|_| SnapshotError::Malformed { what: "a name is not UTF-8" })
    }

    /// The number of bytes that have not been read.
    pub(crate) fn rest(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn end(&self) -> Result<(), SnapshotError> {
        if self.0.is_empty() { Ok(()) } else { Err(SnapshotError::Malformed { what: "it has more than it says" }) }
    }
}

/// Writes the columns of these channels, one after the other.
pub(crate) fn columns<R: Rule, T: Real>(
    body: &mut Body<'_>,
    columns: &Columns<R, T>,
    channels: &(impl Iterator<Item = usize> + Clone),
) -> io::Result<()> {
    for column in columns.as_slices().as_ref() {
        body.numbers(channels.clone().filter_map(|channel| column.get(channel).copied()))?;
    }
    Ok(())
}

/// Reads the columns of as many channels as the header has, after checking that there are enough bytes for them,
/// converts those of format 1, checks that each channel is in a state that the rule of these constants can have led to,
/// and converts it to the rule of other ones, where there are some.
pub(crate) fn read_columns<R: Rule, T: Real>(
    reader: &mut Reader<'_>,
    header: &Header,
    constants: &R::Constants<T>,
    to: Option<&R::Constants<T>>,
) -> Result<Columns<R, T>, SnapshotError> {
    let channels = header.channels;
    let out_of_memory = ChannelsError::OutOfMemory { channels: usize::try_from(channels).unwrap_or(usize::MAX) };
    let channels = usize::try_from(channels).map_err(|_| out_of_memory)?;
    let width = size_of_val(R::unseen::<T>().as_ref());
    if channels.checked_mul(width).is_none_or(|bytes| bytes > reader.rest()) {
        return Err(SnapshotError::Malformed { what: "it has fewer numbers than channels" });
    }
    let mut columns = Columns::<R, T>::new(channels)?;
    for column in columns.as_mut_slices() {
        for slot in column {
            *slot = reader.number()?;
        }
    }
    for channel in 0..channels {
        let Some(mut state) = columns.state(channel) else { continue };
        if header.is_first() {
            R::carry_over(constants, &mut state);
        }
        if !R::is_state(constants, &state) {
            return Err(SnapshotError::State { channel, rule: R::NAME });
        }
        if let Some(to) = to {
            R::convert(constants, to, &mut state);
        }
        if header.is_first() || to.is_some() {
            for (column, value) in columns.as_mut_slices().into_iter().zip(state.as_ref()) {
                column[channel] = *value;
            }
        }
        // A conversion that leads to no state is a fault of this library.
        if to.is_some_and(|to| !R::is_state(to, &state)) {
            return Err(SnapshotError::State { channel, rule: R::NAME });
        }
    }
    Ok(columns)
}

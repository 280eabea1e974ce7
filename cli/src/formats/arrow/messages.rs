//! Bytes to messages: those of a stream, one behind the other, or those that stand in the list of a file.
//!
//! What a message says of its size is not believed before its bytes have come, or there would have to be room for it.

use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::{Block, MessageHeader};
use arrow_schema::Schema;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// What a file begins with, and ends with.
pub(super) const MARK: &[u8] = b"ARROW1";
/// The length of the list of a file, and the mark, which stand at its end.
const TAIL: u64 = 4 + MARK.len() as u64;
/// What comes before the length of a message, except in files of old.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// A message: what it is, and its data.
pub(super) struct Message {
    head: Vec<u8>,
    pub(super) body: Buffer,
}

impl Message {
    /// What the message is.
    pub(super) fn head(&self) -> Result<arrow_ipc::Message<'_>, String> {
        arrow_ipc::root_as_message(&self.head).map_err(|error| format!("a message cannot be read: {error}"))
    }

    /// Checks that there is memory for what is packed in the data, whose true size is written before it.
    pub(super) fn check_room(&self) -> Result<(), String> {
        let head = self.head()?;
        let batch = match head.header_type() {
            MessageHeader::RecordBatch => head.header_as_record_batch(),
            MessageHeader::DictionaryBatch => {
                head.header_as_dictionary_batch().and_then(|dictionary| dictionary.data())
            }
            _ => None,
        };
        let Some(batch) = batch.filter(|batch| batch.compression().is_some()) else { return Ok(()) };
        let (mut total, mut room) = (0_u64, Vec::<u8>::new());
        for buffer in batch.buffers().iter().flatten() {
            let size =
                usize::try_from(buffer.offset()).ok().and_then(|start| self.body.get(start..)?.first_chunk::<8>());
            // A size of -1 is that of data that is not packed.
            let size = size.map_or(0, |size| i64::from_le_bytes(*size)).max(0);
            if buffer.length() > 0 {
                total = total.saturating_add(size.unsigned_abs());
            }
        }
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        room.try_reserve_exact(total).map_err(|_| format!("no memory for {total} bytes, the size of a packed piece"))
    }
}

/// Where messages come from.
pub(super) enum Messages {
    Stream(Box<dyn Read>),
    /// The places of those that are still to come.
    File(File, VecDeque<Place>),
}

/// The place of a message in a file.
pub(super) struct Place {
    start: u64,
    head: u64,
    body: u64,
}

impl Messages {
    /// The messages that a file of this size lists, but for the schema, which is returned beside them.
    pub(super) fn of_file(mut file: File, size: u64) -> Result<(Self, Schema), String> {
        let end = size.checked_sub(TAIL).ok_or_else(early)?;
        file.seek(SeekFrom::Start(end)).map_err(in_words)?;
        let tail = exactly(&mut file, TAIL)?;
        let (length, mark) = tail.split_first_chunk().ok_or_else(early)?;
        if mark != MARK {
            return Err("its end is missing".to_owned());
        }
        let length = u64::from(u32::from_le_bytes(*length));
        let start = end.checked_sub(length).ok_or("its list of pieces is longer than the file")?;
        file.seek(SeekFrom::Start(start)).map_err(in_words)?;
        let footer = exactly(&mut file, length)?;
        let footer = arrow_ipc::root_as_footer(&footer).map_err(|error| format!("its list of pieces: {error}"))?;
        let schema = footer.schema().ok_or("it has no schema")?;
        let schema = try_fb_to_schema(schema).map_err(|error| error.to_string())?;
        let blocks = footer.dictionaries().into_iter().flatten().chain(footer.recordBatches().into_iter().flatten());
        let place = |block: &Block| {
            let start = u64::try_from(block.offset()).ok()?;
            let (head, body) = (u64::try_from(block.metaDataLength()).ok()?, u64::try_from(block.bodyLength()).ok()?);
            let end = start.checked_add(head)?.checked_add(body)?;
            (end <= size).then_some(Place { start, head, body })
        };
        let places: Option<VecDeque<Place>> = blocks.map(place).collect();
        Ok((Self::File(file, places.ok_or("a piece reaches beyond its end")?), schema))
    }

    /// The next message; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Message>, String> {
        match self {
            Self::Stream(bytes) => next_of_stream(bytes),
            Self::File(file, places) => {
                let Some(Place { start, head, body }) = places.pop_front() else { return Ok(None) };
                file.seek(SeekFrom::Start(start)).map_err(in_words)?;
                let mut head = exactly(file, head)?;
                let prefix = if head.starts_with(&CONTINUATION) { 8 } else { 4 };
                head.drain(..prefix.min(head.len()));
                Ok(Some(Message { head, body: Buffer::from_vec(exactly(file, body)?) }))
            }
        }
    }
}

fn next_of_stream(bytes: &mut impl Read) -> Result<Option<Message>, String> {
    let Some(mut length) = four(bytes).map_err(in_words)? else { return Ok(None) };
    if length == CONTINUATION {
        length = four(bytes).map_err(in_words)?.ok_or_else(early)?;
    }
    let length = u64::from(u32::from_le_bytes(length));
    if length == 0 {
        return Ok(None);
    }
    let head = exactly(bytes, length)?;
    let message = Message { head, body: Buffer::default() };
    let length =
        u64::try_from(message.head()?.bodyLength()).map_err(|_| "a message has less than no data".to_owned())?;
    let body = Buffer::from_vec(exactly(bytes, length)?);
    Ok(Some(Message { body, ..message }))
}

/// Four bytes; `None` at the end.
fn four(bytes: &mut impl Read) -> io::Result<Option<[u8; 4]>> {
    let mut read = Vec::new();
    bytes.take(4).read_to_end(&mut read)?;
    match read.first_chunk() {
        Some(four) => Ok(Some(*four)),
        None if read.is_empty() => Ok(None),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// So many bytes. Room for them is made as they come.
fn exactly(bytes: &mut impl Read, length: u64) -> Result<Vec<u8>, String> {
    /// Bytes for which there is room at once.
    const AT_ONCE: u64 = 16 << 20;
    let mut read = Vec::with_capacity(usize::try_from(length.min(AT_ONCE)).unwrap_or(0));
    bytes.take(length).read_to_end(&mut read).map_err(in_words)?;
    if read.len() as u64 == length { Ok(read) } else { Err(early()) }
}

fn early() -> String {
    "it ends within a message".to_owned()
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` has it
fn in_words(error: io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof { early() } else { error.to_string() }
}

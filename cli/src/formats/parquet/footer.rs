//! What a Parquet file says of itself at its end.
//!
//! A table without rows has no groups of them, and an empty list may say by 0 that it is a list of nothing in particular, as
//! fastparquet has it. The decoder asks for a list of structs: there the footer is read again with a list of none.

use crate::formats::typed::guarded;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::ParquetMetaDataReader;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// What stands in the footer of a table without rows: no rows in field 3, and in field 4 a list of nothing.
const NOTHING: [u8; 4] = [0x16, 0x00, 0x19, 0x00];
/// What stands there in a table that every reader takes: no rows in field 3, and in field 4 an empty list of structs.
const NO_GROUPS: [u8; 4] = [0x16, 0x00, 0x19, 0x0c];
/// The length of the footer, and the mark of a file, behind it.
const TAIL: usize = 8;
/// Most bytes of a footer that is read again.
const MOST: u64 = 16 << 20;

/// What a file says of itself, by Parquet's own types.
pub(super) fn load(file: &File) -> Result<ArrowReaderMetadata, String> {
    // What the writer's own types were adds nothing that is wanted here, and would make more kinds of columns.
    let options = || ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    guarded(|| ArrowReaderMetadata::load(file, options())).or_else(|error| {
        let footer = mended(file).ok().flatten().ok_or(error)?;
        guarded(|| {
            let metadata = ParquetMetaDataReader::decode_metadata(&footer)?;
            ArrowReaderMetadata::try_new(Arc::new(metadata), options())
        })
    })
}

/// The footer of a file, if it is that of a table without rows, with its list of groups as the decoder wants it.
fn mended(mut file: &File) -> io::Result<Option<Vec<u8>>> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut tail = [0; TAIL];
    file.seek(SeekFrom::Start(end.saturating_sub(TAIL as u64)))?;
    file.read_exact(&mut tail)?;
    let [a, b, c, d, ..] = tail;
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let Some(start) = end.checked_sub(length + TAIL as u64).filter(|_| length <= MOST) else { return Ok(None) };
    file.seek(SeekFrom::Start(start))?;
    let mut footer = Vec::new();
    file.take(length).read_to_end(&mut footer)?;
    let mut places = memchr::memmem::find_iter(&footer, &NOTHING);
    let (Some(at), None) = (places.next(), places.next()) else { return Ok(None) };
    drop(places);
    if let Some(found) = footer.get_mut(at..at + NOTHING.len()) {
        found.copy_from_slice(&NO_GROUPS);
    }
    Ok(Some(footer))
}

//! The decompressors. Each reads all that follows one another: the members of gzip, the frames of zstd, the streams of bzip2 and xz.

use super::compression::Compression;
use crate::failure::Failure;
use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use std::io::{self, BufReader, ErrorKind, Read};

/// The binary logarithm of the most bytes that a decompressor has to look back: what is beyond wants an option from `zstd`, too.
const WINDOW_LOG: u32 = 27;
/// Most memory of the decompressor of xz in KiB: the window, and what it takes beside it.
const XZ_KIBIBYTES: u32 = (1 << (WINDOW_LOG - 10)) + 1024;

/// Unpacks what is compressed.
///
/// # Errors
/// Nothing here unpacks it.
pub(super) fn unpack(
    compression: Compression,
    input: impl Read + 'static,
    name: &str,
) -> Result<Box<dyn Read>, Failure> {
    let cannot = |error: io::Error| Failure::usage(format!("cannot read {name}: {error}"));
    let reader: Box<dyn Read> = match compression {
        Compression::Gzip => Box::new(MultiGzDecoder::new(input)),
        Compression::Bzip2 => Box::new(MultiBzDecoder::new(input)),
        Compression::Xz => Box::new(XzReader::new_mem_limit(BufReader::new(input), true, XZ_KIBIBYTES)),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::new(input).map_err(cannot)?;
            decoder.window_log_max(WINDOW_LOG).map_err(cannot)?;
            Box::new(decoder)
        }
        Compression::Lz4 | Compression::Zip => return Err(compression.refused(name, "which is not read here")),
    };
    Ok(Box::new(Unpacking { reader, compression }))
}

/// A decompressor whose errors have words.
struct Unpacking {
    reader: Box<dyn Read>,
    compression: Compression,
}

impl Read for Unpacking {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.reader.read(out).map_err(|error| in_words(&error, self.compression).unwrap_or(error))
    }
}

/// The error of a decompressor in words; none for an error of what it reads from.
fn in_words(error: &io::Error, compression: Compression) -> Option<io::Error> {
    let (name, command) = (compression.name(), compression.command());
    let is_too_far = error.kind() == ErrorKind::OutOfMemory || error.to_string().contains("too much memory");
    let words = match error.kind() {
        _ if is_too_far && compression == Compression::Zstd => {
            format!("its window is longer than 128 MiB: unpack it with `{command} --long=31 FILE |`")
        }
        _ if is_too_far => format!("its window is longer than 128 MiB: unpack it with `{command} FILE |`"),
        ErrorKind::UnexpectedEof => {
            format!("the {name} data end too early: the file is not complete")
        }
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::Other => {
            format!("the {name} data are broken: {error}")
        }
        _ => return None,
    };
    Some(io::Error::new(error.kind(), words))
}

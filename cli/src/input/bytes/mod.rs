//! The bytes of an input as its readers want them: unpacked, in UTF-8, with line feeds.
//!
//! What is plain UTF-8 with line feeds already is passed on as it is, and looked at only in its first 64 KiB. Nothing here waits
//! for more than what decides, so that a live pipe is not held up.
//!
//! | file | what it does |
//! |---|---|
//! | `compression.rs` | what compressed data begin with, and what unpacks them |
//! | `unpack.rs` | the decompressors; `no_unpack.rs` where they are not built in |
//! | `encoding.rs` | other encodings to UTF-8 |
//! | `returns.rs` | lines that end in a carriage return alone |

mod compression;
mod encoding;
mod returns;
#[cfg_attr(not(feature = "compression"), path = "no_unpack.rs")]
mod unpack;

pub(crate) use compression::Compression;
pub(crate) use encoding::{is_utf16, label};

use crate::console::Notes;
use crate::failure::Failure;
use encoding::{BEGINNING, Decoding, LEAST};
use encoding_rs::Encoding;
use returns::Returns;
use std::io::{self, Cursor, ErrorKind, Read};

/// An input as text.
pub(super) struct Text {
    pub(super) reader: Box<dyn Read>,
    /// What has unpacked it.
    pub(super) compression: Option<Compression>,
    /// What there is to say of it, now and later.
    pub(super) notes: Notes,
}

impl Text {
    /// The text that the bytes of an input are, in the encoding that the command line names, or else in the one that they show.
    ///
    /// # Errors
    /// The input cannot be read or unpacked.
    pub(super) fn of(
        mut reader: Box<dyn Read>,
        name: &str,
        encoding: Option<&'static Encoding>,
    ) -> Result<Self, Failure> {
        let head = head(&mut reader).map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
        let compression = Compression::of(&head);
        let whole = Cursor::new(head).chain(reader);
        let plain = match compression {
            Some(compression) => unpack::unpack(compression, whole, name)?,
            None => Box::new(whole),
        };
        let notes = Notes::default();
        let decoded = Decoding::new(plain, encoding, Notes::clone(&notes));
        Ok(Self { reader: Box::new(Returns::new(Box::new(decoded))), compression, notes })
    }
}

/// Reads so much of the beginning of an input as shows whether it is compressed.
fn head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = vec![0; BEGINNING];
    let mut filled = 0;
    loop {
        let seen = head.get(..filled).unwrap_or_default();
        if filled >= LEAST && !Compression::may_be(seen) {
            break;
        }
        match reader.read(head.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    head.truncate(filled);
    Ok(head)
}

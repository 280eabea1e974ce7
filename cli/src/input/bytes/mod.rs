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

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that gives its pieces one by one.
    struct Pieces(Vec<Vec<u8>>);

    impl Read for Pieces {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let Some(piece) = self.0.first_mut() else { return Ok(0) };
            let size = piece.len().min(out.len());
            out[..size].copy_from_slice(&piece[..size]);
            piece.drain(..size);
            if piece.is_empty() {
                self.0.remove(0);
            }
            Ok(size)
        }
    }

    fn text(pieces: Vec<Vec<u8>>) -> String {
        let mut text = Text::of(Box::new(Pieces(pieces)), "test", None).unwrap();
        let mut out = Vec::new();
        text.reader.read_to_end(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_text_is_the_same_however_its_bytes_come() {
        let utf16: Vec<u8> = "\u{feff}t,größe\r\n1,\u{1f980}\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, expected) in [
            ("t,größe\n1,\u{1f980}\n".as_bytes().to_vec(), "t,größe\n1,\u{1f980}\n"),
            (b"t,gr\xF6\xDFe\n1,\x80\n".to_vec(), "t,größe\n1,€\n"),
            (b"t,a\n1,\xE4".to_vec(), "t,a\n1,ä"),
            (utf16, "t,größe\r\n1,\u{1f980}\r\n"),
            (b"t,a\r1,2\r3,4\r".to_vec(), "t,a\n1,2\n3,4\n"),
            (b"t,a\r\n1,\"2\r3\"\r\n".to_vec(), "t,a\r\n1,\"2\r3\"\r\n"),
            (b"BZh\n1\n".to_vec(), "BZh\n1\n"),
            (b"(".to_vec(), "("),
            (Vec::new(), ""),
        ] {
            assert_eq!(text(vec![bytes.clone()]), expected);
            assert_eq!(text(bytes.iter().map(|byte| vec![*byte]).collect()), expected, "byte by byte");
            for at in 1..bytes.len() {
                let (head, tail) = bytes.split_at(at);
                assert_eq!(text(vec![head.to_vec(), tail.to_vec()]), expected, "{at}");
            }
        }
    }
}

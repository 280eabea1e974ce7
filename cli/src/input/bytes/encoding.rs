//! Text in UTF-16 or in an older encoding to UTF-8.
//!
//! The first bytes beyond ASCII decide, if they are among the first 64 KiB: a stray byte far behind is a bad row, as it is in
//! any UTF-8, and changes nothing that has been read before.

use crate::console::Notes;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::DecodeReaderBytesBuilder;
use std::io::{self, Cursor, Read};

/// Bytes at the beginning of a text that show what it is.
pub(super) const BEGINNING: usize = 64 << 10;
/// Least bytes of a beginning, unless the input has no more: no format has a sample in fewer.
pub(super) const LEAST: usize = 4;

/// A reader of UTF-8, whatever it reads from.
pub(super) struct Decoding {
    source: Box<dyn Read>,
    /// The bytes that have been looked at; none as soon as it is known what the text is.
    looking: Option<usize>,
    notes: Notes,
}

/// What a beginning shows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shown {
    /// UTF-8, or no text.
    Plain,
    /// Nothing beyond ASCII.
    Ascii,
    /// A character that is not complete, and nothing else beyond ASCII.
    Half,
    /// An encoding of which the text itself leaves no doubt.
    Marked(&'static Encoding),
    /// An encoding that is likely.
    Likely(&'static Encoding),
}

impl Decoding {
    pub(super) fn new(source: Box<dyn Read>, encoding: Option<&'static Encoding>, notes: Notes) -> Self {
        match encoding {
            None => Self { source, looking: Some(0), notes },
            Some(encoding) if encoding == UTF_8 => Self { source, looking: None, notes },
            Some(encoding) => Self { source: decoder(encoding, source), looking: None, notes },
        }
    }

    /// Reads some bytes, and looks at them.
    fn look(&mut self, seen: usize, out: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        let shown = loop {
            let room = out.get_mut(filled..).unwrap_or_default();
            let read = self.source.read(room)?;
            filled += read;
            let piece = out.get(..filled).unwrap_or_default();
            let is_over = read == 0 || filled == out.len();
            if seen == 0 && filled < LEAST && !is_over {
                continue;
            }
            let shown = shown(piece.get(..BEGINNING).unwrap_or(piece), seen == 0);
            if shown != Shown::Half || is_over {
                break shown;
            }
        };
        let encoding = match shown {
            Shown::Ascii => {
                self.looking = Some(seen + filled).filter(|seen| *seen < BEGINNING);
                return Ok(filled);
            }
            Shown::Plain => {
                self.looking = None;
                return Ok(filled);
            }
            Shown::Marked(encoding) => encoding,
            Shown::Likely(encoding) => self.guess(encoding),
            // The text ends in the middle of the character.
            Shown::Half => self.guess(WINDOWS_1252),
        };
        self.looking = None;
        let piece = Cursor::new(out.get(..filled).unwrap_or_default().to_vec());
        let rest = std::mem::replace(&mut self.source, Box::new(io::empty()));
        self.source = decoder(encoding, Box::new(piece.chain(rest)));
        self.source.read(out)
    }
}

impl Decoding {
    /// Notes that an encoding is likely.
    fn guess(&self, encoding: &'static Encoding) -> &'static Encoding {
        let name = if encoding == WINDOWS_1252 { "Windows-1252" } else { encoding.name() };
        self.notes.add(format!("not UTF-8: read as {name}; --encoding names another"));
        encoding
    }
}

impl Read for Decoding {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.looking {
            None => self.source.read(out),
            Some(seen) => self.look(seen, out),
        }
    }
}

fn decoder(encoding: &'static Encoding, source: Box<dyn Read>) -> Box<dyn Read> {
    Box::new(DecodeReaderBytesBuilder::new().encoding(Some(encoding)).build(source))
}

/// Reads the name of an encoding on the command line.
pub(crate) fn label(text: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(text.as_bytes()).ok_or_else(|| {
        "expected an encoding, such as utf-8, utf-16le, iso-8859-2, windows-1251 or shift_jis".to_owned()
    })
}

/// Whether an input that begins like this is UTF-16.
pub(crate) fn is_utf16(head: &[u8]) -> bool {
    utf16(head).is_some()
}

/// What the next bytes of a text show of it, of which all before were ASCII.
fn shown(piece: &[u8], is_first: bool) -> Shown {
    if let Some(shown) = utf16(piece).filter(|_| is_first) {
        return shown;
    }
    if is_first && piece.starts_with(b"\xEF\xBB\xBF") {
        return Shown::Plain;
    }
    if piece.is_ascii() && !piece.iter().any(|byte| is_binary(*byte)) {
        return Shown::Ascii;
    }
    let (mut good, mut bad, mut half) = (0, 0, 0);
    let mut chunks = piece.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        good += chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
        let is_cut = chunks.peek().is_none()
            && std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
        if is_cut {
            half += 1;
        } else if !chunk.invalid().is_empty() {
            bad += 1;
        }
    }
    match (good, bad, half) {
        _ if piece.iter().any(|byte| is_binary(*byte)) => Shown::Plain,
        (0, 0, 1) => Shown::Half,
        (good, bad, _) if bad > good => Shown::Likely(WINDOWS_1252),
        _ => Shown::Plain,
    }
}

/// Whether a byte stands in no text.
fn is_binary(byte: u8) -> bool {
    matches!(byte, 0..=8 | 14..=25 | 28..=31 | 127)
}

/// The kind of UTF-16 that a beginning is, by its mark, or because every other byte of most characters is zero.
fn utf16(head: &[u8]) -> Option<Shown> {
    match head {
        [0xFF, 0xFE, rest @ ..] if !rest.starts_with(&[0, 0]) => return Some(Shown::Marked(UTF_16LE)),
        [0xFE, 0xFF, ..] => return Some(Shown::Marked(UTF_16BE)),
        _ => {}
    }
    let pairs = head.as_chunks::<2>().0;
    let zeros = |at: usize| pairs.iter().filter(|pair| pair.get(at) == Some(&0)).count();
    let (first, second) = (zeros(0), zeros(1));
    // Commas, digits and the ends of lines have a zero in any script.
    let is_most = |many: usize, few: usize| pairs.len() >= 2 && 4 * many > pairs.len() && few == 0;
    if is_most(second, first) {
        Some(Shown::Likely(UTF_16LE))
    } else if is_most(first, second) {
        Some(Shown::Likely(UTF_16BE))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_shows_its_encoding() {
        for (piece, expected) in [
            (&b"t,a\n1,2\n"[..], Shown::Ascii),
            (b"", Shown::Ascii),
            ("t,größe\n".as_bytes(), Shown::Plain),
            (b"t,gr\xF6\xDFe\n", Shown::Likely(WINDOWS_1252)),
            // A stray byte among others that are right.
            ("größe\n\u{e9}".as_bytes().split_last().unwrap().1, Shown::Plain),
            (b"gr\xC3", Shown::Half),
            // No text at all.
            (b"gr\xF6\xDF\x00\x00\x01", Shown::Plain),
            // What says that it is UTF-8 is.
            (b"\xEF\xBB\xBFgr\xF6\xDFe\n\xE4", Shown::Plain),
            (b"\xFF\xFEt\0,\0", Shown::Marked(UTF_16LE)),
            (b"\xFE\xFF\0t\0,", Shown::Marked(UTF_16BE)),
            (b"t\0,\0a\0\n\0", Shown::Likely(UTF_16LE)),
            (b"\0t\0,\0a\0\n", Shown::Likely(UTF_16BE)),
            // Cyrillic, with commas and digits.
            (b"\x47\x04\x30\x04,\x001\0\n\0", Shown::Likely(UTF_16LE)),
            (b"\xFF\xFE\0\0t\0\0\0", Shown::Plain),
        ] {
            assert_eq!(shown(piece, true), expected, "{piece:?}");
        }
        assert_eq!(shown(b"t\0,\0a\0\n\0", false), Shown::Plain, "only the beginning is UTF-16");
    }
}

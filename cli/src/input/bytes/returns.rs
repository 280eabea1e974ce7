//! Lines that end in a carriage return alone, as old spreadsheets write them, to lines that end in a line feed.

use super::encoding::BEGINNING;
use std::io::{self, Read};

/// A reader of lines that end in a line feed.
pub(super) struct Returns {
    source: Box<dyn Read>,
    ends: Ends,
}

/// The ends of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// Not known yet, and so many bytes had none.
    Looking(usize),
    LineFeeds,
    Returns,
}

impl Returns {
    pub(super) fn new(source: Box<dyn Read>) -> Self {
        Self { source, ends: Ends::Looking(0) }
    }

    /// Reads some bytes, and looks at them for the first end of a line.
    fn look(&mut self, seen: usize, out: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        loop {
            let read = self.source.read(out.get_mut(filled..).unwrap_or_default())?;
            filled += read;
            let is_over = read == 0 || filled == out.len();
            let piece = out.get(..filled).unwrap_or_default();
            let piece = piece.get(..BEGINNING).unwrap_or(piece);
            if memchr::memchr(b'\n', piece).is_some() {
                self.ends = Ends::LineFeeds;
                return Ok(filled);
            }
            match memchr::memchr(b'\r', piece) {
                // What follows it may be a line feed.
                Some(at) if at + 1 == piece.len() && !is_over => continue,
                Some(_) => self.ends = Ends::Returns,
                None if seen + filled >= BEGINNING => self.ends = Ends::LineFeeds,
                None => self.ends = Ends::Looking(seen + filled),
            }
            return Ok(filled);
        }
    }
}

impl Read for Returns {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = match self.ends {
            Ends::Looking(seen) => self.look(seen, out)?,
            Ends::LineFeeds | Ends::Returns => self.source.read(out)?,
        };
        if self.ends == Ends::Returns {
            for byte in out.iter_mut().take(read).filter(|byte| **byte == b'\r') {
                *byte = b'\n';
            }
        }
        Ok(read)
    }
}

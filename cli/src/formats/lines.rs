//! The input as lines, with their true numbers, in memory that does not grow with the input.
//!
//! Before every read that may have to wait, the caller gets to act, so that everything made of the lines before can be
//! sent on: this is what lets a reader at the other end of a pipe see each row as soon as it is made.

use crate::failure::Failure;
use std::io::{ErrorKind, Read};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How much is held in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many bytes are read at once, at first; at most `longest`.
    pub chunk: usize,
    /// A line of so many bytes is no line: what has none (a device, a binary file) must not fill the memory.
    pub longest: usize,
    /// How far, in bytes, quoted fields may reach into the lines after the first.
    pub reach: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { chunk: 256 << 10, longest: 64 << 20, reach: 1 << 20 }
    }
}

/// What there was to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A line, the [`current`](Lines::current) one.
    Line,
    /// A line that is too long to be one. It has been skipped.
    TooLong,
    /// The end of the input.
    End,
}

/// Why the input is asked for more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// So many bytes have been read.
    pub(crate) read: u64,
    /// So many of them are those of lines that are not complete.
    pub(crate) held: usize,
    /// There is a line that wants another one.
    pub(crate) is_joining: bool,
}

pub(crate) struct Lines {
    source: Box<dyn Read>,
    /// What the input is called in messages.
    name: String,
    limits: Limits,
    buffer: Vec<u8>,
    /// The current line or lines are `buffer[start..end]`, of which the first ends at `first_end`.
    start: usize,
    first_end: usize,
    end: usize,
    /// What has been read is `buffer[..filled]`.
    filled: usize,
    /// How many bytes have been read in all.
    read: u64,
    /// The number of the first current line, counted from 1.
    number: u64,
    /// How many lines are current.
    count: u64,
    at_end: bool,
}

impl Lines {
    pub(crate) fn new(source: Box<dyn Read>, name: String, limits: Limits) -> Self {
        Self {
            source,
            name,
            limits,
            buffer: vec![0; limits.chunk],
            start: 0,
            first_end: 0,
            end: 0,
            filled: 0,
            read: 0,
            number: 1,
            count: 0,
            at_end: false,
        }
    }

    /// The current line, or lines, without the end of the last.
    pub(crate) fn current(&self) -> &[u8] {
        let line = self.raw();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// The same with the end of the last.
    pub(crate) fn raw(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The number of the current line, or of the first of them.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// How many lines are current.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Whether more than one line is current.
    pub(crate) fn is_several(&self) -> bool {
        self.count > 1
    }

    /// Whether the current lines after the first are more than any field reaches into.
    pub(crate) fn is_beyond_reach(&self) -> bool {
        self.end - self.first_end > self.limits.reach
    }

    /// Goes on to the next line. `before_read` is called before the input is asked for more.
    pub(crate) fn advance(
        &mut self,
        before_read: &mut impl FnMut(Need) -> Result<(), Failure>,
    ) -> Result<Found, Failure> {
        self.number += self.count;
        self.start = self.end;
        (self.first_end, self.count) = (self.end, 0);
        let found = self.find_end(before_read)?;
        self.first_end = self.end;
        if found == Found::End {
            return Ok(found);
        }
        self.count = 1;
        if self.number == 1 && self.current().starts_with(BYTE_ORDER_MARK) {
            self.start += BYTE_ORDER_MARK.len();
        }
        Ok(found)
    }

    /// Adds the next line to the current ones and gives its bytes; `None` at the end of the input, or if it is too long.
    pub(crate) fn append(
        &mut self,
        before_read: &mut impl FnMut(Need) -> Result<(), Failure>,
    ) -> Result<Option<&[u8]>, Failure> {
        let length = self.end - self.start;
        if self.find_end(before_read)? != Found::Line {
            return Ok(None);
        }
        self.count += 1;
        Ok(self.buffer.get(self.start + length..self.end))
    }

    /// Gives back all current lines but the first: they come again.
    pub(crate) fn keep_first(&mut self) {
        self.end = self.first_end;
        self.count = self.count.min(1);
    }

    /// Gives back all current lines: they come again.
    pub(crate) fn keep_none(&mut self) {
        self.end = self.start;
        self.count = 0;
    }

    /// The first byte that is not white space, which is not consumed; `None` if there is none for long.
    pub(crate) fn peek(
        &mut self,
        before_read: &mut impl FnMut(Need) -> Result<(), Failure>,
    ) -> Result<Option<u8>, Failure> {
        loop {
            let seen = self.peeked();
            let seen = seen.strip_prefix(BYTE_ORDER_MARK).unwrap_or(seen);
            let is_mark_so_far = BYTE_ORDER_MARK.starts_with(seen);
            if let Some(&byte) = seen.iter().find(|byte| !byte.is_ascii_whitespace() && !is_mark_so_far) {
                return Ok(Some(byte));
            }
            if self.filled - self.start >= self.limits.chunk || !self.fill(before_read)? {
                return Ok(None);
            }
        }
    }

    /// The byte order mark at the very beginning, where there is one: no line has it.
    pub(crate) fn mark(
        &mut self,
        before_read: &mut impl FnMut(Need) -> Result<(), Failure>,
    ) -> Result<&'static [u8], Failure> {
        let is_mark_so_far = |seen: &[u8]| seen.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(seen);
        while is_mark_so_far(self.peeked()) && self.fill(before_read)? {}
        Ok(if self.peeked().starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK } else { b"" })
    }

    /// What has been read and is still to come.
    pub(crate) fn peeked(&self) -> &[u8] {
        self.buffer.get(self.end..self.filled).unwrap_or_default()
    }

    /// Moves `end` behind the next line.
    fn find_end(&mut self, before_read: &mut impl FnMut(Need) -> Result<(), Failure>) -> Result<Found, Failure> {
        let mut searched = 0;
        loop {
            let unsearched = self.buffer.get(self.end + searched..self.filled).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', unsearched) {
                self.end += searched + at + 1;
                return Ok(Found::Line);
            }
            searched = self.filled - self.end;
            if self.filled - self.start >= self.limits.longest {
                return self.skip_line(before_read);
            }
            if !self.fill(before_read)? {
                self.end = self.filled;
                return Ok(if searched == 0 { Found::End } else { Found::Line });
            }
        }
    }

    /// Goes to the end of a line that is too long to be kept.
    fn skip_line(&mut self, before_read: &mut impl FnMut(Need) -> Result<(), Failure>) -> Result<Found, Failure> {
        if self.count > 0 {
            // Lines are being joined: that they are too many does not make the next one too long.
            return Ok(Found::TooLong);
        }
        loop {
            self.start = self.filled;
            self.end = self.filled;
            if !self.fill(before_read)? {
                return Ok(Found::TooLong);
            }
            let fresh = self.buffer.get(self.end..self.filled).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', fresh) {
                self.end += at + 1;
                self.start = self.end;
                return Ok(Found::TooLong);
            }
        }
    }

    /// Reads more behind what has been read. False at the end of the input.
    fn fill(&mut self, before_read: &mut impl FnMut(Need) -> Result<(), Failure>) -> Result<bool, Failure> {
        if self.at_end {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.first_end -= self.start.min(self.first_end);
            self.end -= self.start;
            self.start = 0;
        }
        if self.filled == self.buffer.len() {
            self.buffer.resize((2 * self.buffer.len()).min(self.limits.longest), 0);
        }
        before_read(Need { read: self.read, held: self.filled, is_joining: self.count > 0 })?;
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let read = loop {
            match self.source.read(room) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let read = read.map_err(|error| Failure::usage(format!("cannot read {}: {error}", self.name)))?;
        self.at_end = read == 0;
        self.filled += read;
        self.read += read as u64;
        Ok(read > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// A source that gives at most three bytes at a time.
    struct Sips(&'static [u8]);

    impl Read for Sips {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let size = self.0.len().min(3).min(out.len());
            let (now, later) = self.0.split_at(size);
            out[..size].copy_from_slice(now);
            self.0 = later;
            Ok(size)
        }
    }

    fn lines(text: &'static [u8]) -> Lines {
        Lines::new(Box::new(Sips(text)), "test".into(), Limits::default())
    }

    #[allow(clippy::unnecessary_wraps)] // it stands for what may fail
    fn never_mind(_: Need) -> Result<(), Failure> {
        Ok(())
    }

    #[test]
    fn lines_have_their_numbers() {
        let mut lines = lines(b"\xEF\xBB\xBFone\r\n\ntwo\nthree");
        let mut seen = Vec::new();
        while lines.advance(&mut never_mind).unwrap() == Found::Line {
            seen.push((lines.number(), String::from_utf8(lines.current().to_vec()).unwrap()));
        }
        let expected = [(1, "one"), (2, ""), (3, "two"), (4, "three")];
        assert_eq!(seen, expected.map(|(number, line)| (number, line.to_owned())));
        assert_eq!(lines.advance(&mut never_mind).unwrap(), Found::End);
    }

    #[test]
    fn lines_join_and_come_apart_again() {
        let mut lines = lines(b"a\nb\nc\nd");
        lines.advance(&mut never_mind).unwrap();
        assert_eq!(lines.append(&mut never_mind).unwrap(), Some(&b"b\n"[..]));
        assert_eq!(lines.append(&mut never_mind).unwrap(), Some(&b"c\n"[..]));
        assert_eq!((lines.current(), lines.number(), lines.is_several()), (&b"a\nb\nc"[..], 1, true));
        lines.keep_first();
        lines.advance(&mut never_mind).unwrap();
        assert_eq!((lines.current(), lines.number()), (&b"b"[..], 2));
        assert_eq!(lines.append(&mut never_mind).unwrap(), Some(&b"c\n"[..]));
        lines.advance(&mut never_mind).unwrap();
        assert_eq!((lines.current(), lines.number()), (&b"d"[..], 4));
        assert_eq!(lines.append(&mut never_mind).unwrap(), None);
        lines.keep_none();
        lines.advance(&mut never_mind).unwrap();
        assert_eq!((lines.current(), lines.number()), (&b"d"[..], 4));
    }

    #[test]
    fn a_line_without_end_is_skipped_in_bounded_memory() {
        let longest = Limits::default().longest;
        let endless = io::repeat(b'x').take(2 * longest as u64).chain(&b"\nnext\n"[..]);
        let mut lines = Lines::new(Box::new(endless), "test".into(), Limits::default());
        assert_eq!(lines.advance(&mut never_mind).unwrap(), Found::TooLong);
        assert!(lines.buffer.len() <= longest);
        assert_eq!(lines.advance(&mut never_mind).unwrap(), Found::Line);
        assert_eq!((lines.current(), lines.number()), (&b"next"[..], 2));
    }

    #[test]
    fn peeking_consumes_nothing() {
        let mut lines = lines(b"\xEF\xBB\xBF \r\n {\"a\":1}\n");
        assert_eq!(lines.peek(&mut never_mind).unwrap(), Some(b'{'));
        lines.advance(&mut never_mind).unwrap();
        assert_eq!((lines.current(), lines.number()), (&b" "[..], 1));
    }
}

//! The input as lines, with their true numbers, in memory that does not grow with the input.
//!
//! Before every read that may have to wait, the caller gets to act, so that everything made of the lines before can be
//! sent on: this is what lets a reader at the other end of a pipe see each row as soon as it is made. The caller's answer says
//! how to go on: see [`Woken`].

use crate::failure::Failure;
use std::io::{ErrorKind, Read};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Limits of the memory that lines take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that are read at once, at first; at most `longest`.
    pub chunk: usize,
    /// Least bytes of a line that is skipped as too long: what has no lines (a device, a binary file) must not fill the memory.
    pub longest: usize,
    /// Most bytes of quoted fields beyond the first line of their row.
    pub reach: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { chunk: 256 << 10, longest: 64 << 20, reach: 1 << 20 }
    }
}

/// The outcome of going on to the next line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A line, the [`current`](Lines::current) one.
    Line,
    /// A line that is too long to be one. It has been skipped.
    TooLong,
    /// The end of the input.
    End,
}

/// The state of the reader when it asks the input for more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// Bytes that have been read.
    pub(crate) read: u64,
    /// Bytes of them that belong to lines that are not complete.
    pub(crate) held: usize,
    /// Whether a record goes on in the next line, so that its lines before are held up.
    pub(crate) is_joining: bool,
}

/// The answer to a reader that has to ask the input for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// The input can be read, or reading it may wait.
    Input,
    /// A record that goes on in the next line is not to be waited for.
    GiveUp,
    /// The input ends here; a line that is not complete is left.
    Stop,
}

/// Whether a line that begins with `#` is a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comments {
    PassOver,
    Take,
}

/// Lines that a reader has gone through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'a> {
    /// The number of the first, counted from 1.
    pub(crate) line: u64,
    pub(crate) count: u64,
    /// All of them, with their ends.
    pub(crate) raw: &'a [u8],
}

/// The input, line by line.
pub(crate) struct Lines {
    source: Box<dyn Read>,
    /// The name of the input in messages.
    name: String,
    limits: Limits,
    buffer: Vec<u8>,
    /// The current line or lines are `buffer[start..end]`, of which the first ends at `first_end`.
    start: usize,
    first_end: usize,
    end: usize,
    /// What has been read is `buffer[..filled]`.
    filled: usize,
    /// The number of bytes that have been read in all.
    read: u64,
    /// The number of the first current line, counted from 1.
    number: u64,
    /// How many lines are current.
    count: u64,
    at_end: bool,
    /// Whether a last line without its end is left.
    needs_ends: bool,
    /// Whether the first line is being looked for.
    is_looking: bool,
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
            needs_ends: false,
            is_looking: false,
        }
    }

    /// Takes the bytes that are still to come, for what has no lines.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))] // only Arrow has none
    pub(crate) fn take_rest(&mut self) -> impl Read + use<> {
        let read = self.peeked().to_vec();
        (self.end, self.at_end) = (self.filled, true);
        std::io::Cursor::new(read).chain(std::mem::replace(&mut self.source, Box::new(std::io::empty())))
    }

    /// Leaves a last line without its end, as whatever is written may have been cut off: it is not gone to.
    pub(crate) fn need_ends(&mut self) {
        self.needs_ends = true;
    }

    /// The text of the current line, or lines, without the end of the last.
    pub(crate) fn current(&self) -> &[u8] {
        let line = self.raw();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// The text of the current line, or lines, with all ends.
    pub(crate) fn raw(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The number of the current line, or of the first of them.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The number of current lines.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The current line, or lines.
    pub(crate) fn span(&self) -> Span<'_> {
        Span { line: self.number, count: self.count.max(1), raw: self.raw() }
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
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
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

    /// Adds the next line to the current ones and returns its bytes; `None` at the end of the input, if the line is too long, or
    /// if it is not to be waited for.
    pub(crate) fn append(
        &mut self,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<Option<&[u8]>, Failure> {
        let length = self.end - self.start;
        if self.find_end(before_read)? != Found::Line {
            return Ok(None);
        }
        self.count += 1;
        Ok(self.buffer.get(self.start + length..self.end))
    }

    /// Goes on to the next piece of the input, which ends where `end` finds an end in the bytes that it is shown, each of them
    /// once. A piece that is not kept takes no memory; one that is too long to be kept is passed over.
    pub(crate) fn cut(
        &mut self,
        is_kept: bool,
        end: &mut impl FnMut(&[u8]) -> Option<usize>,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<Found, Failure> {
        self.number += self.count;
        self.start = self.end;
        (self.first_end, self.count) = (self.end, 0);
        let (mut searched, mut passed, mut is_too_long) = (0, 0, false);
        let found = loop {
            let unsearched = self.buffer.get(self.end + searched..self.filled).unwrap_or_default();
            if let Some(at) = end(unsearched) {
                self.end += searched + at;
                break if is_too_long { Found::TooLong } else { Found::Line };
            }
            searched = self.filled - self.end;
            if !is_kept || is_too_long || self.filled - self.start >= self.limits.longest {
                is_too_long |= is_kept;
                self.end = self.filled;
                passed += ends_of_lines(self.raw());
                (self.start, self.first_end, searched) = (self.filled, self.filled, 0);
            }
            if self.fill(before_read)? != Fill::More {
                self.end = self.filled;
                break if is_too_long {
                    Found::TooLong
                } else if self.start == self.end {
                    Found::End
                } else {
                    Found::Line
                };
            }
        };
        self.first_end = self.end;
        self.count = passed + ends_of_lines(self.raw());
        Ok(found)
    }

    /// The first byte behind the current lines that is no white space; none at the end of the input. Nothing is consumed.
    pub(crate) fn peek(
        &mut self,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<Option<u8>, Failure> {
        loop {
            let next = self.peeked().iter().find(|byte| !byte.is_ascii_whitespace()).copied();
            let is_full = self.filled - self.start >= self.limits.longest;
            if next.is_some() || is_full || self.fill(before_read)? != Fill::More {
                return Ok(next);
            }
        }
    }

    /// The first byte of an input that is no white space, behind its byte order mark. That is passed over.
    pub(crate) fn peek_behind_mark(
        &mut self,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<Option<u8>, Failure> {
        if self.number == 1 && self.end == 0 && self.peeked().starts_with(BYTE_ORDER_MARK) {
            (self.start, self.end, self.first_end) =
                (BYTE_ORDER_MARK.len(), BYTE_ORDER_MARK.len(), BYTE_ORDER_MARK.len());
        }
        self.peek(before_read)
    }

    /// Gives back all current lines: they come again.
    pub(crate) fn give_back(&mut self) {
        (self.end, self.first_end, self.count) = (self.start, self.start, 0);
    }

    /// Gives back all current lines but the first: they come again.
    pub(crate) fn keep_first(&mut self) {
        self.end = self.first_end;
        self.count = self.count.min(1);
    }

    /// The first line that is neither blank nor, where these are passed over, a comment that announces nothing, without its end.
    /// Nothing is consumed. A line that does not fit into the buffer is not complete.
    pub(crate) fn first_line(
        &mut self,
        comments: Comments,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<&[u8], Failure> {
        let is_text = |line: &&[u8]| {
            let line = line.trim_ascii();
            let is_comment = comments == Comments::PassOver && line.starts_with(b"#") && !is_announcement(line);
            !line.is_empty() && !is_comment
        };
        loop {
            let mut lines = self.after_mark().split_inclusive(|byte| *byte == b'\n');
            let is_complete = lines.find(is_text).is_some_and(|line| line.ends_with(b"\n"));
            self.is_looking = true;
            let is_over =
                is_complete || self.filled - self.start >= self.limits.chunk || self.fill(before_read)? != Fill::More;
            self.is_looking = false;
            if is_over {
                let mut lines = self.after_mark().split(|byte| *byte == b'\n');
                return Ok(lines.find(is_text).unwrap_or_default());
            }
        }
    }

    /// The lines that are still to come, as many as it takes until `is_enough` says so of those that have been read: all of them
    /// are complete but, at the end of the input, the last. At least two are looked at, however long they are. Nothing is
    /// consumed.
    pub(crate) fn preview(
        &mut self,
        mut is_enough: impl FnMut(&[u8], bool) -> bool,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<(), Failure> {
        let (mut looked, mut count) = (0, 0);
        loop {
            let seen = self.after_mark();
            // Line by line, so that how they arrive decides nothing.
            while let Some(at) = memchr::memchr(b'\n', seen.get(looked..).unwrap_or_default()) {
                looked += at + 1;
                count += 1;
                let is_over = count >= 2 && looked >= self.limits.chunk;
                if is_enough(seen.get(..looked).unwrap_or_default(), is_over) || is_over {
                    return Ok(());
                }
            }
            self.is_looking = true;
            let is_full = self.filled - self.start >= self.limits.longest;
            let is_over = is_full || self.fill(before_read)? != Fill::More;
            self.is_looking = false;
            if is_over {
                let seen = self.after_mark();
                // What the buffer cuts off is no line.
                is_enough(if self.at_end { seen } else { seen.get(..looked).unwrap_or_default() }, true);
                return Ok(());
            }
        }
    }

    /// The end of the last complete line that has been read. Only who looks at the first line reads more than one line ahead.
    fn complete(&self) -> usize {
        let ahead = if self.is_looking { self.peeked() } else { b"" };
        self.end + memchr::memrchr(b'\n', ahead).map_or(0, |at| at + 1)
    }

    /// What has been read and is still to come, without a byte order mark.
    fn after_mark(&self) -> &[u8] {
        let seen = self.peeked();
        seen.strip_prefix(BYTE_ORDER_MARK).unwrap_or(seen)
    }

    /// The byte order mark at the very beginning, where there is one: no line has it.
    pub(crate) fn mark(
        &mut self,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<&'static [u8], Failure> {
        let is_mark_so_far = |seen: &[u8]| seen.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(seen);
        while is_mark_so_far(self.peeked()) && self.fill(before_read)? == Fill::More {}
        Ok(if self.peeked().starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK } else { b"" })
    }

    /// What has been read and is still to come.
    pub(crate) fn peeked(&self) -> &[u8] {
        self.buffer.get(self.end..self.filled).unwrap_or_default()
    }

    /// Moves `end` behind the next line.
    fn find_end(&mut self, before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>) -> Result<Found, Failure> {
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
            match self.fill(before_read)? {
                Fill::More => {}
                Fill::End if self.needs_ends => return Ok(Found::End),
                Fill::End => {
                    self.end = self.filled;
                    return Ok(if searched == 0 { Found::End } else { Found::Line });
                }
                Fill::Stopped => return Ok(Found::End),
            }
        }
    }

    /// Goes to the end of a line that is too long to be kept.
    fn skip_line(&mut self, before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>) -> Result<Found, Failure> {
        if self.count > 0 {
            // Lines are being joined: that they are too many does not make the next one too long.
            return Ok(Found::TooLong);
        }
        loop {
            self.start = self.filled;
            self.end = self.filled;
            match self.fill(before_read)? {
                Fill::More => {}
                Fill::End => return Ok(Found::TooLong),
                Fill::Stopped => return Ok(Found::End),
            }
            let fresh = self.buffer.get(self.end..self.filled).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', fresh) {
                self.end += at + 1;
                self.start = self.end;
                return Ok(Found::TooLong);
            }
        }
    }

    /// Reads more behind what has been read.
    fn fill(&mut self, before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>) -> Result<Fill, Failure> {
        if self.at_end {
            return Ok(Fill::End);
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
        match before_read(Need { read: self.read, held: self.filled - self.complete(), is_joining: self.count > 0 })? {
            Woken::Input => {}
            Woken::GiveUp => return Ok(Fill::Stopped),
            Woken::Stop => {
                (self.at_end, self.filled) = (true, self.complete());
                return Ok(Fill::Stopped);
            }
        }
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
        Ok(if read > 0 { Fill::More } else { Fill::End })
    }
}

/// Whether a comment announces what the lines behind it are, as those of Prometheus do: `# TYPE name counter`.
fn is_announcement(line: &[u8]) -> bool {
    line.starts_with(b"# TYPE ")
}

fn ends_of_lines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// The outcome of reading more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    More,
    End,
    /// The caller does not want more: what is not complete is no line.
    Stopped,
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
    fn never_mind(_: Need) -> Result<Woken, Failure> {
        Ok(Woken::Input)
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
    fn a_line_that_is_not_waited_for_comes_later() {
        let mut lines = lines(b"one\ntwo\nthree\nfour");
        let mut answers = [Woken::Input, Woken::Input, Woken::GiveUp].into_iter();
        let mut some = move |_| Ok(answers.next().unwrap_or(Woken::Input));
        assert_eq!(lines.advance(&mut some).unwrap(), Found::Line);
        assert_eq!(lines.append(&mut some).unwrap(), None);
        lines.keep_first();
        for text in [&b"two"[..], b"three", b"four"] {
            assert_eq!(lines.advance(&mut some).unwrap(), Found::Line);
            assert_eq!(lines.current(), text);
        }
    }

    #[test]
    fn a_line_that_is_not_complete_is_left_where_the_input_is_stopped() {
        let mut lines = lines(b"one\ntwo\nthree\nfour");
        let mut reads = 0;
        let mut some = move |_| {
            reads += 1;
            Ok(if reads < 4 { Woken::Input } else { Woken::Stop })
        };
        let mut seen = Vec::new();
        while lines.advance(&mut some).unwrap() == Found::Line {
            seen.push(lines.current().to_vec());
        }
        assert_eq!(seen, [&b"one"[..], b"two"]);
    }

    #[test]
    fn a_last_line_without_its_end_is_left_where_ends_are_needed() {
        for (text, expected, held) in [(&b"one\ntwo"[..], 1, 3), (b"one\ntwo\n", 2, 0), (b"one", 0, 3), (b"", 0, 0)] {
            let mut lines = lines(text);
            lines.need_ends();
            let mut last = 0;
            let mut note = |need: Need| {
                last = need.held;
                Ok(Woken::Input)
            };
            let mut seen = 0;
            while lines.advance(&mut note).unwrap() == Found::Line {
                seen += 1;
            }
            assert_eq!((seen, lines.advance(&mut note).unwrap(), last), (expected, Found::End, held), "{text:?}");
        }
    }

    #[test]
    fn pieces_are_cut_anywhere_and_have_the_numbers_of_their_lines() {
        let mut lines = lines(b"one\n{a\nb}{c}\n rest");
        lines.advance(&mut never_mind).unwrap();
        assert_eq!(lines.peek(&mut never_mind).unwrap(), Some(b'{'));
        assert_eq!(lines.current(), b"one");
        lines.give_back();
        lines.advance(&mut never_mind).unwrap();
        let mut seen = Vec::new();
        let mut brace = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'}').map(|at| at + 1);
        loop {
            let found = lines.cut(true, &mut brace, &mut never_mind).unwrap();
            seen.push((found, lines.number(), String::from_utf8(lines.raw().to_vec()).unwrap()));
            if found == Found::End {
                break;
            }
        }
        let expected =
            [(Found::Line, 2, "{a\nb}"), (Found::Line, 3, "{c}"), (Found::Line, 3, "\n rest"), (Found::End, 4, "")];
        assert_eq!(seen, expected.map(|(found, number, text)| (found, number, text.to_owned())));
    }

    #[test]
    fn a_piece_that_is_too_long_or_not_kept_takes_no_memory() {
        let longest = Limits::default().longest as u64;
        let text = || io::repeat(b'\n').take(2 * longest).chain(&b"x}y}"[..]);
        let mut brace = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'}').map(|at| at + 1);
        for (is_kept, expected) in [(true, Found::TooLong), (false, Found::Line)] {
            let mut lines = Lines::new(Box::new(text()), "test".into(), Limits::default());
            assert_eq!(lines.cut(is_kept, &mut brace, &mut never_mind).unwrap(), expected);
            assert!(lines.buffer.len() <= Limits::default().longest);
            assert_eq!(lines.number(), 1);
            assert_eq!(lines.cut(true, &mut brace, &mut never_mind).unwrap(), Found::Line);
            assert_eq!((lines.raw(), lines.number()), (&b"y}"[..], 2 * longest + 1));
        }
    }

    #[test]
    fn looking_at_the_first_line_consumes_nothing() {
        let mut lines = lines(b"\xEF\xBB\xBF \r\n# why\n {\"a\":1}\n");
        assert_eq!(lines.first_line(Comments::PassOver, &mut never_mind).unwrap(), b" {\"a\":1}");
        lines.advance(&mut never_mind).unwrap();
        assert_eq!((lines.current(), lines.number()), (&b" "[..], 1));
    }
}

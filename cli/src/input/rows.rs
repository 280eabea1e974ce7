//! A CSV as rows of fields.
//!
//! A line without a quote is split at its commas; a line with one goes through `csv-core`, together with the lines that
//! its quoted fields reach into. A quote that never closes must not swallow the rest of the input: such a row is one bad
//! line, and reading goes on with the line after it.

use super::lines::{Found, Lines};
use crate::failure::Failure;
use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};
use std::fmt;

/// How far, in bytes, quoted fields may reach into the lines after the first.
const LONGEST_REACH: usize = 1 << 20;

/// Reads rows of fields from lines.
pub(crate) struct Rows {
    lines: Lines,
    parser: csv_core::Reader,
    /// The fields of a row with quotes, one after the other.
    unquoted: Vec<u8>,
    /// Where each field ends.
    ends: Vec<usize>,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    /// Valid UTF-8, as is every field.
    text: &'a [u8],
    ends: &'a [usize],
    /// How many bytes lie between two fields.
    gap: usize,
    /// The number of its first line.
    pub(crate) line: u64,
    pub(crate) is_several_lines: bool,
}

/// What there was to read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next<'a> {
    Row(Row<'a>),
    /// The number of a line that is no row, and why.
    Broken(u64, Broken),
    End,
}

/// Why a row cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    NotUtf8,
    Unclosed,
    TooLong,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "the row is not UTF-8",
            Self::Unclosed => "a quote is opened and never closed",
            Self::TooLong => "the line is too long",
        })
    }
}

impl<'a> Row<'a> {
    /// How many fields it has.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// One field, without white space around it; nothing where there is none.
    #[inline]
    pub(crate) fn field(&self, index: usize) -> &'a [u8] {
        let Some(&end) = self.ends.get(index) else { return b"" };
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| end + self.gap);
        self.text.get(start..end).unwrap_or_default().trim_ascii()
    }

    /// The same as text.
    pub(crate) fn text(&self, index: usize) -> &'a str {
        std::str::from_utf8(self.field(index)).unwrap_or_default()
    }
}

impl Rows {
    pub(crate) fn new(lines: Lines) -> Self {
        // A carriage return before the line feed is white space around the last field.
        let parser = ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build();
        Self { lines, parser, unquoted: Vec::new(), ends: Vec::new() }
    }

    /// The next row that is not blank.
    #[inline]
    pub(crate) fn next(
        &mut self,
        before_read: &mut impl FnMut(u64) -> Result<(), Failure>,
    ) -> Result<Next<'_>, Failure> {
        loop {
            match self.lines.advance(before_read)? {
                Found::End => return Ok(Next::End),
                Found::TooLong => return Ok(Next::Broken(self.lines.number(), Broken::TooLong)),
                Found::Line if self.lines.current().trim_ascii().is_empty() => {}
                Found::Line => break,
            }
        }
        let is_quoted = !split(self.lines.current(), &mut self.ends);
        let is_closed = !is_quoted || self.unquote(before_read)?;
        if !is_closed || self.lines.is_several() && !is_well_quoted(self.lines.current()) {
            self.lines.keep_first();
            return Ok(Next::Broken(self.lines.number(), Broken::Unclosed));
        }
        let line = self.lines.number();
        // The raw text is checked, not the fields: it is quicker, and commas and quotes do not split characters.
        let raw = self.lines.current();
        if !raw.is_ascii() && std::str::from_utf8(raw).is_err() {
            self.lines.keep_first();
            return Ok(Next::Broken(line, Broken::NotUtf8));
        }
        let (text, gap) = if is_quoted { (&self.unquoted[..], 0) } else { (self.lines.current(), 1) };
        Ok(Next::Row(Row { text, ends: &self.ends, gap, line, is_several_lines: self.lines.is_several() }))
    }

    /// Gives back all lines of the last row but the first, for a row whose quotes have led astray.
    pub(crate) fn keep_first_line(&mut self) {
        self.lines.keep_first();
    }

    /// Reads the fields of a row with quotes. False if a quote is not closed within reach.
    fn unquote(&mut self, before_read: &mut impl FnMut(u64) -> Result<(), Failure>) -> Result<bool, Failure> {
        self.parser.reset();
        self.unquoted.clear();
        self.ends.clear();
        let mut fields = Fields { parser: &mut self.parser, text: &mut self.unquoted, ends: &mut self.ends };
        let mut complete = fields.feed(self.lines.current());
        // The line end is fed apart, so that the last line of the input has one too.
        complete = complete || fields.feed(b"\n");
        while !complete {
            if self.lines.added() > LONGEST_REACH {
                return Ok(false);
            }
            let Some(line) = self.lines.append(before_read)? else { return Ok(false) };
            complete = fields.feed(line);
            if !complete && !line.ends_with(b"\n") {
                complete = fields.feed(b"\n");
            }
        }
        Ok(true)
    }
}

/// Finds the ends of the fields of a line without quotes. False if it has quotes.
#[inline]
fn split(line: &[u8], ends: &mut Vec<usize>) -> bool {
    ends.clear();
    for at in memchr::memchr2_iter(b',', b'"', line) {
        if line.get(at) == Some(&b'"') {
            return false;
        }
        ends.push(at);
    }
    ends.push(line.len());
    true
}

/// Whether every quote begins a field, ends one or is doubled within one. The parser is more lenient, which is kind to a
/// single line; but where it joins lines, stray quotes would take good rows with them.
fn is_well_quoted(row: &[u8]) -> bool {
    let mut is_inside = false;
    let mut before = b',';
    let mut bytes = row.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if is_inside && bytes.peek() == Some(&b'"') => _ = bytes.next(),
            b'"' if is_inside => {
                is_inside = false;
                if bytes.peek().is_some_and(|after| *after != b',' && !after.is_ascii_whitespace()) {
                    return false;
                }
            }
            b'"' if before == b',' => is_inside = true,
            b'"' => return false,
            _ => {}
        }
        before = byte;
    }
    !is_inside
}

/// Where the parser puts the fields of one row.
struct Fields<'a> {
    parser: &'a mut csv_core::Reader,
    text: &'a mut Vec<u8>,
    ends: &'a mut Vec<usize>,
}

impl Fields<'_> {
    /// Parses some of the row. True if that was its end.
    fn feed(&mut self, mut input: &[u8]) -> bool {
        let mut text_length = self.text.len();
        let mut ends_length = self.ends.len();
        let result = loop {
            // Fields are never longer than the input they come from, nor more than its bytes: nothing can be full.
            self.text.resize(text_length + input.len() + 1, 0);
            self.ends.resize(ends_length + input.len() + 1, 0);
            let text = self.text.get_mut(text_length..).unwrap_or_default();
            let ends = self.ends.get_mut(ends_length..).unwrap_or_default();
            let (result, read, written, ended) = self.parser.read_record(input, text, ends);
            input = input.get(read..).unwrap_or_default();
            text_length += written;
            ends_length += ended;
            let is_full = matches!(result, ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull);
            if !is_full || input.is_empty() {
                break result;
            }
        };
        self.text.truncate(text_length);
        self.ends.truncate(ends_length);
        matches!(result, ReadRecordResult::Record | ReadRecordResult::End)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row by its line and its fields, or by its line and what is wrong with it.
    type Seen = Result<(u64, Vec<String>), (u64, Broken)>;

    fn read(text: &'static [u8]) -> Vec<Seen> {
        let mut rows = Rows::new(Lines::new(Box::new(text), "test".into()));
        let mut seen = Vec::new();
        loop {
            seen.push(match rows.next(&mut |_| Ok(())).unwrap() {
                Next::Row(row) => Ok((row.line, (0..row.len()).map(|index| row.text(index).to_owned()).collect())),
                Next::Broken(line, broken) => Err((line, broken)),
                Next::End => return seen,
            });
        }
    }

    fn row(line: u64, fields: &[&str]) -> Seen {
        Ok((line, fields.iter().map(|&field| field.to_owned()).collect()))
    }

    #[test]
    fn fields_with_and_without_quotes() {
        assert_eq!(read(b"a,b\r\n 1 ,\n"), [row(1, &["a", "b"]), row(2, &["1", ""])]);
        assert_eq!(read(b"\"a,\"\"b\",2\r\n\n\"x\",\"\""), [row(1, &["a,\"b", "2"]), row(3, &["x", ""])]);
        assert_eq!(read(b"\"\n\n\",1\nz,2"), [row(1, &["", "1"]), row(4, &["z", "2"])]);
        assert_eq!(read("5\" pipe,\u{e9}\n".as_bytes()), [row(1, &["5\" pipe", "\u{e9}"])]);
        assert_eq!(read(b"\"q\""), [row(1, &["q"])]);
    }

    #[test]
    fn a_quote_that_never_closes_costs_one_line() {
        assert_eq!(read(b"a,b\n\"c,1\nd,2\n"), [row(1, &["a", "b"]), Err((2, Broken::Unclosed)), row(3, &["d", "2"])]);
        assert_eq!(read(b"\"c,1"), [Err((1, Broken::Unclosed))]);
        // Nor does one that another line's quotes seem to close.
        assert_eq!(read(b"\"c,1\n\"d\",2\n"), [Err((1, Broken::Unclosed)), row(2, &["d", "2"])]);
        assert_eq!(read(b"\"c\nd\" ,1\n"), [row(1, &["c\nd", "1"])]);
    }

    #[test]
    fn half_characters_in_two_fields_do_not_make_a_whole_one() {
        assert_eq!(read(b"\"\xC3\",\"\xA9\"\nb\n"), [Err((1, Broken::NotUtf8)), row(2, &["b"])]);
        assert_eq!(read(b"\xC3,\xA9\n"), [Err((1, Broken::NotUtf8))]);
    }
}

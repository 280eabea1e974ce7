//! A table in text as rows of fields.
//!
//! A line without a quote is split at its commas, or what else stands between fields; a line with one is read byte by byte, together with the lines that its
//! quoted fields reach into. A quote that never closes must not swallow the rest of the input: such a row is one bad
//! line, and reading goes on with the line after it.

use crate::failure::Failure;
use crate::formats::lines::{Found, Lines, Need, Woken};
use crate::formats::options::Delimiter;
use crate::text::dates::civil;
use std::fmt;

/// Reads rows of fields from lines.
pub(crate) struct Rows {
    lines: Lines,
    delimiter: Delimiter,
    /// Whether the row has quotes.
    is_quoted: bool,
    /// The fields of a row with quotes, one after the other.
    unquoted: Vec<u8>,
    /// The end of each field.
    ends: Vec<usize>,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    /// The text of the row, valid UTF-8 as is every field.
    text: &'a [u8],
    ends: &'a [usize],
    /// The number of bytes between two fields.
    gap: usize,
    /// The number of its first line.
    pub(crate) line: u64,
}

/// The outcome of going on to the next row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A row, the [`current`](Rows::current) one.
    Row,
    /// A line that is no row.
    Broken(Broken),
    End,
}

/// A reason why a row cannot be read.
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
    /// The number of fields.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field, without white space around it; nothing where there is none.
    #[inline]
    pub(crate) fn field(&self, index: usize) -> &'a [u8] {
        let Some(&end) = self.ends.get(index) else { return b"" };
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| end + self.gap);
        self.text.get(start..end).unwrap_or_default().trim_ascii()
    }

    /// A field as text.
    pub(crate) fn text(&self, index: usize) -> &'a str {
        std::str::from_utf8(self.field(index)).unwrap_or_default()
    }
}

impl Rows {
    pub(crate) fn new(lines: Lines) -> Self {
        Self { lines, delimiter: Delimiter::Byte(b','), is_quoted: false, unquoted: Vec::new(), ends: Vec::new() }
    }

    /// Sets what stands between fields.
    pub(crate) fn set_delimiter(&mut self, delimiter: Delimiter) {
        self.delimiter = delimiter;
    }

    /// The lines, to be looked at before there are rows.
    pub(crate) fn lines_mut(&mut self) -> &mut Lines {
        &mut self.lines
    }

    /// Goes on to the next row; `None` is a blank line.
    #[inline]
    pub(crate) fn step(
        &mut self,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<Option<Next>, Failure> {
        match self.lines.advance(before_read)? {
            Found::End => return Ok(Some(Next::End)),
            Found::TooLong => return Ok(Some(Next::Broken(Broken::TooLong))),
            Found::Line if self.lines.current().trim_ascii().is_empty() => return Ok(None),
            Found::Line => {}
        }
        let Split { is_quoted, is_ascii } = match self.delimiter {
            Delimiter::Byte(delimiter) => split(self.lines.current(), delimiter, &mut self.ends),
            Delimiter::Blanks => {
                split_blanks(self.lines.current(), &mut self.unquoted, &mut self.ends);
                Split { is_quoted: true, is_ascii: false }
            }
        };
        self.is_quoted = is_quoted;
        if is_quoted && self.delimiter != Delimiter::Blanks && !self.unquote(before_read)? {
            self.lines.keep_first();
            return Ok(Some(Next::Broken(Broken::Unclosed)));
        }
        // The raw text is checked, not the fields: commas and quotes do not split characters. Lines that quotes have joined
        // are looked at again.
        if (!is_ascii || self.is_several_lines()) && std::str::from_utf8(self.lines.current()).is_err() {
            self.lines.keep_first();
            return Ok(Some(Next::Broken(Broken::NotUtf8)));
        }
        Ok(Some(Next::Row))
    }

    /// The number of fields of the present row.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The present row.
    #[inline]
    pub(crate) fn current(&self) -> Row<'_> {
        let (text, gap) = if self.is_quoted { (&self.unquoted[..], 0) } else { (self.lines.current(), 1) };
        Row { text, ends: &self.ends, gap, line: self.lines.number() }
    }

    /// The lines of the row, or the one that is no row.
    pub(crate) fn lines(&self) -> &Lines {
        &self.lines
    }

    /// The number of the row's first line, or that of a line that is no row.
    pub(crate) fn line(&self) -> u64 {
        self.lines.number()
    }

    /// Whether quotes have joined several lines into one row.
    pub(crate) fn is_several_lines(&self) -> bool {
        self.lines.is_several()
    }

    /// Gives back all lines of the last row but the first, for a row whose quotes have led astray.
    pub(crate) fn keep_first_line(&mut self) {
        self.lines.keep_first();
    }

    /// Reads the fields of a row with quotes. False if a quote is not closed within reach.
    fn unquote(&mut self, before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>) -> Result<bool, Failure> {
        self.unquoted.clear();
        self.ends.clear();
        let delimiter = if let Delimiter::Byte(delimiter) = self.delimiter { delimiter } else { b',' };
        let mut fields = Fields::new(delimiter, &mut self.unquoted, &mut self.ends);
        let mut line = self.lines.raw();
        loop {
            let is_open = fields.feed(line.strip_suffix(b"\n").unwrap_or(line));
            // A single line may have its quotes anywhere, which is kind to it. Where they join lines, stray ones would take
            // good rows with them; and where every line has some, each would have all within reach read again.
            if !is_open {
                return Ok(fields.are_well_quoted || !self.lines.is_several());
            }
            if !fields.are_well_quoted || self.lines.is_beyond_reach() {
                return Ok(false);
            }
            match self.lines.append(before_read)? {
                Some(next) => line = next,
                None => return Ok(false),
            }
        }
    }
}

/// The fields of a single line, without white space around them and without their quotes.
pub(super) fn fields(line: &str, delimiter: Delimiter) -> Vec<String> {
    let (mut text, mut ends) = (Vec::new(), Vec::new());
    match delimiter {
        Delimiter::Byte(delimiter) => {
            let is_open = Fields::new(delimiter, &mut text, &mut ends).feed(line.as_bytes());
            if is_open {
                ends.push(text.len());
            }
        }
        Delimiter::Blanks => split_blanks(line.as_bytes(), &mut text, &mut ends),
    }
    let row = Row { text: &text, ends: &ends, gap: 0, line: 0 };
    (0..row.len()).map(|index| row.text(index).to_owned()).collect()
}

/// Whether the last field of a text is in quotes that are not closed; `None` if quotes stand elsewhere than around fields.
pub(super) fn is_open(text: &str, delimiter: u8) -> Option<bool> {
    if memchr::memchr(b'"', text.as_bytes()).is_none() {
        return Some(false);
    }
    let (mut unquoted, mut ends) = (Vec::new(), Vec::new());
    let mut fields = Fields::new(delimiter, &mut unquoted, &mut ends);
    let is_open = fields.feed(text.as_bytes());
    fields.are_well_quoted.then_some(is_open)
}

/// Writes the fields of a line between runs of blanks. A date and the time of day behind it are one, and so is what stands between
/// quotes.
fn split_blanks(line: &[u8], text: &mut Vec<u8>, ends: &mut Vec<usize>) {
    text.clear();
    ends.clear();
    let mut last: &[u8] = b"";
    let mut rest = line.trim_ascii();
    while !rest.is_empty() {
        let (piece, behind) = cut_piece(rest);
        rest = behind.trim_ascii_start();
        if is_clock(piece) && is_date(last) {
            text.push(b' ');
            ends.pop();
        }
        text.extend_from_slice(piece);
        ends.push(text.len());
        last = piece;
    }
}

/// The first piece of a line that begins with one, without its quotes, and what is behind it.
fn cut_piece(line: &[u8]) -> (&[u8], &[u8]) {
    if let Some(quoted) = line.strip_prefix(b"\"") {
        let is_end = |at: &usize| quoted.get(at + 1).is_none_or(u8::is_ascii_whitespace);
        if let Some((piece, behind)) =
            memchr::memchr_iter(b'"', quoted).find(is_end).and_then(|at| quoted.split_at_checked(at))
        {
            return (piece, behind.get(1..).unwrap_or_default());
        }
    }
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    line.split_at(end)
}

fn is_clock(piece: &[u8]) -> bool {
    matches!(piece, [b'0'..=b'2', b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9', ..])
}

fn is_date(piece: &[u8]) -> bool {
    let is_one = |text: &str| civil(&text.replace('/', "-")).is_some();
    piece.len() == 10 && std::str::from_utf8(piece).is_ok_and(is_one)
}

/// The properties of a line.
struct Split {
    is_quoted: bool,
    is_ascii: bool,
}

/// Finds the ends of the fields of a line, which are right if it has no quotes.
///
/// Fields are short: a search for each comma costs more than a look at all bytes, eight at a time.
#[inline]
fn split(line: &[u8], delimiter: u8, ends: &mut Vec<usize>) -> Split {
    ends.clear();
    let (mut quotes, mut all) = (0, 0);
    let (words, rest) = line.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        all |= word;
        quotes |= equal_bytes(word, b'"');
        let mut commas = equal_bytes(word, delimiter);
        while commas != 0 {
            ends.push(8 * index + commas.trailing_zeros() as usize / 8);
            commas &= commas - 1;
        }
    }
    let (mut is_quoted, mut is_ascii) = (quotes != 0, all & HIGH_BITS == 0);
    for (at, byte) in rest.iter().enumerate() {
        is_quoted |= *byte == b'"';
        is_ascii &= byte.is_ascii();
        if *byte == delimiter {
            ends.push(8 * words.len() + at);
        }
    }
    ends.push(line.len());
    Split { is_quoted, is_ascii }
}

const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; 8]);

/// The high bit of every byte of the word that is `byte`, and no other bit.
#[inline]
fn equal_bytes(word: u64, byte: u8) -> u64 {
    let difference = word ^ u64::from_ne_bytes([byte; 8]);
    // The sum carries into the high bit of a byte unless its low seven bits are all zero, and never beyond.
    !(((difference & !HIGH_BITS) + !HIGH_BITS) | difference) & HIGH_BITS
}

/// The place of a byte in a row with quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the beginning of a field.
    First,
    /// In a field without quotes, or behind those of one with.
    Bare,
    /// Between quotes.
    Quoted,
    /// Behind a quote within quotes: it closes them, or is the first of two that stand for one.
    AfterQuote,
}

/// The fields of a row in the making, without their quotes.
struct Fields<'a> {
    delimiter: u8,
    text: &'a mut Vec<u8>,
    ends: &'a mut Vec<usize>,
    place: Place,
    /// Whether every quote so far begins a field, ends one or is doubled within one. Others are text.
    are_well_quoted: bool,
}

impl<'a> Fields<'a> {
    fn new(delimiter: u8, text: &'a mut Vec<u8>, ends: &'a mut Vec<usize>) -> Self {
        Self { delimiter, text, ends, place: Place::First, are_well_quoted: true }
    }

    /// Reads one line, which is given without its end. True if the row goes on in the next one.
    fn feed(&mut self, line: &[u8]) -> bool {
        for &byte in line {
            self.place = match (self.place, byte) {
                (Place::First, b'"') => Place::Quoted,
                (Place::First | Place::Bare | Place::AfterQuote, byte) if byte == self.delimiter => {
                    self.ends.push(self.text.len());
                    Place::First
                }
                (Place::Quoted, b'"') => Place::AfterQuote,
                (place, byte) => {
                    self.text.push(byte);
                    match place {
                        Place::Quoted => Place::Quoted,
                        Place::AfterQuote if byte == b'"' => Place::Quoted,
                        Place::AfterQuote => {
                            self.are_well_quoted &= byte.is_ascii_whitespace();
                            Place::Bare
                        }
                        Place::First | Place::Bare => {
                            self.are_well_quoted &= byte != b'"';
                            Place::Bare
                        }
                    }
                }
            }
        }
        if self.place == Place::Quoted {
            self.text.push(b'\n');
            return true;
        }
        self.ends.push(self.text.len());
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::lines::Limits;

    /// A row by its line and its fields, or by its line and what is wrong with it.
    type Seen = Result<(u64, Vec<String>), (u64, Broken)>;

    fn read(text: &'static [u8]) -> Vec<Seen> {
        let mut rows = Rows::new(Lines::new(Box::new(text), "test".into(), Limits::default()));
        let mut seen = Vec::new();
        loop {
            let Some(next) = rows.step(&mut |_| Ok(Woken::Input)).unwrap() else { continue };
            let row = rows.current();
            seen.push(match next {
                Next::Row => Ok((row.line, (0..row.len()).map(|index| row.text(index).to_owned()).collect())),
                Next::Broken(broken) => Err((rows.line(), broken)),
                Next::End => return seen,
            });
        }
    }

    #[allow(clippy::unnecessary_wraps)] // one of the two kinds
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
    fn lines_are_split_at_every_comma_and_nowhere_else() {
        let alphabet = [b',', b'"', b'-', b'+', b'!', b'#', 0x2C | 0x80, 0x22 | 0x80, 0, 0xFF, b'1'];
        let mut state = 1_usize;
        for length in (0..40).cycle().take(4000) {
            let line: Vec<u8> = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                alphabet[(state >> 33) % alphabet.len()]
            })
            .take(length)
            .collect();
            let mut ends = Vec::new();
            let found = split(&line, b',', &mut ends);
            let commas = line.iter().enumerate().filter(|(_, byte)| **byte == b',').map(|(at, _)| at);
            assert_eq!(ends, commas.chain([length]).collect::<Vec<_>>(), "{line:?}");
            assert_eq!((found.is_quoted, found.is_ascii), (line.contains(&b'"'), line.is_ascii()), "{line:?}");
        }
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
    fn quotes_that_never_close_are_read_once() {
        // Each line opens a quote and leaves it open, and so would every line behind it. Were each read on from as far as
        // quotes reach, this would take hours.
        let lines = 300_000;
        let text = Vec::leak("\"a\",\"b\n".repeat(lines).into_bytes());
        let seen = read(text);
        assert_eq!(seen.len(), lines);
        assert!(seen.iter().zip(1..).all(|(seen, line)| *seen == Err((line, Broken::Unclosed))));
    }

    #[test]
    fn a_byte_order_mark_within_is_text_with_and_without_quotes() {
        let text = "a,b\n\u{feff}1,2\n\u{feff}1,\"2\"\n\u{feff}\"1\",2\n";
        let marked = "\u{feff}1";
        let expected =
            [row(1, &["a", "b"]), row(2, &[marked, "2"]), row(3, &[marked, "2"]), row(4, &["\u{feff}\"1\"", "2"])];
        assert_eq!(read(text.as_bytes()), expected);
    }

    #[test]
    fn half_characters_in_two_fields_do_not_make_a_whole_one() {
        assert_eq!(read(b"\"\xC3\",\"\xA9\"\nb\n"), [Err((1, Broken::NotUtf8)), row(2, &["b"])]);
        assert_eq!(read(b"\xC3,\xA9\n"), [Err((1, Broken::NotUtf8))]);
    }
}

//! Telemetry in lines: what the formats have in common in which a line is one sample, or a few, of series that it names.
//!
//! A format is a [`Grammar`], which reads a line into [`Parts`]: mostly places in the line, so that nothing is copied that does not
//! have to be.

use super::lines::{Found, Lines, Span};
use super::reader::{Client, Input, Next, Reader, Use};
use super::record::{Record, Series, Value, When};
use crate::failure::Failure;
use crate::output::Draft;
use std::ops::Range;

/// The reason why a line is bad whose names are no text.
pub(super) const NOT_UTF8: &str = "the name of a series is not UTF-8";

/// The grammar of a line in one format.
pub(super) trait Grammar: Default {
    /// The endings of file names that promise the format.
    const ENDINGS: &'static [&'static str];

    /// The text before the number of an added line, behind what [`Parts::middle`] has.
    const BEFORE_NUMBER: &'static str;

    /// The text behind the number of an added line, before what [`Parts::tail`] has.
    const BEHIND_NUMBER: &'static str;

    /// The text before the name of an added series, behind the second slash.
    const PREFIX: &'static str = "";

    /// Whether a negative number with its sign is a change, and takes the place of what was there only behind a 0.
    const SIGNS_ARE_CHANGES: bool = false;

    /// Whether an input whose first line this is, is likely to be in the format.
    fn looks_like(first: &[u8]) -> bool;

    /// Reads a line that is not blank, and has no blanks around it. `parts` is empty.
    ///
    /// # Errors
    /// The line is nothing that the format has, for this reason.
    fn read(&mut self, line: &[u8], parts: &mut Parts) -> Result<What, String>;

    /// Whether a sample of the line that was read last is of a counter, by the name of its series up to the place of an ending.
    fn is_counter(&self, name: &[u8]) -> Option<bool>;
}

/// The meaning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Samples,
    /// A comment, or something else that has no samples.
    Nothing,
}

/// The parts of a line with samples.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) cells: Vec<Cell>,
    /// The text that names are places in, where they do not stand in the line as they are called.
    pub(super) built: String,
    /// Whether there is such a text. Otherwise names are places in the line.
    pub(super) is_built: bool,
    pub(super) time: Stamp,
    /// The place of what stands in an added line behind the ending of its name: where the names are.
    pub(super) middle: Range<usize>,
    /// The place in the line of what stands in an added line behind its number.
    pub(super) tail: Range<usize>,
    /// A remark, to be made when something is read for the first time.
    pub(super) note: Option<&'static str>,
}

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    /// The place of the name of the series.
    pub(super) name: Range<usize>,
    /// The place in the name at which an ending is added, counted from its beginning.
    pub(super) ending_at: usize,
    /// The place of what stands in an added line before the ending of its name: where the names are.
    pub(super) key: Range<usize>,
    /// The number, NaN where it is missing; none where there is none to be followed.
    pub(super) number: Option<f64>,
}

/// The time of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Stamp {
    /// None.
    #[default]
    Arrival,
    /// None, and the line is part of the row of this number.
    Row(u64),
    /// The place of a number since 1970.
    Text(Range<usize>),
}

impl Parts {
    fn clear(&mut self) {
        self.cells.clear();
        self.built.clear();
        self.is_built = false;
        self.time = Stamp::Arrival;
        (self.middle, self.tail, self.note) = (0..0, 0..0, None);
    }
}

/// The reader of a format of lines.
pub(crate) struct Telemetry<G> {
    lines: Lines,
    /// The name of the input in messages.
    input: String,
    grammar: G,
    parts: Parts,
    /// Remarks that have been made.
    noted: Vec<&'static str>,
}

/// The outcome of going on to the next line.
enum Step {
    Samples,
    Nothing,
    Broken(String),
    End,
}

impl<G: Grammar> Telemetry<G> {
    #[inline]
    fn step(&mut self, client: &mut impl Client) -> Result<Step, Failure> {
        let Self { lines, grammar, parts, noted, .. } = self;
        match lines.advance(&mut |need| client.before_read(need))? {
            Found::End => return Ok(Step::End),
            Found::TooLong => return Ok(Step::Broken("the line is too long".to_owned())),
            Found::Line => {}
        }
        let line = lines.raw().trim_ascii();
        if line.is_empty() {
            return Ok(Step::Nothing);
        }
        parts.clear();
        let what = grammar.read(line, parts);
        if let Some(note) = parts.note.filter(|note| !noted.contains(note)) {
            noted.push(note);
            client.console().note(note);
        }
        Ok(match what {
            Ok(What::Samples) => Step::Samples,
            Ok(What::Nothing) => Step::Nothing,
            Err(why) => Step::Broken(why),
        })
    }
}

impl<G: Grammar> Reader for Telemetry<G> {
    type Record<'a>
        = Samples<'a, G>
    where
        G: 'a;

    const ENDINGS: &'static [&'static str] = G::ENDINGS;
    const USES: &'static [Use] = &[];

    fn looks_like(first: &[u8]) -> bool {
        G::looks_like(first.trim_ascii())
    }

    fn open(input: Input) -> Result<Self, Failure> {
        let Input { lines, name, .. } = input;
        Ok(Self { lines, input: name, grammar: G::default(), parts: Parts::default(), noted: Vec::new() })
    }

    #[inline]
    fn next(&mut self, client: &mut impl Client) -> Result<Next<'_, Samples<'_, G>>, Failure> {
        let step = self.step(client)?;
        let lines = self.lines.span();
        Ok(match step {
            Step::Samples => match Samples::new(lines, &self.parts, &self.grammar) {
                Some(samples) => Next::Record(samples),
                None => Next::Broken(lines, NOT_UTF8.to_owned()),
            },
            Step::Nothing => Next::Blank(lines),
            Step::Broken(why) => Next::Broken(lines, why),
            Step::End => Next::End,
        })
    }

    fn check_end(&self, rows: u64) -> Result<(), Failure> {
        let input = &self.input;
        if rows == 0 { Err(Failure::usage(format!("{input} is empty, or has no samples"))) } else { Ok(()) }
    }
}

/// The samples of one line.
pub(crate) struct Samples<'a, G> {
    lines: Span<'a>,
    /// The line without its end and the blanks around it.
    line: &'a [u8],
    parts: &'a Parts,
    /// The text that the names of cells are places in.
    names: &'a str,
    grammar: &'a G,
}

impl<'a, G> Samples<'a, G> {
    /// The samples of a line; `None` if a name is not UTF-8.
    #[inline]
    fn new(lines: Span<'a>, parts: &'a Parts, grammar: &'a G) -> Option<Self> {
        let line = lines.raw.trim_ascii();
        let names = if parts.is_built {
            &parts.built
        } else {
            let end = parts.cells.iter().map(|cell| cell.name.end).max().unwrap_or(0);
            std::str::from_utf8(line.get(..end)?).ok()?
        };
        Some(Self { lines, line, parts, names, grammar })
    }

    /// A place in the line.
    fn part(&self, place: &Range<usize>) -> &'a [u8] {
        self.line.get(place.clone()).unwrap_or_default()
    }

    /// A place where the names are.
    fn named(&self, place: &Range<usize>) -> &'a [u8] {
        let text = if self.parts.is_built { self.parts.built.as_bytes() } else { self.line };
        text.get(place.clone()).unwrap_or_default()
    }

    /// The end of the line: nothing, where it is the last one and has none.
    fn end(&self) -> usize {
        let raw = self.lines.raw;
        let line = raw.strip_suffix(b"\n").unwrap_or(raw);
        line.strip_suffix(b"\r").unwrap_or(line).len()
    }
}

impl<G: Grammar> Record for Samples<'_, G> {
    const IS_ROW: bool = false;
    const IS_LINE: bool = true;

    fn span(&self) -> Span<'_> {
        self.lines
    }

    #[inline]
    fn time(&self) -> When<'_> {
        match &self.parts.time {
            Stamp::Arrival => When::Arrival,
            Stamp::Row(row) => When::Numbered(*row),
            Stamp::Text(place) => When::Cell { text: self.part(place), is_number: true },
        }
    }

    #[inline]
    fn series(&self) -> Series<'_> {
        Series::Each
    }

    #[inline]
    fn len(&self) -> usize {
        self.parts.cells.len()
    }

    #[inline]
    fn name(&self, cell: usize) -> &str {
        self.parts.cells.get(cell).and_then(|cell| self.names.get(cell.name.clone())).unwrap_or_default()
    }

    #[inline]
    fn is_number(&self, cell: usize) -> bool {
        self.parts.cells.get(cell).is_some_and(|cell| cell.number.is_some())
    }

    #[inline]
    fn value(&self, cell: usize) -> Value<'_> {
        match self.parts.cells.get(cell).map(|cell| cell.number) {
            Some(Some(number)) => Value::Number(number),
            Some(None) => Value::Other,
            None => Value::Absent,
        }
    }

    fn is_counter(&self, cell: usize) -> Option<bool> {
        let ending_at = self.parts.cells.get(cell)?.ending_at;
        self.grammar.is_counter(self.name(cell).as_bytes().get(..ending_at)?)
    }

    fn split(&self) -> (&[u8], &[u8]) {
        self.lines.raw.split_at(self.end())
    }

    fn stem(&self, cell: usize, ending: &str) -> Option<String> {
        let (head, tail) = self.name(cell).split_at_checked(self.parts.cells.get(cell)?.ending_at)?;
        let head = head.strip_suffix(ending)?;
        let (folder, name) = head.split_at(head.match_indices('/').nth(1).map_or(0, |(at, _)| at + 1));
        Some([folder, name.strip_prefix(G::PREFIX).unwrap_or(name), tail].concat())
    }

    const EQUALS: &'static str = "";

    fn write_key(&self, cell: usize, key: &mut Vec<u8>) {
        key.extend_from_slice(if self.lines.raw.ends_with(b"\r\n") { b"\r\n" } else { b"\n" });
        if let Some(cell) = self.parts.cells.get(cell) {
            key.extend_from_slice(self.named(&cell.key));
        }
    }

    fn append(&self, out: &mut Draft, key: &[u8], ending: &[u8], number: f64) {
        if !number.is_finite() {
            return;
        }
        let mut line = |put: &dyn Fn(&mut Draft)| {
            for piece in [key, ending, self.named(&self.parts.middle), G::BEFORE_NUMBER.as_bytes()] {
                out.put(piece);
            }
            put(out);
            for piece in [G::BEHIND_NUMBER.as_bytes(), self.part(&self.parts.tail)] {
                out.put(piece);
            }
        };
        if G::SIGNS_ARE_CHANGES && number.is_sign_negative() {
            line(&|out| out.put(b"0"));
        }
        line(&|out| out.put_number(number));
    }
}

/// The place behind the blanks that begin here: spaces and tabs.
#[inline]
pub(super) fn behind_blanks(text: &[u8], at: usize) -> usize {
    let blanks = text.get(at..).unwrap_or_default().iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    at + blanks
}

/// The place of the word that begins here, up to the next blank.
#[inline]
pub(super) fn word(text: &[u8], at: usize) -> Range<usize> {
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(rest.len());
    at..at + length
}

/// The place behind the quote that ends what begins here. A backslash takes any one byte.
#[inline]
pub(super) fn behind_quote(line: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = line.get(at..)?;
        let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        at += found + 1;
        if rest.get(found) == Some(&b'"') {
            return Some(at);
        }
        at += 1;
    }
}

/// Whether a text is a number since 1970: finite, and not a word.
pub(super) fn is_time(text: &[u8]) -> bool {
    let has_digit = text.iter().any(u8::is_ascii_digit);
    has_digit && fast_float2::parse::<f64, _>(text).is_ok_and(f64::is_finite)
}

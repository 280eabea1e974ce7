//! What the targets `csv` and `ndjson` have in common: options out of the first bytes, the rest in pieces of any size
//! through the program's readers, and what a plain reading of the same text has to say.
//!
//! The plain reading has the whole text before it, knows no buffers and no lookahead, reads numbers with the standard
//! library, and writes down in order what should come out. All of it must: names, times, samples to the bit, and every row
//! and cell that is bad, with its line.

use crate::clock::Falling;
use crate::telemetry;
use crate::{collectd, csv, graphite, influx, json, ndjson, prometheus, random::Random, statsd};
use evenkeel_cli::probe::{self, Event, Format, Limits, NAME, Options, Reading};
use std::collections::{HashSet, VecDeque};
use std::io::{self, ErrorKind, Read};

/// So many bad rows and cells are described; the others are only counted.
const DESCRIBED: usize = 20;
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads the text behind the first four bytes in every way, and compares. `names` finds names for the options in it.
pub(crate) fn check(bytes: &[u8], format: Format, names: impl Fn(&[u8]) -> Vec<String>) {
    let (first, text) = bytes.split_at(bytes.len().min(4));
    let mut choices = [0; 4];
    choices[..first.len()].copy_from_slice(first);
    let options = options(choices, format, &names(text));
    let whole = check_pieces(text, &options, choices[3]);
    if let Some(expected) = Expected::of(text, &options, &whole) {
        expected.compare(&whole);
    }
}

/// Reads the text whole, byte by byte, in pieces and up to an error, compares, and returns what came of it.
pub(crate) fn check_pieces(text: &[u8], options: &Options, choice: u8) -> Reading {
    let read = |pieces| probe::read(Pieces::new(text, pieces), options);
    let whole = read(Size::Whole);

    // How the bytes arrive is nobody's business.
    assert_eq!(read(Size::One), whole, "byte by byte, {options:?}");
    assert_eq!(read(Size::Any(choice.into())), whole, "in pieces, {options:?}");

    // An input that breaks off has been read up to there, and says so.
    let broken = read(Size::Broken(usize::from(choice) * (text.len() + 1) / 256));
    assert!(whole.events.starts_with(&broken.events), "{broken:?} begins {whole:?}, {options:?}");
    assert!(broken.rows <= whole.rows && broken.bad_rows <= whole.bad_rows && broken.bad_cells <= whole.bad_cells);
    let (code, words) = broken.stop.as_ref().expect("it broke off");
    let is_said = *code == 2 && words.contains("it broke");
    assert!(is_said || broken == whole, "{broken:?}, {options:?}");
    whole
}

/// What the command line would say.
pub(crate) fn options(choices: [u8; 4], format: Format, names: &[String]) -> Options {
    let [flags, roles, values, _] = choices;
    let name = |choice: u8| names.get(usize::from(choice) % names.len().max(1)).cloned().unwrap_or_default();
    let role = |choice: u8| match choice {
        0..=7 => None,
        8..=14 => Some(name(choice - 8)),
        _ => Some("absent".to_owned()),
    };
    Options {
        format: (flags & 2 == 0).then_some(format),
        time: role(roles & 15),
        series: role(roles >> 4),
        values: (0..values & 3).map(|value| name((values >> 2) + value * (1 + (values >> 6)))).collect(),
        records: None,
        delimiter: (format == Format::Csv).then(|| ",".to_owned()),
        skip: (format == Format::Csv).then_some(0),
        strict: flags & 1 == 1,
        limits: match flags >> 2 & 3 {
            // A buffer of the usual size takes longer to make than all the rest.
            0 => Limits { chunk: 512, ..Limits::default() },
            1 => Limits::default(),
            2 => Limits { chunk: 16, longest: 64, reach: 24 },
            _ => Limits { chunk: 3, longest: 23, reach: 7 },
        },
    }
}

/// How much of the text a reader gets at once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Size {
    Whole,
    One,
    /// Pieces of a random size, with interruptions between them.
    Any(u64),
    /// Everything up to here, and then an error.
    Broken(usize),
}

/// The text in pieces.
pub(crate) struct Pieces {
    text: io::Cursor<Vec<u8>>,
    size: Size,
    random: Random,
}

impl Pieces {
    pub(crate) fn new(text: &[u8], size: Size) -> Self {
        let seed = if let Size::Any(seed) = size { seed } else { 0 };
        Self { text: io::Cursor::new(text.to_vec()), size, random: Random::new(seed) }
    }
}

impl Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let size = match self.size {
            Size::Whole => room.len(),
            Size::One => 1,
            Size::Any(_) => match self.random.below(12) {
                0 => return Err(ErrorKind::Interrupted.into()),
                size => size,
            },
            Size::Broken(at) => match at - self.text.position() as usize {
                0 => return Err(io::Error::other("it broke")),
                rest => rest,
            },
        };
        let size = size.min(room.len());
        self.text.read(&mut room[..size])
    }
}

/// Why reading stops early: the exit code.
pub(crate) type Stop = u8;
pub(crate) const BAD: Stop = 1;
pub(crate) const UNUSABLE: Stop = 2;
/// What the plain reading leaves to others.
pub(crate) const UNKNOWN: Stop = 255;

/// Formats that are not read, by what they begin with.
const FOREIGN: [&[u8]; 8] = [
    b"FEA1",
    b"ORC",
    b"Obj\x01",
    b"PK\x03\x04",
    b"\x89HDF",
    b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
    b"SQLite format 3\0",
    b"AAA,progname",
];

/// What should come out.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    is_strict: bool,
    events: Vec<Event>,
    pub(crate) rows: u64,
    bad_rows: u64,
    bad_cells: u64,
    /// The lines of both, in order.
    bad_lines: Vec<u64>,
    stop: Option<Stop>,
    /// The columns of which a bad cell has been described.
    described: HashSet<String>,
    /// The names of the time that the program has found: which member it is, it says; the rest follows from that.
    claimed: VecDeque<String>,
    /// The columns without numbers that are reported, where that is certain.
    left_out: Option<Vec<String>>,
    /// How many columns without a name are left out that count the rows.
    counted: usize,
    /// Whether times go on falling, where the plain reading looks at them.
    falling: Option<Falling>,
}

impl Expected {
    /// What a plain reading says, unless it leaves the text to others.
    fn of(text: &[u8], options: &Options, found: &Reading) -> Option<Self> {
        let claims = found.events.iter().filter_map(|event| match event {
            Event::TimeName(name) => Some(name.clone()),
            _ => None,
        });
        let mut expected = Self { is_strict: options.strict, claimed: claims.collect(), ..Self::default() };
        expected.stop = expected.read(text, options).err();
        if expected.stop == Some(UNKNOWN) {
            return None;
        }
        // In which order rows come is looked at where times are.
        if expected.falling.is_none() && found.stop.as_ref().is_some_and(|(_, words)| words.contains("newest first")) {
            return None;
        }
        // An input of which nothing can be used is an error, however it is bad.
        let has_samples = expected.events.iter().any(|event| matches!(event, Event::Sample { bits: Some(_), .. }));
        if expected.stop.is_none() && expected.rows > 0 && !has_samples {
            expected.stop = Some(UNUSABLE);
        }
        Some(expected)
    }

    /// The name of the time that the program has found next, if it is one.
    pub(crate) fn claimed_time(&mut self) -> Option<String> {
        self.claimed.pop_front().filter(|name| name != "row")
    }

    fn read(&mut self, text: &[u8], options: &Options) -> Result<(), Stop> {
        let format = match options.format {
            Some(format) => format,
            None => {
                let seen = &text[..text.len().min(options.limits.chunk)];
                let seen = seen.strip_prefix(BYTE_ORDER_MARK).unwrap_or(seen);
                let is_text = |line: &&[u8]| {
                    let line = line.trim_ascii();
                    !matches!(line.first(), None | Some(b'#')) || line.starts_with(b"# TYPE ")
                };
                let first = seen.split(|byte| *byte == b'\n').find(is_text).unwrap_or_default();
                match first.trim_ascii().first() {
                    _ if FOREIGN.iter().any(|mark| first.starts_with(mark)) => return Err(UNUSABLE),
                    _ if prometheus::is_first(first.trim_ascii()) => Format::Prometheus,
                    Some(b'[') if begins_array(first) => Format::Ndjson,
                    Some(b'{') if json::object(first).is_some() => Format::Ndjson,
                    Some(b'{') if influx::is_point(first, true) => Format::Influx,
                    Some(b'{') => Format::Ndjson,
                    _ if influx::is_point(first, false) => Format::Influx,
                    _ if first.starts_with(b"PAR1\x15") => Format::Parquet,
                    _ if first.starts_with(b"ARROW1") || first.starts_with(&[0xFF; 4]) => Format::Arrow,
                    _ if graphite::is_first(first.trim_ascii()) => Format::Graphite,
                    _ if statsd::is_first(first.trim_ascii()) => Format::Statsd,
                    _ if collectd::is_first(first.trim_ascii()) => Format::Collectd,
                    _ => Format::Csv,
                }
            }
        };
        let mut roles = HashSet::new();
        if !options.time.iter().chain(&options.series).chain(&options.values).all(|name| roles.insert(name)) {
            return Err(UNUSABLE);
        }
        // A delimiter has a meaning for tables.
        if format != Format::Csv && options.delimiter.is_some() {
            return Err(UNUSABLE);
        }
        match format {
            Format::Csv => csv::read(text, options, self),
            Format::Ndjson => ndjson::read(text, options, self),
            Format::Influx => influx::read_samples(text, options, self),
            Format::Prometheus => telemetry::read_samples::<prometheus::Prometheus>(text, options, self),
            Format::Graphite => telemetry::read_samples::<graphite::Graphite>(text, options, self),
            Format::Statsd => telemetry::read_samples::<statsd::Statsd>(text, options, self),
            Format::Collectd => telemetry::read_samples::<collectd::Collectd>(text, options, self),
            // Nothing that is read as it comes.
            Format::Parquet | Format::Arrow => Err(UNUSABLE),
        }
    }

    pub(crate) fn time_name(&mut self, name: &str) {
        self.events.push(Event::TimeName(name.to_owned()));
    }

    pub(crate) fn series(&mut self, name: String) {
        self.events.push(Event::Series(name));
    }

    /// Whether the time has been named, and not by the numbers of rows.
    pub(crate) fn has_named_time(&self) -> bool {
        self.events.iter().rev().find_map(|event| match event {
            Event::TimeName(name) => Some(name != "row"),
            _ => None,
        }) == Some(true)
    }

    /// The next row has this time, or none.
    pub(crate) fn row(&mut self, time: Option<(&str, bool)>) {
        let number = self.rows.to_string();
        let (time, is_number) = time.unwrap_or((&number, true));
        self.events.push(Event::Row { time: time.to_owned(), is_number });
    }

    /// A row with its time, where it is looked at whether rows come newest first.
    pub(crate) fn timed_row(&mut self, time: Option<(&str, bool)>) -> Result<(), Stop> {
        if self.falling.get_or_insert_default().is_certain(time.map(|(text, _)| text))? {
            return Err(UNUSABLE);
        }
        self.row(time);
        Ok(())
    }

    /// At the end of the table, these columns have shown nothing but text.
    pub(crate) fn left_out(&mut self, names: Vec<String>) {
        self.left_out = Some(names);
    }

    /// The first column has no name and counts the rows, and is left out.
    pub(crate) fn counted(&mut self) {
        self.counted += 1;
    }

    pub(crate) fn sample(&mut self, series: usize, value: f64) {
        self.events.push(Event::Sample { series, bits: (!value.is_nan()).then(|| value.to_bits()) });
    }

    pub(crate) fn bad_row(&mut self, line: u64) -> Result<(), Stop> {
        self.bad_rows += 1;
        self.bad(line)
    }

    /// Of the bad cells of a column, the first is described.
    pub(crate) fn bad_cell(&mut self, line: u64, column: &str) -> Result<(), Stop> {
        self.bad_cells += 1;
        if !self.is_strict && self.described.contains(column) {
            return Ok(());
        }
        if self.bad_lines.len() <= DESCRIBED {
            self.described.insert(column.to_owned());
        }
        self.bad(line)
    }

    fn bad(&mut self, line: u64) -> Result<(), Stop> {
        self.bad_lines.push(line);
        if self.is_strict { Err(BAD) } else { Ok(()) }
    }

    fn compare(&self, found: &Reading) {
        for (index, (found, expected)) in found.events.iter().zip(&self.events).enumerate() {
            assert_eq!(found, expected, "event {index}, {self:?}");
        }
        assert_eq!(found.events.len(), self.events.len(), "{found:?}, {self:?}");
        // A row that shows that the input cannot be used may be counted or not: there is no summary.
        let is_same = found.rows == self.rows || self.stop.is_some() && found.rows + 1 == self.rows;
        assert!(is_same, "{} rows, {found:?}, {self:?}", found.rows);
        assert_eq!((found.bad_rows, found.bad_cells), (self.bad_rows, self.bad_cells), "{found:?}, {self:?}");
        assert_eq!(found.stop.as_ref().map(|(code, _)| *code), self.stop, "{found:?}, {self:?}");
        if self.stop.is_none() {
            // Whatever the plain reading says: what is neither used nor counted as bad is lost.
            let used = found.events.iter().filter(|event| matches!(event, Event::Row { .. })).count();
            assert_eq!(found.rows, found.bad_rows + used as u64, "{found:?}");
        }

        if let Some(names) = &self.left_out {
            let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
            let columns = if names.len() == 1 { "a column is" } else { "columns are" };
            let words = format!("{NAME}: {columns} left out, without numbers: {}", names.join(", "));
            let said: Vec<&String> =
                found.said.iter().filter(|words| words.contains("left out, without numbers")).collect();
            assert_eq!(said, if names.is_empty() { vec![] } else { vec![&words] }, "{found:?}, {self:?}");
        }

        let counted = found.said.iter().filter(|words| words.contains("left out, without a name: it counts the rows"));
        assert_eq!(counted.count(), self.counted, "{found:?}, {self:?}");

        let line = |words: &str| {
            let (line, what) = words.strip_prefix(NAME)?.strip_prefix(": line ")?.split_once(": ")?;
            // A note, not a complaint.
            if what.ends_with("the column is ignored") { None } else { line.parse().ok() }
        };
        let mut lines: Vec<u64> = found.said.iter().filter_map(|words| line(words)).collect();
        if let Some((BAD, words)) = &found.stop {
            lines.extend(line(words));
        }
        assert_eq!(lines, self.bad_lines[..self.bad_lines.len().min(DESCRIBED)], "{found:?}, {self:?}");
        let is_flood = found.said.iter().any(|words| words.ends_with("further bad rows are only counted"));
        assert_eq!(is_flood, self.bad_lines.len() > DESCRIBED, "{found:?}");
    }
}

/// Whether a line begins with an array of arrays or objects, or an empty one, or ends within its bracket.
fn begins_array(line: &[u8]) -> bool {
    let rest = line.trim_ascii().strip_prefix(b"[").unwrap_or_default();
    matches!(rest.trim_ascii_start().first(), None | Some(b'{' | b'[' | b']'))
}

/// The number in a cell as the standard library reads it; NaN where it is missing.
pub(crate) fn number(cell: &str) -> Option<f64> {
    let cell = cell.trim_ascii();
    let is_missing = cell.is_empty() || MISSING.contains(&cell);
    if is_missing { Some(f64::NAN) } else { cell.parse().ok() }
}

/// Words for a missing sample, beside NaN.
const MISSING: [&str; 17] = [
    "NA",
    "N/A",
    "n/a",
    "null",
    "NULL",
    "None",
    "\\N",
    "-",
    ".",
    "?",
    "#N/A",
    "[N/A]",
    "[Not Supported]",
    "<not counted>",
    "<not supported>",
    "-nan",
    "nil",
];

/// The lines of a text with their ends, without its byte order mark.
pub(crate) fn lines<'a>(text: &'a [u8], limits: &Limits) -> Vec<Line<'a>> {
    let line = |(index, line): (usize, &'a [u8])| {
        let is_too_long = bare(line).len() >= limits.longest;
        let text = if index == 0 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
        Line { text, is_too_long }
    };
    text.split_inclusive(|byte| *byte == b'\n').enumerate().map(line).collect()
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) is_too_long: bool,
}

/// Whether no zero and no mark makes UTF-16 of a text, which `pipe` looks for in as many bytes as come at once, nor a sign of its
/// compression.
pub(crate) fn is_text(text: &[u8]) -> bool {
    let is_compressed =
        [&b"\x1F\x8B"[..], b"\x28\xB5\x2F\xFD", b"\xFD7zXZ", b"BZh", b"\x04\x22\x4D\x18", b"\x50\x2A\x4D\x18"]
            .iter()
            .any(|mark| text.starts_with(mark));
    !text.contains(&0) && !text.starts_with(b"\xFF\xFE") && !text.starts_with(b"\xFE\xFF") && !is_compressed
}

/// A line without its end.
pub(crate) fn bare(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

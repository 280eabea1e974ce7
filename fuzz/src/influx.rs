//! Target `influx`: any bytes through `evenkeel pipe` as the influx line protocol, against a plain reading: the whole text at
//! hand, each line by the published grammar, one `Bank` for every series.
//!
//! Every line comes out, in order and byte for byte around what is added, or is reported as bad with its line number, and so is a
//! last one without its end, which is not counted among the lines; what is added has
//! the names and the bits that the bank says; and the summary counts the same.

use crate::readers::{self, BYTE_ORDER_MARK, Pieces, Size, Stop, UNUSABLE, bare, lines};
use evenkeel::{Bank, CleanedEma, Decay, Resolution};
use evenkeel_cli::probe::{self, Limits, Piped};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// So many bad rows are described.
const DESCRIBED: usize = 20;
const ENDINGS: [&[u8]; 3] = [b"_location", b"_scale", b"_score"];

pub fn check(bytes: &[u8]) {
    let (first, text) = bytes.split_at(bytes.len().min(4));
    let mut choices = [0; 4];
    choices[..first.len()].copy_from_slice(first);
    if !readers::is_text(text) {
        return;
    }
    let options = Options::new(choices);
    let read = |size| options.run(text, size);

    let (output, piped) = read(Size::Whole);
    let expected = Expected::of(text, &options, true);
    expected.compare(&output, &piped);
    if text.len() < options.limits.longest.min(options.limits.reach) {
        // That nothing is read for every open string before it anew makes no difference.
        assert_eq!(Expected::of(text, &options, false), expected);
    }

    // How the bytes arrive is nobody's business.
    assert_eq!(read(Size::One), (output.clone(), piped.clone()), "byte by byte, {options:?}");
    assert_eq!(read(Size::Any(choices[3].into())), (output.clone(), piped.clone()), "in pieces, {options:?}");
    let (part, broken) = read(Size::Broken(usize::from(choices[3]) * (text.len() + 1) / 256));
    assert!(output.starts_with(&part), "{broken:?} begins {piped:?}, {options:?}");
    let is_said = broken.stop.as_ref().is_some_and(|(code, words)| *code == 2 && words.contains("it broke"));
    assert!(is_said || (&part, &broken) == (&output, &piped), "{broken:?}, {options:?}");
}

#[derive(Debug)]
struct Options {
    is_strict: bool,
    is_in_seconds: bool,
    has_resolution: bool,
    limits: Limits,
}

impl Options {
    fn new([flags, ..]: [u8; 4]) -> Self {
        Self {
            is_strict: flags & 1 == 1,
            is_in_seconds: flags & 2 == 2,
            has_resolution: flags & 4 == 0,
            limits: match flags >> 3 & 3 {
                0 => Limits { chunk: 512, ..Limits::default() },
                1 => Limits::default(),
                2 => Limits { chunk: 16, longest: 64, reach: 24 },
                _ => Limits { chunk: 3, longest: 23, reach: 7 },
            },
        }
    }

    fn run(&self, text: &[u8], size: Size) -> (Vec<u8>, Piped) {
        let mut words = vec!["--format", "influx", "--half-life", "7"];
        words.extend(self.is_strict.then_some("--strict"));
        words.extend(self.is_in_seconds.then_some("--precision=s"));
        words.extend((!self.has_resolution).then_some("--resolution=none"));
        let output = Rc::new(RefCell::new(Vec::new()));
        let kept = Rc::clone(&output);
        let piped =
            probe::pipe(&words, Pieces::new(text, size), self.limits, move |bytes| kept.borrow_mut().extend(bytes));
        (output.take(), piped)
    }
}

/// A line as it should come out: what is added stands between the two parts.
#[derive(Debug, PartialEq)]
struct Record {
    before: Vec<u8>,
    added: Vec<(Vec<u8>, u64)>,
    behind: Vec<u8>,
}

/// What should come out.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    /// Whether the text begins with a byte order mark, which comes out whatever the first line is.
    has_mark: bool,
    records: Vec<Record>,
    /// The numbers of the bad lines.
    bad: Vec<usize>,
    lines: usize,
    samples: usize,
    left_alone: usize,
    is_stopped: bool,
}

impl Expected {
    fn of(text: &[u8], options: &Options, skips_explored: bool) -> Self {
        let mut expected = Self { has_mark: text.starts_with(BYTE_ORDER_MARK), ..Self::default() };
        let mut banks = HashMap::new();
        let nanoseconds = if options.is_in_seconds { 1_000_000_000 } else { 1 };
        let is_mark_alone = text == BYTE_ORDER_MARK;
        let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let cut = lines(&text[end..], &options.limits).pop().filter(|cut| !cut.is_too_long);
        let text = if cut.is_some() { &text[..end] } else { text };
        for Piece { at, count, raw, what } in pieces(text, &options.limits, nanoseconds, skips_explored) {
            expected.lines += count;
            match what {
                What::Blank => expected.records.push(Record { before: raw, added: Vec::new(), behind: Vec::new() }),
                What::Point(point, names) => expected.point(&point, &names, &raw, options, &mut banks),
                What::Bad => {
                    expected.bad.push(at + 1);
                    if options.is_strict {
                        expected.is_stopped = true;
                        return expected;
                    }
                }
            }
        }
        if cut.is_some() && !is_mark_alone {
            expected.bad.push(expected.lines + 1);
            expected.is_stopped = options.is_strict;
        }
        expected
    }

    fn point(
        &mut self,
        point: &Point,
        (series, names): &(String, Vec<String>),
        raw: &[u8],
        options: &Options,
        banks: &mut HashMap<(String, String), Bank<CleanedEma>>,
    ) {
        let is_added = |name: &str, stem: &str| {
            ENDINGS.iter().any(|ending| name.as_bytes().strip_suffix(*ending) == Some(stem.as_bytes()))
        };
        let mut added = Vec::new();
        for (index, (name, value)) in names.iter().zip(&point.values).enumerate() {
            let Some(number) = *value else { continue };
            let others = || names.iter().zip(&point.values).enumerate().filter(|(other, _)| *other != index);
            let is_taken = others().any(|(_, (other, value))| {
                other == name || is_added(other, name) || is_added(name, other) && value.is_some()
            });
            if is_taken {
                self.left_alone += 1;
                continue;
            }
            self.samples += 1;
            let bank = banks.entry((series.clone(), name.clone())).or_insert_with(|| {
                let resolution = if options.has_resolution { Resolution::Learn } else { Resolution::Step(0.0) };
                let rule = CleanedEma::new(Decay::half_life(7.0).expect("above 0")).resolution(resolution);
                Bank::new(rule.expect("a resolution"), 1).expect("room for one")
            });
            let score = bank.observe(0, number).expect("there is one").score;
            let reading = bank.reading(0).expect("there is one");
            for (ending, number) in ENDINGS.into_iter().zip([reading.location, reading.scale, score]) {
                if number.is_finite() {
                    added.push(([name.as_bytes(), ending].concat(), number.to_bits()));
                }
            }
        }
        let (before, behind) = raw.split_at(point.fields_end);
        self.records.push(Record { before: before.to_vec(), added, behind: behind.to_vec() });
    }

    fn compare(&self, output: &[u8], piped: &Piped) {
        let mut rest = output;
        let mut take = |part: &[u8]| {
            let more = rest.strip_prefix(part);
            rest = more.unwrap_or_else(|| panic!("{:?} begins not with {:?}: {self:?}", show(rest), show(part)));
            rest
        };
        if self.has_mark {
            take(BYTE_ORDER_MARK);
        }
        for Record { before, added, behind } in &self.records {
            take(before);
            for (name, bits) in added {
                take(b",");
                take(name);
                let rest = take(b"=");
                let digits =
                    rest.iter().position(|byte| matches!(byte, b',' | b' ' | b'\r' | b'\n')).unwrap_or(rest.len());
                let number: f64 = std::str::from_utf8(&rest[..digits]).expect("a number").parse().expect("a number");
                assert_eq!(number.to_bits(), *bits, "{number} of {:?}: {self:?}", show(name));
                take(&rest[..digits]);
            }
            take(behind);
        }
        assert_eq!(rest, b"", "{self:?}");

        let line = |words: &str| words.strip_prefix("standard input: line ")?.split_once(": ")?.0.parse().ok();
        let mut told: Vec<usize> = piped.said.iter().filter_map(|words| line(words)).collect();
        told.extend(piped.stop.iter().filter_map(|(_, words)| line(words)));
        assert_eq!(told, self.bad[..self.bad.len().min(DESCRIBED)], "{piped:?}, {self:?}");
        assert_eq!(piped.stop.as_ref().map(|(code, _)| *code), self.is_stopped.then_some(1), "{piped:?}");
        if !self.is_stopped {
            let summary = piped.said.last().expect("there is a summary");
            let counts = [
                ("lines", self.lines),
                ("bad rows", self.bad.len()),
                ("names taken", self.left_alone),
                ("samples", self.samples),
            ];
            for (what, count) in counts {
                let found = summary.split(", ").find_map(|item| item.strip_prefix(what)?.strip_prefix(' '));
                assert_eq!(found, Some(count.to_string().as_str()), "{what} in {summary:?}, {self:?}");
            }
        }
    }
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
}

/// Lines that belong together.
struct Piece {
    /// The first line, counted from 0, and how many there are.
    at: usize,
    count: usize,
    raw: Vec<u8>,
    what: What,
}

enum What {
    /// A blank line or a comment.
    Blank,
    /// A point, and the names of its series and its fields.
    Point(Point, (String, Vec<String>)),
    Bad,
}

/// The text in pieces. A point whose timestamp does not fit, counted in so many nanoseconds, is bad.
fn pieces(text: &[u8], limits: &Limits, nanoseconds: i64, skips_explored: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let lines = lines(text, limits);
    let raw = |first: usize, count: usize| -> Vec<u8> {
        let joined: Vec<u8> =
            text.split_inclusive(|byte| *byte == b'\n').skip(first).take(count).flatten().copied().collect();
        let mark = if first == 0 { BYTE_ORDER_MARK } else { b"" };
        joined.strip_prefix(mark).map(<[u8]>::to_vec).unwrap_or(joined)
    };
    let (mut at, mut explored) = (0, 0);
    while at < lines.len() {
        let mut count = 1;
        let mut read = if lines[at].is_too_long { Reading::Bad } else { read(without_end(&raw(at, 1))) };
        let is_blank = |text: &[u8]| matches!(text.trim_ascii_start().first(), None | Some(b'#'));
        if !lines[at].is_too_long && is_blank(without_end(&raw(at, 1))) {
            pieces.push(Piece { at, count, raw: raw(at, 1), what: What::Blank });
            at += 1;
            continue;
        }
        while read == Reading::Open
            && !(skips_explored && at < explored)
            && raw(at, count).len() - raw(at, 1).len() <= limits.reach
            && at + count < lines.len()
            && bare(&raw(at, count + 1)).len() < limits.longest
        {
            count += 1;
            read = self::read(without_end(&raw(at, count)));
        }
        let (is_point, is_in_range) = match &read {
            Reading::Point(point) => (true, point.time.is_none_or(|time| time.checked_mul(nanoseconds).is_some())),
            _ => (false, false),
        };
        if !is_point {
            explored = explored.max(at + count - 1);
            count = 1;
        }
        let what = match read {
            Reading::Point(point) if is_in_range => point.names().map_or(What::Bad, |names| What::Point(point, names)),
            _ => What::Bad,
        };
        pieces.push(Piece { at, count, raw: raw(at, count), what });
        at += count;
    }
    pieces
}

/// Whether a line is a point, or perhaps the beginning of one.
pub(crate) fn is_point(line: &[u8], or_open: bool) -> bool {
    match read(line.trim_ascii()) {
        Reading::Point(_) => true,
        Reading::Open => or_open,
        Reading::Bad => false,
    }
}

/// Everything that should come out of this text as samples.
pub(crate) fn read_samples(
    text: &[u8],
    options: &probe::Options,
    expected: &mut readers::Expected,
) -> Result<(), Stop> {
    if options.time.is_some() || options.series.is_some() || !options.values.is_empty() {
        return Err(UNUSABLE);
    }
    let mut known: HashMap<String, usize> = HashMap::new();
    for Piece { at, raw, what, .. } in pieces(text, &options.limits, 1, true) {
        match what {
            What::Blank => continue,
            What::Bad => {
                expected.rows += 1;
                expected.bad_row(at as u64 + 1)?;
            }
            What::Point(point, (series, fields)) => {
                expected.rows += 1;
                let digits = without_end(&raw)[point.fields_end..].trim_ascii();
                let time = std::str::from_utf8(digits).expect("digits");
                expected.row(Some((time, !time.is_empty())));
                for (field, value) in fields.iter().zip(&point.values) {
                    let Some(value) = *value else { continue };
                    let (name, next) = (format!("{series} {field}"), known.len());
                    let series = *known.entry(name.clone()).or_insert_with(|| {
                        expected.series(name);
                        next
                    });
                    expected.sample(series, value);
                }
            }
        }
    }
    if expected.rows == 0 { Err(UNUSABLE) } else { Ok(()) }
}

/// A line without its end, of either kind.
fn without_end(line: &[u8]) -> &[u8] {
    let line = bare(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What a text is.
#[derive(Debug, PartialEq)]
enum Reading {
    Point(Point),
    /// It ends within a string.
    Open,
    Bad,
}

/// Where everything is in a point.
#[derive(Debug, Default, PartialEq)]
struct Point {
    measurement: Vec<u8>,
    /// Each with name and value.
    tags: Vec<Vec<u8>>,
    fields: Vec<Vec<u8>>,
    /// The number of each field that has one, and whether it is an integer.
    values: Vec<Option<f64>>,
    fields_end: usize,
    time: Option<i64>,
}

impl Point {
    /// What the series is called, whatever the order of its tags, and what its fields are; none if that is no text.
    fn names(&self) -> Option<(String, Vec<String>)> {
        let mut tags = self.tags.clone();
        tags.sort();
        let series =
            [self.measurement.clone()].into_iter().chain(tags).map(String::from_utf8).collect::<Result<Vec<_>, _>>();
        let fields = self.fields.iter().cloned().map(String::from_utf8).collect::<Result<Vec<_>, _>>();
        // A measurement has no comma of its own, nor has a tag.
        Some((series.ok()?.join(","), fields.ok()?))
    }
}

/// The grammar, from left to right.
struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn spaces(&mut self) -> bool {
        let start = self.at;
        while self.eat(b' ') {}
        self.at > start
    }

    /// Something that is not empty and ends before one of these.
    fn name(&mut self, ends: &[u8]) -> Option<&'a [u8]> {
        let start = self.at;
        while let Some(byte) = self.peek().filter(|byte| !ends.contains(byte)) {
            if byte == b'\\' {
                while self.eat(b'\\') {}
                self.peek()?;
            }
            self.at += 1;
        }
        (self.at > start).then(|| &self.text[start..self.at])
    }

    /// What is behind the opening quote, with the closing one; none if that is missing.
    fn string(&mut self) -> Option<()> {
        loop {
            let byte = self.peek()?;
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return Some(());
            }
        }
    }

    fn until(&mut self, ends: &[u8]) -> &'a [u8] {
        let start = self.at;
        while self.peek().is_some_and(|byte| !ends.contains(&byte)) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }
}

fn read(text: &[u8]) -> Reading {
    let mut is_open = false;
    match point(text, &mut is_open) {
        Some(point) => Reading::Point(point),
        None if is_open => Reading::Open,
        None => Reading::Bad,
    }
}

fn point(text: &[u8], is_open: &mut bool) -> Option<Point> {
    let mut cursor = Cursor { text, at: 0 };
    let mut point = Point::default();
    cursor.spaces();
    point.measurement = cursor.name(b", ")?.to_vec();
    while cursor.eat(b',') {
        let start = cursor.at;
        cursor.name(b",= ")?;
        cursor.eat(b'=').then_some(())?;
        cursor.name(b",= ")?;
        point.tags.push(text[start..cursor.at].to_vec());
    }
    cursor.spaces().then_some(())?;
    loop {
        point.fields.push(cursor.name(b",= ")?.to_vec());
        cursor.eat(b'=').then_some(())?;
        if cursor.eat(b'"') {
            *is_open = cursor.string().is_none();
            (!*is_open).then_some(())?;
            point.values.push(None);
        } else {
            point.values.push(value(cursor.until(b", "))?);
        }
        if !cursor.eat(b',') {
            break;
        }
    }
    point.fields_end = cursor.at;
    if cursor.spaces() && cursor.peek().is_some() {
        let digits = std::str::from_utf8(cursor.until(b" ")).ok()?;
        point.time = Some(integer(digits)?);
        cursor.spaces();
    }
    (cursor.at == text.len()).then_some(point)
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn integer(text: &str) -> Option<i64> {
    digits(text.strip_prefix('-').unwrap_or(text)).then(|| text.parse().ok())?
}

/// What a value without quotes is: a number, or a truth value; none if it is nothing.
fn value(text: &[u8]) -> Option<Option<f64>> {
    let text = std::str::from_utf8(text).ok()?;
    if ["t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"].contains(&text) {
        return Some(None);
    }
    if let Some(text) = text.strip_suffix('i') {
        return integer(text).map(|number| Some(number as f64));
    }
    if let Some(text) = text.strip_suffix('u') {
        return digits(text).then(|| text.parse::<u64>().ok())?.map(|number| Some(number as f64));
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let is_mantissa = match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            digits(whole) && (fraction.is_empty() || digits(fraction)) || whole.is_empty() && digits(fraction)
        }
        None => digits(mantissa),
    };
    (is_mantissa && exponent.is_none_or(digits)).then_some(())?;
    let number: f64 = text.parse().ok()?;
    number.is_finite().then_some(Some(number))
}

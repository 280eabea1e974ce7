//! Target `prometheus`: see `telemetry.rs`. A line is read sign by sign, and the name of its series is always put together from
//! labels in a map.

use crate::telemetry::{self, Cell, Line, Plain, Time, is_time, number};
use evenkeel_cli::probe::Format;
use std::collections::{BTreeMap, HashMap};

pub fn check(bytes: &[u8]) {
    telemetry::check::<Prometheus>(bytes);
}

#[derive(Clone, Default)]
pub(crate) struct Prometheus {
    /// The families of the scrape, and whether they count.
    families: HashMap<Vec<u8>, bool>,
    first: Option<Vec<u8>>,
    ended: u64,
    is_over: bool,
}

/// A line with a sample.
struct Sample {
    /// The name of its series, cut where an ending is added.
    head: Vec<u8>,
    tail: Vec<u8>,
    metric: Vec<u8>,
    number: f64,
    time: Option<String>,
    has_braces: bool,
}

impl Plain for Prometheus {
    const FORMAT: Format = Format::Prometheus;

    fn line(&mut self, line: &[u8]) -> Line {
        if let Some(comment) = line.strip_prefix(b"#") {
            self.comment(comment);
            return Line::Nothing;
        }
        let Some(sample) = read(line) else { return Line::Bad };
        let (Ok(head), Ok(tail)) = (String::from_utf8(sample.head), String::from_utf8(sample.tail)) else {
            return Line::Bad;
        };
        let time = match sample.time {
            Some(time) => Time::Text(time),
            None => {
                let series = [head.as_bytes(), tail.as_bytes()].concat();
                if self.is_over || self.first.as_ref() == Some(&series) {
                    self.end();
                }
                self.first.get_or_insert(series);
                Time::Row(self.ended + 1)
            }
        };
        let family = sample.metric.strip_suffix(b"_created");
        let counts = |name: &[u8]| self.families.get(name) == Some(&true);
        let is_created = family.is_some_and(|family| counts(family) || counts(&[family, b"_total"].concat()));
        Line::Samples { time, cells: vec![Cell { head, tail, number: (!is_created).then_some(sample.number) }] }
    }
}

impl Prometheus {
    fn end(&mut self) {
        *self = Self { ended: self.ended + 1, ..Self::default() };
    }

    fn comment(&mut self, comment: &[u8]) {
        if comment.trim_ascii() == b"EOF" {
            self.is_over = true;
        }
        if let Some((name, counts)) = family(comment) {
            if self.is_over || self.families.contains_key(&name) {
                self.end();
            }
            self.families.insert(name, counts);
        }
    }
}

/// The family that a comment announces, and whether it counts.
fn family(comment: &[u8]) -> Option<(Vec<u8>, bool)> {
    let rest = comment.trim_ascii_start().strip_prefix(b"TYPE")?;
    rest.first()?.is_ascii_whitespace().then_some(())?;
    let rest = rest.trim_ascii();
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    let kind = rest.rsplit(is_space).next()?;
    let name = rest[..rest.len() - kind.len()].trim_ascii();
    let counts = match std::str::from_utf8(kind).ok()? {
        "counter" | "histogram" | "summary" => true,
        "gauge" | "gaugehistogram" | "stateset" | "info" | "untyped" | "unknown" => false,
        _ => return None,
    };
    let quoted = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\""));
    let name = match quoted {
        Some(name) => name,
        None if name.iter().any(is_space) => return None,
        None => name,
    };
    (!name.is_empty()).then(|| (name.to_vec(), counts))
}

fn is_plain(name: &[u8], has_colons: bool) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || has_colons && *byte == b':';
    !name.is_empty() && !name[0].is_ascii_digit() && name.iter().all(is_letter)
}

/// A line, from left to right.
struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn blanks(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        self.at > start
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    /// A name without quotes, perhaps none.
    fn name(&mut self, has_colons: bool) -> &'a [u8] {
        let rest = &self.line[self.at..];
        let length = (0..=rest.len()).rev().find(|end| is_plain(&rest[..*end], has_colons)).unwrap_or(0);
        self.at += length;
        &rest[..length]
    }

    fn quoted(&mut self) -> Option<&'a [u8]> {
        self.eat(b'"').then_some(())?;
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(&self.line[start..self.at - 1])
    }

    fn word(&mut self) -> Option<&'a str> {
        let start = self.at;
        while self.peek().is_some_and(|byte| !matches!(byte, b' ' | b'\t')) {
            self.at += 1;
        }
        std::str::from_utf8(&self.line[start..self.at]).ok()
    }
}

fn read(line: &[u8]) -> Option<Sample> {
    let mut cursor = Cursor { line, at: 0 };
    let mut metric = Some(cursor.name(true)).filter(|name| !name.is_empty());
    let behind_name = cursor.at;
    let is_apart = cursor.blanks();
    let mut labels = BTreeMap::new();
    let has_braces = cursor.eat(b'{');
    if has_braces {
        loop {
            cursor.blanks();
            if cursor.eat(b'}') {
                break;
            }
            let is_quoted = cursor.peek() == Some(b'"');
            let name = if is_quoted { cursor.quoted()? } else { cursor.name(false) };
            cursor.blanks();
            if cursor.eat(b'=') {
                cursor.blanks();
                let value = cursor.quoted()?;
                if name == b"__name__" && metric.is_none() {
                    metric = Some(value);
                } else {
                    (!name.is_empty() && labels.insert(name, value).is_none()).then_some(())?;
                }
            } else {
                (is_quoted && metric.is_none()).then_some(())?;
                metric = Some(name);
            }
            cursor.blanks();
            if !cursor.eat(b',') {
                cursor.eat(b'}').then_some(())?;
                break;
            }
        }
        cursor.blanks();
    } else {
        (is_apart && behind_name > 0).then_some(())?;
    }
    let number = number(cursor.word()?)?;
    cursor.blanks();
    let mut time = None;
    if cursor.peek().is_some_and(|byte| byte != b'#') {
        time = Some(cursor.word().filter(|time| is_time(time))?.to_owned());
        cursor.blanks();
    }
    matches!(cursor.peek(), None | Some(b'#')).then_some(())?;
    let metric = metric.filter(|metric| !metric.is_empty())?.to_vec();
    let labels = labels.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| {
        let quote = if is_plain(name, false) { &b""[..] } else { b"\"" };
        [quote, name, quote, b"=\"", value, b"\""].concat()
    });
    let labels: Vec<Vec<u8>> = labels.collect();
    let labels = labels.join(&b',');
    let (head, tail) = match (is_plain(&metric, true), labels.is_empty()) {
        (true, true) => (metric.clone(), Vec::new()),
        (true, false) => (metric.clone(), [b"{", &labels[..], b"}"].concat()),
        (false, true) => ([b"{\"", &metric[..]].concat(), b"\"}".to_vec()),
        (false, false) => ([b"{\"", &metric[..]].concat(), [b"\",", &labels[..], b"}"].concat()),
    };
    Some(Sample { head, tail, metric, number, time, has_braces })
}

/// Whether a first line is known by what it announces, by its braces, or by milliseconds.
pub(crate) fn is_first(line: &[u8]) -> bool {
    if let Some(comment) = line.strip_prefix(b"#") {
        return family(comment).is_some() || comment.starts_with(b" HELP ");
    }
    // In whatever encoding.
    let text = String::from_utf8_lossy(line);
    let Some(sample) = read(text.as_bytes()) else { return false };
    sample.has_braces || sample.time.and_then(|time| number(&time)).is_some_and(|time| time >= 1e11)
}

//! What the comments say of metrics, and which samples are of one scrape.
//!
//! `# TYPE name counter` says what the samples behind it are. Samples without a timestamp are numbered by scrapes: one ends at
//! `# EOF`, and where a family is announced that it has had, or its first series comes again.

use std::collections::HashMap;

/// Most families that are remembered, which is more than any scrape has.
const MOST: usize = 1 << 16;

/// The kind of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Histogram,
    Summary,
    /// What is no counter in any of its parts.
    Gauge,
    Unknown,
}

impl Kind {
    /// The kind of a word in a comment.
    fn of(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"counter" => Self::Counter,
            b"histogram" => Self::Histogram,
            b"summary" => Self::Summary,
            b"gauge" | b"gaugehistogram" | b"stateset" | b"info" => Self::Gauge,
            b"untyped" | b"unknown" => Self::Unknown,
            _ => return None,
        })
    }
}

/// The families of a scrape, as far as comments announce them.
#[derive(Debug, Default)]
pub(super) struct Families {
    known: HashMap<Box<[u8]>, Kind>,
    /// The family that was announced last.
    name: Vec<u8>,
    kind: Option<Kind>,
    /// Scrapes that have ended.
    ended: u64,
    /// The first series of the scrape.
    first: Vec<u8>,
    /// Whether the scrape is over, and what follows is the next.
    is_over: bool,
}

/// Whether a line is a comment that says of which type a family is, or what it is for.
pub(super) fn is_metadata(line: &[u8]) -> bool {
    announced(line).is_some() || line.starts_with(b"# HELP ")
}

/// The family that a line announces, and its kind.
fn announced(line: &[u8]) -> Option<(&[u8], Kind)> {
    let rest = line.strip_prefix(b"#")?.trim_ascii_start().strip_prefix(b"TYPE")?;
    let rest = rest.first().filter(|byte| byte.is_ascii_whitespace()).and(Some(rest))?.trim_ascii();
    let blank = rest.iter().rposition(u8::is_ascii_whitespace)?;
    let name = rest.get(..blank)?.trim_ascii();
    let bare = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name);
    let is_one = bare.len() < name.len() || !name.iter().any(u8::is_ascii_whitespace);
    Some((bare, Kind::of(rest.get(blank + 1..)?)?)).filter(|(name, _)| is_one && !name.is_empty())
}

impl Families {
    /// Takes what a comment says.
    pub(super) fn comment(&mut self, line: &[u8]) {
        if line.strip_prefix(b"#").is_some_and(|rest| rest.trim_ascii() == b"EOF") {
            self.is_over = true;
        }
        let Some((name, kind)) = announced(line) else { return };
        if self.is_over || self.known.contains_key(name) {
            self.end();
        }
        if self.known.len() >= MOST {
            self.known.clear();
        }
        self.known.insert(name.into(), kind);
        self.name.clear();
        self.name.extend_from_slice(name);
        self.kind = Some(kind);
    }

    /// The number of the scrape that a series without a timestamp is of, counted from 1.
    #[inline]
    pub(super) fn scrape(&mut self, series: &[u8]) -> u64 {
        // Most series that are as long differ in their last labels.
        let is_first = || self.first.len() == series.len() && self.first.iter().rev().eq(series.iter().rev());
        if self.is_over {
            self.end();
        } else if is_first() {
            // What has been announced since the last sample is of the new scrape.
            let kind = self.kind;
            self.end();
            self.kind = kind;
        }
        if self.first.is_empty() {
            self.first.extend_from_slice(series);
        }
        self.ended + 1
    }

    /// Ends the scrape.
    fn end(&mut self) {
        self.ended += 1;
        self.known.clear();
        self.first.clear();
        self.is_over = false;
        self.kind = None;
    }

    /// Whether a metric is a counter, as far as anything is said of it.
    pub(super) fn is_counter(&self, metric: &[u8]) -> Option<bool> {
        let part = metric.strip_prefix(&*self.name)?;
        match (self.kind?, part) {
            (Kind::Counter, b"" | b"_total")
            | (Kind::Histogram, b"_bucket" | b"_count" | b"_sum")
            | (Kind::Summary, b"_count" | b"_sum") => Some(true),
            (Kind::Gauge, b"" | b"_info" | b"_bucket" | b"_gcount" | b"_gsum") | (Kind::Summary, b"") => Some(false),
            _ => None,
        }
    }

    /// Whether a metric is the time since when a counter counts.
    #[inline]
    pub(super) fn is_created(&self, metric: &[u8]) -> bool {
        metric.strip_suffix(b"_created").is_some_and(|family| self.counts(family))
    }

    /// Whether a family has been announced as one that counts.
    #[cold]
    fn counts(&self, family: &[u8]) -> bool {
        let counts =
            |name: &[u8]| matches!(self.known.get(name), Some(Kind::Counter | Kind::Histogram | Kind::Summary));
        counts(family) || counts(&[family, b"_total"].concat())
    }
}

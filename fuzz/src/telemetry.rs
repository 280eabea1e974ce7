//! Targets `prometheus`, `graphite`, `statsd` and `collectd`: any bytes through the program's reader of the format and through
//! `evenkeel pipe`, against a plain reading: the whole text at hand, each line cut at its signs, names put together from their
//! parts every time, one `Bank` for every series.

use crate::readers::{self, BYTE_ORDER_MARK, Pieces, Size, Stop, UNUSABLE, bare, lines};
use evenkeel::{Bank, CleanedEma, Decay, Resolution};
use evenkeel_cli::probe::{self, Format, Limits, Piped};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

const ENDINGS: [&str; 3] = ["_location", "_scale", "_score"];

/// A plain reading of lines of one format.
pub(crate) trait Plain: Clone + Default {
    const FORMAT: Format;

    /// Reads a line, which is not blank and has no blanks around it.
    fn line(&mut self, line: &[u8]) -> Line;

    /// The name of a series for what is added to it.
    fn added(head: &str, ending: &str, tail: &str) -> String {
        format!("{head}{ending}{tail}")
    }

    /// The name of the series for which one of this name would have been added.
    fn stem(head: &str, ending: &str, tail: &str) -> Option<String> {
        Some(format!("{}{tail}", head.strip_suffix(ending)?))
    }

    /// Whether a negative number stands behind a 0.
    const HAS_ZEROS: bool = false;

    /// Whether what is added has the time of its sample.
    const HAS_TIMES: bool = true;
}

/// The meaning of a line.
#[derive(Debug)]
pub(crate) enum Line {
    Nothing,
    Bad,
    Samples { time: Time, cells: Vec<Cell> },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Time {
    Arrival,
    Row(u64),
    Text(String),
}

/// A sample: the name of its series, cut where an ending is added, and its number; none where there is none.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) head: String,
    pub(crate) tail: String,
    pub(crate) number: Option<f64>,
}

impl Cell {
    pub(crate) fn name(&self) -> String {
        format!("{}{}", self.head, self.tail)
    }
}

/// Reads the text behind the first four bytes in every way.
pub(crate) fn check<P: Plain>(bytes: &[u8]) {
    readers::check(bytes, P::FORMAT, |_| Vec::new());
    let (first, text) = bytes.split_at(bytes.len().min(4));
    let flags = first.first().copied().unwrap_or(0);
    let limits = match flags >> 3 & 3 {
        0 => Limits { chunk: 512, ..Limits::default() },
        1 => Limits::default(),
        2 => Limits { chunk: 16, longest: 64, reach: 24 },
        _ => Limits { chunk: 3, longest: 23, reach: 7 },
    };
    let is_strict = flags & 1 == 1;
    if !readers::is_text(text) {
        return;
    }
    let (output, piped) = pipe(P::FORMAT, text, Size::Whole, is_strict, limits);
    assert_eq!(pipe(P::FORMAT, text, Size::One, is_strict, limits), (output.clone(), piped.clone()), "byte by byte");
    compare::<P>(text, &output, &piped, is_strict, &limits);
}

fn pipe(format: Format, text: &[u8], size: Size, is_strict: bool, limits: Limits) -> (Vec<u8>, Piped) {
    let name = format!("{format:?}").to_lowercase();
    let mut words = vec!["--format", &name, "--half-life", "7"];
    words.extend(is_strict.then_some("--strict"));
    let output = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&output);
    let piped = probe::pipe(&words, Pieces::new(text, size), limits, move |bytes| kept.borrow_mut().extend(bytes));
    (output.take(), piped)
}

/// Holds what came out of `pipe` to what should have.
fn compare<P: Plain>(text: &[u8], output: &[u8], piped: &Piped, is_strict: bool, limits: &Limits) {
    let context = || format!("{:?} of {:?}: {piped:?}", show(output), show(text));
    let behind = |rest: &'_ [u8], part: &[u8]| -> usize {
        assert!(rest.starts_with(part), "{:?} begins not with {:?}: {}", show(rest), show(part), context());
        part.len()
    };
    let mut rest = output;
    if text.starts_with(BYTE_ORDER_MARK) {
        rest = &rest[behind(rest, BYTE_ORDER_MARK)..];
    }
    let (mut plain, mut banks) = (P::default(), HashMap::<String, Bank<CleanedEma>>::new());
    let (mut samples, mut left_alone, mut bad, mut count) = (0, 0, 0, 0);
    let (lines, is_cut) = complete(text, limits);
    for line in lines {
        count += 1;
        let trimmed = line.text.trim_ascii();
        let meaning = match () {
            () if line.is_too_long => Line::Bad,
            () if trimmed.is_empty() => Line::Nothing,
            () => plain.line(trimmed),
        };
        let (time, cells) = match meaning {
            Line::Nothing => {
                rest = &rest[behind(rest, line.text)..];
                continue;
            }
            Line::Bad if is_strict => {
                assert_eq!(piped.stop.as_ref().map(|(code, _)| *code), Some(1), "{}", context());
                assert!(rest.is_empty(), "{}", context());
                return;
            }
            Line::Bad => {
                bad += 1;
                continue;
            }
            Line::Samples { time, cells } => (time, cells),
        };
        let inner = bare(line.text);
        let inner = inner.strip_suffix(b"\r").unwrap_or(inner);
        let newline: &[u8] = if line.text.ends_with(b"\r\n") { b"\r\n" } else { b"\n" };
        rest = &rest[behind(rest, inner)..];
        for Cell { head, tail, number } in cells {
            let Some(number) = number else { continue };
            let stem = |ending: &&str| P::stem(&head, ending, &tail).is_some_and(|stem| banks.contains_key(&stem));
            if ENDINGS.iter().any(|ending| stem(ending)) {
                left_alone += 1;
                continue;
            }
            let bank = banks.entry(format!("{head}{tail}")).or_insert_with(|| {
                let rule = CleanedEma::new(Decay::half_life(7.0).expect("above 0")).resolution(Resolution::Learn);
                Bank::new(rule.expect("a resolution"), 1).expect("room for one")
            });
            let observation = bank.observe(0, number).expect("there is one");
            samples += usize::from(observation.accepted);
            let reading = bank.reading(0).expect("there is one");
            for (ending, number) in ENDINGS.into_iter().zip([reading.location, reading.scale, observation.score]) {
                let zero = (P::HAS_ZEROS && number.is_sign_negative()).then_some(0.0);
                for number in zero.into_iter().chain([number]).filter(|_| number.is_finite()) {
                    rest = &rest[behind(rest, newline)..];
                    let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                    let added = rest[..length].trim_ascii();
                    rest = &rest[added.len()..];
                    // What is added to a numbered answer stands within it.
                    let (mut reader, name) = match time {
                        Time::Row(_) => (plain.clone(), format!("{head}{ending}{tail}")),
                        _ => (P::default(), P::added(&head, ending, &tail)),
                    };
                    let Line::Samples { time: found, cells } = reader.line(added) else {
                        panic!("{:?} is no sample: {}", show(added), context());
                    };
                    let [cell] = &cells[..] else { panic!("{cells:?}: {}", context()) };
                    assert_eq!(cell.name(), name, "{}", context());
                    let bits = cell.number.map(f64::to_bits);
                    // A number with a sign is a change there.
                    let is_it =
                        bits == Some(number.to_bits()) || P::HAS_ZEROS && bits.is_none() && number.is_sign_negative();
                    assert!(is_it, "{cell:?}, not {number}: {}", context());
                    assert!(found == time || matches!(time, Time::Row(_)) || !P::HAS_TIMES, "{found:?}: {}", context());
                }
            }
        }
        rest = &rest[behind(rest, &line.text[inner.len()..])..];
    }
    assert!(rest.is_empty(), "{:?}: {}", show(rest), context());
    let said = piped.said.iter().chain(piped.stop.iter().map(|(_, words)| words));
    let is_said = said.filter(|words| words.contains("the line has no end")).count() == 1;
    // Of many bad rows, the first are described.
    assert!(is_said == is_cut || is_cut && bad >= 20, "{}", context());
    if is_cut && is_strict {
        assert_eq!(piped.stop.as_ref().map(|(code, _)| *code), Some(1), "{}", context());
        return;
    }
    bad += usize::from(is_cut);
    assert_eq!(piped.stop, None, "{}", context());
    let summary = piped.said.last().expect("there is a summary");
    for (what, count) in [("lines", count), ("bad rows", bad), ("names taken", left_alone), ("samples", samples)] {
        let found = summary.split(", ").find_map(|item| item.strip_prefix(what)?.strip_prefix(' '));
        assert_eq!(found, Some(count.to_string().as_str()), "{what}: {}", context());
    }
}

/// The lines that have an end, and whether there is a last one that has none: it may have been cut off.
fn complete<'a>(text: &'a [u8], limits: &Limits) -> (Vec<readers::Line<'a>>, bool) {
    let mut lines = lines(text, limits);
    let is_cut = lines.pop_if(|line| !line.text.ends_with(b"\n") && !line.is_too_long).is_some();
    (lines, is_cut && text != BYTE_ORDER_MARK)
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned()
}

/// Everything that should come out of this text as samples.
pub(crate) fn read_samples<P: Plain>(
    text: &[u8],
    options: &probe::Options,
    expected: &mut readers::Expected,
) -> Result<(), Stop> {
    if options.time.is_some() || options.series.is_some() || !options.values.is_empty() {
        return Err(UNUSABLE);
    }
    let (mut plain, mut known) = (P::default(), HashMap::<String, usize>::new());
    for (at, line) in lines(text, &options.limits).into_iter().enumerate() {
        let trimmed = line.text.trim_ascii();
        let meaning = match () {
            () if line.is_too_long => Line::Bad,
            () if trimmed.is_empty() => Line::Nothing,
            () => plain.line(trimmed),
        };
        match meaning {
            Line::Nothing => {}
            Line::Bad => {
                expected.rows += 1;
                expected.bad_row(at as u64 + 1)?;
            }
            Line::Samples { time, cells } => {
                expected.rows += 1;
                match time {
                    Time::Arrival => expected.row(Some(("", false))),
                    Time::Row(row) => expected.row(Some((&row.to_string(), true))),
                    Time::Text(text) => expected.row(Some((&text, true))),
                }
                for cell in cells {
                    let Some(number) = cell.number else { continue };
                    let (name, next) = (cell.name(), known.len());
                    let series = *known.entry(name.clone()).or_insert_with(|| {
                        expected.series(name);
                        next
                    });
                    expected.sample(series, number);
                }
            }
        }
    }
    if expected.rows == 0 { Err(UNUSABLE) } else { Ok(()) }
}

/// A number as the standard library reads it.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Whether a text is a time in numbers.
pub(crate) fn is_time(text: &str) -> bool {
    text.contains(|letter: char| letter.is_ascii_digit()) && number(text).is_some_and(f64::is_finite)
}

/// The words of a line between spaces and tabs.
pub(crate) fn words(text: &str) -> Vec<&str> {
    text.split([' ', '\t']).filter(|word| !word.is_empty()).collect()
}

//! The first lines of a table in text, as far as they are looked at: without blank ones, those joined that a quoted cell reaches
//! over, and of many comments above only the first and the last ones.

use super::remarks::is_ruled;
use super::rows::is_open;
use crate::formats::options::Delimiter;
use std::borrow::Cow;

/// Most rows that are looked at, and most lines where there are fewer.
const MOST_ROWS: usize = 100;
const MOST_LINES: usize = 2000;
/// Comments in a row that are looked at: a header is near its row.
const MOST_COMMENTS: usize = 5;

/// Delimiters in the order in which they are thought of.
pub(super) const DELIMITERS: [Delimiter; 5] =
    [Delimiter::Byte(b','), Delimiter::Byte(b';'), Delimiter::Byte(b'\t'), Delimiter::Byte(b'|'), Delimiter::Blanks];

/// The first lines of a table.
pub(super) struct Sample<'a> {
    pub(super) lines: Vec<Line<'a>>,
    /// The delimiter that a line above the table names.
    pub(super) sign: Option<Delimiter>,
    /// Whether no more lines are looked at.
    pub(super) is_over: bool,
    /// Whether that is so although there was no row.
    pub(super) is_in_vain: bool,
}

/// A line, or the lines of a row.
pub(super) struct Line<'a> {
    /// Its place in the input, from 0.
    pub(super) at: usize,
    pub(super) text: Cow<'a, str>,
    pub(super) is_comment: bool,
}

impl<'a> Sample<'a> {
    /// Reads lines, all of which are complete but, at the end, the last; `None` if more of them are needed. `is_over` is whether
    /// there are no more. The delimiter and what begins a comment are what the command line says.
    pub(super) fn read(
        text: &'a str,
        is_over: bool,
        delimiter: Option<Delimiter>,
        comment: Option<&str>,
    ) -> Option<Self> {
        let mut all: Vec<&str> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
        // What is behind the last line end is no line, or not a complete one.
        if !is_over || all.last().is_some_and(|line| line.is_empty()) {
            all.pop();
        }
        let (mut lines, mut sign): (Vec<Line<'_>>, _) = (Vec::new(), None);
        let (mut rows, mut comments, mut next) = (0, 0, 0);
        while let (Some(&text), true) = (all.get(next), rows < MOST_ROWS) {
            let at = next;
            next += 1;
            if text.trim().is_empty() {
                continue;
            }
            // Excel writes the delimiter into a first line of its own.
            if let (true, Some(name)) = (lines.is_empty(), text.trim().strip_prefix("sep=")) {
                sign = Delimiter::of_name(name).ok();
                continue;
            }
            match comment {
                Some(comment) if text.trim_start().starts_with(comment) => continue,
                None if text.starts_with('#') => {
                    lines.push(Line { at, text: Cow::Borrowed(text), is_comment: true });
                    comments += 1;
                    if comments > MOST_COMMENTS {
                        lines.remove(lines.len() - MOST_COMMENTS);
                    }
                    continue;
                }
                // A line that only rules off a header is none of the table.
                _ if is_ruled(text.as_bytes()) => continue,
                _ => {}
            }
            let text = match joined(all.get(at..).unwrap_or_default(), delimiter.or(sign)) {
                Joined::Open if !is_over => return None,
                Joined::Alone | Joined::Open => Cow::Borrowed(text),
                Joined::Several(text, count) => {
                    next = at + count;
                    Cow::Owned(text)
                }
            };
            (rows, comments) = (rows + 1, 0);
            lines.push(Line { at, text, is_comment: false });
        }
        let is_cut = rows >= MOST_ROWS || all.len() >= MOST_LINES;
        let (is_over, is_in_vain) = (is_over || is_cut, is_cut && rows == 0);
        // Nothing but comments shows nothing.
        (rows > 0 || is_over).then_some(Self { lines, sign, is_over, is_in_vain })
    }
}

/// Lines that a quote joins to a row.
enum Joined {
    /// The first line is one by itself.
    Alone,
    /// A cell goes on beyond the last line.
    Open,
    /// A row, and its number of lines.
    Several(String, usize),
}

/// Joins the first of these lines with those that its quoted cells reach into, which begin behind the delimiter where it is known.
fn joined(lines: &[&str], delimiter: Option<Delimiter>) -> Joined {
    let Some((first, rest)) = lines.split_first() else { return Joined::Alone };
    let delimiters = delimiter.as_ref().map_or(&DELIMITERS[..], std::slice::from_ref);
    let signs = delimiters.iter().filter_map(|delimiter| match delimiter {
        Delimiter::Byte(sign) => Some(*sign),
        Delimiter::Blanks => None,
    });
    let Some(sign) = signs.into_iter().find(|sign| is_open(first, *sign) == Some(true)) else { return Joined::Alone };
    let mut text = (*first).to_owned();
    for (index, line) in rest.iter().take(MOST_ROWS).enumerate() {
        text.push('\n');
        text.push_str(line);
        match is_open(&text, sign) {
            Some(true) => {}
            Some(false) => return Joined::Several(text, index + 2),
            None => return Joined::Alone,
        }
    }
    if rest.len() >= MOST_ROWS { Joined::Alone } else { Joined::Open }
}

//! A header and the row below it, by what their cells look like.

use super::cells::{self, Decimals};
use super::rows::fields;
use super::sample::Line;
use crate::formats::options::Delimiter;
use crate::formats::times::{Says, says_time};
use crate::text::dates::{Date, compact, lack, text};
use crate::text::number;
use crate::text::time::Unit;
use std::borrow::Cow;

/// What a cell looks like, on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Nothing,
    Number,
    /// A number with a unit.
    Measure,
    Time,
    Word,
}

impl Look {
    fn is_number(self) -> bool {
        matches!(self, Self::Number | Self::Measure)
    }

    /// Whether it is what stands in rows, and not in a header.
    pub(super) fn is_value(self) -> bool {
        self.is_number() || self == Self::Time
    }
}

pub(super) fn look(cell: &str, decimals: Decimals, has_commas: bool) -> Look {
    match number::parse(cell.as_bytes()) {
        Some(number) if number.is_nan() => return Look::Nothing,
        Some(_) if compact(cell).is_some_and(|_| cell.len() == 14) => return Look::Time,
        Some(_) => return Look::Number,
        None => {}
    }
    if let Some((_, unit)) = cells::read(cell.as_bytes(), decimals, has_commas) {
        return if unit.is_empty() { Look::Number } else { Look::Measure };
    }
    let is_time = text(cell.as_bytes()).is_some_and(|text| Date::read(text).is_some() || lack(text).is_some());
    if is_time || is_marked(cell) { Look::Time } else { Look::Word }
}

/// Whether a cell is an epoch with a colon behind it, as `rrdtool fetch` has it.
fn is_marked(cell: &str) -> bool {
    cell.strip_suffix(':').is_some_and(|digits| digits.len() >= 9 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A header and the row below it.
pub(super) struct Pair {
    pub(super) delimiter: Delimiter,
    pub(super) decimals: Decimals,
    /// The place of the header among all lines, and among those that are neither blank nor comments.
    pub(super) at: usize,
    pub(super) first: usize,
    pub(super) names: Vec<String>,
    /// Whether the header is behind the sign of a comment, where any text may have signs of all kinds.
    pub(super) is_comment: bool,
    /// Words in the first row, which are pieces of numbers where another sign cuts it.
    pub(super) words: usize,
    /// Rows of the same width at once below the header.
    pub(super) rows: usize,
    /// Lines between the header and the first row.
    pub(super) between: usize,
    /// Whether nothing follows the row.
    pub(super) is_last: bool,
}

impl Pair {
    /// Whether the pair is one by spaces, which other tables have too, or by accident.
    pub(super) fn is_weak(&self) -> bool {
        self.delimiter == Delimiter::Blanks || self.names.len() < 2
    }

    /// Whether no further lines are needed: those above and spaces need a second row that agrees.
    pub(super) fn is_sure(&self) -> bool {
        self.rows >= 2 || self.first == 0 && self.delimiter != Delimiter::Blanks
    }
}

/// The first pair of a header and a row that a delimiter makes; one that nothing else agrees with, only if there is no other.
pub(super) fn pair(lines: &[Line<'_>], delimiter: Delimiter, decimals: Decimals) -> Option<Pair> {
    let has_commas = delimiter == Delimiter::Byte(b',');
    let split: Vec<Vec<String>> = lines.iter().map(|line| fields(&line.text, delimiter)).collect();
    let looks = |row: &[String]| -> Vec<Look> { row.iter().map(|cell| look(cell, decimals, has_commas)).collect() };
    // Once each: in wide tables, looks are what takes time.
    let looked: Vec<Vec<Look>> = split.iter().map(|row| looks(row)).collect();
    let mut lonely = None;
    for (index, row) in split.iter().enumerate().skip(1) {
        let line = lines.get(index)?;
        if line.is_comment {
            continue;
        }
        let row_looks = looked.get(index)?;
        // A line of words above numbers is a header itself, whatever stands above it; and a single cell is a number alone.
        let below = looked.get(index + 1).filter(|below| below.len() == row.len());
        let is_above = |below: &Vec<Look>| balance(&looks(&with_time(row.clone())), below) > 0;
        let is_one = delimiter == Delimiter::Blanks && below.is_some_and(is_above);
        let is_text = row.len() == 1 && !row_looks.first().is_some_and(|look| look.is_number());
        if row.len() == 1 && is_cut_by_another(&lines.get(index - 1)?.text, &line.text) {
            continue;
        }
        if is_one || is_text && line.text.trim().contains(' ') {
            continue;
        }
        let count = |row: &Vec<String>| row.first().and_then(|first| first.parse::<u64>().ok());
        let next = split.get(index + 1).and_then(count);
        let is_count = count(row).is_some_and(|first| first <= 1 && next == Some(first + 1));
        // The nearest line above that fits: its names are those of the columns.
        let fits = |above: &usize| -> Option<(usize, Vec<String>)> {
            let header = header_of(lines.get(*above)?, split.get(*above)?, delimiter, (row, row_looks), is_count)?;
            if delimiter == Delimiter::Blanks && is_sentence(&header, &looks(&header), row, row_looks) {
                return None;
            }
            let is_first = lines.iter().take(*above).all(|line| line.is_comment);
            let known = looked.get(*above).filter(|_| split.get(*above) == Some(&header));
            let header_looks = known.map_or_else(|| Cow::Owned(looks(&header)), Cow::Borrowed);
            is_header(&header_looks, &header, row_looks, is_first).then_some((*above, header))
        };
        // A first row of words is more likely a bad one than a second header, unless names are missing in the first.
        let near = index.saturating_sub(4)..index;
        let is_complete = |(_, names): &(usize, Vec<String>)| delimiter != Delimiter::Blanks && has_all_names(names);
        let is_comment = |above: &usize| lines.get(*above).is_some_and(|line| line.is_comment);
        let complete =
            near.clone().filter(|above| !is_comment(above)).filter_map(|above| fits(&above)).find(is_complete);
        if let Some((above, names)) = complete.or_else(|| near.rev().find_map(|above| fits(&above))) {
            let width = row.len();
            let is_row = |(line, row): (&Line<'_>, &Vec<String>)| !line.is_comment && row.len() == width;
            let rows = lines.iter().zip(&split).skip(index).take_while(|pair| is_row(*pair)).count();
            let first = lines.iter().take(above).filter(|line| !line.is_comment).count();
            // One row is enough if nothing follows, and no numbers stand above.
            let is_last = index + 1 == lines.len() && !looked.iter().take(above).flatten().any(|look| look.is_number());
            let at = lines.get(above)?.at;
            let between = line.at - at - 1;
            let is_comment = is_comment(&above);
            // Commas before blanks stand between cells less often than in names.
            let is_plain = has_commas && !lines.get(above)?.text.contains(", ");
            let words = if is_plain { 0 } else { row_looks.iter().filter(|look| **look == Look::Word).count() };
            let pair = Pair { delimiter, decimals, at, first, names, is_comment, words, rows, between, is_last };
            if pair.first == 0 || rows > 1 || is_last {
                return Some(pair);
            }
            lonely.get_or_insert(pair);
        }
    }
    lonely
}

/// Whether a sign that stands between cells stands in a line and in the one below it, so that neither is a single cell.
fn is_cut_by_another(above: &str, below: &str) -> bool {
    [',', ';', '\t', '|'].iter().any(|sign| above.contains(*sign) && below.contains(*sign))
}

/// Whether every column but the first has a name of its own.
fn has_all_names(names: &[String]) -> bool {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    names.iter().skip(1).all(|name| !name.is_empty()) && sorted.windows(2).all(|two| two[0] != two[1])
}

/// The names in a line above a row, if there are as many as the row has cells, or one less where the first cells of rows count.
fn header_of(
    line: &Line<'_>,
    cells: &[String],
    delimiter: Delimiter,
    (row, looks): (&[String], &[Look]),
    is_count: bool,
) -> Option<Vec<String>> {
    let width = row.len();
    let bare = if line.is_comment { line.text.trim_start_matches('#').trim_start() } else { &line.text };
    let mut names = if line.is_comment { names_in(line, delimiter) } else { cells.to_vec() };
    if names.len() == width {
        // `pidstat -H` has the seconds since 1970 above such.
        if let (Delimiter::Blanks, [first, _, ..], Some(below)) = (delimiter, &mut names[..], row.first())
            && is_epoch(first)
            && is_epoch(below)
        {
            "time".clone_into(first);
        }
        return Some(with_time(names));
    }
    if delimiter != Delimiter::Blanks {
        return None;
    }
    // Names with single spaces in them, and a first column that has no name.
    let wide: Vec<String> =
        bare.split("  ").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if wide.len() == width {
        return Some(wide);
    }
    // R has no name for the column that counts the rows.
    if is_count && names.len() + 1 == width {
        return Some(std::iter::once(String::new()).chain(names).collect());
    }
    let has_time = looks.first() == Some(&Look::Time);
    let is_short = |names: &Vec<String>| names.len() + 1 == width && has_time;
    let short = Some(names).filter(is_short).or_else(|| Some(wide).filter(|wide| wide.len() > 1 && is_short(wide)))?;
    Some(std::iter::once("time".to_owned()).chain(short).collect())
}

/// The names in a line, behind the sign of a comment where there is one; `#,time` is a column without a better name.
pub(super) fn names_in(line: &Line<'_>, delimiter: Delimiter) -> Vec<String> {
    let is_bare = line.is_comment && !line.text.starts_with("#,");
    fields(if is_bare { line.text.trim_start_matches('#').trim_start() } else { &line.text }, delimiter)
}

/// Names of which a first one that is a time of day, as `sar` has it, is called the time.
pub(super) fn with_time(mut names: Vec<String>) -> Vec<String> {
    if let Some(first) = names.first_mut()
        && lack(first).is_some()
    {
        "time".clone_into(first);
    }
    names
}

/// Whether a line has names for the cells of a row: more words above numbers and times than numbers above numbers, or, in the
/// first line, numbers that count the columns.
fn is_header(header: &[Look], names: &[String], row: &[Look], is_first: bool) -> bool {
    let has_others = header.iter().filter(|look| look.is_number()).count() > whole_numbers(names).count();
    balance(header, row) > 0
        || is_first && (!has_others && is_counted(names) || has_word_above_time(header, names, row))
}

/// Whether a word stands above a time, or a name that says so above a number: whatever stands beside it, such as `0.99`, is a name.
fn has_word_above_time(header: &[Look], names: &[String], row: &[Look]) -> bool {
    header.iter().zip(row).zip(names).any(|((above, below), name)| {
        let is_time = *below == Look::Time || *below == Look::Number && says_time(name) == Some(Says::Time);
        *above == Look::Word && is_time
    })
}

/// The words above numbers and times, less the numbers and times above such. `99%` above a plain number is a word.
fn balance(header: &[Look], row: &[Look]) -> isize {
    let of = |(above, below): (&Look, &Look)| match above {
        Look::Word if below.is_value() => 1,
        Look::Measure if *below == Look::Number => 1,
        _ if above.is_value() && below.is_value() => -1,
        _ => 0,
    };
    header.iter().zip(row).map(of).sum()
}

/// The names that are whole numbers.
fn whole_numbers(names: &[String]) -> impl Iterator<Item = i64> + '_ {
    names.iter().filter_map(|name| name.parse().ok())
}

/// Whether the names that are numbers count columns, or years.
pub(super) fn is_counted(names: &[String]) -> bool {
    let numbers: Vec<i64> = whole_numbers(names).collect();
    let is_first = match numbers.first() {
        Some(0) => true,
        Some(1) => numbers.len() > 2,
        Some(1900..=2199) => numbers.len() > 1,
        _ => false,
    };
    is_first && numbers.windows(2).all(|two| two[1] == two[0] + 1)
}

/// Whether a cell is the seconds since 1970 of our days.
fn is_epoch(cell: &str) -> bool {
    let is_whole = cell.bytes().all(|byte| byte.is_ascii_digit());
    is_whole && cell.parse().is_ok_and(|number| Unit::likely(number) == Some(Unit::Second))
}

/// Whether words between spaces are no header, but text: with a number above a word, or signs between names and values.
fn is_sentence(names: &[String], header: &[Look], row: &[String], looks: &[Look]) -> bool {
    let is_mixed = |(above, below): (&Look, &Look)| above.is_value() && *below == Look::Word;
    let is_label = |name: &String| name == "=" || name.ends_with(':');
    let is_pair = row.first().is_some_and(|first| is_label(first) && !is_marked(first));
    names.iter().any(is_label) || is_pair || !is_counted(names) && header.iter().zip(looks).any(is_mixed)
}

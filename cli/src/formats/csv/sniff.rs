//! The dialect of a table in text: what stands between cells, and where the table begins, from its first lines.
//!
//! A pair of lines shows it: the first has words where the second has numbers or times, and both have as many cells. As few lines
//! are looked at as it takes, so that a live feed is not held up, and what is found depends on the lines alone, not on how they
//! arrive. Lines above the pair are a preamble; comments there begin with `#`, but for a header that does. Lines that only rule off
//! a header are none of the table, and sentences and pairs of a name and a value are no table.

use super::cells::{self, Decimals};
use super::instead::{Instead, is_array, is_drawn, is_pair};
use super::rows::fields;
use super::sample::{DELIMITERS, Line, Sample};
use crate::formats::columns::Wanted;
use crate::formats::options::{Delimiter, Dialect};
use crate::formats::times::{Says, says_time};
use crate::text::dates::{Date, compact, lack, text};
use crate::text::number;
use crate::text::time::Unit;
use std::borrow::Cow;

/// The dialect of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) delimiter: Delimiter,
    pub(super) decimals: Decimals,
    /// Lines above the header, or above the first row where there is none.
    pub(super) above: u64,
    /// Lines between the header and the first row, which are none of the table.
    pub(super) between: u64,
    pub(super) header: Header,
}

/// The names of the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// A line has them.
    Line(Vec<String>),
    /// The command line has.
    Given,
    /// Nothing has them: the first row, by its line and its cells.
    Nowhere { line: u64, cells: Vec<String> },
    /// There is no table.
    None(Instead),
}

/// What a cell looks like, on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
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
    fn is_value(self) -> bool {
        self.is_number() || self == Self::Time
    }
}

fn look(cell: &str, decimals: Decimals, has_commas: bool) -> Look {
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

/// Finds the dialect in the first lines, all of which are complete; `None` if more of them are needed. `is_over` is whether there
/// are no more. Lines that the command line passes over are not among them.
pub(super) fn find(sample: &[u8], is_over: bool, dialect: &Dialect, wanted: &Wanted) -> Option<Found> {
    let text = String::from_utf8_lossy(sample);
    let Sample { lines: seen, sign, is_over, is_in_vain } =
        Sample::read(&text, is_over, dialect.delimiter, dialect.comment.as_deref())?;
    if is_in_vain {
        return Some(none(Instead::Text));
    }
    let delimiters: Vec<Delimiter> = dialect.delimiter.or(sign).map_or(DELIMITERS.to_vec(), |one| vec![one]);
    if !dialect.header.is_empty() {
        return given(&seen, &delimiters, dialect.header.len(), is_over);
    }
    // The header is where the command line says, or has all columns that it names, whatever follows.
    if dialect.skip.is_some() {
        let line = seen.first();
        let has_sign = |delimiter: &&Delimiter| line.is_some_and(|line| fields(&line.text, **delimiter).len() > 1);
        let delimiter = delimiters.iter().find(has_sign).or(delimiters.first()).copied()?;
        let found = |line: &Line<'_>| Found {
            delimiter,
            decimals: decimals(&seen, delimiter),
            above: line.at as u64,
            between: 0,
            header: Header::Line(with_time(names_in(line, delimiter))),
        };
        // A second line shows whether decimals have a comma.
        return line.filter(|_| is_over || seen.len() > 1).map(found).or_else(|| is_over.then(|| none(Instead::Text)));
    }
    if let Some(found) = delimiters.iter().find_map(|delimiter| by_names(seen.first()?, *delimiter, wanted)) {
        return Some(found);
    }
    if seen.iter().any(|line| is_drawn(&line.text)) {
        return Some(none(Instead::Drawing));
    }
    if seen.first().is_some_and(|line| is_array(&line.text)) {
        return Some(none(Instead::Arrays));
    }
    // Spaces stand within the cells of tables that have other signs between them.
    let is_by_sign = delimiters.iter().any(|delimiter| *delimiter != Delimiter::Blanks && agrees(&seen, *delimiter));
    let delimiters: Vec<Delimiter> =
        delimiters.into_iter().filter(|delimiter| !is_by_sign || *delimiter != Delimiter::Blanks).collect();
    let pairs = || delimiters.iter().filter_map(|delimiter| pair(&seen, *delimiter));
    // Spaces that cut every line alike, from the first on, are no accident: commas may then be those of decimals.
    let is_by_blanks = agrees(&seen, Delimiter::Blanks);
    let is_weak = |pair: &Pair| pair.is_weak() && (!is_by_blanks || pair.first > 0 || pair.names.len() < 2);
    let best = pairs().min_by_key(|pair| (pair.is_comment, is_weak(pair), pair.first, pair.is_weak(), pair.words));
    if let Some(best) = best
        && (is_over || best.is_sure())
    {
        // A pair that no other row agrees with is none, if there is more above and below it.
        let is_lonely = best.first > 0 && best.rows < 2 && !best.is_last;
        return Some(if is_lonely { none(Instead::Text) } else { best.found() });
    }
    is_over.then(|| otherwise(&seen, &delimiters))
}

/// Whether a delimiter cuts all of several lines into as many cells.
fn agrees(lines: &[Line<'_>], delimiter: Delimiter) -> bool {
    let mut widths = lines.iter().filter(|line| !line.is_comment).map(|line| fields(&line.text, delimiter).len());
    let first = widths.next().unwrap_or(0);
    let mut others = widths.peekable();
    first > 1 && others.peek().is_some() && others.all(|width| width == first)
}

/// A header and the row below it.
struct Pair {
    delimiter: Delimiter,
    decimals: Decimals,
    /// The place of the header among all lines, and among those that are neither blank nor comments.
    at: usize,
    first: usize,
    names: Vec<String>,
    /// Whether the header is behind the sign of a comment, where any text may have signs of all kinds.
    is_comment: bool,
    /// Words in the first row, which are pieces of numbers where another sign cuts it.
    words: usize,
    /// Rows of the same width at once below the header.
    rows: usize,
    /// Lines between the header and the first row.
    between: usize,
    /// Whether nothing follows the row.
    is_last: bool,
}

impl Pair {
    /// Whether the pair is one by spaces, which other tables have too, or by accident.
    fn is_weak(&self) -> bool {
        self.delimiter == Delimiter::Blanks || self.names.len() < 2
    }

    /// Whether no further lines are needed: those above and spaces need a second row that agrees.
    fn is_sure(&self) -> bool {
        self.rows >= 2 || self.first == 0 && self.delimiter != Delimiter::Blanks
    }

    fn found(self) -> Found {
        let Self { delimiter, decimals, at, names, .. } = self;
        // Between spaces, names may have further lines, with units; elsewhere such a line is a bad row.
        let between = if delimiter == Delimiter::Blanks { self.between as u64 } else { 0 };
        Found { delimiter, decimals, above: at as u64, between, header: Header::Line(names) }
    }
}

/// The first pair of a header and a row that a delimiter makes; one that nothing else agrees with, only if there is no other.
fn pair(lines: &[Line<'_>], delimiter: Delimiter) -> Option<Pair> {
    let has_commas = delimiter == Delimiter::Byte(b',');
    let decimals = decimals(lines, delimiter);
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
fn names_in(line: &Line<'_>, delimiter: Delimiter) -> Vec<String> {
    let is_bare = line.is_comment && !line.text.starts_with("#,");
    fields(if is_bare { line.text.trim_start_matches('#').trim_start() } else { &line.text }, delimiter)
}

/// Names of which a first one that is a time of day, as `sar` has it, is called the time.
fn with_time(mut names: Vec<String>) -> Vec<String> {
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
fn is_counted(names: &[String]) -> bool {
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

/// Nothing that could be read.
fn none(instead: Instead) -> Found {
    let header = Header::None(instead);
    Found { delimiter: Delimiter::Blanks, decimals: Decimals::Point, above: 0, between: 0, header }
}

/// Whether decimals have a comma: where something else stands between cells, and a cell has one that is no sign of thousands.
fn decimals(lines: &[Line<'_>], delimiter: Delimiter) -> Decimals {
    if delimiter == Delimiter::Byte(b',') {
        return Decimals::Point;
    }
    let mut cells = lines.iter().filter(|line| !line.is_comment).flat_map(|line| fields(&line.text, delimiter));
    let is_one = |cell: String| {
        let (whole, fraction) = cell.rsplit_once(',')?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let has_decimals = is_number(fraction) && !whole.contains(',');
        let is_whole = whole.trim_start_matches(['-', '+']).split('.').all(is_number);
        (has_decimals && is_whole).then_some(())
    };
    if cells.find_map(is_one).is_some() { Decimals::Comma } else { Decimals::Point }
}

/// The dialect of a line that has all columns which the command line names.
fn by_names(line: &Line<'_>, delimiter: Delimiter, wanted: &Wanted) -> Option<Found> {
    let names = fields(&line.text, delimiter);
    let mut asked = wanted.time.iter().chain(&wanted.series).chain(&wanted.values).peekable();
    let has_all = asked.peek().is_some() && asked.all(|name| names.contains(name));
    let found = || Found {
        delimiter,
        decimals: Decimals::Point,
        above: line.at as u64,
        between: 0,
        header: Header::Line(names.clone()),
    };
    // A single name may be the whole line, or a part of it that other signs separate.
    (has_all && names.len() > 1).then(found)
}

/// The dialect of a table whose columns the command line names.
fn given(lines: &[Line<'_>], delimiters: &[Delimiter], width: usize, is_over: bool) -> Option<Found> {
    let rows = || lines.iter().filter(|line| !line.is_comment);
    for &delimiter in delimiters {
        let mut fitting = rows().filter(|line| fields(&line.text, delimiter).len() == width);
        let first = fitting.next();
        let has_more =
            fitting.next().is_some() || is_over || rows().next().map(|line| line.at) == first.map(|line| line.at);
        if let (Some(first), true) = (first, has_more) {
            let decimals = decimals(lines, delimiter);
            return Some(Found { delimiter, decimals, above: first.at as u64, between: 0, header: Header::Given });
        }
    }
    // None fits: the one that cuts the rows alike, so that it can be said how many cells they have.
    let alike = delimiters.iter().copied().find(|delimiter| agrees(lines, *delimiter));
    let delimiter = alike.or(delimiters.first().copied()).unwrap_or(Delimiter::Byte(b','));
    let above = rows().next().map_or(0, |line| line.at as u64);
    is_over.then_some(Found { delimiter, decimals: Decimals::Point, above, between: 0, header: Header::Given })
}

/// The dialect of lines of which no two are a header and its row: a header alone, or rows alone.
fn otherwise(lines: &[Line<'_>], delimiters: &[Delimiter]) -> Found {
    let rows: Vec<&Line<'_>> = lines.iter().filter(|line| !line.is_comment).collect();
    let line = rows.first().copied().or(lines.first());
    let width = |delimiter: &Delimiter| line.map_or(0, |line| fields(&line.text, *delimiter).len());
    let agree = |delimiter: &Delimiter| {
        rows.iter().filter(|line| fields(&line.text, *delimiter).len() == width(delimiter)).count()
    };
    // Spaces are in many headers, so that they count only where nothing else does.
    let signs = delimiters.iter().filter(|delimiter| **delimiter != Delimiter::Blanks && width(delimiter) > 1);
    let best = signs.max_by_key(|delimiter| (agree(delimiter), width(delimiter))).copied();
    // A sign that most lines have otherwise is one of their text.
    let best = best.filter(|delimiter| rows.len() <= 2 || 2 * agree(delimiter) >= rows.len());
    if best.is_none() && rows.len() > 2 && rows.iter().filter(|row| is_pair(&row.text)).count() * 3 > rows.len() * 2 {
        return none(Instead::Pairs);
    }
    let blanks = delimiters.iter().find(|delimiter| {
        **delimiter == Delimiter::Blanks && width(delimiter) > 1 && rows.len() > 1 && agree(delimiter) == rows.len()
    });
    let delimiter = best.or(blanks.copied()).or(delimiters.first().copied()).unwrap_or(Delimiter::Byte(b','));
    let Some(line) = line else {
        return Found { delimiter, decimals: Decimals::Point, above: 0, between: 0, header: Header::Line(Vec::new()) };
    };
    let decimals = decimals(lines, delimiter);
    let has_commas = delimiter == Delimiter::Byte(b',');
    let cells = fields(&line.text, delimiter);
    let looks: Vec<Look> = cells.iter().map(|cell| look(cell, decimals, has_commas)).collect();
    let has_values = looks.iter().any(|look| look.is_value());
    let above = line.at as u64;
    // Text in lines, which no sign cuts into cells.
    if best.is_none() && blanks.is_none() && rows.len() > 2 && rows.iter().any(|row| row.text.trim().contains(' ')) {
        return none(Instead::Text);
    }
    let header = if has_values && !is_counted(&cells) {
        Header::Nowhere { line: above + 1, cells }
    } else {
        Header::Line(cells)
    };
    Found { delimiter, decimals, above, between: 0, header }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sample: &str) -> Found {
        find(sample.as_bytes(), true, &Dialect::default(), &Wanted::default()).unwrap()
    }

    fn names(sample: &str) -> (Delimiter, u64, Vec<String>) {
        let Found { delimiter, above, header, .. } = found(sample);
        let Header::Line(names) = header else { panic!("{header:?}") };
        (delimiter, above, names)
    }

    #[test]
    fn two_lines_are_enough_for_a_plain_table() {
        let two = |sample: &str| find(sample.as_bytes(), false, &Dialect::default(), &Wanted::default());
        assert!(two("time,a\n").is_none());
        let found = two("time,a\n2024-05-01,1\n").unwrap();
        assert_eq!((found.delimiter, found.above), (Delimiter::Byte(b','), 0));
        assert_eq!(two("t;a\n1;2,5\n").unwrap().decimals, Decimals::Comma);
        assert_eq!(two("a\n1\n").unwrap().header, Header::Line(vec!["a".into()]));
        // A preamble needs a second row that agrees, and so do spaces.
        assert!(two("made by me\ntime,a\n2024-05-01,1\n").is_none());
        assert_eq!(two("made by me\ntime,a\n2024-05-01,1\n2024-05-02,1\n").unwrap().above, 1);
        assert!(two("a b\n1 2\n").is_none());
        assert_eq!(two("a b\n1 2\n3 4\n").unwrap().delimiter, Delimiter::Blanks);
    }

    #[test]
    fn signs_between_cells() {
        assert_eq!(names("t;a\n1,5;2,5\n2,5;3,5\n").0, Delimiter::Byte(b';'));
        assert_eq!(names("t\ta b\n1\t2\n").0, Delimiter::Byte(b'\t'));
        assert_eq!(names("t | a\n---+---\n 1 | 2\n"), (Delimiter::Byte(b'|'), 0, vec!["t".into(), "a".into()]));
        assert_eq!(names("sep=;\nt;a\n1;2\n"), (Delimiter::Byte(b';'), 1, vec!["t".into(), "a".into()]));
        let quoted = names("\"a, b\",c\n\"x, y\",1\n");
        assert_eq!(quoted, (Delimiter::Byte(b','), 0, vec!["a, b".into(), "c".into()]));
        assert_eq!(names("my value\n1\n2\n").2, ["my value"]);
        // Nor do commas in a comment above decimals with commas.
        let (delimiter, above, _) = names("# host web1, 4 CPUs\ntime\ta\n2024-05-01\t1,5\n2024-05-02\t2,5\n");
        assert_eq!((delimiter, above), (Delimiter::Byte(b'\t'), 1));
        // Nor do those decimals, or commas in a comment, where spaces stand between cells.
        for comment in ["", "#host web1, 4 CPUs; a|b\n"] {
            let (delimiter, _, columns) = names(&format!(
                "{comment}time temp cpu\n2024-05-01T10:00:00Z -2,8 -130\n2024-05-01T10:01:00Z 30,9 618\n"
            ));
            assert_eq!((delimiter, columns), (Delimiter::Blanks, ["time", "temp", "cpu"].map(str::to_owned).into()));
        }
        // Dates with commas in them do not make a second column.
        assert_eq!(names("time;v\n2026-11-27 22:56:00,767;1\n2026-11-27 22:56:01,767;2\n").0, Delimiter::Byte(b';'));
    }

    #[test]
    fn the_header_is_the_line_above_the_numbers() {
        assert_eq!(names("# hostname;ts;x\nh;2026-11-27 22:42:25 UTC;1\n").2, ["hostname", "ts", "x"]);
        assert_eq!(
            names("a,,b\nx,y,z\n1,2,3\n4,5,6\n"),
            (Delimiter::Byte(b','), 1, ["x", "y", "z"].map(str::to_owned).into())
        );
        assert_eq!(
            names("#group,false\n#datatype,long\n,v\n,1\n,2\n"),
            (Delimiter::Byte(b','), 2, vec![String::new(), "v".into()])
        );
        assert_eq!(names(",0,1,2\na,5,6,7\n").2, ["", "0", "1", "2"]);
        assert_eq!(names("0,1,2\n5,6.5,7\n").2, ["0", "1", "2"]);
        assert_eq!(names("a,b\n").2, ["a", "b"]);
        assert_eq!(names("a,b\nx,y\n").2, ["a", "b"]);
        assert_eq!(names("#,time,v\n1,2024-05-01,3\n").2, ["#", "time", "v"]);
    }

    #[test]
    fn names_may_be_numbers_beside_a_time_and_have_units() {
        for (sample, expected) in [
            ("time,0.5,0.99\n2024-05-01,1,2\n", vec!["time", "0.5", "0.99"]),
            ("ts,80,443\n1714521600,1,2\n", vec!["ts", "80", "443"]),
            ("99%,x\n0,10.19\n1,12.5\n", vec!["99%", "x"]),
            ("99%\n5\n", vec!["99%"]),
            ("time,99%\n2024-05-01,5 %\n", vec!["time", "99%"]),
        ] {
            assert_eq!(names(sample), (Delimiter::Byte(b','), 0, expected.into_iter().map(str::to_owned).collect()));
        }
        for sample in ["web1,0.5,0.99\nweb2,1,2\n", "5 %\n6 %\n", "2024-05-01,5\n2024-05-02,6\n"] {
            assert!(matches!(found(sample).header, Header::Nowhere { .. }), "{sample}");
        }
    }

    #[test]
    fn a_cell_over_several_lines_is_no_second_table() {
        let sample = "time,note,a\n5,\"x\ny, z\",10.3\n6,\"\n\n\",10.4\n";
        let expected = (Delimiter::Byte(b','), 0, ["time", "note", "a"].map(str::to_owned).into());
        assert_eq!(names(sample), expected);
        // A quote that is never closed holds nothing together.
        assert_eq!(names("time,note,a\n5,x,10.3\n6,\"y,10.4\n7,y,10.4\n"), expected);
    }

    #[test]
    fn a_sign_in_header_and_row_cuts_both() {
        // Cells are missing in the rows, which does not make them one number with a comma.
        assert_eq!(names("t,a,\n1,2\n2,3\n").0, Delimiter::Byte(b','));
        assert_eq!(names("x, m;y, m\n1,5;5,5\n2,5;6,5\n").0, Delimiter::Byte(b';'));
        assert_eq!(names("t,a\tb,c\n1,2\t3,4\n2,3\t4,5\n").0, Delimiter::Byte(b','));
    }

    #[test]
    fn many_comments_may_stand_above() {
        for count in [3, 99, 100, 101, 1500] {
            let sample = "# c, d\n".repeat(count) + "time,a\n1,2\n2,3\n3,4\n";
            assert_eq!(names(&sample), (Delimiter::Byte(b','), count as u64, vec!["time".into(), "a".into()]));
            let named = "# c, d\n".repeat(count) + "# time,a\n1,2\n2,3\n3,4\n";
            assert_eq!(names(&named).1, count as u64);
        }
        assert_eq!(found(&"# c, d\n".repeat(2000)).header, Header::None(Instead::Text));
    }

    #[test]
    fn columns_between_spaces() {
        let (delimiter, above, vmstat) = names(
            "procs -----memory---- -----timestamp-----\n r  b   swpd                 UTC\n11  0      0 2026-11-27 22:42:57\n\
             10  0      0 2026-11-27 22:42:58\n",
        );
        assert_eq!((delimiter, above, vmstat.join("|").as_str()), (Delimiter::Blanks, 1, "r|b|swpd|UTC"));
        let rrd = names("                 temp        in\n\n1795818300: 2.15e+01 -nan\n1795818360: 2.25e+01 1.6e+01\n");
        assert_eq!(rrd, (Delimiter::Blanks, 0, ["time", "temp", "in"].map(str::to_owned).into()));
        let sar =
            names("Linux 6 (h) \t11/27/26\n\n22:42:23   CPU  %user\n22:42:25   all  38.65\n22:42:27   all  31.25\n");
        assert_eq!(sar.2, ["time", "CPU", "%user"]);
        let psrecord =
            names("# Elapsed time   CPU (%)     Real (MB)\n  0.000   0.000   3.980\n  0.504   0.000   3.980\n");
        assert_eq!(psrecord.2, ["Elapsed time", "CPU (%)", "Real (MB)"]);
    }

    #[test]
    fn lines_that_rule_off_a_header_are_none_of_the_table() {
        let column = "ts   cpu\n---  ----\n1    20.5\n2    21.5\n";
        assert_eq!(names(column), (Delimiter::Blanks, 0, vec!["ts".into(), "cpu".into()]));
        assert_eq!(found(column).between, 1);
        for rule in ["|---|-----|", "|:---|---:|", "|-:|:-|", "+---+-----+"] {
            let (delimiter, above, names) = names(&format!("| t | cpu |\n{rule}\n| 1 | 2 |\n| 2 | 3 |\n"));
            assert_eq!((delimiter, above), (Delimiter::Byte(b'|'), 0), "{rule}");
            assert_eq!(names, ["", "t", "cpu", ""], "{rule}");
        }
        // A dash alone is a missing sample.
        assert_eq!(names("a b\n- -\n1 2\n3 4\n").2, ["a", "b"]);
        assert_eq!(found("a b\n1 2\n- -\n").between, 0);
    }

    #[test]
    fn names_may_be_missing_above_what_counts_rows_and_be_a_number_above_a_time() {
        assert_eq!(
            names("ts host x\n1 2026-11-28 09:00:00 a 5\n2 2026-11-28 09:00:01 b 6\n").2,
            ["", "ts", "host", "x"]
        );
        assert_eq!(found("ts host x\n1 2026-11-28 a 5\n7 2026-11-28 b 6\n").header, Header::None(Instead::Text));
        let pidstat = names("Linux 6 (h)\n\n1795858684  UID  %usr\n1795858685    0  0.97\n1795858686    0  0.50\n");
        assert_eq!(pidstat.2, ["time", "UID", "%usr"]);
    }

    #[test]
    fn text_is_no_table_and_said_to_be_what_it_is() {
        for (sample, instead) in [
            (
                "bench 1.0 (using 5.4)\n\nRunning 2 tests\n\nLatency (ms):\n     min:   0.2\n     avg:   0.3\n     max:   9.1\n",
                Instead::Text,
            ),
            ("Running 2s test @ http://x\n 1 threads and 2 connections\nto be seen\n", Instead::Text),
            ("to port 8123 now\nseq 1 time 5.5\nseq 2 time 6.5\nbye\n", Instead::Text),
            (
                "  ts = 2026-11-28 09:00:00\n cpu = 20.5\n mem = 5\n\n  ts = 2026-11-28 09:00:01\n cpu = 21.5\n mem = 6\n",
                Instead::Pairs,
            ),
            ("# Server\nversion:7.0\nup:5\n\n# Memory\nused:1024\nrss:2048\n", Instead::Pairs),
            ("shape: (2, 1)\n\u{250c}\u{2500}\u{2500}\u{2510}\n\u{2502} a \u{2502}\n", Instead::Drawing),
            ("[\"ts\", \"cpu\"]\n[1, 2]\n[2, 3]\n", Instead::Arrays),
        ] {
            assert_eq!(found(sample).header, Header::None(instead), "{sample}");
        }
        // Nor is the one row at the end of such text that looks like a table.
        let report = "a 1 b\nx y z\nto be seen here\n\nname used\nvda  5\n";
        assert_eq!(found(report).header, Header::None(Instead::Text));
    }

    #[test]
    fn rows_without_a_header_are_known_as_such() {
        for sample in [
            "20261127224739,127.0.0.1,60704\n20261127224740,127.0.0.1,60704\n",
            "116, 10862, 0, 0, 0\n216, 14000, 0, 0, 0\n",
            "a.b,2024-05-01 10:10:00,1.2\na.b,2024-05-01 10:11:00,\n",
            "# started on Fri Nov 27 22:46:11 2026\n\n  1.0,0.58,msec,task-clock\n  1.0,1,,context-switches\n",
            "CMDLINE sleep 2\nMEM 1.441406 1795819840.7091\nMEM 1.441406 1795819841.0124\n",
        ] {
            let Header::Nowhere { cells, .. } = found(sample).header else { panic!("{sample}") };
            assert!(cells.len() > 2, "{cells:?}");
        }
        let exact = Dialect { skip: Some(1), ..Dialect::default() };
        let found = find(b"5,6\n7,8\n", true, &exact, &Wanted::default()).unwrap();
        assert_eq!((found.above, found.header), (0, Header::Line(vec!["5".into(), "6".into()])));
        let given = Dialect { header: vec!["t".into(), "v".into()], ..Dialect::default() };
        let found = find(b"note\n1,2\n3,4\n", true, &given, &Wanted::default()).unwrap();
        assert_eq!((found.above, found.header), (1, Header::Given));
    }
}

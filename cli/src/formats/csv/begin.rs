//! Where a table begins: what is above it, its dialect, its header and its columns.

use super::cells::Decimals;
use super::flux::Flux;
use super::instead::Instead;
use super::layout::{Layout, Time};
use super::rows::{Next as NextRow, fields};
use super::sniff::{self, Found, Header};
use super::table::Table;
use super::{Csv, Step};
use crate::failure::Failure;
use crate::formats::columns::quoted;
use crate::formats::lines::{Found as Line, Need, Woken};
use crate::formats::options::{Delimiter, Options};
use crate::formats::reader::Client;
use crate::formats::times::Choice;
use std::borrow::Cow;

/// Rows that are looked at before a column of text is shown where there is no time: one that repeats is none.
const SHOWN_AFTER: usize = 8;
/// Most lines that are looked at for them.
const SHOWN_WITHIN: usize = 100;

impl Csv {
    /// Passes over what is above the table, and then makes it of its header.
    pub(super) fn begin(&mut self, client: &mut impl Client) -> Result<Step, Failure> {
        if self.above > 0 {
            return self.pass_over(client);
        }
        // However long the header takes: nothing else is held up.
        let mut before_read =
            |need| -> Result<Woken, Failure> { client.before_read(Need { is_joining: false, ..need }) };
        if self.dialect.is_none() {
            let Options { dialect, wanted, .. } = &self.options;
            let mut found = None;
            let is_enough = |seen: &[u8], is_over: bool| {
                found = sniff::find(seen, is_over, dialect, wanted);
                found.is_some()
            };
            self.rows.lines_mut().preview(is_enough, &mut before_read)?;
            if let Some(Found { delimiter, above, .. }) = &found {
                self.rows.set_delimiter(*delimiter);
                self.above = *above;
            }
            self.dialect = found;
        }
        if self.above > 0 {
            return self.pass_over(client);
        }
        let Some(found) = self.dialect.clone() else { return Ok(Step::End) };
        let names = match &found.header {
            Header::Given => self.options.dialect.header.clone(),
            Header::Nowhere { line, cells } => return Err(self.no_header(*line, cells)),
            Header::None(instead) => return Err(self.no_table(*instead)),
            Header::Line(names) => {
                match self.rows.step(&mut before_read)? {
                    None => return Ok(Step::Blank),
                    Some(NextRow::End) => return Ok(Step::End),
                    Some(NextRow::Broken(why)) => {
                        let (input, line) = (&self.input, self.rows.line());
                        return Err(Failure::usage(format!("{input}: line {line}: no header: {why}")));
                    }
                    Some(NextRow::Row) => {}
                }
                let row = self.rows.current();
                self.header = self.rows.lines().raw().to_vec();
                // A header may go on in the next line, which a look at single lines does not show.
                if self.rows.is_several_lines() {
                    (0..row.len()).map(|index| row.text(index).to_owned()).collect()
                } else {
                    names.clone()
                }
            }
        };
        self.note_dialect(&found, client);
        (self.above, self.has_begun) = (found.between, true);
        self.begin_table(names, client)
    }

    /// Passes over a line that is none of the table.
    #[cold]
    pub(super) fn pass_over(&mut self, client: &mut impl Client) -> Result<Step, Failure> {
        self.above -= 1;
        Ok(match self.rows.lines_mut().advance(&mut |need| client.before_read(need))? {
            Line::End => Step::End,
            Line::Line | Line::TooLong => Step::Blank,
        })
    }

    /// Begins a table, or a further one.
    pub(super) fn begin_table(&mut self, names: Vec<String>, client: &mut impl Client) -> Result<Step, Failure> {
        let Some(Found { delimiter, decimals, .. }) = self.dialect else { return Ok(Step::End) };
        let wanted = &self.options.wanted;
        let is_free = wanted.time.is_none() && wanted.series.is_empty() && wanted.values.is_empty();
        let flux = Flux::of(&names).filter(|_| is_free);
        let mut options = Cow::Borrowed(&self.options);
        if flux.is_some() {
            let wanted = &mut options.to_mut().wanted;
            (wanted.time, wanted.values) = (Some(Flux::TIME.to_owned()), vec![Flux::VALUE.to_owned()]);
        }
        let numbers = (decimals, delimiter == Delimiter::Byte(b','));
        let is_framed = delimiter == Delimiter::Byte(b'|')
            && names.len() > 2
            && [names.first(), names.last()].iter().all(|name| name.is_some_and(String::is_empty));
        let mut layout = Layout::new(names, is_framed, &options, numbers, self.roles, client.console())?;
        if let Time::Column(index) = layout.time {
            let name = layout.name(index);
            client.time_name(name);
            client.console().time_is(name, if flux.is_some() { "dates with an offset" } else { "as named" });
        }
        if layout.may_show() {
            self.find_shown(&mut layout, delimiter, client)?;
        }
        self.table = Some(Table::new(layout, delimiter, decimals, flux));
        Ok(Step::Header)
    }

    /// Looks for a column of text to be shown where no column has times: the first whose texts do not repeat in the first rows.
    fn find_shown(
        &mut self,
        layout: &mut Layout,
        delimiter: Delimiter,
        client: &mut impl Client,
    ) -> Result<(), Failure> {
        let width = layout.names.len();
        let mut shown = None;
        let mut is_enough = |seen: &[u8], is_over: bool| {
            let text = String::from_utf8_lossy(seen);
            let is_over = is_over || text.lines().nth(SHOWN_WITHIN).is_some();
            let rows: Vec<Vec<String>> = text
                .lines()
                .take(SHOWN_WITHIN)
                .map(|line| fields(line, delimiter))
                .filter(|row| row.len() == width)
                .take(SHOWN_AFTER)
                .collect();
            let Some(first) = rows.first() else { return is_over };
            let cells: Vec<&[u8]> = first.iter().map(String::as_bytes).collect();
            if layout.time_in(&cells) != Choice::Nothing {
                return true;
            }
            let cell = |row: &Vec<String>, index: usize| row.get(index).cloned().unwrap_or_default();
            let is_distinct = |index: usize| {
                let texts: Vec<String> = rows.iter().map(|row| cell(row, index)).collect();
                let mut sorted = texts.clone();
                sorted.sort_unstable();
                sorted.windows(2).all(|two| two[0] != two[1])
                    && texts.iter().all(|text| layout.is_text(text.as_bytes()))
            };
            shown = (0..width).find(|&index| is_distinct(index));
            is_over || shown.is_none() || rows.len() >= SHOWN_AFTER
        };
        self.rows.lines_mut().preview(&mut is_enough, &mut |need| client.before_read(need))?;
        if let Some(index) = shown {
            layout.show(index);
        }
        Ok(())
    }

    /// Notes how the table was found, where it is not simply a header and rows with commas.
    fn note_dialect(&self, found: &Found, client: &mut impl Client) {
        let console = client.console();
        let number = self.rows.line();
        if found.above > 0 && self.options.dialect.skip.is_none() {
            let above = found.above;
            console.note(format_args!(
                "the table begins in line {}: {above} above it are passed over",
                number.max(above + 1)
            ));
        }
        if found.delimiter != Delimiter::Byte(b',') && self.options.dialect.delimiter.is_none() {
            let decimals = if found.decimals == Decimals::Comma { ", decimals behind a comma" } else { "" };
            console.note(format_args!("cells are separated by {}{decimals}", found.delimiter.name()));
        }
    }

    /// The failure of lines that are no table.
    fn no_table(&self, instead: Instead) -> Failure {
        Failure::usage(instead.words(&self.input))
    }

    /// The failure of a table whose columns have no names.
    fn no_header(&self, line: u64, cells: &[String]) -> Failure {
        let (input, width) = (&self.input, cells.len());
        let letters = ["a", "b", "c"].map(str::to_owned);
        let names = letters.iter().take(width).cloned().collect::<Vec<_>>().join(",");
        let more = if width > letters.len() { ",..." } else { "" };
        let shown = quoted(cells.iter().take(8).map(String::as_str));
        Failure::usage(format!(
            "{input}: line {line} is no header, since numbers or times stand in it: {shown}; name the {width} columns with --header \
             {names}{more}, or pass over lines above the table with --skip"
        ))
    }
}

//! Tables in text: a header, and rows with a cell for every column.
//!
//! | file | what it does |
//! |---|---|
//! | `sample.rs`, `sniff.rs` | the first lines: what stands between cells, and where the table begins |
//! | `instead.rs` | text that is no table, and how to make one of it |
//! | `rows.rs` | lines to cells |
//! | `layout.rs` | which column is what |
//! | `cells.rs` | a cell as a number, with its unit |
//! | `remarks.rs` | lines that are no rows, and columns that are left out |
//! | `flux.rs` | the tables of `InfluxDB` 2 |

mod cells;
mod flux;
mod instead;
mod layout;
mod remarks;
mod rows;
mod sample;
mod sniff;

use super::columns::no_numbers;
use super::lines::{Found as Line, Need, Span, Woken};
use super::options::{Delimiter, Options};
use super::reader::{Client, Input, Next, Reader, Roles, Use};
use super::record::{Record, Series, Value, When};
use super::times::Choice;
use crate::failure::Failure;
use crate::output::Draft;
use crate::text::number;
use cells::Decimals;
use flux::Flux;
use instead::Instead;
use layout::{Layout, Time};
use remarks::{Texts, is_remark, is_ruled};
use rows::{Next as NextRow, Row, Rows, fields};
use sniff::{Found, Header};
use std::borrow::Cow;

/// Rows that are looked at before a column of text is shown where there is no time: one that repeats is none.
const SHOWN_AFTER: usize = 8;
/// Most lines that are looked at for them.
const SHOWN_WITHIN: usize = 100;

/// The reader of a table in text.
pub(crate) struct Csv {
    rows: Rows,
    /// The name of the input in messages.
    input: String,
    options: Options,
    roles: Roles,
    /// The dialect, as soon as the first lines have shown it.
    dialect: Option<Found>,
    /// Lines above the header, or between it and the first row, that have not been passed over yet.
    above: u64,
    /// Whether the header has been read.
    has_begun: bool,
    /// The header as it stands in the input, with its end, to be known where it comes again.
    header: Vec<u8>,
    /// The columns; none before the header.
    table: Option<Table>,
    texts: Texts,
}

/// The columns of the table.
struct Table {
    layout: Layout,
    is_settled: bool,
    /// Whether the roles were settled before the present row.
    is_final: bool,
    /// Whether a number is one as programs write it, as long as it has no unit.
    is_plain: bool,
    /// Cells that may hold numbers, in the order in which their series are numbered.
    values: Vec<usize>,
    /// Whether each cell is one of `values`.
    is_value: Vec<bool>,
    delimiter: Delimiter,
    decimals: Decimals,
    flux: Option<Flux>,
    /// The time of the present row, where two columns have it.
    joined: Vec<u8>,
}

/// The outcome of going on to the next row.
enum Step {
    Header,
    Row,
    Blank,
    Broken(String),
    End,
}

impl Csv {
    /// Reads the next row, or the header if there is none yet.
    #[inline]
    fn step(&mut self, client: &mut impl Client) -> Result<Step, Failure> {
        if self.above > 0 && self.has_begun {
            return self.pass_over(client);
        }
        let Some(table) = &mut self.table else { return self.begin(client) };
        match self.rows.step(&mut |need| client.before_read(need))? {
            None => return Ok(Step::Blank),
            Some(NextRow::End) => {
                if !self.texts.is_over() {
                    self.texts.report(&table.layout, client.console());
                }
                return Ok(Step::End);
            }
            Some(NextRow::Broken(why)) => return Ok(Step::Broken(why.to_string())),
            Some(NextRow::Row) => {}
        }
        let (len, width) = (self.rows.len(), table.is_value.len());
        let line = self.rows.lines().raw();
        let may_be_none = len != width
            || line.len() == self.header.len()
            || matches!(line, [b'#' | b'|' | b'+', ..] | [b'-', b'-', ..]);
        if (may_be_none || table.delimiter == Delimiter::Blanks || table.flux.is_some())
            && let Some(step) = self.look_twice(client)?
        {
            return Ok(step);
        }
        let Some(table) = &mut self.table else { return Ok(Step::End) };
        table.is_final = table.is_settled;
        if !table.is_final && !table.settle(self.rows.current(), client)? {
            return Ok(Step::Broken("no column holds a number".to_owned()));
        }
        if !self.texts.is_over() {
            self.texts.add(&table.layout, self.rows.current(), client.console());
        }
        if let Time::Pair(date, time) = table.layout.time {
            let row = self.rows.current();
            table.joined.clear();
            // `collectl` has no signs in its dates, between which and a time of day there would be no moment.
            let parts: [&[u8]; 5] = match row.field(date) {
                text @ [year @ .., _, _, _, _] if text.iter().all(u8::is_ascii_digit) && year.len() == 4 => {
                    let (month, day) = text.get(4..).unwrap_or_default().split_at_checked(2).unwrap_or_default();
                    [year, b"-", month, b"-", day]
                }
                text => [text, b"", b"", b"", b""],
            };
            for part in parts.into_iter().chain([&b" "[..], row.field(time)]) {
                table.joined.extend_from_slice(part);
            }
        }
        Ok(Step::Row)
    }

    /// A step for a line that may be no row of the table; `None` if it is one.
    #[inline(never)]
    fn look_twice(&mut self, client: &mut impl Client) -> Result<Option<Step>, Failure> {
        let Some(table) = &self.table else { return Ok(None) };
        let (row, width) = (self.rows.current(), table.is_value.len());
        if self.rows.lines().raw() == self.header || is_ruled(self.rows.lines().current()) {
            return Ok(Some(Step::Blank));
        }
        let line = self.rows.lines().current();
        let is_comment = match &self.options.dialect.comment {
            Some(comment) => line.trim_ascii_start().starts_with(comment.as_bytes()),
            None => line.first() == Some(&b'#') && (row.len() != width || table.flux.is_some() || self.is_commented()),
        };
        if is_comment {
            // Where the header is behind such a sign, another one begins another table.
            let names = self.is_commented().then(|| names_of_comment(line, table.delimiter));
            return match names.filter(|names| names.len() > 1) {
                Some(names) => {
                    self.header = self.rows.lines().raw().to_vec();
                    self.begin_table(names, client).map(Some)
                }
                None => Ok(Some(Step::Blank)),
            };
        }
        if table.flux.is_some() && Flux::is_header(row) {
            let names = (0..row.len()).map(|index| row.text(index).to_owned()).collect();
            self.header = self.rows.lines().raw().to_vec();
            return self.begin_table(names, client).map(Some);
        }
        let is_blanks = table.delimiter == Delimiter::Blanks;
        if is_blanks && (row.field(0) == b"Average:" || self.is_header_again(row)) {
            return Ok(Some(Step::Blank));
        }
        // A last cell that is text may have spaces in it, and some tools end each row with a delimiter.
        let is_longer = row.len() > width;
        let fits = is_blanks && is_longer && table.is_value.last() == Some(&false)
            || is_longer && self.roles == Roles::Learn && (width..row.len()).all(|index| row.field(index).is_empty());
        if row.len() == width || fits {
            return Ok(None);
        }
        if is_remark(line) {
            return Ok(Some(Step::Blank));
        }
        let len = row.len();
        if self.rows.is_several_lines() {
            // Quotes that join lines into a row of the wrong shape are more likely stray than meant.
            self.rows.keep_first_line();
            return Ok(Some(Step::Broken("a quote is opened and closed in the wrong place".to_owned())));
        }
        Ok(Some(Step::Broken(format!("{len} fields, where the header has {width}"))))
    }

    /// Whether the header is behind the sign of a comment.
    fn is_commented(&self) -> bool {
        self.header.first() == Some(&b'#')
    }

    /// Whether a row between blanks is the header again, but for a time of day in its first cell.
    fn is_header_again(&self, row: Row<'_>) -> bool {
        let Some(Table { layout, .. }) = &self.table else { return false };
        let is_name = |index: usize| row.field(index) == layout.name(index).as_bytes();
        row.len() > 1 && (1..row.len().min(layout.names.len())).all(is_name)
    }

    /// Passes over what is above the table, and then makes it of its header.
    fn begin(&mut self, client: &mut impl Client) -> Result<Step, Failure> {
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
    fn pass_over(&mut self, client: &mut impl Client) -> Result<Step, Failure> {
        self.above -= 1;
        Ok(match self.rows.lines_mut().advance(&mut |need| client.before_read(need))? {
            Line::End => Step::End,
            Line::Line | Line::TooLong => Step::Blank,
        })
    }

    /// Begins a table, or a further one.
    fn begin_table(&mut self, names: Vec<String>, client: &mut impl Client) -> Result<Step, Failure> {
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
        let is_value = vec![false; layout.names.len()];
        let (is_settled, is_final, is_plain) = (layout.is_settled(), false, layout.is_plain());
        let (values, joined) = (Vec::new(), Vec::new());
        let mut table =
            Table { layout, is_settled, is_final, is_plain, values, is_value, delimiter, decimals, flux, joined };
        table.find_values();
        self.table = Some(table);
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
        let shown = super::columns::quoted(cells.iter().take(8).map(String::as_str));
        Failure::usage(format!(
            "{input}: line {line} is no header, since numbers or times stand in it: {shown}; name the {width} columns with --header \
             {names}{more}, or pass over lines above the table with --skip"
        ))
    }
}

/// The names in a line behind the sign of a comment.
fn names_of_comment(line: &[u8], delimiter: Delimiter) -> Vec<String> {
    let text = String::from_utf8_lossy(line);
    fields(text.trim_start_matches('#').trim_start(), delimiter)
}

impl Table {
    /// Learns from a row what the columns are. False if the row is bad.
    #[cold]
    fn settle(&mut self, row: Row<'_>, client: &mut impl Client) -> Result<bool, Failure> {
        let is_good = self.layout.settle(row, client)?;
        if is_good {
            self.is_settled = self.layout.is_settled();
            self.find_values();
        }
        Ok(is_good)
    }

    fn find_values(&mut self) {
        self.values = self.layout.values();
        self.is_value.fill(false);
        for &value in &self.values {
            if let Some(is_value) = self.is_value.get_mut(value) {
                *is_value = true;
            }
        }
    }
}

impl Reader for Csv {
    type Record<'a> = Fields<'a>;

    const ENDINGS: &'static [&'static str] = &["csv", "tsv", "psv"];
    const USES: &'static [Use] = &[Use::Columns, Use::TimeForm, Use::Missing, Use::Dialect];

    /// Always false: a CSV is what looks like nothing else.
    fn looks_like(_: &[u8]) -> bool {
        false
    }

    fn open(input: Input) -> Result<Self, Failure> {
        let Input { lines, name, options, roles, .. } = input;
        let (rows, header, texts) = (Rows::new(lines), Vec::new(), Texts::default());
        let above = options.dialect.skip.unwrap_or(0);
        Ok(Self {
            rows,
            input: name,
            options,
            roles,
            dialect: None,
            above,
            has_begun: false,
            header,
            table: None,
            texts,
        })
    }

    #[inline]
    fn next(&mut self, client: &mut impl Client) -> Result<Next<'_, Fields<'_>>, Failure> {
        let step = self.step(client)?;
        let lines = self.rows.lines().span();
        Ok(match (step, &self.table) {
            (Step::Row, Some(table)) => Next::Record(Fields { table, row: self.rows.current(), lines }),
            (Step::Header, Some(table)) => {
                // Names of the command line stand in no line.
                let is_given = self.dialect.as_ref().is_some_and(|found| found.header == Header::Given);
                let lines = if is_given { Span { count: 0, raw: b"", ..lines } } else { lines };
                Next::Header(Fields { table, row: self.rows.current(), lines })
            }
            (Step::Broken(why), _) => Next::Broken(lines, why),
            (Step::Blank, _) => Next::Blank(lines),
            _ => Next::End,
        })
    }

    fn check_end(&self, rows: u64) -> Result<(), Failure> {
        match &self.table {
            None => Err(Failure::usage(format!("{} is empty", self.input))),
            Some(Table { layout, .. }) if rows > 0 && !layout.has_values() => {
                Err(no_numbers(&self.input, &layout.names))
            }
            Some(_) => Ok(()),
        }
    }
}

/// The series of a row that does not name one.
#[cold]
fn unnamed<'a>() -> Series<'a> {
    Series::Unnamed("the series has no name".to_owned())
}

/// The fields of one row.
pub(crate) struct Fields<'a> {
    table: &'a Table,
    row: Row<'a>,
    lines: Span<'a>,
}

impl<'a> Fields<'a> {
    /// The content of a cell that is no number as programs write it.
    #[inline(never)] // in a table of which this is asked for often, finding out takes longer than the call
    fn value_of_people(&self, cell: usize, text: &'a [u8]) -> Value<'a> {
        match self.table.layout.number(cell, text) {
            Some(number) => Value::Number(number),
            None => Value::NotANumber(Cow::Borrowed(self.row.text(cell))),
        }
    }

    /// The series of a row whose name several columns make.
    #[inline(never)]
    fn made_name(&self) -> Series<'_> {
        if let Some(flux) = &self.table.flux {
            return Series::Named(Cow::Owned(flux.name(self.row).into_bytes()));
        }
        let names: Vec<&[u8]> = self.table.layout.series().iter().map(|&series| self.row.field(series)).collect();
        if names.iter().all(|name| name.is_empty()) {
            return unnamed();
        }
        Series::Named(Cow::Owned(names.join(&b'/')))
    }
}

impl Record for Fields<'_> {
    const IS_ROW: bool = true;

    #[inline]
    fn span(&self) -> Span<'_> {
        self.lines
    }

    #[inline]
    fn time(&self) -> When<'_> {
        match self.table.layout.time {
            Time::Column(index) => {
                let text = self.row.field(index);
                // `rrdtool fetch` has a colon behind its times.
                let text = if self.table.delimiter == Delimiter::Blanks {
                    text.strip_suffix(b":").unwrap_or(text)
                } else {
                    text
                };
                When::Cell { text, is_number: false }
            }
            Time::Pair(..) => When::Cell { text: &self.table.joined, is_number: false },
            Time::RowNumber => When::Nowhere,
            Time::Open(_) => When::Unknown,
        }
    }

    #[inline(always)] // a row of a long table asks for little else
    fn series(&self) -> Series<'_> {
        match *self.table.layout.series() {
            [] if self.table.flux.is_none() => Series::Each,
            [series] => match self.row.field(series) {
                b"" => unnamed(),
                name => Series::Named(Cow::Borrowed(name)),
            },
            _ => self.made_name(),
        }
    }

    fn len(&self) -> usize {
        self.table.is_value.len()
    }

    #[inline]
    fn name(&self, cell: usize) -> &str {
        self.table.layout.name(cell)
    }

    #[inline]
    fn is_number(&self, cell: usize) -> bool {
        self.table.is_value.get(cell).copied().unwrap_or(false)
    }

    #[inline(always)] // the number alone leaves it, in a register
    fn value(&self, cell: usize) -> Value<'_> {
        let text = self.row.field(cell);
        let plain = if self.table.is_plain { number::parse_trimmed(text) } else { None };
        plain.map_or_else(|| self.value_of_people(cell, text), Value::Number)
    }

    #[inline]
    fn values(&self) -> impl ExactSizeIterator<Item = usize> {
        self.table.values.iter().copied()
    }

    fn is_settled(&self) -> bool {
        self.table.layout.has_roles()
    }

    fn is_final(&self) -> bool {
        self.table.is_final
    }

    fn split(&self) -> (&[u8], &[u8]) {
        let raw = self.lines.raw;
        let text = raw.strip_suffix(b"\n").unwrap_or(raw);
        raw.split_at(text.strip_suffix(b"\r").unwrap_or(text).len())
    }

    const EQUALS: &'static str = "";

    fn separator(&self) -> u8 {
        match self.table.delimiter {
            Delimiter::Byte(delimiter) => delimiter,
            Delimiter::Blanks => b' ',
        }
    }

    /// Writes nothing: the header has the names.
    fn write_key(&self, _: usize, _: &mut Vec<u8>) {}

    /// Adds a cell behind a row, which has one for every column, be it empty.
    #[inline]
    fn append(&self, out: &mut Draft, _: &[u8], _: &[u8], number: f64) {
        out.put(&[self.separator()]);
        if !number.is_finite() {
            // Between blanks, nothing would be no cell.
            return out.put(if self.table.delimiter == Delimiter::Blanks { b"NaN" } else { b"" });
        }
        match self.table.decimals {
            Decimals::Point => out.put_number(number),
            Decimals::Comma => {
                out.put(number::csv(number, &mut zmij::Buffer::new()).replace('.', ",").as_bytes());
            }
        }
    }
}

//! Tables in text: a header, and rows with a cell for every column.
//!
//! | file | what it does |
//! |---|---|
//! | `sample.rs`, `sniff.rs` | the first lines: what stands between cells, and where the table begins |
//! | `pair.rs` | a header and the row below it, by what their cells look like |
//! | `instead.rs` | text that is no table, and how to make one of it |
//! | `rows.rs` | lines to cells |
//! | `begin.rs` | from the first line to the header's columns |
//! | `layout.rs` | which column is what |
//! | `table.rs` | the columns, and the cells of one row |
//! | `cells.rs` | a cell as a number, with its unit |
//! | `remarks.rs` | lines that are no rows, and columns that are left out |
//! | `flux.rs` | the tables of `InfluxDB` 2 |

mod begin;
mod cells;
mod flux;
mod instead;
mod layout;
mod pair;
mod remarks;
mod rows;
mod sample;
mod sniff;
mod table;

pub(crate) use table::Fields;

use super::columns::no_numbers;
use super::lines::Span;
use super::options::{Delimiter, Options};
use super::reader::{Client, Input, Next, Reader, Roles, Use};
use crate::failure::Failure;
use flux::Flux;
use remarks::{Texts, is_remark, is_ruled};
use rows::{Next as NextRow, Row, Rows, fields};
use sniff::{Found, Header};
use table::Table;

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
        table.join_time(self.rows.current());
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
}

/// The names in a line behind the sign of a comment.
fn names_of_comment(line: &[u8], delimiter: Delimiter) -> Vec<String> {
    let text = String::from_utf8_lossy(line);
    fields(text.trim_start_matches('#').trim_start(), delimiter)
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

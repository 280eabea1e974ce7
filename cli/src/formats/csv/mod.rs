//! CSV: a header, and rows with a field for every column.

mod layout;
mod rows;

use super::columns::{Wanted, no_numbers};
use super::lines::{Need, Span, Woken};
use super::reader::{Client, Input, Next, Reader, Roles, Use};
use super::record::{Record, Series, Value, When};
use crate::failure::Failure;
use crate::output::LineBuffer;
use crate::text::number;
use layout::{Layout, Time};
use rows::{Next as NextRow, Row, Rows};
use std::borrow::Cow;

/// The reader of a CSV.
pub(crate) struct Csv {
    rows: Rows,
    /// The name of the input in messages.
    input: String,
    wanted: Wanted,
    roles: Roles,
    /// The columns; none before the header.
    table: Option<Table>,
}

/// The columns of the table.
struct Table {
    layout: Layout,
    is_settled: bool,
    /// Whether the roles were settled before the present row.
    is_final: bool,
    /// Cells that may hold numbers, in the order in which their series are numbered.
    values: Vec<usize>,
    /// Whether each cell is one of `values`.
    is_value: Vec<bool>,
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
        let Some(table) = &mut self.table else { return self.header(client) };
        Ok(match self.rows.step(&mut |need| client.before_read(need))? {
            None => Step::Blank,
            Some(NextRow::End) => Step::End,
            Some(NextRow::Broken(why)) => Step::Broken(why.to_string()),
            Some(NextRow::Row) => {
                let (len, width) = (self.rows.current().len(), table.is_value.len());
                if len == width {
                    table.is_final = table.is_settled;
                    if table.is_final || table.settle(self.rows.current(), client)? {
                        Step::Row
                    } else {
                        Step::Broken("no column holds a number".to_owned())
                    }
                } else if self.rows.is_several_lines() {
                    // Quotes that join lines into a row of the wrong shape are more likely stray than meant.
                    self.rows.keep_first_line();
                    Step::Broken("a quote is opened and closed in the wrong place".to_owned())
                } else {
                    Step::Broken(format!("{len} fields, where the header has {width}"))
                }
            }
        })
    }

    fn header(&mut self, client: &mut impl Client) -> Result<Step, Failure> {
        // However long the header takes: nothing else is held up.
        let mut before_read =
            |need| -> Result<Woken, Failure> { client.before_read(Need { is_joining: false, ..need }) };
        match self.rows.step(&mut before_read)? {
            None => return Ok(Step::Blank),
            Some(NextRow::End) => return Ok(Step::End),
            Some(NextRow::Broken(why)) => {
                let (input, line) = (&self.input, self.rows.line());
                return Err(Failure::usage(format!("{input}: line {line}: no header: {why}")));
            }
            Some(NextRow::Row) => {}
        }
        let layout = Layout::new(self.rows.current(), &self.wanted, self.roles, client.console())?;
        if let Time::Column(index) = layout.time {
            client.time_name(layout.name(index));
        }
        let is_value = vec![false; layout.names.len()];
        let (is_settled, is_final) = (layout.is_settled(), false);
        let mut table = Table { is_settled, is_final, layout, values: Vec::new(), is_value };
        table.find_values();
        self.table = Some(table);
        Ok(Step::Header)
    }
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
            self.is_value[value] = true;
        }
    }
}

impl Reader for Csv {
    type Record<'a> = Fields<'a>;

    const ENDINGS: &'static [&'static str] = &["csv"];
    const USES: &'static [Use] = &[Use::Columns, Use::TimeForm, Use::Missing, Use::Dialect];

    /// Always false: a CSV is what looks like nothing else.
    fn looks_like(_: &[u8]) -> bool {
        false
    }

    fn open(input: Input) -> Result<Self, Failure> {
        let Input { lines, name, options, roles, .. } = input;
        Ok(Self { rows: Rows::new(lines), input: name, wanted: options.wanted, roles, table: None })
    }

    #[inline]
    fn next(&mut self, client: &mut impl Client) -> Result<Next<'_, Fields<'_>>, Failure> {
        let step = self.step(client)?;
        let lines = self.rows.lines().span();
        Ok(match (step, &self.table) {
            (Step::Row, Some(table)) => Next::Record(Fields { table, row: self.rows.current(), lines }),
            (Step::Header, Some(table)) => Next::Header(Fields { table, row: self.rows.current(), lines }),
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

/// The fields of one row.
pub(crate) struct Fields<'a> {
    table: &'a Table,
    row: Row<'a>,
    lines: Span<'a>,
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
            Time::Column(index) => When::Cell { text: self.row.field(index), is_number: false },
            Time::RowNumber => When::Nowhere,
            Time::Open(_) => When::Unknown,
        }
    }

    #[inline]
    fn series(&self) -> Series<'_> {
        match self.table.layout.series() {
            None => Series::Each,
            Some(series) => match self.row.field(series) {
                b"" => Series::Unnamed("the series has no name".to_owned()),
                name => Series::Named(Cow::Borrowed(name)),
            },
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

    #[inline]
    fn value(&self, cell: usize) -> Value<'_> {
        match number::parse(self.row.field(cell)) {
            Some(number) => Value::Number(number),
            None => Value::NotANumber(Cow::Borrowed(self.row.text(cell))),
        }
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

    /// Writes nothing: the header has the names.
    fn write_key(&self, _: usize, _: &mut Vec<u8>) {}

    /// Adds a cell behind a row, which has one for every column, be it empty.
    #[inline]
    fn append(&self, out: &mut LineBuffer, _: &[u8], _: &[u8], number: f64) {
        out.put(b",");
        if number.is_finite() {
            out.put(number::csv(number, &mut zmij::Buffer::new()).as_bytes());
        }
    }
}

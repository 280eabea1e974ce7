//! Rows in, rows out: CSV.
//!
//! The columns that are added go behind those of the table, three for each column that is followed; nothing else is touched.
//! What is followed has to be known when the header goes out, which is with the first row: columns with a number or nothing
//! in it, or those that are named. Where it holds only text, nobody knows, and all columns but the first are followed.

use super::follow::Sample;
use super::names::{self, Choice, ENDINGS};
use super::stream::Stream;
use crate::failure::Failure;
use crate::formats::{Kind, Layout, Lines, Need, Next, Rows, Shape, TimeColumn, Wanted};
use crate::text::number;
use crate::text::quote::push_field;

/// Reads all rows.
pub(super) fn run(lines: Lines, wanted: &Wanted, stream: &mut Stream) -> Result<(), Failure> {
    let mut rows = Rows::new(lines);
    let mut table = loop {
        // However long the header takes: nothing else is held up.
        match rows.step(&mut |need| stream.before_read(Need { is_joining: false, ..need }))? {
            None => stream.pass(rows.lines())?,
            Some(Next::Row) => break Table::new(&rows, wanted, stream)?,
            Some(Next::Broken(why)) => {
                return Err(Failure::usage(format!("line {}: no header: {why}", rows.line())));
            }
            Some(Next::End) => return Ok(()),
        }
    };
    let result = table.read(&mut rows, stream);
    // Where no row has told what is followed, the header is all there is; nothing is, of what cannot be used.
    if !matches!(&result, Err(failure) if failure.exit_code() == 2) {
        table.write_header(stream);
    }
    result
}

/// A table on its way.
struct Table {
    layout: Layout,
    is_settled: bool,
    /// The header until it is written.
    header: Option<Vec<u8>>,
    /// Blank lines that go behind it.
    blank: Vec<u8>,
    /// The names in the header. Those of the layout are made distinct.
    names: Vec<String>,
    /// For each column what it is here.
    columns: Vec<Column>,
    /// The columns that are followed, from left to right.
    followed: Vec<usize>,
    /// The name of a series.
    name: String,
}

/// What becomes of a column.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    /// Its cells are taken for numbers.
    is_open: bool,
    /// It has been said why it is not followed, or it is.
    is_known: bool,
}

impl Table {
    /// What the header says.
    fn new(rows: &Rows, wanted: &Wanted, stream: &mut Stream) -> Result<Self, Failure> {
        let header = rows.current();
        let layout = Layout::new(header, wanted, stream.report())?;
        let mut table = Self {
            is_settled: layout.is_settled(),
            layout,
            header: Some(rows.lines().raw().to_vec()),
            blank: Vec::new(),
            names: (0..header.len()).map(|index| header.text(index).to_owned()).collect(),
            columns: vec![Column::default(); header.len()],
            followed: Vec::new(),
            name: String::new(),
        };
        stream.count(rows.lines());
        if !wanted.values.is_empty() {
            table.choose(stream)?;
        }
        Ok(table)
    }

    /// All rows.
    fn read(&mut self, rows: &mut Rows, stream: &mut Stream) -> Result<(), Failure> {
        loop {
            let next = match rows.step(&mut |need| stream.before_read(need)) {
                Err(_) if stream.gives_up() => Some(rows.give_up()),
                next => next?,
            };
            match next {
                None if self.header.is_some() => {
                    self.blank.extend_from_slice(rows.lines().raw());
                    stream.count(rows.lines());
                }
                None => stream.pass(rows.lines())?,
                Some(Next::End) => return Ok(()),
                Some(Next::Broken(why)) => stream.drop(rows.lines(), why)?,
                Some(Next::Row) => {
                    let (len, width) = (rows.current().len(), self.names.len());
                    if len == width {
                        self.row(rows, stream)?;
                    } else if rows.is_several_lines() {
                        // Quotes that join lines into a row of the wrong shape are more likely stray than meant.
                        rows.keep_first_line();
                        stream.drop(rows.lines(), "a quote is opened and closed in the wrong place")?;
                    } else {
                        stream.drop(rows.lines(), format_args!("{len} fields, where the header has {width}"))?;
                    }
                }
            }
        }
    }

    /// One row that has a field for every column.
    fn row(&mut self, rows: &Rows, stream: &mut Stream) -> Result<(), Failure> {
        let row = rows.current();
        if !self.is_settled {
            if !self.layout.settle(row, &mut |_| {}, stream.report())? && self.header.is_some() {
                self.layout.take_all();
                stream.note(format_args!(
                    "line {}: no column holds a number: all but the first are followed, unless --value and --time choose",
                    row.line
                ));
            }
            self.is_settled = self.layout.is_settled();
            if stream.is_in_time() && matches!(self.layout.time, TimeColumn::RowNumber) {
                return Err(Failure::usage(
                    "no column holds times, which a memory or an idleness in time needs: see --time",
                ));
            }
            self.choose(stream)?;
            self.look_again(row.line, stream);
        }
        let time = match self.layout.time {
            TimeColumn::Column(index) => stream.moment(row.line, row.field(index))?,
            _ => None,
        };
        let series = match self.layout.shape {
            Shape::Long { series, .. } | Shape::LongUnknown { series } => Some(row.text(series)),
            Shape::Wide(_) => None,
        };
        let (text, end) = split_end(rows.lines().raw());
        stream.put(text);
        for &index in &self.followed {
            let mut numbers = [f64::NAN; 3];
            // A row without the name of its series is nobody's.
            if self.columns[index].is_open && series != Some("") {
                match number::parse(row.field(index)) {
                    Some(value) => {
                        let name = names::series(&mut self.name, series, &self.names[index]);
                        let seen = stream.update(name, Sample { value, time })?;
                        numbers = seen.unwrap_or(numbers);
                    }
                    None => stream.bad_cell(row.line, &self.names[index], row.field(index))?,
                }
            }
            for number in numbers {
                stream.put(b",");
                if number.is_finite() {
                    stream.put_number(number);
                }
            }
        }
        stream.put(end);
        stream.end(rows.lines())
    }

    /// Chooses what is followed and writes the header, as soon as that is known.
    fn choose(&mut self, stream: &mut Stream) -> Result<(), Failure> {
        if self.header.is_none() {
            return Ok(());
        }
        match &self.layout.shape {
            Shape::Wide(columns) => {
                // Where there has to be a time, it is in one of the columns that are empty so far.
                let time = match &self.layout.time {
                    TimeColumn::Open(columns) if stream.is_in_time() => columns.first(),
                    _ => None,
                };
                for column in columns.iter().filter(|column| Some(&column.index) != time) {
                    self.columns[column.index].is_open = matches!(column.kind, Kind::Number | Kind::Open);
                }
            }
            Shape::Long { values, .. } => {
                for &index in values {
                    self.columns[index].is_open = true;
                }
            }
            Shape::LongUnknown { .. } => return Ok(()),
        }
        let mut choice = Choice::default();
        let (names, columns) = (&self.names, &mut self.columns);
        choice.choose(names.len(), |index| names[index].as_bytes(), |index| columns[index].is_open);
        for (index, column) in columns.iter_mut().enumerate().filter(|(_, column)| column.is_open) {
            column.is_known = true;
            if choice.is_followed(index) {
                self.followed.push(index);
            } else {
                stream
                    .note(format_args!("column {:?} is left alone: a name for it, or its own, is taken", names[index]));
            }
        }
        // A feed that goes on behind its header has a row in its place, and columns that nobody has heard of.
        let is_long = matches!(self.layout.shape, Shape::Long { .. });
        if !self.followed.is_empty() && stream.follow.is_of_others(is_long, &|name| self.has_followed(name)) {
            return Err(Failure::usage(
                "no series of the state is in this table: a feed that goes on needs its header again, and another feed another \
                 --state",
            ));
        }
        self.write_header(stream);
        Ok(())
    }

    fn has_followed(&self, name: &str) -> bool {
        self.followed.iter().any(|&index| self.names[index] == name)
    }

    fn write_header(&mut self, stream: &mut Stream) {
        let Some(header) = self.header.take() else { return };
        let (text, end) = split_end(&header);
        stream.put(text);
        let mut field = Vec::new();
        for &index in &self.followed {
            for ending in ENDINGS {
                field.clear();
                push_field(&mut field, format!("{}{ending}", self.names[index]).as_bytes());
                stream.put(b",");
                stream.put(&field);
            }
        }
        stream.put(end);
        stream.put(&std::mem::take(&mut self.blank));
    }

    /// After a row that may have told more: which columns are none after all, and which are too late.
    fn look_again(&mut self, line: u64, stream: &mut Stream) {
        let Shape::Wide(columns) = &self.layout.shape else { return };
        for column in &mut self.columns {
            column.is_open = false;
        }
        for column in columns {
            let (name, known) = (&self.names[column.index], &mut self.columns[column.index]);
            known.is_open = matches!(column.kind, Kind::Number | Kind::Open);
            if column.kind == Kind::Number && !std::mem::replace(&mut known.is_known, true) {
                stream.note(format_args!(
                    "line {line}: column {name:?} holds numbers from here on, which is too late: --value {name} follows it"
                ));
            }
        }
    }
}

/// A row and the end of its last line.
fn split_end(raw: &[u8]) -> (&[u8], &[u8]) {
    let text = raw.strip_suffix(b"\n").unwrap_or(raw);
    raw.split_at(text.strip_suffix(b"\r").unwrap_or(text).len())
}

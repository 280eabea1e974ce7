//! Records in, the same records out, with what is known of each number behind it.
//!
//! Nothing but that is touched: lines that are no record pass, or are dropped if they should be one. A row of a table gets its
//! new columns behind the last, which are the same for every row and so have to be chosen when the header goes out: with the
//! first row, or at once where `--value` names them.

use super::follow::{Outcome, Sample};
use super::names::{self, Choice, ENDINGS};
use super::stream::Stream;
use crate::console::Console;
use crate::failure::Failure;
use crate::formats::{Client, Consumer, Need, Record, Series, Span, Value, When, Woken};
use crate::text::quote::push_field;

/// The records of a feed on their way through.
pub(super) struct Records<'a> {
    stream: &'a mut Stream,
    choice: Choice,
    /// The columns, where records are rows of a table.
    table: Table,
    /// Whether a number of the present record has been followed.
    is_begun: bool,
    /// Numbers that are not followed because of their names.
    names_taken: u64,
    /// The endings of added names, with what stands behind them.
    endings: [Vec<u8>; 3],
    /// Room for the name of a series, and for that of an added value.
    name: String,
    key: Vec<u8>,
}

/// The columns of a table.
#[derive(Default)]
struct Table {
    /// The header until it is written, and blank lines that go behind it.
    header: Option<Header>,
    /// The columns that are followed, from left to right.
    followed: Vec<usize>,
    /// The columns of which it is known whether they are followed.
    known: Vec<bool>,
}

struct Header {
    before: Vec<u8>,
    behind: Vec<u8>,
    blank: Vec<u8>,
}

impl<'a> Records<'a> {
    pub(super) fn new(stream: &'a mut Stream) -> Self {
        let (choice, table, endings) = (Choice::default(), Table::default(), Default::default());
        Self { stream, choice, table, is_begun: false, names_taken: 0, endings, name: String::new(), key: Vec::new() }
    }

    /// Ends the feed, and writes the header if no row has, unless the input cannot be used. Returns how many numbers were not
    /// followed because of their names.
    pub(super) fn finish(mut self, is_usable: bool) -> u64 {
        if is_usable {
            self.table.write_header(self.stream, b',', |_| String::new());
        }
        self.names_taken
    }

    /// Follows the numbers of a record, and puts it into the buffer.
    #[inline]
    fn put(&mut self, record: &impl Record, time: Option<i64>) -> Result<(), Failure> {
        let series = record.series();
        self.name.clear();
        if let Series::Within(beginning) = series {
            self.name.push_str(beginning);
        }
        let (before, behind) = record.split();
        self.stream.output.draft.put(before);
        if record.is_row() {
            for index in 0..self.table.followed.len() {
                let cell = self.table.followed[index];
                self.cell(record, &series, cell, time)?;
            }
        } else {
            for cell in 0..record.len() {
                if self.choice.is_followed(cell) {
                    self.cell(record, &series, cell, time)?;
                }
            }
        }
        self.stream.output.draft.put(behind);
        Ok(())
    }

    /// Follows one number, and adds what is known of it.
    #[inline]
    fn cell<R: Record>(
        &mut self,
        record: &R,
        series: &Series<'_>,
        cell: usize,
        time: Option<i64>,
    ) -> Result<(), Failure> {
        let numbers = match self.update(record, series, cell, time)? {
            Some(numbers) => numbers,
            None if R::IS_ROW => [f64::NAN; 3],
            None => return Ok(()),
        };
        self.key.clear();
        record.write_key(cell, &mut self.key);
        for (ending, number) in self.endings.iter().zip(numbers) {
            record.append(&mut self.stream.output.draft, &self.key, ending, number);
        }
        Ok(())
    }

    /// The numbers that are added for a cell; none where there is no sample in it, or none that counts.
    #[inline]
    fn update(
        &mut self,
        record: &impl Record,
        series: &Series<'_>,
        cell: usize,
        time: Option<i64>,
    ) -> Result<Option<[f64; 3]>, Failure> {
        // A column may have turned out to be none of numbers after all.
        if record.is_row() && !record.is_number(cell) {
            return Ok(None);
        }
        let name = match series {
            Series::Each => record.name(cell),
            Series::Within(beginning) => {
                self.name.truncate(beginning.len());
                self.name.push_str(record.name(cell));
                &self.name
            }
            Series::Named(series) => {
                names::series(&mut self.name, std::str::from_utf8(series).unwrap_or_default(), record.name(cell))
            }
            // A record without the name of its series is nobody's.
            Series::Unnamed(_) => return Ok(None),
        };
        let Stream { follow, console, .. } = &mut *self.stream;
        let value = match record.value(cell) {
            Value::Number(value) => value,
            Value::NotANumber(text) => {
                console.bad_number(record.span().line, record.name(cell), text.as_bytes())?;
                return Ok(None);
            }
            Value::Absent | Value::Other => return Ok(None),
        };
        match follow.update(name, Sample { value, time })? {
            Outcome::Known(numbers) => {
                self.is_begun = true;
                Ok(Some(numbers))
            }
            Outcome::Late(why) => console.late(record.span().line, record.name(cell), name, why).map(|()| None),
            Outcome::NotFollowed => Ok(None),
        }
    }

    /// The time of a record in nanoseconds since 1970, where samples need one. One that cannot be read is reported and counted,
    /// and its record comes out alone.
    #[inline]
    fn time(&mut self, record: &impl Record) -> Result<Option<i64>, Failure> {
        if !self.stream.is_in_time() {
            return Ok(None);
        }
        match record.time() {
            When::Cell { text, .. } => match self.stream.moments.read(text) {
                Ok(time) => {
                    if let Some(unit) = self.stream.moments.unit() {
                        self.stream.console.check_unit(time, unit, "--time-unit");
                    }
                    Ok(Some(time))
                }
                Err(error) => self.stream.console.bad_value(record.span().line, error).map(|()| None),
            },
            When::Stamp { nanoseconds, .. } => {
                let unit = self.stream.precision();
                self.stream.console.check_unit(nanoseconds, unit, "--precision");
                Ok(Some(nanoseconds))
            }
            When::Arrival | When::Numbered(_) => Ok(self.stream.arrival()),
            When::Unknown | When::Absent => Ok(None),
            When::Nowhere => Err(no_time()),
        }
    }

    /// Chooses the samples of a line that are followed: all but those that another evenkeel has added. Returns how many are left
    /// alone; `None` if the record is no such line.
    #[inline]
    fn choose_line<R: Record>(&mut self, record: &R) -> Option<u64> {
        let follow = &self.stream.follow;
        let is_added =
            |cell| ENDINGS.iter().any(|ending| record.stem(cell, ending).is_some_and(|stem| follow.has(&stem)));
        R::IS_LINE.then(|| self.choice.take_all_but(record.len(), |cell| record.is_number(cell), is_added))
    }

    /// Chooses the columns that are followed, and writes the header.
    #[cold]
    fn choose(&mut self, record: &impl Record) -> Result<(), Failure> {
        let Self { stream, table, choice, .. } = self;
        let names = record.len();
        choice.choose(names, |cell| record.name(cell).as_bytes(), |cell| record.is_number(cell));
        table.known = (0..names).map(|cell| record.is_number(cell)).collect();
        for cell in (0..names).filter(|cell| record.is_number(*cell)) {
            if choice.is_followed(cell) {
                table.followed.push(cell);
            } else {
                let name = record.name(cell);
                stream.console.note(format_args!("column {name:?} is left alone: a name for it, or its own, is taken"));
            }
        }
        // A feed that goes on behind its header has a row in its place, and columns that no series is of.
        let is_long = matches!(record.series(), Series::Named(_) | Series::Unnamed(_));
        let is_here = |name: &str| table.followed.iter().any(|&cell| record.name(cell) == name);
        if !table.followed.is_empty() && stream.follow.is_of_others(is_long, &is_here) {
            return Err(Failure::usage(
                "no series of the state is in this table: a feed that goes on needs its header again, and another feed another \
                 --state",
            ));
        }
        table.write_header(stream, record.separator(), |cell| record.name(cell).to_owned());
        Ok(())
    }

    /// Notes columns that show themselves as numbers when the header has gone out.
    #[cold]
    fn note_late_columns(&mut self, record: &impl Record) {
        for cell in (0..record.len()).filter(|cell| record.is_number(*cell)) {
            if let Some(known @ false) = self.table.known.get_mut(cell) {
                *known = true;
                let (line, name) = (record.span().line, record.name(cell));
                self.stream.console.note(format_args!(
                    "line {line}: column {name:?} holds numbers from here on, which is too late: --value {name} follows it"
                ));
            }
        }
    }
}

impl Table {
    /// Writes the header, if it has not been written, with the new columns behind its own.
    fn write_header(&mut self, stream: &mut Stream, separator: u8, name: impl Fn(usize) -> String) {
        let Some(Header { before, behind, blank }) = self.header.take() else { return };
        let out = &mut stream.output.draft;
        // Where the names are those of the command line, the feed has no header and gets none.
        if before.is_empty() {
            out.put(&blank);
            return;
        }
        out.put(&before);
        let mut field = Vec::new();
        for &cell in &self.followed {
            for ending in ENDINGS {
                field.clear();
                push_field(&mut field, format!("{}{ending}", name(cell)).as_bytes());
                out.put(&[separator]);
                out.put(&field);
            }
        }
        out.put(&behind);
        out.put(&blank);
    }
}

/// The failure where samples need times and no cell has one.
fn no_time() -> Failure {
    Failure::usage(
        "nothing holds times, which a memory or an idleness in time needs: name the column or member with --time",
    )
}

/// The endings of added names, with what stands behind them in the format.
fn endings<R: Record>(_: &R) -> [Vec<u8>; 3] {
    ENDINGS.map(|ending| [ending, R::EQUALS].concat().into_bytes())
}

impl Client for Records<'_> {
    fn before_read(&mut self, need: Need) -> Result<Woken, Failure> {
        self.stream.before_read(need)
    }

    fn console(&mut self) -> &mut Console {
        &mut self.stream.console
    }
}

impl Consumer for Records<'_> {
    fn header(&mut self, record: &impl Record) -> Result<(), Failure> {
        let (before, behind) = record.split();
        (self.table.followed, self.table.known) = (Vec::new(), Vec::new());
        self.table.header = Some(Header { before: before.to_vec(), behind: behind.to_vec(), blank: Vec::new() });
        self.stream.count(record.span());
        if record.is_settled() { self.choose(record) } else { Ok(()) }
    }

    #[inline]
    fn record(&mut self, record: &impl Record) -> Result<(), Failure> {
        if self.endings[0].is_empty() {
            self.endings = endings(record);
        }
        if let (true, When::Nowhere) = (self.stream.is_in_time(), record.time()) {
            return Err(no_time());
        }
        if let Some(left_alone) = self.choose_line(record) {
            self.names_taken += left_alone;
        } else if !record.is_row() {
            self.choice.choose(record.len(), |cell| record.name_bytes(cell), |cell| record.is_number(cell));
            self.names_taken += self.choice.left_alone();
        } else if self.table.header.is_some() {
            self.choose(record)?;
        } else if !record.is_final() {
            self.note_late_columns(record);
        }
        let time = self.time(record)?;
        let start = self.stream.output.draft.mark();
        self.is_begun = false;
        if let Err(failure) = self.put(record, time) {
            // Half a record must not come out, nor be in a state.
            self.stream.output.draft.truncate(start);
            self.stream.is_torn = self.is_begun;
            return Err(failure);
        }
        self.stream.position.records += 1;
        self.stream.end_record(record.span())
    }

    fn blank(&mut self, lines: Span<'_>) -> Result<(), Failure> {
        match &mut self.table.header {
            Some(header) => {
                header.blank.extend_from_slice(lines.raw);
                self.stream.count(lines);
                Ok(())
            }
            None => self.stream.pass(lines),
        }
    }

    /// Whatever a feed has is passed on.
    fn checks_end(&self) -> bool {
        false
    }

    fn broken(&mut self, lines: Span<'_>, why: &str) -> Result<(), Failure> {
        self.stream.drop(lines, why)
    }
}

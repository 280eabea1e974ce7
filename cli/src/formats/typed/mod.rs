//! Tables whose columns have types: the rules of a CSV, with types where a CSV has only text.
//!
//! Only the columns that are needed are read, a batch of rows at a time, so that memory grows neither with the length of the
//! table nor with what else is in it. A table may lie in several pieces, which are read one after the other.
//!
//! | file | what it does |
//! |---|---|
//! | `piece.rs` | what a format has to say of a file |
//! | `kind.rs` | what the type of a column makes of it |
//! | `union.rs`, `keys.rs`, `pandas.rs` | the columns of all pieces, the keys of their folders, the index of pandas |
//! | `roles.rs`, `look.rs` | which column is what, also by a look at the first rows |
//! | `cells.rs` | a column of a batch as numbers or as text |
//! | `guard.rs` | the panics of decoders, as errors |

mod cells;
mod guard;
mod keys;
mod kind;
mod look;
pub(super) mod pandas;
mod piece;
mod roles;
mod union;

pub(super) use guard::guarded;
pub(super) use piece::{Bytes, Open, PEEK, Piece, rows_at_once};

use super::lines::{Need, Span, Woken};
use super::reader::{Client, Input, Next};
use super::record::{Record, Series, Value, When};
use crate::failure::Failure;
use crate::samples::TimeType;
use arrow_array::{Array, ArrayRef, RecordBatch};
use roles::{Roles, Shape};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Display;
use std::fs::File;
use std::path::{Path, PathBuf};
use union::{Column, Fields, Place, Union};

/// A table in the course of reading.
pub(crate) struct Table {
    input: Input,
    open: Open,
    columns: Vec<Column>,
    /// Decided with the first record.
    roles: Option<Roles>,
    /// The present piece, and those that are still to come.
    piece: Option<Opened>,
    rest: VecDeque<PathBuf>,
    /// All bytes, and those of the pieces before the present one.
    size: u64,
    done: u64,
    batch: Columns,
    /// The present row of the batch, and of the table, from 1.
    row: usize,
    number: u64,
    /// Text of the cells with the time and with the name of the series.
    time: String,
    series: String,
}

/// A piece that has been opened.
struct Opened {
    name: String,
    size: u64,
    keys: Vec<keys::Key>,
    piece: Box<dyn Piece>,
    /// The places of the columns that have a role.
    plan: Plan,
}

/// The places of the columns with a role in a batch.
#[derive(Default)]
struct Plan {
    time: Option<Place>,
    series: Vec<Option<Place>>,
    values: Vec<Option<Place>>,
}

/// The columns of a batch.
#[derive(Default)]
struct Columns {
    rows: usize,
    time: Cells,
    series: Vec<Cells>,
    /// The numbers of each column; NaN is missing.
    values: Vec<Vec<f64>>,
}

/// Cells as text.
#[derive(Default)]
enum Cells {
    #[default]
    None,
    Array(ArrayRef),
    /// A text that is that of every row.
    Constant(String),
}

impl Table {
    /// Opens a table, and looks at what columns there are in all pieces.
    pub(super) fn open(mut input: Input, open: Open) -> Result<Self, Failure> {
        let mut union = Union::default();
        let mut rest: VecDeque<PathBuf> = std::mem::take(&mut input.files).into();
        let (mut size, mut first) = (0, None);
        if rest.is_empty() {
            let bytes = match input.file.take() {
                Some((file, size)) => Bytes::File(file, size),
                None => Bytes::Pipe(Box::new(input.lines.take_rest())),
            };
            let path = PathBuf::from(&input.name);
            let opened = Opened::new(input.name.clone(), bytes, &path, open)?;
            size = opened.size;
            union.add(&opened.name, opened.piece.schema(), opened.piece.pandas(), &opened.keys);
            first = Some(opened);
        }
        // Only what the columns are is known of all pieces at once: files can be more than may be open.
        for path in &rest {
            let opened = Opened::of_file(path, open)?;
            size += opened.size;
            union.add(&opened.name, opened.piece.schema(), opened.piece.pandas(), &opened.keys);
            first.get_or_insert(opened);
        }
        rest.pop_front();
        let columns = union.finish();
        let batch = Columns::default();
        let (time, series) = (String::new(), String::new());
        Ok(Self {
            input,
            open,
            columns,
            roles: None,
            piece: first,
            rest,
            size,
            done: 0,
            batch,
            row: 0,
            number: 0,
            time,
            series,
        })
    }

    /// Goes on to the next row.
    pub(super) fn next(&mut self, client: &mut impl Client) -> Result<Next<'_, Row<'_>>, Failure> {
        if self.roles.is_none() {
            self.start(client)?;
        }
        self.row += 1;
        while self.row >= self.batch.rows {
            if !self.read_batch(client)? {
                return Ok(Next::End);
            }
            self.row = 0;
        }
        self.number += 1;
        let lines = Span { line: self.number, count: 1, raw: b"" };
        let result = self.read_texts();
        match (result, &self.roles) {
            (Ok(()), Some(roles)) => Ok(Next::Record(Row { table: self, roles, lines })),
            (Ok(()), None) => Ok(Next::End),
            (Err(why), _) => Ok(Next::Broken(lines, why)),
        }
    }

    /// Decides what the columns are.
    fn start(&mut self, client: &mut impl Client) -> Result<(), Failure> {
        let looks =
            self.piece.as_mut().map(|opened| look::look(opened.piece.as_mut(), &self.columns)).unwrap_or_default();
        let Input { name, options, .. } = &self.input;
        let roles = Roles::new(name, &self.columns, &looks, &options.wanted, client.console())?;
        if let Some(opened) = &mut self.piece {
            opened.start(&self.columns, &roles)?;
        }
        client.time_name(roles.time.map_or("row", |time| roles.name(time)));
        match roles.time {
            Some(time) => client.console().time_is(roles.name(time), roles.time_type.words()),
            None => client.console().time_is_nowhere(),
        }
        client.time_type(roles.time_type);
        self.roles = Some(roles);
        Ok(())
    }

    /// Reads the next batch; false where there is none.
    fn read_batch(&mut self, client: &mut impl Client) -> Result<bool, Failure> {
        loop {
            let Some(opened) = &mut self.piece else { return Ok(false) };
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a size
            let read = self.done + (opened.size as f64 * opened.piece.share()) as u64;
            if client.before_read(Need { read: read.min(self.size), held: 0, is_joining: false })? == Woken::Stop {
                return Ok(false);
            }
            let batch = piece::next(opened.piece.as_mut()).map_err(|error| cannot(&opened.name, &error))?;
            if let Some(batch) = batch {
                self.batch =
                    guarded(|| Columns::of(&batch, &opened.plan)).map_err(|error| cannot(&opened.name, &error))?;
                return Ok(true);
            }
            self.done += opened.size;
            self.piece = None;
            if let (Some(path), Some(roles)) = (self.rest.pop_front(), &self.roles) {
                let mut opened = Opened::of_file(&path, self.open)?;
                opened.start(&self.columns, roles)?;
                self.piece = Some(opened);
            }
        }
    }

    /// Writes down the text of the cells with the time and with the name of the series.
    #[inline]
    fn read_texts(&mut self) -> Result<(), String> {
        let Self { batch, row, time, series, .. } = self;
        match &batch.series[..] {
            [] => series.clear(),
            [first, others @ ..] => {
                first.write(*row, series)?;
                for other in others {
                    other.write(*row, time)?;
                    series.push('/');
                    series.push_str(time);
                }
            }
        }
        batch.time.write(*row, time)
    }
}

fn cannot(name: &str, error: &dyn Display) -> Failure {
    Failure::usage(format!("cannot read {name}: {error}"))
}

impl Opened {
    fn new(name: String, bytes: Bytes, path: &Path, open: Open) -> Result<Self, Failure> {
        let size = if let Bytes::File(_, size) = &bytes { *size } else { 0 };
        let piece = guarded(|| open(bytes)).map_err(|error| Failure::usage(format!("{name}{error}")))?;
        Ok(Self { name, size, keys: keys::keys(path), piece, plan: Plan::default() })
    }

    fn of_file(path: &Path, open: Open) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let file = File::open(path).and_then(|file| file.metadata().map(|metadata| (file, metadata.len())));
        let (file, size) = file.map_err(|error| cannot(&name, &error))?;
        Self::new(name, Bytes::File(file, size), path, open)
    }

    /// Begins to read the columns that have a role.
    fn start(&mut self, columns: &[Column], roles: &Roles) -> Result<(), Failure> {
        let fields = Fields::of(self.piece.schema());
        let place = |index: usize| columns.get(index)?.place(&fields, &self.keys);
        let mut plan = Plan {
            time: roles.time.and_then(place),
            series: roles.shape.series().iter().map(|index| place(*index)).collect(),
            values: roles.shape.values().iter().map(|index| place(*index)).collect(),
        };
        let mut read: Vec<usize> = plan.places().filter_map(Place::column).collect();
        read.sort_unstable();
        read.dedup();
        for place in plan.places_mut() {
            if let Place::Column(index) = place {
                *index = read.binary_search(index).unwrap_or(usize::MAX);
            }
        }
        self.plan = plan;
        guarded(|| self.piece.start(&read)).map_err(|error| cannot(&self.name, &error))
    }
}

impl Plan {
    fn places(&self) -> impl Iterator<Item = &Place> {
        self.time.iter().chain(self.series.iter().flatten()).chain(self.values.iter().flatten())
    }

    fn places_mut(&mut self) -> impl Iterator<Item = &mut Place> {
        self.time.iter_mut().chain(self.series.iter_mut().flatten()).chain(self.values.iter_mut().flatten())
    }
}

impl Columns {
    /// The columns of a batch.
    fn of(batch: &RecordBatch, plan: &Plan) -> Result<Self, String> {
        let left_out = || "the decoder has left out a column".to_owned();
        let column = |index: usize| cells::plain(batch.columns().get(index).ok_or_else(left_out)?);
        let text = |place: &Option<Place>| match place {
            None | Some(Place::Constant(None)) => Ok(Cells::None),
            Some(Place::Constant(Some(text))) => Ok(Cells::Constant(text.clone())),
            Some(Place::Column(index)) => column(*index).map(Cells::Array),
        };
        let rows = batch.num_rows();
        let numbers = |place: &Option<Place>| match place {
            None => Ok(vec![f64::NAN; rows]),
            Some(Place::Constant(text)) => {
                Ok(vec![text.as_ref().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN); rows])
            }
            Some(Place::Column(index)) => cells::numbers(column(*index)?.as_ref()).ok_or_else(left_out),
        };
        let values = plan.values.iter().map(numbers).collect::<Result<_, _>>()?;
        let series = plan.series.iter().map(text).collect::<Result<_, _>>()?;
        Ok(Self { rows, time: text(&plan.time)?, series, values })
    }
}

impl Cells {
    #[inline]
    fn write(&self, row: usize, room: &mut String) -> Result<(), String> {
        match self {
            Self::None => room.clear(),
            Self::Array(cells) => cells::text(cells.as_ref() as &dyn Array, row, room)?,
            Self::Constant(text) => text.clone_into(room),
        }
        Ok(())
    }
}

/// One row.
pub(crate) struct Row<'a> {
    table: &'a Table,
    roles: &'a Roles,
    lines: Span<'a>,
}

impl Record for Row<'_> {
    const IS_ROW: bool = true;

    fn span(&self) -> Span<'_> {
        self.lines
    }

    #[inline]
    fn time(&self) -> When<'_> {
        if self.roles.time.is_none() {
            return When::Nowhere;
        }
        let time = self.table.time.as_str();
        let is_numeric = matches!(self.roles.time_type, TimeType::Integer | TimeType::Float);
        // Infinities are no numbers in JSON.
        let is_number = is_numeric && time.ends_with(|last: char| last.is_ascii_digit());
        When::Cell { text: time.as_bytes(), is_number }
    }

    #[inline]
    fn series(&self) -> Series<'_> {
        match (&self.roles.shape, self.table.series.as_bytes()) {
            (Shape::Wide(_), _) => Series::Each,
            (Shape::Long { .. }, b"") => Series::Unnamed("the series has no name".to_owned()),
            (Shape::Long { .. }, name) => Series::Named(Cow::Borrowed(name)),
        }
    }

    fn len(&self) -> usize {
        self.table.batch.values.len()
    }

    fn name(&self, cell: usize) -> &str {
        self.roles.shape.values().get(cell).map_or("", |value| self.roles.name(*value))
    }

    fn is_number(&self, cell: usize) -> bool {
        cell < self.len()
    }

    #[inline]
    fn value(&self, cell: usize) -> Value<'_> {
        let number = self.table.batch.values.get(cell).and_then(|values| values.get(self.table.row));
        number.map_or(Value::Absent, |number| Value::Number(*number))
    }

    fn split(&self) -> (&[u8], &[u8]) {
        (b"", b"")
    }

    const EQUALS: &'static str = "";

    fn write_key(&self, _: usize, _: &mut Vec<u8>) {}
}

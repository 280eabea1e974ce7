//! A piece of a table: a file or a pipe, its columns, and its rows batch by batch.

use super::guard::guarded;
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use std::fs::File;
use std::io::Read;

/// Most rows that are looked at before it is decided what the columns are.
pub(crate) const PEEK: usize = 1000;
/// Most rows that are read at once ...
const ROWS: usize = 8192;
/// ... unless that makes more cells than these.
const CELLS: usize = 1 << 20;

/// The bytes of a piece.
pub(crate) enum Bytes {
    /// A file and its size.
    File(File, u64),
    Pipe(Box<dyn Read>),
}

/// A piece of a table in some format. Columns have the numbers of the schema.
pub(crate) trait Piece {
    fn schema(&self) -> &Schema;

    /// What pandas has noted of the table, which is JSON.
    fn pandas(&self) -> Option<&str>;

    /// The first rows of these columns, which are in rising order; [`PEEK`] of them at most. Called before [`start`](Self::start)
    /// or not at all.
    fn peek(&mut self, columns: &[usize]) -> Result<Option<RecordBatch>, String>;

    /// Begins to read these columns, which are in rising order.
    fn start(&mut self, columns: &[usize]) -> Result<(), String>;

    /// The next rows of the columns, in the order in which [`start`](Self::start) has them; `None` at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>, String>;

    /// The share of the piece that has been read, from 0 to 1.
    fn share(&self) -> f64;
}

/// The rows that are read at once of so many columns.
pub(crate) fn rows_at_once(columns: usize) -> usize {
    (CELLS / columns.max(1)).clamp(1, ROWS)
}

/// Makes a piece of bytes, or says what is wrong with them, in words that follow the name of the piece.
pub(crate) type Open = fn(Bytes) -> Result<Box<dyn Piece>, String>;

/// The next rows of a piece, whatever its decoder makes of a broken one.
pub(super) fn next(piece: &mut dyn Piece) -> Result<Option<RecordBatch>, String> {
    guarded(|| piece.next())
}

//! The shapes in which samples come, and one block of samples for each, the same for every peer.

use crate::common::data::samples;
use crate::lane::Lane;
use std::cell::OnceCell;

/// What is asked of the peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A row of one sample per channel, then the next: the past is gone and the future is not there yet.
    Rows,
    /// A block of rows that are all there.
    Block,
    /// One long series that is all there.
    Series,
}

impl Shape {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Block => "block",
            Self::Series => "series",
        }
    }
}

/// A shape of a size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) shape: Shape,
    pub(crate) rows: usize,
    pub(crate) channels: usize,
}

impl Case {
    /// Rows enough for a window of 199, but for the widest, where windows would not fit in memory.
    pub(crate) const ALL: [Self; 6] = [
        Self::new("rows-1Ki", "1 Ki channels, a row at a time", Shape::Rows, 256, 1 << 10),
        Self::new("rows-64Ki", "64 Ki channels, a row at a time", Shape::Rows, 256, 64 << 10),
        Self::new("rows-1Mi", "1 Mi channels, a row at a time", Shape::Rows, 16, 1 << 20),
        Self::new("block-1Ki", "a block of 4096 rows x 1 Ki channels", Shape::Block, 4096, 1 << 10),
        Self::new("block-64Ki", "a block of 256 rows x 64 Ki channels", Shape::Block, 256, 64 << 10),
        Self::new("series-1Mi", "one series of 1 Mi samples", Shape::Series, 1 << 20, 1),
    ];

    const fn new(name: &'static str, title: &'static str, shape: Shape, rows: usize, channels: usize) -> Self {
        Self { name, title, shape, rows, channels }
    }

    /// Whether a window of samples per channel fits in memory.
    pub(crate) fn has_room_for_windows(&self) -> bool {
        self.channels < 1 << 20
    }
}

/// The samples of a case.
#[derive(Debug)]
pub(crate) struct Block<T> {
    pub(crate) rows: usize,
    pub(crate) channels: usize,
    row_major: Vec<T>,
    series_major: OnceCell<Vec<T>>,
}

impl<T: Lane> Block<T> {
    pub(crate) fn new(case: &Case, outliers: f64) -> Self {
        let row_major = samples(case.rows * case.channels, outliers, 7);
        Self { rows: case.rows, channels: case.channels, row_major, series_major: OnceCell::new() }
    }

    /// Row after row.
    pub(crate) fn row_major(&self) -> &[T] {
        &self.row_major
    }

    /// One row.
    pub(crate) fn row(&self, row: usize) -> &[T] {
        &self.row_major[row * self.channels..][..self.channels]
    }

    /// One channel from its first sample to its last, in memory as a library for single series wants it.
    pub(crate) fn series(&self, channel: usize) -> &[T] {
        let transposed = || {
            let mut series = Vec::with_capacity(self.row_major.len());
            for channel in 0..self.channels {
                series.extend(self.row_major.iter().skip(channel).step_by(self.channels));
            }
            series
        };
        &self.series_major.get_or_init(transposed)[channel * self.rows..][..self.rows]
    }

    /// The first samples of one channel, wherever they lie.
    pub(crate) fn beginning(&self, channel: usize, rows: usize) -> Vec<T> {
        self.row_major.iter().skip(channel).step_by(self.channels).take(rows).copied().collect()
    }
}

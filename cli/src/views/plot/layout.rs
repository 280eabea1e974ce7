//! Where the panels of a sheet go, and how large everything is.

/// Width of a sheet and of a picture, in pixels, as are all sizes here.
pub(super) const WIDTH: i32 = 1200;
/// Blank around the sheet and between columns.
pub(super) const MARGIN: i32 = 24;
/// Height of title and legend.
pub(super) const HEAD: i32 = 84;
/// Blank below everything.
pub(super) const FOOT: i32 = 20;
/// Height of a note.
pub(super) const NOTE: i32 = 18;
/// Height of a panel's caption.
pub(super) const CAPTION: i32 = 24;
/// Height of the labels of the time.
pub(super) const X_LABELS: i32 = 46;
/// Blank between the rows of panels.
pub(super) const GAP: i32 = 14;

/// The places of the panels.
pub(super) struct Layout {
    pub(super) columns: usize,
    rows: usize,
    /// Height of a panel with its caption, without the labels of the time.
    pub(super) panel: i32,
}

impl Layout {
    pub(super) fn new(series: usize) -> Self {
        let columns = if series > 3 { 2 } else { 1 };
        let panel = match series {
            0 | 1 => 440,
            2 | 3 => 270,
            _ => 210,
        };
        Self { columns, rows: series.div_ceil(columns).max(1), panel }
    }

    /// The width of a column.
    pub(super) fn column(&self) -> i32 {
        if self.columns == 1 { WIDTH - 2 * MARGIN } else { (WIDTH - 3 * MARGIN) / 2 }
    }

    /// The number of marks on the axis of values.
    pub(super) fn marks(&self) -> usize {
        if self.panel > 400 { 8 } else { 4 }
    }

    /// The upper left corner of a panel.
    pub(super) fn corner(&self, index: usize) -> (i32, i32) {
        let (column, row) = (index % self.columns, index / self.columns);
        let cells = |count: usize| i32::try_from(count).unwrap_or(0);
        (MARGIN + cells(column) * (self.column() + MARGIN), HEAD + cells(row) * (self.panel + GAP))
    }

    /// The height of the sheet.
    pub(super) fn height(&self, notes: usize) -> i32 {
        let rows = i32::try_from(self.rows).unwrap_or(1);
        let notes = i32::try_from(notes).unwrap_or(0);
        HEAD + rows * (self.panel + GAP) + X_LABELS + notes * NOTE + FOOT
    }
}

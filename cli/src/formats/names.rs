//! The names of a long table's series, and which series is which.

use super::announce;
use crate::failure::Failure;
use crate::samples::Sink;
use foldhash::fast::RandomState;
use indexmap::IndexSet;

/// The names of a long table's series.
#[derive(Default)]
pub(super) struct Names {
    known: IndexSet<Box<[u8]>, RandomState>,
    /// The position of the name that is expected in the next row: most tables name their series in turn.
    expected: usize,
}

impl Names {
    /// The position of a name, which is announced if it is new.
    #[inline]
    pub(super) fn position(
        &mut self,
        name: &[u8],
        sink: &mut impl Sink,
        values: &[usize],
        columns: &[String],
    ) -> Result<usize, Failure> {
        let is_expected = self.known.get_index(self.expected).is_some_and(|expected| **expected == *name);
        let known = if is_expected { Some(self.expected) } else { self.known.get_index_of(name) };
        let position = if let Some(position) = known {
            position
        } else {
            let text = std::str::from_utf8(name).unwrap_or_default();
            announce(sink, text, values.iter().map(|&value| columns[value].as_str()))?;
            self.known.insert_full(name.into()).0
        };
        self.expected = if position + 1 < self.known.len() { position + 1 } else { 0 };
        Ok(position)
    }
}

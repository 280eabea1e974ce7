//! Lines within a table that are no rows: what tools write between them, and columns of text that are left out.

use super::layout::{Layout, is_truth};
use super::rows::Row;
use crate::console::Console;
use crate::formats::columns::quoted;
use std::collections::{BTreeMap, HashSet};

/// Whether a line with another number of cells than the header is none of the table: a restart, as the tools of sysstat report
/// it, a line of dashes, or the number of rows below a table of `psql`.
pub(super) fn is_remark(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    let has = |words: &str| memchr::memmem::find(text, words.as_bytes()).is_some();
    let is_ruled = !text.is_empty() && text.iter().all(|byte| RULE.contains(byte));
    let is_count = text.starts_with(b"(") && (text.ends_with(b" rows)") || text.ends_with(b" row)"));
    is_ruled || is_count || has("LINUX-RESTART") || has("LINUX RESTART")
}

/// Signs of a line that rules off a header.
const RULE: &[u8] = b"-+|=: \t,";

/// Whether a line rules off a header: `----  ----`, `+---+---+` or `|---|:-:|`. A single dash is a missing sample.
pub(super) fn is_ruled(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    let has_run = text.windows(2).any(|two| matches!(two, b"--" | b"==" | b"-:" | b":-"));
    has_run && text.iter().all(|byte| RULE.contains(byte))
}

/// Rows in which the texts of columns that are left out are counted.
const LOOKED_AT: u64 = 1000;
/// Most texts of a column that are told apart.
const MOST_TEXTS: usize = 100;

/// The texts of columns that are left out, in the first rows.
#[derive(Debug, Default)]
pub(super) struct Texts {
    rows: u64,
    columns: BTreeMap<usize, HashSet<Box<[u8]>>>,
    is_over: bool,
}

impl Texts {
    /// Whether all that is wanted has been seen.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Looks at a row, and reports when enough of them have been seen.
    #[cold]
    pub(super) fn add(&mut self, layout: &Layout, row: Row<'_>, console: &Console) {
        self.rows += 1;
        for index in layout.columns_of_text() {
            self.columns.entry(index).or_default();
        }
        for (index, texts) in &mut self.columns {
            let text = row.field(*index);
            if texts.len() <= MOST_TEXTS && !text.is_empty() && !texts.contains(text) {
                texts.insert(text.into());
            }
        }
        if self.rows == LOOKED_AT {
            self.report(layout, console);
        }
    }

    /// Reports which columns are left out, and which of them may name series.
    pub(super) fn report(&mut self, layout: &Layout, console: &Console) {
        self.is_over = true;
        let left_out = layout.columns_of_text();
        if left_out.is_empty() || !layout.has_roles() {
            return;
        }
        let names = quoted(left_out.iter().map(|&index| layout.name(index)));
        let columns = if left_out.len() == 1 { "a column is" } else { "columns are" };
        console.dropped(format_args!("{columns} left out, without numbers: {names}"));
        for (index, texts) in self.columns.iter().filter(|(index, _)| left_out.binary_search(index).is_ok()) {
            let (count, name) = (texts.len(), layout.name(*index));
            let repeats = count > 1 && count <= MOST_TEXTS && 2 * count as u64 <= self.rows;
            if repeats && !texts.iter().all(|text| is_truth(text)) {
                console.note(format_args!("`{name}` repeats {count} values: --series {name}?"));
            }
        }
    }
}

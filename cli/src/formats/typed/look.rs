//! A look at the first rows: which text reads as moments, and which repeats, as the names of series do.

use super::cells;
use super::guard::guarded;
use super::kind::Kind;
use super::piece::Piece;
use super::union::{Column, Fields, Of, Place};
use crate::text::dates::Date;
use std::collections::HashSet;

/// Most columns of text that are looked at.
const MOST_COLUMNS: usize = 16;
/// Most different values that may be the names of series, as far as the first rows show.
const MOST_VALUES: usize = 100;

/// What a column of text has in the first rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Whether the first value reads as a date and time.
    pub(super) is_moment: bool,
    /// The number of different values, where they repeat.
    pub(super) repeats: Option<usize>,
}

/// Looks at the columns of text of the first piece. What cannot be read has not been seen: it may not be needed.
pub(super) fn look(piece: &mut dyn Piece, columns: &[Column]) -> Vec<Look> {
    let mut looks = vec![Look::default(); columns.len()];
    for (column, look) in columns.iter().zip(&mut looks) {
        if let Of::Key(values) = &column.of {
            look.repeats = (values.len() > 1).then_some(values.len());
        }
    }
    let is_text = |(_, column): &(usize, &Column)| column.kind == Kind::Text && column.conflict.is_none();
    let texts = columns.iter().enumerate().filter(is_text);
    let fields = Fields::of(piece.schema());
    let place = |column: &Column| match column.place(&fields, &[])? {
        Place::Column(index) => Some(index),
        Place::Constant(_) => None,
    };
    let texts = texts.filter_map(|(index, column)| Some((place(column)?, index)));
    let mut texts: Vec<(usize, usize)> = texts.take(MOST_COLUMNS).collect();
    texts.sort_unstable();
    if texts.is_empty() {
        return looks;
    }
    let places: Vec<usize> = texts.iter().map(|(place, _)| *place).collect();
    let seen = guarded(|| {
        let Some(batch) = piece.peek(&places)? else { return Ok(Vec::new()) };
        batch
            .columns()
            .iter()
            .map(|column| of_cells(cells::plain(column)?.as_ref()))
            .collect::<Result<Vec<_>, String>>()
    });
    for ((_, index), seen) in texts.iter().zip(seen.unwrap_or_default()) {
        if let Some(look) = looks.get_mut(*index) {
            *look = seen;
        }
    }
    looks
}

fn of_cells(array: &dyn arrow_array::Array) -> Result<Look, String> {
    let (mut values, mut first, mut count, mut room) = (HashSet::new(), None, 0, String::new());
    for row in 0..array.len() {
        cells::text(array, row, &mut room)?;
        if room.is_empty() {
            continue;
        }
        count += 1;
        if first.is_none() {
            first = Some(Date::read(&room).is_some());
        }
        if values.len() <= MOST_VALUES && !values.contains(&room) {
            values.insert(room.clone());
        }
    }
    let repeats = values.len() < count && values.len() <= MOST_VALUES;
    Ok(Look { is_moment: first.unwrap_or(false), repeats: repeats.then_some(values.len()) })
}

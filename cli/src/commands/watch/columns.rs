//! Which columns of the list fit on a line.

use super::state::PAST;

/// The content of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    /// The last raw values.
    Raw,
    /// The last locations.
    Smooth,
    Value,
    Location,
    Scale,
    Score,
    Outliers,
    Reopenings,
}

/// A column and its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) kind: Kind,
    pub(super) width: u16,
}

/// Least width of names.
const LEAST_NAME: u16 = 8;
/// Most width of names, or a third of the line if that is less, before everything else has its place.
const MOST_NAME: u16 = 24;
/// Least width of a stretch of the past.
const LEAST_PAST: u16 = 10;

/// The columns from the left to the right.
const PLACES: [Kind; 9] = [
    Kind::Name,
    Kind::Raw,
    Kind::Smooth,
    Kind::Value,
    Kind::Location,
    Kind::Scale,
    Kind::Score,
    Kind::Outliers,
    Kind::Reopenings,
];
/// The columns by importance, the most important first; names always have a place.
const RANKS: [Kind; 8] =
    [Kind::Score, Kind::Value, Kind::Location, Kind::Raw, Kind::Outliers, Kind::Smooth, Kind::Scale, Kind::Reopenings];

impl Kind {
    /// The title of the column, given the name of the preset.
    pub(super) fn title(self, preset: &str) -> &str {
        match self {
            Self::Name => "series",
            Self::Raw => "raw",
            Self::Smooth => preset,
            Self::Value => "value",
            Self::Location => "location",
            Self::Scale => "scale",
            Self::Score => "score",
            Self::Outliers => "outliers",
            Self::Reopenings => "re-opened",
        }
    }

    pub(super) fn is_number(self) -> bool {
        !matches!(self, Self::Name | Self::Raw | Self::Smooth)
    }

    /// The least width of the column: that of the longest number it may have to show.
    fn width(self) -> u16 {
        match self {
            Self::Name => LEAST_NAME,
            Self::Raw | Self::Smooth => LEAST_PAST,
            Self::Value | Self::Location => 12,
            Self::Scale => 11,
            Self::Outliers => 8,
            Self::Score | Self::Reopenings => 9,
        }
    }
}

/// The columns of a line of that width, with a blank between two; the longest name has `longest_name` letters.
pub(super) fn columns(width: u16, longest_name: usize) -> Vec<Column> {
    let longest_name = u16::try_from(longest_name).unwrap_or(u16::MAX).max(LEAST_NAME);
    let mut name = longest_name.min(MOST_NAME).min((width / 3).max(LEAST_NAME)).min(width);
    let mut room = width - name;
    let mut kinds = vec![Kind::Name];
    for kind in RANKS {
        let needed = kind.width() + 1;
        if needed > room {
            // What is less important does not take the place of what is more.
            break;
        }
        room -= needed;
        kinds.push(kind);
    }
    let more = room.min(longest_name - longest_name.min(name));
    (name, room) = (name + more, room - more);
    let is_past = |kind: Kind| matches!(kind, Kind::Raw | Kind::Smooth);
    let pasts = kinds.iter().filter(|kind| is_past(**kind)).count();
    let share = u16::try_from(pasts).ok().and_then(|pasts| room.checked_div(pasts)).unwrap_or(0);
    let most = u16::try_from(PAST).unwrap_or(u16::MAX);
    let width = |kind: Kind| match kind {
        Kind::Name => name,
        kind if is_past(kind) => (kind.width() + share).min(most),
        kind => kind.width(),
    };
    PLACES.into_iter().filter(|kind| kinds.contains(kind)).map(|kind| Column { kind, width: width(kind) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_any_line_fit() {
        for width in 0..400 {
            for name in [0, 3, 20, 90, 100_000] {
                let columns = columns(width, name);
                let used: u16 = columns.iter().map(|column| column.width).sum();
                let blanks = u16::try_from(columns.len() - 1).unwrap();
                assert!(used + blanks <= width, "{width} {name} {columns:?}");
                assert!(columns.iter().all(|column| column.width > 0 || width == 0), "{width} {name} {columns:?}");
                assert_eq!(columns[0].kind, Kind::Name);
            }
        }
    }

    #[test]
    fn wider_lines_have_more() {
        let kinds = |width| columns(width, 10).iter().map(|column| column.kind).collect::<Vec<_>>();
        assert_eq!(kinds(12), [Kind::Name]);
        assert_eq!(kinds(20), [Kind::Name, Kind::Score]);
        assert_eq!(
            kinds(80),
            [Kind::Name, Kind::Raw, Kind::Smooth, Kind::Value, Kind::Location, Kind::Score, Kind::Outliers]
        );
        assert_eq!(kinds(120), PLACES);
    }
}

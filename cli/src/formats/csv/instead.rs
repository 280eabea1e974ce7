//! Text that is no table: what it is instead, and how to make a table of it.

/// What lines are that are no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instead {
    /// Nothing that is known: the lines have different numbers of cells.
    Text,
    /// A table that is drawn with lines.
    Drawing,
    /// A name and its value in each line.
    Pairs,
    /// An array of JSON in each line.
    Arrays,
}

impl Instead {
    /// What an input is, and what helps.
    pub(super) fn words(self, input: &str) -> String {
        match self {
            Self::Text => format!(
                "{input}: no table is found, since the lines have different numbers of cells: pass over those above it with --skip, \
                 choose the --format, or let lines of one kind through, such as by `grep '^cpu ' IN | evenkeel track - --header a,b,c`"
            ),
            Self::Drawing => {
                format!(
                    "{input}: the table is drawn with lines: let the tool that printed it write CSV, TSV or JSON instead"
                )
            }
            Self::Pairs => format!(
                "{input}: the lines are names with values, and no table: let the tool that printed them write CSV, TSV or JSON \
                 instead"
            ),
            Self::Arrays => format!(
                "{input}: the lines are arrays of JSON: make CSV of them, `jq -r @csv IN | evenkeel track -`, with --header a,b,c where \
                 the first has no names"
            ),
        }
    }
}

/// Whether a line is the upper edge of a table that is drawn.
pub(super) fn is_drawn(line: &str) -> bool {
    line.trim_start().starts_with(['\u{250c}', '\u{250f}', '\u{2554}', '\u{256d}'])
}

/// Whether a line is an array of JSON.
pub(super) fn is_array(line: &str) -> bool {
    let text = line.trim();
    let has_signs = text.starts_with('[') && text.ends_with(']');
    has_signs && serde_json::from_str::<Vec<serde_json::Value>>(text).is_ok_and(|items| items.len() > 1)
}

/// Whether a line is a name and its value: `a = 1`, `a: 1`, `a:1` or `a=1`.
pub(super) fn is_pair(line: &str) -> bool {
    line.split_once(['=', ':']).is_some_and(|(name, _)| {
        let name = name.trim();
        let is_name = |word: &str| !word.starts_with(|letter: char| letter.is_ascii_digit());
        !name.is_empty() && !name.contains([',', ';', '\t', '|']) && name.split_whitespace().all(is_name)
    })
}

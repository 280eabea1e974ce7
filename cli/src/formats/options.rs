//! The wishes of the command line, as far as readers know them.

use super::columns::Wanted;
use crate::text::moments::TimeForm;
use crate::text::number::Words;
use crate::text::time::Unit;

/// The way in which an input is to be read, as far as the command line says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// The columns that are named.
    pub(crate) wanted: Wanted,
    pub(crate) time: TimeForm,
    /// Words for missing samples, beside those that everybody uses.
    pub(crate) missing: Words,
    /// The unit of timestamps in the line protocol.
    pub(crate) precision: Option<Unit>,
    pub(crate) dialect: Dialect,
    /// The place of the records in a JSON document, as a path with dots.
    pub(crate) records: Option<String>,
}

/// The dialect of a table in text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialect {
    pub(crate) delimiter: Option<Delimiter>,
    /// Lines that begin with it are comments.
    pub(crate) comment: Option<String>,
    /// Lines at the beginning that are passed over.
    pub(crate) skip: Option<u64>,
    /// The names of the columns of a table without a header.
    pub(crate) header: Vec<String>,
}

/// The text between two cells of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delimiter {
    Byte(u8),
    /// One or more spaces or tabs.
    Blanks,
}

impl Delimiter {
    /// The delimiter of a name on the command line.
    ///
    /// # Errors
    /// There is none of this name; the words say which there are.
    pub(crate) fn of_name(text: &str) -> Result<Self, String> {
        match text {
            "tab" | "\t" | "\\t" => Ok(Self::Byte(b'\t')),
            "comma" => Ok(Self::Byte(b',')),
            "semicolon" => Ok(Self::Byte(b';')),
            "space" | "blanks" | " " => Ok(Self::Blanks),
            _ => {
                match text.as_bytes() {
                    [byte] if byte.is_ascii_punctuation() && *byte != b'"' => Ok(Self::Byte(*byte)),
                    _ => Err("expected one sign, such as `,` `;` or `|`, or `tab`, or `blanks` for runs of spaces"
                        .to_owned()),
                }
            }
        }
    }

    /// The name in messages.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Byte(b'\t') => "tab".to_owned(),
            Self::Byte(byte) => format!("`{}`", char::from(byte)),
            Self::Blanks => "blanks".to_owned(),
        }
    }
}

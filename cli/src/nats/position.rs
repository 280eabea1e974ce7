//! How far an output stream goes, as its last message has it.

use std::fmt;

/// The header with the position.
pub(super) const HEADER: &str = "Evenkeel-Position";

/// The end of a message's lines, in the input, up to which the output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The input: a stream, and when it was made. There are no blanks in it.
    pub(super) source: String,
    /// The sequence of the message.
    pub(super) sequence: u64,
    /// The lines of the message.
    pub(super) lines: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.source, self.sequence, self.lines)
    }
}

impl Position {
    /// Reads a header.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (source, sequence, lines) = (words.next()?, words.next()?, words.next()?);
        let is_over = words.next().is_none();
        let position = Self { source: source.to_owned(), sequence: sequence.parse().ok()?, lines: lines.parse().ok()? };
        is_over.then_some(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back() {
        let position = Position { source: "M@2026".to_owned(), sequence: 12, lines: 3 };
        assert_eq!(Position::parse(&position.to_string()), Some(position));
        for text in ["", "M 1", "M 1 2 3", "M one 2", "M 1 -2"] {
            assert_eq!(Position::parse(text), None, "{text:?}");
        }
    }
}

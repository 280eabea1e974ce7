//! Which members hold words, so that a number in quotes among them is none: `"cpu":"0"` behind `"cpu":"all"` is a name.

use super::members::{Members, Value};
use crate::text::number::Words;
use foldhash::fast::RandomState;
use indexmap::IndexMap;

/// Most members that are remembered; numbers in quotes in others are numbers.
const MOST: usize = 10_000;

/// The members that have held text, and whether the first of it was a word: no number, and not missing.
#[derive(Debug, Default)]
pub(super) struct Texts {
    are_words: IndexMap<Box<str>, bool, RandomState>,
    /// The position of the one that is expected next: most objects have the same members in the same order.
    expected: usize,
}

impl Texts {
    /// Looks at the members of an object.
    pub(super) fn look(&mut self, members: &Members<'_>, missing: &Words) {
        for (name, raw) in members.raw() {
            if !raw.starts_with('"') || self.knows(name) {
                continue;
            }
            let number = Value::of(raw).number(missing);
            if number.is_none_or(|number| !number.is_nan()) && self.are_words.len() < MOST {
                self.are_words.insert(name.into(), number.is_none());
            }
        }
    }

    fn knows(&mut self, name: &str) -> bool {
        let position = match self.are_words.get_index(self.expected) {
            Some((expected, _)) if **expected == *name => self.expected,
            _ => match self.are_words.get_index_of(name) {
                Some(position) => position,
                None => return false,
            },
        };
        self.expected = if position + 1 < self.are_words.len() { position + 1 } else { 0 };
        true
    }

    /// Whether the first text of this member was a word.
    pub(super) fn are_words(&self, name: &str) -> bool {
        self.are_words.get(name).copied().unwrap_or(false)
    }
}

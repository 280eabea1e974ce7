//! Members that look as if they named the series of their objects, so that whoever has not named one hears of it.

use super::members::{Members, Value};
use super::texts::Texts;
use crate::console::Console;
use std::collections::HashSet;

/// Most objects that are looked at.
const MOST_OBJECTS: u64 = 1000;
/// Most members that are looked at, and most values of each.
const MOST_MEMBERS: usize = 32;
const MOST_VALUES: usize = 64;

/// The texts in the members of the first objects.
#[derive(Debug, Default)]
pub(super) struct Labels {
    is_open: bool,
    objects: u64,
    members: Vec<Label>,
    time: String,
    /// Whether an object has had the time of the one before.
    has_repeated_time: bool,
}

#[derive(Debug, Default)]
struct Label {
    name: String,
    values: HashSet<String>,
    /// The values in objects of the present time.
    at_once: HashSet<String>,
    /// Objects that have it.
    count: u64,
    /// Whether two objects of one time have had the same.
    is_ambiguous: bool,
    has_too_many: bool,
}

impl Labels {
    pub(super) fn new(is_open: bool) -> Self {
        Self { is_open, ..Self::default() }
    }

    /// Looks at an object with this member for the time.
    #[inline]
    pub(super) fn look(&mut self, members: &Members<'_>, time: Option<&str>, texts: &Texts) {
        if self.is_open {
            self.add(members, time, texts);
        }
    }

    #[cold]
    fn add(&mut self, members: &Members<'_>, time: Option<&str>, texts: &Texts) {
        self.objects += 1;
        self.is_open = self.objects < MOST_OBJECTS;
        let now = time.and_then(|name| members.get(name));
        let now = now.as_ref().map_or("", Value::text);
        let is_same = time.is_some() && self.objects > 1 && now == self.time;
        self.has_repeated_time |= is_same;
        if !is_same {
            now.clone_into(&mut self.time);
            self.members.iter_mut().for_each(|label| label.at_once.clear());
        }
        for (name, value) in members.iter() {
            let Value::Text(text) = value else { continue };
            if time == Some(name) || text.is_empty() || !texts.are_words(name) {
                continue;
            }
            let is_here = self.members.iter().any(|label| label.name == name);
            if !is_here && self.members.len() < MOST_MEMBERS {
                self.members.push(Label { name: name.to_owned(), ..Label::default() });
            }
            let Some(label) = self.members.iter_mut().find(|label| label.name == name) else { continue };
            label.count += 1;
            label.has_too_many |= label.values.len() >= MOST_VALUES;
            if !label.has_too_many {
                label.values.insert(text.to_string());
                label.is_ambiguous |= !label.at_once.insert(text.into_owned());
            }
        }
    }

    /// Notes the member that tells the objects of one time apart, or that has few values.
    pub(super) fn note(&self, console: &Console) {
        let values = |label: &Label| label.values.len() as u64;
        let helps = |label: &&Label| {
            let is_repeated = values(label) < label.count || self.has_repeated_time;
            let are_few = 2 * values(label) < self.objects;
            values(label) > 1 && !label.has_too_many && is_repeated && (self.has_repeated_time || are_few)
        };
        let best = self
            .members
            .iter()
            .filter(helps)
            .min_by_key(|label| (label.is_ambiguous && self.has_repeated_time, u64::MAX - label.count));
        if let Some(Label { name, values, .. }) = best {
            console.note(format_args!("`{name}` repeats {} values: --series {name}?", values.len()));
        }
    }
}

//! The series of an input that deserve a word, in words.

use crate::console::Console;

/// The series of an input that deserve a word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Series that look like counters, and are followed as they are.
    pub(crate) counters: Vec<String>,
    /// Series that are followed by their rate per second.
    pub(crate) rates: Vec<String>,
}

impl Found {
    /// Prints what there is to say.
    pub(crate) fn note(&self, console: &Console) {
        if let Some(words) = self.rates_in_words() {
            console.note(words);
        }
        if let Some(words) = self.counters_in_words() {
            console.note(words);
        }
    }

    /// The words for series that are followed by their rates.
    pub(crate) fn rates_in_words(&self) -> Option<String> {
        (!self.rates.is_empty()).then(|| format!("followed by the rate per second: {}", list(&self.rates)))
    }

    /// The words for series that look like counters.
    pub(crate) fn counters_in_words(&self) -> Option<String> {
        let first = self.counters.first()?;
        let (look, name) =
            if self.counters.len() == 1 { ("looks like a counter", first) } else { ("look like counters", first) };
        let counters = list(&self.counters);
        Some(format!(
            "{counters} {look}: --rate {name:?} follows the rate per second, --rate auto that of all counters"
        ))
    }
}

/// A list of names for a message.
fn list(names: &[String]) -> String {
    /// Most names in a message.
    const MOST: usize = 10;
    let mut list: Vec<String> = names.iter().take(MOST).map(|name| format!("{name:?}")).collect();
    if names.len() > MOST {
        list.push(format!("and {} more", names.len() - MOST));
    }
    list.join(", ")
}

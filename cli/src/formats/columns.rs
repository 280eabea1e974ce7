//! Columns by name: those that the command line asks for, and what is said of them.

#[cfg(feature = "parquet")]
use super::times::{Says, says_time};
use crate::console::Console;
use crate::failure::Failure;
use std::collections::{HashMap, HashSet};

/// The columns that the user named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) time: Option<String>,
    /// The columns that name the series, together.
    pub(crate) series: Vec<String>,
    pub(crate) values: Vec<String>,
}

impl Wanted {
    /// The columns that the options name, each for one role.
    ///
    /// # Errors
    /// A column is named twice.
    pub(crate) fn new(time: Option<&String>, series: &[String], values: &[String]) -> Result<Self, Failure> {
        for (option, names) in [("--series", series), ("--value", values)] {
            let mut seen = HashSet::new();
            if let Some(name) = names.iter().find(|name| !seen.insert(*name)) {
                return Err(Failure::usage(format!("{option} {name} is given twice")));
            }
        }
        let mut seen = HashSet::new();
        for name in time.into_iter().chain(series).chain(values) {
            if !seen.insert(name) {
                return Err(Failure::usage(format!("column {name} cannot be two things at once")));
            }
        }
        Ok(Self { time: time.cloned(), series: series.to_vec(), values: values.to_vec() })
    }
}

/// Whether a numeric column has a name that is likely to mean the time.
#[cfg(feature = "parquet")] // only columns with types are judged by it
pub(crate) fn is_called_time(name: &str) -> bool {
    says_time(name) == Some(Says::Time)
}

/// The failure of a long table whose values may be in any of these columns.
pub(crate) fn several_values<'a>(names: impl Iterator<Item = &'a str>) -> Failure {
    let names = quoted(names);
    Failure::usage(format!(
        "several columns may hold the values ({names}): choose with --value, and name the time with --time"
    ))
}

/// The failure of a table in which there is nothing to follow.
pub(crate) fn no_numbers(input: &str, names: &[String]) -> Failure {
    let columns = quoted(names.iter().map(String::as_str));
    Failure::usage(format!("{input}: no column holds numbers; there are {columns}"))
}

/// The index of the column of this name.
pub(crate) fn find(names: &[String], name: &str, option: &str) -> Result<usize, Failure> {
    let mut found = names.iter().enumerate().filter(|(_, candidate)| *candidate == name).map(|(index, _)| index);
    match (found.next(), found.next()) {
        (Some(index), None) => Ok(index),
        (Some(_), Some(_)) => Err(Failure::usage(format!("{option} {name}: several columns have this name"))),
        (None, _) => {
            let existing = quoted(names.iter().map(String::as_str));
            Err(Failure::usage(format!("{option} {name}: there is no such column; there are {existing}")))
        }
    }
}

/// A list of names for a message.
pub(crate) fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    /// Most names in a message: a wide table has thousands of columns.
    const MOST: usize = 50;
    let mut names = names.map(|name| format!("{name:?}"));
    let mut list: Vec<String> = names.by_ref().take(MOST).collect();
    let more = names.count();
    if more > 0 {
        list.push(format!("and {more} more"));
    }
    list.join(", ")
}

/// Gives every column a name of its own: `column3` to a third one without, and `cpu.2` to a second `cpu`.
pub(crate) fn make_distinct(names: &mut [String], report: &Console) {
    let mut taken: HashSet<String> = names.iter().cloned().collect();
    // Where to go on looking for a free number: from the start again for each of many columns of one name takes for ever.
    let mut next: HashMap<String, usize> = HashMap::new();
    for (index, name) in names.iter_mut().enumerate() {
        let is_new = !next.contains_key(name.as_str());
        let next = next.entry(name.clone()).or_default();
        if is_new && !name.is_empty() {
            continue;
        }
        let (stem, separator, first) =
            if name.is_empty() { ("column", "", index + 1) } else { (name.as_str(), ".", 2) };
        let mut number = (*next).max(first);
        let mut free = format!("{stem}{separator}{number}");
        while taken.contains(&free) {
            number += 1;
            free = format!("{stem}{separator}{number}");
        }
        *next = number + 1;
        taken.insert(free.clone());
        report.note(format!("column {} is called {free:?} here: its name is {name:?}, as another's", index + 1));
        *name = free;
    }
}

//! What objects have shown so far: which members have which role.
//!
//! Members may come and go from object to object, so nothing but the first object with a number can show that a name is wrong:
//! it must have the time and the series that the command line names, and the values too where they are one per row. Where
//! records are passed on, a wrong name is only a note, because the right object may be yet to come.

use super::labels::Labels;
use super::members::{Members, Value as Member};
use super::texts::Texts;
use crate::console::Console;
use crate::failure::Failure;
use crate::formats::columns::{Wanted, quoted};
use crate::formats::options::Options;
use crate::formats::reader::{Client, Roles};
use crate::formats::times::{Candidate, Choice, choose};
use crate::text::moments::{Moments, TimeForm};
use crate::text::number::Words;

/// Objects after which a named member that none of them has is reported.
const ENOUGH: u64 = 100;

/// Most objects in which the time is looked for.
const MOST_WITHOUT_TIME: u64 = 1000;

/// What objects have shown so far.
pub(super) struct Objects {
    /// The name of the input in messages.
    input: String,
    pub(super) columns: Columns,
    /// Whether the client knows the name of the time.
    has_named_time: bool,
    /// Whether it is known how times are read.
    has_reading: bool,
    /// Objects so far.
    count: u64,
    /// The named members that none of them had, each with its option.
    missing: Vec<(&'static str, String)>,
    /// The names that the first object has, for messages.
    first: Option<Vec<String>>,
    /// Whether any member has been a number.
    has_numbers: bool,
    labels: Labels,
}

/// The roles of members.
pub(super) struct Columns {
    pub(super) wanted: Wanted,
    roles: Roles,
    /// The member with the time.
    pub(super) time: Option<String>,
    form: TimeForm,
    pub(super) missing: Words,
    texts: Texts,
    /// Whether an object has shown that the names are right.
    is_checked: bool,
}

impl Columns {
    /// Whether the values are a list, which every object has.
    pub(super) fn is_list(&self) -> bool {
        !self.wanted.series.is_empty() && self.roles == Roles::Learn
    }

    /// Whether the command line gives this member another role than that of the time.
    fn is_named(&self, name: &str) -> bool {
        self.is_series(name) || self.is_value(name)
    }

    pub(super) fn is_series(&self, name: &str) -> bool {
        self.wanted.series.iter().any(|series| series == name)
    }

    pub(super) fn is_value(&self, name: &str) -> bool {
        self.wanted.values.iter().any(|value| value == name)
    }

    /// Whether a member is a number: without quotes, or in quotes where no word has been in them before.
    pub(super) fn is_number(&self, members: &Members<'_>, index: usize) -> bool {
        members.is_number(index)
            || match members.value(index) {
                Some(Member::Text(text)) => {
                    self.missing.parse(text.as_bytes()).is_some_and(|number| !number.is_nan())
                        && !self.texts.are_words(members.name(index))
                }
                _ => false,
            }
    }
}

impl Objects {
    pub(super) fn new(input: String, options: Options, roles: Roles) -> Self {
        let Options { wanted, time: form, missing: words, .. } = options;
        let Wanted { time, series, values } = &wanted;
        let values = values.iter().map(|name| ("--value", name));
        let others = time.iter().map(|name| ("--time", name)).chain(series.iter().map(|name| ("--series", name)));
        let missing = others.chain(values).map(|(option, name)| (option, name.clone())).collect();
        let labels = Labels::new(roles == Roles::Learn && series.is_empty());
        let columns = Columns {
            time: time.clone(),
            wanted,
            roles,
            form,
            missing: words,
            texts: Texts::default(),
            is_checked: roles != Roles::Learn,
        };
        Self {
            input,
            columns,
            has_named_time: false,
            has_reading: false,
            count: 0,
            missing,
            first: None,
            has_numbers: false,
            labels,
        }
    }

    /// Names the time where the command line does, before there is an object.
    pub(super) fn announce(&mut self, client: &mut impl Client) {
        if let (0, Some(time), false) = (self.count, &self.columns.time, self.has_named_time) {
            client.time_name(time);
            self.has_named_time = true;
        }
    }

    /// Learns from an object which members have which role.
    pub(super) fn look(&mut self, members: &Members<'_>, client: &mut impl Client) -> Result<(), Failure> {
        self.count += 1;
        if self.first.is_none() {
            self.first = Some(members.iter().map(|(name, _)| name.to_owned()).collect());
        }
        self.columns.texts.look(members, &self.columns.missing);
        self.find_time(members, client);
        if !self.columns.is_checked && (0..members.len()).any(|index| self.columns.is_number(members, index)) {
            self.columns.is_checked = true;
            self.check_first(members)?;
        }
        self.missing.retain(|(_, name)| members.get(name).is_none());
        if self.count == ENOUGH {
            self.note_missing(client.console());
        }
        if !self.has_reading {
            self.read_time(members, client.console());
        }
        let columns = &self.columns;
        let is_value =
            |index| columns.time.as_deref() != Some(members.name(index)) && columns.is_number(members, index);
        self.has_numbers = self.has_numbers || (0..members.len()).any(is_value);
        self.labels.look(members, columns.time.as_deref(), &columns.texts);
        if !self.has_named_time {
            client.time_name(columns.time.as_deref().unwrap_or("row"));
            self.has_named_time = columns.time.is_some();
        }
        Ok(())
    }

    /// Looks for the time. What has been a series is not the time, whatever one of its cells holds.
    fn find_time(&mut self, members: &Members<'_>, client: &mut impl Client) {
        let Columns { wanted, roles, time, form, .. } = &self.columns;
        let (is_over, needs_moment) = match roles {
            Roles::Learn => (self.count > MOST_WITHOUT_TIME, false),
            Roles::FixAtFirst { .. } => (self.count > 1, true),
        };
        if time.is_some() || is_over {
            return;
        }
        let is_series = |name: &str| wanted.series.is_empty() && client.has_series(name);
        let single = members.iter().enumerate().filter(|(_, (name, value))| {
            !matches!(value, Member::Other(_)) && !self.columns.is_named(name) && !is_series(name)
        });
        let cells: Vec<(usize, &str, Member<'_>)> = single.map(|(index, (name, value))| (index, name, value)).collect();
        let candidates: Vec<Candidate<'_>> = cells
            .iter()
            .map(|(index, name, value)| Candidate { index: *index, name, cell: value.text().as_bytes() })
            .collect();
        let found = match choose(&candidates, form) {
            Choice::Moment(index, _) | Choice::Missing(index) => Some(index),
            // It can be shown, but nothing can be in time.
            Choice::Shown(index, _) => Some(index).filter(|_| !needs_moment),
            Choice::Nothing => None,
        };
        self.columns.time = found.map(|index| members.name(index).to_owned());
    }

    /// Finds out how times are read, for the summary.
    fn read_time(&mut self, members: &Members<'_>, console: &mut Console) {
        let Some(name) = &self.columns.time else { return };
        let Some(value) = members.get(name) else { return };
        let words = match Moments::new(&self.columns.form).look(value.text().as_bytes()) {
            Ok((_, reading)) => reading.words(&self.columns.form),
            Err(_) if value == Member::Null => return,
            Err(why) => format!("only shown: {why}"),
        };
        console.time_is(name, &words);
        self.has_reading = true;
    }

    /// Checks that the first object with a number has what every object should have.
    fn check_first(&mut self, members: &Members<'_>) -> Result<(), Failure> {
        let Columns { wanted, time, .. } = &self.columns;
        let is_list = !wanted.series.is_empty();
        let values = wanted.values.iter().filter(|_| is_list).map(|name| ("--value", name));
        let named = wanted.time.iter().map(|name| ("--time", name));
        let named = named.chain(wanted.series.iter().map(|name| ("--series", name)));
        for (option, name) in named.chain(values) {
            if members.get(name).is_none() {
                let existing = quoted(members.iter().map(|(name, _)| name));
                return Err(Failure::usage(format!(
                    "{option} {name}: the first object has no such member; it has {existing}"
                )));
            }
        }
        if is_list && wanted.values.is_empty() {
            let is_free = |name: &str| !self.columns.is_series(name) && time.as_deref() != Some(name);
            let is_number = |index: &usize| self.columns.is_number(members, *index) && is_free(members.name(*index));
            let numbers: Vec<&str> = (0..members.len()).filter(is_number).map(|index| members.name(index)).collect();
            let [value] = numbers[..] else {
                let found = if numbers.is_empty() { "no member".to_owned() } else { quoted(numbers.into_iter()) };
                return Err(Failure::usage(format!(
                    "the values may be in one member, and there are {found} with numbers: choose with --value, and name the time \
                     with --time"
                )));
            };
            let value = value.to_owned();
            self.columns.wanted.values.push(value);
        }
        Ok(())
    }

    /// Notes, at the end, what may not have been meant.
    pub(super) fn note_at_end(&mut self, console: &mut Console) {
        self.note_missing(console);
        if self.columns.time.is_none() {
            console.time_is_nowhere();
        }
        if self.columns.wanted.values.is_empty() && self.has_numbers {
            self.labels.note(console);
        }
    }

    /// Reports which of the named members were in no object: their names may be wrong.
    fn note_missing(&mut self, console: &Console) {
        if self.columns.roles == Roles::Learn {
            return;
        }
        let count = self.count;
        for (option, name) in self.missing.drain(..).filter(|_| count > 0) {
            console.note(format_args!("{option} {name}: none of the first {count} objects has this member"));
        }
    }

    /// Checks, at the end, that there was something to follow.
    pub(super) fn check_end(&self, rows: u64) -> Result<(), Failure> {
        let input = &self.input;
        if rows == 0 {
            return Err(Failure::usage(format!("{input} is empty")));
        }
        let Some(first) = &self.first else {
            return Err(Failure::usage(format!("{input}: no line is a JSON object")));
        };
        let existing = quoted(first.iter().map(String::as_str));
        let is_long = !self.columns.wanted.series.is_empty();
        if let Some((option, value)) = self.missing.iter().find(|(option, _)| is_long || *option == "--value") {
            return Err(Failure::usage(format!(
                "{option} {value}: no object has such a member; the first has {existing}"
            )));
        }
        let has_values =
            self.columns.is_checked && is_long || self.has_numbers || !self.columns.wanted.values.is_empty();
        if !has_values {
            return Err(Failure::usage(format!("{input}: no member holds numbers; the first object has {existing}")));
        }
        Ok(())
    }
}

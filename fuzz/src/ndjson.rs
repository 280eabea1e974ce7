//! Target `ndjson`: any bytes through the program's NDJSON reader, against a plain reading: each line by the grammar of JSON
//! (`json`), which `serde_json` has to agree with, and members by the rules that the program documents.

use crate::json::{self, Item};
use crate::readers::{self, Expected, Stop, UNUSABLE, lines, number};
use evenkeel_cli::probe::{Format, Options};

pub fn check(bytes: &[u8]) {
    readers::check(bytes, Format::Ndjson, |text| {
        let mut objects = text.split(|byte| *byte == b'\n').filter_map(json::object);
        objects.next().unwrap_or_default().into_iter().map(|(name, _)| name).collect()
    });
}

/// The members of an object, in order.
type Members = Vec<(String, Item)>;

/// Everything that should come out of this text.
pub(crate) fn read(text: &[u8], options: &Options, expected: &mut Expected) -> Result<(), Stop> {
    let mut table = Table {
        time: options.time.clone(),
        series: options.series.clone(),
        values: options.values.clone(),
        known: Vec::new(),
        count: 0,
        is_first: true,
    };
    if let Some(time) = &table.time {
        expected.time_name(time);
    }
    for (index, line) in lines(text, &options.limits).into_iter().enumerate() {
        let number = index as u64 + 1;
        if line.text.trim_ascii().is_empty() && !line.is_too_long {
            continue;
        }
        expected.rows += 1;
        match json::object(line.text).filter(|_| !line.is_too_long) {
            Some(members) => table.row(&members, number, options.time.is_none(), expected)?,
            None => expected.bad_row(number)?,
        }
    }
    table.finish()
}

struct Table {
    time: Option<String>,
    series: Option<String>,
    values: Vec<String>,
    /// The names that series have, and the number of the first of each.
    known: Vec<(String, usize)>,
    count: usize,
    is_first: bool,
}

/// The first member of this name.
fn get<'a>(members: &'a Members, name: &str) -> Option<&'a Item> {
    members.iter().find(|(candidate, _)| candidate == name).map(|(_, item)| item)
}

/// The number in a member; NaN where it is missing.
fn number_of(item: &Item) -> Option<f64> {
    match item {
        Item::Null => Some(f64::NAN),
        Item::Number(text) | Item::Text(text) => number(text),
        Item::Other(_) => None,
    }
}

impl Table {
    fn row(&mut self, members: &Members, line: u64, is_time_open: bool, expected: &mut Expected) -> Result<(), Stop> {
        if std::mem::take(&mut self.is_first) {
            self.first(members)?;
        }
        // Whoever wants the samples is told what the time is called until there is one.
        if is_time_open && self.time.is_none() {
            self.time = members.iter().find(|(name, item)| self.is_time(name, item)).map(|(name, _)| name.clone());
            expected.time_name(self.time.as_deref().unwrap_or("row"));
        }
        match self.series.clone() {
            Some(series) => self.long(&series, members, line, expected),
            None => self.wide(members, line, expected),
        }
    }

    /// What every object should have, the first must.
    fn first(&mut self, members: &Members) -> Result<(), Stop> {
        let is_long = self.series.is_some();
        let values = self.values.iter().filter(|_| is_long);
        if !self.time.iter().chain(&self.series).chain(values).all(|name| get(members, name).is_some()) {
            return Err(UNUSABLE);
        }
        if is_long && self.values.is_empty() {
            let is_value = |(name, item): &&(String, Item)| {
                let name = Some(name);
                matches!(item, Item::Number(_)) && name != self.series.as_ref() && name != self.time.as_ref()
            };
            let values: Vec<&(String, Item)> = members.iter().filter(is_value).collect();
            let [(value, _)] = values[..] else { return Err(UNUSABLE) };
            self.values.push(value.clone());
        }
        Ok(())
    }

    /// The first text is the time, unless it is a missing or an infinite sample, or the member is something else.
    fn is_time(&self, name: &String, item: &Item) -> bool {
        let is_something_else = self.series.as_ref() == Some(name)
            || self.values.contains(name)
            || self.series.is_none() && self.knows(name);
        let Item::Text(text) = item else { return false };
        !is_something_else && number(text).is_none_or(f64::is_finite)
    }

    fn knows(&self, name: &str) -> bool {
        self.known.iter().any(|(known, _)| known == name)
    }

    fn number_series(&mut self, name: &str, count: usize) -> usize {
        self.known.push((name.to_owned(), self.count));
        self.count += count;
        self.count - count
    }

    fn set_time(&self, members: &Members, expected: &mut Expected) {
        expected.row(self.time.as_deref().map(|time| match get(members, time) {
            None | Some(Item::Null) => ("", false),
            Some(Item::Number(text)) => (text.as_str(), true),
            Some(Item::Text(text) | Item::Other(text)) => (text.as_str(), false),
        }));
    }

    fn long(&mut self, series: &str, members: &Members, line: u64, expected: &mut Expected) -> Result<(), Stop> {
        let (Some(Item::Number(name) | Item::Text(name)), values) = (get(members, series), self.values.clone()) else {
            return expected.bad_row(line);
        };
        let is_single = values.len() == 1;
        let is_spoiled = is_single && get(members, &values[0]).and_then(number_of).is_none();
        if name.trim_ascii().is_empty() || is_spoiled {
            return expected.bad_row(line);
        }
        let known = self.known.iter().find(|(known, _)| known == name).map(|(_, first)| *first);
        let first = known.unwrap_or_else(|| {
            for value in &values {
                expected.series(if is_single { name.clone() } else { format!("{name}.{value}") });
            }
            self.number_series(name, values.len())
        });
        self.set_time(members, expected);
        for (offset, value) in values.iter().enumerate() {
            match get(members, value).map_or(Some(f64::NAN), number_of) {
                Some(number) => expected.sample(first + offset, number),
                None => expected.bad_cell(line)?,
            }
        }
        Ok(())
    }

    fn wide(&mut self, members: &Members, line: u64, expected: &mut Expected) -> Result<(), Stop> {
        self.set_time(members, expected);
        for (name, item) in members {
            if !self.knows(name) {
                let is_series = match &self.values[..] {
                    [] => self.time.as_ref() != Some(name) && matches!(item, Item::Number(_)),
                    values => values.contains(name),
                };
                if !is_series {
                    continue;
                }
                expected.series(name.clone());
                self.number_series(name, 1);
            }
            let series = self.known.iter().find(|(known, _)| known == name).map_or(0, |(_, series)| *series);
            match number_of(item) {
                Some(number) => expected.sample(series, number),
                None => expected.bad_cell(line)?,
            }
        }
        Ok(())
    }

    /// Whether there was what was asked for.
    fn finish(&self) -> Result<(), Stop> {
        let is_wide_and_empty = self.known.is_empty() || !self.values.iter().all(|value| self.knows(value));
        if self.is_first || self.series.is_none() && is_wide_and_empty { Err(UNUSABLE) } else { Ok(()) }
    }
}

//! Target `ndjson`: any bytes through the program's NDJSON reader, against a plain reading: each line by the grammar of JSON
//! (`json`), which `serde_json` has to agree with, and members by the rules that the program documents. Which member is the time, the
//! program says. What is no object a line is left to the target `documents`.

use crate::clock;
use crate::json::{self, Item};
use crate::readers::{self, Expected, Line, Stop, UNKNOWN, UNUSABLE, lines, number};
use evenkeel_cli::probe::{Format, Options};
use std::collections::HashMap;

pub fn check(bytes: &[u8]) {
    readers::check(bytes, Format::Ndjson, |text| {
        let mut objects = text.split(|byte| *byte == b'\n').filter_map(json::members);
        objects.next().unwrap_or_default().into_iter().map(|(name, _)| name).collect()
    });
}

/// The members of an object, in order.
type Members = Vec<(String, Item)>;

/// Members that only documents of known kinds have.
const OF_DOCUMENTS: [&str; 7] =
    ["resource_metrics", "resourceMetrics", "resultType", "metric", "dstypes", "labels", "legend"];

/// Everything that should come out of this text.
pub(crate) fn read(text: &[u8], options: &Options, expected: &mut Expected) -> Result<(), Stop> {
    let mut table = Table {
        time: options.time.clone(),
        series: options.series.clone(),
        values: options.values.clone(),
        known: Vec::new(),
        are_words: HashMap::new(),
        count: 0,
        seen: Vec::new(),
        objects: 0,
        is_first: true,
    };
    let lines = lines(text, &options.limits);
    let is_comment = |line: &Line<'_>| line.text.trim_ascii().starts_with(b"#") && !line.is_too_long;
    let is_blank = |line: &Line<'_>| line.text.trim_ascii().is_empty() && !line.is_too_long;
    let begin = lines.iter().position(|line| !is_comment(line) && !is_blank(line)).unwrap_or(lines.len());
    if let Some(first) = lines.get(begin) {
        let is_known = json::object(first.text).is_some_and(|members| {
            members.iter().all(|(name, item)| {
                let is_document = OF_DOCUMENTS.iter().any(|other| format!("{name} {item:?}").contains(other));
                // An array of objects may make a document of it.
                !is_document && !matches!(item, Item::Other(text) if text.contains('['))
            })
        });
        if first.is_too_long || !is_known {
            return Err(UNKNOWN);
        }
    }
    if let Some(time) = &table.time {
        expected.time_name(time);
        let _ = expected.claimed_time();
    }
    for (index, line) in lines.iter().enumerate() {
        let line_number = index as u64 + 1;
        if is_blank(line) || index < begin {
            continue;
        }
        expected.rows += 1;
        match json::members(line.text).filter(|_| !line.is_too_long) {
            Some(members) => table.row(&members, line_number, options.time.is_none(), expected)?,
            None => expected.bad_row(line_number)?,
        }
    }
    table.finish(options.time.as_ref())
}

struct Table {
    time: Option<String>,
    series: Option<String>,
    values: Vec<String>,
    /// The names that series have, and the number of the first of each.
    known: Vec<(String, usize)>,
    /// Whether the first text of a member was a word.
    are_words: HashMap<String, bool>,
    count: usize,
    /// The names that objects have had.
    seen: Vec<String>,
    objects: usize,
    /// Whether no object has had a number.
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
        self.objects += 1;
        for (name, item) in members {
            self.seen.push(name.clone());
            if let Item::Text(text) = item
                && number(text).is_none_or(|number| !number.is_nan())
            {
                self.are_words.entry(name.clone()).or_insert(number(text).is_none());
            }
        }
        if is_time_open && self.time.is_none() {
            self.time = expected.claimed_time();
            let is_free = |name: &String| {
                let item = get(members, name);
                let is_single = item.is_some_and(|item| !matches!(item, Item::Other(_)));
                let is_series = self.series.as_ref() == Some(name) || self.series.is_none() && self.knows(name);
                is_single && !is_series && !self.values.contains(name)
            };
            assert!(self.time.iter().all(is_free), "{:?} is no time in {members:?}", self.time);
        }
        if self.is_first && members.iter().any(|(name, item)| self.is_number(name, item)) {
            self.is_first = false;
            self.first(members, is_time_open)?;
        }
        // Whoever wants the samples is told what the time is called until there is one.
        if is_time_open && !expected.has_named_time() {
            expected.time_name(self.time.as_deref().unwrap_or("row"));
        }
        match self.series.clone() {
            Some(series) => self.long(&series, members, line, expected),
            None => self.wide(members, line, expected),
        }
    }

    /// Whether a member is a number, in quotes only where no word came first.
    fn is_number(&self, name: &str, item: &Item) -> bool {
        match item {
            Item::Number(_) => true,
            Item::Text(text) => {
                number(text).is_some_and(|number| !number.is_nan()) && self.are_words.get(name) != Some(&true)
            }
            _ => false,
        }
    }

    /// What every object should have, the first with a number must.
    fn first(&mut self, members: &Members, is_time_open: bool) -> Result<(), Stop> {
        let is_long = self.series.is_some();
        let values = self.values.iter().filter(|_| is_long);
        let mut named = self.time.iter().filter(|_| !is_time_open).chain(&self.series).chain(values);
        if !named.all(|name| get(members, name).is_some()) {
            return Err(UNUSABLE);
        }
        if is_long && self.values.is_empty() {
            let is_value = |(name, item): &&(String, Item)| {
                let is_role = Some(name) == self.series.as_ref() || Some(name) == self.time.as_ref();
                self.is_number(name, item) && !is_role
            };
            let values: Vec<&(String, Item)> = members.iter().filter(is_value).collect();
            let [(value, _)] = values[..] else { return Err(UNUSABLE) };
            // Whether that is the time, the program has not said.
            if is_time_open && self.time.is_none() && clock::says_time(value) {
                return Err(UNKNOWN);
            }
            self.values.push(value.clone());
        }
        Ok(())
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
        let values = self.values.clone();
        if values.iter().all(|value| get(members, value).is_none()) {
            // An object of something else.
            self.set_time(members, expected);
            return Ok(());
        }
        let Some(Item::Number(name) | Item::Text(name)) = get(members, series) else {
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
                None => expected.bad_cell(line, value)?,
            }
        }
        Ok(())
    }

    fn wide(&mut self, members: &Members, line: u64, expected: &mut Expected) -> Result<(), Stop> {
        self.set_time(members, expected);
        for (name, item) in members {
            if !self.knows(name) {
                let is_series = match &self.values[..] {
                    [] => self.time.as_ref() != Some(name) && self.is_number(name, item),
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
                None => expected.bad_cell(line, name)?,
            }
        }
        Ok(())
    }

    /// Whether there was what was asked for.
    fn finish(&self, time: Option<&String>) -> Result<(), Stop> {
        let has = |name: &String| self.seen.contains(name);
        let is_usable = match &self.series {
            Some(series) => {
                let has_values = !self.is_first || !self.values.is_empty();
                has_values && has(series) && time.is_none_or(has) && self.values.iter().all(has)
            }
            None if self.values.is_empty() => !self.known.is_empty(),
            None => self.values.iter().all(has),
        };
        if self.objects == 0 || !is_usable { Err(UNUSABLE) } else { Ok(()) }
    }
}

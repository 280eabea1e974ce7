//! NDJSON: an object per line, by the rules of a CSV with members for columns.
//!
//! Members may come and go from line to line, so nothing but the first object can show that a name is wrong: it must have
//! the time and the series that the command line names, and the values too where they are one per row. Where records are
//! passed on, a wrong name is only a note, because the right object may be yet to come.

mod members;

use super::columns::{Wanted, quoted};
use super::influx::Influx;
use super::lines::{Found, Lines, Span};
use super::reader::{Client, Input, Next, Reader, Roles, Use};
use super::record::{Record, Series, Value, When};
use crate::console::Console;
use crate::failure::Failure;
use crate::text::moments::Moments;
use crate::text::number;
use crate::text::quote::push_string;
use members::{Members, Value as Member};
use std::borrow::Cow;

/// Objects after which a named member that none of them has is reported.
const ENOUGH: u64 = 100;

/// The reader of NDJSON.
pub(crate) struct Ndjson {
    lines: Lines,
    objects: Objects,
}

/// What objects have shown so far.
struct Objects {
    /// The name of the input in messages.
    input: String,
    columns: Columns,
    /// Whether the client knows the name of the time.
    has_named_time: bool,
    /// Objects so far.
    count: u64,
    /// The named members that none of them had, each with its option.
    missing: Vec<(&'static str, String)>,
    /// The names that the first object has, for messages.
    first: Option<Vec<String>>,
    /// Whether any member has been a number.
    has_numbers: bool,
}

/// The roles of members.
struct Columns {
    wanted: Wanted,
    roles: Roles,
    /// The member with the time.
    time: Option<String>,
}

impl Columns {
    /// Whether the values are a list, which every object has.
    fn is_list(&self) -> bool {
        !self.wanted.series.is_empty() && self.roles == Roles::Learn
    }

    /// Whether the command line gives this member another role than that of the time.
    fn is_named(&self, name: &str) -> bool {
        self.wanted.series.iter().any(|series| series == name) || self.is_value(name)
    }

    fn is_value(&self, name: &str) -> bool {
        self.wanted.values.iter().any(|value| value == name)
    }
}

impl Objects {
    /// Learns from an object which members have which role.
    fn look(&mut self, members: &Members<'_>, client: &mut impl Client) -> Result<(), Failure> {
        self.count += 1;
        if self.first.is_none() {
            self.check_first(members)?;
            self.first = Some(members.iter().map(|(name, _)| name.to_owned()).collect());
        }
        self.missing.retain(|(_, name)| members.get(name).is_none());
        if self.count == ENOUGH {
            self.note_missing(client.console());
        }
        self.find_time(members, client);
        let is_value = |index| members.is_number(index) && self.columns.time.as_deref() != Some(members.name(index));
        self.has_numbers = self.has_numbers || (0..members.len()).any(is_value);
        if !self.has_named_time {
            client.time_name(self.columns.time.as_deref().unwrap_or("row"));
            self.has_named_time = self.columns.time.is_some();
        }
        Ok(())
    }

    /// Looks for the time: the first text. What has been a series is not the time, whatever one of its cells holds.
    fn find_time(&mut self, members: &Members<'_>, client: &impl Client) {
        let Columns { wanted, roles, time } = &self.columns;
        let is_over = match roles {
            Roles::Learn => false,
            Roles::FixAtFirst { needs_time } => !needs_time || self.count > 1,
        };
        if time.is_some() || is_over {
            return;
        }
        let is_series = |name: &str| wanted.series.is_empty() && client.has_series(name);
        let mut texts = members.iter().filter(|(name, _)| !self.columns.is_named(name) && !is_series(name));
        let first_text = texts.find(|(_, value)| match value {
            // Infinities are text only because JSON has no other way to write them.
            // What needs a time needs one that can be read, such as a label cannot.
            Member::Text(text) if *roles != Roles::Learn => Moments::default().read(text.as_bytes()).is_ok(),
            Member::Text(text) => number::parse(text.as_bytes()).is_none_or(f64::is_finite),
            _ => false,
        });
        self.columns.time = first_text.map(|(name, _)| name.to_owned());
    }

    /// Checks that the first object has what every object should have.
    fn check_first(&mut self, members: &Members<'_>) -> Result<(), Failure> {
        let Columns { wanted, roles, .. } = &mut self.columns;
        if *roles != Roles::Learn {
            return Ok(());
        }
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
            let is_free =
                |name: &str| !wanted.series.iter().any(|series| series == name) && wanted.time.as_deref() != Some(name);
            let numbers = members.iter().filter(|(name, value)| is_free(name) && matches!(value, Member::Number(_)));
            let numbers: Vec<&str> = numbers.map(|(name, _)| name).collect();
            let [value] = numbers[..] else {
                let found = if numbers.is_empty() { "no member".to_owned() } else { quoted(numbers.into_iter()) };
                return Err(Failure::usage(format!(
                    "the values may be in one member, and there are {found} with numbers: choose with --value, and name the time \
                     with --time"
                )));
            };
            wanted.values.push(value.to_owned());
        }
        Ok(())
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
    fn check_end(&self, rows: u64) -> Result<(), Failure> {
        let input = &self.input;
        if rows == 0 {
            return Err(Failure::usage(format!("{input} is empty")));
        }
        let Some(first) = &self.first else {
            return Err(Failure::usage(format!("{input}: no line is a JSON object")));
        };
        let existing = quoted(first.iter().map(String::as_str));
        if !self.columns.wanted.series.is_empty() {
            return Ok(());
        }
        if let Some((_, value)) = self.missing.iter().find(|(option, _)| *option == "--value") {
            return Err(Failure::usage(format!(
                "--value {value}: no object has such a member; the first has {existing}"
            )));
        }
        if !self.has_numbers && self.columns.wanted.values.is_empty() {
            return Err(Failure::usage(format!("{input}: no member holds numbers; the first object has {existing}")));
        }
        Ok(())
    }
}

impl Reader for Ndjson {
    type Record<'a> = Object<'a>;

    const ENDINGS: &'static [&'static str] = &["ndjson", "jsonl", "json"];
    const USES: &'static [Use] = &[Use::Columns, Use::TimeForm, Use::Missing];

    /// The name of a point may begin with a brace, too.
    fn looks_like(first: &[u8]) -> bool {
        let is_object = || Members::parse(first).is_ok();
        first.trim_ascii_start().starts_with(b"{") && (is_object() || !Influx::is_point(first, true))
    }

    fn open(input: Input) -> Result<Self, Failure> {
        let Input { lines, name, options, roles, .. } = input;
        let wanted = options.wanted;
        let Wanted { time, series, values } = &wanted;
        let values = values.iter().map(|name| ("--value", name));
        let others = time.iter().map(|name| ("--time", name)).chain(series.iter().map(|name| ("--series", name)));
        let missing = others.chain(values).map(|(option, name)| (option, name.clone())).collect();
        let columns = Columns { time: time.clone(), wanted, roles };
        let (has_named_time, has_numbers) = (false, false);
        let objects = Objects { input: name, columns, has_named_time, count: 0, missing, first: None, has_numbers };
        Ok(Self { lines, objects })
    }

    fn next(&mut self, client: &mut impl Client) -> Result<Next<'_, Object<'_>>, Failure> {
        let Self { lines, objects } = self;
        if let (0, Some(time), false) = (objects.count, &objects.columns.time, objects.has_named_time) {
            client.time_name(time);
            objects.has_named_time = true;
        }
        let found = lines.advance(&mut |need| client.before_read(need))?;
        let span = lines.span();
        Ok(match found {
            Found::End => {
                objects.note_missing(client.console());
                Next::End
            }
            Found::TooLong => Next::Broken(span, "the line is too long".to_owned()),
            Found::Line if lines.current().trim_ascii().is_empty() => Next::Blank(span),
            Found::Line => match Members::parse(lines.current()) {
                Err(why) => Next::Broken(span, why),
                Ok(members) => {
                    objects.look(&members, client)?;
                    let columns = &objects.columns;
                    let time = columns.time.as_deref().and_then(|name| members.get(name));
                    Next::Record(Object { members, columns, time, lines: span })
                }
            },
        })
    }

    fn check_end(&self, rows: u64) -> Result<(), Failure> {
        self.objects.check_end(rows)
    }
}

/// One object.
pub(crate) struct Object<'a> {
    members: Members<'a>,
    columns: &'a Columns,
    /// The member with the time; none where this object has none.
    time: Option<Member<'a>>,
    lines: Span<'a>,
}

impl Record for Object<'_> {
    const IS_ROW: bool = false;

    fn span(&self) -> Span<'_> {
        self.lines
    }

    fn time(&self) -> When<'_> {
        match (&self.time, &self.columns.time) {
            (Some(time), _) => {
                When::Cell { text: time.text().as_bytes(), is_number: matches!(time, Member::Number(_)) }
            }
            (None, Some(_)) => When::Absent,
            (None, None) => When::Nowhere,
        }
    }

    fn series(&self) -> Series<'_> {
        let Some(series) = self.columns.wanted.series.first() else { return Series::Each };
        let name = match self.members.get(series) {
            None => return Series::Unnamed(format!("no member {series:?}")),
            Some(Member::Number(text) | Member::Text(Cow::Borrowed(text))) => Cow::Borrowed(text.as_bytes()),
            Some(Member::Text(Cow::Owned(text))) => Cow::Owned(text.into_bytes()),
            Some(Member::Null | Member::Other(_)) => Cow::Borrowed(&b""[..]),
        };
        if name.trim_ascii().is_empty() {
            return Series::Unnamed("the series has no name".to_owned());
        }
        Series::Named(name)
    }

    fn len(&self) -> usize {
        if self.columns.is_list() { self.columns.wanted.values.len() } else { self.members.len() }
    }

    fn name(&self, cell: usize) -> &str {
        if self.columns.is_list() {
            self.columns.wanted.values.get(cell).map_or("", String::as_str)
        } else {
            self.members.name(cell)
        }
    }

    fn is_number(&self, cell: usize) -> bool {
        let Columns { wanted, time, .. } = self.columns;
        let name = self.name(cell);
        if !wanted.values.is_empty() {
            return self.columns.is_value(name);
        }
        self.members.is_number(cell)
            && time.as_deref() != Some(name)
            && !wanted.series.iter().any(|series| series == name)
    }

    fn value(&self, cell: usize) -> Value<'_> {
        let member = if self.columns.is_list() { self.members.get(self.name(cell)) } else { self.members.value(cell) };
        match member {
            None => Value::Absent,
            Some(Member::Null) => Value::Number(f64::NAN),
            Some(Member::Number(text)) => {
                number::parse(text.as_bytes()).map_or(Value::NotANumber(Cow::Borrowed(text)), Value::Number)
            }
            Some(Member::Text(text)) => {
                let number = number::parse(text.as_bytes());
                number.map_or(Value::NotANumber(text), Value::Number)
            }
            Some(Member::Other(text)) => Value::NotANumber(Cow::Borrowed(text)),
        }
    }

    fn split(&self) -> (&[u8], &[u8]) {
        let raw = self.lines.raw;
        raw.split_at(raw.iter().rposition(|byte| *byte == b'}').unwrap_or(raw.len()))
    }

    const EQUALS: &'static str = "\":";

    /// Writes the name as JSON, without the quote at its end.
    fn write_key(&self, cell: usize, key: &mut Vec<u8>) {
        key.push(b',');
        push_string(key, self.name(cell).as_bytes());
        key.pop();
    }
}

//! An object as a record.

use super::members::{Members, Value as Member};
use super::objects::Columns;
use crate::formats::lines::Span;
use crate::formats::record::{Record, Series, Value, When};
use crate::text::quote::push_string;
use std::borrow::Cow;
use std::collections::HashMap;

/// One object.
pub(crate) struct Object<'a> {
    pub(super) members: Members<'a>,
    pub(super) columns: &'a Columns,
    /// The member with the time; none where this object has none.
    pub(super) time: Option<Member<'a>>,
    pub(super) lines: Span<'a>,
    /// Whether it has none of the values that the command line asks for, and so is of no series.
    pub(super) is_beside: bool,
    /// Members that are known to be counters, or to be none.
    pub(super) counters: &'a HashMap<String, bool>,
}

impl Object<'_> {
    /// The name of the series in several members, with the places of those that are not there empty.
    fn joined(&self) -> Series<'_> {
        let mut joined = String::new();
        let mut has_any = false;
        for (index, series) in self.columns.wanted.series.iter().enumerate() {
            if index > 0 {
                joined.push('/');
            }
            if let Some(member @ (Member::Number(_) | Member::Text(_))) = self.members.get(series) {
                has_any |= !member.text().trim_ascii().is_empty();
                joined.push_str(member.text());
            }
        }
        if has_any {
            Series::Named(Cow::Owned(joined.into_bytes()))
        } else {
            Series::Unnamed("the series has no name".to_owned())
        }
    }
}

impl Record for Object<'_> {
    const IS_ROW: bool = false;

    #[inline]
    fn span(&self) -> Span<'_> {
        self.lines
    }

    #[inline]
    fn time(&self) -> When<'_> {
        match (&self.time, &self.columns.time) {
            (Some(time), _) => {
                When::Cell { text: time.text().as_bytes(), is_number: matches!(time, Member::Number(_)) }
            }
            (None, Some(_)) => When::Absent,
            (None, None) => When::Nowhere,
        }
    }

    #[inline]
    fn series(&self) -> Series<'_> {
        let series = match &self.columns.wanted.series[..] {
            _ if self.is_beside => return Series::Each,
            [] => return Series::Each,
            [series] => series,
            _ => return self.joined(),
        };
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

    #[inline]
    fn len(&self) -> usize {
        match self.columns.is_list() {
            true if self.is_beside => 0,
            true => self.columns.wanted.values.len(),
            false => self.members.len(),
        }
    }

    #[inline]
    fn name(&self, cell: usize) -> &str {
        if self.columns.is_list() {
            self.columns.wanted.values.get(cell).map_or("", String::as_str)
        } else {
            self.members.name(cell)
        }
    }

    #[inline]
    fn is_number(&self, cell: usize) -> bool {
        let Columns { wanted, time, .. } = self.columns;
        let name = self.name(cell);
        if !wanted.values.is_empty() {
            return self.columns.is_value(name);
        }
        time.as_deref() != Some(name) && !self.columns.is_series(name) && self.columns.is_number(&self.members, cell)
    }

    #[inline]
    fn value(&self, cell: usize) -> Value<'_> {
        let member = if self.columns.is_list() { self.members.get(self.name(cell)) } else { self.members.value(cell) };
        let Some(member) = member else { return Value::Absent };
        match (member.number(&self.columns.missing), member) {
            (Some(number), _) => Value::Number(number),
            (None, Member::Text(text)) => Value::NotANumber(text),
            (None, Member::Null) => Value::Number(f64::NAN),
            (None, Member::Number(text) | Member::Other(text)) => Value::NotANumber(Cow::Borrowed(text)),
        }
    }

    fn is_counter(&self, cell: usize) -> Option<bool> {
        self.counters.get(self.name(cell)).copied()
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

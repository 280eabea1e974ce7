//! An object to its members, those of objects within it by their paths.
//!
//! Values stay text until somebody wants them, so that a number is read by the same rule as in a CSV and a time comes out
//! as it went in. `{"data":{"value":1}}` has the members `data` and `data.value`, unless it has one that is called `data.value`
//! itself. Arrays are not entered.

use super::bare;
use crate::text::number::Words;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Most objects that are entered, one within the other.
const MOST_DEPTH: usize = 16;

/// The members of one object, in order.
pub(crate) struct Members<'a>(Vec<(Name<'a>, &'a RawValue)>);

/// The value of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Number(&'a str),
    Text(Cow<'a, str>),
    /// A truth value, an array or an object.
    Other(&'a str),
}

impl<'a> Members<'a> {
    /// The object that a text is, or what is wrong with it. What is JSON but for bare words such as `NaN`, as Python writes it, is
    /// made JSON in `room`.
    pub(crate) fn parse(text: &'a [u8], room: &'a mut Vec<u8>) -> Result<Self, String> {
        parse::<Self>(text, room).map(Self::flattened)
    }

    /// Takes over the members of the objects around this one that it does not have itself.
    pub(crate) fn inherit(&mut self, others: &'a [u8]) {
        let Ok(Self(others)) = serde_json::from_slice(others) else { return };
        // The nearest comes last.
        for (name, raw) in others.into_iter().rev() {
            if !self.0.iter().any(|(own, _)| own.0 == name.0) {
                self.0.push((name, raw));
            }
        }
    }

    /// The members with those of objects within.
    fn flattened(self) -> Self {
        let is_object = |raw: &RawValue| raw.get().starts_with('{');
        if !self.0.iter().any(|(_, raw)| is_object(raw)) {
            return self;
        }
        let dotted: Vec<String> =
            self.0.iter().filter(|(name, _)| name.0.contains('.')).map(|(name, _)| name.0.to_string()).collect();
        let mut all = Vec::with_capacity(2 * self.0.len());
        for (name, raw) in self.0 {
            let path = is_object(raw).then(|| name.0.to_string());
            all.push((name, raw));
            if let Some(mut path) = path {
                enter(&mut all, &mut path, raw, &dotted, MOST_DEPTH);
            }
        }
        Self(all)
    }

    /// The number of members.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The name of a member.
    #[inline]
    pub(crate) fn name(&self, index: usize) -> &str {
        self.0.get(index).map_or("", |(name, _)| name.0.as_ref())
    }

    /// The value of a member.
    #[inline]
    pub(crate) fn value(&self, index: usize) -> Option<Value<'a>> {
        self.0.get(index).map(|(_, raw)| Value::of(raw.get()))
    }

    /// Whether a member is a number without quotes.
    #[inline]
    pub(crate) fn is_number(&self, index: usize) -> bool {
        self.0.get(index).is_some_and(|(_, raw)| is_number(raw.get()))
    }

    /// Every member.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Value<'a>)> + Clone {
        self.0.iter().map(|(name, raw)| (name.0.as_ref(), Value::of(raw.get())))
    }

    /// Every member with its text in JSON.
    pub(crate) fn raw(&self) -> impl Iterator<Item = (&str, &'a str)> + Clone {
        self.0.iter().map(|(name, raw)| (name.0.as_ref(), raw.get()))
    }

    /// The member of this name.
    #[inline]
    pub(crate) fn get(&self, wanted: &str) -> Option<Value<'a>> {
        self.0.iter().find(|(name, _)| name.0 == wanted).map(|(_, raw)| Value::of(raw.get()))
    }
}

/// What a text holds, or what is wrong with it. Bare words such as `NaN` are put in quotes, in `room`.
#[inline]
pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a [u8], room: &'a mut Vec<u8>) -> Result<T, String> {
    match serde_json::from_str(utf8(text)?) {
        Ok(found) => Ok(found),
        Err(error) if error.is_syntax() && bare::quote(text, room) => {
            serde_json::from_str(utf8(room)?).map_err(|error| cause(&error))
        }
        Err(error) => Err(cause(&error)),
    }
}

fn utf8(text: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(text).map_err(|_| "the row is not UTF-8".to_owned())
}

/// What is wrong with a text.
fn cause(error: &serde_json::Error) -> String {
    // The message counts lines within this one.
    let message = error.to_string();
    let cause = message.split(" at line ").next().unwrap_or_default();
    if error.line() > 1 {
        return format!("{cause} (in its line {}, at byte {})", error.line(), error.column());
    }
    format!("{cause} (at byte {})", error.column())
}

/// Adds the members of an object within, below this path. Those of `dotted` names are there already.
fn enter<'a>(
    all: &mut Vec<(Name<'a>, &'a RawValue)>,
    path: &mut String,
    raw: &'a RawValue,
    dotted: &[String],
    depth: usize,
) {
    // A name whose surrogates do not pair is no text.
    let Ok(Members(members)) = serde_json::from_str(raw.get()) else { return };
    let length = path.len();
    for (name, raw) in members {
        path.push('.');
        path.push_str(&name.0);
        if !dotted.iter().any(|other| other == path) {
            all.push((Name(Cow::Owned(path.clone())), raw));
            if depth > 1 && raw.get().starts_with('{') {
                enter(all, path, raw, dotted, depth - 1);
            }
        }
        path.truncate(length);
    }
}

impl<'a> Value<'a> {
    /// The value of a valid piece of JSON.
    #[inline]
    pub(crate) fn of(raw: &'a str) -> Self {
        match raw.as_bytes().first() {
            Some(b'n') => Self::Null,
            _ if is_number(raw) => Self::Number(raw),
            Some(b'"') => {
                let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or_default();
                if inner.contains('\\') {
                    serde_json::from_str(raw).map_or(Self::Other(raw), |text| Self::Text(Cow::Owned(text)))
                } else {
                    Self::Text(Cow::Borrowed(inner))
                }
            }
            _ => Self::Other(raw),
        }
    }

    /// The value as text, where it is a single one.
    #[inline]
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Null => "",
            Self::Number(text) | Self::Other(text) => text,
            Self::Text(text) => text,
        }
    }

    /// The number that the value is, in quotes or not; NaN where it is missing.
    #[inline]
    pub(crate) fn number(&self, missing: &Words) -> Option<f64> {
        match self {
            Self::Null => Some(f64::NAN),
            Self::Number(text) => missing.parse(text.as_bytes()),
            Self::Text(text) => missing.parse(text.as_bytes()),
            Self::Other(_) => None,
        }
    }
}

/// Whether a valid piece of JSON is a number.
#[inline]
fn is_number(raw: &str) -> bool {
    matches!(raw.as_bytes().first(), Some(b'-' | b'0'..=b'9'))
}

/// The name of a member: a piece of the line, unless it has escapes or is a path.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a member")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_pieces_of_the_line() {
        let line = br#"{"t":"a\tb", "x\"":1.50,"n":null,"o":[{"deep":1}] ,"b":true}"#;
        let mut room = Vec::new();
        let members = Members::parse(line, &mut room).ok().unwrap();
        let seen: Vec<_> = members.iter().collect();
        let expected = [
            ("t", Value::Text("a\tb".into())),
            ("x\"", Value::Number("1.50")),
            ("n", Value::Null),
            ("o", Value::Other(r#"[{"deep":1}]"#)),
            ("b", Value::Other("true")),
        ];
        assert_eq!(seen, expected);
        assert_eq!(members.get("x\""), Some(Value::Number("1.50")));
        assert_eq!(members.get("x"), None);
    }

    fn names(line: &str) -> Vec<String> {
        let mut room = Vec::new();
        let members = Members::parse(line.as_bytes(), &mut room).ok().unwrap();
        members.iter().map(|(name, value)| format!("{name}={}", value.text())).collect()
    }

    #[test]
    fn members_of_objects_within_have_paths() {
        assert_eq!(
            names(r#"{"a":{"b":{"c":1},"d.e":2},"f":3}"#),
            [r#"a={"b":{"c":1},"d.e":2}"#, r#"a.b={"c":1}"#, "a.b.c=1", "a.d.e=2", "f=3"]
        );
        assert_eq!(names(r#"{"a":{"b":1},"a.b":2}"#), [r#"a={"b":1}"#, "a.b=2"]);
        assert_eq!(names(r#"{"a":{},"b":[{"c":1}],"d":"{\"e\":1}"}"#), ["a={}", r#"b=[{"c":1}]"#, r#"d={"e":1}"#]);
        // As deep as that, and no deeper.
        let deep = format!("{}1{}", r#"{"a":"#.repeat(40), "}".repeat(40));
        assert_eq!(names(&deep).len(), 1 + MOST_DEPTH);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let mut room = Vec::new();
        for line in
            [&b"[1]"[..], b"1", b"{\"a\":}", b"{\"a\":1", b"{\"a\":1}}", b"{\"a\":\"\xFF\"}", b"{a:1}", b"{\"a\":nil}"]
        {
            assert!(Members::parse(line, &mut room).is_err(), "{line:?}");
        }
    }
}

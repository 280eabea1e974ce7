//! A line of NDJSON to the members of its object.
//!
//! Values stay text until somebody wants them, so that a number is read by the same rule as in a CSV and a time comes out
//! as it went in.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

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
    /// The object on a line, or what is wrong with the line.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, String> {
        let line = std::str::from_utf8(line).map_err(|_| "the row is not UTF-8".to_owned())?;
        serde_json::from_str(line).map_err(|error| {
            // The message counts lines within this one.
            let message = error.to_string();
            let cause = message.split(" at line 1").next().unwrap_or_default();
            format!("{cause} (at byte {})", error.column())
        })
    }

    /// The number of members.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The name of a member.
    pub(crate) fn name(&self, index: usize) -> &str {
        self.0.get(index).map_or("", |(name, _)| name.0.as_ref())
    }

    /// The value of a member.
    pub(crate) fn value(&self, index: usize) -> Option<Value<'a>> {
        self.0.get(index).map(|(_, raw)| Value::of(raw.get()))
    }

    /// Whether a member is a number.
    pub(crate) fn is_number(&self, index: usize) -> bool {
        self.0.get(index).is_some_and(|(_, raw)| is_number(raw.get()))
    }

    /// Every member.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Value<'a>)> {
        self.0.iter().map(|(name, raw)| (name.0.as_ref(), Value::of(raw.get())))
    }

    /// The member of this name.
    pub(crate) fn get(&self, wanted: &str) -> Option<Value<'a>> {
        self.0.iter().find(|(name, _)| name.0 == wanted).map(|(_, raw)| Value::of(raw.get()))
    }
}

impl<'a> Value<'a> {
    /// The value of a valid piece of JSON.
    fn of(raw: &'a str) -> Self {
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
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Null => "",
            Self::Number(text) | Self::Other(text) => text,
            Self::Text(text) => text,
        }
    }
}

/// Whether a valid piece of JSON is a number.
fn is_number(raw: &str) -> bool {
    matches!(raw.as_bytes().first(), Some(b'-' | b'0'..=b'9'))
}

/// The name of a member: a piece of the line, unless it has escapes.
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
        let line = br#"{"t":"a\tb", "x\"":1.50,"n":null,"o":{"deep":[1]} ,"b":true}"#;
        let members = Members::parse(line).ok().unwrap();
        let seen: Vec<_> = members.iter().collect();
        let expected = [
            ("t", Value::Text("a\tb".into())),
            ("x\"", Value::Number("1.50")),
            ("n", Value::Null),
            ("o", Value::Other(r#"{"deep":[1]}"#)),
            ("b", Value::Other("true")),
        ];
        assert_eq!(seen, expected);
        assert_eq!(members.get("x\""), Some(Value::Number("1.50")));
        assert_eq!(members.get("x"), None);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for line in [&b"[1]"[..], b"1", b"{\"a\":}", b"{\"a\":1", b"{\"a\":1}}", b"{\"a\":\"\xFF\"}", b"{a:1}"] {
            assert!(Members::parse(line).is_err(), "{line:?}");
        }
    }
}

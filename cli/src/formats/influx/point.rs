//! A line of the influx line protocol to the parts of its point.
//!
//! ```text
//! measurement[,tag=value]... field=value[,field=value]... [timestamp]
//! ```
//!
//! This follows the grammar that `InfluxData` publishes with its own decoder (`line-protocol.ebnf`), and keeps the place of
//! everything, so that a line can be passed on byte for byte. In names a run of backslashes takes the character behind it
//! into the name. In a string a backslash takes any one character, and a string may hold ends of lines: then the point goes
//! on in the next line.
//!
//! The crate `influxdb-line-protocol` reads a somewhat different language. It refuses `1.` and `.5`, which `InfluxDB` takes;
//! it takes a comma behind the last field, which `InfluxDB` refuses; and it makes one series of `a\b` and `a\\b`, which
//! `InfluxDB` keeps apart. So the tests hold this reader to it where the two should agree, and to `InfluxDB` itself.

use std::fmt;
use std::ops::Range;

/// The parts of one point, by their places in the text.
#[derive(Debug, Default)]
pub(crate) struct Point {
    /// Measurement and tags, with the commas between them.
    pub(crate) series: Range<usize>,
    /// Each tag, `name=value`.
    pub(crate) tags: Vec<Range<usize>>,
    pub(crate) fields: Vec<Field>,
    /// The end of the last field.
    pub(crate) fields_end: usize,
    /// The timestamp, in whatever unit.
    pub(crate) time: Option<i64>,
    /// The digits of the timestamp.
    pub(crate) time_text: Range<usize>,
    /// The place up to which a text has been read that ended within a string.
    at: usize,
}

/// One field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    /// The name as it is written.
    pub(crate) name: Range<usize>,
    pub(crate) value: Value,
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    Float(f64),
    Integer(i64),
    Unsigned(u64),
    /// A string or a truth value.
    Other,
}

/// A reason why a line is no point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The text ends within a string, which may go on in the next line: see [`Point::resume`].
    Unclosed,
    /// A fault, and the byte before which it is.
    At(&'static str, usize),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed => f.write_str("a string is opened and never closed"),
            Self::At(what, at) => write!(f, "{what} (at byte {})", at + 1),
        }
    }
}

impl Point {
    /// Reads a line without its end, which is neither blank nor a comment.
    pub(crate) fn read(&mut self, text: &[u8]) -> Result<(), Broken> {
        self.tags.clear();
        self.fields.clear();
        self.time = None;
        let start = spaces(text, 0);
        let mut at = name(text, start, |byte| matches!(byte, b',' | b' '), "there is no measurement")?;
        while text.get(at) == Some(&b',') {
            let tag = at + 1;
            at = name(text, tag, is_end_of_name, "a tag has no name")?;
            if text.get(at) != Some(&b'=') {
                return Err(Broken::At("a tag has no value", at));
            }
            at = name(text, at + 1, is_end_of_name, "a tag has no value")?;
            if text.get(at) == Some(&b'=') {
                return Err(Broken::At("a tag has two values", at));
            }
            self.tags.push(tag..at);
        }
        self.series = start..at;
        match spaces(text, at) {
            end if end == text.len() => Err(Broken::At("there are no fields", end)),
            first => self.fields(text, first),
        }
    }

    /// Reads on where the text ended within a string, now that there is more of it.
    pub(crate) fn resume(&mut self, text: &[u8]) -> Result<(), Broken> {
        let end = self.string(text, self.at)?;
        if text.get(end) == Some(&b',') { self.fields(text, end + 1) } else { self.end(text, end) }
    }

    /// The fields from this place on, and what follows them.
    fn fields(&mut self, text: &[u8], mut at: usize) -> Result<(), Broken> {
        loop {
            let equals = name(text, at, is_end_of_name, "a field has no name")?;
            if text.get(equals) != Some(&b'=') {
                return Err(Broken::At("a field has no value", equals));
            }
            let (name, start) = (at..equals, equals + 1);
            if text.get(start) == Some(&b'"') {
                self.fields.push(Field { name, value: Value::Other });
                at = self.string(text, start + 1)?;
            } else {
                let bare = until(text, start, |byte| matches!(byte, b',' | b' '));
                let value = value(bare).map_err(|what| Broken::At(what, start))?;
                self.fields.push(Field { name, value });
                at = start + bare.len();
            }
            if text.get(at) != Some(&b',') {
                return self.end(text, at);
            }
            at += 1;
        }
    }

    /// The place behind the string that this place is in.
    fn string(&mut self, text: &[u8], mut at: usize) -> Result<usize, Broken> {
        loop {
            let rest = text.get(at..).unwrap_or_default();
            match memchr::memchr2(b'"', b'\\', rest) {
                Some(found) if rest[found] == b'"' => return Ok(at + found + 1),
                // The next character belongs to the backslash, even where it is the end of the line.
                Some(found) => at += found + 2,
                None => {
                    self.at = at.max(text.len());
                    return Err(Broken::Unclosed);
                }
            }
        }
    }

    /// The end of the fields, and the timestamp if there is one.
    fn end(&mut self, text: &[u8], at: usize) -> Result<(), Broken> {
        self.fields_end = at;
        let start = spaces(text, at);
        if start == text.len() {
            return Ok(());
        }
        if start == at {
            return Err(Broken::At("there is something behind a string", at));
        }
        let digits = until(text, start, |byte| byte == b' ');
        let end = start + digits.len();
        if spaces(text, end) < text.len() {
            return Err(Broken::At("there is something behind the timestamp", end));
        }
        self.time_text = start..end;
        self.time = Some(whole(digits).ok_or(Broken::At("the timestamp is no integer of 64 bits", start))?);
        Ok(())
    }
}

/// Whether a byte ends the name of a tag or field, or the value of a tag, unless it has a backslash.
#[inline]
fn is_end_of_name(byte: u8) -> bool {
    matches!(byte, b',' | b'=' | b' ')
}

/// The first place from here on that is no space.
#[inline]
fn spaces(text: &[u8], at: usize) -> usize {
    at + until(text, at, |byte| byte != b' ').len()
}

/// The text from here to the first such byte.
#[inline]
fn until(text: &[u8], at: usize, is_end: impl Fn(u8) -> bool) -> &[u8] {
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len());
    &rest[..length]
}

/// The place behind a name that must not be empty.
#[inline]
fn name(text: &[u8], start: usize, is_end: impl Fn(u8) -> bool, empty: &'static str) -> Result<usize, Broken> {
    let mut at = start;
    while let Some(&byte) = text.get(at)
        && !is_end(byte)
    {
        if byte == b'\\' {
            // The run of backslashes takes the character behind it into the name.
            at += until(text, at, |byte| byte != b'\\').len();
            if at == text.len() {
                return Err(Broken::At("there is nothing behind a backslash", at));
            }
        }
        at += 1;
    }
    if at == start { Err(Broken::At(empty, at)) } else { Ok(at) }
}

/// Reads a value without quotes, or returns what is wrong with it.
#[inline]
fn value(text: &[u8]) -> Result<Value, &'static str> {
    const NOTHING: &str = "a value is no number, no truth value and no string in quotes";
    match text {
        [] => Err("a field has no value"),
        [digits @ .., b'i'] => whole(digits).map(Value::Integer).ok_or("a value is no integer of 64 bits"),
        [digits @ .., b'u'] => unsigned(digits).map(Value::Unsigned).ok_or("a value is no unsigned integer of 64 bits"),
        [b'-' | b'.' | b'0'..=b'9', ..] => match fast_float2::parse::<f64, _>(text) {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            // Names of infinities are no numbers here.
            Ok(_) if text.iter().any(u8::is_ascii_digit) => Err("a number is too large"),
            _ => Err(NOTHING),
        },
        b"t" | b"T" | b"true" | b"True" | b"TRUE" | b"f" | b"F" | b"false" | b"False" | b"FALSE" => Ok(Value::Other),
        _ => Err(NOTHING),
    }
}

/// An integer with or without a minus sign.
fn whole(text: &[u8]) -> Option<i64> {
    if text.starts_with(b"+") { None } else { std::str::from_utf8(text).ok()?.parse().ok() }
}

/// An integer without a sign.
fn unsigned(text: &[u8]) -> Option<u64> {
    if text.starts_with(b"+") { None } else { std::str::from_utf8(text).ok()?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A point as text: the series, its fields by name and value, where the fields end, the time.
    type Said = (String, Vec<(String, Value)>, usize, Option<i64>);

    fn read(text: &str) -> Result<Said, Broken> {
        let mut point = Point::default();
        point.read(text.as_bytes())?;
        let fields = point.fields.iter().map(|field| (text[field.name.clone()].to_owned(), field.value)).collect();
        Ok((text[point.series].to_owned(), fields, point.fields_end, point.time))
    }

    #[test]
    fn a_point_has_its_parts() {
        let text = r#"cpu,host=a\ b,cell=x\=y load=1.5,n=42i,big=18446744073709551615u,up=t,why="a, b=\"c\" d" -17 "#;
        let (series, fields, end, time) = read(text).unwrap();
        assert_eq!(series, r"cpu,host=a\ b,cell=x\=y");
        let expected = [
            ("load", Value::Float(1.5)),
            ("n", Value::Integer(42)),
            ("big", Value::Unsigned(u64::MAX)),
            ("up", Value::Other),
            ("why", Value::Other),
        ];
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!((&text[end..], time), (" -17 ", Some(-17)));
    }

    #[test]
    fn numbers_are_those_of_the_grammar() {
        for (text, number) in
            [("1", 1.0), ("-1.5", -1.5), ("1.", 1.0), (".5", 0.5), ("-.5e-3", -0.0005), ("1.e5", 1e5), ("1E+2", 100.0)]
        {
            assert_eq!(read(&format!("m f={text}")).unwrap().1[0].1, Value::Float(number), "{text}");
        }
        assert_eq!(read("m f=-9223372036854775808i").unwrap().1[0].1, Value::Integer(i64::MIN));
        for text in [
            "",
            "+1",
            "-",
            ".",
            "-.",
            "e5",
            "1e",
            "1.2.3",
            "0x1",
            "1_0",
            "inf",
            "-inf",
            "nan",
            "NaN",
            "1e400",
            "-1e400",
            "i",
            "u",
            "-i",
            "+1i",
            "1.5i",
            "9223372036854775808i",
            "-1u",
            "+1u",
            "18446744073709551616u",
            "tRUE",
            "yes",
            "'a'",
            "1\t",
            "infinity",
            "-infinity",
            "1 5 6",
            "1 x",
            "1 9223372036854775808",
            "1 +5",
            "\"a\"b",
            "1,",
            "1, 5",
            "1,,b=1",
        ] {
            assert!(matches!(read(&format!("m f={text}")), Err(Broken::At(..))), "{text}");
        }
    }

    #[test]
    fn lines_without_a_part_are_refused() {
        for text in [
            "m",
            "m ",
            "m f",
            "m f ",
            ",a=b f=1",
            "m,a=b",
            "m,a f=1",
            "m,a= f=1",
            "m,=b f=1",
            "m,a=b=c f=1",
            "m, f=1",
            "m a,b=1",
            "m =1",
            "m f==1",
            "m f=1 g=2",
            r"m,a=b\ f=1",
            r"m f\",
            r"m\",
            " =",
        ] {
            assert!(matches!(read(text), Err(Broken::At(..))), "{text}");
        }
    }

    #[test]
    fn backslashes_in_names_come_in_runs() {
        assert_eq!(read(r"m\\ x,t=\,\\\= f\==1").unwrap().0, r"m\\ x,t=\,\\\=");
        assert_eq!(read(r"m\a f\\b=1").unwrap().1[0].0, r"f\\b");
        assert_eq!(read(r#"m "f"=1"#).unwrap().1[0].0, r#""f""#);
    }

    #[test]
    fn a_string_goes_on_in_the_next_lines() {
        let text = "m a=1,b=\"one\\\ntwo \\\"\n\nthree\",c=2i,d=\"\n\\\\\" 7";
        let mut point = Point::default();
        let mut ends = text.match_indices('\n').map(|(at, _)| at).chain([text.len()]);
        let mut found = point.read(&text.as_bytes()[..ends.next().unwrap()]);
        for end in ends {
            assert_eq!(found, Err(Broken::Unclosed));
            found = point.resume(&text.as_bytes()[..end]);
        }
        assert_eq!(found, Ok(()));
        let names: Vec<&str> = point.fields.iter().map(|field| &text[field.name.clone()]).collect();
        assert_eq!((names, point.time, point.fields_end), (vec!["a", "b", "c", "d"], Some(7), text.len() - 2));
        // What is behind it is looked at too.
        let mut point = Point::default();
        assert_eq!(point.read(b"m b=\"one"), Err(Broken::Unclosed));
        assert!(matches!(point.resume(b"m b=\"one\ntwo\"x"), Err(Broken::At(..))));
    }
}

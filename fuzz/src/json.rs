//! A line of JSON by the grammar of RFC 8259.

use serde_json::Value;

/// What a member holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Null,
    /// A number as it is written.
    Number(String),
    Text(String),
    /// A truth value, an array, an object, or a text that cannot be one because its surrogates do not pair; as written.
    Other(String),
}

/// Most objects within objects that are entered.
const MOST_DEPTH: usize = 16;

/// The members of the object on a line, with those of objects within by their paths; nothing if there is no object. Words for
/// numbers that JSON does not have count as if they were in quotes.
pub(crate) fn members(line: &[u8]) -> Option<Vec<(String, Item)>> {
    let own = object(line).or_else(|| object(&quoted(line)?))?;
    let dotted: Vec<String> = own.iter().map(|(name, _)| name.clone()).filter(|name| name.contains('.')).collect();
    let mut all = Vec::new();
    for (name, item) in own {
        all.push((name.clone(), item.clone()));
        enter(&name, &item, &dotted, MOST_DEPTH, &mut all);
    }
    Some(all)
}

fn enter(path: &str, item: &Item, dotted: &[String], depth: usize, all: &mut Vec<(String, Item)>) {
    let Item::Other(text) = item else { return };
    if depth == 0 || !text.starts_with('{') {
        return;
    }
    for (name, item) in object(text.as_bytes()).unwrap_or_default() {
        let path = format!("{path}.{name}");
        if !dotted.contains(&path) {
            all.push((path.clone(), item.clone()));
            enter(&path, &item, dotted, depth - 1, all);
        }
    }
}

/// The line with quotes around words that stand for numbers; nothing if it has none.
fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    const WORDS: [&str; 10] = ["NaN", "-NaN", "nan", "-nan", "Infinity", "-Infinity", "inf", "-inf", "Inf", "-Inf"];
    let text = std::str::from_utf8(line).ok()?;
    let (mut out, mut at, mut is_string, mut has_words) = (String::new(), 0, false, false);
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        let is_end = |rest: &str| {
            let rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
            rest.starts_with([',', '}', ']'])
        };
        let word = WORDS
            .iter()
            .filter(|word| rest.starts_with(**word) && is_end(&rest[word.len()..]))
            .max_by_key(|word| word.len());
        if let (false, Some(word)) = (is_string, word) {
            out += &format!("\"{word}\"");
            at += word.len();
            has_words = true;
            continue;
        }
        out.push(letter);
        at += letter.len_utf8();
        if letter == '\\' && is_string {
            let Some(escaped) = text[at..].chars().next() else { break };
            out.push(escaped);
            at += escaped.len_utf8();
        } else if letter == '"' {
            is_string = !is_string;
        }
    }
    has_words.then(|| out.into_bytes())
}

/// The members of the object on a line, in order and with those that come twice; nothing if there is no object.
pub(crate) fn object(line: &[u8]) -> Option<Vec<(String, Item)>> {
    let parsed = std::str::from_utf8(line).ok().and_then(|text| {
        let mut parser = Parser { text, at: 0 };
        let members = parser.object()?;
        parser.space();
        (parser.at == text.len()).then_some(members)
    });
    agree(line, parsed.as_deref());
    parsed
}

/// Whether `serde_json` sees the same members.
fn agree(line: &[u8], members: Option<&[(String, Item)]>) {
    /// What it refuses although the grammar does not.
    const LIMITS: [&str; 4] = ["number out of range", "recursion limit", "surrogate", "end of hex escape"];
    match (serde_json::from_slice(line), members) {
        (Ok(Value::Object(object)), Some(members)) => {
            assert!(members.iter().all(|(name, _)| object.contains_key(name)), "{object:?}, {members:?}");
            for (name, value) in &object {
                let (_, item) = members.iter().rfind(|(candidate, _)| candidate == name).expect("a member");
                let is_same = match value {
                    Value::Null => *item == Item::Null,
                    Value::Number(_) => matches!(item, Item::Number(_)),
                    Value::String(text) => *item == Item::Text(text.clone()),
                    _ => matches!(item, Item::Other(_)),
                };
                assert!(is_same, "{name:?}: {value:?}, {item:?}");
            }
        }
        (Err(error), Some(members)) => {
            let error = error.to_string();
            assert!(LIMITS.iter().any(|limit| error.contains(limit)), "{error}, {members:?}");
        }
        (Ok(value), None) => assert!(!value.is_object(), "{value:?}"),
        (Ok(value), Some(_)) => panic!("{value:?} is no object"),
        (Err(_), None) => {}
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// This, behind any space.
    fn token(&mut self, token: &str) -> Option<()> {
        self.space();
        self.text[self.at..].starts_with(token).then(|| self.at += token.len())
    }

    /// Items between brackets, with commas between them.
    fn list(&mut self, open: &str, close: &str, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.token(open)?;
        if self.token(close).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            if self.token(close).is_some() {
                return Some(());
            }
            self.token(",")?;
        }
    }

    fn object(&mut self) -> Option<Vec<(String, Item)>> {
        let mut members = Vec::new();
        self.list("{", "}", |parser| {
            parser.space();
            let name = parser.string()??;
            parser.token(":")?;
            members.push((name, parser.item()?));
            Some(())
        })?;
        Some(members)
    }

    fn item(&mut self) -> Option<Item> {
        self.space();
        let from = self.at;
        let written = |parser: &Self| parser.text[from..parser.at].to_owned();
        match self.peek()? {
            b'n' => self.token("null").map(|()| Item::Null),
            b't' => self.token("true").map(|()| Item::Other(written(self))),
            b'f' => self.token("false").map(|()| Item::Other(written(self))),
            b'"' => {
                let text = self.string()?;
                Some(text.map_or_else(|| Item::Other(written(self)), Item::Text))
            }
            b'[' => {
                self.list("[", "]", |parser| parser.item().map(|_| ()))?;
                Some(Item::Other(written(self)))
            }
            b'{' => {
                self.list("{", "}", |parser| {
                    parser.space();
                    // What is passed over need not be text.
                    parser.string()?;
                    parser.token(":")?;
                    parser.item().map(|_| ())
                })?;
                Some(Item::Other(written(self)))
            }
            _ => {
                self.number()?;
                Some(Item::Number(written(self)))
            }
        }
    }

    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// A string: nothing if it is none, and nothing within if its surrogates do not pair.
    fn string(&mut self) -> Option<Option<String>> {
        if self.peek()? != b'"' {
            return None;
        }
        self.at += 1;
        let mut units: Vec<u16> = Vec::new();
        loop {
            let next = self.text[self.at..].chars().next()?;
            self.at += next.len_utf8();
            let unit = match next {
                '"' => return Some(String::from_utf16(&units).ok()),
                '\0'..='\x1F' => return None,
                '\\' => {
                    let escape = self.peek()?;
                    self.at += 1;
                    match escape {
                        b'"' | b'\\' | b'/' => escape.into(),
                        b'b' => 8,
                        b'f' => 12,
                        b'n' => 10,
                        b'r' => 13,
                        b't' => 9,
                        b'u' => {
                            let digits = self.text.get(self.at..self.at + 4)?;
                            self.at += 4;
                            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                            is_hex.then(|| u16::from_str_radix(digits, 16).ok())??
                        }
                        _ => return None,
                    }
                }
                plain => {
                    units.extend(plain.encode_utf16(&mut [0; 2]).iter());
                    continue;
                }
            };
            units.push(unit);
        }
    }
}

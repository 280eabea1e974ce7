//! The end of a JSON value, found in bytes that come piece by piece.

use memchr::memchr2;

/// Looks for the end of one value, from its first byte on. Whether what is within is JSON, others find out.
#[derive(Debug, Default)]
pub(super) struct Scan {
    depth: usize,
    is_string: bool,
    is_escaped: bool,
    stage: Stage,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Before,
    Within,
    Behind,
}

impl Scan {
    /// Whether the value has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.stage == Stage::Behind
    }

    /// The number of these bytes, which follow those before, that belong to the value if it ends among them.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.is_string {
                at += self.string(bytes.get(at..).unwrap_or_default());
            } else {
                match byte {
                    b'"' => self.is_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' if self.depth > 0 => self.depth -= 1,
                    // A number or a word ends where something else begins.
                    b',' | b'}' | b']' | b':' if self.depth == 0 => return Some(self.close(at)),
                    _ if self.depth == 0 && self.stage == Stage::Within && byte.is_ascii_whitespace() => {
                        return Some(self.close(at));
                    }
                    _ => {
                        self.stage = Stage::Within;
                        at += 1;
                        continue;
                    }
                }
                self.stage = Stage::Within;
                at += 1;
            }
            if self.depth == 0 && !self.is_string && self.stage == Stage::Within {
                return Some(self.close(at));
            }
        }
        None
    }

    fn close(&mut self, at: usize) -> usize {
        self.stage = Stage::Behind;
        at
    }

    /// The number of bytes that belong to the string that is open.
    fn string(&mut self, bytes: &[u8]) -> usize {
        if std::mem::take(&mut self.is_escaped) {
            return 1;
        }
        match memchr2(b'"', b'\\', bytes) {
            None => bytes.len(),
            Some(at) => {
                self.is_escaped = bytes.get(at) == Some(&b'\\');
                self.is_string = self.is_escaped;
                at + 1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_where_it_ends_however_it_comes() {
        for (text, expected) in [
            (r#"{"a":[1,{"}":"\"}"}]} {"#, Some(r#"{"a":[1,{"}":"\"}"}]}"#)),
            (r#""a\\" ,"#, Some(r#""a\\""#)),
            ("-1.5e3,2", Some("-1.5e3")),
            ("null}", Some("null")),
            ("[[],[]]]", Some("[[],[]]")),
            ("1 2", Some("1")),
            ("{[", None),
            ("\"open", None),
            ("12", None),
        ] {
            let mut whole = Scan::default();
            assert_eq!(whole.end(text.as_bytes()), expected.map(str::len), "{text}");
            assert_eq!(whole.is_closed(), expected.is_some());
            let mut bytewise = Scan::default();
            let ends = text.bytes().position(|byte| bytewise.end(&[byte]).is_some());
            // What ends with a byte of its own ends behind it; a number ends before the next.
            let found = ends.map(|at| if text.starts_with(['{', '[', '"']) { at + 1 } else { at });
            assert_eq!(found, expected.map(str::len), "{text}");
        }
    }
}

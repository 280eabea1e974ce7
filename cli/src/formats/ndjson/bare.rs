//! The words for numbers that JSON does not have, such as `NaN`, which Python and others write all the same.

use memchr::memchr2;

/// The words, longest first where one begins with another.
const WORDS: [&[u8]; 10] =
    [b"-Infinity", b"Infinity", b"-inf", b"inf", b"-nan", b"nan", b"-NaN", b"NaN", b"-Inf", b"Inf"];

/// Writes a text with all such words outside of its strings in quotes. False if it has none.
pub(super) fn quote(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let (mut rest, mut has_words) = (text, false);
    while let Some(&byte) = rest.first() {
        let length = match byte {
            b'"' => string(rest),
            b'-' | b'i' | b'I' | b'n' | b'N' => match WORDS.iter().find(|word| is_word(rest, word)) {
                Some(word) => {
                    out.push(b'"');
                    out.extend_from_slice(word);
                    out.push(b'"');
                    has_words = true;
                    rest = rest.get(word.len()..).unwrap_or_default();
                    continue;
                }
                None => 1,
            },
            _ => 1,
        };
        let (done, more) = rest.split_at(length.min(rest.len()));
        out.extend_from_slice(done);
        rest = more;
    }
    has_words
}

/// Whether a text begins with this word and nothing that would make another of it.
fn is_word(text: &[u8], word: &[u8]) -> bool {
    text.strip_prefix(word).is_some_and(|rest| matches!(rest.trim_ascii_start().first(), Some(b',' | b'}' | b']')))
}

/// The length of the string that a text begins with.
fn string(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += found + 1;
        if text.get(at - 1) == Some(&b'"') {
            return at;
        }
        at += 1;
    }
    // An open string is none of ours; nothing in it is a word.
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_outside_of_strings_get_quotes() {
        let mut out = Vec::new();
        for (text, expected) in [
            (r#"{"a":NaN,"b": -Infinity }"#, Some(r#"{"a":"NaN","b": "-Infinity" }"#)),
            ("[nan,-nan, Infinity]", Some(r#"["nan","-nan", "Infinity"]"#)),
            (r#"{"a":"NaN,","b\":NaN,":1}"#, None),
            (r#"{"a":null,"b":-1,"c":NaNs}"#, None),
            (r#"{"a":nan"#, None),
            (r#"{"a":"\\",b:NaN}"#, Some(r#"{"a":"\\",b:"NaN"}"#)),
        ] {
            let has_words = quote(text.as_bytes(), &mut out);
            assert_eq!(has_words.then(|| String::from_utf8_lossy(&out).into_owned()).as_deref(), expected, "{text}");
        }
    }
}

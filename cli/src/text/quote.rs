//! Text made fit to be shown or written: quoted, shortened, and free of what would command a terminal.

/// Most letters of a bad cell that are shown.
const MOST_SHOWN: usize = 40;

/// A message in which nothing commands a terminal: names in it come from the input.
pub(crate) fn escaped(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    for letter in message.chars() {
        if letter.is_control() { shown.extend(letter.escape_debug()) } else { shown.push(letter) }
    }
    shown
}

/// Says that a cell should have been a number.
pub(crate) fn not_a_number(column: &str, cell: &[u8]) -> String {
    format!("{} is not a number (column {column})", shown(cell))
}

/// A cell in quotes, or its beginning if it is long.
pub(crate) fn shown(cell: &[u8]) -> String {
    let cell = String::from_utf8_lossy(cell);
    let mut shown: String = cell.chars().take(MOST_SHOWN).collect();
    if shown.len() < cell.len() {
        shown.push('\u{2026}');
    }
    format!("{shown:?}")
}

/// A letter that can be shown anywhere: control characters command terminals, cannot be in SVG even
/// escaped, and in HTML they are errors.
pub(crate) fn printable(letter: char) -> char {
    if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { letter }
}

/// The beginning of a text that is longer than anybody reads.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let mut short: String = text.chars().take(most).map(printable).collect();
    if text.chars().nth(most).is_some() {
        short.push('\u{2026}');
    }
    short
}

/// A CSV field, in quotes if it needs them.
#[inline]
pub(crate) fn push_field(out: &mut Vec<u8>, text: &[u8]) {
    let needs_quotes = text.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if !needs_quotes {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for &byte in text {
        if byte == b'"' {
            out.push(byte);
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// A JSON string.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(out, &String::from_utf8_lossy(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_only_where_they_must_be() {
        for (text, field) in
            [("plain text", "plain text"), ("a,b", "\"a,b\""), ("5\"", "\"5\"\"\""), ("a\nb", "\"a\nb\"")]
        {
            let mut out = Vec::new();
            push_field(&mut out, text.as_bytes());
            assert_eq!(out, field.as_bytes());
        }
    }
}

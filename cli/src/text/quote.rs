//! Text made fit to be shown or written: quoted, shortened, and free of what would command a terminal.
//!
//! | for | function | control characters | long text |
//! |---|---|---|---|
//! | messages on standard error | [`escaped`] | escaped | stays |
//! | cells in messages | [`shown`] | escaped, in quotes | cut |
//! | names and times on the screen, in plots and on pages | [`shortened`] | replaced | cut |
//! | CSV, JSON | [`push_field`], [`push_string`] | as the format has them | stays |

/// Most letters of a bad value in a message.
const MOST_CELL_LETTERS: usize = 40;

/// A message in which nothing commands a terminal: names in it come from the input.
pub(crate) fn escaped(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    for letter in message.chars() {
        if letter.is_control() { shown.extend(letter.escape_debug()) } else { shown.push(letter) }
    }
    shown
}

/// The message that a cell should have been a number.
pub(crate) fn not_a_number(column: &str, cell: &[u8]) -> String {
    format!("{} is not a number (column {column})", shown(cell))
}

/// A cell in quotes, or its beginning if it is long.
pub(crate) fn shown(cell: &[u8]) -> String {
    let beginning: String = beginning(&String::from_utf8_lossy(cell), MOST_CELL_LETTERS).collect();
    format!("{beginning:?}")
}

/// A text as it can be shown anywhere, of at most `most_letters`, an ellipsis for the rest among them. Letters that
/// command a terminal, or that SVG and HTML cannot have, are replaced.
pub(crate) fn shortened(text: &str, most_letters: usize) -> String {
    let is_unfit = |letter: char| letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}');
    beginning(text, most_letters).map(|letter| if is_unfit(letter) { '\u{fffd}' } else { letter }).collect()
}

/// The letters of a text, at most `most`: of a longer text the last of them is an ellipsis.
fn beginning(text: &str, most: usize) -> impl Iterator<Item = char> {
    let is_longer = text.chars().nth(most).is_some();
    let (letters, end) = if is_longer { (most.saturating_sub(1), most.min(1)) } else { (most, 0) };
    text.chars().take(letters).chain(std::iter::repeat_n('\u{2026}', end))
}

/// Appends a CSV field, in quotes if it needs them.
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

/// Appends a JSON string.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(out, &String::from_utf8_lossy(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_to_the_letters_that_there_may_be() {
        let cut = |most: usize| shortened("\u{e9}\u{1f600}cd", most);
        assert_eq!([0, 1, 2, 3].map(cut), ["", "\u{2026}", "\u{e9}\u{2026}", "\u{e9}\u{1f600}\u{2026}"]);
        assert_eq!([4, 5, usize::MAX].map(cut), ["\u{e9}\u{1f600}cd"; 3]);
        assert_eq!((shortened("", 0), shortened("", 9)), (String::new(), String::new()));
        assert_eq!(shown(&[b'x'; 40]), format!("{:?}", "x".repeat(40)));
        assert_eq!(shown(&[b'x'; 41]), format!("{:?}", "x".repeat(39) + "\u{2026}"));
    }

    #[test]
    fn nothing_commands_a_terminal_or_is_unfit_for_a_page() {
        let text = "a\0b\u{1b}[2J\n\u{85}\u{ffff}c";
        assert_eq!(shortened(text, 20), "a\u{fffd}b\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}c");
        assert_eq!(escaped("a\u{1b}[2J \"b\"\n"), "a\\u{1b}[2J \"b\"\\n");
        assert_eq!(shown(b"a\x1b\"\xff"), "\"a\\u{1b}\\\"\u{fffd}\"");
    }

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

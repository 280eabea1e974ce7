//! Numbers as text: one rule for reading them, one for writing them.
//!
//! What is written reads back to the same bits: finite numbers are printed with as few digits as identify them.

use std::sync::Arc;

/// Words that tools write for a sample that is missing.
const MISSING: [&str; 17] = [
    "NA",
    "N/A",
    "n/a",
    "null",
    "NULL",
    "None",
    "\\N",
    "-",
    ".",
    "?",
    "#N/A",
    "[N/A]",
    "[Not Supported]",
    "<not counted>",
    "<not supported>",
    "-nan",
    "nil",
];

/// Reads a cell: empty, NaN in any spelling that Rust reads, or one of the words that tools write for it, is a missing sample
/// (NaN); `inf` and `-inf` are samples. `None` if the text is no number.
#[inline]
pub(crate) fn parse(cell: &[u8]) -> Option<f64> {
    parse_trimmed(cell.trim_ascii())
}

/// Reads a cell that has no white space around it as [`parse`] does.
#[inline]
pub(crate) fn parse_trimmed(cell: &[u8]) -> Option<f64> {
    if cell.is_empty() {
        return Some(f64::NAN);
    }
    fast_float2::parse(cell).ok().or_else(|| is_missing(cell).then_some(f64::NAN))
}

/// Whether a cell, without white space around it, is one of the words that tools write for a missing sample.
#[cold]
pub(crate) fn is_missing(cell: &[u8]) -> bool {
    MISSING.iter().any(|word| word.as_bytes() == cell)
}

/// Further words for missing samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words(Arc<[String]>);

impl Words {
    /// A list of words, to be compared as they are.
    pub(crate) fn new(words: &[String]) -> Self {
        Self(words.iter().map(|word| word.trim().to_owned()).collect())
    }

    /// Reads a cell as [`parse`] does, or as missing if it is one of these words: one that would be a number, too.
    #[inline]
    pub(crate) fn parse(&self, cell: &[u8]) -> Option<f64> {
        if !self.0.is_empty() && self.has(cell) {
            return Some(f64::NAN);
        }
        parse(cell)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, cell: &[u8]) -> bool {
        let cell = cell.trim_ascii();
        self.0.iter().any(|word| word.as_bytes() == cell)
    }
}

/// A number in a CSV cell; NaN is an empty one.
#[inline]
pub(crate) fn csv(number: f64, digits: &mut zmij::Buffer) -> &str {
    if number.is_finite() { digits.format_finite(number) } else { words(number, ["", "inf", "-inf"]) }
}

/// A number as a JSON value. JSON has no NaN and no infinities: they are `null`, `"inf"` and `"-inf"`.
#[inline]
pub(crate) fn json(number: f64, digits: &mut zmij::Buffer) -> &str {
    if number.is_finite() { digits.format_finite(number) } else { words(number, ["null", "\"inf\"", "\"-inf\""]) }
}

/// A number for people, rounded to `digits`, with an exponent only where there would be more zeros than digits. NaN is
/// a dash.
pub(crate) fn rounded(number: f64, digits: usize) -> String {
    if !number.is_finite() {
        return words(number, ["\u{2013}", "\u{221e}", "-\u{221e}"]).to_owned();
    }
    // Adding zero turns -0 into 0.
    let number = number + 0.0;
    let scientific = format!("{number:.*e}", digits.saturating_sub(1));
    let power = scientific.split_once('e').and_then(|(_, power)| power.parse::<i32>().ok()).unwrap_or(0);
    match power {
        -4..=8 => {
            let decimals = (digits + 3).saturating_sub(usize::try_from(power + 4).unwrap_or(0));
            let text = format!("{number:.decimals$}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
        _ => match scientific.split_once('e') {
            Some((digits, power)) if digits.contains('.') => {
                format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
            }
            _ => scientific,
        },
    }
}

/// The word for NaN, for infinity, or for its opposite.
fn words(number: f64, [nan, infinity, opposite]: [&'static str; 3]) -> &'static str {
    if number.is_nan() {
        nan
    } else if number > 0.0 {
        infinity
    } else {
        opposite
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_numbers_missing_or_neither() {
        for (cell, number) in [("1.5", 1.5), (" -2e3\r", -2000.0), ("+7", 7.0), (".5", 0.5), ("inf", f64::INFINITY)] {
            assert_eq!(parse(cell.as_bytes()), Some(number), "{cell:?}");
        }
        for missing in [
            "",
            "  ",
            "\r",
            "nan",
            "NaN",
            "NAN",
            "NA",
            "null",
            "-",
            " N/A ",
            "<not counted>",
            "[Not Supported]",
            "-nan",
        ] {
            assert!(parse(missing.as_bytes()).is_some_and(f64::is_nan), "{missing:?}");
        }
        for text in ["abc", "1,5", "1.5.2", "0x10", "1 2", "na", "--", "1_000", "\u{a0}1"] {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn words_of_the_command_line_are_missing_too() {
        let words = Words::new(&["-999".to_owned(), "offline ".to_owned()]);
        for cell in ["-999", " offline", "", "NA"] {
            assert!(words.parse(cell.as_bytes()).is_some_and(f64::is_nan), "{cell}");
        }
        assert_eq!(words.parse(b"-999.5"), Some(-999.5));
        assert_eq!(words.parse(b"Offline"), None);
    }

    #[test]
    fn people_get_as_many_digits_as_they_can_read() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (42.0, "42"),
            (2413.71, "2413.7"),
            (0.012_345_6, "0.012346"),
            (-123_456.7, "-123457"),
            (123_456_789.0, "123456789"),
            (1.5e12, "1.5e12"),
            (2e-300, "2e-300"),
            (99_999.96, "100000"),
            (f64::NAN, "\u{2013}"),
            (f64::NEG_INFINITY, "-\u{221e}"),
        ];
        for (number, text) in cases {
            assert_eq!(rounded(number, 5), text);
        }
    }

    #[test]
    fn what_is_written_reads_back_to_the_same_bits() {
        let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
        let edges = [0.0, -0.0, 5e-324, f64::MIN_POSITIVE, f64::MAX, f64::MIN, 1e16, 0.1, 2_f64.powi(53)];
        let random = (0..20_000).map(|_| {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from_bits(bits)
        });
        for number in edges.into_iter().chain(random).chain([f64::INFINITY, f64::NEG_INFINITY]) {
            let mut digits = zmij::Buffer::new();
            let text = csv(number, &mut digits);
            let read = parse(text.as_bytes()).unwrap();
            assert!(read.to_bits() == number.to_bits() || number.is_nan() && text.is_empty(), "{number:e}");
        }
    }
}

//! A cell as a number: with a comma for the point, with signs between thousands, and with a unit behind it.

use crate::text::number;

/// Most bytes of a number: a longer cell is none.
const MOST_BYTES: usize = 64;

/// The way in which a table writes its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Decimals {
    /// With a point; commas are understood where they cannot be anything else.
    #[default]
    Point,
    /// With a comma, so that a point stands between thousands.
    Comma,
}

/// Reads a cell that [`number::parse`] does not read, or that may mean something else here: its number, and its unit if it has
/// one. `has_commas` is whether commas stand between cells, so that one within a cell is more likely to be between thousands.
pub(super) fn read(cell: &[u8], decimals: Decimals, has_commas: bool) -> Option<(f64, &str)> {
    let text = std::str::from_utf8(cell).ok()?.trim();
    if text.is_empty() || text.len() > MOST_BYTES {
        return None;
    }
    let (digits, unit) = split_unit(text)?;
    Some((plain(digits, decimals, has_commas)?, unit))
}

/// A cell as its digits and the unit behind them, which is empty where there is none.
fn split_unit(text: &str) -> Option<(&str, &str)> {
    let is_of_number = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | ',');
    let end = text.rfind(is_of_number)? + 1;
    let (digits, unit) = (text.get(..end)?, text.get(end..)?.trim_start());
    (unit.is_empty() || Unit::read(unit).is_some()).then_some((digits, unit))
}

/// A number whose separators are those of people.
fn plain(digits: &str, decimals: Decimals, has_commas: bool) -> Option<f64> {
    let commas = digits.bytes().filter(|byte| *byte == b',').count();
    let points = digits.bytes().filter(|byte| *byte == b'.').count();
    let has_groups = digits.contains(['\'', ' ', '\u{a0}', '\u{202f}', '\u{2019}']);
    let decimal = match (decimals, commas, points) {
        (Decimals::Point, 0, 0 | 1) | (Decimals::Comma, 0, 0) if !has_groups => {
            // A point alone is a missing sample, and no digits.
            return number::parse(digits.as_bytes()).filter(|number| !number.is_nan());
        }
        // The last of two different ones is that of the decimals.
        (_, 1.., 1..) => {
            if digits.rfind(',') > digits.rfind('.') {
                ','
            } else {
                '.'
            }
        }
        (Decimals::Point, 1, 0) if has_commas && is_grouped(digits, ',') => '.',
        (Decimals::Point, 0, 2..) if has_commas => '.',
        (Decimals::Point, 1, 0) | (Decimals::Point, 0, 2..) => ',',
        (Decimals::Comma, 2.., 0) | (Decimals::Point, _, _) => '.',
        (Decimals::Comma, ..) => ',',
    };
    // What is left of the decimals is in groups of three, or has no groups.
    let (whole, fraction) = digits.split_once(decimal).map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    if fraction.is_some_and(|fraction| fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let separator = whole.chars().find(|letter| !letter.is_ascii_digit() && !matches!(letter, '+' | '-'));
    let whole = match separator {
        Some(separator) if is_grouped(whole, separator) => whole.replace(separator, ""),
        Some(_) => return None,
        None => whole.to_owned(),
    };
    number::parse(format!("{whole}.{}", fraction.unwrap_or("0")).as_bytes()).filter(|number| number.is_finite())
}

/// Whether digits are in groups of three between these signs, the first of one to three.
fn is_grouped(digits: &str, separator: char) -> bool {
    let mut groups = digits.trim_start_matches(['+', '-']).split(separator);
    let is_number = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    // Nobody writes a zero in front of thousands.
    let is_first =
        groups.next().is_some_and(|first| matches!(first.len(), 1..=3) && is_number(first) && !first.starts_with('0'));
    is_first && groups.all(|group| group.len() == 3 && is_number(group))
}

/// What stands at a comma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comma {
    Thousands,
    Decimals,
}

/// What the commas of a cell stand for, and whether it can be nothing else; `None` if there are none.
pub(super) fn comma(cell: &[u8]) -> Option<(Comma, bool)> {
    let text = std::str::from_utf8(cell).ok()?;
    let (whole, _) = text.rsplit_once(',')?;
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    if text.contains('.') || whole.contains(',') {
        let is_thousands = text.rfind('.') > text.rfind(',') || whole.contains(',');
        return Some((if is_thousands { Comma::Thousands } else { Comma::Decimals }, true));
    }
    Some(if is_grouped(digits, ',') { (Comma::Thousands, false) } else { (Comma::Decimals, true) })
}

/// A unit of measure, as a prefix and what it is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit<'a> {
    factor: f64,
    of: &'a str,
}

/// Units that are known, without their prefixes.
const UNITS: [&str; 27] = [
    "%", "B", "b", "bit", "bits", "bytes", "Byte", "W", "V", "A", "Hz", "s", "J", "Wh", "m", "g", "Pa", "C", "\u{b0}C",
    "F", "\u{b0}F", "K", "rpm", "RPM", "bps", "Bps", "ops",
];

/// Prefixes and their factors, of which none begins another.
const PREFIXES: [(&str, f64); 16] = [
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("\u{b5}", 1e-6),
    ("\u{3bc}", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("K", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
];

impl<'a> Unit<'a> {
    /// The unit of this name: `%`, `MiB`, `kB/s`, `MHz`.
    fn read(text: &'a str) -> Option<Self> {
        let (unit, per) = text.split_once('/').map_or((text, None), |(unit, per)| (unit, Some(per)));
        if per.is_some_and(|per| !["s", "sec", "min", "h"].contains(&per)) {
            return None;
        }
        // Alone, an `m` may be minutes, metres or millions, which nobody can know.
        if UNITS.contains(&unit) && unit != "m" {
            return Some(Self { factor: 1.0, of: text });
        }
        PREFIXES.iter().find_map(|(prefix, factor)| {
            let base = unit.strip_prefix(prefix)?;
            let is_one = UNITS.contains(&base) && base != "%";
            is_one.then(|| Self { factor: *factor, of: text.get(prefix.len()..).unwrap_or_default() })
        })
    }

    /// The factor from one unit to another of the same kind; `None` if they are of different kinds.
    pub(super) fn factor(from: &'a str, to: &'a str) -> Option<f64> {
        if from == to {
            return Some(1.0);
        }
        let (from, to) = (Self::read(from)?, Self::read(to)?);
        (from.of == to.of).then(|| from.factor / to.factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(cell: &str, decimals: Decimals, has_commas: bool) -> Option<f64> {
        read(cell.as_bytes(), decimals, has_commas).map(|(number, _)| number)
    }

    #[test]
    fn commas_are_what_they_can_be() {
        let point = |cell| number(cell, Decimals::Point, false);
        assert_eq!(point("1,5"), Some(1.5));
        assert_eq!(point("-0,125"), Some(-0.125));
        assert_eq!(point("1,234.5"), Some(1234.5));
        assert_eq!(point("1.234,5"), Some(1234.5));
        assert_eq!(point("1,234,567"), Some(1_234_567.0));
        assert_eq!(point("1.234.567"), Some(1_234_567.0));
        assert_eq!(point("1 234,5"), Some(1234.5));
        assert_eq!(point("1'234.5"), Some(1234.5));
        assert_eq!(point("1\u{202f}234"), Some(1234.0));
        // Where commas stand between cells, three digits behind one are more likely to be thousands.
        assert_eq!(number("1,234", Decimals::Point, true), Some(1234.0));
        assert_eq!(number("12,5", Decimals::Point, true), Some(12.5));
        assert_eq!(number("-0,234", Decimals::Point, true), Some(-0.234));
        assert_eq!(number("0.234", Decimals::Comma, false), None);
        assert_eq!(number("1.234", Decimals::Comma, false), Some(1234.0));
        assert_eq!(number("1.234,5", Decimals::Comma, false), Some(1234.5));
        assert_eq!(number("12", Decimals::Comma, false), Some(12.0));
        for cell in ["1,2,3", "1.2.3.4", "12,34,567", "1,", ",5.5", "1,2345,678", "a1,5", "1 23"] {
            assert_eq!(point(cell), None, "{cell}");
        }
        assert_eq!(number("1.23", Decimals::Comma, false), None);
    }

    #[test]
    fn units_are_cut_and_prefixes_have_factors() {
        for (cell, expected) in [
            ("5 %", (5.0, "%")),
            ("1234 MiB", (1234.0, "MiB")),
            ("61.20 W", (61.2, "W")),
            ("1.5kB/s", (1.5, "kB/s")),
            ("12,5 %", (12.5, "%")),
            ("3 \u{b5}s", (3.0, "\u{b5}s")),
            ("-4 \u{b0}C", (-4.0, "\u{b0}C")),
        ] {
            assert_eq!(read(cell.as_bytes(), Decimals::Point, false), Some(expected), "{cell}");
        }
        for cell in
            ["5 apples", "5m", "12:30", "3 of 4", "web1", "10.0.0.1", "2 CPU", "1e3 %x", "%", "B", ". %", "\u{b}."]
        {
            assert_eq!(read(cell.as_bytes(), Decimals::Point, false), None, "{cell}");
        }
        assert_eq!(Unit::factor("GiB", "MiB"), Some(1024.0));
        assert_eq!(Unit::factor("GB", "MB"), Some(1000.0));
        assert_eq!(Unit::factor("GiB", "MB"), Some(1_073.741_824));
        assert_eq!(Unit::factor("ms", "s"), Some(1e-3));
        assert_eq!(Unit::factor("%", "W"), None);
        assert_eq!(Unit::factor("kB/s", "kB"), None);
    }
}

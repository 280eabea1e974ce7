//! Names of series with labels, as the text format of Prometheus writes them: `load{host="a",job="node"}`.

use std::borrow::Cow;
use std::fmt::Write;

/// The name of a series. Labels are sorted by their names; of two of one name the last counts.
pub(super) fn name<'a>(metric: &str, labels: impl Iterator<Item = (&'a str, Cow<'a, str>)>) -> String {
    let mut all: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for (key, value) in labels {
        match all.iter_mut().find(|(other, _)| *other == key) {
            Some((_, other)) => *other = value,
            None => all.push((key, value)),
        }
    }
    if all.is_empty() {
        return metric.to_owned();
    }
    all.sort_unstable_by_key(|(key, _)| *key);
    let mut name = format!("{metric}{{");
    for (index, (key, value)) in all.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        // Writing to a text cannot fail.
        let _ = write!(name, "{comma}{key}=\"");
        for letter in value.chars() {
            match letter {
                '\\' => name.push_str("\\\\"),
                '"' => name.push_str("\\\""),
                '\n' => name.push_str("\\n"),
                _ => name.push(letter),
            }
        }
        name.push('"');
    }
    name.push('}');
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_escaped() {
        let labels = [("b", "x\"\\\n"), ("a", "old"), ("a", "1")];
        let labels = || labels.iter().map(|(key, value)| (*key, Cow::Borrowed(*value)));
        assert_eq!(name("m", labels()), "m{a=\"1\",b=\"x\\\"\\\\\\n\"}");
        assert_eq!(name("m", labels().take(0)), "m");
    }
}

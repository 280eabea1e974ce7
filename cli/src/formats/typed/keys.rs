//! The keys that the folders of a table say of the files in them, `date=2024-05-01/host=a`.

use percent_encoding::percent_decode_str;
use std::path::{Component, Path};

/// The value of a key that is missing.
const MISSING: &str = "__HIVE_DEFAULT_PARTITION__";

/// A key of a file and its value, `None` where it is missing.
pub(super) type Key = (String, Option<String>);

/// The keys in the folders of a path; where one comes twice, the last one.
pub(super) fn keys(path: &Path) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    let folders = path.parent().into_iter().flat_map(Path::components);
    for folder in folders {
        let Component::Normal(name) = folder else { continue };
        let Some((key, value)) = name.to_str().and_then(|name| name.split_once('=')) else { continue };
        let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (key, value) = (decoded(key), (value != MISSING).then(|| decoded(value)));
        if key.is_empty() {
            continue;
        }
        keys.retain(|(known, _)| *known != key);
        keys.push((key, value));
    }
    keys
}

/// Whether a value is a whole number, and no name that is made of digits.
pub(super) fn is_number(value: &str) -> bool {
    value.parse::<i64>().is_ok_and(|number| number.to_string() == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_keys() {
        let of = |path: &str| keys(Path::new(path));
        let key = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        assert_eq!(
            of("/data/date=2024-05-01/host=a%2Fb/part=0.parquet"),
            [key("date", "2024-05-01"), key("host", "a/b")]
        );
        assert_eq!(of("x=1/y/x=2/z="), [key("x", "2")]);
        assert_eq!(of("host=__HIVE_DEFAULT_PARTITION__/a"), [("host".to_owned(), None)]);
        assert!(of("a.parquet").is_empty() && of("=b/a.parquet").is_empty());
        assert!(is_number("2024") && is_number("-3") && !is_number("05") && !is_number("1.5") && !is_number(""));
    }
}

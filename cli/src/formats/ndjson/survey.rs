//! The places within a document where there are arrays of objects, or tables by columns, for whoever has to choose one.

use crate::formats::times::{Says, says_time};
use serde_json::{Map, Value};

/// Most places in a message.
const MOST: usize = 12;

/// The paths of the arrays of objects in an object, and of the tables by columns, each with the number of its objects.
pub(super) fn arrays(text: &[u8]) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    // Of a text without a bracket there is nothing to be found.
    if memchr::memchr(b'[', text).is_some()
        && let Ok(document) = serde_json::from_slice(text)
    {
        look(&document, "", &mut found);
    }
    found
}

fn look(value: &Value, path: &str, found: &mut Vec<(String, u64)>) {
    match value {
        Value::Object(members) => {
            if let Some(rows) = rows(members).filter(|_| !path.is_empty() && found.len() < MOST) {
                found.push((path.to_owned(), rows));
            }
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                look(value, &path, found);
            }
        }
        Value::Array(items) => {
            let count = items.iter().filter(|item| item.is_object()).count() as u64;
            if count > 0 {
                if let Some((_, total)) = found.iter_mut().find(|(other, _)| other == path) {
                    *total += count;
                } else if found.len() < MOST {
                    found.push((path.to_owned(), count));
                }
            }
            for item in items {
                look(item, path, found);
            }
        }
        _ => {}
    }
}

/// The number of rows of an object that is a table by columns: an array for each, one of which is called the time.
fn rows(members: &Map<String, Value>) -> Option<u64> {
    let mut lengths = members.values().map(|value| value.as_array().map(Vec::len));
    let first = lengths.next()??;
    let are_columns = first > 1 && members.len() > 1 && lengths.all(|length| length == Some(first));
    let has_time = members.keys().any(|name| says_time(name) == Some(Says::Time));
    (are_columns && has_time).then_some(first as u64)
}

/// The places, in words.
pub(super) fn list(paths: &[(String, u64)]) -> String {
    let words = |(path, count): &(String, u64)| {
        let plural = if *count == 1 { "" } else { "s" };
        format!("--records {path}: {count} object{plural}")
    };
    paths.iter().map(words).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_of_objects_have_paths_and_counts() {
        let text = br#"{"a":[{"b":[{},{}]},{"b":[{}]}],"c":{"d":[1,[{"e":1}]]},"f":[],"g":[1]}"#;
        let found = arrays(text);
        assert_eq!(list(&found), "--records a: 2 objects, --records a.b: 3 objects, --records c.d: 1 object");
        assert!(arrays(br#"{"a":1}"#).is_empty() && arrays(b"[").is_empty());
    }
}

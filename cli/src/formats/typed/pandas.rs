//! What pandas has noted of a table: which columns are its index, and no data.

use serde_json::Value;

/// The key of pandas's notes in the metadata of a file.
pub(crate) const KEY: &str = "pandas";

/// The names of the columns that are the index. Notes that cannot be read are none.
pub(super) fn index_columns(notes: Option<&str>) -> Vec<String> {
    let notes: Option<Value> = notes.and_then(|notes| serde_json::from_str(notes).ok());
    let columns = notes.as_ref().and_then(|notes| notes.get("index_columns")?.as_array());
    // An index that needs no column is an object.
    columns.into_iter().flatten().filter_map(|column| column.as_str().map(str::to_owned)).collect()
}

/// Whether a column has the name that pandas gives to an index without one.
pub(super) fn is_nameless_index(name: &str) -> bool {
    let number = name.strip_prefix("__index_level_").and_then(|rest| rest.strip_suffix("__"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_columns_or_a_range() {
        let notes =
            r#"{"index_columns": ["at", {"kind": "range", "start": 0, "stop": 3, "step": 1}, "host"], "columns": []}"#;
        assert_eq!(index_columns(Some(notes)), ["at", "host"]);
        for nothing in
            [None, Some(""), Some("[]"), Some("{}"), Some("{\"index_columns\": 3}"), Some("{\"index_columns\": [{}]}")]
        {
            assert!(index_columns(nothing).is_empty(), "{nothing:?}");
        }
        assert!(is_nameless_index("__index_level_0__") && is_nameless_index("__index_level_12__"));
        assert!(!is_nameless_index("__index_level___") && !is_nameless_index("index"));
    }
}

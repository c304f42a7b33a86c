//! A run table a sweep, for experiments whose parameters may have any name: two programs have little
//! in common, and the table of both would be mostly empty.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{runs::Row, text::is_plain};

/// Longest name of a folder.
const LONGEST: usize = 64;

/// Whether parameters may have any name: then some map of them has none by default.
pub(crate) fn are_free_form(defaults: &Value) -> bool {
    match defaults {
        Value::Object(fields) => fields.is_empty() || fields.values().any(are_free_form),
        _ => false,
    }
}

/// The rows of each sweep by the name of its folder. Sweeps whose names make the same folder share it.
pub(crate) fn by_folder<'a>(rows: &[Row<'a>]) -> BTreeMap<String, Vec<Row<'a>>> {
    let mut sweeps = BTreeMap::<String, Vec<Row<'a>>>::new();
    for row in rows {
        sweeps.entry(folder(&row.state.spec.sweep)).or_default().push(row.clone());
    }
    sweeps
}

/// A name with `_` for what cannot be in a folder's.
fn folder(sweep: &str) -> String {
    let plain = |(at, c): (usize, char)| {
        let fits = c.is_ascii_alphanumeric() || c == '_' || (c == '-' && at > 0);
        if fits { c } else { '_' }
    };
    let name: String = sweep.chars().take(LONGEST).enumerate().map(plain).collect();
    debug_assert!(name.is_empty() || is_plain(&name));
    if name.is_empty() { "_".into() } else { name }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn folders_are_plain_whatever_sweeps_are_called() {
        for (sweep, wanted) in [("my-sweep", "my-sweep"), ("-x/../é", "_x_____"), ("", "_")] {
            assert_eq!(folder(sweep), wanted);
        }
        assert!(is_plain(&folder(&"x".repeat(300))));
    }

    #[test]
    fn a_map_without_keys_takes_any() {
        assert!(are_free_form(&json!({"program": [], "values": {}})));
        assert!(!are_free_form(&json!({"rate": 1, "model": {"hops": 2}})));
    }
}

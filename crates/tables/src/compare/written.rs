//! Parameters as runs were given them.
//!
//! A column of a run table has one type, so that the number 1 and the text "1" can look the same
//! there. The table over all experiments keeps what was written.

use std::collections::{BTreeSet, HashMap};

use polars::prelude::*;
use serde_json::Value;

use crate::{
    Cell, Error, Runs,
    cell::could_be_other,
    columns::{PARAMS, RUN_ID},
    scan::Table,
};

/// Parameters of some runs, by row of their run table.
pub(super) struct Written {
    params: Vec<Option<Value>>,
}

impl Written {
    /// Reads the parameters of `runs`; none in a store without the table over all experiments.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`] or [`Error::Parquet`] naming the file.
    pub(super) fn read(runs: &Runs) -> Result<Self, Error> {
        let rows: HashMap<String, usize> =
            runs.cells(RUN_ID)?.iter().map(Cell::to_string).zip(0..).collect();
        let mut params = vec![None; runs.len()];
        let Some(path) = runs.folder().parent().map(|tables| tables.join("runs.parquet")) else {
            return Ok(Self { params });
        };
        let Some(table) = Table::open(&path)? else { return Ok(Self { params }) };
        let parquet = |source| Error::Parquet { path: path.clone(), source };
        let wanted = [RUN_ID, "params"].map(col);
        let frame = table.lazy()?.select(wanted).collect().map_err(parquet)?;
        let ids = frame.column(RUN_ID).and_then(Column::str).map_err(parquet)?;
        let texts = frame.column("params").and_then(Column::str).map_err(parquet)?;
        for (id, text) in ids.iter().zip(texts.iter()) {
            if let Some(row) = id.and_then(|id| rows.get(id)) {
                params[*row] = text.and_then(|text| serde_json::from_str(text).ok());
            }
        }
        Ok(Self { params })
    }

    /// Replaces what a column holds by what was written; a run that was given nothing keeps what
    /// stands in the column, which is the default.
    pub(super) fn replace(&self, column: &str, cells: &mut [Cell]) {
        let Some(path) = column.strip_prefix(PARAMS) else { return };
        for (cell, params) in cells.iter_mut().zip(&self.params) {
            if let Some(value) = params.as_ref().and_then(|params| at(params, path)) {
                *cell = Cell::of_json(value);
            }
        }
    }

    /// Dotted paths of the parameters that two runs were given differently.
    pub(super) fn differences(&self, [a, b]: [usize; 2]) -> BTreeSet<String> {
        let mut paths = BTreeSet::new();
        if let [Some(a), Some(b)] = [&self.params[a], &self.params[b]] {
            differences(a, b, "", &mut paths);
        }
        paths
    }
}

fn differences(a: &Value, b: &Value, path: &str, paths: &mut BTreeSet<String>) {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            for key in x.keys().chain(y.keys()) {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match (x.get(key), y.get(key)) {
                    (Some(a), Some(b)) => differences(a, b, &below, paths),
                    _ => {
                        paths.insert(below);
                    }
                }
            }
        }
        _ if a != b => {
            paths.insert(path.to_owned());
        }
        _ => {}
    }
}

/// Whether a column may hold values of several kinds as text.
pub(super) fn is_mixed(column: &Column) -> bool {
    column.str().is_ok_and(|texts| texts.iter().flatten().any(could_be_other))
}

/// The value at a dotted path, whose parts may be keys with dots themselves.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    fields.get(path).or_else(|| {
        let mut dots = path.match_indices('.');
        dots.find_map(|(dot, _)| at(fields.get(&path[..dot])?, &path[dot + 1..]))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_may_hold_dots() {
        let params = json!({"values": {"a.b": 1, "a": {"c": 2, "d.e": {"f": 3}}}});
        let found = |path: &str| at(&params, path).cloned();
        assert_eq!(found("values.a.b"), Some(json!(1)));
        assert_eq!(found("values.a.c"), Some(json!(2)));
        assert_eq!(found("values.a.d.e.f"), Some(json!(3)));
        assert_eq!(found("values.a.x"), None);
    }

    #[test]
    fn differences_are_paths() {
        let params = |value: Value| Some(value);
        let written = Written {
            params: vec![
                params(json!({"a": 1, "b": {"c": 1, "d": 2}, "e": null})),
                params(json!({"a": 1, "b": {"c": "1", "d": 2}})),
            ],
        };
        let paths: Vec<String> = written.differences([0, 1]).into_iter().collect();
        assert_eq!(paths, ["b.c", "e"]);
    }
}

//! The `table` block: how the results of a sweep are laid out in rows and columns.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ConfigError, Faults, Node, Path};
use crate::plan::Only;

/// How the results of a sweep are to be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Which runs it shows; all of them when absent.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub only: Option<Only>,
    /// Parameters whose values make the rows.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schemars(with = "Names")]
    pub rows: Vec<String>,
    /// Parameters whose values make the columns.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schemars(with = "Names")]
    pub columns: Vec<String>,
    /// Parameters whose values stand side by side in one cell.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    #[schemars(with = "Names")]
    pub cells: Vec<String>,
    /// Final metrics to show, at least one.
    #[serde(rename = "value", deserialize_with = "one_or_many", serialize_with = "one_alone")]
    #[schemars(with = "Names")]
    pub values: Vec<String>,
    /// Published numbers to show beside them, `<experiment>/<table>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// A value that cells are to reach: a last row counts those of each column at it or better.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "finite")]
    pub passes: Option<f64>,
}

impl Table {
    /// Reads one table.
    pub(super) fn read(node: &Node, path: &Path, faults: &mut Faults) -> Option<Self> {
        let table: Self = match yaml::typed(node, path) {
            Ok(table) => table,
            Err(errors) => {
                errors.into_iter().for_each(|error| faults.add(error));
                return None;
            }
        };
        let before = faults.count();
        let mut wrong = |key: &str, message: String| {
            let span = node.get(key).map_or(&node.span, |node| &node.span);
            faults.add(ConfigError::new(span, path.join(key), message));
        };
        if table.values.is_empty() {
            wrong("value", "wanted a final metric, found none".into());
        }
        if table.passes.is_some() && table.values.len() > 1 {
            let message = "wanted no threshold beside several values, which would share it";
            wrong("passes", message.into());
        }
        let mut seen = HashSet::new();
        for (key, names) in [
            ("rows", &table.rows),
            ("columns", &table.columns),
            ("cells", &table.cells),
            ("value", &table.values),
        ] {
            if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
                wrong(key, format!("wanted each name once in a table, found {twice:?} again"));
            }
        }
        (faults.count() == before).then_some(table)
    }
}

/// A name, or a list of names.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is read")]
enum Names {
    One(String),
    Many(Vec<String>),
}

/// A number that is neither infinite nor NaN.
fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(deserializer)? {
        Some(value) if !value.is_finite() => {
            let found = serde::de::Unexpected::Float(value);
            Err(serde::de::Error::invalid_value(found, &"a finite number"))
        }
        value => Ok(value),
    }
}

/// One name without a list.
fn one_alone<S: Serializer>(names: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    match names {
        [one] => one.serialize(serializer),
        several => several.serialize(serializer),
    }
}

/// A name, or a list of names.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Visitor;

    impl<'de> serde::de::Visitor<'de> for Visitor {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a name or a list of names")
        }

        fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Vec<String>, E> {
            Ok(vec![name.to_owned()])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(
            self,
            mut names: A,
        ) -> Result<Vec<String>, A::Error> {
            let mut all = Vec::new();
            while let Some(name) = names.next_element()? {
                all.push(name);
            }
            Ok(all)
        }
    }

    deserializer.deserialize_any(Visitor)
}

//! What an experiment says of its parameters in their JSON Schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::grid::{cell_label, label};
use crate::{Cell, Error, Runs, columns::PARAMS, read::bare, text::inert_short};

/// Characters of a description.
const DESCRIPTION: usize = 400;
/// Parameters that are listed, and values of one.
const LISTED: usize = 40;

/// The documented parameters of an experiment, by their dotted names.
#[derive(Debug, Default)]
pub(crate) struct Parameters(BTreeMap<String, Documented>);

#[derive(Debug, Default, PartialEq)]
struct Documented {
    description: String,
    /// Values that have a description of their own, as text.
    values: BTreeMap<String, String>,
    default: Option<Value>,
}

/// One parameter as the page explains it.
#[derive(Debug, PartialEq)]
pub(crate) struct Explained {
    pub(crate) name: String,
    pub(crate) description: String,
    /// Its values in these runs, each with its own description, if any; of many the first and the
    /// last.
    pub(crate) values: Vec<(String, String)>,
    /// How many values there are.
    pub(crate) count: usize,
}

/// The parameters of some runs, explained.
#[derive(Debug, Default)]
pub(crate) struct Explanation {
    /// Those that differ between the runs.
    pub(crate) varying: Vec<Explained>,
    /// Those that all runs share, where they are not at their default.
    pub(crate) fixed: Vec<Explained>,
}

impl Explained {
    /// Whether one of its values has a description.
    pub(crate) fn has_meanings(&self) -> bool {
        self.values.iter().any(|(_, meaning)| !meaning.is_empty())
    }

    /// Its values, or the first and the last of many.
    pub(crate) fn told(&self) -> String {
        let texts: Vec<&str> = self.values.iter().map(|(value, _)| value.as_str()).collect();
        match texts.as_slice() {
            [first, .., last] if self.count > 12 => {
                format!("{} values from {first} to {last}", self.count)
            }
            texts => texts.join(", "),
        }
    }

    /// Its description, and that of its only value.
    pub(crate) fn tip(&self) -> String {
        let meaning = self.values.first().map_or("", |(_, meaning)| meaning.as_str());
        format!("{} {meaning}", self.description).trim().to_owned()
    }
}

impl Parameters {
    /// Reads a schema; what it does not document is left out.
    pub(crate) fn read(schema: &Value) -> Self {
        let mut found = Self::default();
        found.add("", schema, schema, 0);
        found
    }

    fn add(&mut self, prefix: &str, node: &Value, root: &Value, depth: usize) {
        let Some(Value::Object(properties)) = node.get("properties") else { return };
        for (key, property) in properties {
            let name = format!("{prefix}{key}");
            let target = resolve(property, root);
            let text = |node: &Value| node.get("description")?.as_str().map(one_line);
            let description = text(property).or_else(|| text(target)).unwrap_or_default();
            let default = property.get("default").cloned();
            let values = values(property).chain(values(target)).collect();
            self.0.insert(name.clone(), Documented { description, values, default });
            // A schema may refer to itself.
            if depth < 4 {
                self.add(&format!("{name}."), target, root, depth + 1);
            }
        }
    }

    /// What a parameter is.
    pub(crate) fn of(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|known| known.description.as_str()).filter(|text| !text.is_empty())
    }

    /// What one of its values means.
    pub(crate) fn value(&self, name: &str, value: &Cell) -> Option<&str> {
        self.0.get(name)?.values.get(&value.to_string()).map(String::as_str)
    }

    /// `regime: Feedback regime` for a head or a legend; what the value means where that is known.
    pub(crate) fn tip(&self, name: &str, value: Option<&Cell>) -> String {
        let meaning = value.and_then(|value| Some((value, self.value(name, value)?)));
        match (meaning, self.of(name)) {
            (Some((value, meaning)), _) => format!("{name} {value}: {meaning}"),
            (None, Some(description)) => format!("{name}: {description}"),
            (None, None) => String::new(),
        }
    }

    /// The parameters of some runs, explained.
    pub(crate) fn explain(&self, runs: &Runs) -> Result<Explanation, Error> {
        let varying = runs.varying();
        let mut explanation = Explanation::default();
        for column in varying.iter().take(LISTED) {
            let mut cells = runs.cells(column)?;
            cells.sort();
            cells.dedup();
            explanation.varying.push(self.explained(bare(column), &cells));
        }
        if runs.is_empty() {
            return Ok(explanation);
        }
        let fixed = runs.columns().filter(|column| {
            column.starts_with(PARAMS) && !varying.iter().any(|other| other == column)
        });
        for column in fixed {
            let cell = Cell::of(&runs.column(column)?.get(0).expect("there is a run"));
            let name = bare(column);
            let at_default = match self.0.get(name).and_then(|known| known.default.as_ref()) {
                Some(default) => is_value(default, &cell),
                None => matches!(cell, Cell::Null),
            };
            if !at_default && explanation.fixed.len() < LISTED {
                explanation.fixed.push(self.explained(name, &[cell]));
            }
        }
        Ok(explanation)
    }

    fn explained(&self, name: &str, cells: &[Cell]) -> Explained {
        let value = |cell: &Cell| {
            (cell_label(cell), inert_short(self.value(name, cell).unwrap_or(""), DESCRIPTION))
        };
        let last = cells.iter().skip(LISTED - 1).next_back();
        let shown = cells.iter().take(LISTED - 1).chain(last);
        Explained {
            name: label(name),
            description: inert_short(self.of(name).unwrap_or(""), DESCRIPTION),
            values: shown.map(value).collect(),
            count: cells.len(),
        }
    }
}

/// Whether a default in JSON is the value of a cell.
fn is_value(default: &Value, cell: &Cell) -> bool {
    match (default, cell) {
        (Value::Null, Cell::Null) => true,
        (Value::Bool(default), Cell::Bool(value)) => default == value,
        (Value::String(default), Cell::Text(value)) => default == value,
        (Value::Number(default), cell) => default.as_f64() == cell.number(),
        (Value::Array(default), Cell::List(values)) => {
            default.len() == values.len() && default.iter().zip(values).all(|(d, v)| is_value(d, v))
        }
        // Maps without fixed keys are kept as JSON.
        (Value::Object(_), Cell::Text(value)) => {
            serde_json::from_str::<Value>(value).is_ok_and(|value| value == *default)
        }
        _ => false,
    }
}

/// The definition that a property refers to, also where it may be null instead.
fn resolve<'a>(property: &'a Value, root: &'a Value) -> &'a Value {
    let reference = |node: &'a Value| {
        let path = node.get("$ref")?.as_str()?.strip_prefix('#')?;
        root.pointer(path)
    };
    let parts = ["anyOf", "allOf"].into_iter().filter_map(|key| property.get(key)?.as_array());
    reference(property).or_else(|| parts.flatten().find_map(reference)).unwrap_or(property)
}

/// The values that a schema lists with a description each.
fn values(node: &Value) -> impl Iterator<Item = (String, String)> {
    let choices = node.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    choices.filter_map(|choice: &Value| {
        let choice: &Map<String, Value> = choice.as_object()?;
        let description = choice.get("description")?.as_str()?;
        let value = match choice.get("const")? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((value, one_line(description)))
    })
}

/// Text whose lines were broken for a source file.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "$defs": {
                "Learner": {
                    "description": "What learns.",
                    "oneOf": [
                        {"const": "rbi", "description": "Imitates rewarded\nanswers."},
                        {"const": "fp", "description": "Predicts replies."},
                    ],
                },
                "Inner": {"properties": {
                    "again": {"$ref": "#/$defs/Inner"},
                    "size": {"description": "How large.", "default": 3},
                }},
            },
            "properties": {
                "learner": {"$ref": "#/$defs/Learner", "default": "rbi"},
                "inner": {"anyOf": [{"$ref": "#/$defs/Inner"}, {"type": "null"}]},
                "regime": {
                    "description": "Feedback regime.",
                    "oneOf": [{"const": 1, "description": "All is right."}],
                },
            },
        })
    }

    #[test]
    fn descriptions_of_parameters_and_values_are_found_behind_references() {
        let parameters = Parameters::read(&schema());
        assert_eq!(parameters.of("learner"), Some("What learns."));
        let rbi = Cell::Text("rbi".into());
        assert_eq!(parameters.value("learner", &rbi), Some("Imitates rewarded answers."));
        assert_eq!(parameters.value("regime", &Cell::Int(1)), Some("All is right."));
        assert_eq!(parameters.tip("regime", Some(&Cell::Int(1))), "regime 1: All is right.");
        assert_eq!(parameters.tip("regime", Some(&Cell::Int(2))), "regime: Feedback regime.");
        assert_eq!(parameters.tip("nothing", None), "");
        assert_eq!(parameters.of("inner.size"), Some("How large."));
        assert_eq!(parameters.of("inner.again.size"), Some("How large."), "and it ends");
    }

    #[test]
    fn defaults_are_told_from_what_was_set() {
        assert!(is_value(&json!(3), &Cell::Float(3.0)) && !is_value(&json!(3), &Cell::Int(4)));
        assert!(is_value(
            &json!([1, "a"]),
            &Cell::List(vec![Cell::Int(1), Cell::Text("a".into())])
        ));
        assert!(is_value(&json!({}), &Cell::Text("{}".into())));
        assert!(!is_value(&json!(null), &Cell::Int(0)) && is_value(&json!(null), &Cell::Null));
    }
}

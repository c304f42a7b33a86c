//! The value of a table cell, with its order, its text and its conversions.

use std::{
    borrow::Cow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use polars::prelude::AnyValue;
use serde::Serialize;
use serde_json::Value;

use crate::natural;

/// One value of a table.
///
/// Equality and order are total: numbers stand before text and compare by value, a whole number
/// before the float of the same value; text is in natural order, so that `layer2` stands before
/// `layer10`.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A floating-point number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Cell>),
}

impl Cell {
    pub(crate) fn of(value: &AnyValue<'_>) -> Self {
        match value {
            AnyValue::Null => Self::Null,
            AnyValue::Boolean(value) => Self::Bool(*value),
            AnyValue::String(text) => Self::Text((*text).to_owned()),
            AnyValue::StringOwned(text) => Self::Text(text.to_string()),
            AnyValue::Float64(value) => Self::Float(*value),
            AnyValue::Float32(value) => Self::Float((*value).into()),
            AnyValue::List(items) => Self::List(items.iter().map(|item| Self::of(&item)).collect()),
            AnyValue::Int64(value) => Self::Int((*value).into()),
            AnyValue::UInt64(value) => Self::Int((*value).into()),
            AnyValue::Int32(value) => Self::Int((*value).into()),
            AnyValue::UInt32(value) => Self::Int((*value).into()),
            other => Self::Text(other.to_string()),
        }
    }

    /// A value as a run's parameters hold it; a map is its JSON text.
    pub(crate) fn of_json(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(whole), ..) => Self::Int(whole.into()),
                (_, Some(whole), _) => Self::Int(whole.into()),
                (.., Some(float)) => Self::Float(float),
                _ => Self::Text(number.to_string()),
            },
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::of_json).collect()),
            map @ Value::Object(_) => Self::Text(experiment::canonical_json(map)),
        }
    }

    /// The value as a number, where it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The value as it stands in a table: text that could be taken for another value is quoted.
    pub fn label(&self) -> String {
        match self {
            Self::Text(text) if could_be_other(text) => Value::from(text.as_str()).to_string(),
            Self::List(items) => {
                format!("[{}]", items.iter().map(Self::label).collect::<Vec<_>>().join(", "))
            }
            other => other.to_string(),
        }
    }

    /// Whether the text of a CSV field means this value: numbers by value, all else by text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match (self.number(), text.parse::<f64>()) {
            (Some(ours), Ok(theirs)) => ours == theirs,
            _ => text_of(self) == text,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) | Self::Float(_) => 2,
            Self::Text(_) => 3,
            Self::List(_) => 4,
        }
    }
}

/// Whether text reads like a number, a truth value, a list, a map, nothing, or another text.
pub(crate) fn could_be_other(text: &str) -> bool {
    let looks_shorter = text.trim() != text || text.starts_with('"');
    matches!(text, "" | "-" | "~") || looks_shorter || text.parse::<f64>().is_ok() || {
        // Only what begins like a JSON value that is no string is worth parsing.
        text.starts_with(['[', '{', 't', 'f', 'n'])
            && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    }
}

fn text_of(cell: &Cell) -> Cow<'_, str> {
    match cell {
        Cell::Text(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("-"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            // Digit by digit only where that is short.
            Self::Float(value) => match value.abs() {
                size if size == 0.0 || !size.is_finite() || (1e-4..1e16).contains(&size) => {
                    value.fmt(f)
                }
                _ => write!(f, "{value:e}"),
            },
            Self::Text(text) => text.fmt(f),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
        }
    }
}

impl Ord for Cell {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Int(a), Self::Float(b)) => (*a as f64).total_cmp(b).then(Ordering::Less),
            (Self::Float(a), Self::Int(b)) => a.total_cmp(&(*b as f64)).then(Ordering::Greater),
            (Self::Text(a), Self::Text(b)) => natural::order(a, b),
            (Self::List(a), Self::List(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Cell {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Cell {}

impl Hash for Cell {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Null => {}
            Self::Bool(value) => value.hash(state),
            Self::Int(value) => value.hash(state),
            Self::Float(value) => value.to_bits().hash(state),
            Self::Text(text) => text.hash(state),
            Self::List(items) => items.hash(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_text_matches_by_value_or_by_text() {
        assert!(Cell::Float(0.5).matches("0.50"));
        assert!(Cell::Int(1).matches("1.0"));
        assert!(Cell::Text("rbi+fp".into()).matches("rbi+fp"));
        assert!(Cell::Bool(true).matches("true"));
        assert!(!Cell::Text("1".into()).matches("1.0"));
        assert!(!Cell::Null.matches(""));
    }

    #[test]
    fn numbers_sort_by_value_and_before_text() {
        let text = |text: &str| Cell::Text(text.into());
        let sorted = [
            Cell::Null,
            Cell::Bool(true),
            Cell::Float(-0.5),
            Cell::Int(1),
            Cell::Float(1.0),
            Cell::Float(1.5),
            Cell::Int(2),
            Cell::Int(10),
            Cell::Float(f64::INFINITY),
            text("1"),
            text("auto"),
        ];
        let mut cells = sorted.to_vec();
        cells.reverse();
        cells.sort();
        assert_eq!(cells, sorted);
    }

    #[test]
    fn large_and_small_numbers_are_written_short() {
        let texts = [1e-20, 1e-5, 1e-4, 0.5, 1.0, 1e15, 1e308, f64::NEG_INFINITY, 0.0]
            .map(|value| Cell::Float(value).to_string());
        assert_eq!(
            texts,
            ["1e-20", "1e-5", "0.0001", "0.5", "1", "1000000000000000", "1e308", "-inf", "0"]
        );
    }

    #[test]
    fn text_that_could_be_another_value_is_quoted() {
        for text in ["1", "007", "1e3", "inf", "nan", "true", "null", "", "-", "[1, 2]", "{}"] {
            assert_eq!(Cell::Text(text.into()).label(), format!("{text:?}"), "{text}");
        }
        for text in ["rbi+fp", "1a", "nothing", "true story", "[open", "layer1", "é"] {
            assert_eq!(Cell::Text(text.into()).label(), text);
        }
        for text in ["1 ", " a", "\"1\""] {
            assert_eq!(Cell::Text(text.into()).label(), format!("{text:?}"), "{text}");
        }
        let list = Cell::List(vec![Cell::Int(1), Cell::Text("1".into())]);
        assert_eq!(list.label(), r#"[1, "1"]"#);
    }

    #[test]
    fn json_keeps_its_kind() {
        let json = serde_json::json!([1, 1.0, "1", null, true, u64::MAX, {"a": 1}]);
        let cells = [
            Cell::Int(1),
            Cell::Float(1.0),
            Cell::Text("1".into()),
            Cell::Null,
            Cell::Bool(true),
            Cell::Int(u64::MAX.into()),
            Cell::Text(r#"{"a":1}"#.into()),
        ];
        assert_eq!(Cell::of_json(&json), Cell::List(cells.into()));
    }
}

//! Values whose type an experiment leaves open, as JSON.
//!
//! JSON has neither infinities nor NaN. They are written here as MongoDB's Extended JSON (version 2)
//! writes them, `{"$numberDouble": "Infinity"}`, so that they stay apart from `null` and from text.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

const KEY: &str = "$numberDouble";
const WORDS: [(&str, f64); 3] =
    [("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY), ("NaN", f64::NAN)];

/// A number as JSON, infinities and NaN among them.
pub fn number(value: f64) -> Value {
    let word = || {
        let known = WORDS.iter().find(|(_, known)| known.total_cmp(&value).is_eq());
        known.map_or("NaN", |(word, _)| word)
    };
    Number::from_f64(value).map_or_else(|| serde_json::json!({ KEY: word() }), Value::Number)
}

/// The infinity or NaN that a value is.
pub fn non_finite(value: &Value) -> Option<f64> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    let word = fields.get(KEY)?.as_str()?;
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}

/// The number that a value is.
pub fn as_number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| non_finite(value))
}

/// Reads a value of any type, for `#[serde(deserialize_with)]`.
///
/// # Errors
/// Those of the deserialiser, and a map that has a key twice.
pub fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    deserializer.deserialize_any(Any)
}

/// Reads values of any type by name, for `#[serde(deserialize_with)]`.
///
/// # Errors
/// As [`value`].
pub fn values<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Value>, D::Error> {
    let values: BTreeMap<String, Open> = BTreeMap::deserialize(deserializer)?;
    Ok(values.into_iter().map(|(name, Open(value))| (name, value)).collect())
}

struct Open(Value);

impl<'de> Deserialize<'de> for Open {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        value(deserializer).map(Self)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        value(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(number(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Open(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((key, Open(value))) = entries.next_entry::<String, Open>()? {
            all.insert(key, value);
        }
        Ok(all.into())
    }
}

#[cfg(test)]
mod tests {
    use serde::de::value::{Error, F64Deserializer};
    use serde_json::json;

    use super::*;

    #[test]
    fn infinities_and_nan_are_neither_null_nor_text() {
        let read = |number: f64| value(F64Deserializer::<Error>::new(number)).unwrap();
        assert_eq!(read(f64::INFINITY), json!({"$numberDouble": "Infinity"}));
        assert_eq!(read(f64::NEG_INFINITY), json!({"$numberDouble": "-Infinity"}));
        assert_eq!(read(-f64::NAN), json!({"$numberDouble": "NaN"}));
        assert_eq!(read(1.5), json!(1.5));
        for number in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.0] {
            let again: Value = serde_json::from_str(&read(number).to_string()).unwrap();
            let again = as_number(&value(again).unwrap()).unwrap();
            assert_eq!(again.total_cmp(&number), std::cmp::Ordering::Equal);
        }
        for other in [json!(null), json!("Infinity"), json!({"$numberDouble": "1"}), json!({})] {
            assert_eq!(non_finite(&other), None, "{other}");
        }
    }
}

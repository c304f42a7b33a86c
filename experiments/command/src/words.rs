//! How a value is written for a program.

use experiment::{canonical_json, free_form};
use serde_json::Value;

/// A value as one word: text as it is, an infinity or NaN as C and Python read it, everything else
/// as JSON.
pub(crate) fn word(value: &Value) -> String {
    match (value, free_form::non_finite(value)) {
        (_, Some(number)) if number.is_nan() => "nan".into(),
        (_, Some(number)) => number.to_string(),
        (Value::String(text), None) => text.clone(),
        (other, None) => json(other),
    }
}

/// A value as JSON, with `Infinity`, `-Infinity` and `NaN`, as Python's `json` writes and reads them,
/// where JSON has nothing.
pub(crate) fn json(value: &Value) -> String {
    match (value, free_form::non_finite(value)) {
        (_, Some(number)) if number.is_nan() => "NaN".into(),
        (_, Some(number)) => if number > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        (Value::Object(map), None) => {
            let field = |(key, value): (&String, _)| {
                format!("{}:{}", Value::from(key.as_str()), json(value))
            };
            format!("{{{}}}", map.iter().map(field).collect::<Vec<_>>().join(","))
        }
        (Value::Array(items), None) => {
            format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(","))
        }
        (scalar, None) => canonical_json(scalar),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn infinities_and_nan_are_written_as_programs_read_them() {
        let [inf, minus, nan] = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN].map(free_form::number);
        let words = [&inf, &minus, &nan, &json!(null), &json!("nan"), &json!(1.0)].map(word);
        assert_eq!(words, ["inf", "-inf", "nan", "null", "nan", "1.0"]);
        let list = json!([1, inf, [minus, {"b": nan, "a": "NaN"}]]);
        assert_eq!(word(&list), r#"[1,Infinity,[-Infinity,{"a":"NaN","b":NaN}]]"#);
    }
}

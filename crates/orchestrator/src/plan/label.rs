//! Parameter values as short text that can be read back unambiguously.

use std::fmt::Write;

use experiment::free_form;
use serde_json::Value;

use crate::config::{Content, float_text, resolve_scalar};

/// A value as listings show it and conditions take it: text is quoted where it would be read as
/// something else.
pub fn label(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match (value, free_form::non_finite(value)) {
        (_, Some(number)) => text.push_str(&float_text(number)),
        (Value::String(word), None) if is_plain(word) => text.push_str(word),
        // Unprintable characters are escaped, so that no terminal acts on them.
        (Value::String(word), None) => drop(write!(text, "{word:?}")),
        (Value::Array(items), None) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                write(item, text);
            }
            text.push(']');
        }
        (Value::Object(fields), None) => {
            text.push('{');
            for (at, (key, item)) in fields.iter().enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                write(&key.as_str().into(), text);
                text.push_str(": ");
                write(item, text);
            }
            text.push('}');
        }
        (scalar, None) => drop(write!(text, "{scalar}")),
    }
}

fn is_plain(word: &str) -> bool {
    let inert = |c: char| !c.is_whitespace() && !"\"'[]{}(),:#=!<>".contains(c);
    let shown = |c: char| inert(c) && c.escape_debug().len() == 1;
    matches!(resolve_scalar(word), Ok(Content::Text(_))) && word.chars().all(shown)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_that_differ_look_different() {
        let values = [
            (json!(1), "1"),
            (json!(1.0), "1.0"),
            (json!("1"), "\"1\""),
            (json!(null), "null"),
            (json!("null"), "\"null\""),
            (json!(""), "\"\""),
            (json!("rbi+fp"), "rbi+fp"),
            (json!("λ"), "λ"),
            (json!("a b"), "\"a b\""),
            (json!("\u{1b}[2J"), "\"\\u{1b}[2J\""),
            (json!(1e-20), "1e-20"),
            (free_form::number(f64::NEG_INFINITY), "-.inf"),
            (json!(".inf"), "\".inf\""),
            (
                json!([1, "1", free_form::number(f64::NAN), {"a": "b c"}]),
                "[1, \"1\", .nan, {a: \"b c\"}]",
            ),
        ];
        for (value, wanted) in values {
            assert_eq!(label(&value), wanted);
        }
    }
}

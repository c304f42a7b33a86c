//! A YAML writer that keeps the order of keys and quotes text where it must.

use std::fmt::Write;

use experiment::free_form;
use serde_json::Value;

use crate::config::{Content, float_text, resolve_scalar};

/// What is written as YAML, with keys in their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shown {
    Value(Value),
    List(Vec<Shown>),
    Map(Vec<(String, Shown)>),
}

impl Shown {
    pub(super) fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// The document.
    ///
    /// Existing emitters follow YAML 1.1 and break lines at U+2028 and similar characters, so that a YAML
    /// 1.2 parser reads back different text.
    pub(super) fn to_yaml(&self) -> String {
        let mut text = String::new();
        match self {
            Self::Map(entries) if !entries.is_empty() => write_map(entries, 0, &mut text),
            other => {
                write_inline(other, &mut text);
                text.push('\n');
            }
        }
        text
    }
}

impl From<Value> for Shown {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(fields) => match free_form::non_finite(&Value::Object(fields.clone())) {
                Some(number) => Self::Value(free_form::number(number)),
                None => Self::map(fields.into_iter().map(|(key, value)| (key, value.into()))),
            },
            scalar => Self::Value(scalar),
        }
    }
}

/// Length that a key may have before a colon.
const LONGEST_KEY: usize = 1000;

fn write_map(entries: &[(String, Shown)], indent: usize, text: &mut String) {
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            push_indent(indent, text);
        }
        let key = scalar(&key.as_str().into());
        if key.len() > LONGEST_KEY {
            text.push_str("? ");
        }
        text.push_str(&key);
        if key.len() > LONGEST_KEY {
            text.push('\n');
            push_indent(indent, text);
        }
        text.push(':');
        match value {
            Shown::Map(entries) if !entries.is_empty() => {
                text.push('\n');
                push_indent(indent + 1, text);
                write_map(entries, indent + 1, text);
            }
            Shown::List(items) if !items.is_empty() => {
                text.push('\n');
                push_indent(indent + 1, text);
                write_list(items, indent + 1, text);
            }
            other => {
                text.push(' ');
                write_inline(other, text);
                text.push('\n');
            }
        }
    }
}

fn write_list(items: &[Shown], indent: usize, text: &mut String) {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            push_indent(indent, text);
        }
        text.push_str("- ");
        match item {
            Shown::Map(entries) if !entries.is_empty() => write_map(entries, indent + 1, text),
            Shown::List(items) if !items.is_empty() => write_list(items, indent + 1, text),
            other => {
                write_inline(other, text);
                text.push('\n');
            }
        }
    }
}

fn write_inline(value: &Shown, text: &mut String) {
    text.push_str(&match value {
        Shown::Map(_) => "{}".into(),
        Shown::List(_) => "[]".into(),
        Shown::Value(value) => scalar(value),
    });
}

fn push_indent(indent: usize, text: &mut String) {
    text.extend(std::iter::repeat_n("  ", indent));
}

fn scalar(value: &Value) -> String {
    match (value, free_form::non_finite(value)) {
        (_, Some(number)) => float_text(number),
        (Value::String(word), None) if is_plain(word) => word.clone(),
        (Value::String(word), None) => quoted(word),
        (scalar, None) => scalar.to_string(),
    }
}

/// Whether text is read as it is without quotes.
fn is_plain(word: &str) -> bool {
    let begins = word.starts_with(|c: char| c.is_alphanumeric() || "_/".contains(c));
    let plain = |c: char| c.is_alphanumeric() || "_-./+=*%@~^ ".contains(c);
    begins
        && !word.ends_with(' ')
        && word.chars().all(plain)
        && matches!(resolve_scalar(word), Ok(Content::Text(_)))
}

/// Text in double quotes, with escapes for what is no printable character.
fn quoted(word: &str) -> String {
    let mut text = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            // What Rust shows as it is, YAML reads as it is.
            c if c.escape_debug().len() == 1 || c == '\'' => text.push(c),
            c => drop(write!(text, "\\U{:08x}", u32::from(c))),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_in_block_style() {
        let document = Shown::map([
            ("name", Shown::from(json!("a b"))),
            ("empty", json!({"a": {}, "b": [], "c": ""}).into()),
            (
                "list",
                json!([1, [2.0, [null]], {"x": true, "y": [free_form::number(f64::NAN)]}]).into(),
            ),
            ("text", json!(["1", "null", "a: b", "# x", "é\u{2028}", "it's", "\u{0}"]).into()),
        ]);
        let wanted = "name: a b\nempty:\n  a: {}\n  b: []\n  c: \"\"\nlist:\n  - 1\n  - - 2.0\n    - - null\n  - x: true\n    y:\n      - .nan\ntext:\n  - \"1\"\n  - \"null\"\n  - \"a: b\"\n  - \"# x\"\n  - \"é\\U00002028\"\n  - \"it's\"\n  - \"\\U00000000\"\n";
        assert_eq!(document.to_yaml(), wanted);
    }
}

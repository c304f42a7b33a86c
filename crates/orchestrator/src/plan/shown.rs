//! A YAML writer that keeps the order of keys and quotes text where it must.

use std::fmt::Write;

use experiment::free_form;
use serde_json::{Number, Value};

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
        (Value::Number(number), None) if number.is_f64() => float(number),
        (scalar, None) => scalar.to_string(),
    }
}

/// A number with a point and a sign of its exponent, without which YAML 1.1 takes it for text.
fn float(number: &Number) -> String {
    let text = number.as_f64().map_or_else(|| number.to_string(), float_text);
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

/// Whether text is read as it is without quotes, by YAML 1.1 too.
fn is_plain(word: &str) -> bool {
    let begins = word.starts_with(|c: char| c.is_alphanumeric() || "_/".contains(c));
    let plain = |c: char| c.is_alphanumeric() || "_-./+=*%@~^ ".contains(c);
    begins
        && !word.ends_with(' ')
        && word.chars().all(plain)
        && is_text(word)
        && !is_more_in_1_1(word)
}

fn is_text(word: &str) -> bool {
    matches!(resolve_scalar(word), Ok(Content::Text(_)))
}

/// Whether YAML 1.1 takes text for a truth value, a number or a date.
fn is_more_in_1_1(word: &str) -> bool {
    let is_truth =
        ["y", "n", "yes", "no", "on", "off"].iter().any(|w| word.eq_ignore_ascii_case(w));
    let digits = word.replace('_', "");
    let is_binary =
        digits.strip_prefix("0b").is_some_and(|of| of.chars().all(|c| "01".contains(c)));
    let year = word.split('-').next().filter(|_| word.contains('-'));
    let is_date = year.is_some_and(|year| year.len() == 4 && year.parse::<u16>().is_ok());
    is_truth || !is_text(&digits) || is_binary || is_date
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

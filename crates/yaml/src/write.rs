//! Writes trees and types as YAML that both dialects read back as the same.
//!
//! `serde_yaml` turns what is serialised into values. Their text is written here: its emitter follows
//! YAML 1.1, breaks lines at U+2028 and its like and leaves the point out of `1e-7`, so that readers of
//! the one dialect or the other get another value.

use std::fmt::Write;

use serde::Serialize;

use crate::{Content, Key, Node, Value, scalar};

/// The document of a value, in block style.
///
/// # Errors
/// Something in it cannot be serialised.
pub fn to_string<T: Serialize>(value: &T) -> Result<String, serde_yaml::Error> {
    serde_yaml::to_value(value).map(|value| write(&value.into()))
}

/// The document of a tree, in block style. Scalars that were read without quotes are written as they were.
pub fn write(node: &Node) -> String {
    let mut text = String::new();
    if is_collection(node) {
        collection(node, 0, &mut text);
    } else {
        push(node, 0, false, &mut text);
        text.remove(0);
    }
    text
}

fn is_collection(node: &Node) -> bool {
    match &node.content {
        Content::Map(entries) => !entries.is_empty(),
        Content::Seq(items) => !items.is_empty(),
        _ => false,
    }
}

/// A list or map that is not empty; the first line is indented already.
fn collection(node: &Node, indent: usize, text: &mut String) {
    match &node.content {
        Content::Map(entries) => {
            for (at, (key, value)) in entries.iter().enumerate() {
                push_indent(if at > 0 { indent } else { 0 }, text);
                push_key(key, indent, text);
                push(value, indent + 1, true, text);
            }
        }
        Content::Seq(items) => {
            for (at, item) in items.iter().enumerate() {
                push_indent(if at > 0 { indent } else { 0 }, text);
                text.push('-');
                push(item, indent + 1, false, text);
            }
        }
        _ => {}
    }
}

/// A value after its key or dash, and the end of the line.
fn push(node: &Node, indent: usize, below: bool, text: &mut String) {
    let (node, tag) = match &node.content {
        Content::Tagged { tag, value } => (&**value, Some(tag)),
        _ => (node, None),
    };
    if let Some(tag) = tag {
        text.extend([" ", tag]);
    }
    if !is_collection(node) {
        text.push(' ');
        text.push_str(&inline(node));
        text.push('\n');
        return;
    }
    if below || tag.is_some() {
        text.push('\n');
        push_indent(indent, text);
    } else {
        text.push(' ');
    }
    collection(node, indent, text);
}

/// Length that a key may have before a colon.
const LONGEST_KEY: usize = 1000;

fn push_key(key: &Key, indent: usize, text: &mut String) {
    let is_as_written = key.span.written().is_some_and(|written| written == key.text);
    let written = if is_as_written { key.text.clone() } else { word(&key.text) };
    if written.len() > LONGEST_KEY {
        text.push_str("? ");
        text.push_str(&written);
        text.push('\n');
        push_indent(indent, text);
    } else {
        text.push_str(&written);
    }
    text.push(':');
}

fn push_indent(indent: usize, text: &mut String) {
    text.extend(std::iter::repeat_n("  ", indent));
}

/// A value on the line of its key or dash.
pub(crate) fn inline(node: &Node) -> String {
    if let Some(written) = node.span.written().filter(|_| node.is_as_written()) {
        return written;
    }
    match &node.content {
        Content::Null | Content::Removed { .. } => "null".into(),
        Content::Bool(value) => value.to_string(),
        Content::Int(value) => value.to_string(),
        Content::Float(value) => float(*value),
        Content::Text(text) => word(text),
        Content::Seq(_) => "[]".into(),
        Content::Map(_) => "{}".into(),
        Content::Tagged { tag, value } => format!("{tag} {}", inline(value)),
    }
}

/// A number with a point and a sign of its exponent, without which YAML 1.1 takes it for text.
fn float(value: f64) -> String {
    let text = scalar::float(value);
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

/// Text, in quotes where it has to be.
fn word(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
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
    matches!(scalar::resolve(word), Ok(Content::Text(_)))
}

/// Whether YAML 1.1 takes text for a truth value, a number or a date.
fn is_more_in_1_1(word: &str) -> bool {
    let truths = ["y", "n", "yes", "no", "on", "off"];
    let is_truth = truths.iter().any(|truth| word.eq_ignore_ascii_case(truth));
    let digits = word.replace('_', "");
    let binary = digits.strip_prefix("0b");
    let is_binary = binary.is_some_and(|digits| digits.chars().all(|c| "01".contains(c)));
    let year = word.split_once('-').map(|(year, _)| year);
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

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Self::made(match value {
            Value::Null => Content::Null,
            Value::Bool(value) => Content::Bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => Content::Int(number.into()),
                (_, Some(number)) => Content::Int(number.into()),
                _ => Content::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Content::Text(text),
            Value::Sequence(items) => Content::Seq(items.into_iter().map(Self::from).collect()),
            Value::Mapping(entries) => Content::Map(
                entries.into_iter().map(|(key, value)| (Key::from(key), value.into())).collect(),
            ),
            Value::Tagged(tagged) => Content::Tagged {
                tag: tagged.tag.to_string(),
                value: Box::new(tagged.value.into()),
            },
        })
    }
}

impl From<Value> for Key {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self::made(text),
            other => Self::made(inline(&other.into())),
        }
    }
}

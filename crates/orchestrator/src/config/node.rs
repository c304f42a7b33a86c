use serde_json::{Map, Number, Value};

use super::{Path, Span};

/// A value with the place it was written at.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub content: Content,
    /// Where it stands.
    pub span: Span,
}

/// What a [`Node`] holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits into 64 bits, with or without sign.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    Seq(Vec<Node>),
    /// Keys and values in the order they were written; keys are distinct.
    Map(Vec<(Key, Node)>),
}

/// A key with the place it was written at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

impl Node {
    /// The value at a path of map keys.
    pub fn at(&self, path: &Path) -> Option<&Self> {
        path.keys().iter().try_fold(self, |node, key| node.get(key))
    }

    /// The value of a key, when this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Key and value, when this is a map that has the key.
    pub fn entry(&self, key: &str) -> Option<&(Key, Self)> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|(known, _)| known.text == key),
            _ => None,
        }
    }

    /// What this is, in words, with scalars quoted.
    pub(crate) fn describe(&self) -> String {
        self.content.describe()
    }

    /// The value as JSON; numbers that JSON lacks become text.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => (*value).into(),
            Content::Int(value) => Number::from_i128(*value).map_or(Value::Null, Value::Number),
            Content::Float(value) => {
                Number::from_f64(*value).map_or_else(|| value.to_string().into(), Value::Number)
            }
            Content::Text(text) => text.as_str().into(),
            Content::Seq(items) => items.iter().map(Self::to_json).collect(),
            Content::Map(entries) => {
                let fields = entries.iter().map(|(key, node)| (key.text.clone(), node.to_json()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

impl Content {
    /// What this is, in words, with scalars quoted.
    pub(crate) fn describe(&self) -> String {
        match self {
            Content::Null => "nothing".into(),
            Content::Bool(value) => value.to_string(),
            Content::Int(value) => value.to_string(),
            Content::Float(value) => value.to_string(),
            Content::Text(text) => format!("{text:?}"),
            Content::Seq(_) => "a list".into(),
            Content::Map(_) => "a map".into(),
        }
    }
}

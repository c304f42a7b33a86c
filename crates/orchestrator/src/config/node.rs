//! The tree of values that a configuration file is parsed into, each with its place.

use experiment::free_form;
use serde_json::{Map, Number, Value};

use super::{Path, Span, scalar};

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
    /// `!remove`: what is inherited under this key is not wanted. Gone once files are composed.
    Removed {
        /// Whether something was inherited.
        met: bool,
    },
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

    /// Takes out what stands at a path, where `[2]` is a place in a list. False where nothing does.
    pub(crate) fn take_out(&mut self, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        let position = match &self.content {
            Content::Map(entries) => entries.iter().position(|(key, _)| key.text == *first),
            Content::Seq(items) => {
                let inner = first.strip_prefix('[').and_then(|at| at.strip_suffix(']'));
                let at = inner.and_then(|at| at.parse::<usize>().ok());
                at.filter(|at| *at < items.len())
            }
            _ => None,
        };
        match (position, &mut self.content) {
            (Some(at), Content::Map(entries)) if rest.is_empty() => drop(entries.remove(at)),
            (Some(at), Content::Seq(items)) if rest.is_empty() => drop(items.remove(at)),
            (Some(at), Content::Map(entries)) => return entries[at].1.take_out(rest),
            (Some(at), Content::Seq(items)) => return items[at].take_out(rest),
            _ => return false,
        }
        true
    }

    /// What this is, in words, with text quoted and numbers as they were written.
    pub(crate) fn describe(&self) -> String {
        self.number_written().unwrap_or_else(|| self.content.describe())
    }

    /// A number as it was written; nothing for what a range or a draw made.
    fn number_written(&self) -> Option<String> {
        let (Content::Int(_) | Content::Float(_)) = &self.content else { return None };
        let written = self.span.written()?;
        (scalar::resolve(&written).ok()? == self.content).then_some(written)
    }

    /// The value as JSON; infinities and NaN as [`experiment::free_form`] has them.
    pub fn to_json(&self) -> Value {
        self.content.to_json()
    }
}

impl Content {
    /// The value as JSON; infinities and NaN as [`experiment::free_form`] has them.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Content::Null | Content::Removed { .. } => Value::Null,
            Content::Bool(value) => (*value).into(),
            Content::Int(value) => Number::from_i128(*value).map_or(Value::Null, Value::Number),
            Content::Float(value) => free_form::number(*value),
            Content::Text(text) => text.as_str().into(),
            Content::Seq(items) => items.iter().map(Node::to_json).collect(),
            Content::Map(entries) => {
                let fields = entries.iter().map(|(key, node)| (key.text.clone(), node.to_json()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }

    /// What this is, in words, with scalars quoted.
    pub(crate) fn describe(&self) -> String {
        match self {
            Content::Null => "nothing".into(),
            Content::Bool(value) => value.to_string(),
            Content::Int(value) => value.to_string(),
            Content::Float(value) => scalar::float(*value),
            Content::Text(text) => format!("{text:?}"),
            Content::Seq(_) => "a list".into(),
            Content::Map(_) => "a map".into(),
            Content::Removed { .. } => "!remove".into(),
        }
    }
}

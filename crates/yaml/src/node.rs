//! The tree of values that a document is parsed into, each with its place.

use crate::{Origin, Path, Source, Span, scalar};

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
    /// A value under a tag that means something to another program, in [`parse_foreign`](crate::parse_foreign).
    Tagged {
        /// The tag with its `!`.
        tag: String,
        /// The value.
        value: Box<Node>,
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
    /// A value that stands nowhere.
    pub fn made(content: Content) -> Self {
        let source = Source { origin: Origin::Argument, text: String::new() };
        Self { content, span: Span::whole(&source.into()) }
    }

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
    pub fn take_out(&mut self, path: &[String]) -> bool {
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

    /// Lists and maps inside each other.
    pub fn depth(&self) -> usize {
        match &self.content {
            Content::Seq(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Content::Map(entries) => {
                1 + entries.iter().map(|(_, node)| node.depth()).max().unwrap_or(0)
            }
            Content::Tagged { value, .. } => value.depth(),
            _ => 0,
        }
    }

    /// Whether what is written at its place, without quotes, is this value.
    pub(crate) fn is_as_written(&self) -> bool {
        let Some(written) = self.span.written() else { return false };
        match (scalar::resolve(&written), &self.content) {
            (Ok(Content::Float(one)), Content::Float(other)) => one.to_bits() == other.to_bits(),
            (Ok(found), content) => found == *content,
            (Err(_), content) => *content == Content::Text(written),
        }
    }

    /// What this is, in words, with text quoted and numbers as they were written.
    pub fn describe(&self) -> String {
        self.number_written().unwrap_or_else(|| self.content.describe())
    }

    /// A number as it was written; nothing for what a range or a draw made.
    fn number_written(&self) -> Option<String> {
        let (Content::Int(_) | Content::Float(_)) = &self.content else { return None };
        let written = self.span.written()?;
        (scalar::resolve(&written).ok()? == self.content).then_some(written)
    }
}

impl Key {
    /// A key that stands nowhere.
    pub fn made(text: impl Into<String>) -> Self {
        Self { text: text.into(), span: Node::made(Content::Null).span }
    }
}

impl Content {
    /// What this is, in words, with scalars quoted.
    pub fn describe(&self) -> String {
        match self {
            Content::Null => "nothing".into(),
            Content::Bool(value) => value.to_string(),
            Content::Int(value) => value.to_string(),
            Content::Float(value) => scalar::float(*value),
            Content::Text(text) => format!("{text:?}"),
            Content::Seq(_) => "a list".into(),
            Content::Map(_) => "a map".into(),
            Content::Removed { .. } => "!remove".into(),
            Content::Tagged { tag, .. } => tag.clone(),
        }
    }
}

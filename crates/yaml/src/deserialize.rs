//! One serde deserialiser over the tree, which knows where it is.

use std::cell::RefCell;

use serde::de::{self, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use crate::access::{Entries, Items, Variant};
use crate::{Content, Error, Fault, Node, Path, Span, scalar};

/// Values that stand in place of those of a tree, by path from where reading begins.
pub type Overlay<'a> = Vec<(&'a [String], &'a Node)>;

/// Where a [`Reader`] is, shared by all readers of one pass.
#[derive(Debug)]
pub struct Trace {
    place: RefCell<(Span, Vec<String>)>,
}

impl Trace {
    /// A pass that begins at `node`, which stands at `path`.
    pub fn new(node: &Node, path: &Path) -> Self {
        Self { place: RefCell::new((node.span.clone(), path.keys().to_vec())) }
    }

    /// The error at the place that was read last.
    pub fn error(&self, message: impl Into<String>) -> Error {
        let (span, keys) = &*self.place.borrow();
        let message = as_written(message.into(), span);
        Error::new(span, keys.iter().cloned().collect(), message)
    }

    pub(crate) fn at(&self, span: &Span) {
        self.place.borrow_mut().0.clone_from(span);
    }

    pub(crate) fn enter(&self, key: &str) {
        self.place.borrow_mut().1.push(key.to_owned());
    }

    pub(crate) fn leave(&self) {
        self.place.borrow_mut().1.pop();
    }
}

/// A message that ends with a number, which is shown as it was written: `1e2` and not `100.0`.
fn as_written(message: String, span: &Span) -> String {
    let Some(written) = span.written() else { return message };
    let Ok(Content::Float(value)) = scalar::resolve(&written) else { return message };
    match message.strip_suffix(&format!("found {}", scalar::float(value))) {
        Some(before) => format!("{before}found {written}"),
        None => message,
    }
}

/// Deserialises a node under an overlay.
#[derive(Debug)]
pub struct Reader<'a> {
    pub(crate) content: &'a Content,
    pub(crate) span: &'a Span,
    pub(crate) overlay: Overlay<'a>,
    pub(crate) trace: &'a Trace,
}

/// What an overlay replaces where the tree has nothing.
pub(crate) static NOTHING: Content = Content::Null;

impl<'a> Reader<'a> {
    /// A reader of `node` with values of `overlay` in place of its own.
    pub fn new(node: &'a Node, overlay: Overlay<'a>, trace: &'a Trace) -> Self {
        Self { content: &node.content, span: &node.span, overlay, trace }
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.trace.at(self.span);
        match self.content {
            _ if !self.overlay.is_empty() => visitor.visit_map(Entries::new(self)),
            Content::Null => visitor.visit_unit(),
            Content::Bool(value) => visitor.visit_bool(*value),
            Content::Int(value) => match (u64::try_from(*value), i64::try_from(*value)) {
                (Ok(value), _) => visitor.visit_u64(value),
                (_, Ok(value)) => visitor.visit_i64(value),
                _ => Err(Fault(format!("wanted a number of 64 bits, found {value}"))),
            },
            Content::Float(value) => visitor.visit_f64(*value),
            Content::Text(text) => visitor.visit_borrowed_str(text),
            Content::Seq(items) => visitor.visit_seq(Items::new(items, &self)),
            Content::Map(_) => visitor.visit_map(Entries::new(self)),
            Content::Removed { .. } => Err(Fault("wanted a value, found !remove".into())),
            Content::Tagged { tag, .. } => {
                Err(Fault(format!("wanted a value, found the tag {tag}")))
            }
        }
    }

    /// What has the type of a number is finite; what may be anything need not be.
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.content {
            Content::Float(value) if self.overlay.is_empty() && !value.is_finite() => {
                self.trace.at(self.span);
                Err(de::Error::invalid_value(Unexpected::Float(*value), &"a finite number"))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.trace.at(self.span);
        match self.content {
            Content::Null if self.overlay.is_empty() => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.trace.at(self.span);
        match self.content {
            Content::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Content::Map(entries) if entries.len() == 1 => {
                visitor.visit_enum(Variant::new(&entries[0], self.trace))
            }
            _ => {
                let (found, known) = (self.content.describe(), variants.join(", "));
                Err(Fault(format!("wanted one of {known}, found {found}")))
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

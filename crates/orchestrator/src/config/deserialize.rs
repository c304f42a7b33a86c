//! One serde deserialiser over the tree, which knows where it is.

use std::cell::RefCell;
use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::{Faults, hint};
use super::{ConfigError, Content, Key, Node, Path, Span, scalar};

/// Values that stand in place of those of a tree, by path from where reading begins.
pub(crate) type Overlay<'a> = Vec<(&'a [String], &'a Node)>;

/// Where a [`Reader`] is, shared by all readers of one pass.
pub(crate) struct Trace {
    place: RefCell<(Span, Vec<String>)>,
}

impl Trace {
    /// A pass that begins at `node`, which stands at `path`.
    pub(crate) fn new(node: &Node, path: &Path) -> Self {
        Self { place: RefCell::new((node.span.clone(), path.keys().to_vec())) }
    }

    /// The error at the place that was read last.
    pub(crate) fn error(&self, message: impl Into<String>) -> ConfigError {
        let (span, keys) = &*self.place.borrow();
        let message = as_written(message.into(), span);
        ConfigError::new(span, keys.iter().cloned().collect(), message)
    }

    fn at(&self, span: &Span) {
        self.place.borrow_mut().0.clone_from(span);
    }

    fn enter(&self, key: &str) {
        self.place.borrow_mut().1.push(key.to_owned());
    }

    fn leave(&self) {
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
pub(crate) struct Reader<'a> {
    content: &'a Content,
    span: &'a Span,
    overlay: Overlay<'a>,
    trace: &'a Trace,
}

/// What an overlay replaces where the tree has nothing.
static NOTHING: Content = Content::Null;

impl<'a> Reader<'a> {
    pub(crate) fn new(node: &'a Node, overlay: Overlay<'a>, trace: &'a Trace) -> Self {
        Self { content: &node.content, span: &node.span, overlay, trace }
    }
}

/// Deserialises a node; every error is located and kept. What is wrong is left out to find the next
/// mistake.
pub(crate) fn typed<T: de::DeserializeOwned>(
    node: &Node,
    path: &Path,
    faults: &mut Faults,
) -> Option<T> {
    let mut rest = node.clone();
    let before = faults.count();
    let mut taken: Vec<Vec<String>> = Vec::new();
    loop {
        let trace = Trace::new(&rest, path);
        let error = match T::deserialize(Reader::new(&rest, Vec::new(), &trace)) {
            Ok(value) => return (faults.count() == before).then_some(value),
            Err(fault) => trace.error(fault.0),
        };
        let below = error.path.keys().get(path.keys().len()..).unwrap_or_default().to_vec();
        drop(trace);
        let misses = |path: &Vec<String>| {
            let (key, above) = path.split_last().expect("something was taken out");
            above == below && error.message == missing(key)
        };
        if taken.iter().any(misses) {
            return None;
        }
        faults.add(error);
        if !rest.take_out(&below) {
            return None;
        }
        taken.push(below);
    }
}

/// A message; the [`Trace`] knows the place.
#[derive(Debug)]
pub(crate) struct Fault(String);

impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self(format!("wanted {}, found {}", wanted_words(wanted), found_words(found)))
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::invalid_type(found, wanted)
    }

    fn invalid_length(found: usize, wanted: &dyn de::Expected) -> Self {
        Self(format!("wanted {wanted}, found {found} values"))
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        Self(format!("unknown value {found:?}{}", hint(found, known.iter().copied())))
    }

    fn unknown_field(found: &str, known: &'static [&'static str]) -> Self {
        Self(format!("unknown key `{found}`{}", hint(found, known.iter().copied())))
    }

    fn missing_field(field: &'static str) -> Self {
        Self(missing(field))
    }
}

fn missing(field: &str) -> String {
    format!("key `{field}` is missing")
}

/// What a Rust type is called in a configuration.
fn wanted_words(wanted: &dyn de::Expected) -> String {
    let text = wanted.to_string();
    let words = match text.as_str() {
        "f32" | "f64" => "a number",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "u128" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "string" => "text",
        "a sequence" => "a list",
        text if text.starts_with("struct ") => "a map",
        text if text.starts_with("enum ") || text == "variant identifier" => "one of its names",
        text => text,
    };
    words.into()
}

fn found_words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Float(value) => scalar::float(value),
        Unexpected::Str(text) => format!("{text:?}"),
        Unexpected::Unit | Unexpected::Option => "nothing".into(),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a map".into(),
        other => other.to_string(),
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
            Content::Seq(items) => {
                visitor.visit_seq(Items { items: items.iter(), at: 0, list: &self })
            }
            Content::Map(_) => visitor.visit_map(Entries::new(self)),
            Content::Removed { .. } => Err(Fault("wanted a value, found !remove".into())),
        }
    }

    /// Parameters are kept as JSON, which has no infinity and no NaN where a number has to stand.
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
                visitor.visit_enum(Variant { entry: &entries[0], trace: self.trace })
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

struct Items<'a, 'de> {
    items: std::slice::Iter<'de, Node>,
    at: usize,
    list: &'a Reader<'de>,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let trace = self.list.trace;
        let Some(node) = self.items.next() else {
            trace.at(self.list.span);
            return Ok(None);
        };
        trace.enter(&format!("[{}]", self.at));
        self.at += 1;
        let value = seed.deserialize(Reader::new(node, Vec::new(), trace))?;
        trace.leave();
        Ok(Some(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// Entries of a map, then those that only the overlay has.
struct Entries<'de> {
    map: Reader<'de>,
    base: &'de [(Key, Node)],
    next: usize,
    added: Vec<&'de str>,
    value: Option<(&'de str, &'de Span, Option<&'de Node>)>,
}

impl<'de> Entries<'de> {
    fn new(map: Reader<'de>) -> Self {
        let base = match map.content {
            Content::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        let mut added: Vec<&str> = Vec::new();
        for (path, _) in &map.overlay {
            let key = path[0].as_str();
            if !super::compose::has(base, key) && !added.contains(&key) {
                added.push(key);
            }
        }
        added.reverse();
        Self { map, base, next: 0, added, value: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let trace = self.map.trace;
        let key = if let Some((key, node)) = self.base.get(self.next) {
            self.next += 1;
            (key.text.as_str(), &key.span, Some(node))
        } else if let Some(key) = self.added.pop() {
            let mut overlay = self.map.overlay.iter();
            let node = overlay.find_map(|(path, node)| (path[0] == *key).then_some(*node));
            (key, node.map_or(self.map.span, |node| &node.span), None)
        } else {
            trace.at(self.map.span);
            return Ok(None);
        };
        trace.at(key.1);
        trace.enter(key.0);
        self.value = Some(key);
        seed.deserialize(de::value::BorrowedStrDeserializer::new(key.0)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let trace = self.map.trace;
        let Some((key, span, base)) = self.value.take() else {
            return Err(Fault("a value was read before its key".into()));
        };
        let below: Overlay<'de> = self
            .map
            .overlay
            .iter()
            .filter(|(path, _)| path[0] == key)
            .map(|(path, node)| (&path[1..], *node))
            .collect();
        let replaced = below.iter().rfind(|(path, _)| path.is_empty()).map(|(_, node)| *node);
        let deeper = below.into_iter().filter(|(path, _)| !path.is_empty()).collect();
        let reader = match replaced.or(base) {
            Some(node) => Reader::new(node, deeper, trace),
            None => Reader { content: &NOTHING, span, overlay: deeper, trace },
        };
        let value = seed.deserialize(reader)?;
        trace.leave();
        Ok(value)
    }
}

struct Variant<'de> {
    entry: &'de (Key, Node),
    trace: &'de Trace,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let key = &self.entry.0;
        self.trace.at(&key.span);
        let value = seed.deserialize(de::value::BorrowedStrDeserializer::new(&key.text))?;
        self.trace.enter(&key.text);
        Ok((value, self))
    }
}

impl<'de> Variant<'de> {
    fn reader(&self) -> Reader<'de> {
        Reader::new(&self.entry.1, Vec::new(), self.trace)
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        de::Deserialize::deserialize(self.reader())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let value = seed.deserialize(self.reader())?;
        self.trace.leave();
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.reader().deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.reader().deserialize_any(visitor)
    }
}

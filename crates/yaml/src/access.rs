//! Lists, maps and variants while they are read.

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use crate::deserialize::{NOTHING, Overlay, Reader, Trace};
use crate::{Content, Fault, Key, Node, Span};

/// Items of a list.
pub(crate) struct Items<'a, 'de> {
    items: std::slice::Iter<'de, Node>,
    at: usize,
    list: &'a Reader<'de>,
}

impl<'a, 'de> Items<'a, 'de> {
    pub(crate) fn new(items: &'de [Node], list: &'a Reader<'de>) -> Self {
        Self { items: items.iter(), at: 0, list }
    }
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
pub(crate) struct Entries<'de> {
    map: Reader<'de>,
    base: &'de [(Key, Node)],
    next: usize,
    added: Vec<&'de str>,
    value: Option<(&'de str, &'de Span, Option<&'de Node>)>,
}

impl<'de> Entries<'de> {
    pub(crate) fn new(map: Reader<'de>) -> Self {
        let base = match map.content {
            Content::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        let mut added: Vec<&str> = Vec::new();
        for (path, _) in &map.overlay {
            let key = path[0].as_str();
            if !base.iter().any(|(known, _)| known.text == key) && !added.contains(&key) {
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

/// A variant of a key and its value.
pub(crate) struct Variant<'de> {
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
    pub(crate) fn new(entry: &'de (Key, Node), trace: &'de Trace) -> Self {
        Self { entry, trace }
    }

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

//! Parses one YAML document into a tree of nodes, with limits on its size and depth.

mod merge;
mod tags;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use merge::{merge_keys, merge_maps};

use crate::{Content, Error, Key, Node, Path, Source, Span};

/// Values in a document at most, with those that aliases repeat.
const MOST_NODES: usize = 1_000_000;
/// Values that aliases repeat at most: a short document must not take much memory.
const MOST_REPEATED: usize = 100_000;

/// Lists and maps inside each other at most.
pub const DEEPEST: usize = 64;

/// Parses one YAML document to a tree; `column` is added to columns of the first line.
///
/// # Errors
/// What is no YAML or over a bound, keys that are twice or no text, unknown tags.
pub fn parse(source: &Arc<Source>, text: &str, column: usize) -> Result<Node, Error> {
    read(source, text, column, false)
}

/// Parses a document that is meant for another program: its keys may be numbers, truth values and null,
/// which are kept as they were written, and its tags are kept.
///
/// # Errors
/// What is no YAML or over a bound, keys that are twice, lists or maps.
pub fn parse_foreign(source: &Arc<Source>) -> Result<Node, Error> {
    read(source, &source.text, 0, true)
}

fn read(source: &Arc<Source>, text: &str, column: usize, foreign: bool) -> Result<Node, Error> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder {
        source,
        column,
        foreign,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        repeated: 0,
        anchored: 0,
        merge: false,
        root: None,
    };
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let span = builder.span(*error.marker(), *error.marker());
            Error::new(&span, Path::root(), format!("not valid YAML: {}", error.info()))
        })?;
        let span = builder.span(span.start, span.end);
        builder.take(event, span)?;
    }
    let start = Span { column: 1 + column, ..Span::start_of(source) };
    Ok(builder.root.unwrap_or(Node { content: Content::Null, span: start }))
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    column: usize,
    /// Whether the document is meant for another program.
    foreign: bool,
    open: Vec<Open>,
    /// What anchors stand for, with the number of values in it.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    repeated: usize,
    anchored: usize,
    /// Whether what is placed merges maps where it is a key: `<<` without quotes and without a tag.
    merge: bool,
    root: Option<Node>,
}

/// A list or map that is not finished.
struct Open {
    anchor: usize,
    tag: Option<String>,
    span: Span,
    kind: Kind,
    /// How many values there were before it.
    before: usize,
}

enum Kind {
    Seq(Vec<Node>),
    Map {
        entries: Vec<(Key, Node)>,
        known: HashSet<String>,
        key: Option<Key>,
        /// Whether `key` merges maps.
        merge: bool,
        merges: Vec<Node>,
    },
}

impl Builder<'_> {
    fn span(&self, start: Marker, end: Marker) -> Span {
        let shift = if start.line() == 1 { self.column } else { 0 };
        let one_line = start.line() == end.line() && end.col() > start.col();
        Span {
            source: Arc::clone(self.source),
            line: start.line().max(1),
            column: start.col() + 1 + shift,
            len: if one_line { end.col() - start.col() } else { 1 },
        }
    }

    fn error<T>(&self, span: &Span, message: impl Into<String>) -> Result<T, Error> {
        let keys = self.open.iter().filter_map(|open| match &open.kind {
            Kind::Map { key: Some(key), .. } => Some(key.text.clone()),
            _ => None,
        });
        Err(Error::new(span, keys.collect(), message))
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Error> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let content = self.scalar(&text, style, tag.as_deref(), &span)?;
                self.merge = text == "<<" && style == ScalarStyle::Plain && tag.is_none();
                let placed = self.place(Node { content, span }, anchor, 1);
                self.merge = false;
                placed
            }
            Event::Alias(anchor) => {
                let Some((node, weight)) = self.anchors.get(&anchor) else {
                    return self.error(&span, "the alias stands inside its own anchor");
                };
                let depth = node.depth();
                self.repeated += weight;
                if self.open.len() + depth > DEEPEST {
                    return self.error(&span, format!("wanted at most {DEEPEST} levels"));
                }
                if self.repeated > MOST_REPEATED {
                    let message = format!("wanted at most {MOST_REPEATED} values by aliases");
                    return self.error(&span, message);
                }
                let (node, weight) = (node.clone(), *weight);
                self.place(node, 0, weight)
            }
            Event::SequenceStart(anchor, tag) => {
                let tag = self.collection_tag(tag.as_deref(), "seq", &span)?;
                self.open((anchor, tag), span, Kind::Seq(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                let tag = self.collection_tag(tag.as_deref(), "map", &span)?;
                let (entries, known, merges) = Default::default();
                let kind = Kind::Map { entries, known, key: None, merge: false, merges };
                self.open((anchor, tag), span, kind)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::DocumentStart(_) if self.root.is_some() => {
                self.error(&span, "wanted one document, found a second")
            }
            _ => Ok(()),
        }
    }

    fn open(
        &mut self,
        (anchor, tag): (usize, Option<String>),
        span: Span,
        kind: Kind,
    ) -> Result<(), Error> {
        if self.open.len() >= DEEPEST {
            return self.error(&span, format!("wanted at most {DEEPEST} levels"));
        }
        self.open.push(Open { anchor, tag, span, kind, before: self.nodes + self.repeated });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let Some(Open { anchor, tag, span, kind, before }) = self.open.pop() else {
            return Ok(());
        };
        let mut content = match kind {
            Kind::Seq(items) => Content::Seq(items),
            Kind::Map { entries, merges, .. } => Content::Map(merge_keys(entries, merges)),
        };
        if let Some(tag) = tag {
            let value = Box::new(Node { content, span: span.clone() });
            content = Content::Tagged { tag, value };
        }
        let weight = 1 + self.nodes + self.repeated - before;
        self.place(Node { content, span }, anchor, weight)
    }

    /// Puts a finished value where it belongs: into the open list or map, or at the root.
    fn place(&mut self, node: Node, anchor: usize, weight: usize) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes + self.repeated > MOST_NODES {
            return self.error(&node.span, format!("wanted at most {MOST_NODES} values"));
        }
        if anchor > 0 {
            // What an anchor stands for is kept a second time, inside other anchors a third.
            self.anchored += weight;
            if self.anchored > MOST_NODES {
                let message = format!("wanted at most {MOST_NODES} values under anchors");
                return self.error(&node.span, message);
            }
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        let Some(mut open) = self.open.pop() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.kind {
            Kind::Seq(_) if matches!(node.content, Content::Removed { .. }) => {
                return self.error(&node.span, "wanted `!remove` as the value of a key");
            }
            Kind::Seq(items) => items.push(node),
            Kind::Map { entries, known, key, merge, merges } => match key.take() {
                None => {
                    *key = Some(self.key(node, known, entries)?);
                    *merge = self.merge;
                }
                Some(_) if *merge => match merge_maps(node) {
                    Ok(maps) => merges.extend(maps),
                    Err(span) => {
                        return self.error(&span, "wanted a map or a list of maps to merge");
                    }
                },
                Some(at) => entries.push((at, node)),
            },
        }
        self.open.push(open);
        Ok(())
    }

    fn key(
        &self,
        node: Node,
        known: &mut HashSet<String>,
        entries: &[(Key, Node)],
    ) -> Result<Key, Error> {
        let foreign = || node.span.written().filter(|_| self.foreign && node.is_as_written());
        let text = match &node.content {
            Content::Text(text) => Some(text.clone()),
            _ => foreign(),
        };
        let Some(text) = text else {
            let message = format!("wanted text as a key, found {}", node.describe());
            return self.error(&node.span, message);
        };
        if !self.merge && !known.insert(text.clone()) {
            let first = entries.iter().find(|(known, _)| known.text == text);
            let line = first
                .map_or(String::new(), |(key, _)| format!(", first in line {}", key.span.line));
            return self.error(&node.span, format!("key `{text}` stands twice{line}"));
        }
        Ok(Key { text, span: node.span })
    }
}

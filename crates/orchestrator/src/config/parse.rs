use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::{ConfigError, Content, Key, Node, Path, Source, Span, compose, scalar};

/// Values in a document at most, aliases counted as often as they are used.
const MOST_NODES: usize = 1_000_000;

const TOO_MANY: &str = "wanted at most 1000000 values, aliases counted as often as they are used";

/// Lists and maps inside each other at most.
const DEEPEST: usize = 64;

/// Parses one YAML document to a tree; `column` is added to columns of the first line.
pub(crate) fn parse(source: &Arc<Source>, text: &str, column: usize) -> Result<Node, ConfigError> {
    let mut parser = Parser::new_from_str(text);
    let mut builder =
        Builder { source, column, open: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None };
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let span = builder.span(*error.marker(), *error.marker());
            ConfigError::new(&span, Path::root(), format!("no YAML: {}", error.info()))
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
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

/// A list or map that is not finished.
struct Open {
    anchor: usize,
    span: Span,
    kind: Kind,
}

enum Kind {
    Seq(Vec<Node>),
    Map { entries: Vec<(Key, Node)>, key: Option<Key>, merges: Vec<Node> },
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

    fn error<T>(&self, span: &Span, message: impl Into<String>) -> Result<T, ConfigError> {
        let keys = self.open.iter().filter_map(|open| match &open.kind {
            Kind::Map { key: Some(key), .. } => Some(key.text.clone()),
            _ => None,
        });
        Err(ConfigError::new(span, keys.collect(), message))
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), ConfigError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let content = self.scalar(&text, style, tag.as_deref(), &span)?;
                self.place(Node { content, span }, anchor)
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return self.error(&span, "the alias stands inside its own anchor");
                };
                self.nodes += weight(node);
                if self.nodes > MOST_NODES {
                    return self.error(&span, TOO_MANY);
                }
                let node = node.clone();
                self.place(node, 0)
            }
            Event::SequenceStart(anchor, _) => self.open(anchor, span, Kind::Seq(Vec::new())),
            Event::MappingStart(anchor, _) => {
                let map = Kind::Map { entries: Vec::new(), key: None, merges: Vec::new() };
                self.open(anchor, span, map)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::DocumentStart(_) if self.root.is_some() => {
                self.error(&span, "wanted one document, found a second")
            }
            _ => Ok(()),
        }
    }

    fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Result<Content, ConfigError> {
        let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
        if style != ScalarStyle::Plain || is_text {
            return Ok(Content::Text(text.into()));
        }
        scalar::resolve(text).or_else(|message| self.error(span, message))
    }

    fn open(&mut self, anchor: usize, span: Span, kind: Kind) -> Result<(), ConfigError> {
        if self.open.len() >= DEEPEST {
            return self.error(&span, format!("wanted at most {DEEPEST} levels"));
        }
        self.open.push(Open { anchor, span, kind });
        Ok(())
    }

    fn close(&mut self) -> Result<(), ConfigError> {
        let Some(Open { anchor, span, kind }) = self.open.pop() else { return Ok(()) };
        let content = match kind {
            Kind::Seq(items) => Content::Seq(items),
            Kind::Map { entries, merges, .. } => Content::Map(merge_keys(entries, merges)),
        };
        self.place(Node { content, span }, anchor)
    }

    /// Puts a finished value where it belongs: into the open list or map, or at the root.
    fn place(&mut self, node: Node, anchor: usize) -> Result<(), ConfigError> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return self.error(&node.span, TOO_MANY);
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(mut open) = self.open.pop() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.kind {
            Kind::Seq(items) => items.push(node),
            Kind::Map { entries, key, merges } => match key.take() {
                None => *key = Some(self.key(node, entries)?),
                Some(at) if at.text == "<<" => merges.extend(merge_maps(node).or_else(|span| {
                    self.error(&span, "wanted a map or a list of maps to merge")
                })?),
                Some(at) => entries.push((at, node)),
            },
        }
        self.open.push(open);
        Ok(())
    }

    fn key(&self, node: Node, entries: &[(Key, Node)]) -> Result<Key, ConfigError> {
        let Content::Text(text) = node.content else {
            let message = format!("wanted text as a key, found {}", node.describe());
            return self.error(&node.span, message);
        };
        if let Some((known, _)) = entries.iter().find(|(known, _)| known.text == text) {
            let line = known.span.line;
            let message = format!("key `{text}` stands twice, first in line {line}");
            return self.error(&node.span, message);
        }
        Ok(Key { text, span: node.span })
    }
}

/// The maps behind `<<`, or the place of what is none.
fn merge_maps(node: Node) -> Result<Vec<Node>, Span> {
    let maps = match node.content {
        Content::Seq(items) => items,
        _ => vec![node],
    };
    match maps.iter().find(|map| !matches!(map.content, Content::Map(_))) {
        Some(other) => Err(other.span.clone()),
        None => Ok(maps),
    }
}

/// Keys of the map itself win over merged ones, earlier merged maps over later ones.
fn merge_keys(entries: Vec<(Key, Node)>, merges: Vec<Node>) -> Vec<(Key, Node)> {
    let mut merged = entries;
    for map in merges {
        let Content::Map(entries) = map.content else { continue };
        for (key, node) in entries {
            if !compose::has(&merged, &key.text) {
                merged.push((key, node));
            }
        }
    }
    merged
}

fn weight(node: &Node) -> usize {
    match &node.content {
        Content::Seq(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Content::Map(entries) => 1 + entries.iter().map(|(_, node)| weight(node)).sum::<usize>(),
        _ => 0,
    }
}

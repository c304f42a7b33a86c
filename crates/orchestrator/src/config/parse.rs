//! Parses one YAML document into a tree of nodes, with limits on its size and depth.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::{ConfigError, Content, Key, Node, Path, Source, Span, scalar};

/// Values in a document at most, without those that aliases repeat.
const MOST_NODES: usize = 1_000_000;
/// Values that aliases repeat at most: a short document must not take much memory.
const MOST_REPEATED: usize = 100_000;

/// Lists and maps inside each other at most.
const DEEPEST: usize = 64;

/// Parses one YAML document to a tree; `column` is added to columns of the first line.
pub(crate) fn parse(source: &Arc<Source>, text: &str, column: usize) -> Result<Node, ConfigError> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder {
        source,
        column,
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
            ConfigError::new(&span, Path::root(), format!("not valid YAML: {}", error.info()))
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
                self.merge = text == "<<" && style == ScalarStyle::Plain && tag.is_none();
                let placed = self.place(Node { content, span }, anchor, 1);
                self.merge = false;
                placed
            }
            Event::Alias(anchor) => {
                let Some((node, weight)) = self.anchors.get(&anchor) else {
                    return self.error(&span, "the alias stands inside its own anchor");
                };
                self.repeated += weight;
                if self.repeated > MOST_REPEATED {
                    let message = format!("wanted at most {MOST_REPEATED} values by aliases");
                    return self.error(&span, message);
                }
                let (node, weight) = (node.clone(), *weight);
                self.place(node, 0, weight)
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", &span)?;
                self.open(anchor, span, Kind::Seq(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", &span)?;
                let (entries, known, merges) = Default::default();
                self.open(
                    anchor,
                    span,
                    Kind::Map { entries, known, key: None, merge: false, merges },
                )
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
        let core = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
        let is_removal = tag.is_some_and(|tag| tag.handle == "!" && tag.suffix == "remove");
        match (tag, core) {
            (None, _) if style == ScalarStyle::Plain => {
                scalar::resolve(text).or_else(|message| self.error(span, message))
            }
            (None, _) | (_, Some("str")) => Ok(Content::Text(text.into())),
            (_, Some(kind @ ("null" | "bool" | "int" | "float"))) => {
                let found = scalar::resolve(text).or_else(|message| self.error(span, message))?;
                match (kind, found) {
                    ("null", Content::Null) => Ok(Content::Null),
                    ("bool", found @ Content::Bool(_)) => Ok(found),
                    ("int", found @ Content::Int(_)) => Ok(found),
                    ("float", found @ Content::Float(_)) => Ok(found),
                    #[expect(clippy::cast_precision_loss, reason = "what was asked for")]
                    ("float", Content::Int(found)) => Ok(Content::Float(found as f64)),
                    _ => self.error(span, format!("wanted a value of !!{kind}, found {text:?}")),
                }
            }
            _ if is_removal && text.is_empty() => Ok(Content::Removed { met: false }),
            _ if is_removal => {
                self.error(span, format!("wanted nothing after `!remove`, found {text:?}"))
            }
            (Some(tag), _) => self.unknown_tag(tag, span),
        }
    }

    /// Refuses tags of lists and maps other than the one that says what they are anyway.
    fn check_tag(&self, tag: Option<&Tag>, own: &str, span: &Span) -> Result<(), ConfigError> {
        match tag {
            Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == own) => {
                self.unknown_tag(tag, span)
            }
            _ => Ok(()),
        }
    }

    fn unknown_tag<T>(&self, tag: &Tag, span: &Span) -> Result<T, ConfigError> {
        let wanted = "!remove as the value of a key, or !!str and its like";
        let tag = match tag.is_yaml_core_schema() {
            true => format!("!!{}", tag.suffix),
            false => tag.to_string(),
        };
        self.error(span, format!("unknown tag `{tag}`; wanted {wanted}"))
    }

    fn open(&mut self, anchor: usize, span: Span, kind: Kind) -> Result<(), ConfigError> {
        if self.open.len() >= DEEPEST {
            return self.error(&span, format!("wanted at most {DEEPEST} levels"));
        }
        self.open.push(Open { anchor, span, kind, before: self.nodes + self.repeated });
        Ok(())
    }

    fn close(&mut self) -> Result<(), ConfigError> {
        let Some(Open { anchor, span, kind, before }) = self.open.pop() else { return Ok(()) };
        let content = match kind {
            Kind::Seq(items) => Content::Seq(items),
            Kind::Map { entries, merges, .. } => Content::Map(merge_keys(entries, merges)),
        };
        let weight = 1 + self.nodes + self.repeated - before;
        self.place(Node { content, span }, anchor, weight)
    }

    /// Puts a finished value where it belongs: into the open list or map, or at the root.
    fn place(&mut self, node: Node, anchor: usize, weight: usize) -> Result<(), ConfigError> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
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
    ) -> Result<Key, ConfigError> {
        let Content::Text(text) = node.content else {
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
    let mut known: HashMap<String, usize> =
        merged.iter().enumerate().map(|(at, (key, _))| (key.text.clone(), at)).collect();
    for map in merges {
        let Content::Map(entries) = map.content else { continue };
        for (key, node) in entries {
            match known.get(&key.text) {
                None => {
                    known.insert(key.text.clone(), merged.len());
                    merged.push((key, node));
                }
                Some(&at) => {
                    if let Content::Removed { met } = &mut merged[at].1.content {
                        *met = true;
                    }
                }
            }
        }
    }
    merged
}

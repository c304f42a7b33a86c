//! `extends` and `--set`: several trees into one.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::Arc;

use yaml::parse;

use super::set::{self, Change};
use super::{ConfigError, Content, Faults, Key, Node, Path, Source, Span, hint};

/// Files that a configuration is made of at most.
const MOST_FILES: usize = 1000;

/// A configuration in one tree.
pub(crate) struct Composed {
    pub(crate) root: Node,
    /// What the arguments of `--set` did.
    pub(crate) changes: Vec<Change>,
}

/// Reads a file with everything it extends, and applies the arguments of `--set`.
///
/// # Errors
/// One that leaves no tree; others are kept.
pub(crate) fn compose(
    path: &FilePath,
    set: &[String],
    faults: &mut Faults,
) -> Result<Composed, ConfigError> {
    let mut root = Reading::default().read(path, None)?;
    settle(&mut root, &mut Vec::new(), faults);
    let changes = set.iter().filter_map(|argument| faults.keep(set::apply(&mut root, argument)));
    let changes = changes.collect();
    settle(&mut root, &mut Vec::new(), faults);
    Ok(Composed { root, changes })
}

/// Takes out what files and arguments remove.
fn settle(node: &mut Node, keys: &mut Vec<String>, faults: &mut Faults) {
    let Content::Map(entries) = &mut node.content else {
        if let Content::Seq(items) = &mut node.content {
            for (at, item) in items.iter_mut().enumerate() {
                keys.push(format!("[{at}]"));
                settle(item, keys, faults);
                keys.pop();
            }
        }
        return;
    };
    let known = |entries: &[(Key, Node)], own: &str| -> Vec<String> {
        let others = entries.iter().filter(|(key, _)| key.text != own);
        others.map(|(key, _)| key.text.clone()).collect()
    };
    let unmet: Vec<_> = entries
        .iter()
        .filter(|(_, node)| node.content == Content::Removed { met: false })
        .map(|(key, _)| (key.clone(), known(entries, &key.text)))
        .collect();
    for (key, others) in unmet {
        let nearest = hint(&key.text, others.iter().map(String::as_str));
        let message = format!("there is no inherited `{}` to remove{nearest}", key.text);
        let path = keys.iter().chain([&key.text]).cloned().collect();
        faults.add(ConfigError::new(&key.span, path, message));
    }
    entries.retain(|(_, node)| !matches!(node.content, Content::Removed { .. }));
    for (key, node) in entries {
        keys.push(key.text.clone());
        settle(node, keys, faults);
        keys.pop();
    }
}

/// Files under way.
#[derive(Default)]
struct Reading {
    /// Who extends whom.
    chain: Vec<PathBuf>,
    files: usize,
}

impl Reading {
    /// Reads a file and what it extends; `asked` is where its name stands.
    fn read(&mut self, path: &FilePath, asked: Option<&Node>) -> Result<Node, ConfigError> {
        let source = open(path, asked)?;
        let here = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        self.files += 1;
        if self.chain.contains(&here) || self.files > MOST_FILES {
            let start = Span::start_of(&source);
            let span = asked.map_or(&start, |node| &node.span);
            return Err(ConfigError::new(span, Path::from_iter(["extends"]), self.endless(path)));
        }
        self.chain.push(here);
        let mut own = own(&source)?;
        let mut merged: Option<Node> = None;
        for name in take_extends(&mut own)? {
            let base = self.read(&extended(path, &name)?, Some(&name))?;
            merged = Some(match merged {
                None => base,
                Some(earlier) => merge(earlier, base),
            });
        }
        self.chain.pop();
        Ok(match merged {
            None => own,
            Some(base) => merge(base, own),
        })
    }

    fn endless(&self, path: &FilePath) -> String {
        if self.files > MOST_FILES {
            return format!("wanted at most {MOST_FILES} files, one read twice counted twice");
        }
        let names = self.chain.iter().filter_map(|path| path.file_name());
        let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
        format!("{} extends itself through {}", path.display(), names.join(" -> "))
    }
}

/// What a file says itself.
fn own(source: &Arc<Source>) -> Result<Node, ConfigError> {
    let own = parse(source, &source.text, 0)?;
    match own.content {
        Content::Map(_) => Ok(own),
        Content::Null => {
            let message = "the file is empty; wanted a map";
            Err(ConfigError::new(&own.span, Path::root(), message))
        }
        _ => {
            let message = format!("wanted a map, found {}", own.describe());
            Err(ConfigError::new(&own.span, Path::root(), message))
        }
    }
}

/// Removes `extends` from a tree and gives its names.
fn take_extends(root: &mut Node) -> Result<Vec<Node>, ConfigError> {
    let Content::Map(entries) = &mut root.content else { return Ok(Vec::new()) };
    let Some(at) = entries.iter().position(|(key, _)| key.text == "extends") else {
        return Ok(Vec::new());
    };
    let (_, node) = entries.remove(at);
    match node.content {
        Content::Seq(names) => Ok(names),
        _ => Ok(vec![node]),
    }
}

fn extended(file: &FilePath, name: &Node) -> Result<PathBuf, ConfigError> {
    let Content::Text(text) = &name.content else {
        let message = format!("wanted the path of a file, found {}", name.describe());
        return Err(ConfigError::new(&name.span, Path::from_iter(["extends"]), message));
    };
    Ok(beside(file, text))
}

/// A path that is written in a file and starts at its folder.
pub(super) fn beside(file: &FilePath, text: &str) -> PathBuf {
    // `a/../b` is shown as `b`; a leading `..` stays.
    let mut path = PathBuf::new();
    for part in file.parent().unwrap_or(FilePath::new("")).join(text).components() {
        let inside = matches!(path.components().next_back(), Some(Component::Normal(_)));
        match part {
            Component::ParentDir if inside => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}

/// Reads a file; what is wrong with one that is extended stands where it is asked for.
fn open(path: &FilePath, asked: Option<&Node>) -> Result<Arc<Source>, ConfigError> {
    Source::read(path).map_err(|error| match asked {
        Some(node) => {
            let message = format!("{}: {}", path.display(), error.message);
            ConfigError::new(&node.span, Path::from_iter(["extends"]), message)
        }
        None => error,
    })
}

/// `over` on top of `base`: maps key by key, anything else replaced.
fn merge(base: Node, over: Node) -> Node {
    let (base, over) = match (base, over) {
        (Node { content: Content::Map(base), .. }, Node { content: Content::Map(over), span }) => {
            (base, Node { content: Content::Map(over), span })
        }
        (base, Node { content: Content::Removed { met }, span }) => {
            let met = met || base.content != Content::Removed { met: false };
            return Node { content: Content::Removed { met }, span };
        }
        (_, over) => return over,
    };
    let Content::Map(own) = over.content else { unreachable!("matched as a map above") };
    let mut entries = base;
    let known: HashMap<String, usize> =
        entries.iter().enumerate().map(|(at, (key, _))| (key.text.clone(), at)).collect();
    for (key, node) in own {
        match known.get(&key.text) {
            None => entries.push((key, node)),
            Some(&at) => {
                let (_, earlier) = std::mem::replace(&mut entries[at], (key, empty(&node.span)));
                entries[at].1 = merge(earlier, node);
            }
        }
    }
    Node { content: Content::Map(entries), span: over.span }
}

pub(super) fn empty(span: &Span) -> Node {
    Node { content: Content::Null, span: span.clone() }
}

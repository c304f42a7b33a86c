//! `extends`, `--set`: several trees into one.

use std::fs;
use std::io::Read;
use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::Arc;

use super::source::Origin;
use super::{ConfigError, Content, Key, Node, Path, Source, Span, parse::parse};

/// Bytes of a file at most.
const LARGEST: u64 = 16 << 20;

/// Reads a file with everything it extends, and applies the arguments of `--set`.
pub(crate) fn compose(path: &FilePath, set: &[String]) -> Result<Node, ConfigError> {
    let mut root = read(path, None, &mut Vec::new())?;
    for argument in set {
        apply(&mut root, argument)?;
    }
    Ok(root)
}

/// Reads a file and what it extends; `asked` is where its name stands, `chain` who extends whom.
fn read(
    path: &FilePath,
    asked: Option<&Node>,
    chain: &mut Vec<PathBuf>,
) -> Result<Node, ConfigError> {
    let source = open(path, asked)?;
    let here = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    if chain.contains(&here) {
        let names: Vec<_> = chain.iter().filter_map(|p| p.file_name()).collect();
        let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
        let message = format!("{} extends itself through {}", path.display(), names.join(" -> "));
        let start = Span::start_of(&source);
        let span = asked.map_or(&start, |node| &node.span);
        return Err(ConfigError::new(span, Path::from_iter(["extends"]), message));
    }
    chain.push(here);
    let mut own = parse(&source, &source.text, 0)?;
    if !matches!(own.content, Content::Map(_)) {
        let message = match own.content {
            Content::Null => "the file is empty; wanted a map".into(),
            _ => format!("wanted a map, found {}", own.describe()),
        };
        return Err(ConfigError::new(&own.span, Path::root(), message));
    }
    let mut merged: Option<Node> = None;
    for name in take_extends(&mut own)? {
        let base = read(&beside(path, &name)?, Some(&name), chain)?;
        merged = Some(match merged {
            None => base,
            Some(earlier) => merge(earlier, base),
        });
    }
    chain.pop();
    Ok(match merged {
        None => own,
        Some(base) => merge(base, own),
    })
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

fn beside(file: &FilePath, name: &Node) -> Result<PathBuf, ConfigError> {
    let Content::Text(text) = &name.content else {
        let message = format!("wanted the path of a file, found {}", name.describe());
        return Err(ConfigError::new(&name.span, Path::from_iter(["extends"]), message));
    };
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
    Ok(path)
}

fn open(path: &FilePath, asked: Option<&Node>) -> Result<Arc<Source>, ConfigError> {
    let source = |text| Arc::new(Source { origin: Origin::File(path.into()), text });
    let fail = |message: String| match asked {
        Some(node) => {
            let message = format!("{}: {message}", path.display());
            ConfigError::new(&node.span, Path::from_iter(["extends"]), message)
        }
        None => ConfigError::new(&Span::start_of(&source(String::new())), Path::root(), message),
    };
    let read = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| fail(format!("could not read the file: {error}")))?;
    if bytes.len() as u64 > LARGEST {
        return Err(fail(format!("wanted at most {LARGEST} bytes, found more")));
    }
    String::from_utf8(bytes).map(source).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        fail(format!("wanted UTF-8, found byte {:#04x} in line {line}", error.as_bytes()[at]))
    })
}

/// `over` on top of `base`: maps key by key, anything else replaced.
fn merge(base: Node, over: Node) -> Node {
    let (base, over) = match (base, over) {
        (Node { content: Content::Map(base), .. }, Node { content: Content::Map(over), span }) => {
            (base, Node { content: Content::Map(over), span })
        }
        (_, over) => return over,
    };
    let Content::Map(own) = over.content else { unreachable!("matched as a map above") };
    let mut entries = base;
    for (key, node) in own {
        match entries.iter().position(|(known, _)| known.text == key.text) {
            None => entries.push((key, node)),
            Some(at) => {
                let (_, earlier) = std::mem::replace(&mut entries[at], (key, empty(&node.span)));
                entries[at].1 = merge(earlier, node);
            }
        }
    }
    Node { content: Content::Map(entries), span: over.span }
}

fn empty(span: &Span) -> Node {
    Node { content: Content::Null, span: span.clone() }
}

pub(crate) fn has(entries: &[(Key, Node)], key: &str) -> bool {
    entries.iter().any(|(known, _)| known.text == key)
}

/// Applies `PATH=VALUE`; a key below a list is a place in it, from 0.
fn apply(root: &mut Node, argument: &str) -> Result<(), ConfigError> {
    let source = Arc::new(Source { origin: Origin::Argument, text: argument.into() });
    let start = Span::start_of(&source);
    let Some((left, value)) = argument.split_once('=') else {
        return Err(ConfigError::new(&start, Path::root(), "wanted PATH=VALUE, found no `=`"));
    };
    let path = Path::parse(left).map_err(|(at, wanted)| {
        let span = Span { column: at + 1, ..start.clone() };
        ConfigError::new(&span, Path::root(), format!("wanted {wanted}"))
    })?;
    let before = left.chars().count() + 1;
    let value = parse(&source, value, before)?;
    let span = Span { len: before - 1, ..start };
    let mut at = root;
    for (depth, key) in path.keys().iter().enumerate() {
        if at.content == Content::Null {
            at.content = Content::Map(Vec::new());
        }
        let found = at.describe();
        let upto = || path.keys()[..depth].iter().cloned().collect();
        at = match &mut at.content {
            Content::Map(entries) => {
                let index = entries.iter().position(|(known, _)| known.text == *key);
                let index = index.unwrap_or_else(|| {
                    entries.push((Key { text: key.clone(), span: span.clone() }, empty(&span)));
                    entries.len() - 1
                });
                &mut entries[index].1
            }
            Content::Seq(items) => {
                let count = items.len();
                let item = key.parse::<usize>().ok().and_then(|at| items.get_mut(at));
                item.ok_or_else(|| {
                    let message =
                        format!("wanted a place below {count} in the list, found `{key}`");
                    ConfigError::new(&span, upto(), message)
                })?
            }
            _ => {
                let message = format!("wanted a map to set `{key}` in, found {found}");
                return Err(ConfigError::new(&span, upto(), message));
            }
        };
    }
    *at = value;
    Ok(())
}

//! Arguments of `--set`: one value replaced, added or removed each.

use std::sync::Arc;

use yaml::parse;

use super::axis::below_params;
use super::compose::empty;
use super::{ConfigError, Content, Key, Node, Origin, Path, Source, Span, hint, nearest};

/// What an argument did.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) path: Path,
    /// The whole path in the argument.
    pub(crate) span: Span,
    /// A key beside it that it looks like, where it is a new one.
    pub(crate) like: Option<String>,
    /// What to say of its value, and where that stands.
    pub(crate) note: Option<(Span, String)>,
}

/// Applies `PATH=VALUE` or `~PATH`; a key below a list is a place in it, from 0.
pub(crate) fn apply(root: &mut Node, argument: &str) -> Result<Change, ConfigError> {
    let source = Arc::new(Source { origin: Origin::Argument, text: argument.into() });
    let start = Span::start_of(&source);
    let path = |text: &str, before: usize| {
        Path::parse(text).map_err(|(at, wanted)| {
            let span = Span { column: before + at + 1, ..start.clone() };
            ConfigError::new(&span, Path::root(), format!("wanted {wanted}"))
        })
    };
    if let Some(text) = argument.strip_prefix('~') {
        let span = Span { column: 2, len: text.chars().count().max(1), ..start.clone() };
        return remove(root, path(text, 1)?, span);
    }
    let Some((left, right)) = argument.split_once('=') else {
        let message = "wanted PATH=VALUE, or ~PATH to remove something, found no `=`";
        return Err(ConfigError::new(&start, Path::root(), message));
    };
    let path = path(left, 0)?;
    let before = left.chars().count() + 1;
    let value = value(&source, &path, (left, right), before)?;
    let span = Span { len: before.saturating_sub(1).max(1), ..start };
    if path.keys().len() + value.depth() > yaml::DEEPEST {
        let message = format!("wanted at most {} levels", yaml::DEEPEST);
        return Err(ConfigError::new(&span, path, message));
    }
    if matches!(value.content, Content::Removed { .. }) {
        return remove(root, path, span);
    }
    let note = note(&value, left);
    let (place, like) = place(root, &path, &span)?;
    *place = value;
    Ok(Change { path, span, like, note })
}

/// The value of an argument. A comment or nothing at all is never meant there.
fn value(
    source: &Arc<Source>,
    path: &Path,
    (left, right): (&str, &str),
    before: usize,
) -> Result<Node, ConfigError> {
    let quoted = || format!("text needs quotes inside the argument: {}", quoted(left, right));
    let whole =
        Span { column: before + 1, len: right.chars().count().max(1), ..Span::start_of(source) };
    if right.trim().is_empty() {
        let wanted = format!(
            "wanted a value after `=`: `{left}=null` for nothing, {} for empty text, \
             -s '~{left}' to remove what is there",
            self::quoted(left, "")
        );
        return Err(ConfigError::new(&whole, path.clone(), wanted));
    }
    let is_flow = right.trim_start().starts_with(['[', '{', '"', '\'']);
    let node = parse(source, right, before).map_err(|mut error| {
        if !is_flow {
            error.message = format!("{}; {}", error.message, quoted());
        }
        error
    })?;
    let is_null =
        matches!(right.trim(), "~" | "null" | "Null" | "NULL") || right.contains("!!null");
    let dropped = hashes(&node) < right.matches('#').count();
    if dropped || (node.content == Content::Null && !is_null) {
        let message = format!("what follows `#` would be a comment; {}", quoted());
        let message = if dropped { message } else { format!("found no value; {}", quoted()) };
        return Err(ConfigError::new(&whole, path.clone(), message));
    }
    Ok(node)
}

/// The argument with its value as text, as a shell takes it.
fn quoted(left: &str, text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("-s '{}'", format!("{left}=\"{text}\"").replace('\'', r"'\''"))
}

/// How many `#` there are in all text of a value.
fn hashes(node: &Node) -> usize {
    let count = |text: &str| text.matches('#').count();
    match &node.content {
        Content::Text(text) => count(text),
        Content::Seq(items) => items.iter().map(hashes).sum(),
        Content::Map(entries) => {
            entries.iter().map(|(key, node)| count(&key.text) + hashes(node)).sum()
        }
        _ => 0,
    }
}

/// What to say of a number that may have been meant as a name: `007`, `1234e5`.
fn note(node: &Node, left: &str) -> Option<(Span, String)> {
    match &node.content {
        Content::Seq(items) => items.iter().find_map(|item| note(item, left)),
        Content::Map(entries) => entries.iter().find_map(|(_, node)| note(node, left)),
        Content::Int(_) | Content::Float(_) => {
            let written = node.span.written()?;
            let digits = |text: &str| text.len() > 1 && text.bytes().all(|b| b.is_ascii_digit());
            let padded = digits(&written) && written.starts_with('0');
            let exponent = written.split_once(['e', 'E']).is_some_and(|(mantissa, exponent)| {
                digits(mantissa) && exponent.bytes().all(|b| b.is_ascii_digit())
            });
            if !padded && !exponent {
                return None;
            }
            let message = format!(
                "{written} is the number {}; text needs quotes inside the argument, \
                 as in {}",
                node.content.describe(),
                quoted(left, &written)
            );
            Some((node.span.clone(), message))
        }
        _ => None,
    }
}

/// Takes out what stands at a path.
fn remove(root: &mut Node, path: Path, span: Span) -> Result<Change, ConfigError> {
    let (places, taken) = follow(root, path.keys());
    let Some(missing) = path.keys().get(taken) else {
        let (last, above) = places.split_last().expect("a path has keys");
        match &mut node_at(root, above).content {
            Content::Map(entries) => drop(entries.remove(*last)),
            Content::Seq(items) => drop(items.remove(*last)),
            _ => unreachable!("a place is in a list or map"),
        }
        return Ok(Change { path, span, like: None, note: None });
    };
    let message = match &node_at(root, &places).content {
        Content::Map(entries) => {
            let nearest = hint(missing, entries.iter().map(|(key, _)| key.text.as_str()));
            format!("there is no `{missing}` to remove{nearest}")
        }
        Content::Seq(items) => {
            format!("wanted a place below {} in the list, found `{missing}`", items.len())
        }
        other => format!("wanted a map to remove `{missing}` from, found {}", other.describe()),
    };
    Err(ConfigError::new(&span, path, message))
}

/// Where a path leads, with maps made on the way; and what a key that was made looks like.
fn place<'a>(
    root: &'a mut Node,
    path: &Path,
    span: &Span,
) -> Result<(&'a mut Node, Option<String>), ConfigError> {
    let keys = path.keys();
    let (places, mut taken) = follow(root, keys);
    let (mut at, mut like) = (node_at(root, &places), None);
    while let Some(key) = keys.get(taken) {
        if matches!(at.content, Content::Null | Content::Removed { .. }) {
            at.content = Content::Map(Vec::new());
        }
        let found = at.describe();
        let upto = &keys[..taken];
        let fault = |message| ConfigError::new(span, upto.iter().cloned().collect(), message);
        match &mut at.content {
            Content::Map(entries) => {
                // A parameter has one key, whatever its dots.
                let used = if is_axes(upto) { keys.len() - taken } else { 1 };
                let text = match used {
                    1 => key.clone(),
                    _ => keys[taken..].iter().cloned().collect::<Path>().to_string(),
                };
                like = like.or_else(|| alike(&text, entries));
                entries.push((Key { text, span: span.clone() }, empty(span)));
                taken += used;
                at = &mut entries.last_mut().expect("pushed above").1;
            }
            Content::Seq(items) => {
                let count = items.len();
                return Err(fault(format!(
                    "wanted a place below {count} in the list, found `{key}`"
                )));
            }
            _ => return Err(fault(format!("wanted a map to set `{key}` in, found {found}"))),
        }
    }
    Ok((at, like))
}

/// The places that lead along a path as far as there is something, and how many keys they take.
fn follow(root: &Node, keys: &[String]) -> (Vec<usize>, usize) {
    let (mut at, mut taken, mut places) = (root, 0, Vec::new());
    while taken < keys.len() {
        let rest = &keys[taken..];
        let (place, used, next) = match &at.content {
            Content::Map(entries) => match entry(entries, rest, is_axes(&keys[..taken])) {
                Some((place, used)) => (place, used, &entries[place].1),
                None => break,
            },
            Content::Seq(items) => {
                let place = rest[0].parse::<usize>().ok();
                match place.and_then(|place| Some((place, items.get(place)?))) {
                    Some((place, item)) => (place, 1, item),
                    None => break,
                }
            }
            _ => break,
        };
        places.push(place);
        taken += used;
        at = next;
    }
    (places, taken)
}

fn node_at<'a>(root: &'a mut Node, places: &[usize]) -> &'a mut Node {
    places.iter().fold(root, |node, place| match &mut node.content {
        Content::Map(entries) => &mut entries[*place].1,
        Content::Seq(items) => &mut items[*place],
        _ => unreachable!("a place is in a list or map"),
    })
}

fn alike(text: &str, entries: &[(Key, Node)]) -> Option<String> {
    let known = entries.iter().map(|(key, _)| key.text.as_str());
    let long = text.chars().count() >= 3;
    nearest(text, known).filter(|_| long).map(str::to_owned)
}

/// Whether the keys of what stands at a path are parameters, written with dots.
fn is_axes(path: &[String]) -> bool {
    let number = |key: &String| key.bytes().all(|b| b.is_ascii_digit());
    let after = |keys: &[String], word: &str| -> Option<Vec<String>> {
        let rest = keys.strip_prefix(&[word.to_owned()])?;
        Some(rest.iter().skip(usize::from(rest.first().is_some_and(number))).cloned().collect())
    };
    let Some(block) = after(path, "sweep") else { return false };
    let inner = after(&block, "when").unwrap_or_else(|| block.clone());
    let inner: Vec<&str> = inner.iter().map(String::as_str).collect();
    match inner[..] {
        ["grid"] | ["zip"] | ["random", "params"] => true,
        ["exclude", at] => number(&at.to_owned()),
        _ => false,
    }
}

/// The entry that a path goes through, with how many of its keys that takes. A key of the map may
/// stand for several of them: `values.lr`.
fn entry(entries: &[(Key, Node)], rest: &[String], axes: bool) -> Option<(usize, usize)> {
    let plain = entries.iter().position(|(key, _)| key.text == rest[0]).map(|at| (at, 1));
    let strip = |path: Path| if axes { below_params(path) } else { path };
    let wanted = strip(rest.iter().cloned().collect());
    let skipped = rest.len() - wanted.keys().len();
    let dotted = entries.iter().enumerate().filter_map(|(at, (key, _))| {
        let path = strip(Path::parse(&key.text).ok()?);
        let long = path.keys().len() + skipped > 1 && wanted.keys().starts_with(path.keys());
        long.then_some((at, path.keys().len() + skipped))
    });
    let fits = |&(at, used): &(usize, usize)| match (&entries[at].1.content, rest.get(used)) {
        // Another axis that begins as this one does.
        (Content::Seq(_), Some(key)) if axes => key.parse::<usize>().is_ok(),
        (Content::Map(_) | Content::Null, _) | (_, None) => true,
        (_, Some(_)) => !axes,
    };
    let longest = dotted.filter(fits).max_by_key(|(_, used)| *used);
    match axes {
        true => longest.or(plain.filter(fits)),
        false => plain.or(longest),
    }
}

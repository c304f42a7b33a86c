//! YAML to a typed configuration whose every value knows where it was written.

mod axis;
mod compose;
mod faults;
mod json;
mod need;
mod random;
mod range;
mod resources;
mod schema;
mod search;
mod seeds;
mod set;
mod sweep;
mod table;
mod when;

use std::path::Path as FilePath;

use experiment::{BindError, Bound, Entry, ParamError};
use yaml::{Overlay, Reader, Trace};

pub use axis::Axis;
pub use json::ToJson;
pub use need::Needed;
pub use random::{Distribution, Draw, Drawn, Random};
pub use resources::{Chosen, Resources, Retry};
pub use schema::schema;
pub use search::Search;
pub use seeds::Seeds;
pub use sweep::{Block, Excluded, Sweep};
pub use table::Table;
pub use when::When;
pub use yaml::{
    Content, Error as ConfigError, Errors as ConfigErrors, Key, Node, Origin, Path, Source, Span,
    nearest,
};

pub(crate) use faults::Faults;
pub(crate) use random::MOST_SOBOL;
pub(crate) use range::text as range_text;
pub(crate) use resources::{size_text, time_text};
pub(crate) use search::Reported;
pub(crate) use set::Change;
pub(crate) use yaml::{float as float_text, hint, resolve as resolve_scalar};

/// One configuration: what to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the sweep; changes no identity.
    pub name: String,
    /// Name of the experiment.
    pub experiment: String,
    /// Parameters as they were written, a map.
    pub params: Node,
    /// What varies.
    pub sweep: Sweep,
    /// Runs of other configurations that each run builds on.
    pub needs: Vec<Needed>,
    /// What a run may use.
    pub resources: Resources,
    /// How results are to be shown, one entry a table.
    pub tables: Vec<Table>,
    /// The page that is written when the runs are over, where nobody asks for another.
    pub report: Option<String>,
    root: Node,
    changes: Vec<Change>,
}

/// A configuration as far as it could be read.
pub(crate) struct Read {
    pub(crate) config: Config,
    pub(crate) faults: Faults,
    /// Whether all of the sweep could be read.
    pub(crate) whole_sweep: bool,
}

/// What a file may turn out to be.
#[derive(Debug)]
pub enum Loaded<T> {
    /// A configuration.
    Whole(T),
    /// Without a name and without a mistake: a part for others to extend.
    Part,
}

const KEYS: &[&str] = &[
    "name",
    "experiment",
    "params",
    "sweep",
    "search",
    "needs",
    "resources",
    "table",
    "report",
    "extends",
];

/// Reads a file with everything it extends, changed by the arguments of `--set`.
///
/// # Errors
/// All mistakes that can be known without the experiment, each with its place.
pub fn load(path: &FilePath, set: &[String]) -> Result<Config, ConfigErrors> {
    match read(path, set, &[])? {
        Loaded::Whole(Read { config, faults, .. }) => faults.none_or(config),
        Loaded::Part => Err(nameless(path)),
    }
}

/// The parameters that a file gives with everything it extends, a map; none where it cannot be read.
pub(crate) fn parameters_of(path: &FilePath) -> Option<Node> {
    let root = compose::compose(path, &[], &mut Faults::default()).ok()?.root;
    let empty = || Node { content: Content::Map(Vec::new()), span: root.span.clone() };
    Some(root.get("params").cloned().unwrap_or_else(empty))
}

/// What is wrong with a part where a configuration is wanted.
pub fn nameless(path: &FilePath) -> ConfigErrors {
    let source = Source { origin: Origin::File(path.into()), text: String::new() };
    let message = "key `name` is missing: the file is a part, to be extended by a configuration";
    ConfigError::new(&Span::whole(&source.into()), Path::root(), message).into()
}

/// Reads as much of a configuration as there is, with all mistakes.
///
/// # Errors
/// One that leaves nothing to go on with.
pub(crate) fn read(
    path: &FilePath,
    set: &[String],
    entries: &[Entry],
) -> Result<Loaded<Read>, ConfigErrors> {
    let mut faults = Faults::default();
    let composed = compose::compose(path, set, &mut faults);
    let Some(compose::Composed { root, changes }) = faults.keep(composed) else {
        return Err(faults.none_or(()).expect_err("composing failed"));
    };
    check_top(&root, entries, &mut faults);
    if root.get("name").is_none() && faults.is_empty() {
        return Ok(Loaded::Part);
    }
    let part = |key: &str| root.get(key).filter(|node| node.content != Content::Null);
    let name = faults.keep(text(&root, "name"));
    let experiment = faults.keep(text(&root, "experiment"));
    let nothing = Node { content: Content::Map(Vec::new()), span: root.span.clone() };
    let params = part("params").cloned().unwrap_or_else(|| nothing.clone());
    let is_map = matches!(params.content, Content::Map(_));
    if !is_map {
        let message = format!("wanted a map, found {}", params.describe());
        faults.add(ConfigError::new(&params.span, Path::from_iter(["params"]), message));
    }
    let before = faults.count();
    let sweep = part("sweep").map(|node| Sweep::read(node, &mut faults)).unwrap_or_default();
    let whole_sweep = faults.count() == before;
    let needs = part("needs").map(|node| Needed::read(node, path, &mut faults));
    let resources = part("resources").map(|node| Resources::read(node, &mut faults));
    let tables = part("table").map(|node| tables(node, &mut faults)).unwrap_or_default();
    let report = part("report").and_then(|_| faults.keep(text(&root, "report")));
    let config = Config {
        name: name.unwrap_or_default(),
        experiment: experiment.unwrap_or_default(),
        params: if is_map { params } else { nothing },
        sweep,
        needs: needs.unwrap_or_default(),
        resources: resources.unwrap_or_default(),
        tables,
        report,
        root,
        changes,
    };
    Ok(Loaded::Whole(Read { config, faults, whole_sweep }))
}

fn text(root: &Node, key: &str) -> Result<String, ConfigError> {
    match root.get(key) {
        Some(Node { content: Content::Text(text), .. }) if !text.is_empty() => Ok(text.clone()),
        Some(node) => {
            let message = format!("wanted text, found {}", node.describe());
            Err(ConfigError::new(&node.span, Path::from_iter([key]), message))
        }
        None => {
            let message = format!("key `{key}` is missing");
            Err(ConfigError::new(&root.span, Path::root(), message))
        }
    }
}

/// Refuses keys at the top that are not known; what is a parameter belongs below `params`.
fn check_top(root: &Node, entries: &[Entry], faults: &mut Faults) {
    let Content::Map(fields) = &root.content else { return };
    let named = root.get("experiment").map(|node| &node.content);
    let entry = entries.iter().find(|entry| named == Some(&Content::Text(entry.name.into())));
    let params = entry.map(Entry::defaults);
    let params =
        || params.iter().filter_map(|params| params.as_object()).flat_map(|map| map.keys());
    for (key, _) in fields.iter().filter(|(key, _)| !KEYS.contains(&key.text.as_str())) {
        let message = match nearest(&key.text, KEYS.iter().copied()) {
            None if params().any(|name| *name == key.text) => {
                format!("`{0}` is a parameter: write `params.{0}`", key.text)
            }
            None => match nearest(&key.text, params().map(String::as_str)) {
                Some(name) => {
                    format!("unknown key `{}`; did you mean `params.{name}`?", key.text)
                }
                None => format!(
                    "unknown key `{}`{}; parameters stand below `params`",
                    key.text,
                    hint(&key.text, KEYS.iter().copied())
                ),
            },
            Some(nearest) => format!("unknown key `{}`; did you mean `{nearest}`?", key.text),
        };
        faults.add(ConfigError::new(&key.span, Path::from_iter([&key.text]), message));
    }
}

/// One table, or a list of them.
fn tables(node: &Node, faults: &mut Faults) -> Vec<Table> {
    let mut tables = Vec::new();
    for (path, node) in table_nodes(node) {
        tables.extend(Table::read(node, &path, faults));
    }
    tables
}

/// The blocks of `table:` with their paths.
pub(crate) fn table_nodes(node: &Node) -> Vec<(Path, &Node)> {
    let path = Path::from_iter(["table"]);
    match &node.content {
        Content::Seq(items) => {
            let one = |(at, node)| (path.join(format!("[{at}]")), node);
            items.iter().enumerate().map(one).collect()
        }
        _ => vec![(path, node)],
    }
}

/// Refuses what is no map; keys that are not known are kept as mistakes.
pub(crate) fn known_keys(
    node: &Node,
    path: &Path,
    known: &[&str],
    faults: &mut Faults,
) -> Result<(), ConfigError> {
    let Content::Map(entries) = &node.content else {
        let message = format!("wanted a map, found {}", node.describe());
        return Err(ConfigError::new(&node.span, path.clone(), message));
    };
    for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
        let nearest = hint(&key.text, known.iter().copied());
        let message = format!("unknown key `{}`{nearest}", key.text);
        faults.add(ConfigError::new(&key.span, path.join(&key.text), message));
    }
    Ok(())
}

impl Config {
    /// The composed tree.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// What the arguments of `--set` did.
    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// A part of the composed tree that is there and not null.
    pub(crate) fn part(&self, key: &str) -> Option<&Node> {
        self.root.get(key).filter(|node| node.content != Content::Null)
    }

    /// The entry of the experiment.
    ///
    /// # Errors
    /// An unknown experiment.
    pub fn entry(&self, entries: &[Entry]) -> Result<Entry, ConfigError> {
        entries.iter().copied().find(|entry| entry.name == self.experiment).ok_or_else(|| {
            let nearest = hint(&self.experiment, entries.iter().map(|entry| entry.name));
            let span = self.root.get("experiment").map_or(&self.root.span, |node| &node.span);
            let message = format!("unknown experiment {:?}{nearest}", self.experiment);
            ConfigError::new(span, Path::from_iter(["experiment"]), message)
        })
    }

    /// Binds parameters, those of the configuration or some like them, with some replaced.
    pub(crate) fn bind(
        &self,
        params: &Node,
        entry: &Entry,
        point: &[(&Path, &Node)],
    ) -> Result<Box<dyn Bound>, Refused> {
        let overlay: Overlay<'_> = point.iter().map(|(path, node)| (path.keys(), *node)).collect();
        let trace = Trace::new(params, &Path::from_iter(["params"]));
        let reader = Reader::new(params, overlay, &trace);
        let bound = entry.bind(&mut <dyn erased_serde::Deserializer<'_>>::erase(reader));
        let bound = bound.and_then(|bound| match bound.consult() {
            Ok(()) => Ok(bound),
            Err(error) => Err(error.into()),
        });
        bound.map_err(|error| match error {
            BindError::Deserialize(message) => Refused::Unread(trace.error(message)),
            BindError::Param(error) => Refused::Impossible(self.locate(&error, point)),
        })
    }

    /// An error that concerns all parameters.
    pub fn error_at_params(&self, message: impl Into<String>) -> ConfigError {
        ConfigError::new(&self.params.span, Path::from_iter(["params"]), message)
    }

    /// An error that concerns a parameter that reads `text`, one of the point or below `first` if
    /// there is such a key, or all of them where none does.
    pub(crate) fn error_at_text(
        &self,
        first: &str,
        text: &str,
        point: &[(&Path, &Node)],
        message: impl Into<String>,
    ) -> ConfigError {
        fn find<'a>(node: &'a Node, text: &str, keys: &mut Vec<String>) -> Option<&'a Node> {
            let mut below = |key: String, node: &'a Node| {
                keys.push(key);
                let found = find(node, text, keys);
                if found.is_none() {
                    keys.pop();
                }
                found
            };
            match &node.content {
                // `./run.py` is the file `run.py`.
                Content::Text(found) => {
                    let same = found == text || found.strip_prefix("./") == Some(text);
                    same.then_some(node)
                }
                Content::Map(entries) => {
                    entries.iter().find_map(|(key, node)| below(key.text.clone(), node))
                }
                Content::Seq(items) => {
                    items.iter().enumerate().find_map(|(at, node)| below(format!("[{at}]"), node))
                }
                _ => None,
            }
        }
        let mut keys = vec!["params".to_owned()];
        let swept = point.iter().find_map(|(path, node)| {
            keys.truncate(1);
            keys.extend(path.keys().iter().cloned());
            find(node, text, &mut keys)
        });
        let found = swept.or_else(|| {
            keys.truncate(1);
            keys.push(first.to_owned());
            self.params.get(first).and_then(|node| find(node, text, &mut keys))
        });
        let found = found.or_else(|| {
            keys.truncate(1);
            find(&self.params, text, &mut keys)
        });
        match found {
            Some(node) => ConfigError::new(&node.span, keys.into_iter().collect(), message),
            None => self.error_at_params(message),
        }
    }

    /// Places a refusal of an experiment at the value it is about.
    pub(crate) fn locate(&self, error: &ParamError, point: &[(&Path, &Node)]) -> ConfigError {
        let parse = |path: &str| Path::parse(path).unwrap_or_else(|_| path.split('.').collect());
        let path = parse(&error.path);
        let full = std::iter::once("params").chain(path.keys().iter().map(String::as_str));
        let span = self.span_of(&path, point).unwrap_or(&self.params.span);
        let mut message = format!("wanted {}, found {}", error.wanted, error.found);
        let other = error.other.as_ref().and_then(|path| self.span_of(&parse(path), point));
        // An argument is shown as a whole anyway.
        if let Some(other) =
            other.filter(|other| other.source != span.source || other.line != span.line)
        {
            message = format!("{message}; the other is at {other}");
        }
        ConfigError::new(span, full.collect(), message)
    }

    /// Where a parameter has its value from at a point of the sweep.
    fn span_of<'a>(&'a self, path: &Path, point: &[(&Path, &'a Node)]) -> Option<&'a Span> {
        let swept = point.iter().rev().find_map(|(key, node)| {
            let below: Path = path.keys().strip_prefix(key.keys())?.iter().cloned().collect();
            node.at(&below)
        });
        swept.or_else(|| self.params.at(path)).map(|node| &node.span)
    }
}

/// Why parameters were refused.
#[derive(Debug)]
pub(crate) enum Refused {
    /// A wrong type, an unknown key or a missing one.
    Unread(ConfigError),
    /// A value that makes no sense.
    Impossible(ConfigError),
}

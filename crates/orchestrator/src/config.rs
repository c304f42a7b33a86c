//! YAML to a typed configuration whose every value knows where it was written.

mod axis;
mod compose;
mod deserialize;
mod error;
mod node;
mod parse;
mod path;
mod random;
mod range;
mod resources;
mod scalar;
mod search;
mod seeds;
mod source;
mod sweep;
mod table;
mod when;

use std::path::Path as FilePath;

use experiment::{BindError, Bound, Entry, Metric, ParamError};

use deserialize::{Overlay, Reader, Trace};
use error::hint;

pub use axis::Axis;
pub use error::ConfigError;
pub use node::{Content, Key, Node};
pub use path::Path;
pub use random::{Distribution, Draw, Drawn, Random};
pub use resources::{Resources, Retry};
pub use search::Search;
pub use seeds::Seeds;
pub use source::{Origin, Source, Span};
pub use sweep::{Block, Sweep};
pub use table::Table;
pub use when::When;

pub(crate) use random::MOST_SOBOL;

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
    /// What a run may use.
    pub resources: Resources,
    /// How results are to be shown, one entry a table.
    pub tables: Vec<Table>,
    root: Node,
}

const KEYS: &[&str] =
    &["name", "experiment", "params", "sweep", "search", "resources", "table", "extends"];

/// Reads a file with everything it extends, changed by the arguments of `--set`.
///
/// # Errors
/// A located [`ConfigError`]. Parameters themselves are checked when the experiment binds them.
pub fn load(path: &FilePath, set: &[String]) -> Result<Config, ConfigError> {
    let root = compose::compose(path, set)?;
    known_keys(&root, &Path::root(), KEYS)?;
    let text = |key: &str| match root.get(key) {
        Some(Node { content: Content::Text(text), .. }) if !text.is_empty() => Ok(text.clone()),
        Some(node) => {
            let message = format!("wanted text, found {}", node.describe());
            Err(ConfigError::new(&node.span, Path::from_iter([key]), message))
        }
        None => {
            let message = format!("key `{key}` is missing");
            Err(ConfigError::new(&root.span, Path::root(), message))
        }
    };
    let part = |key: &str| root.get(key).filter(|node| node.content != Content::Null);
    let params = match part("params") {
        Some(node) => node.clone(),
        None => Node { content: Content::Map(Vec::new()), span: root.span.clone() },
    };
    if !matches!(params.content, Content::Map(_)) {
        let message = format!("wanted a map, found {}", params.describe());
        return Err(ConfigError::new(&params.span, Path::from_iter(["params"]), message));
    }
    Ok(Config {
        name: text("name")?,
        experiment: text("experiment")?,
        params,
        sweep: part("sweep").map(Sweep::read).transpose()?.unwrap_or_default(),
        resources: part("resources").map(Resources::read).transpose()?.unwrap_or_default(),
        tables: part("table").map(Table::read).transpose()?.unwrap_or_default(),
        root,
    })
}

/// The parameters that a file gives with everything it extends, a map; none where it cannot be read.
pub(crate) fn parameters_of(path: &FilePath) -> Option<Node> {
    let root = compose::compose(path, &[]).ok()?;
    let empty = || Node { content: Content::Map(Vec::new()), span: root.span.clone() };
    Some(root.get("params").cloned().unwrap_or_else(empty))
}

/// Refuses keys that are not known.
pub(crate) fn known_keys(node: &Node, path: &Path, known: &[&str]) -> Result<(), ConfigError> {
    let Content::Map(entries) = &node.content else {
        let message = format!("wanted a map, found {}", node.describe());
        return Err(ConfigError::new(&node.span, path.clone(), message));
    };
    match entries.iter().find(|(key, _)| !known.contains(&key.text.as_str())) {
        None => Ok(()),
        Some((key, _)) => {
            let nearest = hint(&key.text, known.iter().copied());
            let message = format!("unknown key `{}`{nearest}", key.text);
            Err(ConfigError::new(&key.span, path.join(&key.text), message))
        }
    }
}

impl Config {
    /// The composed tree.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// How trials are chosen to go on by the metrics of the experiment; all of them do when absent.
    ///
    /// # Errors
    /// A block that does not fit, located.
    pub fn search(&self, metrics: &[Metric]) -> Result<Option<Search>, ConfigError> {
        let node = self.root.get("search").filter(|node| node.content != Content::Null);
        node.map(|node| Search::read(node, metrics)).transpose()
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

    /// Binds the parameters with some of them replaced.
    ///
    /// # Errors
    /// Located at the value that does not fit, also when it came from the sweep.
    pub fn bind(
        &self,
        entry: &Entry,
        point: &[(&Path, &Node)],
    ) -> Result<Box<dyn Bound>, ConfigError> {
        let overlay: Overlay<'_> = point.iter().map(|(path, node)| (path.keys(), *node)).collect();
        let trace = Trace::new(&self.params, &Path::from_iter(["params"]));
        let reader = Reader::new(&self.params, overlay, &trace);
        let bound = entry.bind(&mut <dyn erased_serde::Deserializer<'_>>::erase(reader));
        bound.map_err(|error| match error {
            BindError::Deserialize(message) => trace.error(message),
            BindError::Param(error) => self.locate(&error, point),
        })
    }

    /// An error that concerns all parameters.
    pub fn error_at_params(&self, message: impl Into<String>) -> ConfigError {
        ConfigError::new(&self.params.span, Path::from_iter(["params"]), message)
    }

    /// An error that concerns a parameter that reads `text`, one below `first` if there is such a
    /// key, or all of them where none does.
    pub(crate) fn error_at_text(
        &self,
        first: &str,
        text: &str,
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
                Content::Text(found) => (found == text).then_some(node),
                Content::Map(entries) => {
                    entries.iter().find_map(|(key, node)| below(key.text.clone(), node))
                }
                Content::Seq(items) => {
                    items.iter().enumerate().find_map(|(at, node)| below(format!("[{at}]"), node))
                }
                _ => None,
            }
        }
        let mut keys = vec!["params".to_owned(), first.to_owned()];
        let found = self.params.get(first).and_then(|node| find(node, text, &mut keys));
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
    fn locate(&self, error: &ParamError, point: &[(&Path, &Node)]) -> ConfigError {
        let path: Path = error.path.split('.').collect();
        let swept = point.iter().find(|(key, _)| **key == path).map(|(_, node)| *node);
        let span = match swept.or_else(|| self.params.at(&path)) {
            Some(node) => &node.span,
            None => &self.params.span,
        };
        let full = std::iter::once("params").chain(path.keys().iter().map(String::as_str));
        let message = format!("wanted {}, found {}", error.wanted, error.found);
        ConfigError::new(span, full.collect(), message)
    }
}

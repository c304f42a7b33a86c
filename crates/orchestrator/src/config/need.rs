//! Reads `needs:`: the configurations whose runs others build on.

use std::path::{Path as FilePath, PathBuf};

use experiment::is_plain_name;

use super::axis::wrong;
use super::compose::beside;
use super::{ConfigError, Content, Faults, Node, Origin, Path, known_keys};
use crate::plan::Only;

/// What the names of the run that needs another one begin with in a condition.
const THIS: &str = "this.";

/// A run of another configuration that every run of this one builds on.
#[derive(Debug, Clone, PartialEq)]
pub struct Needed {
    /// What this configuration calls it.
    pub name: String,
    /// The other configuration.
    pub path: PathBuf,
    /// Which of its runs; it has only one when absent.
    pub condition: Option<Only>,
    /// Where the path stands.
    pub(crate) config: Node,
    /// Where the condition stands, or what has none.
    pub(crate) place: Node,
}

pub(super) const KEYS: &[&str] = &["config", "where"];

impl Needed {
    /// Reads `needs:` of the configuration at `file`.
    pub(super) fn read(node: &Node, file: &FilePath, faults: &mut Faults) -> Vec<Self> {
        let path = Path::from_iter(["needs"]);
        let Content::Map(entries) = &node.content else {
            let wanted = "a map such as { teacher: { config: teacher.yaml } }";
            faults.add(wrong(node, path, wanted));
            return Vec::new();
        };
        let mut all = Vec::new();
        for (key, node) in entries {
            if !is_plain_name(&key.text) {
                let message =
                    format!("wanted a name of letters, digits, _ and -, found {:?}", key.text);
                faults.add(ConfigError::new(&key.span, path.join(&key.text), message));
                continue;
            }
            all.extend(Self::one(&key.text, node, &path.join(&key.text), file, faults));
        }
        all
    }

    fn one(
        name: &str,
        node: &Node,
        path: &Path,
        file: &FilePath,
        faults: &mut Faults,
    ) -> Option<Self> {
        let config = match &node.content {
            Content::Text(_) => node,
            _ => {
                let known = known_keys(node, path, KEYS, faults);
                faults.keep(known)?;
                let missing =
                    || ConfigError::new(&node.span, path.clone(), "key `config` is missing");
                faults.keep(node.get("config").ok_or_else(missing))?
            }
        };
        let Content::Text(written) = &config.content else {
            let wanted = "the path of a configuration";
            faults.add(wrong(config, path.join("config"), wanted));
            return None;
        };
        // Like what is extended, beside the file that names it.
        let from = match &config.span.source.origin {
            Origin::File(origin) => origin,
            Origin::Argument => file,
        };
        let condition = match node.get("where").filter(|node| node.content != Content::Null) {
            None => None,
            Some(node) => Some(faults.keep(Self::condition(node, &path.join("where")))?),
        };
        Some(Self {
            name: name.into(),
            path: beside(from, written),
            condition,
            config: config.clone(),
            place: node.get("where").unwrap_or(node).clone(),
        })
    }

    fn condition(node: &Node, path: &Path) -> Result<Only, ConfigError> {
        let Content::Text(text) = &node.content else {
            let wanted = "a condition such as \"seed == this.seed\"";
            return Err(wrong(node, path.clone(), wanted));
        };
        Only::parse_beside(text, THIS)
            .map_err(|error| ConfigError::new(&error.place(node), path.clone(), error.detail()))
    }

    /// The name in a condition, if it is one of the run that needs the other.
    pub(crate) fn of_this(name: &str) -> Option<&str> {
        name.strip_prefix(THIS)
    }

    /// An error about the other configuration.
    pub(crate) fn error(&self, message: impl Into<String>) -> ConfigError {
        let path = Path::from_iter(["needs", &self.name]);
        let path = if self.config == self.place { path } else { path.join("config") };
        ConfigError::new(&self.config.span, path, message)
    }

    /// An error about which of its runs it is.
    pub(crate) fn error_at_condition(&self, message: impl Into<String>) -> ConfigError {
        let path = Path::from_iter(["needs", &self.name]);
        let path = if self.condition.is_some() { path.join("where") } else { path };
        ConfigError::new(&self.place.span, path, message)
    }
}

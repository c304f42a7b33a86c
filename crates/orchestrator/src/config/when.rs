//! The `when` key: axes that exist only where a condition holds.

use super::axis::{axes, wrong, zipped};
use super::{Axis, ConfigError, Content, Faults, Node, Path, known_keys};
use crate::plan::Only;

/// Axes that exist only at points for which a condition holds.
#[derive(Debug, Clone, PartialEq)]
pub struct When {
    /// Over the parameters of a point.
    pub condition: Only,
    /// The condition as it was written.
    pub text: String,
    /// Where the condition stands.
    pub node: Node,
    /// Every combination of these.
    pub grid: Vec<Axis>,
    /// First values together, second values together, and so on.
    pub zip: Vec<Axis>,
}

pub(super) const KEYS: &[&str] = &["if", "grid", "zip"];

impl When {
    /// Reads one condition with its axes, or a list of them.
    pub(super) fn read(node: &Node, path: &Path, faults: &mut Faults) -> Vec<Self> {
        let path = path.join("when");
        match &node.content {
            Content::Seq(items) => {
                let one = |(at, item)| Self::one(item, &path.join(format!("[{at}]")), faults);
                items.iter().enumerate().filter_map(one).collect()
            }
            _ => Self::one(node, &path, faults).into_iter().collect(),
        }
    }

    fn one(node: &Node, path: &Path, faults: &mut Faults) -> Option<Self> {
        let known = known_keys(node, path, KEYS, faults);
        faults.keep(known)?;
        let before = faults.count();
        let (grid, zip) = (axes(node, path, "grid", faults), zipped(node, path, faults));
        if grid.is_empty() && zip.is_empty() && faults.count() == before {
            let message = "wanted parameters under `grid` or `zip`, found none";
            faults.add(ConfigError::new(&node.span, path.clone(), message));
        }
        let (condition, text, node) = faults.keep(Self::condition(node, path))?;
        Some(Self { condition, text, node, grid, zip })
    }

    fn condition(node: &Node, path: &Path) -> Result<(Only, String, Node), ConfigError> {
        let Some(condition) = node.get("if") else {
            return Err(ConfigError::new(&node.span, path.clone(), "key `if` is missing"));
        };
        let path = path.join("if");
        let Content::Text(text) = &condition.content else {
            return Err(wrong(condition, path, "a condition such as \"learner == fp\""));
        };
        let parsed = Only::parse(text)
            .map_err(|error| ConfigError::new(&error.place(condition), path, error.detail()))?;
        Ok((parsed, text.clone(), condition.clone()))
    }

    /// All its axes.
    pub(crate) fn axes(&self) -> impl Iterator<Item = &Axis> {
        self.grid.iter().chain(&self.zip)
    }
}

use super::axis::{axes, wrong, zipped};
use super::{Axis, ConfigError, Content, Node, Path, Span, known_keys};
use crate::plan::Only;

/// Axes that exist only at points for which a condition holds.
#[derive(Debug, Clone, PartialEq)]
pub struct When {
    /// Over the parameters of a point.
    pub condition: Only,
    /// The condition as it was written.
    pub text: String,
    /// Where the condition stands.
    pub span: Span,
    /// Every combination of these.
    pub grid: Vec<Axis>,
    /// First values together, second values together, and so on.
    pub zip: Vec<Axis>,
}

impl When {
    /// Reads one condition with its axes, or a list of them.
    pub(super) fn read(node: &Node, path: &Path) -> Result<Vec<Self>, ConfigError> {
        let path = path.join("when");
        match &node.content {
            Content::Seq(items) => items
                .iter()
                .enumerate()
                .map(|(at, item)| Self::one(item, &path.join(format!("[{at}]"))))
                .collect(),
            _ => Ok(vec![Self::one(node, &path)?]),
        }
    }

    fn one(node: &Node, path: &Path) -> Result<Self, ConfigError> {
        known_keys(node, path, &["if", "grid", "zip"])?;
        let Some(condition) = node.get("if") else {
            return Err(ConfigError::new(&node.span, path.clone(), "key `if` is missing"));
        };
        let path_of_if = path.join("if");
        let Content::Text(text) = &condition.content else {
            let wanted = "a condition such as \"learner == fp\"";
            return Err(wrong(condition, path_of_if, wanted));
        };
        let parsed = Only::parse(text)
            .map_err(|error| ConfigError::new(&condition.span, path_of_if, error.detail()))?;
        let when = Self {
            condition: parsed,
            text: text.clone(),
            span: condition.span.clone(),
            grid: axes(node, path, "grid")?,
            zip: zipped(node, path)?,
        };
        if when.grid.is_empty() && when.zip.is_empty() {
            let message = "wanted parameters under `grid` or `zip`, found none";
            return Err(ConfigError::new(&node.span, path.clone(), message));
        }
        Ok(when)
    }

    /// All its axes.
    pub(crate) fn axes(&self) -> impl Iterator<Item = &Axis> {
        self.grid.iter().chain(&self.zip)
    }
}

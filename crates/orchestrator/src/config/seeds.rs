//! The `seeds` key: a count, a list or a range.

use std::collections::HashSet;

use super::axis::wrong;
use super::{ConfigError, Content, Node, Path, range};

/// Seeds of every point of a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seeds {
    /// 0 to N - 1.
    Count(u64),
    /// These.
    List(Vec<u64>),
}

impl Default for Seeds {
    fn default() -> Self {
        Self::Count(1)
    }
}

/// Seeds of a point at most.
const MOST_SEEDS: i128 = 1_000_000;

impl Seeds {
    /// The seeds.
    pub fn values(&self) -> Vec<u64> {
        match self {
            Self::Count(count) => (0..*count).collect(),
            Self::List(seeds) => seeds.clone(),
        }
    }

    pub(super) fn read(node: &Node, path: &Path) -> Result<Self, ConfigError> {
        let path = path.join("seeds");
        let ranged;
        let items = match &node.content {
            Content::Int(count @ 1..=MOST_SEEDS) => {
                return Ok(Self::Count(u64::try_from(*count).unwrap_or(1)));
            }
            Content::Seq(items) => items,
            _ => {
                ranged = range::read(node, &path)?.unwrap_or_default();
                &ranged
            }
        };
        if items.is_empty() {
            let wanted = "a whole number of seeds from 1 to 1000000, or a list of seeds";
            return Err(wrong(node, path, wanted));
        }
        let mut known = HashSet::new();
        let mut seeds = Vec::with_capacity(items.len());
        for item in items {
            let seed = match &item.content {
                Content::Int(seed) => u64::try_from(*seed).ok(),
                _ => None,
            };
            let seed =
                seed.ok_or_else(|| wrong(item, path.clone(), "a seed, a whole number, 0 or more"))?;
            if !known.insert(seed) {
                let message = format!("seed {seed} stands twice");
                return Err(ConfigError::new(&item.span, path, message));
            }
            seeds.push(seed);
        }
        Ok(Self::List(seeds))
    }
}

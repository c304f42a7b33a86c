//! The `sweep` block: grids, zips, random points, conditions, seeds and exclusions.

use super::axis::{axes, key, wrong, zipped};
use super::{
    Axis, ConfigError, Content, Faults, Node, Path, Random, Seeds, Span, When, known_keys,
};

/// What varies between the runs of a configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sweep {
    /// Blocks one after the other; none asks for one run.
    pub blocks: Vec<Block>,
}

/// One block of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Every combination of these.
    pub grid: Vec<Axis>,
    /// First values together, second values together, and so on.
    pub zip: Vec<Axis>,
    /// Points drawn from distributions.
    pub random: Option<Random>,
    /// Axes of some points only.
    pub when: Vec<When>,
    /// Seeds of every point.
    pub seeds: Seeds,
    /// Points that are left out: those that agree with one of these in all its parameters.
    pub exclude: Vec<Vec<Excluded>>,
    /// Where the block stands.
    pub span: Span,
}

/// A value that a point must have to be left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Excluded {
    /// Path below `params`.
    pub key: Path,
    /// The value.
    pub value: Node,
    /// Where the key stands.
    pub span: Span,
}

pub(super) const KEYS: &[&str] = &["grid", "zip", "random", "when", "seeds", "exclude"];

impl Sweep {
    pub(crate) fn read(node: &Node, faults: &mut Faults) -> Self {
        let path = Path::from_iter(["sweep"]);
        let blocks = match &node.content {
            Content::Seq(items) if items.is_empty() => {
                let message = "wanted at least one block, found none";
                faults.add(ConfigError::new(&node.span, path, message));
                Vec::new()
            }
            Content::Seq(items) => {
                let block = |(at, item)| Block::read(item, &path.join(format!("[{at}]")), faults);
                items.iter().enumerate().filter_map(block).collect()
            }
            _ => Block::read(node, &path, faults).into_iter().collect(),
        };
        Self { blocks }
    }
}

impl Block {
    fn read(node: &Node, path: &Path, faults: &mut Faults) -> Option<Self> {
        let known = known_keys(node, path, KEYS, faults);
        faults.keep(known)?;
        let random = node.get("random").and_then(|node| Random::read(node, path, faults));
        let seeds = node.get("seeds").map(|node| Seeds::read(node, path));
        let block = Self {
            grid: axes(node, path, "grid", faults),
            zip: zipped(node, path, faults),
            random,
            when: node.get("when").map_or(Vec::new(), |node| When::read(node, path, faults)),
            seeds: seeds.and_then(|seeds| faults.keep(seeds)).unwrap_or_default(),
            exclude: node.get("exclude").map_or(Vec::new(), |node| exclude(node, path, faults)),
            span: node.span.clone(),
        };
        faults.keep(block.check_keys(path));
        Some(block)
    }

    /// Refuses a parameter that two parts of the block vary. Conditions may share parameters with
    /// each other.
    fn check_keys(&self, path: &Path) -> Result<(), ConfigError> {
        let twice = |key: &Path, span: &Span, here: &str, there: &str| {
            let message = format!("`{key}` stands in `{there}` already");
            Err(ConfigError::new(span, path.join(here), message))
        };
        let place = |key: &Path| {
            let has = |axes: &[Axis]| axes.iter().any(|axis| axis.key == *key);
            let drawn = || self.random.iter().flat_map(|random| &random.params);
            match key {
                _ if has(&self.grid) => Some("grid"),
                _ if has(&self.zip) => Some("zip"),
                key if drawn().any(|drawn| drawn.key == *key) => Some("random"),
                _ => None,
            }
        };
        for axis in &self.zip {
            if let Some(there @ "grid") = place(&axis.key) {
                return twice(&axis.key, &axis.values[0].span, "zip", there);
            }
        }
        for drawn in self.random.iter().flat_map(|random| &random.params) {
            if let Some(there @ ("grid" | "zip")) = place(&drawn.key) {
                return twice(&drawn.key, &drawn.node.span, "random", there);
            }
        }
        for when in &self.when {
            for axis in when.axes() {
                if let Some(there) = place(&axis.key) {
                    return twice(&axis.key, &axis.values[0].span, "when", there);
                }
            }
            if let Some(axis) = when.zip.iter().find(|a| when.grid.iter().any(|b| a.key == b.key)) {
                return twice(&axis.key, &axis.values[0].span, "when", "grid");
            }
        }
        Ok(())
    }
}

fn exclude(node: &Node, path: &Path, faults: &mut Faults) -> Vec<Vec<Excluded>> {
    let path = path.join("exclude");
    let Content::Seq(items) = &node.content else {
        faults.add(wrong(node, path, "a list of maps from parameters to values"));
        return Vec::new();
    };
    let one = |item: &Node| match &item.content {
        Content::Map(entries) if !entries.is_empty() => entries
            .iter()
            .map(|(at, value)| {
                let key = key(&at.text, value, &path)?;
                Ok(Excluded { key, value: value.clone(), span: at.span.clone() })
            })
            .collect(),
        _ => Err(wrong(item, path.clone(), "a map from parameters to values")),
    };
    items.iter().filter_map(|item| faults.keep(one(item))).collect()
}

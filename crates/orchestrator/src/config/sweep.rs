use super::axis::{axes, key, wrong, zipped};
use super::{Axis, ConfigError, Content, Node, Path, Random, Seeds, Span, When, known_keys};

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
    pub exclude: Vec<Vec<(Path, Node)>>,
    /// Where the block stands.
    pub span: Span,
}

const KEYS: &[&str] = &["grid", "zip", "random", "when", "seeds", "exclude"];

impl Sweep {
    pub(crate) fn read(node: &Node) -> Result<Self, ConfigError> {
        let path = Path::from_iter(["sweep"]);
        let blocks = match &node.content {
            Content::Seq(items) if items.is_empty() => {
                let message = "wanted at least one block, found none";
                return Err(ConfigError::new(&node.span, path, message));
            }
            Content::Seq(items) => items
                .iter()
                .enumerate()
                .map(|(at, item)| Block::read(item, &path.join(format!("[{at}]"))))
                .collect::<Result<_, _>>()?,
            _ => vec![Block::read(node, &path)?],
        };
        Ok(Self { blocks })
    }
}

impl Block {
    fn read(node: &Node, path: &Path) -> Result<Self, ConfigError> {
        known_keys(node, path, KEYS)?;
        let block = Self {
            grid: axes(node, path, "grid")?,
            zip: zipped(node, path)?,
            random: node.get("random").map(|node| Random::read(node, path)).transpose()?,
            when: match node.get("when") {
                Some(node) => When::read(node, path)?,
                None => Vec::new(),
            },
            seeds: match node.get("seeds") {
                Some(node) => Seeds::read(node, path)?,
                None => Seeds::default(),
            },
            exclude: match node.get("exclude") {
                Some(node) => exclude(node, path)?,
                None => Vec::new(),
            },
            span: node.span.clone(),
        };
        block.check_keys(path)?;
        Ok(block)
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

fn exclude(node: &Node, path: &Path) -> Result<Vec<Vec<(Path, Node)>>, ConfigError> {
    let path = path.join("exclude");
    let Content::Seq(items) = &node.content else {
        return Err(wrong(node, path, "a list of maps from parameters to values"));
    };
    let one = |item: &Node| match &item.content {
        Content::Map(entries) if !entries.is_empty() => entries
            .iter()
            .map(|(at, value)| Ok((key(&at.text, value, &path)?, value.clone())))
            .collect(),
        _ => Err(wrong(item, path.clone(), "a map from parameters to values")),
    };
    items.iter().map(one).collect()
}

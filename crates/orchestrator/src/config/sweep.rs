use super::{ConfigError, Content, Node, Path, known_keys};

/// What varies between the runs of a configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sweep {
    /// Every combination of these.
    pub grid: Vec<Axis>,
    /// First values together, second values together, and so on.
    pub zip: Vec<Axis>,
    /// Seeds of every point.
    pub seeds: Seeds,
    /// Points that are left out: those that agree with one of these in all its parameters.
    pub exclude: Vec<Vec<(Path, Node)>>,
}

/// One parameter with the values it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Path below `params`.
    pub key: Path,
    /// Values, at least one.
    pub values: Vec<Node>,
}

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

impl Seeds {
    /// The seeds.
    pub fn values(&self) -> Vec<u64> {
        match self {
            Self::Count(count) => (0..*count).collect(),
            Self::List(seeds) => seeds.clone(),
        }
    }
}

const KEYS: &[&str] = &["grid", "zip", "seeds", "exclude"];

/// Seeds of a point at most.
const MOST_SEEDS: i128 = 1_000_000;

impl Sweep {
    pub(crate) fn read(node: &Node) -> Result<Self, ConfigError> {
        let path = Path::from_iter(["sweep"]);
        known_keys(node, &path, KEYS)?;
        let grid = axes(node, &path, "grid")?;
        let zip = axes(node, &path, "zip")?;
        if let (Some(first), Some(other)) =
            (zip.first(), zip.iter().find(|axis| axis.values.len() != zip[0].values.len()))
        {
            let (wanted, found) = (first.values.len(), other.values.len());
            let message = format!("wanted {wanted} values as `{}` has, found {found}", first.key);
            let span = &other.values[0].span;
            return Err(ConfigError::new(
                span,
                path.join("zip").join(other.key.to_string()),
                message,
            ));
        }
        if let Some(twice) = zip.iter().find(|axis| grid.iter().any(|other| other.key == axis.key))
        {
            let message = format!("`{}` stands in `grid` already", twice.key);
            return Err(ConfigError::new(&twice.values[0].span, path.join("zip"), message));
        }
        Ok(Self {
            grid,
            zip,
            seeds: node
                .get("seeds")
                .map(|node| seeds(node, &path))
                .transpose()?
                .unwrap_or_default(),
            exclude: node
                .get("exclude")
                .map(|node| exclude(node, &path))
                .transpose()?
                .unwrap_or_default(),
        })
    }
}

fn wrong(node: &Node, path: Path, wanted: &str) -> ConfigError {
    ConfigError::new(&node.span, path, format!("wanted {wanted}, found {}", node.describe()))
}

/// A dotted key, with or without `params.` before it.
fn key(text: &str, node: &Node, path: &Path) -> Result<Path, ConfigError> {
    let key = Path::parse(text).map_err(|(_, wanted)| {
        ConfigError::new(&node.span, path.join(text), format!("wanted {wanted} in {text:?}"))
    })?;
    Ok(match key.keys() {
        [params, rest @ ..] if params == "params" && !rest.is_empty() => {
            rest.iter().cloned().collect()
        }
        _ => key,
    })
}

fn axes(sweep: &Node, path: &Path, name: &str) -> Result<Vec<Axis>, ConfigError> {
    let path = path.join(name);
    let Some(node) = sweep.get(name) else { return Ok(Vec::new()) };
    let Content::Map(entries) = &node.content else {
        return Err(wrong(node, path, "a map from parameters to lists of values"));
    };
    let mut axes: Vec<Axis> = Vec::new();
    for (at, values) in entries {
        let here = path.join(&at.text);
        let list = match &values.content {
            Content::Seq(items) if !items.is_empty() => items.clone(),
            Content::Seq(_) => {
                return Err(ConfigError::new(
                    &values.span,
                    here,
                    "wanted at least one value, found none",
                ));
            }
            _ => return Err(wrong(values, here, "a list of values")),
        };
        let axis = Axis { key: key(&at.text, values, &path)?, values: list };
        if axes.iter().any(|other| other.key == axis.key) {
            let message = format!("`{}` stands twice", axis.key);
            return Err(ConfigError::new(&at.span, here, message));
        }
        axes.push(axis);
    }
    Ok(axes)
}

fn seeds(node: &Node, path: &Path) -> Result<Seeds, ConfigError> {
    let path = path.join("seeds");
    match &node.content {
        Content::Int(count @ 1..=MOST_SEEDS) => {
            Ok(Seeds::Count(u64::try_from(*count).unwrap_or(1)))
        }
        Content::Seq(items) if !items.is_empty() => {
            let mut seeds = Vec::with_capacity(items.len());
            for item in items {
                let seed = match &item.content {
                    Content::Int(seed) => u64::try_from(*seed).ok(),
                    _ => None,
                };
                let seed = seed.ok_or_else(|| wrong(item, path.clone(), "a seed, 0 or more"))?;
                if seeds.contains(&seed) {
                    let message = format!("seed {seed} stands twice");
                    return Err(ConfigError::new(&item.span, path, message));
                }
                seeds.push(seed);
            }
            Ok(Seeds::List(seeds))
        }
        _ => Err(wrong(node, path, "a number of seeds from 1 to 1000000, or a list of seeds")),
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

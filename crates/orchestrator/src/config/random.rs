//! The `random` block of a sweep: how many points are drawn, and from which distributions.

use super::axis::{key, wrong};
use super::range::{number, rounded};
use super::{ConfigError, Content, Faults, Node, Path, Span, hint, known_keys};

/// Points drawn from distributions.
#[derive(Debug, Clone, PartialEq)]
pub struct Random {
    /// Number of points; a larger number keeps the earlier points and adds to them.
    pub count: usize,
    /// Seed of the draws, apart from the seeds of the runs.
    pub seed: u64,
    /// How they are drawn.
    pub draw: Draw,
    /// What is drawn, at least one.
    pub params: Vec<Drawn>,
}

/// How points are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Draw {
    /// A Sobol sequence with a random digital shift, which fills the space evenly.
    #[default]
    Sobol,
    /// Independently of each other.
    Independent,
}

impl Draw {
    /// The word in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sobol => "sobol",
            Self::Independent => "independent",
        }
    }
}

/// One parameter that is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Path below `params`.
    pub key: Path,
    /// From what.
    pub from: Distribution,
    /// The distribution as it was written.
    pub node: Node,
}

/// What a parameter is drawn from.
#[derive(Debug, Clone, PartialEq)]
pub enum Distribution {
    /// Between two numbers, evenly.
    Uniform(f64, f64),
    /// Between two numbers above 0, evenly in the logarithm.
    LogUniform(f64, f64),
    /// Whole numbers, both ends among them.
    Integer(i64, i64),
    /// One of these, each as likely.
    Choice(Vec<Node>),
}

pub(super) const KEYS: &[&str] = &["count", "seed", "draw", "params"];

/// Draws at most.
const MOST_DRAWS: i128 = 1_000_000;

/// Parameters that a Sobol sequence can draw at most.
pub(crate) const MOST_SOBOL: usize = 21;

pub(super) const DISTRIBUTIONS: &[&str] = &["uniform", "log_uniform", "integer", "choice"];

impl Random {
    pub(super) fn read(node: &Node, path: &Path, faults: &mut Faults) -> Option<Self> {
        let path = path.join("random");
        let known = known_keys(node, &path, KEYS, faults);
        faults.keep(known)?;
        let missing = |key: &str| {
            ConfigError::new(&node.span, path.clone(), format!("key `{key}` is missing"))
        };
        let count = match node.get("count") {
            None => Err(missing("count")),
            Some(count) => match &count.content {
                Content::Int(found @ 1..=MOST_DRAWS) => Ok(usize::try_from(*found).unwrap_or(1)),
                _ => Err(wrong(count, path.join("count"), "a whole number from 1 to 1000000")),
            },
        };
        let seed = node.get("seed").map_or(Ok(0), |seed| {
            let found = match &seed.content {
                Content::Int(found) => u64::try_from(*found).ok(),
                _ => None,
            };
            found.ok_or_else(|| wrong(seed, path.join("seed"), "a seed, a whole number, 0 or more"))
        });
        let draw = node.get("draw").map_or(Ok(Draw::default()), |draw| {
            [Draw::Sobol, Draw::Independent]
                .into_iter()
                .find(|known| draw.content == Content::Text(known.as_str().into()))
                .ok_or_else(|| wrong(draw, path.join("draw"), "sobol or independent"))
        });
        let (count, seed, draw) = (faults.keep(count), faults.keep(seed), faults.keep(draw));
        let params = faults.keep(node.get("params").ok_or_else(|| missing("params")))?;
        let params = Self::drawn(params, &path.join("params"), draw, faults);
        Some(Self { count: count?, seed: seed?, draw: draw?, params })
    }

    fn drawn(node: &Node, path: &Path, draw: Option<Draw>, faults: &mut Faults) -> Vec<Drawn> {
        let entries = match &node.content {
            Content::Map(entries) if !entries.is_empty() => entries,
            _ => {
                faults.add(wrong(node, path.clone(), "a map from parameters to distributions"));
                return Vec::new();
            }
        };
        if draw == Some(Draw::Sobol) && entries.len() > MOST_SOBOL {
            let found = entries.len();
            let message = format!(
                "wanted at most {MOST_SOBOL} parameters, found {found}; `draw: independent` has no limit"
            );
            faults.add(ConfigError::new(&node.span, path.clone(), message));
        }
        let mut drawn: Vec<Drawn> = Vec::new();
        for (at, node) in entries {
            let from = faults.keep(Distribution::read(node, &path.join(&at.text)));
            let key = faults.keep(key(&at.text, node, path));
            let Some((from, key)) = from.zip(key) else { continue };
            if drawn.iter().any(|other| other.key == key) {
                let message = format!("`{key}` stands twice");
                faults.add(ConfigError::new(&at.span, path.join(&at.text), message));
                continue;
            }
            drawn.push(Drawn { key, from, node: node.clone() });
        }
        drawn
    }
}

impl Distribution {
    fn read(node: &Node, path: &Path) -> Result<Self, ConfigError> {
        let (name, of) = match &node.content {
            Content::Map(entries) if entries.len() == 1 => &entries[0],
            _ => return Err(wrong(node, path.clone(), "a distribution such as {uniform: [0, 1]}")),
        };
        let path = path.join(&name.text);
        let items = match &of.content {
            Content::Seq(items) => items.as_slice(),
            _ => &[],
        };
        let ends = |wanted: &str| match items {
            [low, high] => match (number(&low.content), number(&high.content)) {
                (Some(low), Some(high)) if low < high => Ok((low, high)),
                _ => Err(wrong_ends(of, &path, wanted)),
            },
            _ => Err(wrong_ends(of, &path, wanted)),
        };
        match name.text.as_str() {
            "uniform" => ends("two numbers, the lower first").map(|(a, b)| Self::Uniform(a, b)),
            "log_uniform" => match ends("two numbers above 0, the lower first")? {
                (low, high) if low > 0.0 => Ok(Self::LogUniform(low, high)),
                _ => Err(wrong_ends(of, &path, "two numbers above 0, the lower first")),
            },
            "integer" => {
                let whole = |node: &Node| match node.content {
                    Content::Int(value) => i64::try_from(value).ok(),
                    _ => None,
                };
                match items {
                    [low, high] => match (whole(low), whole(high)) {
                        (Some(low), Some(high)) if low <= high => Ok(Self::Integer(low, high)),
                        _ => Err(wrong_ends(of, &path, "two whole numbers, the lower first")),
                    },
                    _ => Err(wrong_ends(of, &path, "two whole numbers, the lower first")),
                }
            }
            "choice" if items.is_empty() => Err(wrong_ends(of, &path, "a list of values")),
            "choice" => Ok(Self::Choice(items.to_vec())),
            other => {
                let nearest = hint(other, DISTRIBUTIONS.iter().copied());
                let message = format!("unknown distribution `{other}`{nearest}");
                Err(ConfigError::new(&name.span, path.clone(), message))
            }
        }
    }

    /// The value at `u` from 0 to below 1, standing at `span`.
    pub(crate) fn at(&self, u: f64, span: &Span) -> Node {
        // Nine digits are the same on every platform's logarithm.
        let float =
            |value: f64, low: f64, high: f64| Content::Float(rounded(value, 9).clamp(low, high));
        let content = match self {
            Self::Uniform(low, high) => float(low + (high - low) * u, *low, *high),
            Self::LogUniform(low, high) => {
                let (from, to) = (low.ln(), high.ln());
                float((from + (to - from) * u).exp(), *low, *high)
            }
            Self::Integer(low, high) => {
                let (low, high) = (i128::from(*low), i128::from(*high));
                Content::Int((low + below(u, high - low + 1)).min(high))
            }
            Self::Choice(values) => {
                let at = below(u, values.len() as i128);
                return values[usize::try_from(at).unwrap_or(0).min(values.len() - 1)].clone();
            }
        };
        Node { content, span: span.clone() }
    }
}

/// Whole number from 0 to below `count`.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a draw needs no more than 53 bits"
)]
fn below(u: f64, count: i128) -> i128 {
    (u * count as f64).floor() as i128
}

fn wrong_ends(node: &Node, path: &Path, wanted: &str) -> ConfigError {
    let found = match &node.content {
        Content::Seq(items) => {
            let items: Vec<String> = items.iter().map(Node::describe).collect();
            format!("[{}]", items.join(", "))
        }
        _ => node.describe(),
    };
    ConfigError::new(&node.span, path.clone(), format!("wanted {wanted}, found {found}"))
}

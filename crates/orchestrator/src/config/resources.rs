use std::time::Duration;

use super::{ConfigError, Content, Node, Path, known_keys};

/// What a run may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources {
    /// Threads.
    pub threads: usize,
    /// Resident memory in bytes; no limit when absent.
    pub memory: Option<u64>,
    /// Wall-clock time; no limit when absent.
    pub time: Option<Duration>,
}

impl Default for Resources {
    fn default() -> Self {
        Self { threads: 1, memory: None, time: None }
    }
}

const MEMORY: &[(&str, u64)] = &[
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

const TIME: &[(&str, u64)] =
    &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl Resources {
    pub(crate) fn read(node: &Node) -> Result<Self, ConfigError> {
        let path = Path::from_iter(["resources"]);
        known_keys(node, &path, &["threads", "memory", "time"])?;
        let mut resources = Self::default();
        if let Some(node) = node.get("threads") {
            let threads = match &node.content {
                Content::Int(threads @ 1..=1024) => usize::try_from(*threads).ok(),
                _ => None,
            };
            resources.threads =
                threads.ok_or_else(|| wrong(node, &path, "threads", "1 to 1024 threads"))?;
        }
        if let Some(node) = node.get("memory") {
            let bytes = quantity(node, MEMORY);
            let wanted = "a size above 0 such as 512MiB or 2GiB";
            resources.memory = Some(bytes.ok_or_else(|| wrong(node, &path, "memory", wanted))?);
        }
        if let Some(node) = node.get("time") {
            let milliseconds = quantity(node, TIME);
            let wanted = "a time above 0 such as 90s, 10m or 2h";
            let milliseconds = milliseconds.ok_or_else(|| wrong(node, &path, "time", wanted))?;
            resources.time = Some(Duration::from_millis(milliseconds));
        }
        Ok(resources)
    }
}

fn wrong(node: &Node, path: &Path, key: &str, wanted: &str) -> ConfigError {
    let message = format!("wanted {wanted}, found {}", node.describe());
    ConfigError::new(&node.span, path.join(key), message)
}

/// A number with a unit, in the smallest unit.
fn quantity(node: &Node, units: &[(&str, u64)]) -> Option<u64> {
    let Content::Text(text) = &node.content else { return None };
    let at = text.find(|c: char| c.is_alphabetic())?;
    let (_, scale) = units.iter().find(|(unit, _)| *unit == &text[at..])?;
    let number: f64 = text[..at].trim_end().parse().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "units are exact in f64")]
    let scaled = number * *scale as f64;
    #[expect(clippy::cast_precision_loss, reason = "a bound, not a value")]
    let in_range = scaled >= 1.0 && scaled < u64::MAX as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    in_range.then_some(scaled as u64)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Origin, Source, Span};
    use super::*;

    #[test]
    fn quantities_have_units() {
        let source = Arc::new(Source { origin: Origin::Argument, text: String::new() });
        let text = |text: &str| Node {
            content: Content::Text(text.into()),
            span: Span::start_of(&source),
        };
        assert_eq!(quantity(&text("1.5GiB"), MEMORY), Some(3 << 29));
        assert_eq!(quantity(&text("200 MB"), MEMORY), Some(200_000_000));
        assert_eq!(quantity(&text("10m"), TIME), Some(600_000));
        for wrong in ["10", "m", "-1s", "0s", "1e30GiB", "5 parsecs"] {
            assert_eq!(quantity(&text(wrong), TIME).or(quantity(&text(wrong), MEMORY)), None);
        }
    }
}

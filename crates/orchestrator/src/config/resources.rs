use std::time::Duration;

use journal::Cause;

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
    /// Bytes that a run may print.
    pub output: u64,
    /// How often a run is tried again after a failure.
    pub retry: Retry,
}

impl Default for Resources {
    fn default() -> Self {
        Self { threads: 1, memory: None, time: None, output: 64 << 20, retry: Retry::default() }
    }
}

/// How often a run is tried again within one call, by what its attempts failed of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retry {
    /// Its worker crashed or was killed by somebody else.
    pub crash: u32,
    /// It was over its limit of memory.
    pub memory: u32,
    /// It was over its limit of time.
    pub time: u32,
    /// It was over its limit of output.
    pub output: u32,
    /// It ended with an error of its own.
    pub error: u32,
}

impl Retry {
    /// How often a run is tried again that lost its worker for this cause, or failed by itself.
    pub fn after(&self, cause: Option<Cause>) -> u32 {
        match cause {
            Some(Cause::Crash) => self.crash,
            Some(Cause::Memory) => self.memory,
            Some(Cause::Time) => self.time,
            Some(Cause::Output) => self.output,
            None => self.error,
        }
    }

    fn read(node: &Node, path: &Path) -> Result<Self, ConfigError> {
        let mut retry = Self::default();
        let counts = [
            ("crash", &mut retry.crash),
            ("memory", &mut retry.memory),
            ("time", &mut retry.time),
            ("output", &mut retry.output),
            ("error", &mut retry.error),
        ];
        known_keys(node, path, &["crash", "memory", "time", "output", "error"])?;
        for (key, count) in counts {
            let Some(node) = node.get(key) else { continue };
            let found = match &node.content {
                Content::Int(times @ 0..=100) => u32::try_from(*times).ok(),
                _ => None,
            };
            *count = found.ok_or_else(|| wrong(node, path, key, "0 to 100 more attempts"))?;
        }
        Ok(retry)
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
        known_keys(node, &path, &["threads", "memory", "time", "output", "retry"])?;
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
        if let Some(node) = node.get("output") {
            let wanted = "a size above 0 such as 512KiB or 64MiB";
            let bytes = quantity(node, MEMORY);
            resources.output = bytes.ok_or_else(|| wrong(node, &path, "output", wanted))?;
        }
        if let Some(node) = node.get("retry") {
            resources.retry = Retry::read(node, &path.join("retry"))?;
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

    fn read(resources: &str) -> Result<Resources, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.yaml");
        std::fs::write(&path, format!("name: x\nexperiment: toy\nresources: {resources}\n"))
            .unwrap();
        let config = super::super::load(&path, &[]);
        config.map(|config| config.resources).map_err(|error| error.to_string())
    }

    #[test]
    fn output_and_retries_are_read() {
        assert_eq!(read("{}"), Ok(Resources::default()));
        let found = read("{ output: 1MiB, retry: { crash: 2, error: 1 } }").unwrap();
        assert_eq!(found.output, 1 << 20);
        assert_eq!(found.retry, Retry { crash: 2, error: 1, ..Retry::default() });
        assert_eq!(found.retry.after(Some(Cause::Crash)), 2);
        assert_eq!(found.retry.after(Some(Cause::Memory)), 0);
        assert_eq!(found.retry.after(None), 1);
        let error = read("{ retry: { crash: -1 } }").unwrap_err();
        assert!(error.contains("resources.retry.crash: wanted 0 to 100 more attempts"), "{error}");
        assert!(read("{ retry: { crashes: 1 } }").unwrap_err().contains("resources.retry"));
    }
}

//! The `resources` block: threads, limits of memory, time and output, and numbers of retries.

use std::fmt;
use std::time::Duration;

use experiment::Device;
use journal::Cause;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Content, Faults, Node, Path, known_keys};

/// What a run may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources {
    /// Class of device that runs are computed on; part of their identity.
    pub device: Chosen,
    /// Threads.
    pub threads: usize,
    /// Graphics processors that a run has to itself.
    pub gpus: usize,
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
        Self {
            device: Chosen::default(),
            threads: 1,
            gpus: 0,
            memory: None,
            time: None,
            output: 64 << 20,
            retry: Retry::default(),
        }
    }
}

/// A class of device as a configuration chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// This one.
    On(Device),
    /// The graphics processor of this number, which all runs share: `cuda:1`.
    Cuda(usize),
    /// A graphics processor where the machine that plans has one, otherwise the processor.
    Auto,
}

impl Chosen {
    /// All that have names, but for graphics processors with numbers.
    pub(super) fn named() -> impl Iterator<Item = Self> {
        Device::ALL.into_iter().map(Self::On).chain([Self::Auto])
    }

    /// The class, where `auto` is this one.
    #[must_use]
    pub fn resolve(self, auto: impl FnOnce() -> Device) -> Device {
        match self {
            Self::On(device) => device,
            Self::Cuda(_) => Device::Cuda,
            Self::Auto => auto(),
        }
    }
}

impl Default for Chosen {
    fn default() -> Self {
        Self::On(Device::default())
    }
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On(device) => device.fmt(f),
            Self::Cuda(number) => write!(f, "{}:{number}", Device::Cuda),
            Self::Auto => f.write_str("auto"),
        }
    }
}

/// How often a run is tried again within one call, by what its attempts failed of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether a run is tried again that failed for this cause, `None` being an error of its own, after
    /// `earlier` failures for the same.
    pub fn tries_again(&self, cause: Option<Cause>, earlier: u32) -> bool {
        earlier < self.after(cause)
    }

    /// How often a run is tried again that lost its worker for this cause, or failed by itself.
    fn after(&self, cause: Option<Cause>) -> u32 {
        match cause {
            Some(Cause::Crash) => self.crash,
            Some(Cause::Memory) => self.memory,
            Some(Cause::Time) => self.time,
            Some(Cause::Output) => self.output,
            Some(Cause::Stop) => 0,
            None => self.error,
        }
    }

    /// By the name of the cause.
    pub(crate) fn by_name(&mut self) -> [(&'static str, &mut u32); 5] {
        [
            ("crash", &mut self.crash),
            ("memory", &mut self.memory),
            ("time", &mut self.time),
            ("output", &mut self.output),
            ("error", &mut self.error),
        ]
    }

    fn read(node: &Node, path: &Path, faults: &mut Faults) -> Self {
        let mut retry = Self::default();
        let counts = retry.by_name();
        let known = known_keys(node, path, &counts.each_ref().map(|(key, _)| *key), faults);
        faults.keep(known);
        for (key, count) in counts {
            let Some(node) = node.get(key) else { continue };
            let found = match &node.content {
                Content::Int(times @ 0..=100) => u32::try_from(*times).ok(),
                _ => None,
            };
            let found = found.ok_or_else(|| wrong(node, path, key, "0 to 100 more attempts"));
            *count = faults.keep(found).unwrap_or_default();
        }
        retry
    }
}

pub(super) const KEYS: &[&str] =
    &["device", "threads", "gpus", "memory", "time", "output", "retry"];

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
    pub(crate) fn read(node: &Node, faults: &mut Faults) -> Self {
        let path = Path::from_iter(["resources"]);
        let mut resources = Self::default();
        let known = known_keys(node, &path, KEYS, faults);
        if faults.keep(known).is_none() {
            return resources;
        }
        if let Some(node) = node.get("device") {
            resources.device = faults.keep(device(node, &path)).unwrap_or_default();
        }
        let mut read = |key: &str, wanted: &str, value: &dyn Fn(&Node) -> Option<u64>| {
            let node = node.get(key)?;
            faults.keep(value(node).ok_or_else(|| wrong(node, &path, key, wanted)))
        };
        let threads = |node: &Node| match &node.content {
            Content::Int(threads @ 1..=1024) => u64::try_from(*threads).ok(),
            _ => None,
        };
        if let Some(threads) = read("threads", "1 to 1024 threads", &threads) {
            resources.threads = usize::try_from(threads).unwrap_or(1);
        }
        let gpus = |node: &Node| match &node.content {
            Content::Int(gpus @ 0..=64) => u64::try_from(*gpus).ok(),
            _ => None,
        };
        if let Some(gpus) = read("gpus", "0 to 64 graphics processors", &gpus) {
            resources.gpus = usize::try_from(gpus).unwrap_or(0);
        }
        let size = |node: &Node| quantity(node, MEMORY);
        if let (Chosen::Cuda(_), 1..) = (resources.device, resources.gpus) {
            read("gpus", "0, because `device` names one that all runs share", &|_| None);
        }
        resources.memory = read("memory", "a size above 0 such as 512MiB or 2GiB", &size);
        if let Some(output) = read("output", "a size above 0 such as 512KiB or 64MiB", &size) {
            resources.output = output;
        }
        let time = |node: &Node| quantity(node, TIME);
        let time = read("time", "a time above 0 such as 90s, 10m or 2h", &time);
        resources.time = time.map(Duration::from_millis);
        if let Some(node) = node.get("retry") {
            resources.retry = Retry::read(node, &path.join("retry"), faults);
        }
        resources
    }
}

/// The class of device of a name.
fn device(node: &Node, path: &Path) -> Result<Chosen, ConfigError> {
    let numbered = |text: &str| {
        let written = text.strip_prefix("cuda:")?;
        let number = written.parse::<usize>().ok()?;
        (number.to_string() == written).then_some(Chosen::Cuda(number))
    };
    let found = match &node.content {
        Content::Text(text) => {
            Chosen::named().find(|chosen| chosen.to_string() == *text).or_else(|| numbered(text))
        }
        _ => None,
    };
    found.ok_or_else(|| {
        let all: Vec<String> = Chosen::named().map(|chosen| chosen.to_string()).collect();
        wrong(node, path, "device", &format!("one of {}, or cuda:1 and so on", all.join(", ")))
    })
}

/// Bytes in the largest unit that has a whole number of them.
pub(crate) fn size_text(bytes: u64) -> String {
    quantity_text(bytes, &["TiB", "GiB", "MiB", "KiB", "B"], MEMORY)
}

/// Milliseconds in the largest unit that has a whole number of them.
pub(crate) fn time_text(milliseconds: u64) -> String {
    quantity_text(milliseconds, &["d", "h", "m", "s", "ms"], TIME)
}

fn quantity_text(quantity: u64, order: &[&str], units: &[(&str, u64)]) -> String {
    let scale = |unit: &str| units.iter().find(|(known, _)| *known == unit).map_or(1, |(_, s)| *s);
    let unit = order.iter().find(|unit| quantity.is_multiple_of(scale(unit))).unwrap_or(&"");
    format!("{}{unit}", quantity / scale(unit))
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

    #[test]
    fn what_was_read_is_written_as_a_person_would() {
        for text in ["64MiB", "1GiB", "1536MiB", "1000B", "3TiB", "1KiB"] {
            let source = Arc::new(Source { origin: Origin::Argument, text: String::new() });
            let node = Node { content: Content::Text(text.into()), span: Span::start_of(&source) };
            assert_eq!(size_text(quantity(&node, MEMORY).unwrap()), text);
        }
        let times = [(90_000, "90s"), (600_000, "10m"), (500, "500ms"), (7_200_000, "2h")];
        for (milliseconds, text) in times {
            assert_eq!(time_text(milliseconds), text);
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
    fn a_device_is_a_class_or_auto() {
        assert_eq!(read("{ device: cpu }"), Ok(Resources::default()));
        let chosen = |given: &str| read(&format!("{{ device: {given} }}")).map(|it| it.device);
        assert_eq!(chosen("cuda"), Ok(Chosen::On(Device::Cuda)));
        assert_eq!(chosen("auto"), Ok(Chosen::Auto));
        assert_eq!(chosen("cuda:3"), Ok(Chosen::Cuda(3)));
        let two = read("{ device: cuda:3, gpus: 1 }").unwrap_err();
        assert!(two.contains("resources.gpus: wanted 0, because `device` names one"), "{two}");
        for (given, found) in
            [("tpu", "\"tpu\""), ("cuda:01", "\"cuda:01\""), ("0", "0"), ("[cpu]", "a list")]
        {
            let error = read(&format!("{{ device: {given} }}")).unwrap_err();
            assert!(error.contains("resources.device: wanted one of cpu, cuda, auto"), "{error}");
            assert!(error.contains(found), "{error}");
        }
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

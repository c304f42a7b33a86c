//! What runs need of the machine, looked at once before the first of them starts.

mod room;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::plan::{Plan, PlannedRun};

pub use room::{free_bytes, writable};

/// Something outside the configuration that runs need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What.
    pub what: What,
    /// How many runs need it.
    pub runs: usize,
    /// Whether it is there.
    pub supply: Supply,
}

/// What runs may need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A data set.
    Data {
        /// Its name.
        name: String,
        /// Length of its files together, at most.
        bytes: u64,
        /// What is downloaded for it, at most, where that is known and nothing nearer has it.
        download: Option<u64>,
    },
    /// A program, as the configuration names it.
    Program(String),
    /// The folder that programs get their files in.
    Temporary(PathBuf),
    /// The folder of results.
    Store(PathBuf),
    /// A table of published numbers.
    Published(String),
}

/// Whether something is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Supply {
    /// It is.
    Here,
    /// `run` gets it before the first run.
    Fetched,
    /// It is not.
    Missing {
        /// What is wrong, a fragment: `it is not executable`.
        why: String,
        /// What to do about it, a fragment; may be empty.
        remedy: String,
    },
}

impl Supply {
    /// What is missing, with a remedy.
    pub fn missing(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Missing { why: why.into(), remedy: remedy.into() }
    }
}

impl Need {
    /// Whether runs would fail without it.
    pub fn prevents(&self) -> bool {
        let missing = matches!(self.supply, Supply::Missing { .. });
        missing && !matches!(self.what, What::Published(_))
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Data { name, bytes, download } => {
                write!(f, "data set {name} ({}", size(*bytes))?;
                if let Some(download) = download {
                    write!(f, ", a download of up to {}", size(*download))?;
                }
                f.write_str(")")?;
            }
            What::Program(word) => write!(f, "program {word:?}")?,
            What::Temporary(path) => write!(f, "temporary folder {}", path.display())?,
            What::Store(path) => write!(f, "folder of results {}", path.display())?,
            What::Published(name) => write!(f, "published table {name}")?,
        }
        match self.runs {
            0 => {}
            1 => f.write_str(", needed by 1 run")?,
            runs => write!(f, ", needed by {runs} runs")?,
        }
        match &self.supply {
            Supply::Here => f.write_str(": here"),
            Supply::Fetched => f.write_str(": not here yet, `regimen run` fetches it"),
            Supply::Missing { why, remedy } if remedy.is_empty() => write!(f, ": {why}"),
            Supply::Missing { why, remedy } => write!(f, ": {why}; {remedy}"),
        }
    }
}

/// Bytes as a person writes them: `52.4 MB`.
pub fn size(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut size = bytes as f64 / 1e3;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < units.len() {
        size /= 1e3;
        unit += 1;
    }
    let digits = usize::from(size < 99.95);
    format!("{size:.digits$} {}", units[unit])
}

/// How many runs need what, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Data sets.
    pub data: BTreeMap<String, usize>,
    /// Programs.
    pub programs: BTreeMap<String, usize>,
    /// Published tables.
    pub published: BTreeMap<String, usize>,
    /// How many runs there are.
    pub runs: usize,
}

impl Wanted {
    /// Adds what those runs of a plan need that are to be executed, and those that are planned later.
    pub fn add<'a>(&mut self, plan: &'a Plan, executed: impl Iterator<Item = &'a PlannedRun>) {
        // Files, and code in git, are named with a word before.
        let is_data = |name: &&String| !name.contains(':');
        let mut some = 0;
        for run in executed.chain(plan.awaiting.iter().map(|awaited| &awaited.run)) {
            some += 1;
            for name in run.spec.data.keys().filter(is_data) {
                count(&mut self.data, name);
            }
            for program in run.programs.iter() {
                count(&mut self.programs, program);
            }
        }
        self.runs += some;
        for published in plan.tables.iter().filter_map(|table| table.published.as_ref()) {
            *self.published.entry(published.clone()).or_default() += some;
        }
        self.published.retain(|_, runs| *runs > 0);
    }
}

/// One more, without a copy of a name that is known.
fn count(counts: &mut BTreeMap<String, usize>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => drop(counts.insert(name.to_owned(), 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_is_one_sentence() {
        let (name, download) = ("movieqa-dialog".into(), Some(400_000_000));
        let what = What::Data { name, bytes: 5_476_676, download };
        let supply = Supply::missing("it is not here", "`--mirror DIR` names a folder that has it");
        let need = Need { what, runs: 120, supply };
        assert_eq!(
            need.to_string(),
            "data set movieqa-dialog (5.5 MB, a download of up to 400 MB), needed by 120 runs: it is \
             not here; `--mirror DIR` names a folder that has it"
        );
        assert!(need.prevents());
        let what = What::Published("dialog/babbi".into());
        assert!(!Need { what, ..need }.prevents());
    }

    #[test]
    fn sizes_have_the_unit_of_their_kind() {
        let texts = [0, 999, 1000, 52_400_000, 368_000_000, 999_600_000, u64::MAX].map(size);
        let wanted = ["0 B", "999 B", "1.0 kB", "52.4 MB", "368 MB", "1.0 GB", "18446744 TB"];
        assert_eq!(texts, wanted);
    }
}

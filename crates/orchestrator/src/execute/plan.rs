//! What is to be executed, frozen so that several drivers mean the same by "chunk 3".

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;

use experiment::RunId;
use journal::RunSpec;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::schedule::Chunk;
use super::versions::Versions;
use super::{Error, publish};

/// Runs in a chunk at most.
const LARGEST: usize = 1024;

/// One generation of a plan: the runs that were to be executed when it was frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// `<plan id>.<generation>`: name of its files and folders.
    pub name: String,
    /// Each run with the number of its next attempt.
    pub runs: Vec<(RunId, u32)>,
    /// Runs in each chunk, in the order of `runs`.
    chunks: Vec<usize>,
    /// What it was planned with; absent in plans of versions that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<Versions>,
}

impl Plan {
    fn new(name: String, runs: Vec<(RunId, u32)>, jobs: usize) -> Self {
        let chunks = chunk_sizes(runs.len(), jobs);
        Self { name, runs, chunks, versions: None }
    }

    /// Whether it is what was frozen under `name`, as far as can be told.
    fn is_sound(&self, name: &str) -> bool {
        let runs = self.chunks.iter().try_fold(0_usize, |sum, size| sum.checked_add(*size));
        self.name == name && runs == Some(self.runs.len())
    }

    /// How many chunks it has.
    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// Indices of a chunk's runs.
    pub(crate) fn chunk(&self, chunk: Chunk) -> Range<usize> {
        let start = self.chunks[..chunk].iter().sum();
        start..start + self.chunks[chunk]
    }
}

/// Sizes of chunks: large ones first, so that claims are few; single runs at the end, so that all
/// workers stop at about the same time; and never fewer than four a worker while there are runs.
fn chunk_sizes(runs: usize, jobs: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut left = runs;
    while left > 0 {
        let size = (left / (4 * jobs.max(1))).clamp(1, LARGEST);
        sizes.push(size);
        left -= size;
    }
    sizes
}

/// Identity of a list of runs: SHA-256 of their ids in order.
pub(crate) fn plan_id(runs: &[RunSpec]) -> String {
    let mut hash = Sha256::new();
    runs.iter().for_each(|spec| hash.update(spec.run.to_string()));
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The newest generation of a plan, with its number; without a plan where that is damaged, so that the
/// next one takes its place.
pub(crate) fn newest(folder: &Path, id: &str) -> Result<Option<(u32, Option<Plan>)>, Error> {
    let generation = |name: &str| name.strip_prefix(id)?.strip_prefix('.')?.parse::<u32>().ok();
    let mut last = None;
    for entry in fs::read_dir(folder).map_err(Error::store("list", folder))? {
        let entry = entry.map_err(Error::store("list", folder))?;
        last = last.max(entry.file_name().to_str().and_then(generation));
    }
    let Some(number) = last else { return Ok(None) };
    let name = format!("{id}.{number}");
    let path = folder.join(&name);
    let text = match fs::read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(Error::store("read", &path))?,
    };
    let plan = serde_json::from_slice(&text).ok().filter(|plan: &Plan| plan.is_sound(&name));
    if plan.is_none() {
        tracing::warn!(path = %path.display(), "the plan is damaged; it is derived again");
    }
    Ok(Some((number, plan)))
}

/// Freezes a generation, unless someone else froze it first.
pub(crate) fn freeze(
    folder: &Path,
    (id, generation): (&str, u32),
    runs: Vec<(RunId, u32)>,
    (jobs, versions): (usize, Versions),
) -> Result<(), Error> {
    let name = format!("{id}.{generation}");
    let path = folder.join(&name);
    let plan = Plan { versions: Some(versions), ..Plan::new(name, runs, jobs) };
    let plan = serde_json::to_vec(&plan).map_err(|source| Error::Malformed {
        path: path.clone(),
        wanted: "a plan",
        source,
    })?;
    publish::once(&path, &plan).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_plans_are_cut_finely() {
        assert_eq!(chunk_sizes(0, 2), Vec::<usize>::new());
        assert_eq!(chunk_sizes(3, 2), [1, 1, 1]);
        assert_eq!(chunk_sizes(20, 1), [5, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(chunk_sizes(100_000, 2)[0], 1024);
        assert!(chunk_sizes(100_000, 2).len() < 200);
    }

    proptest! {
        #[test]
        fn chunks_cover_the_runs(runs in 0_usize..50_000, jobs in 0_usize..64) {
            let sizes = chunk_sizes(runs, jobs);
            prop_assert_eq!(sizes.iter().sum::<usize>(), runs);
            prop_assert!(sizes.iter().all(|size| (1..=LARGEST).contains(size)));
            prop_assert!(sizes.len() >= runs.min(4 * jobs));
            prop_assert!(sizes.is_sorted_by(|a, b| a >= b));
        }

        #[test]
        fn ranges_follow_each_other(count in 0_u32..3000) {
            let runs: Vec<_> = (0..count).map(|n| (RunId::of(&n.to_string()), 1)).collect();
            let plan = Plan::new("p.0".into(), runs, 3);
            let all: Vec<usize> = (0..plan.chunks()).flat_map(|chunk| plan.chunk(chunk)).collect();
            prop_assert_eq!(all, (0..count as usize).collect::<Vec<_>>());
        }
    }
}

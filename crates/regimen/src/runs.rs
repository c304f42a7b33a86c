//! Finds runs that somebody names by the first digits of their ids, or by a condition.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, anyhow};
use experiment::RunId;
use journal::Fold;
use orchestrator::plan::{self, Only};

/// The runs that are named, or for which a condition holds.
pub(crate) fn chosen(
    fold: &Fold,
    runs: &[String],
    only: Option<&str>,
    store: &Path,
) -> Result<BTreeSet<RunId>> {
    match only {
        None => runs.iter().map(|run| find(fold, run, store)).collect(),
        Some(only) => Ok(plan::chosen(fold, &Only::parse(only)?)?),
    }
}

/// Runs that are named when a beginning is that of several.
const NAMED: usize = 5;

/// The run that begins with some digits.
pub(crate) fn find(fold: &Fold, prefix: &str, store: &Path) -> Result<RunId> {
    let wanted = prefix.to_ascii_lowercase();
    let begins = |run: &&RunId| run.to_string().starts_with(&wanted);
    let found: Vec<&RunId> = fold.runs.keys().filter(begins).collect();
    match found[..] {
        [run] => Ok(*run),
        [] => Err(anyhow!(
            "no run that was begun in {} is {prefix:?}; `regimen list` shows them",
            store.display()
        )),
        _ => {
            let named: Vec<String> = found.iter().take(NAMED).map(|run| run.short()).collect();
            let dots = if found.len() > NAMED { ", ..." } else { "" };
            let named = named.join(", ");
            Err(anyhow!("{} runs begin with {prefix:?}: {named}{dots}", found.len()))
        }
    }
}

//! Finds the run that somebody names by the first digits of its id.

use std::path::Path;

use anyhow::{Result, anyhow};
use experiment::RunId;
use journal::Fold;

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

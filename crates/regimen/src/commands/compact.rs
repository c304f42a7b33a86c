//! `regimen compact`: merges the journal segments of writers that are gone.

use anyhow::Result;
use orchestrator::execute;

use crate::arguments::Compact;
use crate::commands::Done;
use crate::terminal::say;

/// `regimen compact`: one journal in place of many.
pub(crate) fn compact(arguments: &Compact) -> Result<Done> {
    let done = execute::compact(&arguments.store.results)?;
    match &done.snapshot {
        Some(snapshot) => say(&format!(
            "{} segments with {} frames are one now: {}",
            done.segments,
            done.frames,
            snapshot.display()
        )),
        None => say("nothing to compact"),
    }
    for path in &done.damaged {
        say(&format!("left alone, because it is damaged: {}", path.display()));
    }
    Ok(Done::Well)
}

//! `regimen cancel`: stops a sweep from another terminal, and what it has on clusters.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use cluster::{Submission, submissions};
use orchestrator::execute;

use crate::arguments::Cancel;
use crate::commands::Done;
use crate::commands::cluster::scheduler_of;
use crate::terminal::say;

/// `regimen cancel`: calls that execute the sweep here stop as by Ctrl-C; no task of it begins or is queued
/// again on a cluster, and those at work stop with a checkpoint.
pub(crate) fn cancel(arguments: &Cancel) -> Result<Done> {
    let (asked, elsewhere) = execute::ask_to_stop(&arguments.store.results, &arguments.sweep);
    for pid in &asked {
        say(&format!(
            "{}: process {pid} was asked to stop; what was recorded is kept, `regimen run` goes on",
            arguments.sweep
        ));
    }
    let all = submissions(&arguments.store.results)?;
    let open: Vec<Submission> =
        all.into_iter().filter(|known| !known.is_over() && !known.is_cancelled()).collect();
    let sweeps: BTreeSet<String> = open.iter().map(|known| known.intent().sweep.clone()).collect();
    if !sweeps.contains(&arguments.sweep) && asked.is_empty() {
        let live = execute::live(&arguments.store.results).into_values().flatten();
        let all: BTreeSet<String> = live.map(|run| run.sweep).chain(sweeps).collect();
        let there = match (elsewhere.first(), all.is_empty()) {
            (Some(driver), _) => format!("{driver} executes it on another machine; stop it there"),
            (None, true) => "no sweep of this store is executed".to_owned(),
            (None, false) => {
                format!("there are {}", all.into_iter().collect::<Vec<_>>().join(", "))
            }
        };
        bail!("sweep {:?} is not executed on this machine or a cluster; {there}", arguments.sweep);
    }
    for mut known in open.into_iter().filter(|known| known.intent().sweep == arguments.sweep) {
        known.cancel(&*scheduler_of(&known))?;
        let job = known.job().map_or(String::new(), |job| format!(" (job {job})"));
        say(&format!(
            "{}: cancelled on {}{job}; what was recorded is kept, `regimen run` goes on",
            arguments.sweep,
            known.intent().cluster
        ));
    }
    Ok(Done::Well)
}

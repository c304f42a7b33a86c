//! `regimen cancel`: ends what a sweep has on clusters.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use cluster::{Submission, submissions};

use crate::arguments::Cancel;
use crate::commands::Done;
use crate::commands::cluster::scheduler_of;
use crate::terminal::say;

/// `regimen cancel`: no task of the sweep begins or is queued again; those at work stop with a
/// checkpoint.
pub(crate) fn cancel(arguments: &Cancel) -> Result<Done> {
    let all = submissions(&arguments.store.results)?;
    let open: Vec<Submission> =
        all.into_iter().filter(|known| !known.is_over() && !known.is_cancelled()).collect();
    let sweeps: BTreeSet<String> = open.iter().map(|known| known.intent().sweep.clone()).collect();
    if !sweeps.contains(&arguments.sweep) {
        let there = match sweeps.is_empty() {
            true => "none of this store has any".to_owned(),
            false => format!("there are {}", sweeps.into_iter().collect::<Vec<_>>().join(", ")),
        };
        bail!("sweep {:?} has nothing on a cluster; {there}", arguments.sweep);
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

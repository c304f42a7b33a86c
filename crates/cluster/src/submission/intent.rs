//! What is to be submitted, and the script that its tasks execute.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{Kind, Request};

/// Schedulers hand on all of it; these are written down.
const ENVIRONMENT: &[&str] = &[
    "PATH",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "LOADEDMODULES",
    "REGIMEN_CACHE",
];

/// What is to be submitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The job's name, which no other job has.
    pub name: String,
    /// Name of the cluster's profile.
    pub cluster: String,
    /// What schedules there.
    pub scheduler: Kind,
    /// Name of the sweep.
    pub sweep: String,
    /// Identity of the list of its runs.
    pub plan: String,
    /// What its tasks need, and how many there are.
    pub request: Request,
    /// Lines of shell that a task begins with.
    pub setup: Vec<String>,
    /// The words that a task executes, without its own number.
    pub command: Vec<String>,
    /// The folder that it does so in.
    pub folder: PathBuf,
    /// What of the environment decides which programs and libraries tasks find.
    pub environment: BTreeMap<String, String>,
    /// When, in seconds since the Unix epoch.
    pub at: f64,
}

impl Intent {
    /// What is to be submitted now; `command` is given its name.
    pub fn new(
        (cluster, scheduler): (&str, Kind),
        (sweep, plan): (&str, &str),
        request: Request,
        setup: Vec<String>,
        command: impl FnOnce(&str) -> Vec<String>,
        folder: PathBuf,
    ) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let short: String = sweep.chars().map(plain).take(24).collect();
        // Grid Engine wants a letter first, PBS and `squeue` no blank.
        let name = format!("regimen-{short}-{:08x}", rand::random::<u32>());
        Self {
            command: command(&name),
            name,
            cluster: cluster.into(),
            scheduler,
            sweep: sweep.into(),
            plan: plan.into(),
            request,
            setup,
            folder,
            environment: ENVIRONMENT
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
                .collect(),
            at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64()),
        }
    }

    /// What each task executes; `index` is the shell's word for its number.
    pub(super) fn script(&self, index: &str) -> String {
        let mut script = format!(
            "#!/bin/bash\n# A task of `{}`: executes runs of the sweep until none is left.\n",
            self.name
        );
        self.setup.iter().for_each(|line| script.push_str(&format!("{line}\n")));
        let words: Vec<String> = self.command.iter().map(|word| quoted(word)).collect();
        // In place of the shell, so that signals to the script reach the program.
        script.push_str(&format!("exec {} \"{index}\"\n", words.join(" ")));
        script
    }
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

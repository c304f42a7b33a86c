use experiment::{RunId, SpecId};
use journal::{RunSpec, Status};

/// Where a planned run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Never attempted.
    Run,
    /// Under way, or its driver is gone.
    Running,
    /// Has its results.
    Finished,
    /// Its latest attempt failed.
    Failed {
        /// With this error.
        error: String,
    },
    /// Was asked to stop and will go on.
    Interrupted,
    /// Stands at a rung of a search, and goes on if it is promoted.
    Pruned,
    /// Finished under another version, and has to be computed again.
    Stale {
        /// What changed, for example `experiment version 1, now 2`.
        reason: String,
    },
}

impl State {
    /// The word in listings.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed { .. } => "failed",
            Self::Interrupted => "interrupted",
            Self::Pruned => "pruned",
            Self::Stale { .. } => "stale",
        }
    }

    /// Why, in words; empty where the word says it all.
    pub fn reason(&self) -> &str {
        match self {
            Self::Failed { error } => error,
            Self::Stale { reason } => reason,
            Self::Run => "not run yet",
            Self::Interrupted => "goes on from its checkpoint",
            Self::Pruned => "goes on if its search promotes it",
            Self::Running | Self::Finished => "",
        }
    }
}

/// A run that a store knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its status.
    pub status: Status,
    /// Its error, when it failed.
    pub error: Option<String>,
    /// Version of the experiment it was computed with.
    pub experiment_version: u32,
}

/// What a store knows of runs.
pub trait History {
    /// The run of an id.
    fn run(&self, id: RunId) -> Option<Known>;
    /// A finished run that answered the same request under other versions.
    fn same_request(&self, spec: SpecId) -> Option<Known>;
}

impl State {
    /// Where a run stands by a store's history.
    pub fn of(spec: &RunSpec, history: &dyn History) -> Self {
        if let Some(known) = history.run(spec.run) {
            return match known.status {
                Status::Running => Self::Running,
                Status::Finished => Self::Finished,
                Status::Interrupted => Self::Interrupted,
                Status::Pruned => Self::Pruned,
                Status::Failed => Self::Failed { error: known.error.unwrap_or_default() },
            };
        }
        match history.same_request(spec.spec) {
            None => Self::Run,
            Some(old) if old.experiment_version != spec.experiment_version => Self::Stale {
                reason: format!(
                    "experiment version {}, now {}",
                    old.experiment_version, spec.experiment_version
                ),
            },
            Some(_) => Self::Stale { reason: "engine or data changed".into() },
        }
    }
}

//! Which columns the run tables have, and which of them must be identical between two executions.

/// Columns of a run table that tell how a run was executed, not what came out of it.
///
/// Every other column is outcome. `sweep` is among them because it is no part of a run's identity:
/// of two sweeps that share a run, the one that executed it first gives its name. `current` depends
/// on the other runs of a store, and what was read and with which versions is in the run's id.
pub const PROVENANCE: [&str; 23] = [
    "sweep",
    "current",
    "data",
    "experiment_version",
    "engine",
    "attempts",
    "started_at",
    "seconds",
    "cpu_seconds",
    "peak_memory_bytes",
    "host",
    "version",
    "commit",
    "blas",
    "cpu",
    "mixed_cpu",
    "device",
    "code",
    "gpus",
    "threads",
    "error",
    "tags",
    "note",
];

/// Whether a column of a run table must be bit-identical between two executions of the same run.
pub fn is_outcome(column: &str) -> bool {
    !PROVENANCE.contains(&column)
}

/// Columns of a run table that are neither parameters nor final metrics.
pub fn fixed_columns() -> impl Iterator<Item = &'static str> {
    [RUN_ID, SPEC_ID, SEED, STATUS].into_iter().chain(PROVENANCE)
}

pub(crate) const RUN_ID: &str = "run_id";
pub(crate) const SEED: &str = "seed";
pub(crate) const SPEC_ID: &str = "spec_id";
pub(crate) const ATTEMPTS: &str = "attempts";
pub(crate) const SWEEP: &str = "sweep";
pub(crate) const CURRENT: &str = "current";
pub(crate) const STARTED_AT: &str = "started_at";
pub(crate) const STATUS: &str = "status";
pub(crate) const PARAMS: &str = "params.";
pub(crate) const FINAL: &str = "final.";

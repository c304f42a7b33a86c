//! Commands about clusters: their options and their help texts.

use std::time::Duration;

use clap::Args;

use super::{StoreOptions, seconds};

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// Name of a sweep, as `status` shows it.
    #[arg(value_name = "SWEEP")]
    pub(crate) sweep: String,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// A cluster: a profile of `clusters.yaml` [default: this machine].
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    /// How long to wait for a task that looks around on a node [default: 120].
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "cluster")]
    pub(crate) wait: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Join {
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    /// Name of the submission.
    #[arg(long)]
    pub(crate) submission: String,
    /// Number of the task, from 0.
    #[arg(long)]
    pub(crate) task: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Probe {
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    /// Name of the probe.
    #[arg(long)]
    pub(crate) name: String,
    /// Number of the task.
    #[arg(long)]
    pub(crate) task: u32,
}

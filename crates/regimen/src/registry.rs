//! The experiments that the binary ships, by name.

use anyhow::{Result, anyhow};
use clap::CommandFactory;
use experiment::Entry;
use orchestrator::config::nearest;

use crate::arguments::Arguments;

/// The papers this binary ships.
pub(crate) fn entries() -> Vec<Entry> {
    [
        Entry::of::<dialog::Dialog>(),
        Entry::of::<hypergrad::Hypergrad<Targets>>(),
        Entry::of::<rank_pooling::RankPooling>(),
        Entry::of::<raml::Raml>(),
        Entry::of::<style::Style>(),
        Entry::of::<descent::Descent>(),
        Entry::of::<command::Command>(),
    ]
    .map(|entry| entry.with_threads(autodiff::set_threads))
    .into()
}

/// The experiments with what they are, below the list of commands.
pub(crate) fn listing() -> String {
    let entries = entries();
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let lines: Vec<String> =
        entries.iter().map(|entry| format!("  {:width$}  {}", entry.name, entry.summary)).collect();
    format!(
        "Experiments (`regimen EXPERIMENT --help` lists tools, `regimen schema EXPERIMENT` parameters):\n{}",
        lines.join("\n")
    )
}

/// Experiments that `hypergrad` can learn a schedule for.
struct Targets;

impl hypergrad::Targets for Targets {
    fn entries() -> Vec<Entry> {
        vec![Entry::of::<dialog::Dialog>()]
    }
}

/// The paper of a name.
pub(crate) fn named(name: &str) -> Result<Entry> {
    let entries = entries();
    entries.iter().copied().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
        let arguments = Arguments::command();
        let commands = arguments.get_subcommands().filter(|command| !command.is_hide_set());
        let commands: Vec<&str> = commands.map(clap::Command::get_name).collect();
        match nearest(name, commands.iter().chain(&names).copied()) {
            Some(near) => anyhow!("no command or experiment {name:?}; did you mean `{near}`?"),
            None => anyhow!(
                "no command or experiment {name:?}; commands are {}; experiments are {}",
                commands.join(", "),
                names.join(", ")
            ),
        }
    })
}

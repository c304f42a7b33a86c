//! The experiments that the process knows, by name.

use std::sync::OnceLock;

use anyhow::{Result, anyhow, bail};
use clap::CommandFactory;
use experiment::{Engine, Entry};
use orchestrator::config::nearest;

use crate::arguments::Arguments;
use crate::devices;

/// The engine that runs compute by.
const ENGINE: Engine = Engine { set_threads: autodiff::set_threads, on: devices::on };

static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();

/// Has the process know these experiments, with the data sets that they bring.
pub(crate) fn know(experiments: impl IntoIterator<Item = Entry>) -> Result<()> {
    let mut entries: Vec<Entry> = Vec::new();
    for entry in experiments {
        if entries.iter().any(|other| other.name == entry.name) {
            bail!("two experiments are called {:?}, wanted a name for each", entry.name);
        }
        for (name, manifest) in entry.datasets {
            datasets::know(name, manifest);
        }
        entries.push(entry.with_engine(ENGINE));
    }
    if ENTRIES.set(entries).is_err() {
        bail!("the experiments of this process are known already: call `regimen::main` once");
    }
    match self::entries().iter().find(|entry| is_command(entry.name)) {
        Some(entry) => bail!("an experiment is called {:?}, which is a command", entry.name),
        None => Ok(()),
    }
}

fn is_command(name: &str) -> bool {
    Arguments::command().get_subcommands().any(|command| command.get_name() == name)
}

/// The experiments.
pub(crate) fn entries() -> &'static [Entry] {
    ENTRIES.get().map_or(&[], Vec::as_slice)
}

/// The experiments that the binary ships: the papers, gradient descent on test functions, any program.
#[cfg(feature = "papers")]
#[must_use]
pub fn papers() -> Vec<Entry> {
    vec![
        Entry::of::<dialog::Dialog>(),
        Entry::of::<hypergrad::Hypergrad<Targets>>(),
        Entry::of::<rank_pooling::RankPooling>(),
        Entry::of::<raml::Raml>(),
        Entry::of::<style::Style>(),
        Entry::of::<descent::Descent>(),
        Entry::of::<command::Command>(),
    ]
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
#[cfg(feature = "papers")]
struct Targets;

#[cfg(feature = "papers")]
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

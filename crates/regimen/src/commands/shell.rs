//! `regimen completions` and `regimen man`: the command line as shells and `man` want it.

use std::path::Path;

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::commands::{Done, tool};
use crate::registry;
use crate::terminal::{print, program};

/// `regimen completions SHELL`: a script that the shell reads.
pub(crate) fn completions(shell: Shell) -> Result<Done> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut whole(), program(), &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Done::Well)
}

/// `regimen man DIR`: a page for each command.
pub(crate) fn man(folder: &Path) -> Result<Done> {
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(whole(), folder))
        .with_context(|| format!("writing pages of the manual into {}", folder.display()))?;
    Ok(Done::Well)
}

/// All commands, experiments with their tools among them.
fn whole() -> Command {
    let experiments = registry::entries();
    let all = Arguments::command().name(program());
    experiments.iter().map(tool::experiment).fold(all, Command::subcommand)
}

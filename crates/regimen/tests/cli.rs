//! The binary as its users meet it.

#[path = "cli/blas.rs"]
mod blas;
#[path = "cli/code.rs"]
mod code;
#[path = "cli/command.rs"]
mod command;
#[path = "cli/compact.rs"]
mod compact;
#[path = "cli/configuration.rs"]
mod configuration;
#[path = "cli/damage.rs"]
mod damage;
#[path = "cli/datasets.rs"]
mod datasets;
#[path = "cli/edges.rs"]
mod edges;
#[path = "cli/evolve.rs"]
mod evolve;
#[path = "cli/examples.rs"]
mod examples;
#[path = "cli/first_run.rs"]
mod first_run;
#[path = "cli/gpus.rs"]
mod gpus;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/init.rs"]
mod init;
#[path = "cli/kill.rs"]
mod kill;
#[path = "cli/learners.rs"]
mod learners;
#[path = "cli/list.rs"]
mod list;
#[path = "cli/logs.rs"]
mod logs;
#[path = "cli/machine.rs"]
mod machine;
#[path = "cli/misbehave.rs"]
mod misbehave;
#[path = "cli/module.rs"]
mod module;
#[path = "cli/needs.rs"]
mod needs;
#[path = "cli/output.rs"]
mod output;
#[path = "cli/own_data.rs"]
mod own_data;
#[path = "cli/polars.rs"]
mod polars;
#[path = "cli/programs.rs"]
mod programs;
#[expect(unreachable_pub, reason = "as in a crate of its own")]
#[path = "cli/queries.rs"]
mod queries;
#[path = "cli/registries.rs"]
mod registries;
#[path = "cli/released.rs"]
mod released;
#[path = "cli/schema.rs"]
mod schema;
#[path = "cli/shell.rs"]
mod shell;
#[path = "support/skipped.rs"]
mod skipped;
#[path = "cli/stale.rs"]
mod stale;
#[path = "cli/status.rs"]
mod status;
#[path = "cli/style.rs"]
mod style;
#[path = "cli/sweep.rs"]
mod sweep;
#[path = "cli/tables.rs"]
mod tables;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/tools.rs"]
mod tools;

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

/// Root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The binary, run in the workspace's root so that messages show relative paths.
fn regimen() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regimen"));
    command.current_dir(root()).env_remove("RUST_LOG").env_remove("REGIMEN_MIRROR");
    // A terminal's width and locale are those of the test, not of who runs it.
    for name in ["COLUMNS", "LC_ALL", "LC_CTYPE", "LANG"] {
        command.env_remove(name);
    }
    command
}

/// `regimen run` of a configuration into a store, with more arguments.
fn run(config: &str, store: &Path, more: &[&str]) -> Output {
    regimen()
        .args(["run", config, "--results"])
        .arg(store)
        .args(more)
        .output()
        .expect("the binary starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Fails with what the command said unless it ended with `code`.
fn assert_code(output: &Output, code: i32) {
    let (out, err) = (stdout(output), stderr(output));
    assert_eq!(output.status.code(), Some(code), "stdout:\n{out}\nstderr:\n{err}");
}

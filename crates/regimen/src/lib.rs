//! Reproduce, vary and compare machine-learning papers: the whole command line, over any experiments.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     // Experiments of one's own stand beside the papers, or in their place.
//!     regimen::main(regimen::papers())
//! }
//! ```

mod arguments;
mod columns;
mod commands;
mod complaints;
mod derived;
mod devices;
mod drawing;
mod gpus;
mod history;
mod logging;
mod plans;
mod preflight;
mod progress;
mod provenance;
mod published;
mod registry;
mod runs;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

pub use experiment::Entry;
#[cfg(feature = "papers")]
pub use registry::papers;
pub use {autodiff, charts, datasets, experiment, learn, tables};

use arguments::{Arguments, Command};
use commands::Done;
use logging::LogFormat;

/// Reads the command line of this process and does what it asks for, over these experiments and no others.
///
/// The exit code says how it ended: 0 well, 1 some runs failed, 2 bad input, 3 nothing to compare, 4 the
/// machine, 130 interrupted. Two experiments of one name, and one named as a command, are bad input.
pub fn main(experiments: impl IntoIterator<Item = Entry>) -> ExitCode {
    let slow = autodiff::use_modern_blas();
    if let Err(error) = registry::know(experiments) {
        return failed(&error);
    }
    let arguments = Arguments::parse();
    logging::start(arguments.log_format);
    if let Err(error) = slow {
        tracing::warn!(%error, core = autodiff::blas_core(), "BLAS runs with slow kernels");
    }
    match run(arguments.command, arguments.log_format) {
        Ok(done) => done.into(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    terminal::print_error(error);
    Done::of(error).into()
}

fn run(command: Command, log_format: LogFormat) -> anyhow::Result<Done> {
    match command {
        Command::Init(init) => commands::init::init(&init),
        Command::Run(run) => commands::run::run(&run, log_format),
        Command::Plan(plan) => commands::plan::plan(&plan),
        Command::Show(show) => commands::plan::show(&show),
        Command::Status(status) => commands::status::status(&status),
        Command::List(list) => commands::list::list(&list),
        Command::Diff(diff) => commands::diff::diff(&diff),
        Command::Tag(tag) => commands::mark::tag(&tag),
        Command::Note(note) => commands::mark::note(&note),
        Command::Remove(remove) => commands::remove::remove(&remove),
        Command::Gc(gc) => commands::remove::gc(&gc),
        Command::Logs(logs) => commands::logs::logs(&logs),
        Command::Cancel(cancel) => commands::cancel::cancel(&cancel),
        Command::Doctor(doctor) => commands::doctor::doctor(&doctor),
        Command::Compact(compact) => commands::compact::compact(&compact),
        Command::Compare(compare) => commands::compare::compare(&compare),
        Command::Report(report) => commands::report::report(&report),
        Command::Experiments { format } => commands::experiments::experiments(format),
        Command::Schema(schema) => commands::schema::schema(&schema),
        Command::Datasets(datasets) => commands::datasets::datasets(&datasets),
        Command::Completions { shell } => commands::shell::completions(shell),
        Command::Man { folder } => commands::shell::man(&folder),
        Command::Tool(words) => commands::tool::tool(&words),
        Command::Worker { manifests } => commands::run::worker(&manifests),
        Command::Join(join) => commands::join::join(&join, log_format),
        Command::Probe(probe) => commands::doctor::probe(&probe),
    }
}

//! The command line: commands, options and their help texts.

mod cluster;
mod examples;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::logging::LogFormat;
use crate::{gpus, registry};

pub(crate) use cluster::{Cancel, Doctor, Join, Probe};

/// Headings of options in the help of commands.
const RUNS: &str = "Which runs";
const PLACES: &str = "Where things lie";
const SHOWN: &str = "How it is shown";
const MACHINE: &str = "Machine and cluster";

/// Reproduce, vary and compare machine-learning papers.
#[derive(Debug, Parser)]
#[command(name = "regimen", version, max_term_width = 100, after_help = registry::listing())]
pub(crate) struct Arguments {
    /// How log lines on standard error look.
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub(crate) log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a project that runs at once: a configuration, a program, a README.
    #[command(after_help = examples::INIT)]
    Init(Init),
    /// Expand configurations, run what is not finished yet, write tables and print them.
    #[command(after_help = examples::RUN)]
    Run(Run),
    /// List the runs of configurations with their state and the reason.
    #[command(after_help = examples::PLAN)]
    Plan(Plan),
    /// Print a configuration with every default filled in.
    #[command(after_help = examples::SHOW)]
    Show(Show),
    /// Count the runs of the store by state.
    #[command(after_help = examples::STATUS)]
    Status(Status),
    /// List the runs of the store, a line each.
    #[command(after_help = examples::LIST)]
    List(List),
    /// Show what two runs differ in: parameters, data, code, metrics; exit code 1 where they do.
    #[command(after_help = examples::DIFF)]
    Diff(Diff),
    /// Give runs a tag, which tables have and conditions know: `best in tags`.
    #[command(after_help = examples::TAG)]
    Tag(Tag),
    /// Note something of runs, which tables have.
    #[command(after_help = examples::NOTE)]
    Note(Note),
    /// Remove runs with everything that belongs to them.
    #[command(after_help = examples::REMOVE)]
    Remove(Remove),
    /// Remove files in the store that belong to no run.
    #[command(after_help = examples::GC)]
    Gc(Gc),
    /// Show what a run printed.
    #[command(after_help = examples::LOGS)]
    Logs(Logs),
    /// Stop a sweep from another terminal, or what it has on clusters; `run` goes on with it.
    #[command(after_help = examples::CANCEL)]
    Cancel(Cancel),
    /// Check whether this machine or a cluster does what sweeps need of it.
    #[command(after_help = examples::DOCTOR)]
    Doctor(Doctor),
    /// Merge the journal segments of finished processes into one; safe while others are running.
    #[command(after_help = examples::COMPACT)]
    Compact(Compact),
    /// Compare finished runs with each other, with published numbers or with another store.
    #[command(after_help = examples::COMPARE)]
    Compare(Compare),
    /// Write one page about finished runs: tables, learning curves, failures, provenance.
    #[command(after_help = examples::REPORT)]
    Report(Report),
    /// List the experiments with their tools.
    #[command(after_help = examples::EXPERIMENTS)]
    Experiments {
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: ListFormat,
    },
    /// Print the JSON Schema of an experiment's parameters, or of whole configurations.
    #[command(after_help = examples::SCHEMA)]
    Schema(Schema),
    /// List, fetch, verify or locate data sets.
    #[command(after_help = examples::DATASETS)]
    Datasets(Datasets),
    /// Print a script that completes commands, options, experiments and tools in a shell.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the pages of the manual, one a command, for `man`.
    #[command(after_help = examples::MAN)]
    Man {
        /// The folder they go into, for example `~/.local/share/man/man1`.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Execute runs for a driver.
    #[command(hide = true)]
    Worker {
        /// Folders with manifests of the user.
        #[arg(long)]
        manifests: Vec<PathBuf>,
    },
    /// Execute runs of a submitted sweep, as a task of a cluster.
    #[command(hide = true)]
    Join(Join),
    /// Say what a node of a cluster sees.
    #[command(hide = true)]
    Probe(Probe),
    /// A paper's own command: EXPERIMENT TOOL ARGUMENTS...
    #[command(external_subcommand)]
    Tool(Vec<String>),
}

/// Where data files may lie.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataOptions {
    /// A folder where data files may already lie.
    #[arg(long, env = "REGIMEN_MIRROR", value_name = "DIR", global = true, help_heading = PLACES)]
    pub(crate) mirror: Option<PathBuf>,
    /// Never access the network.
    #[arg(long, global = true, help_heading = PLACES)]
    pub(crate) offline: bool,
}

/// Which configurations, with which changes.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigOptions {
    /// Configuration files; of several, those without a name are parts of others and left out.
    #[arg(required = true, value_name = "CONFIG")]
    pub(crate) configs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) choice: ChoiceOptions,
}

/// Changes of configurations, and which of their runs.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ChoiceOptions {
    /// Replace a value, for example `params.learning_rate=0.1` or `sweep.grid.regime=[2,3]`, or
    /// remove one: `~sweep.grid.regime`.
    #[arg(short, long = "set", value_name = "PATH=VALUE", help_heading = RUNS)]
    pub(crate) set: Vec<String>,
    /// Only runs for which an expression holds, for example `regime in [2,3] and seed < 2`.
    #[arg(long, value_name = "EXPR", help_heading = RUNS)]
    pub(crate) only: Option<String>,
}

/// The folder that results are kept in.
#[derive(Debug, Clone, Args)]
pub(crate) struct StoreOptions {
    /// The store.
    #[arg(long, default_value = "results", value_name = "DIR", help_heading = PLACES)]
    pub(crate) results: PathBuf,
}

/// How wide a table may be.
#[derive(Debug, Clone, Args)]
pub(crate) struct WidthOptions {
    /// Columns that a line of a table has at most [default: COLUMNS, or those of the terminal].
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(20..),
        help_heading = SHOWN
    )]
    pub(crate) width: Option<u16>,
    /// Show everything in tables, however long a line gets.
    #[arg(long, conflicts_with = "width", help_heading = SHOWN)]
    pub(crate) wide: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder of the project; the last part of its path is the project's name.
    #[arg(value_name = "NAME")]
    pub(crate) folder: PathBuf,
    /// With a program in Python; this is what happens where nothing is said.
    #[arg(long)]
    pub(crate) python: bool,
    /// With a shell script, whose output is read by patterns.
    #[arg(long, conflicts_with = "python")]
    pub(crate) command: bool,
    /// With an experiment in Rust: a crate of its own, on the engine and the command line of regimen.
    #[arg(long, conflicts_with_all = ["python", "command"])]
    pub(crate) rust: bool,
    /// A folder with regimen's sources, to build against in place of the registry's crates.
    #[arg(long, value_name = "DIR", requires = "rust")]
    pub(crate) checkout: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Name of the experiment [default with `--config`: all of them].
    #[arg(required_unless_present = "config")]
    pub(crate) experiment: Option<String>,
    /// Print the schema of a whole configuration, by which editors complete and check one.
    #[arg(long)]
    pub(crate) config: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    #[command(flatten)]
    pub(crate) width: WidthOptions,
    /// Worker processes [default: cores / threads per run].
    #[arg(
        short,
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..),
        help_heading = MACHINE
    )]
    pub(crate) jobs: Option<u16>,
    /// Graphics processors that runs with `resources.gpus` are given, each its own [default: those that
    /// CUDA_VISIBLE_DEVICES or nvidia-smi names].
    #[arg(
        long,
        value_name = "N,...",
        value_delimiter = ',',
        value_parser = gpus::device,
        help_heading = MACHINE
    )]
    pub(crate) gpus: Vec<String>,
    /// Have a cluster execute the runs: a profile of `clusters.yaml`, or `local`.
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with_all = ["jobs", "gpus", "in_process"],
        help_heading = MACHINE
    )]
    pub(crate) cluster: Option<String>,
    /// Leave once the jobs are submitted; `status --watch` follows them.
    #[arg(long, requires = "cluster", conflicts_with = "report", help_heading = MACHINE)]
    pub(crate) detach: bool,
    /// Run on threads of this process instead of in worker processes.
    #[arg(long, help_heading = MACHINE)]
    pub(crate) in_process: bool,
    /// Print the plan and stop.
    #[arg(long, help_heading = RUNS)]
    pub(crate) dry_run: bool,
    /// Run everything again, finished or not.
    #[arg(long, help_heading = RUNS)]
    pub(crate) force: bool,
    /// Run failed runs again.
    #[arg(long, help_heading = RUNS)]
    pub(crate) retry_failed: bool,
    /// Write the page that `report` makes of these runs, here; `-` is standard output.
    #[arg(long, value_name = "FILE.html", overrides_with = "report", help_heading = SHOWN)]
    pub(crate) report: Option<PathBuf>,
    /// A command for `sh` that is started when all is over, with what became of each sweep as JSON on its
    /// standard input.
    #[arg(long, value_name = "COMMAND", conflicts_with = "detach", help_heading = MACHINE)]
    pub(crate) on_finish: Option<String>,
    /// Age of a checkpoint at which a run writes another one [default: 20].
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = MACHINE)]
    pub(crate) checkpoint_every: Option<Duration>,
    /// How long another driver's heartbeat may stand still before its work is taken over
    /// [default: 15; 90 in a store that several hosts share].
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = MACHINE)]
    pub(crate) lease: Option<Duration>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("wanted a number of seconds of at least 0, found {text}");
    let number = text.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number).map_err(|_| wrong())
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Output format.
    #[arg(long, value_enum, default_value = "table", help_heading = SHOWN)]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Configurations whose runs are counted [default: every run of the store].
    #[arg(value_name = "CONFIG")]
    pub(crate) configs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) choice: ChoiceOptions,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Print again whenever something changes, until every run has ended.
    #[arg(long, help_heading = SHOWN)]
    pub(crate) watch: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "table", help_heading = SHOWN)]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only runs for which an expression holds over parameters, `seed`, `experiment`, `sweep`, `state`,
    /// `replaced`, `attempts`, `seconds`, `tags`, `note` and final metrics: `state == failed and learning_rate > 0.1`.
    #[arg(long, value_name = "EXPR", help_heading = RUNS)]
    pub(crate) only: Option<String>,
    /// The columns, under names as `--only` takes them [default: run, state, time, main metric, sweep and
    /// what varies in it].
    #[arg(long, value_delimiter = ',', value_name = "NAME", help_heading = SHOWN)]
    pub(crate) columns: Vec<String>,
    /// Sort by what a name stands for; by a `-` before it the largest first
    /// [default: by sweep, what varies in it and seed].
    #[arg(long, value_name = "[-]NAME", allow_hyphen_values = true, help_heading = SHOWN)]
    pub(crate) sort: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    /// Output format; JSON is an object a line.
    #[arg(long, value_enum, default_value = "table", help_heading = SHOWN)]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// A run: the first digits of its id, as `list` shows them.
    #[arg(value_name = "RUN")]
    pub(crate) first: String,
    /// The other one.
    #[arg(value_name = "RUN")]
    pub(crate) second: String,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Tag {
    /// Runs, by the first digits of their ids as `list` shows them, and the tag.
    #[arg(required = true, value_name = "RUN... TAG")]
    pub(crate) words: Vec<String>,
    /// The runs for which an expression holds, as `list` takes it.
    #[arg(long, value_name = "EXPR")]
    pub(crate) only: Option<String>,
    /// Take the tag away.
    #[arg(long)]
    pub(crate) remove: bool,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Note {
    /// Runs, by the first digits of their ids as `list` shows them, and the text that takes the place of an
    /// earlier one; an empty text is none.
    #[arg(required = true, value_name = "RUN... TEXT")]
    pub(crate) words: Vec<String>,
    /// The runs for which an expression holds, as `list` takes it.
    #[arg(long, value_name = "EXPR")]
    pub(crate) only: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Runs: the first digits of their ids, as `list` shows them.
    #[arg(value_name = "RUN", required_unless_present = "only", conflicts_with = "only")]
    pub(crate) runs: Vec<String>,
    /// The runs for which an expression holds, as `list` takes it: `state == failed`, `replaced == true`.
    #[arg(long, value_name = "EXPR")]
    pub(crate) only: Option<String>,
    /// Print the ids of the runs and remove nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// Print what would go and remove nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The run: the first digits of its id, as `plan` and failures show them. Or a sweep that was
    /// submitted to a cluster: what its tasks printed.
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    /// Follow the log until the run has ended.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Which attempt [default: the latest].
    #[arg(long, value_name = "N")]
    pub(crate) attempt: Option<u32>,
    /// Print where the log is instead.
    #[arg(long, conflicts_with = "follow")]
    pub(crate) path: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Compact {
    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// A configuration whose `table:` block says what to show, or the name of an experiment.
    #[arg(value_name = "CONFIG|EXPERIMENT")]
    pub(crate) what: Option<String>,
    #[command(flatten)]
    pub(crate) choice: ChoiceOptions,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Parameters that make the rows.
    #[arg(long, value_delimiter = ',', value_name = "K", help_heading = SHOWN)]
    pub(crate) rows: Vec<String>,
    /// Parameters that make the columns.
    #[arg(long, value_delimiter = ',', value_name = "K", help_heading = SHOWN)]
    pub(crate) columns: Vec<String>,
    /// Parameters whose values stand side by side in one cell.
    #[arg(long, value_delimiter = ',', value_name = "K", help_heading = SHOWN)]
    pub(crate) cells: Vec<String>,
    /// Final metrics to show.
    #[arg(long, value_delimiter = ',', value_name = "M", help_heading = SHOWN)]
    pub(crate) value: Vec<String>,
    /// Only this table of the configuration: its number, from 1, or its title.
    #[arg(long, value_name = "N|TITLE", help_heading = SHOWN)]
    pub(crate) table: Option<String>,
    /// `published`, or another store: which cells changed beyond their spread.
    #[arg(long, value_name = "published|STORE", help_heading = RUNS)]
    pub(crate) against: Option<String>,
    /// With a store: every outcome must be the same to the bit.
    #[arg(long, requires = "against", help_heading = RUNS)]
    pub(crate) exact: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "table", help_heading = SHOWN)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) width: WidthOptions,
    /// Write to a file instead; `-` is standard output.
    #[arg(short, long, value_name = "FILE", help_heading = SHOWN)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Configurations to report on [default: every sweep of the store].
    #[arg(value_name = "CONFIG")]
    pub(crate) configs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) choice: ChoiceOptions,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// The page; `-` is standard output.
    #[arg(short, long, value_name = "FILE.html", help_heading = SHOWN)]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    Table,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    Table,
    Markdown,
    Latex,
    Csv,
    Json,
    Parquet,
}

#[derive(Debug, Args)]
pub(crate) struct Datasets {
    #[command(subcommand)]
    pub(crate) action: DatasetAction,
    /// A folder with manifests of your own, `NAME.yaml`.
    #[arg(long, value_name = "DIR", default_value = "datasets", global = true)]
    pub(crate) manifests: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DatasetAction {
    /// List all data sets and whether they are here.
    List {
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: ListFormat,
    },
    /// Fetch and verify a data set.
    Fetch {
        /// Its name.
        name: String,
    },
    /// Check every byte of one data set, or of all that are here.
    Verify {
        /// Its name.
        name: Option<String>,
    },
    /// Print the folder of a data set.
    Path {
        /// Its name.
        name: String,
    },
}

//! `regimen report`: gathers what the HTML page says about each sweep, and writes it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Result, anyhow};
use experiment::RunId;
use orchestrator::config::{Config, Distribution, Search};
use orchestrator::execute;
use orchestrator::plan::resolved;
use tables::{About, Asked, Checksum, Drawn, Halving, Log, Report, Selection, Subject};

use crate::arguments::{self, ChoiceOptions, ConfigOptions};
use crate::commands::{Done, compare, wanted};
use crate::plans::{Absent, Planned, plans, selection};
use crate::terminal::{STDOUT, put, say};
use crate::{derived, published, registry};

/// How much of the end of a log is read, and how many of its last lines are shown.
const LOG_BYTES: u64 = 8192;
const LOG_LINES: usize = 20;

/// `regimen report`.
pub(crate) fn report(arguments: &arguments::Report) -> Result<Done> {
    let store = &arguments.store.results;
    derived::refresh(store);
    let choice = arguments.choice.clone();
    let subjects = if arguments.configs.is_empty() {
        refuse(&choice)?;
        Vec::new()
    } else {
        let options = ConfigOptions { configs: arguments.configs.clone(), choice };
        subjects(&plans(&options, Absent::Ignored)?, &options.choice, store, Shown::OrOlder)?
    };
    match write(store, subjects, &arguments.output) {
        Err(error) if compare::nothing(&error) => {
            say(&error.to_string());
            Ok(Done::NothingToCompare)
        }
        written => written.map(|()| Done::Well),
    }
}

/// Refuses changes where there is no configuration to change.
pub(crate) fn refuse(choice: &ChoiceOptions) -> Result<()> {
    match choice.set.is_empty() && choice.only.is_none() {
        true => Ok(()),
        false => Err(anyhow!("`-s` and `--only` are about a configuration; name one")),
    }
}

/// Which runs a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Those that are planned.
    Planned,
    /// Where none of those is finished, older ones that answered the same requests.
    OrOlder,
}

/// What a page says about each plan.
pub(crate) fn subjects<'a>(
    plans: impl IntoIterator<Item = &'a Planned>,
    choice: &ChoiceOptions,
    store: &Path,
    shown: Shown,
) -> Result<Vec<Subject>> {
    let asked = plans.into_iter().filter(|planned| planned.is_asked());
    asked.map(|planned| subject(planned, choice, store, shown)).collect()
}

fn subject(
    planned: &Planned,
    choice: &ChoiceOptions,
    store: &Path,
    shown: Shown,
) -> Result<Subject> {
    let plan = &planned.plan;
    let selection = match shown {
        Shown::OrOlder => selection(plan, store)?,
        Shown::Planned => Selection {
            runs: Some(plan.runs.iter().map(|run| run.spec.run).collect()),
            ..Selection::default()
        },
    };
    let library = published::library(Some(&planned.path), store);
    let mut tables = Vec::new();
    for table in wanted::of_plan(planned, &selection) {
        let found = published::find(&library, table.published.as_deref());
        let asked =
            |request| Asked { title: table.title.clone(), request, published: found.clone() };
        tables.extend(table.requests.into_iter().map(asked));
    }
    let mut command =
        vec!["regimen".into(), "run".into(), planned.path.to_string_lossy().into_owned()];
    command.extend(choice.set.iter().flat_map(|set| ["-s".to_owned(), set.clone()]));
    command.extend(choice.only.iter().flat_map(|only| ["--only".to_owned(), only.clone()]));
    Ok(Subject {
        title: plan.sweep.clone(),
        experiment: plan.entry.name.into(),
        selection,
        order: plan.runs.iter().map(|run| run.spec.run).collect(),
        tables,
        metrics: plan.metrics.clone(),
        drawn: drawn(&planned.config),
        search: plan.search.as_ref().map(halving),
        configuration: Some(resolved(&planned.config, plan)?),
        command: Some(quoted(&command)),
        data: checksums(planned),
    })
}

/// The parameters whose values a configuration draws.
fn drawn(config: &Config) -> Vec<Drawn> {
    let draws = config.sweep.blocks.iter().filter_map(|block| block.random.as_ref());
    let mut all: Vec<Drawn> = Vec::new();
    for drawn in draws.flat_map(|random| &random.params) {
        let name = drawn.key.to_string();
        let log = matches!(drawn.from, Distribution::LogUniform(..));
        if !all.iter().any(|other| other.name == name) {
            all.push(Drawn { name, log });
        }
    }
    all
}

fn halving(search: &Search) -> Halving {
    Halving {
        metric: search.metric.clone(),
        better: search.goal,
        factor: search.factor,
        steps: (0..).map_while(|rung| search.step(rung)).collect(),
    }
}

/// The data sets and files that the runs of a plan read.
fn checksums(planned: &Planned) -> Vec<Checksum> {
    let mut sums = BTreeMap::new();
    for (name, sum) in planned.plan.runs.iter().flat_map(|run| &run.spec.data) {
        sums.entry(name).or_insert(sum);
    }
    let one =
        |(name, sum): (&String, &String)| Checksum { name: name.clone(), checksum: sum.clone() };
    sums.into_iter().map(one).collect()
}

/// Makes the page and puts it in its place.
pub(crate) fn write(store: &Path, subjects: Vec<Subject>, output: &Path) -> Result<()> {
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let report = Report {
        store,
        page: (output != Path::new(STDOUT)).then_some(output),
        subjects,
        about: &about,
        log: &|run, attempts| log(store, run, attempts),
        made_by: concat!("regimen ", env!("CARGO_PKG_VERSION")).into(),
        command: format!("regimen {}", quoted(&words)),
    };
    let page = derived::reading(&[store], || Ok(report.render()?))?;
    put(output, page.as_bytes())?;
    if output != Path::new(STDOUT) {
        say(&format!("{}: {} kB", output.display(), page.len().div_ceil(1000)));
    }
    Ok(())
}

fn about(experiment: &str) -> About {
    let entries = registry::entries();
    let found = entries.iter().find(|entry| entry.name == experiment);
    found.map_or_else(About::default, |entry| About {
        summary: entry.summary.into(),
        schema: entry.schema(),
        metrics: entry.metrics.to_vec(),
    })
}

/// The last lines of what a run printed at its newest attempt, if anything.
fn log(store: &Path, run: RunId, attempts: u32) -> Option<Log> {
    let path = execute::log_of(store, run, attempts);
    let mut file = File::open(&path).ok()?;
    let length = file.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES))).ok()?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
    let path = path.strip_prefix(store).unwrap_or(&path).display().to_string();
    Some(Log { path, tail })
}

/// Words as a shell takes them.
fn quoted(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    let quote = |word: &String| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

use std::path::Path;

use anyhow::{Context, Result};
use experiment::Metric;
use orchestrator::execute::JOURNAL;
use orchestrator::plan::resolved;
use tables::{Asked, Checksum, Report, Selection, Subject};

use crate::arguments::{self, ConfigOptions};
use crate::commands::{Done, compare, run, wanted};
use crate::plans::{Planned, identity, plans};
use crate::terminal::say;
use crate::{published, registry};

/// `regimen report`.
pub(crate) fn report(arguments: &arguments::Report) -> Result<Done> {
    let options = ConfigOptions {
        configs: arguments.configs.clone(),
        set: arguments.set.clone(),
        only: arguments.only.clone(),
    };
    let store = &arguments.store.results;
    let subjects = subjects(&plans(&options)?, &options, store)?;
    if store.join(JOURNAL).is_dir()
        && let Err(error) = run::write_tables(store)
    {
        say(&format!("warning: the tables may be older than the runs: {error:#}"));
    }
    match write(store, subjects, &arguments.output) {
        Err(error) if compare::nothing(&error) => {
            say(&error.to_string());
            Ok(Done::NothingToCompare)
        }
        written => written.map(|()| Done::Well),
    }
}

/// What a page says about each plan.
pub(crate) fn subjects(
    plans: &[Planned],
    options: &ConfigOptions,
    store: &Path,
) -> Result<Vec<Subject>> {
    plans
        .iter()
        .zip(&options.configs)
        .map(|(planned, path)| subject(planned, path, options, store))
        .collect()
}

fn subject(
    planned: &Planned,
    path: &Path,
    options: &ConfigOptions,
    store: &Path,
) -> Result<Subject> {
    let plan = &planned.plan;
    let library = published::library(Some(path), store);
    let mut tables = Vec::new();
    for table in &plan.tables {
        let published = published::find(&library, table.published.as_deref());
        // A metric a table.
        let asked =
            |request| Asked { title: table.title.clone(), request, published: published.clone() };
        tables.extend(wanted::requests(table, planned)?.into_iter().map(asked));
    }
    let mut command = vec!["regimen".into(), "run".into(), path.to_string_lossy().into_owned()];
    command.extend(options.set.iter().flat_map(|set| ["-s".to_owned(), set.clone()]));
    command.extend(options.only.iter().flat_map(|only| ["--only".to_owned(), only.clone()]));
    Ok(Subject {
        title: plan.sweep.clone(),
        experiment: plan.entry.name.into(),
        selection: Selection {
            runs: Some(plan.runs.iter().map(|run| run.spec.run).collect()),
            ..Selection::default()
        },
        tables,
        metrics: plan.metrics.clone(),
        configuration: Some(resolved(&planned.config, plan)?),
        command: Some(quoted(&command)),
        data: checksums(planned),
    })
}

/// The data sets that the runs of a plan open.
fn checksums(planned: &Planned) -> Vec<Checksum> {
    let identity = identity();
    let bound = |params: &str| {
        let params = serde_json::from_str(params).ok()?;
        planned.plan.entry.bind_json(&params).ok()
    };
    let mut names: Vec<String> = planned
        .plan
        .runs
        .iter()
        .filter_map(|run| bound(&run.spec.params))
        .flat_map(|bound| bound.data())
        .map(|data| data.name)
        .collect();
    names.sort_unstable();
    names.dedup();
    let known = |name: String| {
        let checksum = (identity.checksum)(&name)?;
        Some(Checksum { name, checksum })
    };
    names.into_iter().filter_map(known).collect()
}

/// Makes the page and puts it in its place.
pub(crate) fn write(store: &Path, subjects: Vec<Subject>, output: &Path) -> Result<()> {
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let report = Report {
        store,
        subjects,
        metrics: &metrics,
        made_by: concat!("regimen ", env!("CARGO_PKG_VERSION")).into(),
        command: format!("regimen {}", quoted(&words)),
    };
    let page = report.render()?;
    tables::write_page(output, &page).context("writing the page")?;
    say(&format!("{}: {} kB", output.display(), page.len().div_ceil(1000)));
    Ok(())
}

fn metrics(experiment: &str) -> Vec<Metric> {
    let entries = registry::entries();
    entries
        .iter()
        .find(|entry| entry.name == experiment)
        .map_or_else(Vec::new, |entry| entry.metrics.to_vec())
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

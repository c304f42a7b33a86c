use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use experiment::Metric;
use orchestrator::config::Table;
use orchestrator::execute::JOURNAL;
use orchestrator::plan::resolved;
use tables::{Asked, Checksum, Report, Selection, Subject};

use crate::arguments::{self, ChoiceOptions, ConfigOptions};
use crate::commands::{Done, compare, run};
use crate::plans::{Absent, Planned, plans, selection};
use crate::registry;
use crate::terminal::say;

/// `regimen report`.
pub(crate) fn report(arguments: &arguments::Report) -> Result<Done> {
    let store = &arguments.store.results;
    if store.join(JOURNAL).is_dir()
        && let Err(error) = run::write_tables(store)
    {
        say(&format!("warning: the tables may be older than the runs: {error:#}"));
    }
    let choice = arguments.choice.clone();
    let subjects = if arguments.configs.is_empty() {
        refuse(&choice)?;
        Vec::new()
    } else {
        let options = ConfigOptions { configs: arguments.configs.clone(), choice };
        subjects(&plans(&options, Absent::Ignored)?, &options.choice, Some(store))?
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

/// What a page says about each plan. Of runs in `store` that are finished, older ones may stand in
/// for planned ones.
pub(crate) fn subjects(
    plans: &[Planned],
    choice: &ChoiceOptions,
    store: Option<&Path>,
) -> Result<Vec<Subject>> {
    plans.iter().map(|planned| subject(planned, choice, store)).collect()
}

fn subject(planned: &Planned, choice: &ChoiceOptions, store: Option<&Path>) -> Result<Subject> {
    let plan = &planned.plan;
    let asked = |table: &Table| Asked {
        title: table.title.clone(),
        request: compare::asked_by(table, plan),
        // A page without them is better than none.
        published: compare::published(Some(table)).unwrap_or_else(|error| {
            say(&format!("warning: no published numbers: {error:#}"));
            None
        }),
    };
    let mut command =
        vec!["regimen".into(), "run".into(), planned.path.to_string_lossy().into_owned()];
    command.extend(choice.set.iter().flat_map(|set| ["-s".to_owned(), set.clone()]));
    command.extend(choice.only.iter().flat_map(|only| ["--only".to_owned(), only.clone()]));
    Ok(Subject {
        title: plan.sweep.clone(),
        experiment: plan.entry.name.into(),
        selection: match store {
            Some(store) => selection(plan, store)?,
            None => Selection {
                runs: Some(plan.runs.iter().map(|run| run.spec.run).collect()),
                ..Selection::default()
            },
        },
        tables: plan.tables.iter().map(asked).collect(),
        metrics: plan.metrics.clone(),
        configuration: Some(resolved(&planned.config, plan)?),
        command: Some(quoted(&command)),
        data: checksums(planned),
    })
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

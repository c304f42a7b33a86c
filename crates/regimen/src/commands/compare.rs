use std::path::Path;

use anyhow::{Result, anyhow};
use experiment::Metric;
use journal::Fold;
use orchestrator::config::Table;
use orchestrator::execute::JOURNAL;
use orchestrator::plan::{Only, Plan};
use tables::{Format, Published, Request, Runs, Scope, Selection};

use crate::arguments::{ChoiceOptions, Compare, ConfigOptions, TableFormat};
use crate::commands::{Done, report};
use crate::plans::{Absent, plans, selection};
use crate::terminal::{STDOUT, print, put, say};
use crate::{derived, registry};

/// Where published numbers lie, below the working directory.
const PUBLISHED: &str = "results/published";

/// `regimen compare`.
pub(crate) fn compare(arguments: &Compare) -> Result<Done> {
    let subject = subject(arguments)?;
    let other = arguments.against.as_deref().filter(|other| *other != "published").map(Path::new);
    let stores = [Some(&*arguments.store.results), other].into_iter().flatten();
    let stores: Vec<&Path> = stores.inspect(|store| derived::refresh(store)).collect();
    let compared = derived::reading(&stores, || match other {
        Some(store) if arguments.exact => exact(arguments, &subject, store),
        Some(store) => against(arguments, &subject, store),
        None => show(arguments, &subject),
    });
    match compared {
        Err(error) if nothing(&error) => {
            say(&error.to_string());
            Ok(Done::NothingToCompare)
        }
        done => done,
    }
}

/// Whether there was nothing to compare.
pub(crate) fn nothing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(tables::Error::Nothing(_)))
}

/// What is compared: the plan of a configuration, or all runs of an experiment.
struct Subject {
    experiment: Option<String>,
    plan: Option<Plan>,
    selection: Selection,
}

fn subject(arguments: &Compare) -> Result<Subject> {
    let (choice, store) = (&arguments.choice, &arguments.store.results);
    let is_experiment = |what: &str| registry::entries().iter().any(|entry| entry.name == what);
    let Some(what) = arguments.what.as_ref().filter(|what| !is_experiment(what)) else {
        return Ok(Subject {
            experiment: arguments.what.clone(),
            plan: None,
            selection: chosen(arguments.what.as_deref(), choice, store)?,
        });
    };
    if !Path::new(what).exists() {
        let known: Vec<&str> = registry::entries().iter().map(|entry| entry.name).collect();
        let known = known.join(", ");
        return Err(anyhow!("wanted a configuration or an experiment ({known}), found {what:?}"));
    }
    let options = ConfigOptions { configs: vec![what.into()], choice: choice.clone() };
    let plan = plans(&options, Absent::Ignored)?.remove(0).plan;
    let selection = selection(&plan, store)?;
    Ok(Subject { experiment: Some(plan.entry.name.into()), plan: Some(plan), selection })
}

/// The runs of an experiment that `--only` is about.
fn chosen(experiment: Option<&str>, choice: &ChoiceOptions, store: &Path) -> Result<Selection> {
    if !choice.set.is_empty() {
        report::refuse(choice)?;
    }
    let Some(only) = &choice.only else { return Ok(Selection::default()) };
    let fold = Fold::read(&store.join(JOURNAL))?;
    let runs = fold.runs.values().map(|run| &*run.spec);
    let runs = runs.filter(|run| experiment.is_none_or(|experiment| run.experiment == experiment));
    let runs = Some(Only::parse(only)?.choose(runs)?);
    Ok(Selection { runs, ..Selection::default() })
}

impl Subject {
    fn table(&self) -> Option<&Table> {
        self.plan.as_ref()?.tables.first()
    }
}

fn exact(arguments: &Compare, subject: &Subject, other: &Path) -> Result<Done> {
    let scope =
        Scope { experiment: subject.experiment.clone(), selection: subject.selection.clone() };
    let differences = tables::exact(&arguments.store.results, other, &scope)?;
    print(&format!("{differences}\n"))?;
    Ok(if differences.is_empty() { Done::Well } else { Done::SomeFailed })
}

fn show(arguments: &Compare, subject: &Subject) -> Result<Done> {
    let mut request = request(arguments, subject)?;
    request.lines = arguments.against.is_some();
    let published = published(subject.table())?;
    if published.is_none() && arguments.against.is_some() {
        say("no `table: { published: }` in a configuration says which numbers to show");
        return Ok(Done::NothingToCompare);
    }
    let runs = Runs::read(&arguments.store.results, &experiment(arguments, subject)?)?;
    let comparison = tables::compare(&runs, &request, published.as_ref())?;
    deliver(arguments, &|format| comparison.render(format), &|| comparison.to_parquet())?;
    Ok(Done::Well)
}

fn against(arguments: &Compare, subject: &Subject, other: &Path) -> Result<Done> {
    let experiment = experiment(arguments, subject)?;
    let mut request = request(arguments, subject)?;
    // The other store may have been made by another version.
    request.selection = Selection {
        specs: subject.plan.as_ref().map(|p| p.runs.iter().map(|run| run.spec.spec).collect()),
        ..Selection::default()
    };
    let compare = |store: &Path| {
        let runs = Runs::read(store, &experiment)?;
        tables::compare(&runs, &request, None)
    };
    let (ours, theirs) = (compare(&arguments.store.results)?, compare(other)?);
    let regression = tables::against(&ours, &theirs, request.better);
    deliver(arguments, &|format| regression.render(format), &|| regression.to_parquet())?;
    Ok(if regression.has_changes() { Done::SomeFailed } else { Done::Well })
}

/// Prints or writes, as the arguments say.
fn deliver(
    arguments: &Compare,
    render: &dyn Fn(Format) -> String,
    parquet: &dyn Fn() -> Result<Vec<u8>, tables::Error>,
) -> Result<()> {
    let output = arguments.output.as_deref().unwrap_or(Path::new(STDOUT));
    match format(arguments.format) {
        Some(format) => put(output, render(format).as_bytes()),
        None => put(output, &parquet()?),
    }
}

fn experiment(arguments: &Compare, subject: &Subject) -> Result<String> {
    match &subject.experiment {
        Some(experiment) => Ok(experiment.clone()),
        None => only_experiment(&arguments.store.results),
    }
}

/// What the configuration and the arguments ask for.
fn request(arguments: &Compare, subject: &Subject) -> Result<Request> {
    let experiment = experiment(arguments, subject)?;
    let metrics = metrics(subject.plan.as_ref(), &experiment);
    let mut request = match subject.table() {
        Some(table) => requested(table),
        None => Request {
            value: metrics.first().map_or("", |metric| &metric.name).into(),
            ..Request::default()
        },
    };
    request.selection = subject.selection.clone();
    if !arguments.rows.is_empty() {
        request.rows.clone_from(&arguments.rows);
    }
    if !arguments.columns.is_empty() {
        request.columns.clone_from(&arguments.columns);
    }
    if let Some(value) = &arguments.value {
        // What was to be reached was said of another metric.
        if request.value != *value {
            request.passes = None;
        }
        request.value.clone_from(value);
    }
    look_up(&mut request, &experiment, &metrics);
    Ok(request)
}

/// Prints the table of a plan that was just run.
pub(crate) fn show_plan(plan: &Plan, store: &Path) -> Result<()> {
    let Some(table) = plan.tables.first() else { return Ok(()) };
    let mut request = asked_by(table, plan);
    // The runs are done, so numbers that are not at hand here are no reason to show nothing.
    let published = published(Some(table)).unwrap_or_else(|error| {
        say(&format!("warning: no published numbers: {error:#}"));
        None
    });
    let planned = plan.runs.iter().map(|run| run.spec.run).collect();
    request.selection = Selection { runs: Some(planned), ..Selection::default() };
    let comparison = derived::reading(&[store], || {
        let runs = Runs::read(store, plan.entry.name)?;
        Ok(tables::compare(&runs, &request, published.as_ref())?)
    })?;
    print(&comparison.render(Format::Table))?;
    Ok(())
}

/// What a `table:` block asks for, with what the plan knows of its metric.
pub(crate) fn asked_by(table: &Table, plan: &Plan) -> Request {
    let mut request = requested(table);
    look_up(&mut request, plan.entry.name, &plan.metrics);
    request
}

fn requested(table: &Table) -> Request {
    Request {
        rows: table.rows.clone(),
        columns: table.columns.clone(),
        value: table.value.clone(),
        passes: table.passes,
        ..Request::default()
    }
}

/// Why a published table is not here.
pub(crate) fn missing_published(name: &str) -> Option<String> {
    Published::find(Path::new(PUBLISHED), name).err().map(|error| match error {
        tables::Error::Nothing(why) => why,
        error => error.to_string(),
    })
}

/// The published numbers that a `table:` block names.
pub(crate) fn published(table: Option<&Table>) -> Result<Option<Published>> {
    let name = table.and_then(|table| table.published.as_deref());
    Ok(name.map(|name| Published::find(Path::new(PUBLISHED), name)).transpose()?)
}

/// A form of text; `None` for Parquet.
fn format(format: TableFormat) -> Option<Format> {
    Some(match format {
        TableFormat::Table => Format::Table,
        TableFormat::Markdown => Format::Markdown,
        TableFormat::Latex => Format::Latex,
        TableFormat::Csv => Format::Csv,
        TableFormat::Json => Format::Json,
        TableFormat::Parquet => return None,
    })
}

/// The final metrics of a plan's runs, or of an experiment at its defaults.
fn metrics(plan: Option<&Plan>, experiment: &str) -> Vec<Metric> {
    let entries = registry::entries();
    let entry = entries.iter().find(|entry| entry.name == experiment);
    plan.map(|plan| plan.metrics.clone())
        .or_else(|| entry.map(|entry| entry.metrics.to_vec()))
        .unwrap_or_default()
}

/// Fills in what is known of the metric: which direction is better, and the scores of single items
/// behind it.
fn look_up(request: &mut Request, experiment: &str, metrics: &[Metric]) {
    let name = request.value.strip_prefix("final.").unwrap_or(&request.value);
    request.better =
        metrics.iter().find(|metric| metric.name == name).and_then(|metric| metric.better);
    let entries = registry::entries();
    let entry = entries.iter().find(|entry| entry.name == experiment);
    request.items =
        entry.and_then(|entry| entry.items.iter().find(|items| items.metric == name).copied());
}

fn only_experiment(store: &Path) -> Result<String> {
    let mut found = tables::experiments(store)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(tables::Error::Nothing(format!("no tables in {}", store.display())).into()),
        _ => Err(anyhow!("say which experiment to compare: {}", found.join(", "))),
    }
}

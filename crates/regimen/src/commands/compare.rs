use std::path::Path;

use anyhow::{Result, anyhow};
use orchestrator::plan::Plan;
use tables::{Format, Published, Request, Runs, Scope, Selection};

use crate::arguments::{Compare, ConfigOptions, TableFormat};
use crate::commands::Done;
use crate::plans::plans;
use crate::registry;
use crate::terminal::{print, say};

/// Where published numbers lie, below the working directory.
const PUBLISHED: &str = "results/published";

/// `regimen compare`.
pub(crate) fn compare(arguments: &Compare) -> Result<Done> {
    let subject = subject(arguments)?;
    let compared = match arguments.against.as_deref() {
        Some(store) if arguments.exact => exact(arguments, &subject, Path::new(store)),
        Some("published") | None => show(arguments, &subject),
        Some(_) => Err(anyhow!("--against a store needs --exact")),
    };
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
}

fn subject(arguments: &Compare) -> Result<Subject> {
    let Some(what) = &arguments.what else { return Ok(Subject { experiment: None, plan: None }) };
    if registry::entries().iter().any(|entry| entry.name == what) {
        return Ok(Subject { experiment: Some(what.clone()), plan: None });
    }
    let options = ConfigOptions { configs: vec![what.into()], set: Vec::new(), only: None };
    let plan = plans(&options)?.remove(0).plan;
    Ok(Subject { experiment: Some(plan.entry.name.into()), plan: Some(plan) })
}

impl Subject {
    fn selection(&self) -> Selection {
        let runs =
            self.plan.as_ref().map(|plan| plan.runs.iter().map(|run| run.spec.run).collect());
        Selection { runs, ..Selection::default() }
    }
}

fn exact(arguments: &Compare, subject: &Subject, other: &Path) -> Result<Done> {
    let scope = Scope { experiment: subject.experiment.clone(), selection: subject.selection() };
    let differences = tables::exact(&arguments.store.results, other, &scope)?;
    print(&format!("{differences}\n"))?;
    Ok(if differences.is_empty() { Done::Well } else { Done::SomeFailed })
}

fn show(arguments: &Compare, subject: &Subject) -> Result<Done> {
    let experiment = match &subject.experiment {
        Some(experiment) => experiment.clone(),
        None => only_experiment(&arguments.store.results)?,
    };
    let table = subject.plan.as_ref().and_then(|plan| plan.table.as_ref());
    let or = |given: &[String], table: Option<&Vec<String>>| match given {
        [] => table.cloned().unwrap_or_default(),
        given => given.to_vec(),
    };
    let request = Request {
        rows: or(&arguments.rows, table.map(|table| &table.rows)),
        columns: or(&arguments.columns, table.map(|table| &table.columns)),
        value: arguments
            .value
            .clone()
            .or_else(|| table.map(|table| table.value.clone()))
            .unwrap_or_else(|| first_metric(&experiment)),
        selection: subject.selection(),
    };
    let name = table.and_then(|table| table.published.as_deref());
    let published = match (name, arguments.against.as_deref()) {
        (Some(name), _) => Some(Published::find(Path::new(PUBLISHED), name)?),
        (None, Some(_)) => {
            say("no `table: { published: }` in a configuration says which numbers to show");
            return Ok(Done::NothingToCompare);
        }
        (None, None) => None,
    };
    let runs = Runs::read(&arguments.store.results, &experiment)?;
    let comparison = tables::compare(&runs, &request, published.as_ref())?;
    print(&comparison.render(format(arguments.format)))?;
    Ok(Done::Well)
}

/// Prints the table of a plan that was just run.
pub(crate) fn show_plan(plan: &Plan, store: &Path) -> Result<()> {
    let Some(table) = &plan.table else { return Ok(()) };
    let ids = plan.runs.iter().map(|run| run.spec.run).collect();
    let request = Request {
        rows: table.rows.clone(),
        columns: table.columns.clone(),
        value: table.value.clone(),
        selection: Selection { runs: Some(ids), ..Selection::default() },
    };
    let published = match &table.published {
        Some(name) => Some(Published::find(Path::new(PUBLISHED), name)?),
        None => None,
    };
    let runs = Runs::read(store, plan.entry.name)?;
    let comparison = tables::compare(&runs, &request, published.as_ref())?;
    print(&comparison.render(Format::Table))?;
    Ok(())
}

fn format(format: TableFormat) -> Format {
    match format {
        TableFormat::Table => Format::Table,
        TableFormat::Markdown => Format::Markdown,
        TableFormat::Csv => Format::Csv,
        TableFormat::Json => Format::Json,
    }
}

fn first_metric(experiment: &str) -> String {
    let entries = registry::entries();
    let entry = entries.iter().find(|entry| entry.name == experiment);
    entry.and_then(|entry| entry.metrics.first()).map_or("", |metric| metric.name).into()
}

fn only_experiment(store: &Path) -> Result<String> {
    let mut found = tables::experiments(store)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(tables::Error::Nothing(format!("no tables in {}", store.display())).into()),
        _ => Err(anyhow!("say which experiment to compare: {}", found.join(", "))),
    }
}

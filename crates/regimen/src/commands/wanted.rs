//! Which tables a command shows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use experiment::{Items, Metric, RunId};
use journal::Fold;
use orchestrator::config::Table;
use orchestrator::execute::JOURNAL;
use orchestrator::plan::{Only, Overridden};
use tables::{Request, Runs, Selection};

use crate::arguments::{ChoiceOptions, Compare, ConfigOptions};
use crate::commands::report;
use crate::plans::{Absent, Planned, plans, selection};
use crate::registry;

/// A table that is asked for, with a request a metric.
pub(crate) struct Wanted {
    pub(crate) title: Option<String>,
    pub(crate) requests: Vec<Request>,
    /// Name of the published numbers to show beside.
    pub(crate) published: Option<String>,
}

/// What is compared: the plan of a configuration, or runs of an experiment.
pub(crate) struct Subject {
    pub(crate) experiment: Option<String>,
    pub(crate) planned: Option<Planned>,
    pub(crate) selection: Selection,
}

/// The runs of an experiment that `--only` is about.
fn chosen(experiment: Option<&str>, choice: &ChoiceOptions, store: &Path) -> Result<Selection> {
    if !choice.set.is_empty() {
        report::refuse(choice)?;
    }
    let Some(only) = &choice.only else { return Ok(Selection::default()) };
    let fold = Fold::read(&store.join(JOURNAL))?;
    let mut runs = orchestrator::plan::chosen(&fold, &Only::parse(only)?)?;
    let is_its = |run: &RunId| experiment.is_none_or(|name| fold.runs[run].spec.experiment == name);
    runs.retain(is_its);
    Ok(Selection { runs: Some(runs), ..Selection::default() })
}

impl Subject {
    pub(crate) fn new(what: Option<&str>, choice: &ChoiceOptions, store: &Path) -> Result<Self> {
        let entries = registry::entries();
        let is_experiment = |what: &&str| entries.iter().any(|entry| entry.name == *what);
        let Some(what) = what.filter(|what| !is_experiment(what)) else {
            let selection = chosen(what, choice, store)?;
            return Ok(Self { experiment: what.map(str::to_owned), planned: None, selection });
        };
        if !Path::new(what).exists() {
            let known: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
            let known = known.join(", ");
            bail!("wanted a configuration or an experiment ({known}), found {what:?}");
        }
        let options = ConfigOptions { configs: vec![what.into()], choice: choice.clone() };
        let planned = plans(&options, Absent::Ignored)?.remove(0);
        let selection = selection(&planned.plan, store)?;
        let experiment = Some(planned.plan.entry.name.into());
        Ok(Self { experiment, planned: Some(planned), selection })
    }

    pub(crate) fn path(&self) -> Option<&PathBuf> {
        self.planned.as_ref().map(|planned| &planned.path)
    }

    /// Metrics of its runs, and values of single items behind them.
    fn metrics(&self, experiment: &str) -> (&[Metric], &[Items]) {
        match &self.planned {
            Some(planned) => (&planned.plan.metrics, &planned.plan.items),
            None => registry::entries()
                .iter()
                .find(|entry| entry.name == experiment)
                .map_or((&[], &[]), |entry| (entry.metrics, entry.items)),
        }
    }
}

/// The tables of a subject, as the arguments change them; without a `table:` block, the main metric by
/// what varies.
pub(crate) fn tables(arguments: &Compare, subject: &Subject, runs: &Runs) -> Result<Vec<Wanted>> {
    let mut wanted = match &subject.planned {
        Some(planned) => of_plan(planned, &subject.selection),
        None => Vec::new(),
    };
    if let Some(name) = &arguments.table {
        wanted = vec![pick(wanted, name)?];
    }
    let (metrics, items) = subject.metrics(runs.experiment());
    if wanted.is_empty() && subject.planned.as_ref().is_none_or(|p| p.plan.tables.is_empty()) {
        wanted.push(automatic(arguments, subject, runs, metrics)?);
    }
    for table in &mut wanted {
        change(table, arguments);
        for request in &mut table.requests {
            look_up(request, metrics, items);
        }
    }
    Ok(wanted)
}

/// The main metric by what varies, where nothing says what to show; what the arguments say of axes is
/// all there is of them.
fn automatic(
    arguments: &Compare,
    subject: &Subject,
    runs: &Runs,
    metrics: &[Metric],
) -> Result<Wanted> {
    let selection = subject.selection.clone();
    let selected = runs.select(&selection).current();
    let mut request = match tables::automatic(&selected, metrics)? {
        Some(request) => request,
        None if !arguments.value.is_empty() => Request::default(),
        None => {
            let asked = selection.runs.as_ref().map(BTreeSet::len);
            return Err(tables::no_metric(&selected, asked)?.into());
        }
    };
    if [&arguments.rows, &arguments.columns, &arguments.cells].iter().any(|axis| !axis.is_empty()) {
        request.rows.clear();
        request.columns.clear();
    }
    let requests = vec![Request { selection, ..request }];
    Ok(Wanted { title: None, requests, published: None })
}

/// The tables of a plan that show some of its runs, those of a selection.
pub(crate) fn of_plan(planned: &Planned, selection: &Selection) -> Vec<Wanted> {
    let wanted = |table: &Table| Wanted {
        title: table.title.clone(),
        requests: requests(table, planned, selection),
        published: table.published.clone(),
    };
    let tables = planned.plan.tables.iter().map(wanted);
    tables.filter(|wanted| !wanted.requests.is_empty()).collect()
}

/// What a `table:` block asks for, a request a metric; nothing where it shows no run of the plan.
fn requests(table: &Table, planned: &Planned, selection: &Selection) -> Vec<Request> {
    let shown = planned.plan.shown_by(table);
    if shown.is_empty() {
        return Vec::new();
    }
    // Either the runs as they are planned now, or those that answered the same requests before.
    let selection = match selection.specs {
        Some(_) => Selection {
            specs: Some(shown.iter().map(|run| run.spec.spec).collect()),
            ..Selection::default()
        },
        None => Selection {
            runs: Some(shown.iter().map(|run| run.spec.run).collect()),
            ..Selection::default()
        },
    };
    let base = Request {
        rows: table.rows.clone(),
        columns: table.columns.clone(),
        cells: table.cells.clone(),
        passes: table.passes,
        changed: planned.overridden.iter().map(Overridden::to_string).collect(),
        selection,
        ..Request::default()
    };
    let request = |value: &String| {
        let mut request = Request { value: value.clone(), ..base.clone() };
        look_up(&mut request, &planned.plan.metrics, &planned.plan.items);
        request
    };
    table.values.iter().map(request).collect()
}

/// The table of a number, or the one whose title has these words.
fn pick(mut tables: Vec<Wanted>, name: &str) -> Result<Wanted> {
    let by_number = name.parse().ok().filter(|at| (1..=tables.len()).contains(at));
    let has = |table: &Wanted| {
        table
            .title
            .as_ref()
            .is_some_and(|title| title.to_lowercase().contains(&name.to_lowercase()))
    };
    let at = by_number.map(|at: usize| at - 1).or_else(|| tables.iter().position(has));
    match at {
        Some(at) => Ok(tables.swap_remove(at)),
        None => {
            let title = |(at, table): (usize, &Wanted)| match &table.title {
                Some(title) => format!("{} ({title})", at + 1),
                None => (at + 1).to_string(),
            };
            let known: Vec<String> = tables.iter().enumerate().map(title).collect();
            Err(anyhow!("--table: wanted one of {}, found {name:?}", known.join(", ")))
        }
    }
}

/// What the arguments say in place of the configuration.
fn change(table: &mut Wanted, arguments: &Compare) {
    let Some(first) = table.requests.first().cloned() else { return };
    if !arguments.value.is_empty() {
        let request = |value: &String| {
            let known = table.requests.iter().find(|request| request.value == *value);
            known.cloned().unwrap_or_else(|| Request {
                value: value.clone(),
                // What was to be reached was said of another metric.
                passes: None,
                ..first.clone()
            })
        };
        table.requests = arguments.value.iter().map(request).collect();
    }
    let given = [&arguments.rows, &arguments.columns, &arguments.cells];
    let all_given: Vec<&String> = given.into_iter().flatten().collect();
    for request in &mut table.requests {
        for (given, axis) in
            given.iter().zip([&mut request.rows, &mut request.columns, &mut request.cells])
        {
            if given.is_empty() {
                // A name has one place.
                axis.retain(|name| !all_given.contains(&name));
            } else {
                axis.clone_from(given);
            }
        }
    }
}

/// Fills in what is known of the metric: which direction is better, and the scores of single items
/// behind it.
fn look_up(request: &mut Request, metrics: &[Metric], items: &[Items]) {
    let name = request.value.strip_prefix("final.").unwrap_or(&request.value);
    request.better =
        metrics.iter().find(|metric| metric.name == name).and_then(|metric| metric.better);
    request.items = items.iter().find(|items| items.metric == name).cloned();
}

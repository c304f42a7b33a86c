//! `regimen compare`: tables of results beside published numbers or another store.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use orchestrator::plan::PlannedRun;
use tables::{
    Format, Library, MetricTable, Published, Regression, Request, Runs, Scope, Selection, Terminal,
};

use crate::arguments::{Compare, TableFormat, WidthOptions};
use crate::commands::Done;
use crate::commands::wanted::{self, Subject, Wanted};
use crate::plans::Planned;
use crate::terminal::{self, STDOUT, print, put, say};
use crate::{derived, published};

/// `regimen compare`.
pub(crate) fn compare(arguments: &Compare) -> Result<Done> {
    let store = &*arguments.store.results;
    let other = arguments.against.as_deref().filter(|other| *other != "published").map(Path::new);
    let stores = [Some(store), other].into_iter().flatten();
    let stores: Vec<&Path> = stores.inspect(|store| derived::refresh(store)).collect();
    let subject = Subject::new(arguments.what.as_deref(), &arguments.choice, store)?;
    let compared = derived::reading(&stores, || match other {
        Some(store) if arguments.exact => exact(arguments, &subject, store),
        Some(store) => against(arguments, &subject, store),
        None => show(arguments, &subject),
    });
    match compared {
        Err(error) if nothing(&error) => {
            say(&format!("{error:#}"));
            Ok(Done::NothingToCompare)
        }
        done => done,
    }
}

/// Whether there was nothing to compare.
pub(crate) fn nothing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(tables::Error::Nothing(_)))
}

fn exact(arguments: &Compare, subject: &Subject, other: &Path) -> Result<Done> {
    let scope =
        Scope { experiment: subject.experiment.clone(), selection: subject.selection.clone() };
    let differences = tables::exact(&arguments.store.results, other, &scope)?;
    print(&shape(&arguments.width).fold(&differences.to_string()))?;
    Ok(if differences.is_empty() { Done::Well } else { Done::SomeFailed })
}

fn show(arguments: &Compare, subject: &Subject) -> Result<Done> {
    let store = &arguments.store.results;
    let beside = arguments.against.is_some();
    let runs = Runs::read(store, &experiment(arguments, subject)?)?;
    let library = published::library(subject.path().map(|path| &**path), store);
    let mut tables = Tables::default();
    let mut named = false;
    for mut table in wanted::tables(arguments, subject, &runs)? {
        let found = published::find(&library, table.published.as_deref());
        named |= table.published.is_some();
        if beside && found.is_none() {
            continue;
        }
        table.requests.iter_mut().for_each(|request| request.lines = beside);
        tables.add(table, &runs, found.as_ref())?;
    }
    if beside && tables.is_empty() {
        say(match named {
            true => "nothing to compare with: there are no published numbers",
            false => "nothing to compare with: no `table:` of a configuration says `published:`",
        });
        return Ok(Done::NothingToCompare);
    }
    if tables.is_empty() {
        say("nothing to compare: no table shows any of the runs that are asked for");
        return Ok(Done::NothingToCompare);
    }
    tables.say_what_is_missing(&arguments.width);
    if tables.shown.is_empty() {
        let selected = runs.select(&subject.selection);
        return Ok(if selected.only_failed()? { Done::SomeFailed } else { Done::NothingToCompare });
    }
    deliver(arguments, &|format| MetricTable::render(&tables.shown, format), &|| {
        MetricTable::to_parquet(&tables.shown)
    })?;
    Ok(Done::Well)
}

/// Tables with numbers, and why others have none.
#[derive(Default)]
struct Tables {
    shown: Vec<MetricTable>,
    empty: Vec<String>,
}

impl Tables {
    fn add(&mut self, table: Wanted, runs: &Runs, published: Option<&Published>) -> Result<()> {
        let Wanted { title, requests, .. } = table;
        let of = title.as_ref().map_or_else(String::new, |title| format!("{title}: "));
        match MetricTable::new(title, runs, &requests, published) {
            Ok(table) => self.shown.push(table),
            Err(error @ tables::Error::Nothing(_)) => self.empty.push(format!("{of}{error}")),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.shown.is_empty() && self.empty.is_empty()
    }

    fn say_what_is_missing(&self, width: &WidthOptions) {
        self.empty.iter().for_each(|why| say(shape(width).fold(why).trim_end()));
    }
}

fn against(arguments: &Compare, subject: &Subject, other: &Path) -> Result<Done> {
    let experiment = experiment(arguments, subject)?;
    let ours = Runs::read(&arguments.store.results, &experiment)?;
    let theirs = Runs::read(other, &experiment)?;
    let mut tables = Vec::new();
    let mut missing = Vec::new();
    for Wanted { title, requests, .. } in wanted::tables(arguments, subject, &ours)? {
        for request in requests {
            let better = request.better;
            let request = by_request(request, subject);
            let compared = |runs: &Runs, store: &Path| {
                tables::compare(runs, &request, None)
                    .with_context(|| format!("in {}", store.display()))
            };
            let both = compared(&ours, &arguments.store.results)
                .and_then(|ours| Ok([ours, compared(&theirs, other)?]));
            match both {
                Ok([ours, theirs]) => {
                    let regression = tables::against(&ours, &theirs, better);
                    tables.push(Regression { title: title.clone(), ..regression });
                }
                Err(error) if nothing(&error) => missing.push(error),
                Err(error) => return Err(error),
            }
        }
    }
    if tables.is_empty() && !missing.is_empty() {
        return Err(missing.swap_remove(0));
    }
    for error in missing {
        say(shape(&arguments.width).fold(&format!("{error:#}")).trim_end());
    }
    deliver(arguments, &|format| Regression::render(&tables, format), &|| {
        Regression::to_parquet(&tables)
    })?;
    let changed = tables.iter().any(Regression::has_changes);
    Ok(if changed { Done::SomeFailed } else { Done::Well })
}

/// Runs by what was asked for: the other store may have been made by another version.
fn by_request(request: Request, subject: &Subject) -> Request {
    let specs = subject.planned.as_ref().map(|planned| {
        let shown = |run: &&PlannedRun| {
            let Selection { runs, specs, .. } = &request.selection;
            runs.as_ref().is_none_or(|runs| runs.contains(&run.spec.run))
                && specs.as_ref().is_none_or(|specs| specs.contains(&run.spec.spec))
        };
        planned.plan.runs.iter().filter(shown).map(|run| run.spec.spec).collect()
    });
    Request { selection: Selection { specs, ..Selection::default() }, ..request }
}

/// Prints or writes, as the arguments say.
fn deliver(
    arguments: &Compare,
    render: &dyn Fn(Format) -> String,
    parquet: &dyn Fn() -> Result<Vec<u8>, tables::Error>,
) -> Result<()> {
    let output = arguments.output.as_deref().unwrap_or(Path::new(STDOUT));
    match format(arguments) {
        Some(format) => put(output, render(format).as_bytes()),
        None => put(output, &parquet()?),
    }
}

/// A form of text; `None` for Parquet.
fn format(arguments: &Compare) -> Option<Format> {
    Some(match arguments.format {
        TableFormat::Table => {
            let shown = shape(&arguments.width);
            // A file is as wide as its tables.
            let width = shown
                .width
                .filter(|_| arguments.output.is_none() || arguments.width.width.is_some());
            Format::Table(Terminal { width, ..shown })
        }
        TableFormat::Markdown => Format::Markdown,
        TableFormat::Latex => Format::Latex,
        TableFormat::Csv => Format::Csv,
        TableFormat::Json => Format::Json,
        TableFormat::Parquet => return None,
    })
}

fn shape(options: &WidthOptions) -> Terminal {
    let shown = terminal::output();
    let width = options.width.map(usize::from).or(shown.width).filter(|_| !options.wide);
    Terminal { width, ..shown }
}

fn experiment(arguments: &Compare, subject: &Subject) -> Result<String> {
    match &subject.experiment {
        Some(experiment) => Ok(experiment.clone()),
        None => only_experiment(&arguments.store.results),
    }
}

/// Prints the tables of a plan that was just run; what cannot be shown is no failure of its runs.
pub(crate) fn show_plan(planned: &Planned, store: &Path, width: &WidthOptions) -> Result<()> {
    if planned.plan.tables.is_empty() {
        return Ok(());
    }
    let tables = match derived::reading(&[store], || filled(planned, store)) {
        Ok(tables) => tables,
        Err(error) => {
            let why = match nothing(&error) {
                true => error.to_string(),
                false => format!("warning: a table cannot be shown: {error:#}"),
            };
            say(shape(width).fold(&why).trim_end());
            return Ok(());
        }
    };
    tables.say_what_is_missing(width);
    if tables.shown.is_empty() {
        return Ok(());
    }
    print(&MetricTable::render(&tables.shown, Format::Table(shape(width))))
}

fn filled(planned: &Planned, store: &Path) -> Result<Tables> {
    let mut tables = Tables::default();
    let runs = Runs::read(store, planned.plan.entry.name)?;
    let library: Library = published::library(Some(&planned.path), store);
    let ids = planned.plan.runs.iter().map(|run| run.spec.run).collect();
    let selection = Selection { runs: Some(ids), ..Selection::default() };
    for table in wanted::of_plan(planned, &selection) {
        let found = published::find(&library, table.published.as_deref());
        tables.add(table, &runs, found.as_ref())?;
    }
    Ok(tables)
}

fn only_experiment(store: &Path) -> Result<String> {
    let mut found = tables::experiments(store)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(tables::Error::Nothing(format!("no tables in {}", store.display())).into()),
        _ => Err(anyhow!("say which experiment to compare: {}", found.join(", "))),
    }
}

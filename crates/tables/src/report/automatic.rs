//! What to show where no configuration says it.

use std::{collections::BTreeSet, path::Path};

use experiment::Metric;

use super::{Subject, sweeps};
use crate::{Cell, Error, Request, Runs, Selection, columns::FINAL, read::bare};

/// Most values of a parameter that makes the columns.
const COLUMNS: usize = 12;
/// Most values of a parameter that makes the rows.
const ROWS: usize = 60;

/// One subject a sweep.
pub(crate) fn subjects(store: &Path) -> Result<Vec<Subject>, Error> {
    let found = sweeps(store)?;
    if found.is_empty() {
        return Err(Error::Nothing(format!("no tables in {}", store.display())));
    }
    let subject = |(experiment, sweep): (String, String)| Subject {
        title: sweep.clone(),
        experiment,
        selection: Selection { sweep: Some(sweep), ..Selection::default() },
        ..Subject::default()
    };
    Ok(found.into_iter().map(subject).collect())
}

/// The main metric by what varies: of the parameters with few values, that with most makes the rows,
/// that with fewest the columns. None where no run has a final metric.
pub(crate) fn request(runs: &Runs, metrics: &[Metric]) -> Result<Option<Request>, Error> {
    let finals: Vec<&str> = runs.columns().filter(|column| column.starts_with(FINAL)).collect();
    let declared = |column: &&str| metrics.iter().find(|metric| metric.name == bare(column));
    let main = metrics
        .iter()
        .find_map(|metric| finals.iter().find(|column| bare(column) == metric.name))
        .or(finals.first());
    let Some(value) = main else { return Ok(None) };
    let mut varying = Vec::new();
    for name in runs.varying() {
        let distinct: BTreeSet<Cell> = runs.cells(&name)?.into_iter().collect();
        if distinct.len() <= ROWS {
            varying.push((distinct.len(), name));
        }
    }
    // The order of columns decides between parameters with equally many values.
    varying.sort_by_key(|(values, _)| *values);
    let mut request = Request {
        value: (*value).to_owned(),
        better: declared(value).and_then(|metric| metric.better),
        ..Request::default()
    };
    request.rows.extend(varying.pop().map(|(_, name)| name));
    let columns = varying.into_iter().next().filter(|(values, _)| *values <= COLUMNS);
    request.columns.extend(columns.map(|(_, name)| name));
    Ok(Some(request))
}

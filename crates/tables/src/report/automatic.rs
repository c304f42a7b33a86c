//! What to show where no configuration says it.

use std::{collections::HashSet, path::Path};

use experiment::Metric;

use super::{Subject, sweeps};
use crate::{Cell, Error, Request, Runs, Selection, columns::FINAL, read::bare};

/// Most values of a parameter that makes the columns.
const COLUMNS: usize = 12;
/// Most values of a parameter that makes the rows.
const ROWS: usize = 60;
/// Most parameters that a row names where they were not crossed.
const POINT: usize = 5;

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
/// that with fewest the columns. Parameters that were not crossed with each other, as random draws
/// are, make a row a point. None where no run has a final metric.
///
/// # Errors
/// [`Error::Unknown`] for a table without the columns of every run table.
pub fn request(runs: &Runs, metrics: &[Metric]) -> Result<Option<Request>, Error> {
    let finals: Vec<&str> = runs.columns().filter(|column| column.starts_with(FINAL)).collect();
    let declared = |column: &&str| metrics.iter().find(|metric| metric.name == bare(column));
    let has_values =
        |column: &&&str| runs.column(column).is_ok_and(|column| column.null_count() < column.len());
    let main = metrics
        .iter()
        .find_map(|metric| {
            finals.iter().filter(has_values).find(|column| bare(column) == metric.name)
        })
        .or(finals.iter().find(has_values));
    let Some(value) = main else { return Ok(None) };
    let mut varying = Vec::new();
    for name in runs.varying() {
        let cells = runs.cells(&name)?;
        let distinct: HashSet<&Cell> = cells.iter().collect();
        if distinct.len() <= ROWS {
            varying.push((distinct.len(), name, cells));
        }
    }
    // The order of columns decides between parameters with equally many values.
    varying.sort_by_key(|(values, ..)| *values);
    let mut request = Request {
        value: (*value).to_owned(),
        better: declared(value).and_then(|metric| metric.better),
        ..Request::default()
    };
    let Some((rows, row_name, row_cells)) = varying.pop() else { return Ok(Some(request)) };
    if let Some((columns, _, cells)) = varying.first() {
        let pairs: HashSet<(&Cell, &Cell)> = row_cells.iter().zip(cells).collect();
        if pairs.len() * 4 <= rows * columns * 3 {
            let others = varying.into_iter().rev().map(|(_, name, _)| name).take(POINT - 1);
            request.rows = std::iter::once(row_name).chain(others).collect();
            return Ok(Some(request));
        }
    }
    request.rows.push(row_name);
    let columns = varying.into_iter().next().filter(|(values, ..)| *values <= COLUMNS);
    request.columns.extend(columns.map(|(_, name, _)| name));
    Ok(Some(request))
}

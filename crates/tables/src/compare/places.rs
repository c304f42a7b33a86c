//! Where runs stand in a table, whether or not they have its metric.

use std::collections::HashMap;

use super::{Axes, Axis, Published, Request, axis, pivot::Pivot};
use crate::{Error, Runs, columns::RUN_ID};

/// The cells of a table with their runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Places {
    pub(crate) rows: Axis,
    pub(crate) columns: Axis,
    /// Row and column by the id of a run.
    pub(crate) runs: HashMap<String, [usize; 2]>,
}

/// Sorts the runs that a request is about as [`compare`](super::compare) does.
///
/// # Errors
/// [`Error::Unknown`] or [`Error::Ambiguous`] for a wrong name.
pub(crate) fn places(
    runs: &Runs,
    request: &Request,
    published: Option<&Published>,
) -> Result<Places, Error> {
    let axes = Axes::of(runs, request)?;
    let runs = runs.select(&request.selection).current();
    let pivot = Pivot::new(&runs, &axes, None, published)?;
    let ids = runs.cells(RUN_ID)?;
    let places = pivot.places()?.into_iter();
    let runs = places.map(|(run, place)| (ids[run].to_string(), place)).collect();
    let [rows, columns] = pivot.sides.map(|side| axis(&side.names, side.keys));
    Ok(Places { rows, columns, runs })
}

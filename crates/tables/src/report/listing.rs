//! The runs that a section lists one by one, in the order in which they were asked for.

use std::collections::HashMap;

use super::{
    grid::{cell_label, label},
    limits::Limits,
};
use crate::{
    Cell, Error, Runs,
    columns::{RUN_ID, SEED, STATUS},
    read::bare,
};
use experiment::RunId;

/// Parameters that tell one run from another.
const NAMES: usize = 12;

/// Single runs, of which tables, charts and the filter speak by their place.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Rows of the run table.
    pub(crate) rows: Vec<usize>,
    places: HashMap<usize, usize>,
    /// Names and values of what tells one run from another.
    columns: Vec<(String, Vec<Cell>)>,
    states: Vec<Cell>,
    ids: Vec<Cell>,
}

impl Listing {
    /// The first runs in the order of `order`; those that it lacks follow by what varies.
    pub(crate) fn new(runs: &Runs, order: &[RunId], limits: &Limits) -> Result<Self, Error> {
        let ids = runs.cells(RUN_ID)?;
        let mut names = runs.varying();
        names.truncate(NAMES);
        names.push(SEED.to_owned());
        let columns: Vec<(String, Vec<Cell>)> = names
            .into_iter()
            .map(|name| Ok((label(bare(&name)), runs.cells(&name)?)))
            .collect::<Result<_, Error>>()?;
        let positions: HashMap<RunId, usize> =
            order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let asked = |id: &Cell| match id {
            Cell::Text(id) => id.parse::<RunId>().ok().and_then(|id| positions.get(&id)).copied(),
            _ => None,
        };
        let asked: Vec<usize> = if positions.is_empty() {
            vec![usize::MAX; ids.len()]
        } else {
            ids.iter().map(|id| asked(id).unwrap_or(usize::MAX)).collect()
        };
        let before = |a: &usize, b: &usize| {
            let by_value = || columns.iter().map(|(_, cells)| cells[*a].cmp(&cells[*b]));
            let varies = || by_value().find(|order| order.is_ne()).unwrap_or(a.cmp(b));
            asked[*a].cmp(&asked[*b]).then_with(varies)
        };
        let mut rows: Vec<usize> = (0..runs.len()).collect();
        if rows.len() > limits.raw_rows {
            rows.select_nth_unstable_by(limits.raw_rows, before);
            rows.truncate(limits.raw_rows);
        }
        rows.sort_by(before);
        let places = rows.iter().enumerate().map(|(place, row)| (*row, place)).collect();
        Ok(Self { places, columns, states: runs.cells(STATUS)?, ids, rows })
    }

    /// Where a row of the run table stands; none where it is not listed.
    pub(crate) fn place(&self, row: usize) -> Option<usize> {
        self.places.get(&row).copied()
    }

    /// What the filter looks for in a row of the run table: `name=value` each.
    pub(crate) fn tags(&self, row: usize) -> Vec<String> {
        let tag =
            |(name, cells): &(String, Vec<Cell>)| format!("{name}={}", cell_label(&cells[row]));
        self.columns.iter().map(tag).collect()
    }

    /// The start of its identity.
    pub(crate) fn id(&self, row: usize) -> String {
        label(&self.ids[row].to_string()).chars().take(10).collect()
    }

    /// Id, state and tags of each run in its place, for the script.
    pub(crate) fn json(&self) -> String {
        let run = |row: &usize| (self.id(*row), cell_label(&self.states[*row]), self.tags(*row));
        let all: Vec<(String, String, Vec<String>)> = self.rows.iter().map(run).collect();
        serde_json::to_string(&all).expect("text is JSON")
    }
}

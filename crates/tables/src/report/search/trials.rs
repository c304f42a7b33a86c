//! The points of a sweep with what became of them, the best first.

use std::collections::{BTreeMap, HashMap};

use experiment::{Better, RunId};

use crate::{
    Cell, Error, Runs,
    columns::{RUN_ID, STARTED_AT, STATUS},
    statistics::mean,
};

/// The runs of one point of the sweep, one a seed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trial {
    /// Rows of the run table.
    pub(crate) runs: Vec<usize>,
    /// `finished` where one of them is, else what became of the first.
    pub(crate) state: String,
    /// A value a varying parameter.
    pub(crate) values: Vec<Cell>,
    /// The mean over its runs of the metric: the final one, else that of the last rung.
    pub(crate) value: Option<f64>,
    /// The mean over its runs at each rung that all of them came to.
    pub(crate) rungs: Vec<f64>,
    /// When its first run began.
    pub(crate) started: f64,
}

impl Trial {
    pub(crate) fn is_finished(&self) -> bool {
        self.state == "finished"
    }

    /// Rungs that it passed, counting the end as one more.
    fn height(&self) -> usize {
        self.rungs.len() + usize::from(self.is_finished())
    }
}

/// The points of a sweep: runs that differ in nothing but their seeds.
#[derive(Debug, Default)]
pub(crate) struct Points {
    /// Full names of the parameters that vary.
    pub(crate) names: Vec<String>,
    /// Rows of the run table, by point.
    members: Vec<Vec<usize>>,
    /// Values of the parameters, by point.
    values: Vec<Vec<Cell>>,
}

impl Points {
    /// The points of some runs, in the order of their first runs.
    pub(crate) fn of(runs: &Runs) -> Result<Self, Error> {
        let names = runs.varying();
        let columns: Vec<Vec<Cell>> =
            names.iter().map(|name| runs.cells(name)).collect::<Result<_, _>>()?;
        let mut known = BTreeMap::<Vec<&Cell>, usize>::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for row in 0..runs.len() {
            let point: Vec<&Cell> = columns.iter().map(|cells| &cells[row]).collect();
            let at = *known.entry(point).or_insert_with(|| {
                members.push(Vec::new());
                members.len() - 1
            });
            members[at].push(row);
        }
        let value =
            |rows: &Vec<usize>| columns.iter().map(|cells| cells[rows[0]].clone()).collect();
        let values = members.iter().map(value).collect();
        Ok(Self { names, members, values })
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Puts the parameters for which `is_first` holds before the others.
    pub(crate) fn put_first(&mut self, is_first: impl Fn(&str) -> bool) {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_by_key(|at| !is_first(&self.names[*at]));
        self.names = order.iter().map(|at| self.names[*at].clone()).collect();
        for values in &mut self.values {
            *values = order.iter().map(|at| values[*at].clone()).collect();
        }
    }

    /// What became of each point.
    ///
    /// `metric` is the column of a final metric, where runs have it; `rungs` what runs had at the
    /// rungs of a search.
    pub(crate) fn trials(
        &self,
        runs: &Runs,
        metric: Option<&str>,
        rungs: &HashMap<RunId, Vec<f64>>,
    ) -> Result<Vec<Trial>, Error> {
        let table = Table {
            finals: metric.map(|metric| runs.cells(metric)).transpose()?,
            ids: if rungs.is_empty() { Vec::new() } else { runs.cells(RUN_ID)? },
            states: runs.cells(STATUS)?,
            started: runs.cells(STARTED_AT)?,
            rungs,
        };
        let points = self.members.iter().zip(&self.values);
        Ok(points.map(|(rows, values)| table.trial(rows, values)).collect())
    }
}

/// What is known of single runs.
struct Table<'a> {
    finals: Option<Vec<Cell>>,
    /// Empty where nothing is known of rungs.
    ids: Vec<Cell>,
    states: Vec<Cell>,
    started: Vec<Cell>,
    rungs: &'a HashMap<RunId, Vec<f64>>,
}

impl Table<'_> {
    fn trial(&self, rows: &[usize], values: &[Cell]) -> Trial {
        let is_finished =
            |row: &usize| matches!(&self.states[*row], Cell::Text(state) if state == "finished");
        let at_rungs: Vec<&[f64]> = rows.iter().map(|row| self.rungs_of(*row)).collect();
        let height = at_rungs.iter().map(|values| values.len()).min().unwrap_or(0);
        let rung = |at: usize| {
            let values: Vec<f64> = at_rungs.iter().map(|values| values[at]).collect();
            mean(&values).unwrap_or(f64::NAN)
        };
        let rungs: Vec<f64> = (0..height).map(rung).collect();
        let ends: Vec<f64> = rows
            .iter()
            .filter(|row| is_finished(row))
            .filter_map(|row| self.finals.as_ref()?[*row].number())
            .collect();
        let finished = rows.iter().any(is_finished);
        Trial {
            value: mean(&ends).or(rungs.last().copied()),
            values: values.to_vec(),
            started: self.started[rows[0]].number().unwrap_or(f64::INFINITY),
            state: if finished { "finished".into() } else { self.states[rows[0]].to_string() },
            rungs,
            runs: rows.to_vec(),
        }
    }

    fn rungs_of(&self, row: usize) -> &[f64] {
        let id = self.ids.get(row).and_then(|id| id.to_string().parse::<RunId>().ok());
        id.and_then(|id| self.rungs.get(&id)).map_or(&[], Vec::as_slice)
    }
}

/// The trials that have a value, best first: those that came further before those that were pruned
/// earlier, then by their values, what is no number last.
pub(crate) fn ranked(trials: &[Trial], better: Better) -> Vec<usize> {
    let mut order: Vec<usize> =
        (0..trials.len()).filter(|at| trials[*at].value.is_some()).collect();
    let key = |at: &usize| {
        let value = trials[*at].value.filter(|value| !value.is_nan());
        let worst_last = match better {
            Better::Higher => value.map(|value| -value),
            Better::Lower => value,
        };
        (std::cmp::Reverse(trials[*at].height()), worst_last.unwrap_or(f64::INFINITY))
    };
    order.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_came_further_is_better_and_no_number_is_last() {
        let trial = |state: &str, rungs: &[f64], value: f64| Trial {
            runs: vec![0],
            state: state.into(),
            values: Vec::new(),
            value: Some(value),
            rungs: rungs.to_vec(),
            started: 0.0,
        };
        let trials = [
            trial("pruned", &[0.1], 0.1),
            trial("finished", &[5.0, 4.0], 3.0),
            trial("finished", &[5.0, 4.0], f64::NAN),
            trial("pruned", &[5.0, 1.0], 1.0),
            trial("finished", &[5.0, 4.0], 2.0),
            Trial { value: None, ..trial("failed", &[], 0.0) },
        ];
        assert_eq!(ranked(&trials, Better::Lower), [4, 1, 2, 3, 0]);
        assert_eq!(ranked(&trials, Better::Higher), [1, 4, 2, 3, 0]);
    }
}

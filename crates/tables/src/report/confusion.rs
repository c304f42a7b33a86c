//! Confusion matrices from the table `confusion` that runs may emit: rows of `actual`, `predicted`
//! and, where a row stands for several, `count`.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
};

use polars::prelude::*;

use super::{grid::cell_label, limits::CLASSES};
use crate::{
    Cell, Error, Runs,
    columns::RUN_ID,
    read::{files_in, read_frame},
};

/// How often each class was taken for each, over all runs of a section.
#[derive(Debug, PartialEq)]
pub(crate) struct Confusion {
    pub(crate) classes: Vec<String>,
    /// A row an actual class.
    pub(crate) rows: Vec<ConfusionRow>,
    pub(crate) runs: usize,
}

/// One actual class.
#[derive(Debug, PartialEq)]
pub(crate) struct ConfusionRow {
    pub(crate) class: String,
    pub(crate) cells: Vec<ConfusionCell>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct ConfusionCell {
    pub(crate) count: f64,
    /// Tenths of the row, for the colour.
    pub(crate) level: u8,
}

/// The matrix of the runs in `runs`; none where they left no such table or it has too many classes.
pub(crate) fn confusion(store: &Path, runs: &Runs) -> Result<Option<Confusion>, Error> {
    let folder = store.join("tables").join(runs.experiment()).join("confusion");
    let files = files_in(&folder)?;
    if files.is_empty() {
        return Ok(None);
    }
    let wanted: HashSet<String> =
        runs.cells(RUN_ID)?.into_iter().map(|cell| cell.to_string()).collect();
    let mut counts = BTreeMap::<(Cell, Cell), f64>::new();
    let mut found = HashSet::new();
    for path in files {
        let Some(frame) = read_frame(&path)? else { continue };
        // Runs may call anything `confusion`; another form is not an error of the report.
        if add(&frame, &wanted, &mut counts, &mut found).is_err() {
            tracing::warn!(path = %path.display(), "wanted columns actual, predicted and count");
            return Ok(None);
        }
    }
    Ok(matrix(&counts, found.len()))
}

fn add(
    frame: &DataFrame,
    wanted: &HashSet<String>,
    counts: &mut BTreeMap<(Cell, Cell), f64>,
    found: &mut HashSet<String>,
) -> PolarsResult<()> {
    let runs = frame.column(RUN_ID)?.str()?;
    let (actual, predicted) = (frame.column("actual")?, frame.column("predicted")?);
    let count = frame.column("count").ok().map(|c| c.cast(&DataType::Float64)).transpose()?;
    let count = count.as_ref().map(|column| column.f64()).transpose()?;
    for (row, run) in runs.iter().enumerate() {
        let Some(run) = run.filter(|run| wanted.contains(*run)) else { continue };
        if !found.contains(run) {
            found.insert(run.to_owned());
        }
        let key = (Cell::of(&actual.get(row)?), Cell::of(&predicted.get(row)?));
        let number = count.map_or(1.0, |count| count.get(row).unwrap_or(0.0));
        if counts.len() <= CLASSES * CLASSES || counts.contains_key(&key) {
            *counts.entry(key).or_default() += number;
        }
    }
    Ok(())
}

fn matrix(counts: &BTreeMap<(Cell, Cell), f64>, runs: usize) -> Option<Confusion> {
    let classes: BTreeSet<&Cell> = counts.keys().flat_map(|(a, p)| [a, p]).collect();
    if classes.is_empty() || classes.len() > CLASSES {
        return None;
    }
    let row = |actual: &&Cell| {
        let count = |predicted: &&Cell| {
            counts.get(&((*actual).clone(), (*predicted).clone())).copied().unwrap_or(0.0)
        };
        let numbers: Vec<f64> = classes.iter().map(count).collect();
        let sum: f64 = numbers.iter().sum();
        let level = |count: f64| if sum > 0.0 { (count / sum * 9.0).round() as u8 } else { 0 };
        let cells = numbers.iter().map(|&count| ConfusionCell { count, level: level(count) });
        ConfusionRow { class: cell_label(actual), cells: cells.collect() }
    };
    Some(Confusion {
        classes: classes.iter().map(|class| cell_label(class)).collect(),
        rows: classes.iter().map(row).collect(),
        runs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_actual_classes_and_shares_are_of_a_row() {
        let cell = |text: &str| Cell::Text(text.into());
        let counts = BTreeMap::from([
            ((cell("cat"), cell("cat")), 9.0),
            ((cell("cat"), cell("dog")), 1.0),
            ((cell("dog"), cell("dog")), 3.0),
        ]);
        let matrix = matrix(&counts, 2).unwrap();
        assert_eq!(matrix.classes, ["cat", "dog"]);
        let numbers = |row: usize| -> Vec<(f64, u8)> {
            matrix.rows[row].cells.iter().map(|cell| (cell.count, cell.level)).collect()
        };
        assert_eq!(numbers(0), [(9.0, 8), (1.0, 1)]);
        assert_eq!(numbers(1), [(0.0, 0), (3.0, 9)]);
    }

    #[test]
    fn too_many_classes_are_no_matrix() {
        let counts = (0..=CLASSES as i128)
            .map(|class| ((Cell::Int(class), Cell::Int(class)), 1.0))
            .collect();
        assert_eq!(matrix(&counts, 1), None);
        assert_eq!(matrix(&BTreeMap::new(), 0), None);
    }
}

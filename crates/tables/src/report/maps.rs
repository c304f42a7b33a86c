//! The means of a table as colours.

use charts::{Fit, Scale, tick};

use super::{
    grid::{Key, cell_label, significant, tags},
    limits::HEAT,
    parameters::Parameters,
};
use crate::{Cell, Comparison, Summary, compare::number, text::inert_short};

/// Colours from the lowest to the highest mean.
const LEVELS: f64 = 9.0;

/// Maps side by side, all in the same colours.
#[derive(Debug)]
pub(crate) struct Maps {
    pub(crate) maps: Vec<Map>,
    /// What the first and the last colour stand for.
    pub(crate) ends: [String; 2],
    /// What a reader must know of the colours.
    pub(crate) notes: Vec<String>,
}

/// Means by two axes.
#[derive(Debug)]
pub(crate) struct Map {
    /// Which part of the table: `learner rbi`; empty for all of it.
    pub(crate) title: String,
    pub(crate) row_name: Key,
    pub(crate) column_name: Key,
    pub(crate) columns: Vec<Key>,
    pub(crate) rows: Vec<MapRow>,
}

#[derive(Debug)]
pub(crate) struct MapRow {
    pub(crate) key: Key,
    pub(crate) cells: Vec<MapCell>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct MapCell {
    pub(crate) text: String,
    /// Which colour; none for what has no place among them.
    pub(crate) level: Option<u8>,
    pub(crate) tip: String,
}

impl Maps {
    /// Maps where the table has several rows and columns, but not too many, and several means: one for
    /// each value of the outer column names.
    pub(crate) fn new(comparison: &Comparison, parameters: &Parameters) -> Option<Self> {
        let (rows, columns) = (&comparison.rows, &comparison.columns);
        let counts = [rows.keys.len(), columns.keys.len()];
        if !counts.iter().all(|count| (2..=HEAT).contains(count)) {
            return None;
        }
        let means = || comparison.cells.iter().flatten().filter_map(|cell| cell.mean);
        let scale = Scale::fit(means(), Fit::COLOURS);
        let finite = || means().filter(|mean| mean.is_finite());
        if !finite().any(|mean| Some(mean) != finite().next()) {
            return None;
        }
        let level = columns.names.len() - 1;
        let mut groups: Vec<&[Cell]> = columns.keys.iter().map(|key| &key[..level]).collect();
        groups.dedup();
        let places = comparison.places();
        let map = |group: &[Cell]| {
            let members: Vec<usize> =
                (0..columns.keys.len()).filter(|at| columns.keys[*at][..level] == *group).collect();
            let cell =
                |row: usize, column: usize| MapCell::new(comparison, &scale, places, [row, column]);
            Map {
                title: named(&columns.names[..level], group),
                row_name: Key::name(&rows.names.join(", "), parameters),
                column_name: Key::name(&columns.names[level], parameters),
                columns: members.iter().map(|at| key(columns, *at, level, parameters)).collect(),
                rows: (0..rows.keys.len())
                    .map(|row| MapRow {
                        key: key(rows, row, 0, parameters),
                        cells: members.iter().map(|column| cell(row, *column)).collect(),
                    })
                    .collect(),
            }
        };
        let mut notes = Vec::new();
        if scale.is_log() {
            notes.push("Colours go by the logarithm.".to_owned());
        }
        if scale.beyond > 0 {
            let beyond = scale.beyond;
            let are = if beyond == 1 { "mean lies" } else { "means lie" };
            notes.push(format!(
                "{beyond} {are} more than three interquartile ranges beyond the quartiles and have \
                 the colour at that end."
            ));
        }
        let maps = groups.iter().map(|group| map(group)).collect();
        Some(Self { maps, ends: scale.ends().map(tick), notes })
    }
}

impl Maps {
    /// All colours, the lowest first.
    pub(crate) fn levels(&self) -> std::ops::RangeInclusive<u8> {
        0..=LEVELS as u8
    }
}

impl MapCell {
    fn new(
        comparison: &Comparison,
        scale: &Scale,
        places: Option<usize>,
        [row, column]: [usize; 2],
    ) -> Self {
        let Summary { mean, n, deviation, .. } = &comparison.cells[row][column];
        let (rows, columns) = (&comparison.rows, &comparison.columns);
        let place = [(&rows.names, &rows.keys[row]), (&columns.names, &columns.keys[column])]
            .map(|(names, key)| named(names, key))
            .join(", ");
        let Some(mean) = *mean else {
            let tip = format!("{place}: no finished run");
            return Self { text: String::new(), level: None, tip };
        };
        let spread = deviation.map_or_else(String::new, |d| format!(" ± {}", significant(d)));
        let runs = if *n == 1 { "run" } else { "runs" };
        let level = scale.within(mean).map(|share| (share * LEVELS).round() as u8);
        Self {
            text: number(mean, places),
            level: level.filter(|_| mean.is_finite()),
            tip: format!("{place}: {}{spread} ({n} {runs})", significant(mean)),
        }
    }
}

/// The head of a row or column, from the name at `level` on.
fn key(axis: &crate::Axis, at: usize, level: usize, parameters: &Parameters) -> Key {
    let cells = &axis.keys[at];
    let texts: Vec<String> = cells[level..].iter().map(cell_label).collect();
    Key {
        text: inert_short(&texts.join(", "), 40),
        tags: tags(&axis.names, cells).join("\n"),
        ..Key::value(&axis.names[level], &cells[level], parameters)
    }
}

/// `regime 2, policy_accuracy 0.5`
pub(crate) fn named(names: &[String], key: &[Cell]) -> String {
    let part = |(name, cell): (&String, &Cell)| {
        format!("{} {}", super::grid::label(name), cell_label(cell))
    };
    names.iter().zip(key).map(part).collect::<Vec<_>>().join(", ")
}

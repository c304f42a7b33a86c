//! Which runs make which curve of which chart.

use experiment::RunId;

use super::{
    curves::{Members, Place},
    limits::{CHART_LABEL, LABEL, Limits, SERIES},
};
use crate::{Cell, Comparison, Error, Runs, columns::RUN_ID, text::inert_short};

/// Charts side by side, one a row of the result table.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) panels: Vec<Panel>,
    /// How many cells of the table have no curve.
    pub(crate) left_out: usize,
}

/// One chart of a metric.
#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) title: String,
    row: usize,
    pub(crate) series: Vec<Series>,
}

/// One curve.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) label: String,
    /// Which colour.
    pub(crate) colour: usize,
    /// Number among all curves of the section.
    pub(crate) number: usize,
    /// Rows of the run table.
    pub(crate) runs: Vec<usize>,
}

impl Layout {
    /// A chart for every row and a curve for every column, or one chart with a curve for every row
    /// where there are no columns.
    pub(crate) fn new(comparison: &Comparison, limits: &Limits) -> Self {
        let flat = comparison.columns.names.is_empty();
        let (rows, columns) = (&comparison.rows, &comparison.columns);
        let mut layout = Self::default();
        let mut number = 0;
        for (row, cells) in comparison.cells.iter().enumerate() {
            let panel = if flat { 0 } else { row };
            for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| cell.n > 0) {
                let colour = if flat { row } else { column };
                if panel >= limits.panels || colour >= SERIES {
                    layout.left_out += 1;
                    continue;
                }
                if layout.panels.last().is_none_or(|last| last.row != panel) {
                    let title =
                        if flat { String::new() } else { name(&rows.names, &rows.keys[row]) };
                    layout.panels.push(Panel { title, row: panel, series: Vec::new() });
                }
                let key = if flat { &rows.keys[row] } else { &columns.keys[column] };
                let label = if key.is_empty() { "all".into() } else { short(key) };
                let series = Series {
                    label,
                    colour,
                    number,
                    runs: cell.members.values().flatten().copied().collect(),
                };
                layout.panels.last_mut().expect("pushed above").series.push(series);
                number += 1;
            }
        }
        layout
    }

    /// Adds the runs of section `section` to those whose metrics will be read.
    pub(crate) fn join(
        &self,
        section: usize,
        runs: &Runs,
        members: &mut Members,
    ) -> Result<(), Error> {
        if self.panels.is_empty() {
            return Ok(());
        }
        let ids = runs.cells(RUN_ID)?;
        for series in self.series() {
            for run in &series.runs {
                if let Cell::Text(id) = &ids[*run]
                    && let Ok(id) = id.parse::<RunId>()
                {
                    let place = Place { section, series: series.number };
                    members.entry(id).or_default().push(place);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn series(&self) -> impl Iterator<Item = &Series> {
        self.panels.iter().flat_map(|panel| &panel.series)
    }
}

fn short(key: &[Cell]) -> String {
    let text: Vec<String> =
        key.iter().map(|cell| inert_short(&cell.to_string(), CHART_LABEL)).collect();
    inert_short(&text.join(", "), CHART_LABEL)
}

/// `regime 2, policy_accuracy 0.5`
fn name(names: &[String], key: &[Cell]) -> String {
    let part = |(name, cell): (&String, &Cell)| {
        format!("{} {}", inert_short(name, LABEL), inert_short(&cell.to_string(), LABEL))
    };
    names.iter().zip(key).map(part).collect::<Vec<_>>().join(", ")
}

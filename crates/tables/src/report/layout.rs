//! Which runs make which curve of which chart.

use experiment::RunId;

use super::{
    curves::{Members, Place},
    grid::{cell_label, tags},
    limits::{CHART_LABEL, Limits, SERIES},
    maps::named,
    parameters::Parameters,
};
use crate::{Cell, Comparison, Error, Runs, columns::RUN_ID, text::inert_short};

/// Charts side by side, one a row of the result table.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) panels: Vec<Panel>,
    pub(crate) legend: Vec<Entry>,
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
    pub(crate) look: Look,
    /// What the filter looks for.
    pub(crate) tags: Vec<String>,
    /// Number among all curves of the section.
    pub(crate) number: usize,
    /// Rows of the run table.
    pub(crate) runs: Vec<usize>,
}

/// Colour and dash of a curve, numbers of the style's classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) colour: usize,
    pub(crate) dash: usize,
}

/// What a look stands for.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) label: String,
    pub(crate) look: Look,
    pub(crate) tip: String,
}

/// How many colours and dashes the style has.
const COLOURS: usize = 8;
const DASHES: usize = 4;

impl Layout {
    /// A chart for every row and a curve for every column, or one chart with a curve for every row
    /// where there are no columns. Curves are numbered from `next` on.
    pub(crate) fn new(
        comparison: &Comparison,
        parameters: &Parameters,
        limits: &Limits,
        next: &mut usize,
    ) -> Self {
        let flat = comparison.columns.names.is_empty();
        let (rows, columns) = (&comparison.rows, &comparison.columns);
        let curves = if flat { rows } else { columns };
        let looks = looks(&curves.keys);
        let mut layout = Self::default();
        for (row, cells) in comparison.cells.iter().enumerate() {
            let panel = if flat { 0 } else { row };
            for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| cell.n > 0) {
                let at = if flat { row } else { column };
                let look = looks.get(at).copied().flatten().filter(|_| panel < limits.panels);
                let Some(look) = look else {
                    layout.left_out += 1;
                    continue;
                };
                if layout.panels.last().is_none_or(|last| last.row != panel) {
                    let title =
                        if flat { String::new() } else { named(&rows.names, &rows.keys[row]) };
                    layout.panels.push(Panel { title, row: panel, series: Vec::new() });
                }
                let mut tags = tags(&rows.names, &rows.keys[row]);
                tags.extend(super::grid::tags(&columns.names, &columns.keys[column]));
                let series = Series {
                    label: short(&curves.keys[at]),
                    look,
                    tags,
                    number: *next,
                    runs: cell.members.values().flatten().copied().collect(),
                };
                *next += 1;
                layout.panels.last_mut().expect("pushed above").series.push(series);
            }
        }
        layout.legend = curves
            .keys
            .iter()
            .zip(&looks)
            .filter_map(|(key, look)| {
                let look = (*look)?;
                let tips = curves.names.iter().zip(key).map(|(n, c)| parameters.tip(n, Some(c)));
                let tips: Vec<String> = tips.filter(|tip| !tip.is_empty()).collect();
                Some(Entry { label: short(key), look, tip: inert_short(&tips.join(" / "), 400) })
            })
            .filter(|entry| layout.series().any(|series| series.look == entry.look))
            .collect();
        layout
    }

    /// Adds the runs of section `section` to those whose metrics will be read.
    pub(crate) fn join(
        &self,
        section: usize,
        runs: &Runs,
        members: &mut Members,
    ) -> Result<(), Error> {
        let all = self
            .series()
            .flat_map(|series| series.runs.iter().map(|run| (*run, Some(series.number))));
        join(section, all, runs, members)
    }

    pub(crate) fn series(&self) -> impl Iterator<Item = &Series> {
        self.panels.iter().flat_map(|panel| &panel.series)
    }

    /// Whether it draws the same runs as another one, in whatever order.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let sorted = |layout: &Self| {
            let key = |series: &Series| (series.tags.clone(), series.runs.clone());
            let mut all: Vec<_> = layout.series().map(key).collect();
            all.sort();
            all
        };
        sorted(self) == sorted(other)
    }
}

/// Adds rows of the run table with the number of their curve.
pub(crate) fn join(
    section: usize,
    curves: impl Iterator<Item = (usize, Option<usize>)>,
    runs: &Runs,
    members: &mut Members,
) -> Result<(), Error> {
    let ids = runs.cells(RUN_ID)?;
    for (run, series) in curves {
        if let Cell::Text(id) = &ids[run]
            && let Ok(id) = id.parse::<RunId>()
        {
            members.entry(id).or_default().push(Place { section, series });
        }
    }
    Ok(())
}

/// A look for each key, while there are some: a colour for each value of the outer name and a dash for
/// each of the others, or where these are too many, one colour after the other.
fn looks(keys: &[Vec<Cell>]) -> Vec<Option<Look>> {
    let mut outer: Vec<&Cell> = keys.iter().filter_map(|key| key.first()).collect();
    outer.dedup();
    let mut by_name = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let colour = outer.iter().position(|cell| Some(*cell) == key.first()).unwrap_or(0);
        let dash = keys[..at].iter().filter(|other| other.first() == key.first()).count();
        by_name.push(Look { colour, dash });
    }
    let fits = |look: &Look| look.colour < COLOURS && look.dash < DASHES;
    let one_after_the_other =
        |at: usize| (at < SERIES).then_some(Look { colour: at % COLOURS, dash: at / COLOURS });
    if by_name.iter().all(fits) {
        by_name.into_iter().map(Some).collect()
    } else {
        (0..keys.len()).map(one_after_the_other).collect()
    }
}

fn short(key: &[Cell]) -> String {
    let text: Vec<String> = key.iter().map(cell_label).collect();
    if text.is_empty() { "all".into() } else { inert_short(&text.join(", "), CHART_LABEL) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_tell_the_outer_name_and_dashes_the_inner() {
        let key = |a: i128, b: i128| vec![Cell::Int(a), Cell::Int(b)];
        let look = |colour, dash| Some(Look { colour, dash });
        assert_eq!(looks(&[key(1, 1), key(1, 2), key(2, 1)]), [look(0, 0), look(0, 1), look(1, 0)]);
        let single: Vec<Vec<Cell>> = (0..40).map(|n| vec![Cell::Int(n)]).collect();
        let looks = looks(&single);
        assert_eq!((looks[9], looks[31], looks[32]), (look(1, 1), look(7, 3), None));
    }
}

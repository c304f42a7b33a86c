//! The result table, ready for the template.

use super::limits::{LABEL, Limits};
use crate::{
    Axis, Cell, Comparison, Passed, Passes, Standing, Summary, compare::number, text::inert_short,
};

/// A table with a header row for every name on the column axis.
#[derive(Debug)]
pub(crate) struct Grid {
    pub(crate) caption: String,
    /// Names of the row axis.
    pub(crate) names: Vec<String>,
    /// Each name on the column axis with its values.
    pub(crate) headers: Vec<Header>,
    pub(crate) rows: Vec<Row>,
    /// Columns below the headers.
    pub(crate) columns: usize,
    /// What a reader must know beside the numbers.
    pub(crate) notes: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) keys: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) keys: Vec<String>,
    pub(crate) cells: Vec<Entry>,
}

/// One cell as text.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Entry {
    pub(crate) mean: String,
    /// `*` for the best, `†` for what is not distinguishable from it.
    pub(crate) mark: &'static str,
    pub(crate) deviation: String,
    pub(crate) interval: String,
    pub(crate) published: String,
    pub(crate) gap: String,
}

impl Grid {
    pub(crate) fn new(comparison: &Comparison, limits: &Limits) -> Self {
        let places = comparison.places();
        let (rows, columns) = (&comparison.rows, &comparison.columns);
        let width = columns.keys.len().min(limits.table_columns);
        let header = |(at, name): (usize, &String)| Header {
            name: label(name),
            keys: columns.keys[..width].iter().map(|key| cell_label(&key[at])).collect(),
        };
        let row = |(key, cells): (&Vec<Cell>, &Vec<Summary>)| Row {
            keys: key.iter().map(cell_label).collect(),
            cells: cells[..width].iter().map(|cell| Entry::new(cell, places)).collect(),
        };
        let mut notes = legend(comparison);
        notes.extend(comparison.footer());
        for (whole, shown, what) in [
            (rows.keys.len(), limits.table_rows, "rows"),
            (columns.keys.len(), limits.table_columns, "columns"),
        ] {
            if whole > shown {
                notes.push(format!("{shown} of {whole} {what}; `regimen compare` prints them all"));
            }
        }
        let mut shown: Vec<Row> =
            rows.keys.iter().zip(&comparison.cells).take(limits.table_rows).map(row).collect();
        shown.extend(comparison.passes.as_ref().map(|passes| Row::count(passes, rows, width)));
        Self {
            caption: caption(comparison),
            names: rows.names.iter().map(|name| label(name)).collect(),
            headers: columns.names.iter().enumerate().map(header).collect(),
            rows: shown,
            columns: width,
            notes: notes.iter().map(|note| inert_short(note, 400)).collect(),
        }
    }
}

/// A name, harmless and short.
pub(crate) fn label(text: &str) -> String {
    inert_short(text, LABEL)
}

/// A value, harmless and short.
pub(crate) fn cell_label(cell: &Cell) -> String {
    label(&cell.to_string())
}

fn caption(comparison: &Comparison) -> String {
    let spread = comparison.cells.iter().flatten().any(|cell| cell.deviation.is_some());
    let spread = if spread { " ± standard deviation" } else { "" };
    format!("{}: mean{spread}", label(&comparison.metric))
}

/// What the lines below a mean are.
fn legend(comparison: &Comparison) -> Vec<String> {
    let cells = || comparison.cells.iter().flatten();
    let mut notes = Vec::new();
    if cells().any(|cell| cell.interval.is_some()) {
        let crate::statistics::Bootstrap { seed, draws } = comparison.bootstrap;
        notes.push(format!(
            "in brackets the 95 % interval of the mean: bootstrap percentiles, {draws} draws of \
             seed {seed}"
        ));
    }
    if cells().any(|cell| cell.published.is_some()) {
        notes.push("last line: the published number, and ours minus it".into());
    }
    notes
}

impl Row {
    /// How many cells of each column pass.
    fn count(passes: &Passes, axis: &Axis, width: usize) -> Self {
        let mut keys = vec![String::new(); axis.names.len()];
        keys.iter_mut().take(1).for_each(|key| *key = passes.label());
        let entry = |passed: &Passed| Entry {
            mean: passed.ours.to_string(),
            published: passed.published.map_or_else(String::new, |theirs| theirs.to_string()),
            ..Entry::default()
        };
        Self { keys, cells: passes.columns[..width].iter().map(entry).collect() }
    }
}

impl Entry {
    fn new(cell: &Summary, places: Option<usize>) -> Self {
        let text = |value: f64| number(value, places);
        let some = |value: Option<f64>, before: &str| {
            value.map_or_else(String::new, |value| format!("{before}{}", text(value)))
        };
        Self {
            mean: cell.mean.map_or_else(|| "–".into(), text),
            mark: match cell.standing {
                Some(Standing::Best) => "*",
                Some(Standing::Tied) => "†",
                _ => "",
            },
            deviation: some(cell.deviation, "±"),
            interval: cell
                .interval
                .map_or_else(String::new, |[low, high]| format!("[{}, {}]", text(low), text(high))),
            published: cell.published.as_ref().map_or_else(String::new, |t| t.value.to_string()),
            gap: cell.gap.map_or_else(String::new, |gap| {
                format!("{}{}", if gap > 0.0 { "+" } else { "" }, text(gap))
            }),
        }
    }
}

/// A number with four significant digits, without an exponent where that is short.
pub(crate) fn significant(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    if (1e-4..1e7).contains(&size) {
        let places = (3 - size.log10().floor() as i32).max(0) as usize;
        return format!("{value:.places$}");
    }
    format!("{value:.3e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits() {
        let texts = [0.0, 1234567.0, 12.345, 0.012_345, 1e-9, f64::NAN].map(significant);
        assert_eq!(texts, ["0", "1234567", "12.35", "0.01235", "1.000e-9", "NaN"]);
    }
}

//! The result table, ready for the template.

use std::ops::Range;

use super::{
    limits::{LABEL, Limits},
    parameters::Parameters,
    widths::{Widths, width},
};
use crate::{
    Agreement, Axis, Cell, Comparison, Passed, Passes, Standing, Summary,
    compare::{number, over_items},
    text::inert_short,
};

/// A table with a head for every name on the column axis, whole and in parts.
#[derive(Debug)]
pub(crate) struct Grid {
    pub(crate) caption: String,
    /// Names of the row axis.
    pub(crate) names: Vec<Key>,
    pub(crate) rows: Vec<Row>,
    pub(crate) whole: Block,
    /// The same columns in blocks that fit a narrow place; none where the whole does.
    pub(crate) parts: Vec<Block>,
    /// Which width the whole needs: a class of the style.
    pub(crate) width: &'static str,
    /// Whether blocks one below the other would be longer than anybody scrolls.
    pub(crate) long: bool,
    /// What a reader must know beside the numbers.
    pub(crate) notes: Vec<String>,
}

/// Neighbouring columns below their heads.
#[derive(Debug)]
pub(crate) struct Block {
    /// Each name on the column axis with its values.
    pub(crate) headers: Vec<Header>,
    pub(crate) columns: Range<usize>,
}

#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) name: Key,
    pub(crate) keys: Vec<Key>,
}

/// A name or a value at the edge of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Key {
    pub(crate) text: String,
    /// What it means, where somebody said.
    pub(crate) tip: String,
    /// How many columns it stands over.
    pub(crate) span: usize,
    /// What the filter looks for: `name=value` on lines of their own.
    pub(crate) tags: String,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) keys: Vec<Key>,
    pub(crate) cells: Vec<Entry>,
    pub(crate) tags: String,
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

/// Lines of blocks that are shown one below the other.
const LONG: usize = 240;

impl Grid {
    /// The table; with `whole_rows` also the rows that have no number yet.
    pub(crate) fn new(
        comparison: &Comparison,
        parameters: &Parameters,
        limits: &Limits,
        whole_rows: bool,
    ) -> Self {
        let places = comparison.places();
        let (rows, columns) = (&comparison.rows, &comparison.columns);
        let shown = columns.keys.len().min(limits.table_columns);
        let row = |(key, cells): (&Vec<Cell>, &Vec<Summary>)| Row {
            keys: keys(&rows.names, key, parameters),
            cells: cells[..shown].iter().map(|cell| Entry::new(cell, places)).collect(),
            tags: tags(&rows.names, key).join("\n"),
        };
        let has_number = |(_, cells): &(&Vec<Cell>, &Vec<Summary>)| {
            whole_rows || cells.iter().any(|cell| cell.n > 0)
        };
        let all = || rows.keys.iter().zip(&comparison.cells).filter(has_number);
        let mut notes = legend(comparison);
        notes.extend(comparison.footer());
        let (kept, whole) = (all().count(), rows.keys.len());
        if kept < whole {
            notes.push(format!("{} rows have no finished run", whole - kept));
        }
        for (whole, shown, what) in [
            (kept, limits.table_rows, "rows"),
            (columns.keys.len(), limits.table_columns, "columns"),
        ] {
            if whole > shown {
                notes.push(format!("{shown} of {whole} {what}; `regimen compare` prints them all"));
            }
        }
        let mut shown_rows: Vec<Row> = all().take(limits.table_rows).map(row).collect();
        shown_rows.extend(comparison.passes.as_ref().map(|passes| Row::count(passes, rows, shown)));
        let names: Vec<Key> = rows.names.iter().map(|name| Key::name(name, parameters)).collect();
        let block = |columns: Range<usize>| block(comparison, parameters, columns);
        let widths = Widths::new(&names, &shown_rows, columns, shown);
        let parts = widths.parts(columns);
        let (whole, parts): (Block, Vec<Block>) =
            (block(0..shown), parts.into_iter().map(block).collect());
        Self {
            caption: caption(comparison),
            names,
            long: shown_rows.len() * parts.len() > LONG,
            width: widths.class(),
            parts: if parts.len() > 1 { parts } else { Vec::new() },
            rows: shown_rows,
            whole,
            notes: notes.iter().map(|note| inert_short(note, 400)).collect(),
        }
    }
}

/// Some columns below their heads; where neighbours share a value, it stands once above them.
fn block(comparison: &Comparison, parameters: &Parameters, columns: Range<usize>) -> Block {
    let axis = &comparison.columns;
    let header = |(level, name): (usize, &String)| {
        let last = level + 1 == axis.names.len();
        let mut keys: Vec<Key> = Vec::new();
        for column in columns.clone() {
            let key = &axis.keys[column];
            let goes_on = column > columns.start && !last && {
                let before = &axis.keys[column - 1];
                before[..=level] == key[..=level]
            };
            match keys.last_mut() {
                Some(same) if goes_on => same.span += 1,
                _ => keys.push(Key {
                    tags: if last { tags(&axis.names, key).join("\n") } else { String::new() },
                    ..Key::value(name, &key[level], parameters)
                }),
            }
        }
        Header { name: Key::name(name, parameters), keys }
    };
    let headers = axis.names.iter().enumerate().map(header).collect();
    Block { headers, columns }
}

impl Block {
    /// Those of the cells of a row that stand in its columns.
    pub(crate) fn cells<'a>(&self, row: &'a Row) -> &'a [Entry] {
        &row.cells[self.columns.clone()]
    }
}

/// What `names` and `key` are for the filter: `name=value` each.
pub(crate) fn tags(names: &[String], key: &[Cell]) -> Vec<String> {
    let tag = |(name, cell): (&String, &Cell)| format!("{}={}", label(name), cell_label(cell));
    names.iter().zip(key).map(tag).collect()
}

fn keys(names: &[String], key: &[Cell], parameters: &Parameters) -> Vec<Key> {
    names.iter().zip(key).map(|(name, cell)| Key::value(name, cell, parameters)).collect()
}

impl Key {
    pub(crate) fn name(name: &str, parameters: &Parameters) -> Self {
        let tip = inert_short(&parameters.tip(name, None), 400);
        Self { text: label(name), tip, span: 1, tags: String::new() }
    }

    pub(crate) fn value(name: &str, value: &Cell, parameters: &Parameters) -> Self {
        let tip = inert_short(&parameters.tip(name, Some(value)), 400);
        Self { text: cell_label(value), tip, span: 1, tags: String::new() }
    }
}

/// A name, harmless and short.
pub(crate) fn label(text: &str) -> String {
    inert_short(text, LABEL)
}

/// A value, harmless and short; a number of many zeros as a power of ten.
pub(crate) fn cell_label(cell: &Cell) -> String {
    match cell {
        Cell::Float(value) if *value != 0.0 && !(1e-4..1e7).contains(&value.abs()) => {
            if value.is_finite() { format!("{value:e}") } else { value.to_string() }
        }
        other => label(&other.to_string()),
    }
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
        let over = over_items(&[comparison]);
        notes.push(format!(
            "in brackets the 95 % interval of the mean: bootstrap percentiles{over}, {draws} draws \
             of seed {seed}"
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
        let mut keys = vec![Key::default(); axis.names.len()];
        keys.iter_mut().take(1).for_each(|key| key.text = passes.label());
        let entry = |passed: &Passed| Entry {
            mean: passed.ours.to_string(),
            published: passed.published.map_or_else(String::new, |theirs| theirs.to_string()),
            ..Entry::default()
        };
        let cells = passes.columns[..width].iter().map(entry).collect();
        Self { keys, cells, tags: String::new() }
    }
}

impl Entry {
    fn new(cell: &Summary, places: Option<usize>) -> Self {
        let text = |value: f64| number(value, places);
        let some = |value: Option<f64>, before: &str| {
            let finite = value.filter(|value| value.is_finite());
            finite.map_or_else(String::new, |value| format!("{before}{}", text(value)))
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
                .filter(|ends| ends.iter().all(|end| end.is_finite()))
                .map_or_else(String::new, |[low, high]| format!("[{}, {}]", text(low), text(high))),
            published: cell.published.as_ref().map_or_else(String::new, |t| t.value.to_string()),
            gap: cell.gap.map_or_else(String::new, |gap| {
                let sign = if gap > 0.0 { "+" } else { "" };
                let differs = cell.agreement == Some(Agreement::Differs);
                format!("{sign}{}{}", text(gap), if differs { "!" } else { "" })
            }),
        }
    }
}

impl Entry {
    /// Characters of its longest line.
    pub(super) fn width(&self) -> usize {
        let of = |parts: [&str; 3]| parts.iter().map(|part| width(part)).sum::<usize>() + 1;
        of([&self.mean, &self.deviation, self.mark]).max(of([&self.interval, "", ""])).max(of([
            &self.published,
            &self.gap,
            "",
        ]))
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

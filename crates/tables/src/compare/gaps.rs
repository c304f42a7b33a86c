//! Our numbers beside the published ones, a line a cell.

use super::{
    Agreement, Comparison, Summary,
    labels::labels,
    render::{printed, shown},
    sheet::{Column, Entry, Number, Row, Sheet, number, short},
};

/// A line a cell: ours, theirs, the gap and whether it is within both spreads.
pub(super) fn sheet(all: &[&Comparison]) -> Sheet {
    let first = all[0];
    let mut heads: Vec<String> =
        first.rows.names.iter().chain(&first.columns.names).map(|name| short(name)).collect();
    if all.len() > 1 {
        heads.push("metric".into());
    }
    let column = |head: &str, optional, words| Column { heads: vec![head.into()], optional, words };
    let columns = vec![
        column("n", true, false),
        column("ours", false, false),
        column("published", false, false),
        column("gap", false, false),
        column("95 % interval", true, false),
        column("verdict", false, true),
    ];
    let names = [&first.rows, &first.columns].map(labels);
    let mut rows = Vec::new();
    for (row, row_names) in names[0].iter().enumerate() {
        for (column, column_names) in names[1].iter().enumerate() {
            for comparison in all {
                let mut labels = [&row_names[..], column_names].concat();
                if all.len() > 1 {
                    labels.push(short(&comparison.metric));
                }
                let entries = line(&comparison.cells[row][column], comparison.places());
                rows.push(Row { labels, entries });
            }
        }
    }
    let levels = vec![String::new()];
    Sheet { numbers: "a line a cell", labels: heads, levels, columns, rows, ..Sheet::default() }
}

fn line(cell: &Summary, places: Option<usize>) -> Vec<Entry> {
    let Number { text: ours, standing, .. } = shown(cell, places);
    let signed = |gap: f64| format!("{}{}", if gap > 0.0 { "+" } else { "" }, number(gap, places));
    let interval = cell.interval.map_or("-".into(), |[low, high]| {
        format!("{} to {}", number(low, places), number(high, places))
    });
    let plain = |text: String| vec![Number::plain(text)];
    vec![
        plain(cell.n.to_string()),
        vec![Number { standing, ..Number::plain(ours) }],
        plain(cell.published.as_ref().map_or("-".into(), |theirs| printed(theirs, places))),
        plain(cell.gap.map_or("-".into(), signed)),
        plain(interval),
        plain(cell.agreement.map_or("", Agreement::name).to_owned()),
    ]
}

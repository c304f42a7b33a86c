//! A table as a paragraph a cell, for the narrowest of terminals.

use super::layout::Measured;

/// Each cell with its names: `regime=1 learner=rbi: 99.5 ±0.5* (100)`; a row as a whole where heads
/// have no names.
pub(super) fn paragraphs<'a>(measured: &'a Measured<'_>) -> impl Iterator<Item = String> + 'a {
    let sheet = measured.sheet;
    let rows = sheet.rows.iter().zip(&measured.cells);
    rows.flat_map(move |(row, cells)| {
        let mut paragraphs: Vec<(Vec<String>, Vec<String>)> = Vec::new();
        for (column, [ours, below]) in sheet.columns.iter().zip(cells) {
            let mut place: Vec<String> = sheet
                .labels
                .iter()
                .zip(&row.labels)
                .filter(|(_, label)| !label.is_empty())
                .map(|(name, label)| format!("{name}={label}"))
                .collect();
            let mut text = ours.clone();
            if !below.is_empty() {
                text = format!("{text} {below}");
            }
            for (level, head) in sheet.levels.iter().zip(&column.heads) {
                match level.as_str() {
                    "" => text = format!("{head} {text}"),
                    level => place.push(format!("{level}={head}")),
                }
            }
            match paragraphs.last_mut() {
                Some((last, texts)) if *last == place => texts.push(text),
                _ => paragraphs.push((place, vec![text])),
            }
        }
        paragraphs.into_iter().map(|(place, texts)| match place.as_slice() {
            [] => texts.join("; "),
            place => format!("{}: {}", place.join(" "), texts.join("; ")),
        })
    })
}

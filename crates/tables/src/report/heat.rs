//! The means of a table as colours.

use plotters::prelude::*;

use super::{
    chart::{Drawing, Label, WIDTH, draw, heat_colour},
    grid::significant,
    limits::{CHART_LABEL, HEAT},
};
use crate::{Cell, Comparison, compare::number, text::inert_short};

/// Room for the labels of rows and of columns.
const LEFT: i32 = 230;
const TOP: i32 = 44;
const CELL: i32 = 46;
/// Colours from the lowest to the highest mean.
const LEVELS: f64 = 9.0;

/// A map of colours with the numbers in it.
pub(crate) struct Heat {
    pub(crate) drawing: Drawing,
    /// What it shows, for those who do not see it.
    pub(crate) description: String,
}

/// A map where the table has several rows and columns, but not too many, and several means.
pub(crate) fn heat(comparison: &Comparison) -> Option<Heat> {
    let (rows, columns) = (comparison.cells.len(), comparison.columns.keys.len());
    if !(2..=HEAT).contains(&rows) || !(2..=HEAT).contains(&columns) {
        return None;
    }
    let means = comparison.cells.iter().flatten().filter_map(|cell| cell.mean);
    let [low, high] = means
        .filter(|mean| mean.is_finite())
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], mean| {
            [low.min(mean), high.max(mean)]
        });
    if low >= high || !(high - low).is_finite() {
        return None;
    }
    let level = |mean: f64| ((mean - low) / (high - low) * LEVELS).round() as u8;
    let width = (WIDTH as i32 - LEFT) / columns as i32;
    let at = |row: usize, column: usize| (LEFT + width * column as i32, TOP + CELL * row as i32);
    let places = comparison.places();
    let mut labels = labels(comparison, at, width);
    let height = (TOP + CELL * rows as i32 + 4) as u32;
    let marks = draw(height, |area| {
        for (row, cells) in comparison.cells.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                let Some(mean) = cell.mean.filter(|mean| mean.is_finite()) else { continue };
                let (x, y) = at(row, column);
                let corners = [(x, y), (x + width - 3, y + CELL - 3)];
                area.draw(&Rectangle::new(corners, heat_colour(level(mean)).filled()))?;
                labels.push(Label {
                    x: x + width / 2,
                    y: y + CELL / 2 + 7,
                    class: format!("middle on{}", level(mean)),
                    text: if columns > 12 { String::new() } else { number(mean, places) },
                });
            }
        }
        Ok(())
    });
    let description = format!(
        "Means of the table above as colours, from {} (lightest) to {} (strongest)",
        significant(low),
        significant(high)
    );
    Some(Heat { drawing: Drawing { marks, height, labels }, description })
}

fn labels(
    comparison: &Comparison,
    at: impl Fn(usize, usize) -> (i32, i32),
    width: i32,
) -> Vec<Label> {
    let text = |key: &[Cell], limit: usize| {
        let parts: Vec<String> = key.iter().map(|c| inert_short(&c.to_string(), limit)).collect();
        inert_short(&parts.join(", "), limit)
    };
    let fits = (width / 13).clamp(3, CHART_LABEL as i32) as usize;
    let mut labels = Vec::new();
    for (row, key) in comparison.rows.keys.iter().enumerate() {
        let (x, y) = at(row, 0);
        let text = text(key, CHART_LABEL);
        labels.push(Label { x: x - 12, y: y + CELL / 2 + 7, class: "left".into(), text });
    }
    for (column, key) in comparison.columns.keys.iter().enumerate() {
        let (x, y) = at(0, column);
        let text = text(key, fits);
        labels.push(Label { x: x + width / 2, y: y - 12, class: "middle".into(), text });
    }
    labels
}

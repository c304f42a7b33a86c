//! How wide a table is, told from its texts: the style has no other way to know it without a script.

use std::ops::Range;

use super::grid::{Key, Row, cell_label};
use crate::Axis;

/// Widths in rem up to which the style knows a class, each with it.
const WIDTHS: [(f64, &str); 12] = [
    (24.0, "w24"),
    (32.0, "w32"),
    (40.0, "w40"),
    (48.0, "w48"),
    (56.0, "w56"),
    (64.0, "w64"),
    (72.0, "w72"),
    (80.0, "w80"),
    (88.0, "w88"),
    (96.0, "w96"),
    (104.0, "w104"),
    (112.0, "w112"),
];
/// What one block may be wide, in rem; on a telephone its letters are smaller.
const NARROW: f64 = 34.0;

/// How wide columns are, in rem, by what stands in them.
pub(super) struct Widths {
    heads: f64,
    columns: Vec<f64>,
}

impl Widths {
    pub(super) fn new(names: &[Key], rows: &[Row], axis: &Axis, shown: usize) -> Self {
        // Letters and digits of a wide font; in cells what follows the mean is smaller.
        let of = |characters: usize, each: f64| characters as f64 * each + 1.4;
        let head = |at: usize| {
            let keys = rows.iter().map(|row| row.keys.get(at).map_or(3, |key| width(&key.text)));
            let name = names.get(at).map_or(0, |name| width(&name.text));
            of(keys.chain([name]).max().unwrap_or(0), 0.58)
        };
        let column = |at: usize| {
            let cells = rows.iter().map(|row| row.cells[at].width());
            let key = axis.keys[at].last().map_or(0, |cell| width(&cell_label(cell)));
            of(cells.chain([key]).max().unwrap_or(0), 0.5)
        };
        Self {
            heads: (0..names.len().max(1)).map(head).sum(),
            columns: (0..shown).map(column).collect(),
        }
    }

    pub(super) fn class(&self) -> &'static str {
        let whole: f64 = self.heads + self.columns.iter().sum::<f64>();
        WIDTHS.iter().find(|(width, _)| whole <= *width).map_or("wmax", |(_, class)| class)
    }

    /// Neighbouring columns that fit a narrow place, each part within one value of the outer name.
    pub(super) fn parts(&self, axis: &Axis) -> Vec<Range<usize>> {
        let outer = |column: usize| &axis.keys[column][..axis.names.len().saturating_sub(1)];
        let mut parts: Vec<Range<usize>> = Vec::new();
        let mut used = 0.0;
        for (column, width) in self.columns.iter().enumerate() {
            let fits =
                used + width <= NARROW && (column == 0 || outer(column) == outer(column - 1));
            match parts.last_mut() {
                Some(part) if fits => part.end = column + 1,
                _ => {
                    used = self.heads;
                    parts.push(column..column + 1);
                }
            }
            used += width;
        }
        parts
    }
}

/// Characters of a text.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cell;

    #[test]
    fn parts_fit_a_narrow_place_and_stay_below_one_head() {
        let key = |a: i128, b: i128| vec![Cell::Int(a), Cell::Int(b)];
        let names = vec!["a".into(), "b".into()];
        let axis = Axis { names, keys: vec![key(1, 1), key(1, 2), key(1, 3), key(2, 1)] };
        let widths = Widths { heads: 4.0, columns: vec![12.0; 4] };
        assert_eq!(widths.class(), "w56");
        assert_eq!(
            widths.parts(&axis),
            [0..2, 2..3, 3..4],
            "4 + 12 + 12 fit into 34, 12 more do not"
        );
        let narrow = Widths { heads: 4.0, columns: vec![8.0; 4] };
        assert_eq!(narrow.parts(&axis), [0..3, 3..4]);
        assert_eq!(Widths { heads: 4.0, columns: vec![60.0; 2] }.class(), "wmax");
    }
}

//! Pictures of one name in the order of a table.

use std::collections::BTreeMap;

use super::Picture;
use crate::{
    Cell, Places,
    report::{
        grid::{Key, cell_label, label},
        limits::Limits,
        parameters::Parameters,
    },
};

/// The pictures of one name, in the rows and columns of a table that have one.
#[derive(Debug, PartialEq)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    pub(crate) row_name: Key,
    pub(crate) column_name: Key,
    pub(crate) columns: Vec<Key>,
    pub(crate) rows: Vec<Row>,
    /// What has no place, in words.
    pub(crate) note: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) key: Key,
    pub(crate) cells: Vec<Option<Picture>>,
}

/// Pictures by row and column.
pub(super) type Cells = BTreeMap<[usize; 2], Picture>;

impl Sheet {
    /// A sheet of the pictures of one name. Where a table has no columns, its rows stand side by side
    /// if there is room for them.
    pub(super) fn new(
        name: &str,
        places: &Places,
        mut cells: Cells,
        parameters: &Parameters,
        limits: &Limits,
    ) -> Self {
        let (mut rows, mut columns) = (&places.rows, &places.columns);
        if columns.names.is_empty() && rows.keys.len() <= limits.table_columns {
            (rows, columns) = (columns, rows);
            cells = cells.into_iter().map(|([row, column], it)| ([column, row], it)).collect();
        }
        let taken = |side: usize, most: usize| {
            let mut taken: Vec<usize> = cells.keys().map(|at| at[side]).collect();
            taken.sort_unstable();
            taken.dedup();
            let whole = taken.len();
            taken.truncate(most);
            (taken, whole)
        };
        let (shown_rows, all_rows) = taken(0, limits.table_rows);
        let (shown_columns, all_columns) = taken(1, limits.table_columns);
        let key = |names: &[String], key: &[Cell]| match (names, key) {
            ([name], [value]) => Key::value(name, value, parameters),
            _ => {
                let text: Vec<String> = key.iter().map(cell_label).collect();
                Key { text: label(&text.join(", ")), span: 1, ..Key::default() }
            }
        };
        let name_of = |names: &[String]| match names {
            [name] => Key::name(name, parameters),
            _ => {
                let text: Vec<String> = names.iter().map(|name| label(name)).collect();
                Key { text: text.join(", "), span: 1, ..Key::default() }
            }
        };
        let row = |at: &usize| Row {
            key: key(&rows.names, &rows.keys[*at]),
            cells: shown_columns.iter().map(|column| cells.remove(&[*at, *column])).collect(),
        };
        let kept: Vec<Row> = shown_rows.iter().map(row).collect();
        let cut =
            [(all_rows, shown_rows.len(), "rows"), (all_columns, shown_columns.len(), "columns")];
        let cut: Vec<String> = cut
            .into_iter()
            .filter(|(all, shown, _)| all > shown)
            .map(|(all, shown, what)| format!("{shown} of {all} {what}"))
            .collect();
        Self {
            name: label(name),
            row_name: name_of(&rows.names),
            column_name: name_of(&columns.names),
            columns: shown_columns
                .iter()
                .map(|at| key(&columns.names, &columns.keys[*at]))
                .collect(),
            rows: kept,
            note: (!cut.is_empty()).then(|| cut.join(", ")),
        }
    }

    /// Its pictures, row by row.
    pub(super) fn pictures(&mut self) -> impl Iterator<Item = &mut Picture> {
        self.rows.iter_mut().flat_map(|row| row.cells.iter_mut().flatten())
    }
}

//! Scores of single test items.

use std::collections::HashMap;

use experiment::Items;
use polars::prelude::*;

use crate::{
    Error, Runs,
    columns::RUN_ID,
    read::{files_in, read_frame},
};

/// The scores of every run of a run table that left some, by item.
pub(super) struct Scores {
    /// By row of the run table; items in ascending order.
    runs: HashMap<usize, Vec<(u32, f64)>>,
}

impl Scores {
    /// Reads the table that `items` names; runs without it have no scores.
    ///
    /// # Errors
    /// [`Error::Parquet`] or [`Error::Layout`] naming the file.
    pub(super) fn read(runs: &Runs, items: &Items) -> Result<Self, Error> {
        let ids = runs.cells(RUN_ID)?;
        let rows: HashMap<String, usize> =
            ids.iter().enumerate().map(|(row, id)| (id.to_string(), row)).collect();
        let mut numbers = HashMap::<String, u32>::new();
        let mut scores = HashMap::<usize, Vec<(u32, f64)>>::new();
        for path in files_in(&runs.folder().join(items.table))? {
            let Some(frame) = read_frame(&path)? else { continue };
            let column = |name: &str, kind: &DataType| {
                let cast = frame.column(name).and_then(|column| column.strict_cast(kind));
                cast.map_err(|_| Error::Layout {
                    path: path.clone(),
                    wanted: format!("a column {name} of {kind}"),
                })
            };
            let parquet = |source| Error::Parquet { path: path.clone(), source };
            let (ids, keys, values) = (
                column(RUN_ID, &DataType::String)?,
                column(items.key, &DataType::String)?,
                column(items.score, &DataType::Float64)?,
            );
            let ids = ids.str().map_err(parquet)?.iter();
            let keys = keys.str().map_err(parquet)?.iter();
            let values = values.f64().map_err(parquet)?.iter();
            for ((id, key), value) in ids.zip(keys).zip(values) {
                let row = id.and_then(|id| rows.get(id));
                let (Some(row), Some(key), Some(value)) = (row, key, value) else { continue };
                let number = match numbers.get(key) {
                    Some(number) => *number,
                    None => {
                        let number = numbers.len() as u32;
                        numbers.insert(key.to_owned(), number);
                        number
                    }
                };
                scores.entry(*row).or_default().push((number, value));
            }
        }
        scores.values_mut().for_each(|scores| scores.sort_unstable_by_key(|(item, _)| *item));
        Ok(Self { runs: scores })
    }

    /// Differences of two runs, item by item: `None` where one has no scores, or not one an item
    /// for the same items.
    pub(super) fn differences(&self, a: usize, b: usize) -> Option<Vec<f64>> {
        let (a, b) = (self.runs.get(&a)?, self.runs.get(&b)?);
        let alone = |scores: &[(u32, f64)]| scores.windows(2).all(|two| two[0].0 < two[1].0);
        let same = a.iter().map(|(item, _)| item).eq(b.iter().map(|(item, _)| item));
        (same && alone(a)).then(|| a.iter().zip(b).map(|((_, a), (_, b))| a - b).collect())
    }
}

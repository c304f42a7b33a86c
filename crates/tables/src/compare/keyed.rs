//! Run tables by whose columns polars can group.

use std::collections::HashMap;

use polars::prelude::*;

use super::written::{self, Written};
use crate::{
    Cell, Error, Runs,
    columns::{SEED, SPEC_ID, STATUS},
};

/// The row of a run in its run table.
pub(super) const RUN: &str = "#run";
/// A key that all runs have in common.
pub(super) const ALL: &str = "#all";
/// The value of a run that counts.
pub(super) const VALUE: &str = "#value";

/// A run table with a column for every key of its cells: that of the table or, where this has lists or
/// values of several kinds, which polars does not group by, one of numbers for them.
pub(super) struct Keyed {
    frame: DataFrame,
    /// The values that are numbered, by the full name of their column.
    numbered: HashMap<String, Vec<Cell>>,
}

impl Keyed {
    /// The runs with keys for the columns of `names`, and for those of `axes` as they were written where
    /// they may be of several kinds.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a name without a column; [`Error::Io`] or [`Error::Parquet`] naming a file.
    pub(super) fn new(runs: &Runs, axes: &[String], names: &[String]) -> Result<Self, Error> {
        for needed in [STATUS, SEED, SPEC_ID] {
            runs.column(needed)?;
        }
        let frame = runs.frame().with_row_index(RUN.into(), None).and_then(|mut frame| {
            let all = Column::new_scalar(ALL.into(), Scalar::from(0_u32), frame.height());
            frame.with_column(all)?;
            Ok(frame)
        });
        let frame = frame.map_err(|source| runs.failed(source))?;
        let mut keyed = Self { frame, numbered: HashMap::new() };
        let mut mixed = false;
        for name in axes {
            mixed |= written::is_mixed(runs.column(name)?);
        }
        if mixed {
            keyed.write(runs, axes)?;
        }
        for name in axes.iter().chain(names) {
            if runs.column(name)?.dtype().is_nested() && !keyed.numbered.contains_key(name) {
                keyed.number(runs, name, runs.cells(name)?)?;
            }
        }
        Ok(keyed)
    }

    /// Keys the runs by what was written in place of what stands in the columns of `axes`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(super) fn write(&mut self, runs: &Runs, axes: &[String]) -> Result<Written, Error> {
        let written = Written::read(runs)?;
        for name in axes {
            let mut cells = runs.cells(name)?;
            written.replace(name, &mut cells);
            self.number(runs, name, cells)?;
        }
        Ok(written)
    }

    fn number(&mut self, runs: &Runs, name: &str, cells: Vec<Cell>) -> Result<(), Error> {
        let mut numbers = HashMap::new();
        let mut values = Vec::new();
        let number = |cell: Cell| {
            *numbers.entry(cell).or_insert_with_key(|cell| {
                values.push(cell.clone());
                values.len() as u32 - 1
            })
        };
        let column: Vec<u32> = cells.into_iter().map(number).collect();
        self.numbered.insert(name.into(), values);
        let column = Column::new(self.key(name).into(), column);
        self.frame.with_column(column).map_err(|source| runs.failed(source))?;
        Ok(())
    }

    /// The column of a key.
    pub(super) fn key(&self, name: &str) -> String {
        if self.numbered.contains_key(name) { format!("#{name}") } else { name.to_owned() }
    }

    /// The values that the column of a key numbers, where it does.
    pub(super) fn numbered(&self, name: &str) -> Option<&[Cell]> {
        self.numbered.get(name).map(Vec::as_slice)
    }

    /// What a column of keys holds.
    pub(super) fn cells(&self, name: &str, column: &Column) -> Vec<Cell> {
        let values = column.as_materialized_series().iter();
        match self.numbered(name) {
            None => values.map(|value| Cell::of(&value)).collect(),
            Some(cells) => values
                .map(|number| match number.try_extract::<u32>() {
                    Ok(number) => cells[number as usize].clone(),
                    Err(_) => Cell::Null,
                })
                .collect(),
        }
    }

    /// All runs.
    pub(super) fn runs(&self) -> LazyFrame {
        self.frame.clone().lazy()
    }

    /// The runs that have a place in the table. Those that failed do, so that a hole is seen; those that
    /// a search pruned are no hole.
    pub(super) fn placed(&self) -> LazyFrame {
        let pruned = col(STATUS).cast(DataType::String).eq(lit("pruned"));
        self.runs().filter(pruned.fill_null(lit(false)).not())
    }

    /// The runs that count, with the metric of this full name as their value.
    pub(super) fn counted(&self, value: &str) -> LazyFrame {
        let finished = col(STATUS).cast(DataType::String).eq(lit("finished"));
        let value = col(value).cast(DataType::Float64).alias(VALUE);
        self.runs().filter(finished).with_column(value).filter(col(VALUE).is_not_null())
    }
}

//! The tables that runs emit themselves, one file each.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use experiment::RunId;
use polars::prelude::*;
use serde_json::Value;

use crate::{
    Error,
    columns::RUN_ID,
    file::TableFile,
    metrics::LIMITS,
    runs::Row,
    stamp::Sum,
    values::{Builders, Kinds},
};

/// Writes every own table of `rows` below `folder`; `allow` says which names can be folders.
///
/// Rows are parsed twice, so that no more than a batch of them is in memory as columns.
pub(crate) fn write(
    folder: &Path,
    rows: &[Row<'_>],
    mut allow: impl FnMut(&str) -> bool,
) -> Result<Vec<(PathBuf, Sum)>, Error> {
    let mut kinds = BTreeMap::<String, Kinds>::new();
    for row in rows {
        for (table, texts) in row.state.rows()? {
            let kinds = kinds.entry(table.clone()).or_default();
            texts
                .iter()
                .try_for_each(|text| parse(row.run, &table, text).map(|v| kinds.observe(&v)))?;
        }
    }
    kinds.retain(|table, _| allow(table));
    let mut writers = BTreeMap::new();
    for (table, kinds) in &kinds {
        let path = folder.join(table).join("part-0000.parquet");
        writers.insert(table.as_str(), Writer::create(&path, kinds)?);
    }
    for row in rows {
        for (table, texts) in row.state.rows()? {
            if let Some(writer) = writers.get_mut(table.as_str()) {
                let run = row.run.to_string();
                for text in &texts {
                    writer.push(&run, &parse(row.run, &table, text)?)?;
                }
            }
        }
    }
    writers.into_values().map(Writer::commit).collect()
}

fn parse(run: RunId, table: &str, text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|source| Error::Json { run, what: table.into(), source })
}

struct Writer<'a> {
    kinds: &'a Kinds,
    file: TableFile,
    runs: StringChunkedBuilder,
    columns: Builders,
    height: usize,
}

impl<'a> Writer<'a> {
    fn create(path: &Path, kinds: &'a Kinds) -> Result<Self, Error> {
        let empty = frame(empty_runs(), kinds.builders(), kinds, 0);
        let file = TableFile::create(path, empty.schema())?;
        Ok(Self { kinds, file, runs: empty_runs(), columns: kinds.builders(), height: 0 })
    }

    fn push(&mut self, run: &str, row: &Value) -> Result<(), Error> {
        self.runs.append_value(run);
        self.columns.push(row);
        self.height += 1;
        if self.height >= LIMITS.batch_rows { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.height == 0 {
            return Ok(());
        }
        let runs = std::mem::replace(&mut self.runs, empty_runs());
        let columns = std::mem::replace(&mut self.columns, self.kinds.builders());
        let height = std::mem::take(&mut self.height);
        self.file.write(&frame(runs, columns, self.kinds, height))
    }

    fn commit(mut self) -> Result<(PathBuf, Sum), Error> {
        self.flush()?;
        self.file.commit()
    }
}

fn empty_runs() -> StringChunkedBuilder {
    StringChunkedBuilder::new(RUN_ID.into(), 0)
}

fn frame(runs: StringChunkedBuilder, columns: Builders, kinds: &Kinds, height: usize) -> DataFrame {
    // A row's own field of that name must not hide the run.
    let mut own = format!("row.{RUN_ID}");
    while kinds.contains(&own) {
        own.insert_str(0, "row.");
    }
    let name = |path: &str| if path == RUN_ID { own.clone() } else { path.to_owned() };
    let mut all = vec![runs.finish().into_column()];
    all.extend(columns.finish(name));
    DataFrame::new(height, all).expect("columns of one length with their own names")
}

//! Metric rows in long form, in parts that are never written again once they are full.

use std::{
    collections::BTreeSet,
    fs::File,
    path::{Path, PathBuf},
};

use experiment::RunId;
use journal::{MetricRow, Status};
use polars::prelude::*;

use crate::{
    Error,
    columns::RUN_ID,
    file::{TableFile, failed},
    read::names_in,
    runs::Row,
};

/// How much is held in memory and in one file.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Size at which a part is full; the rows of a batch may exceed it.
    pub(crate) part_bytes: u64,
    /// Rows of a row group.
    pub(crate) batch_rows: usize,
}

pub(crate) const LIMITS: Limits = Limits { part_bytes: 256 << 20, batch_rows: 1 << 18 };

/// Writes the metrics of `rows` below `folder`.
///
/// Every part but the last is full and stays as it is: the runs in it are finished, so nothing of
/// them changes, and only their metric frames may be dropped from a journal. The last part is
/// replaced by what the full ones lack: finished runs first, because only between those a new part
/// may begin.
pub(crate) fn write(
    folder: &Path,
    rows: &[Row<'_>],
    limits: Limits,
) -> Result<Vec<PathBuf>, Error> {
    let parts = parts(folder)?;
    let (mut number, full) = match parts.split_last() {
        Some((last, full)) => (*last, full),
        None => (0, [].as_slice()),
    };
    let mut kept = BTreeSet::new();
    for part in full {
        collect_runs(&part_path(folder, *part), &mut kept)?;
    }
    let mut written = Vec::new();
    let mut part = Part::create(&part_path(folder, number), limits.batch_rows)?;
    let is_finished = |row: &&Row<'_>| row.state.status() == Status::Finished;
    for row in rows.iter().filter(is_finished).filter(|row| !kept.contains(&row.run)) {
        if part.file.bytes() >= limits.part_bytes {
            written.push(part.commit()?);
            number += 1;
            part = Part::create(&part_path(folder, number), limits.batch_rows)?;
        }
        part.push(row.run, &row.state.metrics()?)?;
    }
    for row in rows.iter().filter(|row| !is_finished(row)) {
        part.push(row.run, &row.state.metrics()?)?;
    }
    written.push(part.commit()?);
    Ok(written)
}

fn part_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("part-{number:04}.parquet"))
}

/// Numbers of the parts in `folder`, ascending.
fn parts(folder: &Path) -> Result<Vec<u32>, Error> {
    let number =
        |name: &String| name.strip_prefix("part-")?.strip_suffix(".parquet")?.parse::<u32>().ok();
    let mut numbers: Vec<u32> = names_in(folder)?.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn collect_runs(path: &Path, runs: &mut BTreeSet<RunId>) -> Result<(), Error> {
    let open = || File::open(path).map_err(|e| failed("open", path, e));
    let parquet = |source| Error::Parquet { path: path.into(), source };
    let height = ParquetReader::new(open()?).num_rows().map_err(parquet)?;
    let mut newest = String::new();
    for start in (0..height).step_by(LIMITS.batch_rows) {
        let frame = ParquetReader::new(open()?)
            .with_columns(Some(vec![RUN_ID.into()]))
            .with_slice(Some((start, LIMITS.batch_rows)))
            .finish()
            .map_err(parquet)?;
        for run in frame.column(RUN_ID).and_then(Column::str).map_err(parquet)?.iter().flatten() {
            if run != newest {
                newest.replace_range(.., run);
                let wanted = |wanted| Error::Layout { path: path.into(), wanted };
                runs.insert(run.parse().map_err(wanted)?);
            }
        }
    }
    Ok(())
}

struct Part {
    file: TableFile,
    batch: Batch,
    batch_rows: usize,
}

impl Part {
    fn create(path: &Path, batch_rows: usize) -> Result<Self, Error> {
        let file = TableFile::create(path, Batch::default().into_frame().schema())?;
        Ok(Self { file, batch: Batch::default(), batch_rows })
    }

    fn push(&mut self, run: RunId, rows: &[MetricRow]) -> Result<(), Error> {
        let run = run.to_string();
        for row in rows {
            self.batch.runs.append_value(&run);
            self.batch.steps.push(row.step);
            self.batch.metrics.append_value(&row.metric);
            self.batch.values.push(row.value);
            if self.batch.steps.len() >= self.batch_rows {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        if batch.steps.is_empty() {
            return Ok(());
        }
        self.file.write(&batch.into_frame())
    }

    fn commit(mut self) -> Result<PathBuf, Error> {
        self.flush()?;
        self.file.commit()
    }
}

struct Batch {
    runs: StringChunkedBuilder,
    steps: Vec<u64>,
    metrics: StringChunkedBuilder,
    values: Vec<f64>,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            runs: StringChunkedBuilder::new(RUN_ID.into(), 0),
            steps: Vec::new(),
            metrics: StringChunkedBuilder::new("metric".into(), 0),
            values: Vec::new(),
        }
    }
}

impl Batch {
    fn into_frame(self) -> DataFrame {
        let height = self.steps.len();
        let columns = vec![
            self.runs.finish().into_column(),
            Column::new("step".into(), self.steps),
            self.metrics.finish().into_column(),
            Column::new("value".into(), self.values),
        ];
        DataFrame::new(height, columns).expect("four columns of one length with their own names")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use experiment::{Device, SpecId};
    use journal::{Ended, Event, Fold, Metrics, Outcome, RunSpec, Started};
    use tempfile::tempdir;

    use super::*;
    use crate::runs;

    fn start(fold: &mut Fold, name: &str) {
        let spec = RunSpec {
            run: RunId::of(name),
            spec: SpecId::of(name),
            experiment: "e".into(),
            experiment_version: 1,
            params: "{}".into(),
            seed: 0,
            sweep: "s".into(),
            device: Device::Cpu,
            threads: 1,
            engine: None,
            data: Default::default(),
        };
        let run = spec.run;
        fold.apply("w", Event::Started(Started { spec, attempt: 1, at: 0.0 }));
        let row = |step| MetricRow { step, metric: "loss".into(), value: step as f64 };
        fold.apply("w", Event::Metrics(Metrics { run, attempt: 1, rows: vec![row(1), row(2)] }));
    }

    fn finish(fold: &mut Fold, name: &str) {
        let ended = Ended {
            run: RunId::of(name),
            attempt: 1,
            outcome: Outcome::Finished,
            results: [].into(),
            seconds: 0.0,
            cpu_seconds: 0.0,
            peak_memory_bytes: 0,
            at: 0.0,
        };
        fold.apply("w", Event::Ended(ended));
    }

    /// The runs of every part, each with how many rows it has there.
    fn parts_of(folder: &Path) -> Vec<Vec<(RunId, usize)>> {
        let part = |path: &PathBuf| {
            let frame = crate::read::read_frame(path).unwrap().unwrap();
            let mut runs: Vec<(RunId, usize)> = Vec::new();
            for id in frame.column(RUN_ID).unwrap().str().unwrap().iter().flatten() {
                let id = id.parse().unwrap();
                match runs.last_mut() {
                    Some((last, rows)) if *last == id => *rows += 1,
                    _ => runs.push((id, 1)),
                }
            }
            runs
        };
        crate::read::files_in(folder).unwrap().iter().map(part).collect()
    }

    #[test]
    fn full_parts_stay_and_every_run_is_in_one_part() {
        let folder = tempdir().unwrap();
        // A part is full after the first run.
        let limits = Limits { part_bytes: 16, batch_rows: 1 };
        let mut fold = Fold::default();
        for name in ["a", "b", "open"] {
            start(&mut fold, name);
        }
        finish(&mut fold, "a");
        finish(&mut fold, "b");
        write(folder.path(), &runs::rows(&fold), limits).unwrap();
        let mut ab = [RunId::of("a"), RunId::of("b")];
        ab.sort_unstable();
        let open = RunId::of("open");
        assert_eq!(parts_of(folder.path()), [vec![(ab[0], 2)], vec![(ab[1], 2), (open, 2)]]);

        let inode = || std::fs::metadata(part_path(folder.path(), 0)).unwrap().ino();
        let first = inode();
        finish(&mut fold, "open");
        start(&mut fold, "late");
        finish(&mut fold, "late");
        write(folder.path(), &runs::rows(&fold), limits).unwrap();
        assert_eq!(inode(), first, "a full part is not written again");
        let parts = parts_of(folder.path());
        let mut rest = [ab[1], open, RunId::of("late")];
        rest.sort_unstable();
        let expected: Vec<_> = [ab[0]].iter().chain(&rest).map(|run| vec![(*run, 2)]).collect();
        assert_eq!(parts, expected);
    }
}

//! Metric rows in long form, in parts that are never written again once they are full.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
};

use experiment::RunId;
use journal::{MetricRow, Status};
use polars::prelude::*;

use crate::{
    Error,
    columns::RUN_ID,
    file::{TableFile, failed},
    read::{batches, names_in},
    runs::Row,
    stamp::Sum,
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
/// them changes. One that does not sum to what `sum` says it was written with, and those after it,
/// are written anew. The last part is replaced by what the full ones lack: finished runs first,
/// because only between those a new part may begin.
pub(crate) fn write(
    folder: &Path,
    rows: &[Row<'_>],
    sum: &dyn Fn(&Path) -> Option<Sum>,
    limits: Limits,
) -> Result<Vec<(PathBuf, Sum)>, Error> {
    let parts = parts(folder)?;
    let full = parts.split_last().map_or(&[][..], |(_, full)| full);
    let is_finished = |row: &&Row<'_>| row.state.status() == Status::Finished;
    let mut kept = BTreeSet::new();
    let mut written = Vec::new();
    if !full.is_empty() {
        let finished = rows.iter().filter(is_finished).map(|row| row.run).collect();
        for (number, path) in (0..).zip(full.iter().map(|part| part_path(folder, *part))) {
            let Some(sum) = sum(&path).filter(|_| path == part_path(folder, number)) else { break };
            match runs_of_whole(&path, sum)? {
                Some(runs) if runs.is_subset(&finished) => kept.extend(runs),
                _ => break,
            }
            written.push((path, sum));
        }
    }
    let mut number = written.len() as u32;
    let mut part = Part::create(&part_path(folder, number), limits.batch_rows)?;
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
    for gone in parts.into_iter().filter(|part| *part > number) {
        let path = part_path(folder, gone);
        fs::remove_file(&path).map_err(|e| failed("remove", &path, e))?;
    }
    Ok(written)
}

/// The runs in a part; none when it does not sum to `sum`.
fn runs_of_whole(path: &Path, sum: Sum) -> Result<Option<BTreeSet<RunId>>, Error> {
    let mut file = File::open(path).map_err(|e| failed("open", path, e))?;
    let whole = sum.is_of(&mut file).map_err(|e| failed("read", path, e))?;
    whole.then(|| collect_runs(path, &file)).transpose()
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

fn collect_runs(path: &Path, file: &File) -> Result<BTreeSet<RunId>, Error> {
    let mut runs = BTreeSet::new();
    let mut newest = String::new();
    batches(path, file, &[RUN_ID], &mut |frame| {
        let parquet = |source| Error::Parquet { path: path.into(), source };
        for run in frame.column(RUN_ID).and_then(Column::str).map_err(parquet)?.iter().flatten() {
            if run != newest {
                newest.replace_range(.., run);
                let wanted = |wanted| Error::Layout { path: path.into(), wanted };
                runs.insert(run.parse().map_err(wanted)?);
            }
        }
        Ok(())
    })?;
    Ok(runs)
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

    fn commit(mut self) -> Result<(PathBuf, Sum), Error> {
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
            needs: Default::default(),
        };
        let run = spec.run;
        fold.apply(
            "w",
            Event::Started(Started { spec, attempt: 1, means: Default::default(), at: 0.0 }),
        );
        let row = |step| MetricRow { step, metric: "loss".into(), value: step as f64 };
        fold.apply("w", Event::Metrics(Metrics { run, attempt: 1, rows: vec![row(1), row(2)] }));
    }

    fn finish(fold: &mut Fold, name: &str) {
        let ended = Ended {
            run: RunId::of(name),
            attempt: 1,
            outcome: Outcome::Finished,
            cause: None,
            results: [].into(),
            warnings: Vec::new(),
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
        let first = write(folder.path(), &runs::rows(&fold), &|_| None, limits).unwrap();
        let known =
            |path: &Path| first.iter().find(|(known, _)| known == path).map(|(_, sum)| *sum);
        let mut ab = [RunId::of("a"), RunId::of("b")];
        ab.sort_unstable();
        let open = RunId::of("open");
        assert_eq!(parts_of(folder.path()), [vec![(ab[0], 2)], vec![(ab[1], 2), (open, 2)]]);

        let inode = || std::fs::metadata(part_path(folder.path(), 0)).unwrap().ino();
        let before = inode();
        finish(&mut fold, "open");
        start(&mut fold, "late");
        finish(&mut fold, "late");
        let second = write(folder.path(), &runs::rows(&fold), &known, limits).unwrap();
        assert_eq!(second[0], first[0]);
        assert_eq!(inode(), before, "a full part is not written again");
        let parts = parts_of(folder.path());
        let mut rest = [ab[1], open, RunId::of("late")];
        rest.sort_unstable();
        let expected: Vec<_> = [ab[0]].iter().chain(&rest).map(|run| vec![(*run, 2)]).collect();
        assert_eq!(parts, expected);

        let mut bytes = fs::read(part_path(folder.path(), 0)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(part_path(folder.path(), 0), bytes).unwrap();
        let known =
            |path: &Path| second.iter().find(|(known, _)| known == path).map(|(_, sum)| *sum);
        write(folder.path(), &runs::rows(&fold), &known, limits).unwrap();
        let mut all = [&ab[..], &[open, RunId::of("late")]].concat();
        all.sort_unstable();
        let expected: Vec<_> = all.iter().map(|run| vec![(*run, 2)]).collect();
        assert_eq!(parts_of(folder.path()), expected, "a damaged part is written again");

        fold.runs.remove(&all[0]);
        write(folder.path(), &runs::rows(&fold), &|_| None, limits).unwrap();
        assert_eq!(parts_of(folder.path()), expected[1..], "what is forgotten goes");
    }
}

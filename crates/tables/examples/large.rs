//! Writes a store of 100,000 runs and 10 million rows of metrics into the folder that the first
//! argument names, so that `compare` and `report` can be timed on it:
//!
//! ```sh
//! cargo run --release -p tables --example large -- large
//! time regimen compare descent --rows function --columns learning_rate --results large
//! time regimen report --results large -o large.html
//! ```

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use experiment::RunId;
use polars::prelude::*;

const RUNS: usize = 100_000;
/// Rows of each run: half of them of each metric.
const ROWS: usize = 100;
/// Runs in one row group of the metrics.
const GROUP: usize = 2_500;
/// Distinct values of the parameters; seeds make up the rest.
const FUNCTIONS: usize = 10;
const RATES: usize = 10;
const MOMENTA: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = std::env::args_os().nth(1).ok_or("wanted a folder for the store")?;
    let folder = PathBuf::from(store).join("tables/descent");
    fs::create_dir_all(folder.join("metrics"))?;
    let mut ids: Vec<String> =
        (0..RUNS).map(|run| RunId::of(&format!("large {run}")).to_string()).collect();
    ids.sort_unstable();
    let mut runs = runs(&ids)?;
    writer(&folder.join("runs.parquet"))?.finish(&mut runs)?;
    metrics(&folder.join("metrics/part-0000.parquet"), &ids)?;
    Ok(())
}

fn writer(path: &Path) -> Result<ParquetWriter<File>, std::io::Error> {
    let writer = ParquetWriter::new(File::create(path)?);
    Ok(writer.with_compression(ParquetCompression::Zstd(None)))
}

/// A number in [0, 1) that looks random.
fn noise(at: usize) -> f64 {
    let mixed = (at as u64 ^ 0x5555).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

fn final_value(run: usize) -> f64 {
    (run % FUNCTIONS) as f64 + (run / FUNCTIONS % RATES) as f64 * 0.1 + noise(run)
}

fn runs(ids: &[String]) -> PolarsResult<DataFrame> {
    let each = |value: &dyn Fn(usize) -> String| (0..RUNS).map(value).collect::<Vec<_>>();
    let same = |text: &str| vec![text.to_owned(); RUNS];
    let failed = |run: usize| run % 1000 == 7;
    let values = |value: &dyn Fn(usize) -> f64| (0..RUNS).map(value).collect::<Vec<f64>>();
    let errors: Vec<Option<String>> = (0..RUNS)
        .map(|run| failed(run).then(|| format!("diverged: value is NaN at step {}", run % 7000)))
        .collect();
    let finals: Vec<Option<f64>> =
        (0..RUNS).map(|run| (!failed(run)).then(|| final_value(run))).collect();
    let seeds: Vec<u64> =
        (0..RUNS).map(|run| (run / (FUNCTIONS * RATES * MOMENTA)) as u64).collect();
    let columns = vec![
        Column::new("run_id".into(), ids.to_vec()),
        Column::new("spec_id".into(), ids.to_vec()),
        Column::new("sweep".into(), same("large")),
        Column::new("params.function".into(), each(&|run| format!("f{}", run % FUNCTIONS))),
        Column::new(
            "params.learning_rate".into(),
            values(&|run| (run / FUNCTIONS % RATES + 1) as f64 / 100.0),
        ),
        Column::new(
            "params.momentum".into(),
            values(&|run| (run / (FUNCTIONS * RATES) % MOMENTA) as f64 / 10.0),
        ),
        Column::new("seed".into(), seeds),
        Column::new(
            "status".into(),
            each(&|run| if failed(run) { "failed" } else { "finished" }.into()),
        ),
        Column::new("final.value".into(), finals),
        Column::new("attempts".into(), vec![1_u32; RUNS]),
        Column::new("started_at".into(), values(&|run| 1.7e9 + run as f64)),
        Column::new("seconds".into(), values(&noise)),
        Column::new("cpu_seconds".into(), values(&noise)),
        Column::new("peak_memory_bytes".into(), vec![1_u64 << 20; RUNS]),
        Column::new("host".into(), each(&|run| format!("node{}", run % 16))),
        Column::new("version".into(), same("0.1.0")),
        Column::new("commit".into(), same("abc1234")),
        Column::new("blas".into(), same("OpenBLAS (Haswell)")),
        Column::new("cpu".into(), same("Some CPU")),
        Column::new("device".into(), same("cpu")),
        Column::new("threads".into(), vec![1_u32; RUNS]),
        Column::new("error".into(), errors),
    ];
    DataFrame::new(RUNS, columns)
}

fn metrics(path: &Path, ids: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let group = |first: usize| -> PolarsResult<DataFrame> {
        let rows = || (first..first + GROUP).flat_map(|run| (0..ROWS).map(move |row| (run, row)));
        let names = ["gradient_norm", "value"];
        let columns = vec![
            Column::new("run_id".into(), rows().map(|(run, _)| &*ids[run]).collect::<Vec<_>>()),
            Column::new(
                "step".into(),
                rows().map(|(_, row)| (row / 2 * 20) as u64).collect::<Vec<_>>(),
            ),
            Column::new("metric".into(), rows().map(|(_, row)| names[row % 2]).collect::<Vec<_>>()),
            Column::new(
                "value".into(),
                rows()
                    .map(|(run, row)| {
                        final_value(run) + 10.0 / (row + 1) as f64 + noise(run * ROWS + row)
                    })
                    .collect::<Vec<_>>(),
            ),
        ];
        DataFrame::new(GROUP * ROWS, columns)
    };
    let first = group(0)?;
    let mut writer = writer(path)?.batched(first.schema())?;
    for start in (0..RUNS).step_by(GROUP) {
        writer.write_batch(&group(start)?)?;
    }
    writer.finish()?;
    Ok(())
}

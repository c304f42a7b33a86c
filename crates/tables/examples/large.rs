//! Writes a store of 100,000 runs and 10 million rows of metrics into the folder that the first
//! argument names, journals and tables, so that commands can be timed on it:
//!
//! ```sh
//! cargo run --release -p tables --example large -- large
//! time regimen compare descent --rows function --columns learning_rate --results large
//! time regimen report --results large -o large.html
//! time regimen status --results large
//! ```
//!
//! After `rm large/tables/made_from.json` the next of them makes the tables again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use experiment::{Device, RunId, SpecId};
use journal::{
    Ended, Event, Fold, MetricRow, Metrics, Opened, Outcome, Role, RunSpec, Started, Writer,
};

type Failure = Box<dyn std::error::Error>;

const RUNS: usize = 100_000;
/// Rows of each run: half of them of each metric.
const ROWS: usize = 100;
/// Workers that wrote the journals.
const WORKERS: usize = 16;
/// Distinct values of the parameters; seeds make up the rest.
const FUNCTIONS: usize = 10;
const RATES: usize = 10;
const MOMENTA: usize = 5;

fn main() -> Result<(), Failure> {
    let store = std::env::args_os().nth(1).ok_or("wanted a folder for the store")?;
    let store = PathBuf::from(store);
    let journal = store.join("journal");
    fs::create_dir_all(&journal)?;
    for worker in 0..WORKERS {
        write(&journal, worker)?;
    }
    tables::write_tables(&Fold::read(&journal)?, &store, &|_| None)?;
    Ok(())
}

/// The journal of a worker, which executed its share of the runs.
fn write(folder: &Path, worker: usize) -> Result<(), Failure> {
    let opened = Opened {
        writer: format!("node{worker}"),
        role: Role::Worker,
        host: format!("node{worker}"),
        pid: 1,
        version: "0.1.0".into(),
        commit: "abc1234".into(),
        blas: "OpenBLAS (Haswell)".into(),
        cpu: "Some CPU".into(),
        at: 1.7e9,
    };
    let mut journal = Writer::create(folder, opened)?;
    for run in (worker..RUNS).step_by(WORKERS) {
        let (spec, at) = (spec(run), 1.7e9 + run as f64);
        let id = spec.run;
        journal.append(&Event::Started(Started {
            spec,
            attempt: 1,
            means: Default::default(),
            at,
        }))?;
        let rows = (0..ROWS).map(|row| metric(run, row)).collect();
        journal.append(&Event::Metrics(Metrics { run: id, attempt: 1, rows }))?;
        journal.append(&Event::Ended(end(run, id, at)))?;
    }
    Ok(journal.sync()?)
}

fn spec(run: usize) -> RunSpec {
    let rate = (run / FUNCTIONS % RATES + 1) as f64 / 100.0;
    let momentum = (run / (FUNCTIONS * RATES) % MOMENTA) as f64 / 10.0;
    let function = run % FUNCTIONS;
    RunSpec {
        run: RunId::of(&format!("large {run}")),
        spec: SpecId::of(&format!("large {run}")),
        experiment: "descent".into(),
        experiment_version: 1,
        params: format!(
            r#"{{"function":"f{function}","learning_rate":{rate},"momentum":{momentum}}}"#
        ),
        seed: (run / (FUNCTIONS * RATES * MOMENTA)) as u64,
        sweep: "large".into(),
        device: Device::Cpu,
        threads: 1,
        engine: None,
        data: Default::default(),
        needs: Default::default(),
    }
}

fn metric(run: usize, row: usize) -> MetricRow {
    MetricRow {
        step: (row / 2 * 20) as u64,
        metric: ["gradient_norm", "value"][row % 2].into(),
        value: final_value(run) + 10.0 / (row + 1) as f64 + noise(run * ROWS + row),
    }
}

fn end(run: usize, id: RunId, at: f64) -> Ended {
    let failed = run % 1000 == 7;
    let error = || format!("diverged: value is NaN at step {}", run % 7000);
    Ended {
        run: id,
        attempt: 1,
        outcome: if failed { Outcome::Failed { error: error() } } else { Outcome::Finished },
        cause: None,
        warnings: Vec::new(),
        results: (!failed).then(|| ("value".to_owned(), final_value(run))).into_iter().collect(),
        seconds: noise(run),
        cpu_seconds: noise(run),
        peak_memory_bytes: 1 << 20,
        at: at + noise(run),
    }
}

/// A number in [0, 1) that looks random.
fn noise(at: usize) -> f64 {
    let mixed = (at as u64 ^ 0x5555).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

fn final_value(run: usize) -> f64 {
    (run % FUNCTIONS) as f64 + (run / FUNCTIONS % RATES) as f64 * 0.1 + noise(run)
}

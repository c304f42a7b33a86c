//! Reads runs of a made-up experiment as JSON from standard input, writes them to the store that the
//! first argument names, and prints what `compare` says of its metrics that are no means of items;
//! `scripts/statistics-check` compares it.

use std::{collections::BTreeMap, io, path::PathBuf};

use experiment::{Better, Device, Items, RunId, SpecId, Statistic};
use journal::{Ended, Event, Fold, Outcome, Rows, RunSpec, Started};
use serde::Deserialize;
use serde_json::Value;
use tables::{Request, Runs, compare, write_tables};

const ITEMS: [Items; 3] = [
    Items::new(
        "bleu",
        "sentences",
        "sentence",
        Statistic::bleu(["matches", "totals", "candidate", "reference"]),
        100,
    ),
    Items::new("error_rate", "sentences", "sentence", Statistic::ratio("edits", "reference"), 100),
    Items::new(
        "map",
        "clips",
        "clip",
        Statistic::mean_average_precision(["class", "score", "label"]),
        1,
    ),
];

/// A finished run.
#[derive(Deserialize)]
struct Run {
    system: String,
    seed: u64,
    results: BTreeMap<String, f64>,
    tables: BTreeMap<String, Vec<Value>>,
}

impl Run {
    fn record(self, fold: &mut Fold) {
        let identity = format!("{} {}", self.system, self.seed);
        let run = RunId::of(&identity);
        let spec = RunSpec {
            run,
            spec: SpecId::of(&identity),
            experiment: "made-up".into(),
            experiment_version: 1,
            params: format!(r#"{{"system":"{}"}}"#, self.system),
            seed: self.seed,
            sweep: "made-up".into(),
            device: Device::Cpu,
            threads: 1,
            engine: None,
            data: BTreeMap::new(),
            needs: BTreeMap::new(),
        };
        fold.apply(
            "w",
            Event::Started(Started { spec, attempt: 1, means: Default::default(), at: 0.0 }),
        );
        for (table, rows) in self.tables {
            let rows = rows.iter().map(Value::to_string).collect();
            fold.apply("w", Event::Rows(Rows { run, attempt: 1, table, rows }));
        }
        let ended = Ended {
            run,
            attempt: 1,
            outcome: Outcome::Finished,
            cause: None,
            results: self.results,
            warnings: Vec::new(),
            seconds: 0.0,
            cpu_seconds: 0.0,
            peak_memory_bytes: 0,
            at: 0.0,
        };
        fold.apply("w", Event::Ended(ended));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = PathBuf::from(std::env::args_os().nth(1).ok_or("wanted a folder for the store")?);
    let runs: Vec<Run> = serde_json::from_reader(io::stdin().lock())?;
    let mut fold = Fold::default();
    runs.into_iter().for_each(|run| run.record(&mut fold));
    write_tables(&fold, &store, &|_| None)?;
    let runs = Runs::read(&store, "made-up")?;
    let mut comparisons = Vec::new();
    for items in ITEMS {
        let request = Request {
            rows: vec!["system".into()],
            value: items.metric.clone().into(),
            better: Some(Better::Higher),
            items: Some(items),
            ..Request::default()
        };
        comparisons.push(compare(&runs, &request, None)?);
    }
    serde_json::to_writer(io::stdout().lock(), &comparisons)?;
    Ok(())
}

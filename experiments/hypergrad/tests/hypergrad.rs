//! The tasks that need no data, and the published runs where the digits can be had.

#[path = "hypergrad/published.rs"]
mod published;
#[path = "hypergrad/target.rs"]
mod target;

use experiment::{DataPaths, Device, Experiment, MemorySink, Run, RunContext, RunId};
use hypergrad::{Generator, Hypergrad, Params, Task};

fn run(task: Task) -> MemorySink {
    let mut sink = MemorySink::default();
    let (id, data) = (RunId::of("test"), DataPaths::default());
    let context = RunContext { id, seed: 3, threads: 1, device: Device::Cpu, data };
    let hypergrad = Hypergrad::<()>::new(Params { task, ..Params::default() }).unwrap();
    assert_eq!(hypergrad.data(), []);
    hypergrad.run(&mut Run::new(context, &mut sink)).unwrap();
    sink
}

#[test]
fn the_illustration_learns_a_better_schedule() {
    let sink = run(Task::Illustration);
    let found: Vec<f64> = sink.metrics.iter().map(|(_, _, value)| *value).collect();
    // What the authors' code found.
    for (found, wanted) in found.iter().zip([395.30, 356.57, 356.34]) {
        assert!((found - wanted).abs() < 0.006, "{found}, wanted {wanted}");
    }
    assert_eq!(found.len(), 3);
    assert_eq!(sink.tables["paths"].len(), 3 * 51);
}

/// Exact reversal works on any device, and finds the same.
#[test]
fn devices_agree() {
    let cpu = run(Task::Illustration);
    let reference = reference::device().scope(|| run(Task::Illustration));
    assert_eq!(cpu.metrics.len(), reference.metrics.len());
    for ((_, name, found), (_, _, wanted)) in cpu.metrics.iter().zip(&reference.metrics) {
        assert!((found - wanted).abs() <= 1e-6 * wanted.abs(), "{name}: {found}, {wanted}");
    }
}

#[test]
fn floats_do_not_find_the_way_back() {
    let sink = run(Task::Naive);
    let distance = sink.results["naive_distance"];
    assert!(distance > 1e-3, "restored to {distance}");
    assert_eq!(sink.tables["restored"].len(), 46);
    assert!(sink.artifacts.contains_key("naive.svg"));
}

#[test]
fn impossible_parameters_are_named() {
    let told = |params| Hypergrad::<()>::new(params).err().unwrap().to_string();
    let params = Params { task: Task::L2, examples: Some(40_000), ..Params::default() };
    assert_eq!(told(params), "examples: wanted 10 to 30000, found 40000");
    let params = Params { examples: Some(70_000), ..Params::default() };
    assert_eq!(told(params), "examples: wanted 10 to 60000, found 70000");
    let generator = Some(Generator::Numpy);
    let params = Params { task: Task::Omniglot, generator, ..Params::default() };
    assert_eq!(told(params), "generator: wanted chacha for this task, found numpy");
    let params = Params { batch: Some(300), examples: Some(200), ..Params::default() };
    assert_eq!(told(params), "batch: wanted at most as many as examples, found 300");
}

//! Tests that every task resumes exactly and that learning hyper-parameters lowers the objective.

use std::collections::BTreeSet;

use experiment::{DataPaths, Device, Error, MemorySink, Metric, Run, RunContext, RunId};

use crate::characters::Tasks;
use crate::digits::Parts;
use crate::{
    Params, Task, Trajectory, baseline, chaos, initial_gradient, metrics, penalties, preprocessing,
    prototypes, schedules, sharing,
};

type Learn = fn(&Params, &mut Run<'_>, &Parts) -> Result<(), Error>;

const TASKS: [(Task, Learn); 8] = [
    (Task::Schedules, schedules::run),
    (Task::Baseline, baseline::run),
    (Task::InitialGradient, initial_gradient::run),
    (Task::L2, penalties::run),
    (Task::Data, prototypes::run),
    (Task::Preprocessing, preprocessing::run),
    (Task::Chaos, chaos::run),
    (Task::Omniglot, |params, run, _| sharing::run(params, run, &Tasks::made_up())),
];

fn small(task: Task) -> Params {
    Params {
        task,
        meta_iterations: Some(3),
        meta_step: (task == Task::L2).then_some(1.0),
        steps: Some(if task == Task::Omniglot { 2 } else { 4 }),
        batch: Some(if task == Task::Data { 10 } else { 8 }),
        examples: Some(24),
        points: Some(4),
        ..Params::default()
    }
}

fn attempt(learn: Learn, params: &Params, sink: &mut MemorySink) -> Result<(), Error> {
    let context = RunContext {
        id: RunId::of("test"),
        seed: 3,
        threads: 1,
        device: Device::Cpu,
        data: DataPaths::default(),
    };
    learn(params, &mut Run::new(context, sink), &Parts::made_up(24))
}

fn straight(learn: Learn, params: &Params) -> MemorySink {
    let mut sink = MemorySink::default();
    attempt(learn, params, &mut sink).unwrap();
    let names = |metrics: Vec<Metric>| -> BTreeSet<String> {
        metrics.into_iter().map(|metric| metric.name.into_owned()).collect()
    };
    let recorded = sink.metrics.iter().map(|(_, metric, _)| metric.clone()).collect();
    assert_eq!(names(metrics::steps_of(params)), recorded, "{:?}", params.task);
    assert!(sink.results.keys().eq(&names(metrics::final_of(params))), "{:?}", params.task);
    sink
}

#[test]
fn a_run_that_was_stopped_ends_with_the_same_bits() {
    for (task, learn) in TASKS {
        let params = small(task);
        let whole = straight(learn, &params);
        let mut sink = MemorySink::default();
        for stops in 1.. {
            sink.stop_after_checkpoints = Some(stops);
            match attempt(learn, &params, &mut sink) {
                Err(Error::Interrupted) => assert!(sink.checkpoint.is_some()),
                ended => {
                    ended.unwrap();
                    break;
                }
            }
        }
        assert!(sink.checkpoints >= 3, "{task:?} was stopped {} times", sink.checkpoints);
        assert_eq!(sink.results, whole.results, "{task:?}");
        assert_eq!(sink.metrics, whole.metrics, "{task:?}");
        assert_eq!(sink.tables, whole.tables, "{task:?}");
        assert_eq!(sink.artifacts, whole.artifacts, "{task:?}");
    }
}

#[test]
fn every_way_back_gives_the_same_bits() {
    for (task, learn) in TASKS {
        let by = |trajectory| straight(learn, &Params { trajectory, ..small(task) });
        let reversed = by(Trajectory::Reversible);
        for other in [by(Trajectory::Tape), by(Trajectory::Checkpointed)] {
            assert_eq!(other.metrics, reversed.metrics, "{task:?}");
            assert_eq!(other.tables, reversed.tables, "{task:?}");
        }
    }
}

/// Every task on the processor and on the device of plain loops: they drift apart by rounding alone.
#[test]
fn devices_agree() {
    for (task, learn) in TASKS {
        let params = small(task);
        let cpu = straight(learn, &params);
        let reference = reference::device().scope(|| straight(learn, &params));
        assert!(!cpu.metrics.is_empty(), "{task:?}");
        assert_eq!(cpu.metrics.len(), reference.metrics.len(), "{task:?}");
        for ((step, name, found), (_, _, wanted)) in cpu.metrics.iter().zip(&reference.metrics) {
            let bound = 1e-4 * (1e-2 + wanted.abs());
            assert!(
                (found - wanted).abs() <= bound,
                "{task:?}: {name} at {step}: {found}, {wanted}"
            );
        }
    }
}

#[test]
fn learning_hyper_parameters_lowers_the_objective() {
    for (task, learn) in [TASKS[0], TASKS[4], TASKS[5]] {
        let params = Params { meta_iterations: Some(15), steps: Some(10), ..small(task) };
        let sink = straight(learn, &params);
        let (first, last) = (sink.results["initial_objective"], sink.results["objective"]);
        assert!(last < 0.9 * first, "{task:?}: {first} to {last}");
    }
}

#[test]
fn the_papers_curve_is_drawn_beside() {
    let sink = straight(schedules::run, &small(Task::Schedules));
    let picture = String::from_utf8(sink.artifacts["meta-curve.svg"].clone()).unwrap();
    let points = |line: &str| line.split('"').next().map(|points| points.split(' ').count());
    let curves: Vec<usize> = picture.split("points=\"").skip(1).filter_map(points).collect();
    // Fifty updates of the paper's below three of ours.
    assert_eq!(curves, [51, 4], "{picture}");
}

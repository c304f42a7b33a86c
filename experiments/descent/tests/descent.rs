//! The experiment through its contract.

use descent::{Descent, Function, Params};
use experiment::{DataPaths, Device, Error, Experiment, MemorySink, Run, RunContext, RunId};

fn run(params: &Params, sink: &mut MemorySink) -> Result<(), Error> {
    let context = RunContext {
        id: RunId::of("descent"),
        seed: 3,
        threads: 1,
        device: Device::Cpu,
        data: DataPaths::default(),
    };
    Descent::new(params.clone()).unwrap().run(&mut Run::new(context, sink))
}

#[test]
fn it_descends_to_the_minimum() {
    let mut sink = MemorySink::default();
    run(&Params { learning_rate: 0.1, momentum: 0.5, steps: 500, ..Params::default() }, &mut sink)
        .unwrap();
    assert!(sink.results["value"] < 1e-12, "{}", sink.results["value"]);
    assert_eq!(sink.metrics.len(), 50);
}

#[test]
fn an_interrupted_run_goes_on_bit_for_bit() {
    let params = Params {
        function: Function::Rosenbrock,
        learning_rate: 1e-3,
        noise: 0.1,
        ..Params::default()
    };
    let mut whole = MemorySink::default();
    run(&params, &mut whole).unwrap();
    let mut sink = MemorySink { stop_after_checkpoints: Some(7), ..MemorySink::default() };
    assert!(matches!(run(&params, &mut sink), Err(Error::Interrupted)));
    sink.stop_after_checkpoints = None;
    run(&params, &mut sink).unwrap();
    assert_eq!(sink.results, whole.results);
    assert_eq!(sink.metrics, whole.metrics);
}

#[test]
fn impossible_parameters_are_refused() {
    let refused = |params| Descent::new(params).unwrap_err().to_string();
    let text = refused(Params { momentum: 1.0, ..Params::default() });
    assert!(text.contains("momentum") && text.contains("found 1"), "{text}");
    assert!(refused(Params { dimension: 1, ..Params::default() }).contains("dimension"));
}

#[test]
fn a_rate_that_is_too_large_diverges() {
    let params = Params { learning_rate: 3.0, steps: 10_000, ..Params::default() };
    let error = run(&params, &mut MemorySink::default()).unwrap_err();
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
}

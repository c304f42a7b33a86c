//! Runs with an untrained network: whole, stopped and continued.

use experiment::{Device, MemorySink, RunContext, RunId};

use super::*;
use crate::leaves::leaves;

fn run(params: &Params, sink: &mut MemorySink) -> Result<(), Error> {
    let context = RunContext {
        id: RunId::of("style"),
        seed: 3,
        threads: 1,
        device: Device::Cpu,
        data: experiment::DataPaths::default(),
    };
    Style::new(params.clone())?.run(&mut Run::new(context, sink))
}

/// Parameters of a transfer at 32 pixels between pictures of the set, written to a folder.
fn small(folder: &Path) -> Params {
    let name = |at: usize| {
        let path = folder.join(format!("{at}.png"));
        std::fs::write(&path, leaves()[at].to_file(&path).unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    Params {
        content: name(0),
        style: vec![name(1), name(2)],
        weights: "untrained".into(),
        normalise: Normalise::None,
        content_layers: vec!["conv3_1".into()],
        style_layers: vec!["conv1_1".into(), "conv2_1".into()],
        size: 32,
        evaluations: 9,
        record_every: 2,
        ..Params::default()
    }
}

/// The same transfer on the processor and on the device of plain loops: they drift apart by rounding
/// alone.
#[test]
fn devices_agree() {
    let folder = tempfile::tempdir().unwrap();
    for (optimizer, recompute) in [(Optimizer::Lbfgs, true), (Optimizer::Adam, false)] {
        let params = Params {
            size: 16,
            evaluations: 4,
            record_every: 1,
            content_layers: vec!["conv2_2".into()],
            optimizer,
            recompute,
            ..small(folder.path())
        };
        let made = || {
            let mut sink = MemorySink::default();
            run(&params, &mut sink).unwrap();
            sink.metrics
        };
        let (cpu, plain) = (made(), reference::device().scope(made));
        assert_eq!((cpu.len(), plain.len()), (12, 12));
        for ((step, name, found), (_, _, wanted)) in cpu.iter().zip(&plain) {
            let off = (found - wanted).abs();
            assert!(off <= 1e-3 * wanted.abs(), "{name} at {step}: {found}, {wanted}");
        }
    }
}

#[test]
fn a_run_that_is_stopped_after_every_step_leaves_the_same_picture() {
    let folder = tempfile::tempdir().unwrap();
    for optimizer in [Optimizer::Lbfgs, Optimizer::Adam] {
        let params = Params { scales: 2, optimizer, ..small(folder.path()) };
        let mut whole = MemorySink::default();
        run(&params, &mut whole).unwrap();
        let mut parts = MemorySink::default();
        for stops in 1..=20 {
            parts.stop_after_checkpoints = Some(stops);
            match run(&params, &mut parts) {
                Ok(()) => break,
                Err(Error::Interrupted) => {}
                Err(error) => panic!("{}", error.chain()),
            }
        }
        assert!(parts.checkpoints >= 8, "{} checkpoints", parts.checkpoints);
        assert_eq!(whole.results, parts.results);
        assert_eq!(whole.metrics, parts.metrics);
        assert!(whole.artifacts["picture.png"] == parts.artifacts["picture.png"]);
        assert_eq!(whole.results["evaluations"], 9.0);
    }
}

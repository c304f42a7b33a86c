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

#[test]
fn a_run_that_is_stopped_after_every_step_leaves_the_same_picture() {
    let folder = tempfile::tempdir().unwrap();
    let name = |at: usize| {
        let path = folder.path().join(format!("{at}.png"));
        std::fs::write(&path, leaves()[at].to_file(&path).unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for optimizer in [Optimizer::Lbfgs, Optimizer::Adam] {
        let params = Params {
            content: name(0),
            style: vec![name(1), name(2)],
            weights: "untrained".into(),
            content_layers: vec!["conv3_1".into()],
            style_layers: vec!["conv1_1".into(), "conv2_1".into()],
            size: 32,
            scales: 2,
            optimizer,
            evaluations: 9,
            record_every: 2,
            ..Params::default()
        };
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

//! Short runs of the papers on the device and on the processor: they drift apart by rounding alone.

#[expect(dead_code, reason = "the tests of the device itself use all of it")]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use autodiff::{Buffer, DType, Graph};
use cuda::Limits;
use experiment::{DataPaths, Device, Experiment, MemorySink, Run, RunContext, RunId};
use proptest::prelude::*;
use rank_pooling::operation::{Inverse, Labels, RankPool};
use tempfile::TempDir;

use support::recording::{Call, Recording};
use support::{agree, floats};

/// What a run recorded, step by step, and its results.
fn recorded<E: Experiment>(params: E::Params) -> MemorySink {
    let mut sink = MemorySink::default();
    let (id, data) = (RunId::of("test"), DataPaths::default());
    let context = RunContext { id, seed: 3, threads: 1, device: Device::Cpu, data };
    E::new(params).unwrap().run(&mut Run::new(context, &mut sink)).unwrap();
    sink
}

/// Compares what runs record; shares of right answers jump by questions.
fn compare<E: Experiment>(params: E::Params, bound: f64)
where
    E::Params: Clone,
{
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let name = format!("{} {}", E::NAME, NUMBER.fetch_add(1, Ordering::Relaxed)).leak();
    let recording = Recording::default();
    let device = cuda::device(name, Box::new(recording.clone()), Limits::default());
    let wanted = recorded::<E>(params.clone());
    let found = device.scope(|| recorded::<E>(params));
    check(&recording.calls());
    assert!(!wanted.metrics.is_empty());
    assert_eq!(found.metrics.len(), wanted.metrics.len());
    for ((step, name, found), (_, _, wanted)) in found.metrics.iter().zip(&wanted.metrics) {
        let jumps = name.contains("accuracy") || name.contains("bleu");
        let bound = if jumps { 2.0 } else { bound * (1.0 + wanted.abs()) };
        assert!((found - wanted).abs() <= bound, "{name} at {step}: {found}, {wanted}");
    }
}

/// That most steps are one command, in which nothing is copied to or from the host or waited for.
fn check(calls: &[Call]) {
    let count = |wanted: &Call| calls.iter().filter(|call| *call == wanted).count();
    let (replays, captures) = (count(&Call::Replay), count(&Call::BeginCapture));
    assert!(captures > 0 && replays > 2 * captures, "{replays} replays of {captures} recordings");
    let mut inside = false;
    for call in calls {
        match call {
            Call::BeginCapture => inside = true,
            Call::EndCapture => inside = false,
            Call::Launch(_) | Call::Product | Call::Zero | Call::Copy => {}
            call => assert!(!inside, "{call:?} in a step"),
        }
    }
}

#[test]
fn dialog() {
    for (regime, learner) in [(2, dialog::Learner::Rbi), (7, dialog::Learner::RbiFp)] {
        let params = dialog::Params { regime, learner, epochs: Some(1), ..Default::default() };
        compare::<dialog::Dialog>(params, 1e-3);
    }
}

#[test]
fn hypergrad() {
    let task = hypergrad::Task::Illustration;
    compare::<hypergrad::Hypergrad<()>>(hypergrad::Params { task, ..Default::default() }, 1e-6);
}

#[test]
fn raml() {
    let params = raml::Params { pairs: Some(200), units: 16, embedding: 16, ..Default::default() };
    compare::<raml::Raml>(raml::Params { epochs: 1, beam: 2, ..params }, 1e-3);
}

#[test]
fn rank_pooling() {
    let params = rank_pooling::Params { films: 24, test_films: 12, side: 16, ..Default::default() };
    let params = rank_pooling::Params { frames: [8, 10], width: 32, epochs: 1, ..params };
    compare::<rank_pooling::RankPooling>(params, 1e-3);
}

/// A picture of waves, other ones for each number.
fn picture(folder: &TempDir, number: usize) -> String {
    const SIDE: usize = 20;
    let path = folder.path().join(format!("{number}.png"));
    let file = std::fs::File::create(&path).unwrap();
    let mut encoder = png::Encoder::new(file, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Rgb);
    let wave = |at: usize| {
        let (channel, column, row) = (at % 3, at / 3 % SIDE, at / 3 / SIDE);
        let turn = (number + 1) * (column + channel) + (number + 2) * row;
        (127.0 * (1.0 + (turn as f64 / 5.0).sin())) as u8
    };
    let bytes: Vec<u8> = (0..3 * SIDE * SIDE).map(wave).collect();
    encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn style() {
    let folder = tempfile::tempdir().unwrap();
    let params = style::Params {
        content: picture(&folder, 0),
        style: vec![picture(&folder, 1)],
        weights: "untrained".into(),
        normalise: style::Normalise::None,
        content_layers: vec!["conv2_2".into()],
        style_layers: vec!["conv1_1".into(), "conv2_1".into()],
        size: 16,
        evaluations: 4,
        record_every: 1,
        ..Default::default()
    };
    compare::<style::Style>(params, 1e-3);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4) })]

    /// The operation of rank pooling and its gradient, which have no kernels of their own.
    #[test]
    fn pooled_by_rank(clips in 1usize..4, frames in 2usize..7, width in 1usize..9, seed in 0usize..99) {
        let pool = RankPool {
            cost: 1.0,
            epsilon: 0.1,
            labels: Labels::Frames,
            inverse: Inverse::Exact,
        };
        let numbers = |seed: usize, len: usize| -> Vec<f64> {
            (0..len).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f64 / 504.5 - 1.0).collect()
        };
        let graph = Graph::new(DType::F64);
        let x = graph.input("frames", &[clips, frames, width]);
        let lengths = graph.index_input("lengths", &[clips]);
        let u = pool.pool(x, lengths).unwrap();
        let gradient = graph.grad(u.square().sum_all(), &[x]).unwrap()[0];
        let len = |clip: usize| 2 + ((seed + clip) % (frames - 1)) as u32;
        let lengths: Vec<u32> = (0..clips).map(len).collect();
        let given = [
            floats(&numbers(seed, clips * frames * width), DType::F64),
            Buffer::from_slice(autodiff::Device::cpu(), &lengths).unwrap(),
        ];
        agree("rank_pool", &graph, &[u, gradient], &given);
    }
}

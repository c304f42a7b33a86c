//! The paper's claim as small seeded runs on films whose classes differ in the order of frames alone, and
//! the held defaults.

mod films;
#[path = "../../../../datasets/tests/datasets/mirror.rs"]
mod mirror;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use experiment::{
    DataPaths, Device, Entry, Error, Experiment, MemorySink, Metric, Needed, NeededRun, Run,
    RunContext, RunId,
};
use mirror::mirror;
use rank_pooling::operation::Inverse;
use rank_pooling::pool::{Directions, Pooling, Rank};
use rank_pooling::{Architecture, Choices, Data, Params, RankPooling, Training};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Films small and few enough for a test.
fn small() -> Params {
    let rank = Rank { directions: Directions::Forward, ..Rank::default() };
    let sizes =
        Params { films: 120, test_films: 60, side: 16, frames: [8, 10], ..Params::default() };
    Params { rank, noise: 0.05, width: 32, epochs: 10, ..sizes }
}

fn context() -> RunContext {
    let (id, data) = (RunId::of("test"), DataPaths::default());
    RunContext { id, seed: 1, threads: 1, device: Device::Cpu, data }
}

fn run(params: Params) -> MemorySink {
    run_in(params, context())
}

fn run_in(params: Params, context: RunContext) -> MemorySink {
    let mut sink = MemorySink::default();
    let experiment = RankPooling::new(params).unwrap();
    experiment.run(&mut Run::new(context, &mut sink)).unwrap();
    let names = |metrics: Vec<Metric>| -> BTreeSet<String> {
        metrics.into_iter().map(|metric| metric.name.into_owned()).collect()
    };
    assert!(sink.results.keys().eq(&names(experiment.metrics())), "{:?}", sink.results);
    let recorded = sink.metrics.iter().map(|(_, metric, _)| metric.clone()).collect();
    assert_eq!(names(experiment.step_metrics()), recorded);
    sink
}

fn accuracy(params: Params) -> f64 {
    run(params).results["test_accuracy"]
}

#[test]
fn the_defaults_are_held() {
    // A changed default changes what old configurations mean: raise RankPooling::VERSION with it.
    let held = format!(
        "{} v{}\n{:#}",
        RankPooling::NAME,
        RankPooling::VERSION,
        Entry::of::<RankPooling>().defaults()
    );
    insta::assert_snapshot!(held);
}

#[test]
fn rank_pooling_learns_the_order_through_its_argmin() {
    for inverse in [Inverse::Exact, Inverse::Diagonal, Inverse::RankOne] {
        let rank = Rank { inverse, ..small().rank };
        let found = accuracy(Params { rank, ..small() });
        assert!(found >= 75.0, "{inverse:?}: {found}");
    }
}

/// A film and its reversal are the same to a pool that is blind to order, which is therefore wrong about
/// one of them.
#[test]
fn pools_that_are_blind_to_order_answer_twins_alike() {
    for (pooling, training) in [
        (Pooling::Average, Training::EndToEnd),
        (Pooling::Max, Training::EndToEnd),
        (Pooling::Average, Training::Frozen),
        (Pooling::ScoreSum, Training::Frame),
    ] {
        let sink = run(Params { pooling, training, ..small() });
        let rows = &sink.tables["clips"];
        assert_eq!(rows.len(), 120);
        let answer = |name: String| -> &Value {
            &rows.iter().find(|row| row["clip"] == *name).unwrap()["predicted"]
        };
        for film in 0..60 {
            assert_eq!(answer(format!("film-{film}")), answer(format!("twin-{film}")));
        }
        assert!(sink.results["test_accuracy"] <= 50.0);
        assert_eq!(sink.artifacts.contains_key("fold-0.safetensors"), training == Training::Frame);
    }
}

#[test]
fn every_pool_that_knows_order_runs_and_tells_of_each_clip() {
    for pooling in [Pooling::ApproximateRank, Pooling::Last, Pooling::Lstm, Pooling::Rank] {
        let rank = Rank { directions: Directions::Both, running_mean: true, ..Rank::default() };
        let sink = run(Params { pooling, rank, epochs: 1, ..small() });
        let right = |row: &&Value| row["correct"] == true;
        let right = sink.tables["clips"].iter().filter(right).count();
        assert!((sink.results["test_accuracy"] - right as f64 / 1.2).abs() < 1e-9);
        let count = |row: &Value| row["count"].as_u64().unwrap();
        assert_eq!(sink.tables["confusion"].iter().map(count).sum::<u64>(), 120);
        assert_eq!((sink.tables["classes"].len(), sink.tables["groups"].len()), (6, 60));
    }
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_numbers() {
    let params = Params { epochs: 2, films: 24, test_films: 12, ..small() };
    let whole = run(params.clone());
    let experiment = RankPooling::new(params).unwrap();
    let mut sink = MemorySink { stop_after_checkpoints: Some(2), ..MemorySink::default() };
    let stopped = experiment.run(&mut Run::new(context(), &mut sink));
    assert!(matches!(stopped, Err(Error::Interrupted)));
    sink.stop_after_checkpoints = None;
    experiment.run(&mut Run::new(context(), &mut sink)).unwrap();
    assert_eq!(sink.results, whole.results);
    assert_eq!(sink.metrics, whole.metrics);
}

/// A network that was trained on frames, as another run finds it.
fn kept(sink: &MemorySink, folder: &Path) -> Needed {
    let mut artifacts = BTreeMap::new();
    for (name, bytes) in &sink.artifacts {
        fs::write(folder.join(name), bytes).unwrap();
        let sum = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        artifacts.insert(name.clone(), sum);
    }
    let about = NeededRun {
        run: RunId::of("frames"),
        experiment: RankPooling::NAME.into(),
        params: Value::Null,
        seed: 1,
        results: sink.results.clone(),
        artifacts,
    };
    Needed::new("frames", about, folder.into(), Arc::new(|| Ok(Vec::new())))
}

#[test]
fn features_of_a_network_trained_on_frames_are_pooled_by_settings_of_the_training_clips() {
    let (pooling, training) = (Pooling::ScoreSum, Training::Frame);
    let frames = run(Params { pooling, training, ..small() });
    let folder = tempfile::tempdir().unwrap();
    let choices = Choices { c: vec![0.01, 1.0], signed_root: vec![false], ..Choices::default() };
    let (encoder, choose) = (Some("frames".into()), Some(choices));
    let experiment = RankPooling::new(Params { training, encoder, choose, ..small() }).unwrap();
    assert_eq!(experiment.needs()[0].name, "frames");
    let mut sink = MemorySink::default();
    let needed = [("frames".to_owned(), kept(&frames, folder.path()))].into();
    experiment.run(&mut Run::new(context(), &mut sink).with_needed(needed)).unwrap();
    // Frames alone tell three pairs of classes apart, their order tells more.
    assert!(sink.results["test_accuracy"] > 50.0, "{:?}", sink.results);
    let rows = &sink.tables["choices"];
    let accuracy = |row: &Value| row["accuracy"].as_f64().unwrap();
    let chosen: Vec<&Value> = rows.iter().filter(|row| row["chosen"] == true).collect();
    assert_eq!((rows.len(), chosen.len()), (4, 1));
    assert!(rows.iter().all(|row| accuracy(row) <= accuracy(chosen[0])));
}

#[test]
fn people_are_left_out_one_by_one() {
    let Some(mirror) = mirror("people_are_left_out_one_by_one") else { return };
    let cache = tempfile::tempdir().unwrap();
    let data = DataPaths { cache: cache.path().into(), mirror: Some(mirror), offline: true };
    let (training, pooling) = (Training::Frozen, Pooling::Average);
    let params = Params { data: Data::Weizmann, training, pooling, ..Params::default() };
    let mut sink = MemorySink::default();
    let context = RunContext { data, ..context() };
    RankPooling::new(params).unwrap().run(&mut Run::new(context, &mut sink)).unwrap();
    assert_eq!((sink.tables["clips"].len(), sink.tables["groups"].len()), (93, 9));
    let accuracy = sink.results["test_accuracy"];
    assert!(accuracy > 25.0, "{accuracy} of ten actions");
}

/// A short run on the processor and on the device of plain loops, where rank pooling is another method.
#[test]
fn devices_agree() {
    let rank = Rank { running_mean: true, signed_root: true, ..Rank::default() };
    for (pooling, rank) in [(Pooling::Rank, rank), (Pooling::ApproximateRank, Rank::default())] {
        let few = Params { films: 12, test_films: 6, frames: [4, 6], width: 8, ..small() };
        // Small steps: those of AdamW begin with the signs of the gradient, which rounding may turn.
        let params = Params { pooling, rank, epochs: 1, batch: 4, learning_rate: 1e-5, ..few };
        let cpu = run(params.clone());
        let reference = reference::device().scope(|| run(params));
        assert!(!cpu.metrics.is_empty());
        assert_eq!(cpu.metrics.len(), reference.metrics.len());
        for ((step, name, found), (_, _, wanted)) in cpu.metrics.iter().zip(&reference.metrics) {
            // Percentages jump by films.
            let bound = if name.contains("accuracy") { 9.0 } else { 2e-3 * (1.0 + wanted.abs()) };
            assert!((found - wanted).abs() <= bound, "{name} at {step}: {found}, {wanted}");
        }
    }
}

#[test]
fn small_constants_are_more_stable() {
    let changes = |c| {
        let (training, rank) = (Training::Stability, Rank { c, ..small().rank });
        let sink = run(Params { training, rank, ..small() });
        assert_eq!(sink.tables["changes"].len(), 120);
        [sink.results["dropped_change"], sink.results["jittered_change"]]
    };
    let [low, high] = [0.001, 1000.0].map(changes);
    assert!(low[0] < high[0] && low[1] < high[1], "{low:?} {high:?}");
    assert!(low[0] > 0.0 && low[1] > 0.0);
}

#[test]
fn parameters_that_change_nothing_do_not_tell_runs_apart() {
    let same = |a: &Params, b: &Params| RankPooling::identity(a) == RankPooling::identity(b);
    let average = Params { pooling: Pooling::Average, ..small() };
    let choose = Some(Choices::default());
    let rank = Rank { c: 7.0, ..Rank::default() };
    assert!(same(
        &average,
        &Params { rank, choose: choose.clone(), svm_c: 3.0, ..average.clone() }
    ));
    assert!(!same(&small(), &Params { choose, ..small() }));
    let frozen = Params { training: Training::Frozen, ..small() };
    let rank = Rank { inverse: Inverse::Diagonal, ..frozen.rank };
    assert!(same(&frozen, &Params { rank, epochs: 1, ..frozen.clone() }));
    assert!(!same(&frozen, &Params { svm_c: 3.0, ..frozen.clone() }));
    assert!(!same(&small(), &Params { rank, ..small() }));
}

#[test]
fn impossible_parameters_are_named() {
    let told = |params| RankPooling::new(params).err().unwrap().to_string();
    let rank = Rank { c: 0.0, ..Rank::default() };
    assert_eq!(told(Params { rank, ..small() }), "rank.c: wanted above 0, found 0");
    let (pooling, training) = (Pooling::Lstm, Training::Frozen);
    let wanted = "pooling: wanted not lstm unless training is end_to_end, found \"lstm\"";
    assert_eq!(told(Params { pooling, training, ..small() }), wanted);
    let params = Params { pooling: Pooling::ScoreSum, ..small() };
    let wanted = "pooling: wanted not score_sum unless training is frame, found \"score_sum\"";
    assert_eq!(told(params), wanted);
    let network = Architecture::Vgg16;
    let wanted = "network: wanted small unless frames have colours (ucf_sports, hollywood2, order_only \
                  with colour: true), found \"vgg16\"";
    assert_eq!(told(Params { network, ..small() }), wanted);
    let params = Params { training: Training::Frame, ..small() };
    let wanted = "encoder: wanted the name of a run under `needs`, with training frame, found null";
    assert_eq!(told(params), wanted);
}

//! The paper's claims as small seeded runs on generated stories, and the held defaults.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use autodiff::DType;
use dialog::{Dialog, Learner, Params};
use experiment::{
    DataPaths, Device, Entry, Experiment, MemorySink, Run, RunContext, RunId, ToolContext,
};
use learn::{Batch, Objective, Optimizer, Stepper};

fn run(params: Params, seed: u64) -> MemorySink {
    run_with(params, seed, DataPaths::default())
}

fn run_with(params: Params, seed: u64, data: DataPaths) -> MemorySink {
    let mut sink = MemorySink::default();
    let context = RunContext { id: RunId::of("test"), seed, threads: 1, device: Device::Cpu, data };
    let dialog = Dialog::new(params).unwrap();
    dialog.run(&mut Run::new(context, &mut sink)).unwrap();
    sink
}

fn accuracy(regime: u8, learner: Learner) -> f64 {
    let params = Params { regime, learner, ..Params::default() };
    let seeds = [0, 1, 2];
    let total: f64 =
        seeds.iter().map(|&seed| run(params.clone(), seed).results["test_accuracy"]).sum();
    total / 3.0
}

#[test]
fn the_defaults_are_held() {
    // A changed default changes what old configurations mean: raise Dialog::VERSION with it.
    let held =
        format!("{} v{}\n{:#}", Dialog::NAME, Dialog::VERSION, Entry::of::<Dialog>().defaults());
    insta::assert_snapshot!(held);
}

#[test]
fn imitating_an_expert_learns_the_task() {
    assert!(accuracy(1, Learner::Imitation) >= 99.0);
}

#[test]
fn rewards_teach_what_imitating_mistakes_does_not() {
    let (rbi, imitation) = (accuracy(2, Learner::Rbi), accuracy(2, Learner::Imitation));
    assert!(rbi >= 97.0, "{rbi}");
    assert!(imitation <= 92.0, "{imitation}");
}

#[test]
fn without_rewards_only_forward_prediction_learns() {
    let (fp, rbi) = (accuracy(7, Learner::Fp), accuracy(7, Learner::Rbi));
    assert!(fp >= 97.0, "{fp}");
    assert!(rbi <= 40.0, "{rbi}");
}

#[test]
fn every_regime_and_learner_runs_and_reports_each_question() {
    for regime in 1..=10 {
        for learner in [Learner::Imitation, Learner::Rbi, Learner::Fp, Learner::RbiFp] {
            let sink = run(Params { regime, learner, epochs: Some(1), ..Params::default() }, 0);
            assert_eq!(sink.tables["answers"].len(), 1000);
            let right = sink.tables["answers"].iter().filter(|row| row["correct"] == true).count();
            assert_eq!(sink.results["test_accuracy"], right as f64 / 10.0);
        }
    }
}

/// The mirror of real files, for `test`; where there is none, the test is noted as skipped.
fn mirror(test: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let mirror = env::var_os("REGIMEN_MIRROR").map_or(beside, PathBuf::from);
    if mirror.is_dir() {
        return Some(mirror);
    }
    let required = env::var_os("REGIMEN_REQUIRE_MIRROR").is_some_and(|value| value == "1");
    assert!(!required, "{test}: no mirror at {}", mirror.display());
    if let Some(list) = env::var_os("REGIMEN_SKIPPED") {
        let mut list = OpenOptions::new().create(true).append(true).open(list).unwrap();
        list.write_all(format!("skipped: {test}: no mirror\n").as_bytes()).unwrap();
    }
    None
}

#[test]
fn one_epoch_of_supplied_answers_teaches_some_of_the_movies() {
    let Some(mirror) = mirror("one_epoch_of_supplied_answers_teaches_some_of_the_movies") else {
        return;
    };
    let cache = tempfile::tempdir().unwrap();
    let data = DataPaths { cache: cache.path().into(), mirror: Some(mirror), offline: true };
    let params = Params {
        data: dialog::Data::MovieQa,
        regime: 7,
        learner: Learner::Fp,
        dimension: 50,
        hops: Some(3),
        learning_rate: 0.05,
        epochs: Some(1),
        ..Params::default()
    };
    let sink = run_with(params, 0, data);
    for table in ["answers", "selected_answers"] {
        let rows = &sink.tables[table];
        assert_eq!(rows.len(), 9952);
        let right = rows.iter().filter(|row| row["correct"] == true).count();
        assert_eq!(sink.results["test_accuracy"], 100.0 * right as f64 / 9952.0);
    }
    assert!(sink.results["test_accuracy"] >= 25.0, "{}", sink.results["test_accuracy"]);
}

#[test]
fn the_objective_is_offered_to_whoever_tunes_it() {
    let bound = Entry::of::<Dialog>().bind_json(&serde_json::json!({"learner": "fp", "regime": 3}));
    let mut sink = MemorySink::default();
    let context = RunContext {
        id: RunId::of("test"),
        seed: 0,
        threads: 1,
        device: Device::Cpu,
        data: DataPaths::default(),
    };
    let mut run = Run::new(context, &mut sink);
    let hook = bound.unwrap().objective(&mut run).unwrap().unwrap();
    let objective = hook.downcast::<Box<dyn Objective>>().unwrap();
    let (init, batches) = (run.stream("init"), run.stream("batches"));
    let mut stepper =
        Stepper::new(objective.as_ref().as_ref(), Optimizer::default(), None, DType::F32, &init)
            .unwrap();
    let mut batch = Batch::new(objective.inputs());
    objective.fill(&batches, 0, &mut batch);
    let loss = stepper.step(0, 0.01, &batch).unwrap().loss;
    // 32 questions, six candidate replies each, and embeddings near zero.
    assert!((loss / 32.0 - 6.0_f64.ln()).abs() < 0.2, "{loss}");
}

#[test]
fn a_stored_model_answers_questions() {
    let params = Params { learner: Learner::Imitation, keep_model: true, ..Params::default() };
    let sink = run(params, 0);
    let artifacts = tempfile::tempdir().unwrap();
    let folder = artifacts.path().join("0123abcd");
    std::fs::create_dir(&folder).unwrap();
    for (name, bytes) in &sink.artifacts {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let mut input = "Mary went to the garden.\nJohn moved to the office.\nWhere is Mary?\n\
        Where is the zebra?\n\nJohn went to the kitchen.\nMary went to the hallway.\n\
        Where is John?\n"
        .as_bytes();
    let mut output = Vec::new();
    let mut context = ToolContext {
        input: &mut input,
        output: &mut output,
        data: DataPaths::default(),
        artifacts: artifacts.path().into(),
    };
    let tools = Dialog::tools();
    let ask = tools.iter().find(|tool| tool.name == "ask").unwrap();
    ask.run(serde_json::json!({"run": "0123"}), &mut context).unwrap();
    let said = String::from_utf8(output).unwrap();
    assert_eq!(said, "garden\n? not understood: the model never saw the word \"zebra\"\nkitchen\n");
}

#[test]
fn impossible_parameters_are_named() {
    let refused = |params| Dialog::new(params).unwrap_err().to_string();
    let default = Params::default;
    assert_eq!(refused(Params { regime: 11, ..default() }), "regime: wanted 1 to 10, found 11");
    assert_eq!(
        refused(Params { policy_accuracy: f64::NAN, ..default() }),
        "policy_accuracy: wanted a probability, found NaN"
    );
    assert_eq!(
        refused(Params { data: dialog::Data::Released, policy_accuracy: 0.2, ..default() }),
        "policy_accuracy: wanted 0.5, 0.1 or 0.01 for released data, found 0.2"
    );
    assert_eq!(
        refused(Params { epochs: Some(0), ..default() }),
        "epochs: wanted 1 or more, found 0"
    );
    let movieqa = |movieqa| Params { data: dialog::Data::MovieQa, movieqa, ..default() };
    let sizes = dialog::MovieQa::default;
    assert_eq!(
        refused(movieqa(dialog::MovieQa { candidates: 351, ..sizes() })),
        "movieqa.candidates: wanted at least 352, a given and the retrieved ones for each of a \
         batch, found 351"
    );
    assert_eq!(
        refused(movieqa(dialog::MovieQa { replies: 31, ..sizes() })),
        "movieqa.replies: wanted at least 32, one a question, found 31"
    );
}

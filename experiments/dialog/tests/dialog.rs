//! The paper's claims as small seeded runs on generated stories, and the held defaults.

use autodiff::DType;
use dialog::{Dialog, Learner, Params};
use experiment::{
    DataPaths, Device, Entry, Experiment, MemorySink, Run, RunContext, RunId, ToolContext,
};
use learn::{Batch, Objective, Optimizer, Stepper};

fn run(params: Params, seed: u64) -> MemorySink {
    let mut sink = MemorySink::default();
    let context = RunContext {
        id: RunId::of("test"),
        seed,
        threads: 1,
        device: Device::Cpu,
        data: DataPaths::default(),
    };
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
    assert_eq!(said, "garden\n? checkpoint: the model never saw the word \"zebra\"\nkitchen\n");
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
}

//! The paper's claims as small seeded runs on generated stories, and the held defaults.

#[path = "../../../datasets/tests/datasets/mirror.rs"]
mod mirror;

use std::collections::BTreeSet;

use autodiff::DType;
use datasets::babi_dialog::POSITIVE;
use dialog::{Corrections, Dialog, Disguise, Learner, Online, Params};
use experiment::{
    DataPaths, Device, Entry, Experiment, MemoryHost, MemorySink, Metric, Run, RunContext, RunId,
    ToolContext,
};
use learn::{Batch, Groups, Objective, Optimizer, Stepper};
use mirror::mirror;

fn run(params: Params, seed: u64) -> MemorySink {
    run_with(params, seed, DataPaths::default())
}

fn run_with(params: Params, seed: u64, data: DataPaths) -> MemorySink {
    let mut sink = MemorySink::default();
    let context = RunContext { id: RunId::of("test"), seed, threads: 1, device: Device::Cpu, data };
    let dialog = Dialog::new(params).unwrap();
    dialog.run(&mut Run::new(context, &mut sink)).unwrap();
    let names = |metrics: Vec<Metric>| -> BTreeSet<String> {
        metrics.into_iter().map(|metric| metric.name.into_owned()).collect()
    };
    assert!(sink.results.keys().eq(&names(dialog.metrics())), "{:?}", sink.results);
    let recorded = sink.metrics.iter().map(|(_, metric, _)| metric.clone()).collect();
    assert_eq!(names(dialog.step_metrics()), recorded);
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

/// A short run on the processor and on the device of plain loops: training in f32 drifts apart by
/// rounding alone.
#[test]
fn devices_agree() {
    for (regime, learner) in [(1, Learner::Imitation), (2, Learner::Rbi), (7, Learner::RbiFp)] {
        let params = Params { regime, learner, epochs: Some(1), ..Params::default() };
        let cpu = run(params.clone(), 0);
        let reference = reference::device().scope(|| run(params, 0));
        assert!(!cpu.metrics.is_empty());
        assert_eq!(cpu.metrics.len(), reference.metrics.len());
        for ((step, name, found), (_, _, wanted)) in cpu.metrics.iter().zip(&reference.metrics) {
            // Percentages jump by questions.
            let bound = if name.contains("accuracy") { 2.0 } else { 1e-3 * (1.0 + wanted.abs()) };
            assert!((found - wanted).abs() <= bound, "{name} at {step}: {found}, {wanted}");
        }
        let accuracy = |sink: &MemorySink| sink.results["test_accuracy"];
        assert!((accuracy(&cpu) - accuracy(&reference)).abs() <= 2.0);
    }
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
    let mut stepper = Stepper::new(
        objective.as_ref().as_ref(),
        Optimizer::default(),
        &Groups::default(),
        None,
        DType::F32,
        &init,
    )
    .unwrap();
    let mut batch = Batch::of(&**objective, DType::F32).unwrap();
    batch.fill(&**objective, &batches, 0).unwrap();
    let loss = stepper.step(0, 0.01, &mut batch).unwrap().loss;
    // 32 questions, six candidate replies each, and embeddings near zero.
    assert!((loss / 32.0 - 6.0_f64.ln()).abs() < 0.2, "{loss}");
}

/// A model that learns from its own answers without rewards.
fn online(epsilon: f64, every: u64) -> Params {
    Params {
        regime: 7,
        learner: Learner::Fp,
        policy_accuracy: 0.01,
        online: Some(Online { epsilon, every }),
        ..Params::default()
    }
}

fn curve(sink: &MemorySink, metric: &str) -> Vec<f64> {
    sink.metrics.iter().filter(|m| m.1 == metric).map(|m| m.2).collect()
}

#[test]
fn a_model_that_learns_from_its_own_answers_answers_better_and_better() {
    let sink = run(online(0.5, 1), 0);
    let student = curve(&sink, "student_accuracy");
    assert_eq!(student.len(), 60);
    assert!(student[0] < 50.0, "{student:?}");
    // Half of the answers are drawn from six places.
    let last = student[59];
    assert!((54.0..=63.0).contains(&last), "{last}");
    assert!(sink.results["test_accuracy"] >= 97.0, "{:?}", sink.results);
}

#[test]
fn a_student_answers_anew_every_so_many_epochs() {
    let student = curve(&run(Params { epochs: Some(7), ..online(0.5, 3) }, 0), "student_accuracy");
    assert_eq!(student[0], student[1]);
    assert_ne!(student[1], student[2]);
    assert_eq!(student[2], student[4]);
    assert_ne!(student[4], student[5]);
}

#[test]
fn learning_from_own_answers_goes_on_where_it_stopped() {
    let attempt = |sink: &mut MemorySink| {
        let data = DataPaths::default();
        let context =
            RunContext { id: RunId::of("test"), seed: 4, threads: 1, device: Device::Cpu, data };
        let params = Params { regime: 10, epochs: Some(4), ..online(0.2, 1) };
        Dialog::new(params).unwrap().run(&mut Run::new(context, sink))
    };
    let mut whole = MemorySink::default();
    attempt(&mut whole).unwrap();
    for stop in [7, 31, 80] {
        let mut first = MemorySink { stop_after_checkpoints: Some(stop), ..MemorySink::default() };
        attempt(&mut first).unwrap_err();
        let mut second =
            MemorySink { checkpoint: first.checkpoint.take(), ..MemorySink::default() };
        attempt(&mut second).unwrap();
        assert_eq!(second.results, whole.results, "stopped at {stop}");
        let metrics: Vec<_> = first.metrics.into_iter().chain(second.metrics).collect();
        assert_eq!(metrics, whole.metrics, "stopped at {stop}");
    }
}

#[test]
fn predicting_the_help_solves_the_regimes_where_one_asks_for_it() {
    for regime in [9, 10] {
        let params = |corrections| Params {
            regime,
            policy_accuracy: 0.01,
            learner: Learner::Fp,
            corrections,
            ..Params::default()
        };
        for corrections in [Corrections::Help, Corrections::Both] {
            let right = run(params(corrections), 0).results["test_accuracy"];
            assert!(right >= 95.0, "{regime} {corrections:?}: {right}");
        }
    }
}

#[test]
fn replies_teach_by_what_they_are_said_to() {
    let run = |replies| {
        let params = Params {
            regime: 7,
            learner: Learner::Fp,
            replies,
            record_belief: true,
            ..Params::default()
        };
        run(params, 0)
    };
    let accuracy = |sink: &MemorySink| sink.results["test_accuracy"];
    let said = run(Disguise::AsSaid);
    let belief = curve(&said, "true_answer_probability");
    assert_eq!(belief.len(), 60);
    // Six places, and embeddings near zero after one epoch.
    assert!((0.1..0.4).contains(&belief[0]) && belief[59] > 0.75, "{belief:?}");
    assert!(accuracy(&run(Disguise::Swapped)) >= 95.0);
    let shuffled = run(Disguise::Shuffled);
    assert!(accuracy(&shuffled) < 50.0);
    assert!(shuffled.results["true_answer_probability"] < 0.5);
}

#[test]
fn fewer_stories_teach_less() {
    let accuracy = |stories| {
        let params = Params {
            regime: 7,
            learner: Learner::Fp,
            stories: Some(stories),
            epochs: Some(1860 / (5 * stories as u64 / 32).max(1)),
            ..Params::default()
        };
        run(params, 0).results["test_accuracy"]
    };
    let (few, many) = (accuracy(10), accuracy(200));
    assert!(few + 10.0 < many, "{few} {many}");
}

/// What `regimen dialog ask` prints about a model that learned by `learner` from supplied answers.
fn asked(learner: Learner, text: &str) -> String {
    let params = Params { learner, regime: 3, keep_model: true, ..Params::default() };
    let sink = run(params, 0);
    let artifacts = tempfile::tempdir().unwrap();
    let folder = artifacts.path().join("0123abcd");
    std::fs::create_dir(&folder).unwrap();
    for (name, bytes) in &sink.artifacts {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let mut output = Vec::new();
    let mut context = ToolContext {
        input: &mut text.as_bytes(),
        output: &mut output,
        data: DataPaths::default(),
        artifacts: artifacts.path().into(),
        verify: &|_, _, _| Ok(()),
        host: &mut MemoryHost::default(),
    };
    let tools = Dialog::tools();
    let ask = tools.iter().find(|tool| tool.name == "ask").unwrap();
    ask.run(serde_json::json!({"run": "0123"}), &mut context).unwrap();
    String::from_utf8(output).unwrap()
}

/// The percentage in front of `text` in a line of its own.
fn percentage(said: &str, text: &str) -> f64 {
    let line = said.lines().find(|line| line.ends_with(text)).unwrap_or_else(|| panic!("{said}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_stored_model_answers_questions_and_says_why() {
    let said = asked(
        Learner::RbiFp,
        "Mary went to the garden.\nJohn moved to the office.\nWhere is Mary?\n\
         Where is the zebra?\n\nJohn went to the kitchen.\nWhere is John?\n",
    );
    let (first, rest) = said.split_once("? not understood: ").unwrap_or_else(|| panic!("{said}"));
    assert!(first.starts_with("garden\n  answers: \"garden\" "), "{said}");
    assert!(percentage(first, " Mary went to the garden.") > 80.0, "{said}");
    assert!(percentage(first, " John moved to the office.") < 20.0, "{said}");
    let expected = first.lines().find(|line| line.starts_with("  expected reply: ")).unwrap();
    assert!(POSITIVE.iter().any(|text| expected.contains(&format!(": \"{text}"))), "{said}");
    let rest = rest.strip_prefix("the model never saw the word \"zebra\"\n").unwrap();
    assert!(rest.starts_with("kitchen\n"), "{said}");
    assert!(!rest.contains("garden."), "the first story was forgotten: {said}");
}

#[test]
fn a_stored_imitator_expects_no_reply() {
    let said = asked(Learner::Rbi, "Mary went to the garden.\nWhere is Mary?\n");
    assert!(said.starts_with("garden\n") && said.contains("hop 1, hop 2, hop 3"), "{said}");
    assert!(!said.contains("expected reply"), "{said}");
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
    assert_eq!(
        refused(Params { stories: Some(0), ..default() }),
        "stories: wanted 1 to 100000, found 0"
    );
    assert_eq!(
        refused(Params { stories: Some(9), data: dialog::Data::Released, ..default() }),
        "stories: wanted null unless data is generated, found 9"
    );
    let student = |epsilon, every| Params { online: Some(Online { epsilon, every }), ..default() };
    assert_eq!(refused(student(1.5, 1)), "online.epsilon: wanted a probability, found 1.5");
    assert_eq!(refused(student(0.5, 0)), "online.every: wanted 1 or more, found 0");
    assert_eq!(
        refused(Params { replies: Disguise::Tokens, ..student(0.5, 1) }),
        "replies: wanted as_said with online, found \"tokens\""
    );
    let movies = || Params { data: dialog::Data::MovieQa, ..default() };
    assert_eq!(
        refused(Params { corrections: Corrections::Help, ..movies() }),
        "corrections: wanted first, second_turn or history for movieqa, found \"help\""
    );
    assert_eq!(
        refused(Params { record_belief: true, ..movies() }),
        "record_belief: wanted false for movieqa, found true"
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

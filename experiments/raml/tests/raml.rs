//! Small seeded runs on generated sentences, and the held defaults.

#[path = "../../../datasets/tests/datasets/mirror.rs"]
mod mirror;
#[path = "raml/speech.rs"]
mod speech;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use experiment::{
    DataPaths, Device, Entry, Error, Experiment, MemoryHost, MemorySink, Metric, Needed, NeededRun,
    Run, RunContext, RunId, ToolContext,
};
use learn::Averaging;
use mirror::mirror;
use raml::{Cell, Method, Params, Raml, Reward, SmoothTo};
use serde_json::json;
use sha2::{Digest, Sha256};

/// A run of few steps.
fn small() -> Params {
    Params { pairs: Some(600), units: 16, embedding: 16, epochs: 2, beam: 2, ..Params::default() }
}

fn context() -> RunContext {
    let data = DataPaths::default();
    RunContext { id: RunId::of("test"), seed: 3, threads: 1, device: Device::Cpu, data }
}

fn run_on(params: Params, sink: &mut MemorySink) -> Result<(), Error> {
    Raml::new(params).unwrap().run(&mut Run::new(context(), sink))
}

fn run(params: Params) -> MemorySink {
    let mut sink = MemorySink::default();
    run_on(params, &mut sink).unwrap();
    // Those of speech are reported by others.
    let names = |metrics: &[Metric]| -> BTreeSet<String> {
        let names = metrics.iter().map(|metric| metric.name.clone().into_owned());
        names.filter(|name| !name.contains("token") && !name.contains("phone")).collect()
    };
    assert!(sink.results.keys().eq(&names(Raml::METRICS)), "{:?}", sink.results);
    let recorded = sink.metrics.iter().map(|(_, metric, _)| metric.clone()).collect();
    assert_eq!(names(Raml::STEP_METRICS), recorded);
    sink
}

/// All that a run left, to the bit.
fn left(sink: &MemorySink) -> impl PartialEq + std::fmt::Debug {
    let bits = |value: &f64| value.to_bits();
    let metrics: Vec<_> =
        sink.metrics.iter().map(|(step, name, value)| (*step, name.clone(), bits(value))).collect();
    let results: Vec<_> =
        sink.results.iter().map(|(name, value)| (name.clone(), bits(value))).collect();
    (metrics, results, sink.tables.clone(), sink.artifacts.clone())
}

#[test]
fn the_defaults_are_held() {
    // A changed default changes what old configurations mean: raise Raml::VERSION with it.
    let held = format!("{} v{}\n{:#}", Raml::NAME, Raml::VERSION, Entry::of::<Raml>().defaults());
    insta::assert_snapshot!(held);
}

#[test]
fn maximum_likelihood_learns_to_translate() {
    let params = Params { pairs: None, units: 48, embedding: 32, epochs: 6, ..Params::default() };
    let found = run(params);
    assert!(found.results["test_bleu"] > 80.0, "{:?}", found.results);
    assert!(found.results["test_word_error_rate"] < 10.0, "{:?}", found.results);
    assert_eq!(found.tables["translations"].len(), 200);
}

#[test]
fn a_cold_payoff_is_maximum_likelihood_to_the_bit() {
    let likelihood = run(Params { keep_model: true, ..small() });
    let rewards = [Reward::Hamming, Reward::Edit, Reward::ExactEdit, Reward::Bleu, Reward::Ter];
    for reward in rewards {
        let cold = Params { tau: 1e-3, proposal_tau: 1e-3, reward, keep_model: true, ..small() };
        let mut cold = run(cold);
        // What the model was trained with stands in its description.
        cold.artifacts.insert("model.json".into(), likelihood.artifacts["model.json"].clone());
        assert_eq!(left(&cold), left(&likelihood), "{reward:?}");
    }
    let warm = run(Params { tau: 0.8, keep_model: true, ..small() });
    assert_ne!(warm.artifacts["model.safetensors"], likelihood.artifacts["model.safetensors"]);
}

#[test]
fn every_setting_trains_and_goes_on_after_a_stop_with_the_same_bits() {
    let settings = [
        Params { cell: Cell::Gru, tied: true, tau: 0.9, reward: Reward::Edit, ..small() },
        Params {
            smoothing: 0.1,
            average: Some(Averaging::Last { count: 2 }),
            pieces: Some(120),
            ..small()
        },
        Params { smoothing: 0.1, smooth_to: SmoothTo::Unigram, tau: 0.8, ..small() },
        Params { method: Method::Adversarial, ..small() },
        Params { method: Method::ScheduledSampling, own_from: 0.2, own: 0.9, ..small() },
        Params { method: Method::Reinforce, reward: Reward::Bleu, own_from: 0.9, ..small() },
    ];
    for params in settings {
        let whole = run(params.clone());
        let mut sink = MemorySink { stop_after_checkpoints: Some(1), ..MemorySink::default() };
        assert!(matches!(run_on(params.clone(), &mut sink), Err(Error::Interrupted)));
        sink.stop_after_checkpoints = None;
        run_on(params.clone(), &mut sink).unwrap();
        assert_eq!(left(&sink), left(&whole), "{params:?}");
    }
}

/// A short run on the processor and on the device of plain loops: training in f32 drifts apart by rounding
/// alone.
#[test]
fn devices_agree() {
    let params = Params {
        pairs: Some(64),
        units: 8,
        embedding: 8,
        epochs: 1,
        beam: 1,
        tau: 0.9,
        reward: Reward::Edit,
        learning_rate: 1e-3,
        ..Params::default()
    };
    let cpu = run(params.clone());
    let reference = reference::device().scope(|| run(params));
    assert_eq!(cpu.metrics.len(), reference.metrics.len());
    for ((step, name, found), (_, _, wanted)) in cpu.metrics.iter().zip(&reference.metrics) {
        // Scores jump by words.
        let bound = if name.contains("bleu") { 2.0 } else { 1e-3 * (1.0 + wanted.abs()) };
        assert!((found - wanted).abs() <= bound, "{name} at {step}: {found}, {wanted}");
    }
}

#[test]
fn rewards_improve_what_was_learned() {
    let begun = Params { epochs: 8, own_from: 1.0, ..small() };
    let params = Params { method: Method::Reinforce, reward: Reward::Edit, ..begun };
    let before = run(params.clone()).results["test_word_error_rate"];
    let after = run(Params { own_from: 0.5, epochs: 16, learning_rate: 2e-3, ..params });
    assert!(after.results["test_word_error_rate"] < before - 2.0, "{before}, {:?}", after.results);
}

#[test]
fn a_teacher_is_learned_from_without_references() {
    let teacher = Params { pairs: None, epochs: 6, units: 48, embedding: 32, ..small() };
    let teacher = Params { keep_model: true, ..teacher };
    let taught_by = run(teacher.clone());
    let folder = tempfile::TempDir::new().unwrap();
    let mut artifacts = BTreeMap::new();
    for (name, bytes) in &taught_by.artifacts {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let sum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        artifacts.insert(name.clone(), sum);
    }
    let needed = || {
        let about = NeededRun {
            run: RunId::of("teacher"),
            experiment: "raml".into(),
            params: serde_json::to_value(&teacher).unwrap(),
            seed: 3,
            results: taught_by.results.clone(),
            artifacts: artifacts.clone(),
        };
        let needed = Needed::new("expert", about, folder.path().into(), Arc::new(|| Ok(vec![])));
        BTreeMap::from([("expert".to_owned(), needed)])
    };
    let taught = |params: Params, sink: &mut MemorySink| {
        let mut run = Run::new(context(), sink).with_needed(needed());
        Raml::new(params).unwrap().run(&mut run)
    };
    let params = Params {
        method: Method::Distillation,
        teacher: Some("expert".into()),
        keep_model: false,
        ..teacher.clone()
    };
    let mut sink = MemorySink::default();
    taught(params.clone(), &mut sink).unwrap();
    let [student, expert] = [&sink, &taught_by].map(|sink| sink.results["test_bleu"]);
    assert!(student > 50.0 && expert > 75.0, "{student} and {expert}");
    let other = Params { pieces: Some(100), ..params };
    let error = taught(other, &mut MemorySink::default()).unwrap_err().chain();
    assert!(error.contains("it has other pieces"), "{error}");
}

#[test]
fn draws_are_kept_and_the_divergence_falls() {
    let sink = run(Params { tau: 0.9, epochs: 6, ..small() });
    let rows = &sink.tables["samples"];
    assert_eq!(rows.len(), 16);
    for row in rows {
        let words = |name: &str| -> Vec<String> {
            row[name].as_str().unwrap().split(' ').map(str::to_owned).collect()
        };
        let (reference, target) = (words("reference"), words("target"));
        let differ = reference.iter().zip(&target).filter(|(a, b)| a != b).count();
        assert_eq!(
            (reference.len(), differ as u64),
            (target.len(), row["edits"].as_u64().unwrap())
        );
    }
    assert!(rows.iter().any(|row| row["edits"] != 0));
    let picture = String::from_utf8(sink.artifacts["samples.svg"].clone()).unwrap();
    assert!(picture.contains(rows[0]["target"].as_str().unwrap()));
    let divergence: Vec<f64> = sink
        .metrics
        .iter()
        .filter(|(_, name, _)| name == "dev_divergence")
        .map(|(_, _, value)| *value)
        .collect();
    assert_eq!(divergence.len(), 6);
    assert!(divergence[5] < divergence[0] && divergence[5] > 0.0, "{divergence:?}");
}

/// What `regimen raml translate` prints.
fn translated(
    sink: &MemorySink,
    lines: &str,
    arguments: serde_json::Value,
) -> Result<String, Error> {
    let folder = tempfile::TempDir::new().unwrap();
    let run = folder.path().join("ab12");
    std::fs::create_dir(&run).unwrap();
    for (name, bytes) in &sink.artifacts {
        std::fs::write(run.join(name), bytes).unwrap();
    }
    let (mut input, mut output, mut host) = (lines.as_bytes(), Vec::new(), MemoryHost::default());
    let mut context = ToolContext {
        input: &mut input,
        output: &mut output,
        data: DataPaths::default(),
        artifacts: folder.path().into(),
        verify: &|_, _, _| Ok(()),
        host: &mut host,
    };
    let tool = Raml::tools().into_iter().find(|tool| tool.name == "translate").unwrap();
    tool.run(arguments, &mut context)?;
    Ok(String::from_utf8(output).unwrap())
}

/// What a tool prints.
fn printed(tool: &str, arguments: serde_json::Value) -> Result<String, Error> {
    let (mut output, mut host) = (Vec::new(), MemoryHost::default());
    let mut context = ToolContext {
        input: &mut std::io::empty(),
        output: &mut output,
        data: DataPaths::default(),
        artifacts: "artifacts".into(),
        verify: &|_, _, _| Ok(()),
        host: &mut host,
    };
    let tool = Raml::tools().into_iter().find(|of| of.name == tool).unwrap();
    tool.run(arguments, &mut context)?;
    Ok(String::from_utf8(output).unwrap())
}

#[test]
fn distances_are_printed_with_how_far_the_count_is_off() {
    let found = printed("distances", json!({ "tau": 0.6 })).unwrap();
    assert!(found.starts_with("edits  probability\n    0  0.6084\n    1  0.3040\n"), "{found}");
    // One token of two, one edit: 1 sequence and 5 (none, the other, and three of two tokens), where
    // the paper counts 2 + 2 * 2 scripts.
    let one = json!({ "reward": "exact_edit", "length": 1, "vocabulary": 2, "most": 1, "tau": 1.0,
        "plain": true });
    let found = printed("distances", one).unwrap();
    let [exact, paper] = [5.0, 6.0].map(|ways| 1.0 / (1.0 + ways * (-1.0_f64).exp()));
    let wanted = format!(
        "total variation of the paper's count\n  over numbers of edits  {:.4}\n",
        exact - paper
    );
    assert!(found.starts_with(&wanted), "{found} and not {wanted}");
    // Two scripts lead to the one sequence of two equal tokens, and one to each other one.
    let each = (-1.0_f64).exp();
    let wanted = 2.0 * each * paper - each * exact;
    let line = found.lines().nth(2).unwrap();
    let number = |after: &str| -> f64 {
        let rest = line.split(after).nth(1).unwrap().trim_start();
        rest.split([' ', ',']).next().unwrap().parse().unwrap()
    };
    let (away, error) = (number("over sequences"), number("standard error"));
    assert!(error > 0.0 && (away - wanted).abs() < 5.0 * error, "{line} and not {wanted}");
    assert!(found.contains(&format!("    0  {exact:.4}\n")), "{found}");
    let error = printed("distances", json!({ "tau": 0.0 })).unwrap_err().to_string();
    assert_eq!(error, "tau: wanted above 0, found 0");
}

#[test]
fn a_kept_model_translates_lines() {
    let sink = run(Params { keep_model: true, ..small() });
    let rows = &sink.tables["translations"];
    let column = |name: &str| -> String {
        rows.iter().map(|row| row[name].as_str().unwrap().to_owned() + "\n").collect()
    };
    let found = translated(&sink, &column("source"), json!({ "run": "ab" })).unwrap();
    assert_eq!(found, column("translation"));
    let lines = "the dog sees a zebra\n\n";
    let shown = json!({ "run": "ab", "n_best": 2, "attention": true });
    let found = translated(&sink, lines, shown).unwrap();
    let lines: Vec<&str> = found.lines().collect();
    assert!(lines.iter().filter(|line| line.contains('\t')).count() == 2, "{found}");
    assert!(lines.iter().any(|line| line.starts_with("  </s> <- ")), "{found}");
    assert_eq!(lines.last(), Some(&""));
    let error = translated(&sink, "", json!({ "run": "x" })).unwrap_err().to_string();
    assert!(error.contains("none of the 1 in"), "{error}");
}

#[test]
fn what_cannot_be_counted_exactly_ends_the_run_with_the_reason() {
    let params = Params { tau: 0.9, reward: Reward::ExactEdit, max_edits: Some(9), ..small() };
    let error = run_on(params, &mut MemorySink::default()).unwrap_err().chain();
    assert!(error.starts_with("drawing a target (`max_edits`): counting the sequences"), "{error}");
}

#[test]
fn impossible_parameters_are_refused() {
    let refused = [
        (Params { tau: -0.5, ..small() }, "tau: wanted 0 or more, found -0.5"),
        (Params { target: raml::Language::English, ..small() }, "another language than `source`"),
        (Params { tied: true, units: 8, ..small() }, "embedding: wanted as many as `units`"),
        (Params { pieces: Some(3), ..small() }, "pieces: wanted 100 to 100000, found 3"),
        (Params { method: Method::Reinforce, ..small() }, "reward: wanted bleu, ter or edit"),
        (Params { method: Method::Distillation, ..small() }, "teacher: wanted a name"),
        (Params { method: Method::Adversarial, tau: 0.8, ..small() }, "tau: wanted 0 unless"),
        (Params { beam: 0, ..small() }, "beam: wanted 1 to 100, found 0"),
        (
            Params { data: raml::Data::Timit, pieces: Some(200), ..small() },
            "pieces: wanted null, as transcripts are made of whole tokens, found 200",
        ),
        (
            Params { data: raml::Data::Wmt14, ..small() },
            "target: wanted a language of these data: \"en\", \"fr\", found \"de\"",
        ),
    ];
    for (params, wanted) in refused {
        let error = Raml::new(params).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn captions_are_translated_and_what_is_odd_is_said() {
    let Some(mirror) = mirror("captions_are_translated_and_what_is_odd_is_said") else { return };
    let cache = tempfile::tempdir().unwrap();
    let data = DataPaths { cache: cache.path().into(), mirror: Some(mirror), offline: true };
    let params = Params {
        data: raml::Data::Multi30k,
        target: raml::Language::French,
        pairs: Some(300),
        pieces: Some(300),
        longest: 30,
        tau: 0.8,
        units: 8,
        embedding: 8,
        epochs: 1,
        beam: 1,
        ..Params::default()
    };
    let mut sink = MemorySink::default();
    Raml::new(params)
        .unwrap()
        .run(&mut Run::new(RunContext { data, ..context() }, &mut sink))
        .unwrap();
    assert_eq!(sink.tables["translations"].len(), 1000);
    assert!(sink.tables["translations"][0]["reference"].as_str().unwrap().starts_with("Un homme"));
    let said = |text: &str| sink.warnings.iter().any(|warning| warning.contains(text));
    assert!(
        said("training pairs have more than 30 pieces and are left out"),
        "{:?}",
        sink.warnings
    );
    assert!(said("test sentences have text that no training pair has"), "{:?}", sink.warnings);
}

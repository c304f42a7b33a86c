//! Every learner of `raml` on generated sentences, by the configurations that ship, cut down.

use std::fs;

use tempfile::TempDir;

use super::{assert_code, regimen, root, stdout};

#[test]
fn every_learner_of_raml_runs() {
    let place = TempDir::new().unwrap();
    for name in ["generated-learners.yaml", "generated-teacher.yaml"] {
        let text = fs::read_to_string(root().join("configs/raml").join(name)).unwrap();
        let (long, short) =
            ("units: 48, embedding: 32, epochs: 8", "units: 8, embedding: 8, epochs: 2");
        assert!(text.contains(long), "{name}");
        let text = text.replace(long, &format!("pairs: 150, {short}"));
        fs::write(place.path().join(name), text).unwrap();
    }
    let config = place.path().join("generated-learners.yaml");
    let store = place.path().join("store");
    let ran = regimen().arg("run").arg(&config).arg("--results").arg(&store).output().unwrap();
    assert_code(&ran, 0);
    let table = stdout(&ran);
    for learner in
        ["distillation", "adversarial", "scheduled_sampling", "reinforce", "exact_edit", "unigram"]
    {
        assert!(table.contains(learner), "{learner} in\n{table}");
    }
    let runs = regimen().arg("status").arg("--results").arg(&store).output().unwrap();
    assert_code(&runs, 0);
    assert!(!stdout(&runs).contains("failed"), "{}", stdout(&runs));
}

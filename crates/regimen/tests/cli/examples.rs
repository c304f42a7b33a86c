//! Every configuration in `configs/examples` plans the number of runs that it should.

use std::collections::BTreeSet;
use std::fs;

use super::{assert_code, regimen, root, stdout};

/// Every configuration of `configs/examples` with its number of runs.
const EXAMPLES: &[(&str, usize)] = &[
    ("anchors", 4),
    ("blocks", 5),
    ("command-python", 6),
    ("command-shell", 8),
    ("exclude", 5),
    ("extends", 6),
    ("grid", 6),
    ("low-discrepancy", 32),
    // With those of needs-train, which it needs.
    ("needs", 16),
    ("needs-train", 4),
    ("random", 20),
    ("ranges", 24),
    ("remove", 3),
    ("search", 27),
    ("seeds", 10),
    ("when", 5),
    ("zip", 3),
];

#[test]
fn every_example_plans_as_many_runs_as_it_says() {
    let files: BTreeSet<String> = fs::read_dir(root().join("configs/examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert!(files.iter().eq(EXAMPLES.iter().map(|(name, _)| name)), "{files:?}");
    let store = tempfile::TempDir::new().unwrap();
    for (name, runs) in EXAMPLES {
        let config = format!("configs/examples/{name}.yaml");
        let mut command = regimen();
        let output = command.args(["plan", &config, "--results"]).arg(store.path()).output();
        let output = output.unwrap();
        assert_code(&output, 0);
        assert_eq!(stdout(&output).lines().count(), *runs, "{name}");
    }
}

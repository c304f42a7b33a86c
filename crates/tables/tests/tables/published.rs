//! The committed tables against the summary rows that the papers print below them.

use std::path::PathBuf;

use tables::Published;

const LEARNERS: [&str; 4] = ["imitation", "rbi", "fp", "rbi+fp"];
const POLICIES: [&str; 3] = ["0.5", "0.1", "0.01"];

fn published(name: &str, metric: &str) -> Published {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../results/published");
    let table = Published::find(&folder, name).unwrap();
    assert_eq!(table.parameters(), ["regime", "learner", "policy_accuracy"]);
    let mut keys: Vec<&[String]> = table.numbers(metric).map(|(key, _)| key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 120, "ten regimes, four learners, three policies, each once");
    table
}

/// The ten regimes of one column, in order.
fn column(table: &Published, metric: &str, learner: &str, policy: &str) -> Vec<f64> {
    (1..=10)
        .map(|regime: u32| {
            let key = [regime.to_string(), learner.to_owned(), policy.to_owned()];
            let mut found = table.numbers(metric).filter(|(at, _)| *at == key);
            found.next().unwrap_or_else(|| panic!("{key:?}")).1.value
        })
        .collect()
}

#[test]
fn babi_passes_as_many_tasks_as_the_paper_counts() {
    let table = published("dialog/babi", "test_accuracy");
    let passed = [[1, 1, 1], [9, 5, 2], [5, 5, 4], [10, 8, 8]];
    for (learner, passed) in LEARNERS.iter().zip(passed) {
        for (policy, passed) in POLICIES.iter().zip(passed) {
            let column = column(&table, "test_accuracy", learner, policy);
            let found = column.iter().filter(|accuracy| **accuracy >= 95.0).count();
            assert_eq!(found, passed, "{learner} {policy}");
        }
    }
}

#[test]
fn movieqa_means_are_those_of_the_paper() {
    let metric = "selected_test_accuracy";
    let table = published("dialog/movieqa", metric);
    let means = [[52.0, 36.0, 34.0], [52.0, 38.0, 34.0], [52.0, 45.0, 40.0], [69.0, 60.0, 50.0]];
    for (learner, means) in LEARNERS.iter().zip(means) {
        for (policy, mean) in POLICIES.iter().zip(means) {
            let found = column(&table, metric, learner, policy).iter().sum::<f64>() / 10.0;
            assert!((found - mean).abs() <= 0.5, "{learner} {policy}: {found}");
        }
    }
}

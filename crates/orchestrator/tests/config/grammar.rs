//! Blocks, conditions, draws and ranges of a sweep, and the runs they expand to.

use std::fs;

use orchestrator::config::{Config, load};
use orchestrator::plan::resolved;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::toy::plan;

fn config(sweep: &str, set: &[&str]) -> Config {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("config.yaml");
    fs::write(&path, format!("name: x\nexperiment: toy\nsweep:\n{sweep}\n")).unwrap();
    let set: Vec<String> = set.iter().map(|&argument| argument.to_owned()).collect();
    load(&path, &set).unwrap()
}

/// What varies, one line a run.
fn lines(sweep: &str, set: &[&str]) -> Vec<String> {
    let one = |run: &orchestrator::plan::PlannedRun| {
        let varies = run.varies.iter().map(|(name, value)| format!("{name}={value}"));
        varies.collect::<Vec<_>>().join(" ")
    };
    plan(&config(sweep, set)).unwrap().runs.iter().map(one).collect()
}

#[test]
fn blocks_follow_each_other_and_share_runs() {
    let sweep =
        "  - { grid: { net.width: [1, 2] } }\n  - { grid: { net.width: [2, 3] }, seeds: 2 }";
    let found = lines(sweep, &[]);
    let wanted = ["1 seed=0", "2 seed=0", "2 seed=1", "3 seed=0", "3 seed=1"];
    assert_eq!(found, wanted.map(|run| format!("net.width={run}")));
    assert_eq!(plan(&config(sweep, &[])).unwrap().duplicates, 1);
    assert_eq!(lines(sweep, &["sweep.1.seeds=1"]).len(), 3);
}

#[test]
fn conditional_axes_exist_where_they_hold() {
    let sweep = "  grid: { learner: [rbi, imitation] }\n  when:\n    \
        - { if: learner == rbi, grid: { net.width: [1, 2] } }\n    \
        - { if: net.width == 2, grid: { net.layers: [7, 8] } }\n  \
        exclude: [{ net.layers: 8 }]";
    let wanted = [
        r#"learner="rbi" net.width=1 seed=0"#,
        r#"learner="rbi" net.width=2 net.layers=7 seed=0"#,
        r#"learner="imitation" seed=0"#,
    ];
    assert_eq!(lines(sweep, &[]), wanted);
}

#[test]
fn what_is_shown_of_every_part_plans_the_same_runs() {
    let sweep = "  - grid: { net.layers: 1..=3 }\n    when: { if: net.layers > 1, zip: { sizes: [[1], [2]] } }\n  \
        - random: { count: 5, params: { learning_rate: { log_uniform: [1e-4, 1e-1] } } }\n    seeds: 3..5";
    let original = config(sweep, &[]);
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("shown.yaml");
    fs::write(&path, resolved(&original, &plan(&original).unwrap()).unwrap()).unwrap();
    let ids = |config: &Config| -> Vec<_> {
        plan(config).unwrap().runs.iter().map(|run| run.spec.run).collect()
    };
    assert_eq!(ids(&load(&path, &[]).unwrap()), ids(&original));
    assert_eq!(ids(&original).len(), 5 + 10);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn more_draws_extend_fewer(few in 1usize..20, more in 0usize..20, seed: u64, sobol: bool) {
        let draw = if sobol { "sobol" } else { "independent" };
        let sweep = |count| format!(
            "  random: {{ count: {count}, seed: {seed}, draw: {draw}, params: {{ \
             learning_rate: {{ log_uniform: [1e-4, 1e-1] }}, net.width: {{ integer: [8, 256] }}, \
             learner: {{ choice: [rbi, imitation] }} }} }}"
        );
        let (short, long) = (lines(&sweep(few), &[]), lines(&sweep(few + more), &[]));
        prop_assert_eq!(short.len(), few);
        prop_assert_eq!(&short[..], &long[..few]);
    }

    #[test]
    fn a_range_has_the_values_of_its_list(start in -50i64..50, count in 1i64..20, step in 1i64..9) {
        let start = start + 50;
        let list: Vec<i64> = (0..count).map(|at| start + at * step).collect();
        let by_list = lines(&format!("  seeds: {list:?}"), &[]);
        let stop = start + count * step;
        prop_assert_eq!(lines("  {}", &[&format!("sweep.seeds={start}..{stop} step {step}")]), by_list);
    }
}

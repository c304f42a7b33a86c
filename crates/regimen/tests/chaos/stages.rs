//! Two stages of programs, the second reading what the first left, killed at random moments.

use std::process::Child;
use std::thread::sleep;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::kills::{disturb, strike};
use crate::sweep::{Sweep, assert_none_ran_again, assert_same, finished, fold};

/// Runs of both stages.
const RUNS: usize = 6 + 18;

#[test]
fn kills_between_and_within_stages_change_nothing() {
    eprintln!("{}", disturb(&Sweep::of_stages()));
}

#[test]
fn kills_between_training_and_evaluation_change_nothing() {
    let sweep = Sweep::of_kept_models();
    eprintln!("{}", disturb(&sweep));
    let fold = fold(&sweep.path("calm"));
    let states = || fold.runs.values();
    assert_eq!(states().count(), 3 + 9);
    // A model answers its own kind of questions as it did where it was trained.
    let asked = states().filter(|run| run.spec.params.contains("\"regime\":3"));
    let asked: Vec<_> = asked.filter(|run| !run.spec.needs.is_empty()).collect();
    assert_eq!(asked.len(), 3);
    for run in asked {
        let trained = &fold.runs[&run.spec.needs["student"]];
        assert_eq!(run.results()["test_accuracy"], trained.results()["test_accuracy"]);
    }
}

#[test]
fn two_drivers_that_are_killed_come_through_both_stages() {
    let sweep = Sweep::of_stages();
    let calm = sweep.path("calm");
    sweep.run(&calm, &[], 0);
    assert_eq!(finished(&calm), RUNS);
    let store = sweep.path("store");
    let mut dice = StdRng::seed_from_u64(7);
    let more = ["--retry-failed"];
    let mut drivers = [(); 2].map(|()| sweep.start(&store, &more));
    for _ in 0..8 {
        sleep(Duration::from_millis(dice.random_range(50..500)));
        let driver = &mut drivers[dice.random_range(0..2)];
        strike(driver, &mut dice);
        let is_over = |driver: &mut Child| driver.try_wait().unwrap().is_some();
        if is_over(driver) {
            *driver = sweep.start(&store, &more);
        }
    }
    for driver in &mut drivers {
        driver.wait().unwrap();
    }
    // Runs may have failed with their workers.
    let mut drivers = [(); 2].map(|()| sweep.start(&store, &more));
    for driver in &mut drivers {
        assert!(driver.wait().unwrap().success(), "{}", sweep.said());
    }
    assert_same(&store, &calm);
    assert_none_ran_again(&store);
}

//! `regimen doctor`.

use super::{Bench, QUICK, assert_code, stderr, stdout};

#[test]
fn a_cluster_that_does_what_is_needed_has_nothing_bad() {
    let bench = Bench::new(QUICK, "");
    let output = bench.run(&["doctor", "--cluster", "local"]);
    assert_code(&output, 0);
    let said = stdout(&output);
    assert!(said.lines().all(|line| line.starts_with("ok   ")), "{said}");
    for word in ["executes the program", "the same version", "hard links", "a lock held", "clocks"]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
    let left = std::fs::read_dir(bench.store().join("submissions")).unwrap().count();
    assert_eq!(left, 1, "the lock alone");
}

#[test]
fn what_is_bad_says_what_to_do() {
    let bench = Bench::new(QUICK, "far: { scheduler: local, program: /no/such/program }\n");
    let output = bench.run(&["doctor", "--cluster", "far"]);
    assert_code(&output, 1);
    let said = stdout(&output);
    assert!(said.contains("bad  no answer from job"), "{said}{}", stderr(&output));
    assert!(said.contains("can nodes execute /no/such/program?"), "{said}");
}

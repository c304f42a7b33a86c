//! Tells of tests that could not run here.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

/// Adds a test to the list that `scripts/test` prints at its end.
pub(crate) fn skipped(test: &str, why: &str) {
    if let Some(list) = env::var_os("REGIMEN_SKIPPED") {
        let mut list = OpenOptions::new().append(true).create(true).open(list).unwrap();
        writeln!(list, "skipped: {test}: {why}").unwrap();
    }
}

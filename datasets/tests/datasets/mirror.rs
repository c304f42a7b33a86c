//! The mirror of real files, for tests of this crate and of others.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

/// The folder that REGIMEN_MIRROR names, for `test`; where there is none, the test is noted as skipped, or
/// fails where REGIMEN_REQUIRE_MIRROR says so.
pub(crate) fn mirror(test: &str) -> Option<PathBuf> {
    let mirror = env::var_os("REGIMEN_MIRROR").map(PathBuf::from).filter(|mirror| mirror.is_dir());
    if mirror.is_some() {
        return mirror;
    }
    let required = env::var_os("REGIMEN_REQUIRE_MIRROR").is_some_and(|value| value == "1");
    assert!(!required, "{test}: REGIMEN_MIRROR names no folder");
    if let Some(list) = env::var_os("REGIMEN_SKIPPED") {
        let mut list = OpenOptions::new().create(true).append(true).open(list).unwrap();
        list.write_all(format!("skipped: {test}: no mirror\n").as_bytes()).unwrap();
    }
    None
}

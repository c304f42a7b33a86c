//! The Python module, by its own tests: alone, and in programs that this binary executes.

use std::env;
use std::path::Path;
use std::process::Command;

/// `scripts/wheel` runs the same tests, and those of what needs polars, on the installed package.
#[test]
fn the_python_module_says_what_this_binary_understands() {
    let package = super::root().join("crates/regimen/python");
    let folder = Path::new(env!("CARGO_BIN_EXE_regimen")).parent().unwrap().to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([folder].into_iter().chain(env::split_paths(&path))).unwrap();
    let tested = Command::new("python3")
        .args(["-m", "unittest", "test_alone", "test_runs"])
        .current_dir(package.join("tests"))
        .envs([("PATH", path), ("PYTHONPATH", package.join("src").into())])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&tested.stderr);
    // Python reports well of no tests as well.
    assert!(tested.status.success() && said.contains("Ran 14 tests"), "{said}");
}

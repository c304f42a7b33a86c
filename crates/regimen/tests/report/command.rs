//! Runs the binary for tests of the report, and makes a sweep of hostile names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

/// Root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The binary, run in the workspace's root.
pub(crate) fn regimen(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_regimen"))
        .current_dir(root())
        .env_remove("RUST_LOG")
        .env_remove("REGIMEN_MIRROR")
        .args(arguments)
        .output()
        .unwrap()
}

/// Fails with what the command said unless it ended with `code`.
pub(crate) fn assert_code(output: &Output, code: i32) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
}

/// A sweep whose names, errors and files try to become part of a page.
pub(crate) fn hostile(folder: &Path) -> PathBuf {
    let script = r##"
echo '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><rect width="80" height="40" fill="#c24e00"/><script>document.title = "hit"</script></svg>' > "$REGIMEN_CHECKPOINT.svg"
for step in 1 2 3; do
    echo "{\"step\": $step, \"<img src=x onerror=document.title='hit'>\": $step}" >&3
done
echo "{\"table\": \"confusion\", \"row\": {\"actual\": \"<b>cat\", \"predicted\": \"<b>cat\", \"count\": 8}}" >&3
echo "{\"table\": \"confusion\", \"row\": {\"actual\": \"<b>cat\", \"predicted\": \"dog\", \"count\": 2}}" >&3
echo "{\"artifact\": \"$REGIMEN_CHECKPOINT.svg\"}" >&3
echo "{\"final\": {\"value\": $REGIMEN_SEED}}" >&3
if [ "$REGIMEN_SEED" = 2 ]; then
    echo "<script>document.title = 'hit'</script>" >&2
    exit 3
fi
"##;
    let path = folder.join("it.sh");
    fs::write(&path, script).unwrap();
    let config = format!(
        "name: \"<script>document.title = 'hit'</script>\"\nexperiment: command\nparams:\n  \
         program: [sh, {0}]\n  files: [{0}]\n  pass: environment\nsweep:\n  grid:\n    \
         values.word: [\"</style><script>document.title = 'hit'</script>\", plain]\n  seeds: 3\n",
        path.display()
    );
    let path = folder.join("hostile.yaml");
    fs::write(&path, config).unwrap();
    path
}

//! A paper is three new files and two lines: this builds one and runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAME: &str = "sixth";
const MANIFEST: &str = include_str!("template/manifest.toml");
const SOURCE: &str = include_str!("template/lib.rs");
const CONFIG: &str = include_str!("template/config.yaml");

/// What of a workspace's root is no source.
const OMITTED: [&str; 4] = [".git", "target", "results", "node_modules"];

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}:\n{err}");
    String::from_utf8_lossy(out).into_owned()
}

/// The workspace again, elsewhere.
fn copy(root: &Path) -> PathBuf {
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("template");
    let _ = fs::remove_dir_all(&workspace);
    fs::create_dir_all(&workspace).unwrap();
    for entry in fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        if !OMITTED.iter().any(|name| entry.file_name() == *name) {
            run(Command::new("cp").arg("-R").arg(entry.path()).arg(&workspace));
        }
    }
    let published = workspace.join("results");
    fs::create_dir(&published).unwrap();
    run(Command::new("cp").arg("-R").arg(root.join("results/published")).arg(&published));
    workspace
}

/// The dependencies that were built for this test, linked into a target folder of its own.
fn dependencies(workspace: &Path) -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_regimen")).parent().unwrap();
    let target = workspace.join("target");
    let release = target.join("release");
    fs::create_dir_all(&release).unwrap();
    // Cargo writes over what build scripts said, which must not reach the files of this build.
    for (part, how) in [("deps", "-al"), ("build", "-a"), (".fingerprint", "-a")] {
        run(Command::new("cp").arg(how).arg(built.join(part)).arg(&release));
    }
    target
}

fn edit(path: &Path, after: &str, line: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text.matches(after).count(), 1, "{}: {after}", path.display());
    fs::write(path, text.replace(after, &format!("{after}{line}"))).unwrap();
}

#[test]
fn a_paper_is_three_new_files_and_two_lines() {
    let workspace = copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    let named = |text: &str| {
        text.replace("NAME\"", &format!("{NAME}\"")).replace(": NAME", &format!(": {NAME}"))
    };

    let experiment = workspace.join("experiments").join(NAME);
    fs::create_dir_all(experiment.join("src")).unwrap();
    fs::write(experiment.join("Cargo.toml"), named(MANIFEST)).unwrap();
    fs::write(experiment.join("src/lib.rs"), named(SOURCE)).unwrap();
    fs::write(workspace.join("configs").join(format!("{NAME}.yaml")), named(CONFIG)).unwrap();

    let dependency = format!("{NAME} = {{ path = \"../../experiments/{NAME}\" }}\n");
    edit(&workspace.join("crates/regimen/Cargo.toml"), "\n[dependencies]\n", &dependency);
    let entry = format!("\n        Entry::of::<{NAME}::Paper>(),");
    edit(
        &workspace.join("crates/regimen/src/registry.rs"),
        "    [\n        Entry::of::<dialog::Dialog>(),",
        &entry,
    );

    let target = dependencies(&workspace);
    let cargo = ["build", "--release", "--offline", "--workspace", "--bin", "regimen"];
    let mut build = Command::new(env!("CARGO"));
    build.args(cargo).current_dir(&workspace);
    // Build scripts would run again for what Cargo says to tests.
    let said = std::env::vars_os().map(|(name, _)| name);
    said.filter(|name| name.to_string_lossy().starts_with("CARGO_")).for_each(|name| {
        build.env_remove(name);
    });
    run(build.env("CARGO_TARGET_DIR", &target));
    let regimen = || {
        let mut command = Command::new(target.join("release/regimen"));
        command.current_dir(&workspace);
        command
    };
    let table = run(regimen().args(["run", "configs/sixth.yaml"]));
    assert!(table.contains("4 finished runs"), "{table}");
    let slopes: Vec<&str> =
        table.split_whitespace().filter(|word| word.starts_with("2.0")).collect();
    assert_eq!(slopes.len(), 2, "{table}");
    fs::remove_dir_all(&workspace).unwrap();
}

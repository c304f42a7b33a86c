//! A paper of one's own, outside this repository: what `init --rust` writes is built against the packages that
//! a registry would have, and runs.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}:\n{err}");
    String::from_utf8_lossy(out).into_owned()
}

/// Cargo, without what it tells tests: build scripts would run again for that.
fn cargo(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(words).current_dir(folder);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_") && name != "CARGO_HOME" {
            command.env_remove(name);
        }
    }
    command
}

/// The packages of the workspace, unpacked, by name.
fn packages(root: &Path, folder: &Path) -> Vec<(String, PathBuf)> {
    let made = folder.join("packaging");
    let words = ["package", "--workspace", "--no-verify", "--allow-dirty", "--offline"];
    run(cargo(root, &words).arg("--target-dir").arg(&made));
    let version = format!("-{}", env!("CARGO_PKG_VERSION"));
    let mut found = Vec::new();
    for entry in fs::read_dir(made.join("package")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "crate") {
            run(Command::new("tar").arg("xzf").arg(&path).arg("-C").arg(folder));
            let whole = path.file_stem().unwrap().to_str().unwrap();
            let name = whole.strip_suffix(&version).unwrap();
            found.push((name.to_owned(), folder.join(whole)));
        }
    }
    found
}

/// Has a project find the packages, and use dependencies that were built for this test.
fn prepare(root: &Path, project: &Path, packages: &[(String, PathBuf)]) {
    let mut text = "[patch.crates-io]\n".to_owned();
    for (name, path) in packages {
        writeln!(text, "{name} = {{ path = {path:?} }}").unwrap();
    }
    // Another profile would build everything again.
    let workspace = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    text.push_str(&workspace[workspace.find("\n[profile.release]").unwrap()..]);
    fs::create_dir(project.join(".cargo")).unwrap();
    fs::write(project.join(".cargo/config.toml"), text).unwrap();
    // It lies in the folder of this workspace and is none of it.
    let manifest = project.join("Cargo.toml");
    let alone = fs::read_to_string(&manifest).unwrap() + "\n[workspace]\n";
    fs::write(&manifest, alone).unwrap();
    fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock")).unwrap();

    let built = Path::new(env!("CARGO_BIN_EXE_regimen")).parent().unwrap();
    let release = project.join("target/release");
    fs::create_dir_all(&release).unwrap();
    // Cargo writes over what build scripts said, which must not reach the files of this build.
    for (part, how) in [("deps", "-al"), ("build", "-a"), (".fingerprint", "-a")] {
        run(Command::new("cp").arg(how).arg(built.join(part)).arg(&release));
    }
}

#[test]
fn a_paper_outside_the_repository_is_built_against_the_packages_and_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    // Where this build is, so that its dependencies can be linked.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own paper");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let packages = packages(&root, &folder);
    for (name, path) in &packages {
        for file in ["LICENSE-APACHE", "LICENSE-MIT", "Cargo.toml"] {
            assert!(path.join(file).is_file(), "{name} is packaged without {file}");
        }
    }

    let mut init = Command::new(env!("CARGO_BIN_EXE_regimen"));
    run(init.args(["init", "lines", "--rust"]).current_dir(&folder));
    let project = folder.join("lines");
    prepare(&root, &project, &packages);
    run(&mut cargo(&project, &["test", "--release", "--offline"]));
    run(&mut cargo(&project, &["build", "--release", "--offline"]));

    let lines = |words: &[&str]| {
        let mut command = Command::new(project.join("target/release/lines"));
        command.args(words).current_dir(&project);
        command
    };
    let table = run(&mut lines(&["run", "configs/lines.yaml"]));
    assert!(table.contains('*') && table.contains("24 finished runs, 8 a cell"), "{table}");
    assert!(fs::read_to_string(project.join("report.html")).unwrap().contains("test_loss"));
    let failing = ["run", "configs/lines.yaml", "-s", "params.learning_rate=1e30"];
    let failing = lines(&[&failing[..], &["-s", "sweep={seeds: 1}", "-s", "table=null"]].concat());
    let failed = { failing }.output().unwrap();
    let said = String::from_utf8_lossy(&failed.stderr);
    assert!(failed.status.code() == Some(1), "{said}");
    let listed = run(&mut lines(&["experiments"]));
    assert!(listed.contains("lines") && !listed.contains("dialog"), "{listed}");

    let source = project.join("src/paper.rs");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace("const VERSION: u32 = 1", "const VERSION: u32 = 2")).unwrap();
    run(&mut cargo(&project, &["build", "--release", "--offline"]));
    let planned = run(&mut lines(&["plan", "configs/lines.yaml"]));
    assert!(planned.contains("stale"), "{planned}");
    fs::remove_dir_all(&folder).unwrap();
}

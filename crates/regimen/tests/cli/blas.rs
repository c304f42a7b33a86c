//! Which OpenBLAS kernels drivers, workers and external programs use.

use std::collections::BTreeSet;
use std::path::Path;

use journal::Fold;
use tempfile::TempDir;

use super::{assert_code, regimen, stderr};

/// What driver and worker of one run say of their BLAS.
fn blas(store: &Path, core: Option<&str>) -> String {
    let mut run = regimen();
    run.args(["run", "configs/quickstart.yaml", "-s", "params.epochs=1", "--results"]).arg(store);
    run.args(["--only", "regime == 1 and seed == 0 and learner == imitation"]);
    match core {
        Some(core) => run.env("OPENBLAS_CORETYPE", core),
        None => run.env_remove("OPENBLAS_CORETYPE"),
    };
    assert_code(&run.output().unwrap(), 0);
    let writers = Fold::read(&store.join("journal")).unwrap().writers;
    assert_eq!(writers.len(), 2, "a driver and a worker");
    let said: BTreeSet<String> = writers.into_values().map(|opened| opened.blas).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    said.into_iter().next().unwrap()
}

/// An OpenBLAS that is older than the processor falls back to kernels without AVX.
#[test]
#[cfg(target_arch = "x86_64")]
fn no_processor_with_avx2_runs_kernels_without_it_unless_told_to() {
    let dir = TempDir::new().unwrap();
    let chosen = blas(&dir.path().join("chosen"), None);
    if std::arch::is_x86_feature_detected!("avx2") {
        assert!(!chosen.contains("Prescott") && !chosen.contains("Nehalem"), "{chosen}");
    }
    let told = blas(&dir.path().join("told"), Some("Nehalem"));
    assert!(told.ends_with("(Nehalem)"), "{told}");
}

/// What a shell script comes to that says nothing of OpenBLAS.
fn limited(script: &str) -> std::process::Output {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", script]).env_remove("OPENBLAS_NUM_THREADS").output().unwrap()
}

/// A thread of OpenBLAS that finds no room for its buffer never ends, and nor does who waits for it.
#[test]
fn commands_end_although_the_address_space_is_limited() {
    let script =
        format!("ulimit -v 200000; exec timeout 60 {} --version", env!("CARGO_BIN_EXE_regimen"));
    let output = limited(&script);
    assert_code(&output, 0);
    let dir = TempDir::new().unwrap();
    let config = dir.path().join("it.yaml");
    let text = "name: it\nexperiment: command\nparams:\n  program: [sh, -c, 'echo \
                \"marker=<$REGIMEN_MODERN_BLAS>\" >&2; exit 1']\n";
    std::fs::write(&config, text).unwrap();
    let script = format!(
        "ulimit -v 400000; exec timeout 60 {} run {} --results {}",
        env!("CARGO_BIN_EXE_regimen"),
        config.display(),
        dir.path().join("store").display()
    );
    let output = limited(&script);
    assert_code(&output, 1);
    assert!(stderr(&output).contains("marker=<>"), "{}", stderr(&output));
}

/// A program may have an OpenBLAS of its own.
#[test]
fn a_program_inherits_only_what_was_set_by_its_user() {
    let dir = TempDir::new().unwrap();
    let config = dir.path().join("it.yaml");
    let text = "name: it\nexperiment: command\nparams:\n  program: [sh, -c, 'echo \
                \"core=<$OPENBLAS_CORETYPE>\" >&2; exit 1']\n";
    std::fs::write(&config, text).unwrap();
    let said = |set: Option<&str>| {
        let mut run = regimen();
        run.arg("run").arg(&config).arg("--force").arg("--results").arg(dir.path().join("store"));
        match set {
            Some(core) => run.env("OPENBLAS_CORETYPE", core),
            None => run.env_remove("OPENBLAS_CORETYPE"),
        };
        let output = run.output().unwrap();
        assert_code(&output, 1);
        stderr(&output)
    };
    assert!(said(None).contains("core=<>"), "{}", said(None));
    assert!(said(Some("Nehalem")).contains("core=<Nehalem>"), "{}", said(Some("Nehalem")));
}

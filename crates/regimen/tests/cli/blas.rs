use std::collections::BTreeSet;
use std::path::Path;

use journal::Fold;
use tempfile::TempDir;

use super::{assert_code, regimen};

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

//! The dependencies between the crates are those that `ARCHITECTURE.md` allows.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate may depend on inside the workspace, as `ARCHITECTURE.md` draws it.
const EDGES: &[(&str, &[&str])] = &[
    ("autodiff", &["kernels"]),
    ("charts", &[]),
    ("cluster", &["yaml"]),
    ("command", &["datasets", "experiment", "yaml"]),
    ("cuda", &["autodiff"]),
    ("datasets", &["yaml"]),
    ("experiment", &[]),
    ("journal", &["experiment"]),
    ("kernels", &[]),
    ("learn", &["autodiff", "experiment", "kernels"]),
    ("orchestrator", &["experiment", "journal", "yaml"]),
    ("reference", &["autodiff"]),
    ("tables", &["charts", "experiment", "journal"]),
    ("yaml", &[]),
];

/// What the packages of the workspace begin with, whose folders are called without it.
const PREFIX: &str = "regimen-";

/// The room of a package.
fn room(package: &str) -> &str {
    package.strip_prefix(PREFIX).unwrap_or(package)
}

/// What every paper may depend on.
const PAPER: &[&str] = &["autodiff", "charts", "datasets", "experiment", "kernels", "learn"];

#[test]
fn crates_know_only_what_the_architecture_lets_them() {
    let metadata = MetadataCommand::new()
        .manifest_path(super::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let members: BTreeMap<&str, _> =
        metadata.packages.iter().map(|package| (room(&package.name), package)).collect();
    let mut checked = BTreeSet::new();
    for (name, package) in &members {
        let found: BTreeSet<&str> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .map(|dependency| room(&dependency.name))
            .filter(|dependency| members.contains_key(dependency))
            .collect();
        let is_paper = package.manifest_path.as_str().contains("/experiments/");
        let allowed: BTreeSet<&str> = match EDGES.iter().find(|(room, _)| room == name) {
            Some((_, allowed)) => allowed.iter().copied().collect(),
            None if is_paper => PAPER.iter().copied().collect(),
            None => {
                assert_eq!(*name, "regimen", "{name} has no row in the table of edges");
                continue;
            }
        };
        let extra: Vec<_> = found.difference(&allowed).collect();
        assert!(extra.is_empty(), "{name} must not depend on {extra:?}");
        checked.insert(*name);
    }
    assert!(checked.len() > EDGES.len(), "no paper was found: {checked:?}");
}

#[test]
fn only_tables_links_polars_only_the_engine_links_blas_and_only_one_room_reads_yaml() {
    let metadata = MetadataCommand::new()
        .manifest_path(super::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    for (dependency, owner) in [
        ("polars", "tables"),
        ("openblas-src", "kernels"),
        ("saphyr-parser", "yaml"),
        ("serde_norway", "yaml"),
    ] {
        let owners: Vec<&str> = metadata
            .packages
            .iter()
            .filter(|package| package.dependencies.iter().any(|d| d.name == dependency))
            .map(|package| room(&package.name))
            .collect();
        assert_eq!(owners, [owner], "{dependency}");
    }
}

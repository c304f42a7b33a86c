//! Every operation of the engine and of the papers runs on the device: as a view or an elementwise
//! function, by a kernel, or by its definition.

use std::fs;
use std::path::{Path, PathBuf};

/// Operations that only devices with packed operands meet.
const PACKED: &[&str] = &["Filters"];

/// The files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// The implementations of operations in a source: their names and their texts.
fn operations(source: &str) -> Vec<(String, String)> {
    let tests = source.find("#[cfg(test)]\nmod tests {").unwrap_or(source.len());
    let parts = source[..tests].split("impl Op for ").skip(1);
    let each = parts.map(|part| {
        let name = part.split_whitespace().next().unwrap().to_owned();
        (name, part.split("\n}\n").next().unwrap().to_owned())
    });
    each.collect()
}

#[test]
fn every_operation_runs_on_the_device() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lowering = fs::read_to_string(root.join("crates/cuda/src/lower/mod.rs")).unwrap();
    let mut sources = Vec::new();
    files(&root.join("crates/autodiff/src/ops"), &mut sources);
    for paper in fs::read_dir(root.join("experiments")).unwrap() {
        let folder = paper.unwrap().path().join("src");
        if folder.is_dir() {
            files(&folder, &mut sources);
        }
    }
    let (mut found, mut missing) = (0, Vec::new());
    for path in sources.iter().filter(|path| path.extension().is_some_and(|of| of == "rs")) {
        for (name, text) in operations(&fs::read_to_string(path).unwrap()) {
            found += 1;
            let ways = ["fn elementwise(", "fn view(", "fn definition<"];
            let runs = ways.iter().any(|way| text.contains(way))
                || lowering.contains(&format!("        ops::{name} => "))
                || PACKED.contains(&&*name);
            if !runs {
                missing.push(format!("{name} in {}", path.display()));
            }
        }
    }
    assert!(found > 45, "{found} operations");
    assert!(missing.is_empty(), "{missing:#?}");
}

//! Every committed table of published numbers is one that `compare` can read and trust.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
};

use tables::{Published, Theirs};

/// Columns after the parameters: metric, value, spread, source, confidence.
const FIXED: usize = 5;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../results/published")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn stem(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

/// Names of all tables, `<experiment>/<table>`.
fn names() -> Vec<String> {
    let mut names = Vec::new();
    for experiment in entries(&folder()).iter().filter(|path| path.is_dir()) {
        for table in entries(experiment) {
            assert!(table.extension().is_some_and(|end| end == "csv"), "{}", table.display());
            names.push(format!("{}/{}", stem(experiment), stem(&table)));
        }
    }
    names
}

/// How many rows the file has, and every metric that it names.
fn rows_and_metrics(name: &str, parameters: usize) -> (usize, BTreeSet<String>) {
    let path = folder().join(format!("{name}.csv"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    assert_eq!(reader.headers().unwrap().len(), parameters + FIXED, "{name}");
    let metrics: Vec<String> =
        reader.records().map(|record| record.unwrap()[parameters].to_owned()).collect();
    (metrics.len(), metrics.into_iter().collect())
}

fn check(name: &str, metric: &str, key: &[String], theirs: &Theirs) {
    assert!(!metric.is_empty(), "{name} {key:?}");
    let known = ["verified", "recalled", "computed"].contains(&theirs.confidence.as_str());
    assert!(known, "{name} {metric} {key:?}: confidence {:?}", theirs.confidence);
    assert!(!theirs.source.is_empty(), "{name} {metric} {key:?}: no source");
    assert!(theirs.value.is_finite(), "{name} {metric} {key:?}: {}", theirs.value);
    let spread = theirs.spread.is_none_or(|spread| spread.is_finite() && spread >= 0.0);
    assert!(spread, "{name} {metric} {key:?}: spread {:?}", theirs.spread);
}

#[test]
fn all_five_papers_have_tables() {
    let names = names();
    for experiment in ["dialog", "hypergrad", "raml", "rank-pooling", "style"] {
        let prefix = format!("{experiment}/");
        assert!(names.iter().any(|name| name.starts_with(&prefix)), "{experiment}");
    }
}

#[test]
fn every_number_is_finite_has_a_source_and_stands_once() {
    for name in names() {
        let table = Published::find(&folder(), &name).unwrap();
        let distinct: HashSet<&String> = table.parameters().iter().collect();
        assert_eq!(distinct.len(), table.parameters().len(), "{name}: a column stands twice");
        let (rows, metrics) = rows_and_metrics(&name, table.parameters().len());
        assert!(rows > 0, "{name} is empty");
        let mut read = 0;
        for metric in &metrics {
            let mut seen = HashSet::new();
            for (key, theirs) in table.numbers(metric) {
                check(&name, metric, key, theirs);
                assert!(seen.insert(key), "{name} {metric} {key:?} stands twice");
                read += 1;
            }
        }
        assert_eq!(read, rows, "{name}");
    }
}

/// The text of RAML counts 2.9 and 2.3 points between maximum likelihood and temperature 0.9.
#[test]
fn timit_gains_are_those_of_the_text() {
    let table = Published::find(&folder(), "raml/timit").unwrap();
    let value = |metric: &str, tau: &str| {
        let mut found = table.numbers(metric).filter(|(key, _)| key[0] == tau);
        found.next().unwrap_or_else(|| panic!("{metric} at {tau}")).1.value
    };
    for rate in ["dev_phone_error_rate", "test_phone_error_rate"] {
        let gain = value(rate, "0") - value(rate, "0.9");
        let stated = value(&format!("{rate}_gain"), "0.9");
        assert!((gain - stated).abs() <= 0.05, "{rate}: {gain}, the text says {stated}");
    }
}

/// What the paper prints for Omniglot is the authors' results rounded to two places.
#[test]
fn omniglot_is_printed_rounded() {
    let exact = Published::find(&folder(), "hypergrad/omniglot").unwrap();
    let printed = Published::find(&folder(), "hypergrad/omniglot-printed").unwrap();
    for metric in ["train_loss", "test_loss"] {
        let pairs: Vec<_> = exact.numbers(metric).zip(printed.numbers(metric)).collect();
        assert_eq!(pairs.len(), 3);
        for ((key, ours), (same, theirs)) in pairs {
            assert_eq!(key, same);
            assert!((ours.value - theirs.value).abs() <= 0.005 + 1e-12, "{metric} {key:?}");
        }
    }
}

//! `regimen datasets` lists data sets and explains missing ones.

use tempfile::TempDir;

use super::{assert_code, regimen, stderr, stdout};

#[test]
fn data_sets_are_listed_and_missing_ones_explained() {
    let cache = TempDir::new().unwrap();
    let call = |arguments: &[&str]| {
        let mut command = regimen();
        command.env("REGIMEN_CACHE", cache.path()).arg("datasets").args(arguments);
        command.output().unwrap()
    };
    let list = call(&["list"]);
    assert_code(&list, 0);
    assert!(stdout(&list).contains("babi1-dialog v1") && stdout(&list).contains("not fetched"));
    let rows: serde_json::Value =
        serde_json::from_slice(&call(&["list", "--format", "json"]).stdout).unwrap();
    assert_eq!(rows[0]["state"], "absent");

    let path = call(&["path", "babi1-dialog"]);
    assert_code(&path, 2);
    let unknown = call(&["fetch", "babi1-dialogue"]);
    assert_code(&unknown, 2);
    assert!(stderr(&unknown).contains("babi1-dialog"), "{}", stderr(&unknown));
    let offline = call(&["fetch", "babi1-dialog", "--offline"]);
    assert_code(&offline, 2);
    let refused = "offline: the network may not be used here";
    assert!(stderr(&offline).contains(refused), "{}", stderr(&offline));
}

//! Types are read with all mistakes, each with its place.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::read;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    name: String,
    bytes: u32,
    #[serde(default)]
    sources: Vec<From>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "from", rename_all = "lowercase", deny_unknown_fields)]
enum From {
    Mirror { path: String },
    Url { url: String, bytes: Option<u64> },
}

#[test]
fn all_mistakes_are_told_at_their_places() {
    let text = "name: 3\nbites: 7\nbytes: -1\nsources:\n  - { from: mirror, path: x }\n  - { from: web }\n";
    let told = read::<Set>(text).unwrap_err().to_string();
    for wanted in [
        "a.yaml:1:7: name: wanted text, found 3\n  1 | name: 3\n    |       ^",
        "a.yaml:2:1: bites: unknown key `bites`; did you mean `bytes`?",
        "a.yaml:3:8: bytes: wanted a whole number from 0 to 4294967295, found -1",
        "a.yaml:6:13: sources.[1].from: unknown value \"web\"; wanted one of mirror, url",
    ] {
        assert!(told.contains(wanted), "{wanted}\n\n{told}");
    }
}

#[test]
fn the_dialect_is_the_same_for_types() {
    let text = "name: no\nbytes: 012\nsources: [{ from: url, url: 1_000, bytes: null }]\n";
    let set: Set = read(text).unwrap();
    assert_eq!((set.name.as_str(), set.bytes), ("no", 12));
    assert_eq!(set.sources, [From::Url { url: "1_000".into(), bytes: None }]);
    assert_eq!(read::<Option<Set>>("# nothing\n").unwrap(), None);
    assert_eq!(read::<BTreeMap<String, u8>>("<<: &a { a: 1 }\nb: 2\n").unwrap().len(), 2);
}

//! What is written is read back as the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;
use yaml::{Content, Node, Value};

use crate::{read, tree};

/// As it is, with -0.0 and 0.0 apart.
fn shape(value: &Value) -> String {
    format!("{value:?}")
}

fn text() -> impl Strategy<Value = String> {
    let words = [
        "",
        "~",
        "no",
        "y",
        "012",
        "1_000",
        "0b1",
        "0o17",
        "1e3",
        ".inf",
        "12:30",
        "2024-01-01",
        "<<",
        "=",
        "a: b",
        "#",
        " x ",
        "a\nb\n",
        "\r",
        "a\r\nb",
        "\t",
        "\u{85}",
        "a\u{2028}b",
        "\u{feff}",
        "\0",
        "'",
        "\"",
        "\\",
        "- x",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a",
        "|",
        ">",
        "---",
        "...",
        "é",
        "模型",
        "🦀",
    ];
    prop_oneof![2 => select(words.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        let map = prop::collection::btree_map(text(), inner.clone(), 0..4);
        let map = map
            .prop_map(|map| Value::Mapping(map.into_iter().map(|(k, v)| (k.into(), v)).collect()));
        prop_oneof![prop::collection::vec(inner, 0..4).prop_map(Value::Sequence), map]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_comes_back(value in value()) {
        let written = yaml::to_string(&value).unwrap();
        let again: Value = read(&written).map_err(|e| TestCaseError::fail(format!("{e}\n{written}")))?;
        prop_assert_eq!(shape(&again), shape(&value), "{}", written);
        // Another reader, of the other dialect, where it takes the document.
        if let Ok(other) = serde_yaml::from_str::<Value>(&written) {
            prop_assert_eq!(shape(&other), shape(&value), "{}", written);
        }
    }
}

#[test]
fn documents_are_in_block_style() {
    let text = "name: a b\nempty:\n  a: {}\n  b: []\n  c: \"\"\nlist:\n  - 1\n  - - 2.0\n    - - null\n  - x: true\n    z:\n      - .nan\ntext:\n  - \"1\"\n  - \"null\"\n  - \"a: b\"\n  - \"# x\"\n  - \"é\\U00002028\"\n  - it's\n  - \"\\U00000000\"\n  - \"no\"\n  - \"1_000\"\n  - \"2024-01-01\"\nsmall: 1.0e-7\nlarge: 1.5e+300\n";
    let value: Value = read(text).unwrap();
    assert_eq!(yaml::to_string(&value).unwrap(), text.replace("it's", "\"it's\""));
    assert_eq!(yaml::to_string(&3).unwrap(), "3\n");
    let long = "k".repeat(2000);
    let deep = BTreeMap::from([(long.clone(), vec![BTreeMap::from([(long, 1)])])]);
    let written = yaml::to_string(&deep).unwrap();
    assert_eq!(read::<BTreeMap<String, Vec<BTreeMap<String, i32>>>>(&written).unwrap(), deep);
}

/// Why `yaml::write` is no call of `serde_yaml::to_string`: once this fails, it can be one.
#[test]
fn text_of_another_emitter_is_read_as_something_else() {
    for text in ["a\u{2028}b", "\u{2029}"] {
        let written = serde_yaml::to_string(text).unwrap();
        let again: Result<String, _> = read(&written);
        assert_ne!(again.ok().as_deref(), Some(text), "{written:?}");
    }
    assert_eq!(serde_yaml::to_string(&1e-7).unwrap(), "1e-7\n", "text in YAML 1.1");
}

#[test]
fn trees_come_back_as_they_were_written() {
    let node = tree("a: 0x1F\nb: [1e3, 'no', no]\n").unwrap();
    assert_eq!(yaml::write(&node), "a: 0x1F\nb:\n  - 1e3\n  - \"no\"\n  - no\n");
    assert_eq!(yaml::write(&Node::made(Content::Text("no".into()))), "\"no\"\n");
}

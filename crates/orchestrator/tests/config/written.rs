//! Values of every kind as configurations hold them, for property tests.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::json;

/// A value as a configuration may hold it.
#[derive(Debug, Clone)]
pub(crate) enum Written {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Written>),
    Map(Vec<(String, Written)>),
}

impl Written {
    /// As YAML that nobody can misread: text as a JSON string, floats with all their digits.
    pub(crate) fn yaml(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) if value.is_nan() => ".nan".into(),
            Self::Float(value) if value.is_infinite() => {
                if *value > 0.0 { ".inf" } else { "-.inf" }.into()
            }
            Self::Float(value) => format!("{value:?}"),
            Self::Text(text) => json!(text).to_string(),
            Self::List(items) => {
                format!("[{}]", items.iter().map(Self::yaml).collect::<Vec<_>>().join(", "))
            }
            Self::Map(fields) => {
                let field =
                    |(key, value): &(String, Self)| format!("{}: {}", json!(key), value.yaml());
                format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    let tricky = [
        "",
        " ",
        "1",
        "1.0",
        "-0",
        "+1",
        "0x1F",
        "0o17",
        "0o9",
        "007",
        "1_000",
        "1e5",
        "1234e5",
        ".5",
        "5.",
        "1e999",
        ".inf",
        "-.inf",
        "+.INF",
        ".nan",
        ".NaN",
        "inf",
        "nan",
        "Infinity",
        "~",
        "null",
        "Null",
        "NULL",
        "true",
        "True",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "=",
        "<<",
        "*a",
        "&a",
        "!remove",
        "!!str x",
        "- x",
        "? x",
        "a: b",
        "a:",
        ": a",
        "run #3",
        "#7",
        "%r",
        "@file",
        "`x",
        "|",
        ">",
        "'",
        "\"",
        "\\",
        "a\nb",
        "\n",
        "\t",
        "a\tb",
        " x ",
        "\r\n",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\0",
        "\u{7f}",
        "λ",
        "模型",
        "é",
        "🦀",
        "2024-01-01",
        "12:30:45",
        "---",
        "...",
        "[1]",
        "{a: 1}",
        "$numberDouble",
        "params.values.a",
        "1.2.3",
        "0..4",
        "a..b",
    ];
    prop_oneof![
        3 => prop::sample::select(tricky.to_vec()).prop_map(str::to_owned),
        1 => ".{0,12}",
        1 => "[0-9eE.+-]{1,8}",
        1 => any::<String>(),
    ]
}

pub(crate) fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,3}",
        1 => "[a-z]\\.[a-z]",
        1 => text(),
    ]
}

pub(crate) fn leaf() -> impl Strategy<Value = Written> {
    let whole = i128::from(i64::MIN)..=i128::from(u64::MAX);
    let floats = [
        0.0,
        -0.0,
        1.0,
        0.1,
        1e-7,
        1e21,
        1e22,
        1e300,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        f64::EPSILON,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    prop_oneof![
        1 => Just(Written::Null),
        1 => any::<bool>().prop_map(Written::Bool),
        2 => whole.prop_map(Written::Int),
        2 => (-9i128..10).prop_map(Written::Int),
        3 => prop::sample::select(floats.to_vec()).prop_map(Written::Float),
        3 => any::<u64>().prop_map(|bits| Written::Float(f64::from_bits(bits))),
        6 => text().prop_map(Written::Text),
    ]
}

pub(crate) fn written() -> impl Strategy<Value = Written> {
    leaf().prop_recursive(3, 12, 4, |inner| {
        let fields = prop::collection::vec((key(), inner.clone()), 0..4).prop_map(|mut fields| {
            let mut known = HashSet::new();
            fields.retain(|(key, _)| known.insert(key.clone()));
            Written::Map(fields)
        });
        prop_oneof![prop::collection::vec(inner, 0..4).prop_map(Written::List), fields]
    })
}

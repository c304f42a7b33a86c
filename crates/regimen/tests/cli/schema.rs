//! The JSON Schema of whole configurations; `scripts/schema-check` validates configurations by it.

use serde_json::Value;

use super::{regimen, stdout};

fn schema(words: &[&str]) -> Value {
    serde_json::from_str(&stdout(&regimen().arg("schema").args(words).output().unwrap())).unwrap()
}

/// Every reference in a schema.
fn references<'a>(schema: &'a Value, found: &mut Vec<&'a str>) {
    match schema {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn the_schema_of_configurations_is_whole() {
    for words in [&["--config"][..], &["descent", "--config"]] {
        let schema = schema(words);
        let mut found = Vec::new();
        references(&schema, &mut found);
        assert!(found.len() > 20, "{found:?}");
        for reference in found {
            let place = reference.strip_prefix('#').unwrap();
            assert!(schema.pointer(place).is_some(), "{words:?}: {reference} leads nowhere");
        }
        let text = schema.to_string();
        for key in ["learning_rate", "seeds", "rungs", "passes", "retry", "report"] {
            assert!(text.contains(&format!("\"{key}\"")), "{words:?}: {key}");
        }
        assert_eq!(text.contains("policy_accuracy"), words.len() == 1, "{words:?}");
    }
}

//! The JSON Schema of a whole configuration, by which editors complete and check one.

mod axes;
mod written;

#[cfg(test)]
mod tests;

use experiment::Entry;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::Chosen;
use axes::Parameters;
use written::Configuration;

/// Definitions that every experiment has its own of, since they name its parameters.
const OWN: [&str; 6] = ["Axes", "Block", "Drawn", "Point", "Random", "When"];

/// Keys at the top that may be null, which is as if they were not there.
const NULLABLE: [&str; 6] = ["params", "sweep", "search", "needs", "resources", "table"];

/// The schema of a configuration of one of these experiments, as draft 7, which editors know.
pub fn schema(entries: &[Entry]) -> Value {
    let summaries: Vec<&str> = entries.iter().map(|entry| entry.summary).collect();
    let params = entries.iter().map(|entry| (entry.name, entry.schema()));
    let mut root = of(params.collect());
    root["properties"]["experiment"]["enumDescriptions"] = json!(summaries);
    root
}

/// The schema of a configuration of one of these experiments, given with the schemas of their parameters.
fn of(experiments: Vec<(&str, Value)>) -> Value {
    let mut root = of_any();
    let mut definitions = taken(&mut root, "definitions");
    let names: Vec<&str> = experiments.iter().map(|(name, _)| *name).collect();
    root["properties"]["experiment"]["enum"] = json!(names);
    let mut rules = vec![whole(&mut definitions)];
    for (name, params) in experiments {
        rules.push(rule(name, params, &root, &mut definitions));
    }
    root["allOf"] = rules.into();
    root["definitions"] = definitions.into();
    root
}

/// The schema without the experiments.
fn of_any() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut root: Value = generator.into_root_schema_for::<Configuration>().into();
    without_null(&mut root, &NULLABLE);
    if let Some(definitions) = root["definitions"].as_object_mut() {
        for (name, definition) in definitions {
            match name.as_str() {
                "Table" => {}
                "Described" => without_null(definition, &["where"]),
                _ => without_null(definition, &[]),
            }
        }
    }
    let devices: Vec<String> = Chosen::named().map(|chosen| chosen.to_string()).collect();
    let pattern = format!("^({}|cuda:[0-9]+)$", devices.join("|"));
    root["definitions"]["Resources"]["properties"]["device"]["pattern"] = json!(pattern);
    root
}

/// What is there need not be null: takes null out of what the properties may be, but for some.
fn without_null(schema: &mut Value, but: &[&str]) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (_, property) in properties.iter_mut().filter(|(name, _)| !but.contains(&name.as_str())) {
        if let Some(types) = property.get_mut("type")
            && let Some(one) = types.as_array().and_then(|types| types.first()).cloned()
        {
            *types = one;
        }
        let Some(any) = property.get_mut("anyOf").and_then(Value::as_array_mut) else { continue };
        any.retain(|one| *one != json!({"type": "null"}));
    }
}

/// A configuration with a name that extends nothing has all that is required. Others are laid over files
/// that may have it, so that definitions require nothing.
fn whole(definitions: &mut Map<String, Value>) -> Value {
    let mut required = |name: &str| json!({"required": definitions[name]["required"].take()});
    let block = json!({"random": required("Random"), "when": alone_or_in_list(required("When"))});
    let rule = json!({
        "if": {"required": ["name"], "not": {"required": ["extends"]}},
        "then": {
            "required": ["experiment"],
            "properties": {
                "needs": {"additionalProperties": required("Described")},
                "search": required("Search"),
                "sweep": alone_or_in_list(json!({"properties": block})),
                "table": alone_or_in_list(required("Table")),
            },
        },
    });
    for definition in definitions.values_mut().filter_map(Value::as_object_mut) {
        definition.retain(|_, part| !part.is_null());
    }
    rule
}

/// What holds of a map, and of each in a list of them.
fn alone_or_in_list(mut rule: Value) -> Value {
    rule["items"] = rule.clone();
    rule
}

/// What holds of configurations of one experiment; its definitions are added.
fn rule(
    name: &str,
    mut params: Value,
    root: &Value,
    definitions: &mut Map<String, Value>,
) -> Value {
    let own = taken(&mut params, "$defs");
    taken(&mut params, "$schema");
    renamed(&mut params, &|of| format!("{name}.{of}"));
    for (of, mut definition) in own {
        renamed(&mut definition, &|of| format!("{name}.{of}"));
        definitions.insert(format!("{name}.{of}"), definition);
    }
    let parameters = Parameters::of(&params, definitions);
    definitions.insert(name.into(), params);
    let own = |of: &str| match OWN.contains(&of) {
        true => format!("{name}:{of}"),
        false => of.to_owned(),
    };
    for of in OWN {
        let mut definition = definitions[of].clone();
        renamed(&mut definition, &own);
        match of {
            "Axes" => parameters.restrict(&mut definition, axes::values),
            "Drawn" => parameters.restrict(&mut definition, |_| axes::reference("Distribution")),
            "Point" => parameters.restrict(&mut definition, Value::clone),
            _ => {}
        }
        definitions.insert(own(of), definition);
    }
    let mut sweep = root["properties"]["sweep"].clone();
    renamed(&mut sweep, &own);
    json!({
        "if": {"properties": {"experiment": {"const": name}}, "required": ["experiment"]},
        "then": {"properties": {
            "params": {"anyOf": [axes::reference(name), {"type": "null"}]},
            "sweep": sweep,
        }},
    })
}

/// An object that stands under a key, taken out; empty where none does.
fn taken(schema: &mut Value, key: &str) -> Map<String, Value> {
    match schema.as_object_mut().and_then(|schema| schema.remove(key)) {
        Some(Value::Object(found)) => found,
        _ => Map::new(),
    }
}

/// Gives other names to the definitions that a schema refers to.
fn renamed(schema: &mut Value, name: &impl Fn(&str) -> String) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(of) if key == "$ref" => {
                        let old = of.rsplit('/').next().unwrap_or_default();
                        *of = format!("#/definitions/{}", name(old));
                    }
                    value => renamed(value, name),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| renamed(item, name)),
        _ => {}
    }
}

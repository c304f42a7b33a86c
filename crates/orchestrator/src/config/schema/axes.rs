//! The parameters of an experiment by their dotted paths, as sweeps name them.

use serde_json::{Map, Value, json};

use crate::config::Path;

/// References that are followed into each other at most.
const DEEPEST: usize = 8;

/// The parameters of an experiment.
pub(super) struct Parameters {
    /// Paths, with the schemas of what stands there.
    known: Vec<(Vec<String>, Value)>,
    /// Paths below which names are free.
    open: Vec<Vec<String>>,
}

impl Parameters {
    /// The parameters of a schema that refers to these definitions.
    pub(super) fn of(schema: &Value, definitions: &Map<String, Value>) -> Self {
        let mut parameters = Self { known: Vec::new(), open: Vec::new() };
        parameters.add(schema, definitions, &[], DEEPEST);
        parameters
    }

    fn add(&mut self, schema: &Value, all: &Map<String, Value>, path: &[String], depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        if let Some(of) = schema["$ref"].as_str().and_then(|of| of.rsplit('/').next())
            && let Some(definition) = all.get(of)
        {
            self.add(definition, all, path, depth);
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            for one in schema[key].as_array().into_iter().flatten() {
                self.add(one, all, path, depth);
            }
        }
        let properties = schema["properties"].as_object();
        for (name, property) in properties.into_iter().flatten() {
            let path: Vec<String> = path.iter().chain([name]).cloned().collect();
            if !self.known.iter().any(|(known, _)| *known == path) {
                self.known.push((path.clone(), bare(property)));
            }
            self.add(property, all, &path, depth);
        }
        let more = schema.get("additionalProperties");
        if !path.is_empty() && more.is_some_and(|more| *more != Value::Bool(false)) {
            self.open.push(path.to_vec());
        }
    }

    /// Has an object name these parameters alone; `schema` makes that of a key from that of its parameter.
    pub(super) fn restrict(&self, object: &mut Value, schema: impl Fn(&Value) -> Value) {
        let any = object["additionalProperties"].take();
        let mut properties = Map::new();
        for (path, of) in &self.known {
            let name = path.iter().cloned().collect::<Path>().to_string();
            let mut of_key = schema(of);
            if let (Some(of_key), Some(text)) = (of_key.as_object_mut(), of.get("description")) {
                of_key.insert("description".into(), text.clone());
            }
            properties.insert(name, of_key);
        }
        // Longer forms of a path, and names that nobody can know, are any parameter's.
        let mut patterns = Map::from_iter([(r#"^params\.|["']"#.into(), any.clone())]);
        for path in &self.open {
            patterns.insert(format!(r"^{}\.", path.join(r"\.")), any.clone());
        }
        object["properties"] = properties.into();
        object["patternProperties"] = patterns.into();
        object["additionalProperties"] = false.into();
    }
}

/// The schema of a value without what is said of the parameter by default.
fn bare(property: &Value) -> Value {
    let mut property = property.clone();
    if let Some(fields) = property.as_object_mut() {
        fields.remove("default");
    }
    property
}

/// The values of an axis, each of this schema.
pub(super) fn values(of: &Value) -> Value {
    json!({"anyOf": [
        {"type": "array", "items": of, "minItems": 1}, reference("Range"), reference("Spaced"),
    ]})
}

/// A reference to a definition.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/definitions/{name}")})
}

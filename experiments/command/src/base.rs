//! Files that programs read their configuration from, with the values of a run in place of what stands there.

use std::path::Path;
use std::sync::Arc;

use experiment::{ParamError, free_form};
use serde_json::Value;
use yaml::{Content, Key, Node, Source};

use crate::words;

/// A configuration of a program's own, in the language that the ending of its name says.
#[derive(Debug, Clone)]
pub(crate) enum Base {
    Yaml(Node),
    Toml(toml::Value),
    Json(Value),
}

/// What may be wrong with such a file.
type Fault = String;

impl Base {
    /// Reads a file.
    ///
    /// # Errors
    /// In words, without the name of the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Fault> {
        let source = Source::read(path).map_err(told)?;
        Self::parse(ending(path), &source)
    }

    fn parse(ending: &str, source: &Arc<Source>) -> Result<Self, Fault> {
        let text = &source.text;
        match ending {
            "toml" => match toml::from_str::<toml::Table>(text) {
                Ok(table) => Ok(Self::Toml(toml::Value::Table(table))),
                Err(error) => Err(in_a_line(&error)),
            },
            "json" => serde_json::from_str(text).map(Self::Json).map_err(|error| in_a_line(&error)),
            _ => yaml::parse_foreign(source).map(Self::Yaml).map_err(told),
        }
    }

    /// Replaces what stands at a dotted path.
    ///
    /// # Errors
    /// Nothing stands there, or its language has no such value.
    pub(crate) fn set(&mut self, path: &str, value: &Value) -> Result<(), Fault> {
        match self {
            Self::Yaml(base) => set(base, path, value),
            Self::Toml(base) => set(base, path, value),
            Self::Json(base) => set(base, path, value),
        }
    }

    /// As it is written to a file.
    ///
    /// # Errors
    /// Its language cannot write a value.
    pub(crate) fn text(&self) -> Result<String, Fault> {
        match self {
            Self::Yaml(base) => Ok(yaml::write(base)),
            Self::Toml(base) => toml::to_string(base).map_err(|error| in_a_line(&error)),
            Self::Json(base) => Ok(words::json(base)),
        }
    }
}

/// The ending of a name in lower case; YAML where it says nothing.
pub(crate) fn ending(path: &Path) -> &'static str {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match ending.as_str() {
        "toml" => "toml",
        "json" => "json",
        _ => "yaml",
    }
}

/// The configuration of a run: the file with its values in place.
///
/// # Errors
/// With the path of the value that is wrong, or `config`.
pub(crate) fn filled(file: &str, values: &[(String, &Value)]) -> Result<Base, ParamError> {
    let wanted = "a configuration in YAML, TOML or JSON";
    let mut base = Base::read(Path::new(file))
        .map_err(|why| ParamError::new("config", wanted, format!("{file}: {why}")))?;
    for (name, value) in values {
        let refuse =
            |found| ParamError::new(format!("values.{name}"), format!("a value of {file}"), found);
        base.set(name, value).map_err(refuse)?;
    }
    Ok(base)
}

fn in_a_line(error: &dyn std::error::Error) -> Fault {
    error.to_string().trim().replace('\n', " ")
}

/// A mistake in a document, without the name of the file.
fn told(error: yaml::Error) -> Fault {
    match error.location.line {
        0 => error.message,
        line => format!("line {line}, column {}: {}", error.location.column, error.message),
    }
}

/// A tree of maps and lists.
trait Tree: Sized {
    /// What stands below a key of a map, or at a place of a list.
    fn child(&mut self, key: &str) -> Option<&mut Self>;
    /// The keys of a map.
    fn keys(&self) -> Vec<String>;
    /// What a value is in this language.
    fn of(value: &Value) -> Option<Self>;
}

impl Tree for Node {
    fn child(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.content {
            Content::Map(entries) => {
                let named = |(known, _): &&mut (Key, Self)| known.text == key;
                entries.iter_mut().find(named).map(|(_, node)| node)
            }
            Content::Seq(items) => items.get_mut(key.parse::<usize>().ok()?),
            Content::Tagged { value, .. } => value.child(key),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<String> {
        match &self.content {
            Content::Map(entries) => entries.iter().map(|(key, _)| key.text.clone()).collect(),
            Content::Tagged { value, .. } => value.keys(),
            _ => Vec::new(),
        }
    }

    fn of(value: &Value) -> Option<Self> {
        if let Some(number) = free_form::non_finite(value) {
            return Some(Self::made(Content::Float(number)));
        }
        Some(Self::made(match value {
            Value::Null => Content::Null,
            Value::Bool(truth) => Content::Bool(*truth),
            Value::Number(number) => match number.as_i128() {
                Some(whole) => Content::Int(whole),
                None => Content::Float(number.as_f64()?),
            },
            Value::String(text) => Content::Text(text.clone()),
            Value::Array(items) => Content::Seq(items.iter().map(Self::of).collect::<Option<_>>()?),
            Value::Object(map) => {
                let field = |(key, value): (&String, _)| Some((Key::made(key), Self::of(value)?));
                Content::Map(map.iter().map(field).collect::<Option<_>>()?)
            }
        }))
    }
}

impl Tree for toml::Value {
    fn child(&mut self, key: &str) -> Option<&mut Self> {
        match self {
            Self::Table(map) => map.get_mut(key),
            Self::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<String> {
        self.as_table().into_iter().flat_map(|map| map.keys().cloned()).collect()
    }

    fn of(value: &Value) -> Option<Self> {
        if let Some(number) = free_form::non_finite(value) {
            return Some(Self::Float(number));
        }
        Some(match value {
            Value::Null => return None,
            Value::Bool(truth) => Self::Boolean(*truth),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => Self::Integer(whole),
                None => Self::Float(number.as_f64()?),
            },
            Value::String(text) => Self::String(text.clone()),
            Value::Array(items) => Self::Array(items.iter().map(Self::of).collect::<Option<_>>()?),
            Value::Object(map) => {
                let field = |(key, value): (&String, _)| Some((key.clone(), Self::of(value)?));
                Self::Table(map.iter().map(field).collect::<Option<_>>()?)
            }
        })
    }
}

impl Tree for Value {
    fn child(&mut self, key: &str) -> Option<&mut Self> {
        match self {
            Self::Object(map) => map.get_mut(key),
            Self::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<String> {
        self.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect()
    }

    fn of(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

fn set<T: Tree>(base: &mut T, path: &str, value: &Value) -> Result<(), Fault> {
    let found =
        T::of(value).ok_or_else(|| format!("{}, which TOML does not have", words::word(value)))?;
    if let Some(place) = at(base, path) {
        *place = found;
        return Ok(());
    }
    let mut known = Vec::new();
    paths(base, "", &mut known);
    let near = |known: &&String| strsim::damerau_levenshtein(known, path);
    let is_near = |known: &&String| near(known) <= 1 + path.chars().count() / 3;
    let hint = known.iter().filter(is_near).min_by_key(near);
    let hint = hint.map_or(String::new(), |known| format!(" (did you mean {known}?)"));
    Err(format!("{path}, which it does not have{hint}"))
}

/// What stands at a dotted path, of whose keys some may have dots themselves.
fn at<'a, T: Tree>(base: &'a mut T, path: &str) -> Option<&'a mut T> {
    // Looked for first: a place that is lent out cannot be looked at again.
    let ends: Vec<usize> = path.match_indices('.').map(|(at, _)| at).chain([path.len()]).collect();
    let end = ends.into_iter().find(|&end| {
        let (key, rest) = path.split_at(end);
        base.child(key).is_some_and(|child| rest.is_empty() || at(child, &rest[1..]).is_some())
    })?;
    let (key, rest) = path.split_at(end);
    let child = base.child(key)?;
    if rest.is_empty() { Some(child) } else { at(child, &rest[1..]) }
}

/// The paths of everything that stands in maps.
fn paths<T: Tree>(base: &mut T, before: &str, found: &mut Vec<String>) {
    for key in base.keys() {
        let path = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
        found.push(path.clone());
        if let Some(child) = base.child(&key) {
            paths(child, &path, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn replaced(ending: &str, text: &str, values: &[(&str, Value)]) -> Result<String, Fault> {
        let mut base = Base::parse(ending, &Source::of_file(Path::new("base"), text))?;
        for (path, value) in values {
            base.set(path, value)?;
        }
        base.text()
    }

    #[test]
    fn values_take_the_place_of_what_stands_in_a_file() {
        let values = [
            ("optimizer.lr", json!(0.5)),
            ("layers.1", json!(64)),
            ("a.b", json!("text")),
            ("limit", free_form::number(f64::INFINITY)),
        ];
        let yaml = "# kept by nobody\noptimizer: {name: adam, lr: 0.1}\nlayers: [1, 2]\n\
                    a.b: x\nlimit: 3\n";
        let found = replaced("yaml", yaml, &values).unwrap();
        let wanted =
            "optimizer:\n  name: adam\n  lr: 0.5\nlayers:\n  - 1\n  - 64\na.b: text\nlimit: .inf\n";
        assert_eq!(found, wanted);
        let toml = "layers = [1, 2]\nlimit = 3\n\"a.b\" = \"x\"\n[optimizer]\nlr = 0.1\n";
        let found = replaced("toml", toml, &values).unwrap();
        let found: toml::Table = toml::from_str(&found).unwrap();
        assert_eq!(found["optimizer"]["lr"].as_float(), Some(0.5));
        assert_eq!(found["layers"][1].as_integer(), Some(64));
        assert_eq!(found["limit"].as_float(), Some(f64::INFINITY));
        let json = r#"{"optimizer": {"lr": 0.1}, "layers": [1, 2], "a.b": "x", "limit": 3}"#;
        let found = replaced("json", json, &values).unwrap();
        assert_eq!(
            found,
            r#"{"a.b":"text","layers":[1,64],"limit":Infinity,"optimizer":{"lr":0.5}}"#
        );
    }

    #[test]
    fn anchors_and_merges_are_resolved() {
        let yaml = "base: &base {lr: 0.1, momentum: 0.9}\nmine: {<<: *base, lr: 0.2}\n";
        let found = replaced("yaml", yaml, &[("mine.momentum", json!(0.5))]).unwrap();
        assert!(found.ends_with("mine:\n  lr: 0.2\n  momentum: 0.5\n"), "{found}");
    }

    #[test]
    fn what_is_not_replaced_means_the_same_to_a_program_with_another_dialect() {
        let yaml = "amp: no\nmode: 0o644\nid: 1_000\ntag: 'no'\npath: !env HOME\n1: one\nlr: 1\n";
        let values = [("lr", json!(1e-7)), ("tag", json!("off"))];
        let found = replaced("yaml", yaml, &values).unwrap();
        let wanted =
            "amp: no\nmode: 0o644\nid: 1_000\ntag: \"off\"\npath: !env HOME\n1: one\nlr: 1.0e-7\n";
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_is_not_there_is_told_with_the_nearest() {
        let refuse = |path, value| {
            replaced("toml", "[optimizer]\nlr = 0.1\n", &[(path, value)]).unwrap_err()
        };
        let told = refuse("optimizer.lrr", json!(1));
        assert_eq!(told, "optimizer.lrr, which it does not have (did you mean optimizer.lr?)");
        assert_eq!(refuse("nothing.like.it", json!(1)), "nothing.like.it, which it does not have");
        assert_eq!(refuse("optimizer.lr", json!(null)), "null, which TOML does not have");
        assert!(
            replaced("yaml", "a: 1\nb: 2\na: 3", &[])
                .unwrap_err()
                .starts_with("line 3, column 1: ")
        );
        assert!(replaced("toml", "a = ", &[]).is_err() && replaced("json", "{", &[]).is_err());
    }
}

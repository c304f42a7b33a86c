//! The arguments of a tool, from its JSON Schema to a command line and back to JSON.

use std::collections::BTreeSet;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches};
use experiment::{OutputFile, Tool};
use serde_json::{Map, Value};

/// One argument of a tool.
#[derive(Debug, Clone)]
pub(super) struct Argument {
    /// Name of the property.
    name: String,
    help: String,
    short: Option<char>,
    default: Option<String>,
    required: bool,
    /// Whether it is a list, of which the type is that of its elements.
    is_list: bool,
    accepts: Accepts,
}

/// Which JSON values an argument may be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Accepts {
    /// Names of types, as in a schema; any where there are neither types nor words.
    types: BTreeSet<String>,
    /// Texts, each with what it means.
    words: Vec<(String, String)>,
    is_output: bool,
}

impl Argument {
    /// The arguments of a tool, those that are given by place first, in their order.
    pub(super) fn all(tool: &Tool) -> Vec<Self> {
        let required: Vec<&str> = texts(&tool.schema["required"]).collect();
        let properties = tool.schema["properties"].as_object();
        let names = properties.into_iter().flat_map(Map::keys).map(String::as_str);
        let others = names.filter(|name| !required.contains(name));
        let of = |name: &str| Self::new(tool, name, required.contains(&name));
        required.iter().copied().chain(others).map(of).collect()
    }

    fn new(tool: &Tool, name: &str, required: bool) -> Self {
        let schema = &tool.schema["properties"][name];
        let mut accepts = Accepts::default();
        let mut is_list = false;
        for one in alternatives(&tool.schema, schema) {
            match &one["items"] {
                items @ Value::Object(_) => {
                    is_list = true;
                    let elements = alternatives(&tool.schema, items);
                    elements.into_iter().for_each(|one| accepts.add(one));
                }
                _ => accepts.add(one),
            }
        }
        let default = match &schema["default"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Bool(false) => None,
            Value::Array(elements) if elements.is_empty() => None,
            other => Some(other.to_string()),
        };
        Self {
            name: name.into(),
            help: schema["description"].as_str().unwrap_or_default().into(),
            short: schema["short"].as_str().and_then(|short| short.chars().next()),
            default,
            required,
            is_list,
            accepts,
        }
    }

    /// Its name as an option.
    pub(super) fn long(&self) -> String {
        self.name.replace('_', "-")
    }

    /// What a command line says of it: what is required stands by its place.
    pub(super) fn clap(&self) -> Arg {
        let help = match &self.default {
            Some(default) => format!("{} [default: {default}]", self.help.trim_end_matches('.')),
            None => self.help.clone(),
        };
        let mut arg = Arg::new(self.name.clone())
            .value_name(self.name.to_uppercase())
            .help(help)
            .value_parser(self.accepts.parser())
            .allow_negative_numbers(self.accepts.is_number())
            .action(if self.is_list { ArgAction::Append } else { ArgAction::Set });
        if self.required {
            return arg.required(true).num_args(if self.is_list { 1..=usize::MAX } else { 1..=1 });
        }
        if self.accepts.is_flag() && !self.is_list {
            arg = arg.num_args(0..=1).require_equals(true).default_missing_value("true");
        }
        if let Some(short) = self.short {
            arg = arg.short(short);
        }
        arg.long(self.long())
    }

    /// What was given for it.
    fn given(&self, parsed: &ArgMatches) -> Option<Value> {
        if !self.is_list {
            return parsed.get_one(&self.name).cloned();
        }
        let given = parsed.get_many::<Value>(&self.name)?;
        // A list may be given whole, too.
        let elements = given.cloned().flat_map(|value| match value {
            Value::Array(elements) => elements,
            one => vec![one],
        });
        Some(Value::Array(elements.collect()))
    }
}

/// What was given, as a JSON object.
pub(super) fn object(arguments: &[Argument], parsed: &ArgMatches) -> Value {
    let given = arguments.iter().filter_map(|one| Some((one.name.clone(), one.given(parsed)?)));
    Value::Object(given.collect())
}

/// The files that will be written, those named by defaults among them.
pub(super) fn outputs(arguments: &[Argument], parsed: &ArgMatches) -> Vec<String> {
    let outputs = arguments.iter().filter(|one| one.accepts.is_output);
    let named = outputs.flat_map(|one| match one.given(parsed) {
        Some(Value::Array(all)) => all,
        Some(one) => vec![one],
        None => one.default.iter().map(|text| Value::from(text.as_str())).collect(),
    });
    named.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// Whether some argument is a file to be written.
pub(super) fn writes(arguments: &[Argument]) -> bool {
    arguments.iter().any(|one| one.accepts.is_output)
}

/// The schemas that a schema allows one of, as far as they are told apart here; none of them refers to
/// another.
fn alternatives<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    if let Some(name) = schema["$ref"].as_str() {
        let referred = name.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return referred.map_or_else(Vec::new, |referred| alternatives(root, referred));
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        if let Some(all) = schema[keyword].as_array() {
            return all.iter().flat_map(|one| alternatives(root, one)).collect();
        }
    }
    vec![schema]
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

impl Accepts {
    fn add(&mut self, schema: &Value) {
        let meaning = schema["description"].as_str().unwrap_or_default();
        let words: Vec<&str> =
            schema["const"].as_str().into_iter().chain(texts(&schema["enum"])).collect();
        if !words.is_empty() {
            self.words.extend(words.into_iter().map(|word| (word.to_owned(), meaning.to_owned())));
            return;
        }
        let types = schema["type"].as_str().into_iter().chain(texts(&schema["type"]));
        self.types.extend(types.filter(|kind| *kind != "null").map(str::to_owned));
        self.is_output |= schema["format"] == OutputFile::FORMAT;
    }

    fn has(&self, kind: &str) -> bool {
        self.types.contains(kind)
    }

    fn is_number(&self) -> bool {
        self.has("number") || self.has("integer")
    }

    fn is_flag(&self) -> bool {
        self.words.is_empty() && self.types.iter().map(String::as_str).eq(["boolean"])
    }

    fn parser(&self) -> ValueParser {
        if self.types.is_empty() && !self.words.is_empty() {
            let value = |(word, meaning): &(String, String)| {
                let value = PossibleValue::new(word.clone());
                if meaning.is_empty() { value } else { value.help(meaning.clone()) }
            };
            let words: Vec<PossibleValue> = self.words.iter().map(value).collect();
            return PossibleValuesParser::new(words).map(Value::String).into();
        }
        let accepts = self.clone();
        ValueParser::new(move |text: &str| accepts.parse(text))
    }

    /// The value that a text stands for.
    fn parse(&self, text: &str) -> Result<Value, String> {
        let word = || Value::String(text.to_owned());
        if self.words.iter().any(|(known, _)| known == text) {
            return Ok(word());
        }
        let found: Option<Value> = serde_json::from_str(text).ok();
        if self.types.is_empty() {
            return Ok(found.unwrap_or_else(word));
        }
        if let Some(found) = found.filter(|found| self.allows(found)) {
            return Ok(found);
        }
        // Numbers as people write them: `.5`, `+3`, `1e-3`.
        let number = text.parse::<f64>().ok().filter(|_| self.has("number"));
        if let Some(number) = number.and_then(serde_json::Number::from_f64) {
            return Ok(Value::Number(number));
        }
        if self.has("string") { Ok(word()) } else { Err(format!("wanted {}", self.wanted())) }
    }

    fn allows(&self, value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::Bool(_) => self.has("boolean"),
            Value::Number(number) => {
                self.has("number") || (self.has("integer") && !number.is_f64())
            }
            // A text in quotes is one with them.
            Value::String(_) => false,
            Value::Array(_) => self.has("array"),
            Value::Object(_) => self.has("object"),
        }
    }

    fn wanted(&self) -> String {
        let name = |kind: &String| match kind.as_str() {
            "boolean" => "true or false".to_owned(),
            "integer" => "a whole number".to_owned(),
            "number" => "a number".to_owned(),
            "array" => "a list in JSON".to_owned(),
            "object" => "an object in JSON".to_owned(),
            other => other.to_owned(),
        };
        let words = self.words.iter().map(|(word, _)| word.clone());
        self.types.iter().map(name).chain(words).collect::<Vec<_>>().join(" or ")
    }
}

//! Converts values into command-line arguments, in the style that the program expects.

use experiment::ParamError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::words::word as text;

/// How values become words after those of `program`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Arguments {
    /// The words of one value, with `{name}` and, in the last, `{value}`.
    pub style: String,
    /// How booleans are passed.
    pub flags: Flags,
    /// How nulls are passed.
    pub nulls: Nulls,
    /// How lists are passed.
    pub lists: Lists,
}

/// How booleans are passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Flags {
    /// `--augment true`, `--augment false`.
    #[default]
    Value,
    /// `--augment`, nothing.
    Present,
    /// `--augment`, `--no-augment`.
    Negated,
}

/// How nulls are passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Nulls {
    /// `--warmup null`.
    #[default]
    Value,
    /// Nothing.
    Omit,
}

/// How lists are passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lists {
    /// `--layers [64,32]`.
    #[default]
    Json,
    /// `--layers 64 32`.
    Words,
    /// `--layers 64,32`.
    Commas,
    /// `--layers 64 --layers 32`.
    Repeat,
}

const NAME: &str = "{name}";
const VALUE: &str = "{value}";

impl Default for Arguments {
    fn default() -> Self {
        Self {
            style: format!("--{NAME} {VALUE}"),
            flags: Flags::default(),
            nulls: Nulls::default(),
            lists: Lists::default(),
        }
    }
}

impl Arguments {
    pub(crate) fn check(&self) -> Result<(), ParamError> {
        let mut words = self.style.split_whitespace();
        let last = words.next_back().unwrap_or_default();
        let before = words.clone().all(|word| !word.contains(VALUE));
        let named = self.style.find(NAME) < self.style.find(VALUE);
        let fits = last.matches(VALUE).count() == 1
            && self.style.matches(NAME).count() == 1
            && !self.style.contains('\0')
            && before
            && named;
        let wanted = "words with {name} and, in the last of them, {value}";
        ParamError::check(fits, "arguments.style", wanted, format!("{:?}", self.style))
    }

    /// The words of one value.
    pub(crate) fn words(&self, name: &str, value: &Value) -> Vec<String> {
        match (value, self.flags, self.nulls, self.lists) {
            (Value::Bool(true), Flags::Present | Flags::Negated, ..) => self.flag(name),
            (Value::Bool(false), Flags::Present, ..) | (Value::Null, _, Nulls::Omit, _) => vec![],
            (Value::Bool(false), Flags::Negated, ..) => self.flag(&format!("no-{name}")),
            (Value::Array(items), _, _, Lists::Words) => {
                self.flag(name).into_iter().chain(items.iter().map(text)).collect()
            }
            (Value::Array(items), _, _, Lists::Commas) => {
                self.option(name, &items.iter().map(text).collect::<Vec<_>>().join(","))
            }
            (Value::Array(items), _, _, Lists::Repeat) => {
                items.iter().flat_map(|item| self.option(name, &text(item))).collect()
            }
            (other, ..) => self.option(name, &text(other)),
        }
    }

    fn option(&self, name: &str, value: &str) -> Vec<String> {
        let word = |word: &str| {
            // The value last: it may read `{name}` itself.
            let (before, after) = word.split_once(VALUE).unwrap_or((word, ""));
            let value = if word.contains(VALUE) { value } else { "" };
            format!("{}{value}{}", before.replace(NAME, name), after.replace(NAME, name))
        };
        self.style.split_whitespace().map(word).collect()
    }

    /// What stands before a value.
    fn flag(&self, name: &str) -> Vec<String> {
        let before = self.style.split(VALUE).next().unwrap_or_default();
        let before = before.trim_end_matches(|c: char| c.is_whitespace() || c == '=' || c == ':');
        before.split_whitespace().map(|word| word.replace(NAME, name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(arguments: Value, name: &str, value: &Value) -> String {
        let arguments: Arguments = serde_json::from_value(arguments).unwrap();
        arguments.check().unwrap();
        arguments.words(name, value).join(" ")
    }

    #[test]
    fn by_default_every_value_is_an_option_and_its_text() {
        let usual = |value| words(json!({}), "x", &value);
        assert_eq!(usual(json!(0.1)), "--x 0.1");
        assert_eq!(usual(json!("a b")), "--x a b");
        assert_eq!(usual(json!(true)), "--x true");
        assert_eq!(usual(json!(null)), "--x null");
        assert_eq!(usual(json!([64, 32])), "--x [64,32]");
    }

    #[test]
    fn flags_nulls_and_lists_go_the_way_that_is_asked_for() {
        let present = json!({"flags": "present", "nulls": "omit", "lists": "words"});
        assert_eq!(words(present.clone(), "augment", &json!(true)), "--augment");
        assert_eq!(words(present.clone(), "augment", &json!(false)), "");
        assert_eq!(words(present.clone(), "warmup", &json!(null)), "");
        assert_eq!(words(present.clone(), "layers", &json!([64, "a"])), "--layers 64 a");
        assert_eq!(words(present, "offset", &json!(-1e-7)), "--offset -1e-7");
        let negated = json!({"flags": "negated", "lists": "repeat"});
        assert_eq!(words(negated.clone(), "augment", &json!(false)), "--no-augment");
        assert_eq!(words(negated, "layers", &json!([64, 32])), "--layers 64 --layers 32");
    }

    #[test]
    fn a_style_may_be_of_one_word() {
        let style = json!({"style": "--{name}={value}", "flags": "present", "lists": "commas"});
        assert_eq!(words(style.clone(), "offset", &json!(-1e-7)), "--offset=-1e-7");
        assert_eq!(words(style.clone(), "augment", &json!(true)), "--augment");
        assert_eq!(words(style, "layers", &json!([64, 32])), "--layers=64,32");
        let hydra = json!({"style": "{name}={value}", "lists": "words"});
        assert_eq!(words(hydra.clone(), "lr", &json!("{name}{value}")), "lr={name}{value}");
        assert_eq!(words(hydra, "layers", &json!([64, 32])), "layers 64 32");
        for wrong in ["", "{name}", "{value}", "{value} {name}", "{name} {value} x"] {
            let arguments = Arguments { style: wrong.into(), ..Arguments::default() };
            assert!(arguments.check().is_err(), "{wrong}");
        }
    }
}

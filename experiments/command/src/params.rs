use std::collections::BTreeMap;

use experiment::ParamError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How the program gets its parameters. Whichever it is, the file of `json` is there too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pass {
    /// `--lr 0.1` after the words of `program`.
    #[default]
    Arguments,
    /// `REGIMEN_LR=0.1`, with `prefix`.
    Environment,
    /// A JSON object in the file that `REGIMEN_PARAMS` names.
    Json,
}

/// Parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The program and its first arguments. No shell reads them.
    pub program: Vec<String>,
    /// Parameters of the program, swept as `values.NAME`.
    pub values: BTreeMap<String, Value>,
    /// How the program gets them.
    pub pass: Pass,
    /// What names of variables begin with under `pass: environment`.
    pub prefix: String,
    /// By metric, a regular expression for lines of standard output. Its group `value`, or its
    /// only one, is the value, its group `step` the step, if it has one.
    pub metrics: BTreeMap<String, String>,
    /// A regular expression for lines of standard output with groups `metric` and `value`, and
    /// perhaps `step`.
    pub pattern: String,
    /// Files whose content is part of a run's identity, such as the program's script.
    pub files: Vec<String>,
    /// Seconds between the request to stop and the end of all patience.
    pub grace_seconds: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            program: Vec::new(),
            values: BTreeMap::new(),
            pass: Pass::Arguments,
            prefix: "REGIMEN_".into(),
            metrics: BTreeMap::new(),
            pattern: String::new(),
            files: Vec::new(),
            grace_seconds: 10.0,
        }
    }
}

/// Variables that have a meaning of their own.
pub(crate) const RESERVED: [&str; 6] = [
    "REGIMEN_SEED",
    "REGIMEN_THREADS",
    "REGIMEN_RUN_ID",
    "REGIMEN_PARAMS",
    "REGIMEN_METRICS_FD",
    "REGIMEN_CHECKPOINT",
];

impl Params {
    pub(crate) fn check(&self) -> Result<(), ParamError> {
        let named = self.program.first().is_some_and(|word| !word.is_empty());
        ParamError::check(named, "program", "a program and its arguments", "nothing")?;
        let whole = self.program.iter().all(|word| !word.contains('\0'));
        ParamError::check(whole, "program", "words without NUL", "NUL")?;
        let finite = (0.0..=1e6).contains(&self.grace_seconds);
        ParamError::check(finite, "grace_seconds", "seconds, 0 or more", self.grace_seconds)?;
        let variable = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let prefix = self.prefix.chars().all(variable)
            && !self.prefix.starts_with(|c: char| c.is_ascii_digit());
        ParamError::check(prefix, "prefix", "letters, digits and _", &self.prefix)?;
        for (name, text) in self.flat() {
            let path = format!("values.{name}");
            let plain = name
                .split('.')
                .all(|key| !key.is_empty() && key.chars().all(|c| variable(c) || c == '-'));
            ParamError::check(plain, &path, "a name of letters, digits, _ and -", &name)?;
            ParamError::check(!text.contains('\0'), &path, "text without NUL", "NUL")?;
            if self.pass == Pass::Environment {
                let variable = self.variable(&name);
                let (free, digit) = (
                    !RESERVED.contains(&variable.as_str()),
                    variable.starts_with(|c: char| c.is_ascii_digit()),
                );
                let wanted = "a name that makes a variable without a meaning of its own";
                ParamError::check(free && !digit, &path, wanted, &variable)?;
            }
        }
        Ok(())
    }

    /// Every value by dotted name as one word; what is neither text nor a map is JSON.
    pub(crate) fn flat(&self) -> Vec<(String, String)> {
        fn add(name: &str, value: &Value, flat: &mut Vec<(String, String)>) {
            match value {
                Value::Object(map) => {
                    for (key, value) in map {
                        add(&format!("{name}.{key}"), value, flat);
                    }
                }
                Value::String(text) => flat.push((name.into(), text.clone())),
                other => flat.push((name.into(), other.to_string())),
            }
        }
        let mut flat = Vec::new();
        for (name, value) in &self.values {
            add(name, value, &mut flat);
        }
        flat
    }

    /// The variable of a dotted name.
    pub(crate) fn variable(&self, name: &str) -> String {
        self.prefix.clone() + &name.to_ascii_uppercase().replace(['.', '-'], "_")
    }
}

use std::collections::{BTreeMap, BTreeSet};

use experiment::ParamError;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::arguments::Arguments;
use crate::files;
use crate::metrics::Reported;
use crate::placeholder::Word;

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
    /// The program and its first arguments, in which `{seed}`, `{threads}`, `{run}`, `{folder}`,
    /// `{params}`, `{checkpoint}` and `{values.NAME}` stand for those of the run. No shell reads
    /// them.
    pub program: Vec<String>,
    /// Parameters of the program, swept as `values.NAME`.
    pub values: BTreeMap<String, Value>,
    /// How the program gets those that no word of `program` has.
    pub pass: Pass,
    /// How they become words under `pass: arguments`.
    pub arguments: Arguments,
    /// What names of variables begin with under `pass: environment`.
    pub prefix: String,
    /// What the program reports, by metric: a regular expression for lines of what it prints, or a
    /// map of `goal`, `pattern` and `unit`.
    pub metrics: BTreeMap<String, Reported>,
    /// A regular expression for lines of what it prints, with groups `metric` and `value`, and
    /// perhaps `step`.
    pub pattern: String,
    /// Files, folders and patterns whose content is part of a run's identity, such as the program's
    /// script.
    #[serde(deserialize_with = "normal")]
    pub files: Vec<String>,
    /// Patterns of files in the run's own folder that are kept when it succeeded.
    pub publish: Vec<String>,
    /// Seconds between the request to stop and the end of all patience.
    pub grace_seconds: f64,
}

fn normal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let files = Vec::<String>::deserialize(deserializer)?;
    Ok(files.iter().map(|file| files::normal(file)).collect())
}

impl Default for Params {
    fn default() -> Self {
        Self {
            program: Vec::new(),
            values: BTreeMap::new(),
            pass: Pass::Arguments,
            arguments: Arguments::default(),
            prefix: "REGIMEN_".into(),
            metrics: BTreeMap::new(),
            pattern: String::new(),
            files: Vec::new(),
            publish: Vec::new(),
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
    /// What decides what is computed: which direction of a metric is better does not, and how words
    /// are made does not where none are.
    pub(crate) fn identity(&self) -> Self {
        let patterns = self.metrics.iter().filter_map(|(metric, reported)| {
            Some((metric.clone(), reported.pattern.as_deref()?.into()))
        });
        let mut identity = Self { metrics: patterns.collect(), ..self.clone() };
        if self.pass != Pass::Arguments {
            identity.arguments = Arguments::default();
        }
        identity
    }

    pub(crate) fn check(&self) -> Result<(), ParamError> {
        let named = self.program.first().is_some_and(|word| !word.is_empty());
        ParamError::check(named, "program", "a program and its arguments", "nothing")?;
        let whole = self.program.iter().all(|word| !word.contains('\0'));
        ParamError::check(whole, "program", "words without NUL", "NUL")?;
        let finite = (0.0..=1e6).contains(&self.grace_seconds);
        ParamError::check(finite, "grace_seconds", "seconds, 0 or more", self.grace_seconds)?;
        self.arguments.check()?;
        for pattern in &self.publish {
            let inside = !pattern.is_empty()
                && !pattern.starts_with('/')
                && pattern.split('/').all(|part| part != "..");
            let wanted = "a pattern of files in the run's folder, such as *.png";
            ParamError::check(inside, "publish", wanted, format!("{pattern:?}"))?;
        }
        self.check_values()
    }

    fn check_values(&self) -> Result<(), ParamError> {
        let variable = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let prefix = self.prefix.chars().all(variable)
            && !self.prefix.starts_with(|c: char| c.is_ascii_digit());
        ParamError::check(prefix, "prefix", "letters, digits and _", &self.prefix)?;
        for (name, value) in self.flat() {
            let path = format!("values.{name}");
            let plain = name
                .split('.')
                .all(|key| !key.is_empty() && key.chars().all(|c| variable(c) || c == '-'));
            ParamError::check(plain, &path, "a name of letters, digits, _ and -", &name)?;
            ParamError::check(!text(value).contains('\0'), &path, "text without NUL", "NUL")?;
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

    /// Every value by dotted name.
    pub(crate) fn flat(&self) -> Vec<(String, &Value)> {
        fn add<'a>(name: &str, value: &'a Value, flat: &mut Vec<(String, &'a Value)>) {
            match value {
                Value::Object(map) => {
                    for (key, value) in map {
                        add(&format!("{name}.{key}"), value, flat);
                    }
                }
                other => flat.push((name.into(), other)),
            }
        }
        let mut flat = Vec::new();
        for (name, value) in &self.values {
            add(name, value, &mut flat);
        }
        flat
    }

    /// The words of `program`.
    ///
    /// # Errors
    /// A place that nothing of a run has.
    pub(crate) fn words(&self) -> Result<Vec<Word>, ParamError> {
        let texts = self.texts();
        self.program.iter().map(|word| Word::parse(word, &texts)).collect()
    }

    /// Every value as one word, by dotted name.
    pub(crate) fn texts(&self) -> BTreeMap<String, String> {
        self.flat().into_iter().map(|(name, value)| (name, text(value))).collect()
    }

    /// The values that no word has.
    pub(crate) fn passed(&self, words: &[Word]) -> Vec<(String, &Value)> {
        let placed: BTreeSet<&str> = words.iter().flat_map(Word::values).collect();
        self.flat().into_iter().filter(|(name, _)| !placed.contains(name.as_str())).collect()
    }

    /// The variable of a dotted name.
    pub(crate) fn variable(&self, name: &str) -> String {
        self.prefix.clone() + &name.to_ascii_uppercase().replace(['.', '-'], "_")
    }
}

/// A value as one word; what is neither text nor a map is JSON.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

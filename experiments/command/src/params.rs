//! Parameters of the experiment: the program, its values, and what it reports and keeps.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use experiment::{ParamError, free_form, normal_path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arguments::Arguments;
use crate::metrics::Reported;
use crate::placeholder::{CONFIG, Word};
use crate::words;

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
    /// In place of what stands at their paths in `config`.
    Config,
}

/// The folder that a program runs in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Directory {
    /// The one that regimen is started in.
    #[default]
    Here,
    /// The run's own, which is `{folder}`.
    Own,
}

/// By what runs of changed programs are told apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IdentityBy {
    /// The content of `files`.
    #[default]
    Files,
    /// The commit of the folder that regimen is started in and what differs from it, beside `files`.
    Git,
}

/// A program with its first arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a program and its arguments, or the name of one of `programs`")]
pub enum Program {
    /// Its words.
    Words(Vec<String>),
    /// One of `programs`.
    Named(String),
}

impl<T: Into<Vec<String>>> From<T> for Program {
    fn from(words: T) -> Self {
        Self::Words(words.into())
    }
}

/// Parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The program and its first arguments, in which `{seed}`, `{threads}`, `{run}`, `{folder}`,
    /// `{params}`, `{checkpoint}` and `{values.NAME}` stand for those of the run and `{python}` for the
    /// interpreter of its environment. No shell reads them. Or the name of one of `programs`.
    pub program: Program,
    /// Programs by name, so that a sweep over them has short values.
    pub programs: BTreeMap<String, Vec<String>>,
    /// Parameters of the program, swept as `values.NAME`.
    #[serde(deserialize_with = "free_form::values")]
    pub values: BTreeMap<String, Value>,
    /// How values that `program` does not mention are passed.
    pub pass: Pass,
    /// A configuration of the program's own, in YAML, TOML or JSON: under `pass: config` values stand in the
    /// place of its own, and `{config}` is the path of the result.
    pub config: String,
    /// Variables of the program beside those of this environment; places are filled as in `program`.
    #[serde(deserialize_with = "free_form::values")]
    pub environment: BTreeMap<String, Value>,
    /// The folder that the program runs in.
    pub directory: Directory,
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
    pub files: Vec<String>,
    /// Whether a commit, and what differs from it, make new runs too.
    pub identity: IdentityBy,
    /// Data sets by the names of their manifests; `{data.NAME}` in `program` stands for the folder of one.
    pub data: Vec<String>,
    /// Patterns of files in the run's own folder that are kept when it succeeded.
    pub publish: Vec<String>,
    /// Seconds between asking the program to stop and killing it.
    pub grace_seconds: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            program: Program::Words(Vec::new()),
            programs: BTreeMap::new(),
            values: BTreeMap::new(),
            pass: Pass::Arguments,
            config: String::new(),
            environment: BTreeMap::new(),
            directory: Directory::Here,
            arguments: Arguments::default(),
            prefix: PREFIX.into(),
            metrics: BTreeMap::new(),
            pattern: String::new(),
            files: Vec::new(),
            identity: IdentityBy::Files,
            data: Vec::new(),
            publish: Vec::new(),
            grace_seconds: GRACE,
        }
    }
}

const PREFIX: &str = "REGIMEN_";
const GRACE: f64 = 10.0;

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
    /// What decides what is computed: which direction of a metric is better does not, nor does how
    /// values are passed in a way that is not used, nor the patience at the end. A file has one
    /// spelling.
    pub(crate) fn identity(&self) -> Cow<'_, Self> {
        let patterns = self.metrics.iter().filter_map(|(metric, reported)| {
            Some((metric.clone(), reported.pattern.as_deref()?.into()))
        });
        let (mut arguments, mut prefix) = (Arguments::default(), PREFIX);
        match self.pass {
            Pass::Arguments => arguments.clone_from(&self.arguments),
            Pass::Environment => prefix = &self.prefix,
            Pass::Json | Pass::Config => {}
        }
        Cow::Owned(Self {
            program: Program::Words(self.chosen().to_vec()),
            programs: BTreeMap::new(),
            config: if self.config.is_empty() { String::new() } else { normal_path(&self.config) },
            metrics: patterns.collect(),
            arguments,
            prefix: prefix.into(),
            files: self.files.iter().map(|file| normal_path(file)).collect(),
            // What it stands for is among the data.
            identity: IdentityBy::Files,
            grace_seconds: GRACE,
            ..self.clone()
        })
    }

    pub(crate) fn check(&self) -> Result<(), ParamError> {
        if let Program::Named(name) = &self.program {
            let known: Vec<&str> = self.programs.keys().map(String::as_str).collect();
            let wanted = format!("words, or one of `programs` ({})", known.join(", "));
            ParamError::check(
                self.programs.contains_key(name),
                "program",
                &wanted,
                format!("{name:?}"),
            )?;
        }
        let named = self.chosen().first().is_some_and(|word| !word.is_empty());
        ParamError::check(named, "program", "a program and its arguments", "nothing")?;
        let whole = self.chosen().iter().all(|word| !word.contains('\0'));
        ParamError::check(whole, "program", "words without NUL", "NUL")?;
        self.check_environment()?;
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

    /// The words of the program.
    pub(crate) fn chosen(&self) -> &[String] {
        match &self.program {
            Program::Words(words) => words,
            Program::Named(name) => self.programs.get(name).map_or(&[], Vec::as_slice),
        }
    }

    fn check_environment(&self) -> Result<(), ParamError> {
        for (name, value) in &self.environment {
            let refuse = |wanted: &str, found| {
                ParamError::new(path_of("environment", &[name]), wanted, found)
            };
            let variable = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let plain =
                name.chars().all(variable) && !name.starts_with(|c: char| c.is_ascii_digit());
            if !plain || name.is_empty() || RESERVED.contains(&name.as_str()) {
                let wanted = "a variable of letters, digits and _, without a meaning of its own";
                return Err(refuse(wanted, format!("{name:?}")));
            }
            let scalar =
                free_form::non_finite(value).is_some() || !(value.is_array() || value.is_object());
            if !scalar || words::word(value).contains('\0') {
                return Err(refuse("a text, a number or a truth value", words::word(value)));
            }
        }
        let (asked, has) = (self.pass == Pass::Config, !self.config.is_empty());
        ParamError::check(
            has || !asked,
            "config",
            "the file that `pass: config` is about",
            "nothing",
        )?;
        let wanted = "`pass: config`, by which values come into the file of `config`";
        ParamError::check(asked || !has, "pass", wanted, "another one")
    }

    fn check_values(&self) -> Result<(), ParamError> {
        let variable = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let prefix = self.prefix.chars().all(variable)
            && !self.prefix.starts_with(|c: char| c.is_ascii_digit());
        ParamError::check(prefix, "prefix", "letters, digits and _", &self.prefix)?;
        self.check_names()
    }

    /// Every value has a name that the program can be given, and one of its own.
    fn check_names(&self) -> Result<(), ParamError> {
        let leaves = self.leaves();
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        for (at, Leaf { keys, value }) in leaves.iter().enumerate() {
            let name = keys.join(".");
            let refuse = |wanted: &str, found: &str| ParamError::new(path(keys), wanted, found);
            let (letter, letters): (fn(char) -> bool, _) = match self.pass {
                Pass::Environment => (|c| c.is_ascii_alphanumeric(), "ASCII letters"),
                Pass::Arguments | Pass::Json | Pass::Config => (char::is_alphanumeric, "letters"),
            };
            let plain = |key: &str| {
                !key.is_empty() && key.chars().all(|c| letter(c) || c == '_' || c == '-')
            };
            let named = matches!(self.pass, Pass::Arguments | Pass::Environment);
            if named && !name.split('.').all(plain) {
                return Err(refuse(&format!("a name of {letters}, digits, _ and -"), &name));
            }
            let text = value.as_str().unwrap_or_default();
            if named && text.contains('\0') {
                return Err(refuse("text without NUL", "NUL"));
            }
            let given = match self.pass {
                Pass::Environment => self.variable(&name),
                Pass::Arguments => format!("--{name}"),
                Pass::Json | Pass::Config => name,
            };
            let digit = given.starts_with(|c: char| c.is_ascii_digit());
            let reserved = digit || RESERVED.contains(&given.as_str());
            if self.pass == Pass::Environment && reserved {
                let wanted = "a name that makes a variable without a meaning of its own";
                return Err(refuse(wanted, &given));
            }
            if let Some(other) = taken.get(&given) {
                let other = path(&leaves[*other].keys);
                let wanted = format!("a name that `{other}` does not give as well");
                return Err(refuse(&wanted, &given).beside(other));
            }
            taken.insert(given, at);
        }
        Ok(())
    }

    /// Every value that is no map, with the keys that lead to it below `values`.
    fn leaves(&self) -> Vec<Leaf<'_>> {
        fn add<'a>(keys: &mut Vec<&'a str>, value: &'a Value, leaves: &mut Vec<Leaf<'a>>) {
            match value {
                Value::Object(map) if free_form::non_finite(value).is_none() => {
                    for (key, value) in map {
                        keys.push(key);
                        add(keys, value, leaves);
                        keys.pop();
                    }
                }
                value => leaves.push(Leaf { keys: keys.clone(), value }),
            }
        }
        let mut leaves = Vec::new();
        for (name, value) in &self.values {
            add(&mut vec![name.as_str()], value, &mut leaves);
        }
        leaves
    }

    /// Every value by dotted name.
    pub(crate) fn flat(&self) -> Vec<(String, &Value)> {
        self.leaves().into_iter().map(|Leaf { keys, value }| (keys.join("."), value)).collect()
    }

    /// The words of `program`.
    ///
    /// # Errors
    /// A place that nothing of a run has.
    pub(crate) fn words(&self) -> Result<Vec<Word>, ParamError> {
        let texts = self.texts();
        let words = self.chosen().iter().map(|word| self.place(word, "program", &texts));
        words.collect()
    }

    /// The variables of `environment`.
    ///
    /// # Errors
    /// As [`words`](Self::words).
    pub(crate) fn variables(&self) -> Result<Vec<(String, Word)>, ParamError> {
        let texts = self.texts();
        let variable = |(name, value): (&String, &Value)| {
            let path = path_of("environment", &[name]);
            Ok((name.clone(), self.place(&words::word(value), &path, &texts)?))
        };
        self.environment.iter().map(variable).collect()
    }

    fn place(
        &self,
        word: &str,
        path: &str,
        texts: &BTreeMap<String, String>,
    ) -> Result<Word, ParamError> {
        let word = Word::parse(word, texts, &self.data)
            .map_err(|error| ParamError { path: path.into(), ..error })?;
        let configured = !self.config.is_empty() || word.places().all(|place| place != CONFIG);
        ParamError::check(
            configured,
            path,
            "`config`, the file that {config} is made of",
            "no such file",
        )?;
        Ok(word)
    }

    /// Every value as one word, by dotted name.
    pub(crate) fn texts(&self) -> BTreeMap<String, String> {
        self.flat().into_iter().map(|(name, value)| (name, words::word(value))).collect()
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

/// A value of the program with its keys.
struct Leaf<'a> {
    keys: Vec<&'a str>,
    value: &'a Value,
}

/// The path of a value as messages about parameters have it.
fn path(keys: &[&str]) -> String {
    path_of("values", keys)
}

fn path_of(first: &str, keys: &[&str]) -> String {
    let quoted = |key: &&str| if key.contains('.') { format!("\"{key}\"") } else { (*key).into() };
    let keys: Vec<String> = keys.iter().map(quoted).collect();
    format!("{first}.{}", keys.join("."))
}

//! Two experiments for tests of configurations, and helpers that plan their runs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;

use experiment::{Better, DataRef, Entry, Error, Experiment, Metric, ParamError, Run, free_form};
use orchestrator::config::{Config, ConfigErrors, Loaded};
use orchestrator::plan::{Context, Identity, Plan, Sum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;

/// An experiment whose parameters have every shape.
pub(crate) struct Toy(Params);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    pub(crate) learning_rate: f64,
    pub(crate) learner: Learner,
    pub(crate) net: Net,
    pub(crate) data: Option<String>,
    pub(crate) sizes: Vec<u32>,
    pub(crate) schedule: Schedule,
    pub(crate) weights: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Schedule {
    Off,
    Constant { rate: f64 },
    Cosine { steps: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Learner {
    Imitation,
    Rbi,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Net {
    pub(crate) width: u64,
    pub(crate) layers: u8,
}

impl Default for Params {
    fn default() -> Self {
        let (net, sizes) = (Net::default(), vec![1, 2]);
        let schedule = Schedule::Constant { rate: 0.1 };
        let weights = [("a".to_owned(), 1.0)].into();
        Self {
            learning_rate: 0.5,
            learner: Learner::Imitation,
            net,
            data: None,
            sizes,
            schedule,
            weights,
        }
    }
}

impl Default for Net {
    fn default() -> Self {
        Self { width: 16, layers: 2 }
    }
}

impl Experiment for Toy {
    type Params = Params;
    const NAME: &'static str = "toy";
    const VERSION: u32 = 3;
    const SUMMARY: &'static str = "parameters of every shape";
    const METRICS: &'static [Metric] = &[Metric::new("loss", "", Better::Lower)];
    const STEP_METRICS: &'static [Metric] =
        &[Metric::neutral("gradient_norm", ""), Metric::new("loss", "", Better::Lower)];

    fn new(params: Params) -> Result<Self, ParamError> {
        let rate = params.learning_rate;
        ParamError::check(rate > 0.0, "learning_rate", "a number above 0", rate)?;
        Ok(Self(params))
    }

    fn data(&self) -> Vec<DataRef> {
        self.0.data.iter().map(|name| DataRef { name: name.clone() }).collect()
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        run.result("loss", self.0.learning_rate)
    }
}

/// An experiment with values of any name and type, which reports anything.
pub(crate) struct Open(OpenParams);

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OpenParams {
    #[serde(deserialize_with = "free_form::values")]
    pub(crate) values: BTreeMap<String, Value>,
    pub(crate) metrics: Vec<String>,
    pub(crate) files: Vec<String>,
    /// Changes nothing that is computed.
    pub(crate) patience: u32,
}

impl Experiment for Open {
    type Params = OpenParams;
    const NAME: &'static str = "open";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "values of any name and type";
    const METRICS: &'static [Metric] = &[];
    const ANY_METRIC: bool = true;

    fn new(params: OpenParams) -> Result<Self, ParamError> {
        Ok(Self(params))
    }

    fn metrics(&self) -> Vec<Metric> {
        let named = |name: &String| Metric { name: name.clone().into(), ..Metric::neutral("", "") };
        self.0.metrics.iter().map(named).collect()
    }

    fn step_metrics(&self) -> Vec<Metric> {
        self.metrics()
    }

    fn identity(params: &OpenParams) -> Cow<'_, OpenParams> {
        Cow::Owned(OpenParams { patience: 0, ..params.clone() })
    }

    fn programs(&self) -> Vec<String> {
        vec!["sh".into()]
    }

    fn data(&self) -> Vec<DataRef> {
        self.0.files.iter().map(|name| DataRef { name: format!("file:{name}") }).collect()
    }

    fn run(&self, _: &mut Run<'_>) -> Result<(), Error> {
        Ok(())
    }
}

pub(crate) fn entries() -> [Entry; 2] {
    [Entry::of::<Toy>(), Entry::of::<Open>()]
}

fn sum(name: &str) -> Sum {
    match name {
        "known" | "file:here.py" => Sum::Known("1234".into()),
        "released" => Sum::OnceFetched,
        _ if name.starts_with("file:") => Sum::Unreadable("there is no such file".into()),
        _ => Sum::Unknown { known: vec!["known".into(), "released".into()] },
    }
}

/// Does something with what plans are made with.
pub(crate) fn with<T>(what: impl FnOnce(&Context<'_>) -> T) -> T {
    let identity =
        Identity { engine: 1, cuda: 1, auto: &experiment::Device::default, checksum: &sum };
    what(&Context { entries: &entries(), identity: &identity, columns: &["seed", "seconds"] })
}

pub(crate) fn plan(config: &Config) -> Result<Plan, ConfigErrors> {
    with(|context| Plan::new(config, context))
}

/// The plan of a file of this text with some arguments of `--set`.
pub(crate) fn load(text: &str, set: &[&str]) -> Result<(Config, Plan), ConfigErrors> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("c.yaml");
    fs::write(&path, text).unwrap();
    let set: Vec<String> = set.iter().map(|&argument| argument.to_owned()).collect();
    match with(|context| Plan::load(&path, &set, context))? {
        Loaded::Whole(planned) => Ok(planned),
        Loaded::Part => panic!("a part"),
    }
}

/// The mistakes of a file, without the name of its folder.
pub(crate) fn mistakes(text: &str, set: &[&str]) -> Vec<String> {
    let Err(errors) = load(text, set) else { return Vec::new() };
    errors.iter().map(|error| bare(&error.to_string())).collect()
}

/// What looks like a mistake in a file that plans.
pub(crate) fn warnings(text: &str, set: &[&str]) -> Vec<String> {
    let (_, plan) = load(text, set).unwrap();
    plan.warnings.iter().map(|warning| bare(&warning.to_string())).collect()
}

/// A message without the name of the folder and the line that it shows.
fn bare(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    match line.find("c.yaml") {
        Some(at) if line.starts_with('/') => line[at..].to_owned(),
        _ => line.to_owned(),
    }
}

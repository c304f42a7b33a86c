use experiment::{Better, DataRef, Device, Entry, Error, Experiment, Metric, ParamError, Run};
use orchestrator::config::{Config, ConfigError};
use orchestrator::plan::{Identity, Plan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
        Self { learning_rate: 0.5, learner: Learner::Imitation, net, data: None, sizes }
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

pub(crate) fn entries() -> [Entry; 1] {
    [Entry::of::<Toy>()]
}

pub(crate) fn plan(config: &Config) -> Result<Plan, ConfigError> {
    let checksum = |name: &str| (name == "known").then(|| "1234".to_owned());
    let identity = Identity { engine: 1, device: Device::Cpu, checksum: &checksum };
    Plan::new(config, &entries(), &identity)
}

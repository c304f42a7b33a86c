//! An experiment with its types erased, as the orchestrator and the binary handle it.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    Code, DataRef, Device, Error, Experiment, FileSum, Items, Metric, NeedRef, ObjectiveHook,
    ParamError, PublishedTable, Run, Tool, without_defaults,
};

/// An experiment with validated parameters, its types erased.
pub trait Bound: Send + Sync {
    /// Parameters with every default filled in.
    fn params(&self) -> &Value;
    /// Parameters that differ from their default and change what is computed: what identity is
    /// computed from.
    fn canonical(&self) -> &Value;
    /// Checks the parameters against files.
    ///
    /// # Errors
    /// Names the parameter, what was wanted and what was found.
    fn consult(&self) -> Result<(), ParamError>;
    /// Final metrics of a run with these parameters.
    fn metrics(&self) -> Vec<Metric>;
    /// Metrics that a run with these parameters records step by step.
    fn step_metrics(&self) -> Vec<Metric>;
    /// Values of single items behind its final metrics.
    fn items(&self) -> Vec<Items>;
    /// Data sets the run will open.
    fn data(&self) -> Vec<DataRef>;
    /// Runs that the run will read.
    fn needs(&self) -> Vec<NeedRef>;
    /// Programs the run will start: paths, or names to be looked for in `PATH`.
    fn programs(&self) -> Vec<String>;
    /// Which code these are. May take a second.
    fn code(&self) -> Code;
    /// Executes one run.
    ///
    /// # Errors
    /// Any error of the experiment.
    fn run(&self, run: &mut Run<'_>) -> Result<(), Error>;
    /// The training objective, where the experiment offers one.
    ///
    /// # Errors
    /// Any error of opening the data.
    fn objective(&self, run: &mut Run<'_>) -> Result<Option<ObjectiveHook>, Error>;
}

/// Why parameters were refused.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Wrong type, unknown field, missing value. The deserialiser knows where.
    #[error("{0}")]
    Deserialize(String),
    /// Right type, impossible value.
    #[error(transparent)]
    Param(#[from] ParamError),
}

type Bind = fn(&mut dyn erased_serde::Deserializer<'_>) -> Result<Box<dyn Bound>, BindError>;

/// One experiment as the orchestrator and the binary see it.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Name in configurations and tables.
    pub name: &'static str,
    /// Version, part of every run's identity.
    pub version: u32,
    /// One sentence for listings.
    pub summary: &'static str,
    /// Final metrics of runs at their defaults.
    pub metrics: &'static [Metric],
    /// Metrics that runs at their defaults record step by step.
    pub step_metrics: &'static [Metric],
    /// Whether runs may report metrics that nothing declares.
    pub any_metric: bool,
    /// Whether runs start programs.
    pub starts_programs: bool,
    /// What a run's progress counts, in the plural.
    pub progress: &'static str,
    /// Values of single items behind final metrics of runs at their defaults.
    pub items: &'static [Items],
    /// What the paper printed.
    pub published: &'static [PublishedTable],
    /// Manifests of data sets that it brings along: name and text.
    pub datasets: &'static [(&'static str, &'static str)],
    bind: Bind,
    schema: fn() -> Value,
    defaults: fn() -> Value,
    file_sum: fn(&str) -> Option<Result<FileSum, String>>,
    tools: fn() -> Vec<Tool>,
    engine: Engine,
}

/// Has an engine compute what some work of the calling thread asks for on a device, the first of the graphics
/// processors that the run was given; or says why that is not there, and the work is not done.
pub type On = fn(Device, &[String], &mut dyn FnMut()) -> Result<(), String>;

/// What the engine of a program offers to those that execute runs; this crate does not depend on it.
#[derive(Clone, Copy)]
pub struct Engine {
    /// Sets how many threads it may use for what the calling thread starts.
    pub set_threads: fn(usize),
    /// Has it compute on a device.
    pub on: On,
}

/// No engine: nothing is computed by one.
impl Default for Engine {
    fn default() -> Self {
        let on: On = |_, _, work| {
            work();
            Ok(())
        };
        Self { set_threads: |_| {}, on }
    }
}

impl Entry {
    /// The entry of an experiment.
    pub fn of<E: Experiment>() -> Self {
        Self {
            name: E::NAME,
            version: E::VERSION,
            summary: E::SUMMARY,
            metrics: E::METRICS,
            step_metrics: E::STEP_METRICS,
            any_metric: E::ANY_METRIC,
            starts_programs: E::STARTS_PROGRAMS,
            progress: E::PROGRESS,
            items: E::ITEMS,
            published: E::PUBLISHED,
            datasets: E::DATASETS,
            bind: bind::<E>,
            schema: || schemars::schema_for!(E::Params).into(),
            defaults: || plain(&E::Params::default()),
            file_sum: E::file_sum,
            tools: E::tools,
            engine: Engine::default(),
        }
    }

    /// The entry in a program with an engine.
    #[must_use]
    pub fn with_engine(self, engine: Engine) -> Self {
        Self { engine, ..self }
    }

    /// The engine of the program.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Deserialises and validates parameters.
    ///
    /// # Errors
    /// [`BindError`]: a wrong type, an unknown field or an impossible value.
    pub fn bind(
        &self,
        params: &mut dyn erased_serde::Deserializer<'_>,
    ) -> Result<Box<dyn Bound>, BindError> {
        (self.bind)(params)
    }

    /// [`bind`](Self::bind) for parameters that are already JSON.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_json(&self, params: &Value) -> Result<Box<dyn Bound>, BindError> {
        self.bind(&mut <dyn erased_serde::Deserializer<'_>>::erase(params))
    }

    /// JSON Schema of the parameters.
    pub fn schema(&self) -> Value {
        (self.schema)()
    }

    /// Every parameter at its default.
    pub fn defaults(&self) -> Value {
        (self.defaults)()
    }

    /// The present checksum of a file that runs read, by its name among their data, or why there is
    /// none; `None` for what is a data set.
    pub fn file_sum(&self, name: &str) -> Option<Result<FileSum, String>> {
        (self.file_sum)(name)
    }

    /// The paper's own commands.
    pub fn tools(&self) -> Vec<Tool> {
        (self.tools)()
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).field("version", &self.version).finish()
    }
}

struct BoundExperiment<E> {
    experiment: E,
    params: Value,
    canonical: Value,
}

impl<E: Experiment> Bound for BoundExperiment<E> {
    fn params(&self) -> &Value {
        &self.params
    }

    fn canonical(&self) -> &Value {
        &self.canonical
    }

    fn consult(&self) -> Result<(), ParamError> {
        self.experiment.consult()
    }

    fn metrics(&self) -> Vec<Metric> {
        self.experiment.metrics()
    }

    fn step_metrics(&self) -> Vec<Metric> {
        self.experiment.step_metrics()
    }

    fn items(&self) -> Vec<Items> {
        self.experiment.items()
    }

    fn data(&self) -> Vec<DataRef> {
        self.experiment.data()
    }

    fn needs(&self) -> Vec<NeedRef> {
        self.experiment.needs()
    }

    fn programs(&self) -> Vec<String> {
        self.experiment.programs()
    }

    fn code(&self) -> Code {
        self.experiment.code()
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        self.experiment.run(run)
    }

    fn objective(&self, run: &mut Run<'_>) -> Result<Option<ObjectiveHook>, Error> {
        self.experiment.objective(run)
    }
}

fn bind<E: Experiment>(
    params: &mut dyn erased_serde::Deserializer<'_>,
) -> Result<Box<dyn Bound>, BindError> {
    let typed: E::Params =
        erased_serde::deserialize(params).map_err(|e| BindError::Deserialize(e.to_string()))?;
    let full = plain(&typed);
    let default = plain(&E::Params::default());
    let canonical = match E::identity(&typed) {
        Cow::Borrowed(_) => without_defaults(&full, &default),
        Cow::Owned(identity) => without_defaults(&plain(&identity), &default),
    };
    Ok(Box::new(BoundExperiment { experiment: E::new(typed)?, params: full, canonical }))
}

/// A parameter struct as JSON. Parameter structs hold strings, numbers, lists and structs only, so
/// this cannot fail for one that passed its schema test.
fn plain<P: serde::Serialize>(params: &P) -> Value {
    serde_json::to_value(params).expect("a parameter struct serialises to JSON")
}

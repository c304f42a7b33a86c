//! The trait that a paper implements, and what it declares: metrics, data, published numbers.

use std::any::Any;
use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Code, Error, NeedRef, ParamError, Run, Statistic, Tool, file};

/// What a parameter struct must be: one `Default`, typed both ways, with a JSON Schema.
///
/// Use `#[serde(default, deny_unknown_fields)]` on the struct so that every field may be left out
/// and every misspelt one is an error.
pub trait Params:
    Default + Clone + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
}

impl<T> Params for T where
    T: Default + Clone + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
}

/// Which direction of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Larger values are better, for example an accuracy.
    Higher,
    /// Smaller values are better, for example a loss.
    Lower,
}

/// A metric that an experiment reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// Name as it stands in the tables, for example `test_accuracy`.
    pub name: Cow<'static, str>,
    /// Unit, for example `%`; empty for a pure number.
    pub unit: Cow<'static, str>,
    /// Which direction is better; `None` where nobody said.
    pub better: Option<Better>,
}

impl Metric {
    /// A metric of a name known at compile time.
    pub const fn new(name: &'static str, unit: &'static str, better: Better) -> Self {
        Self { name: Cow::Borrowed(name), unit: Cow::Borrowed(unit), better: Some(better) }
    }

    /// A metric of which neither direction is better.
    pub const fn neutral(name: &'static str, unit: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), unit: Cow::Borrowed(unit), better: None }
    }
}

/// A table of numbers that a paper printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedTable {
    /// Its name, for example `babi`.
    pub name: &'static str,
    /// A header and a line a number: the parameters it is for, then
    /// `metric,value,spread,source,confidence`.
    pub csv: &'static str,
}

/// Values of single test items behind a final metric, in a table of the run's own; intervals and
/// tests draw items from it, and tests between runs pair them by item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Items {
    /// The final metric, for example `test_accuracy`.
    pub metric: Cow<'static, str>,
    /// The table, for example `answers`.
    pub table: Cow<'static, str>,
    /// Its column that says which item.
    pub key: Cow<'static, str>,
    /// What the items make, with the columns that it is made of.
    pub statistic: Statistic,
    /// What that is multiplied by to be the metric: 100 for one in per cent, otherwise 1.
    pub scale: u32,
}

impl Items {
    /// What a metric is made of: a table, its column that says which item, what the items make, and what
    /// that is multiplied by.
    #[must_use]
    pub const fn new(
        metric: &'static str,
        table: &'static str,
        key: &'static str,
        statistic: Statistic,
        scale: u32,
    ) -> Self {
        let [metric, table, key] =
            [Cow::Borrowed(metric), Cow::Borrowed(table), Cow::Borrowed(key)];
        Self { metric, table, key, statistic, scale }
    }
}

/// A data set or file that a run will open; its checksum becomes part of the run's identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DataRef {
    /// Name of the manifest, for example `babi1-dialog`, or one that
    /// [`file_sum`](Experiment::file_sum) knows: of a file, as [`DataRef::file`] makes it.
    pub name: String,
}

/// The present checksum of something that runs read and that may change at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSum {
    /// The checksum.
    pub sum: String,
    /// Where it stands for several files, the one that was changed last.
    pub newest: Option<String>,
}

/// The door for hypergradients: a box that holds a `Box<dyn learn::Objective>`.
///
/// The contract knows nothing of the engine, so the type is erased here and recovered by the
/// binary, which sees both sides.
pub type ObjectiveHook = Box<dyn Any + Send>;

/// One paper.
pub trait Experiment: Sized + Send + Sync + 'static {
    /// Typed parameters.
    type Params: Params;
    /// Name in configurations and tables.
    const NAME: &'static str;
    /// Part of a run's identity: raise it when results or a default change.
    const VERSION: u32;
    /// One sentence for listings.
    const SUMMARY: &'static str;
    /// Final metrics, the first being the one that search and selection look at.
    const METRICS: &'static [Metric];
    /// Whether a run may report metrics beside those of [`metrics`](Self::metrics) and
    /// [`step_metrics`](Self::step_metrics).
    const ANY_METRIC: bool = false;

    /// Whether runs start programs, whose [`code`](Self::code) can be told.
    const STARTS_PROGRAMS: bool = false;

    /// What [`Run::progress`] counts, in the plural.
    const PROGRESS: &'static str = "steps";

    /// Metrics recorded step by step. A search compares trials by one of them: by the first that is
    /// a final metric too where nothing else is said.
    const STEP_METRICS: &'static [Metric] = &[];

    /// Values of single items behind final metrics of runs at their defaults.
    const ITEMS: &'static [Items] = &[];

    /// What the paper printed, so that its numbers are at hand wherever the program runs.
    const PUBLISHED: &'static [PublishedTable] = &[];

    /// Manifests of data sets that the experiment brings along: name and text.
    const DATASETS: &'static [(&'static str, &'static str)] = &[];

    /// Validates parameters. Takes microseconds: opens nothing, allocates nothing large.
    ///
    /// # Errors
    /// Names the parameter, what was wanted and what was found.
    fn new(params: Self::Params) -> Result<Self, ParamError>;

    /// Checks parameters against files that [`run`](Self::run) will read, once a point of a sweep that is
    /// planned. A file that is not there is no mistake here: finished runs are compared without it.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    fn consult(&self) -> Result<(), ParamError> {
        Ok(())
    }

    /// The final metrics of a run with these parameters, in the order of importance.
    fn metrics(&self) -> Vec<Metric> {
        Self::METRICS.to_vec()
    }

    /// The metrics that a run with these parameters records step by step.
    fn step_metrics(&self) -> Vec<Metric> {
        Self::STEP_METRICS.to_vec()
    }

    /// Values of single items behind the final metrics of a run with these parameters.
    fn items(&self) -> Vec<Items> {
        Self::ITEMS.to_vec()
    }

    /// The parameters as identity sees them: those that change nothing of what is computed are at
    /// their defaults, and one thing has one spelling.
    fn identity(params: &Self::Params) -> Cow<'_, Self::Params> {
        Cow::Borrowed(params)
    }

    /// Programs that [`run`](Self::run) starts: paths, or names to be looked for in `PATH`.
    fn programs(&self) -> Vec<String> {
        Vec::new()
    }

    /// Which code these programs are, as far as it can be found out. May take a second: it is asked once a
    /// call and list of programs.
    fn code(&self) -> Code {
        Code::default()
    }

    /// The data sets, files and folders that [`run`](Self::run) will open.
    fn data(&self) -> Vec<DataRef>;

    /// The runs that [`run`](Self::run) reads by [`Run::needed`].
    fn needs(&self) -> Vec<NeedRef> {
        Vec::new()
    }

    /// The present checksum of what is no data set, by its name in [`data`](Self::data). It is taken
    /// when a run is planned, before it begins and when it ended: a result that was computed from
    /// anything else does not count. An error says why there is none.
    fn file_sum(name: &str) -> Option<Result<FileSum, String>> {
        file::sum_of(name)
    }

    /// Executes one run. Everything it needs and leaves goes through `run`.
    ///
    /// # Errors
    /// Any [`Error`]; the run's row in the tables shows its chain.
    fn run(&self, run: &mut Run<'_>) -> Result<(), Error>;

    /// The paper's own commands.
    fn tools() -> Vec<Tool> {
        Vec::new()
    }

    /// The training objective, for experiments that can be meta-learned.
    ///
    /// # Errors
    /// Any [`Error`] of opening the data.
    fn objective(&self, run: &mut Run<'_>) -> Result<Option<ObjectiveHook>, Error> {
        let _ = run;
        Ok(None)
    }
}

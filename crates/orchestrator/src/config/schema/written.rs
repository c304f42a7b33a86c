//! A configuration as it is written, for its JSON Schema: the reader takes nodes, which have no schema.

#![expect(dead_code, reason = "only the schemas of these types are read")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::Value;

use crate::config::Table;

/// A configuration: which runs there are, and what is shown of them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Configuration {
    /// Name of the sweep; changes no identity. A file without one is a part, for others to extend.
    #[schemars(length(min = 1))]
    name: Option<String>,
    /// The experiment; `regimen experiments` lists them.
    experiment: Option<String>,
    /// Parameters of all runs; what is not given has its default.
    params: Option<BTreeMap<String, Value>>,
    /// What varies between the runs; several blocks come one after the other.
    sweep: Option<OneOrMany<Block>>,
    /// Successive halving over the points of the sweep.
    search: Option<Search>,
    /// Runs of other configurations that each run builds on, by name.
    needs: Option<BTreeMap<String, Needed>>,
    /// What a run may use.
    resources: Option<Resources>,
    /// How the results are shown in rows and columns.
    table: Option<OneOrMany<Table>>,
    /// The page that `run` writes when the runs are over; a path from the folder that it is started in.
    #[schemars(length(min = 1))]
    report: Option<String>,
    /// Files that this one is laid over, by paths from its folder; later ones win over earlier ones.
    extends: Option<OneOrMany<String>>,
}

/// One, or a list of them.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// One block of a sweep.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Block {
    /// Every combination of the values of these parameters; the first varies slowest.
    grid: Option<Axes>,
    /// First values together, second values together, and so on.
    zip: Option<Axes>,
    /// Points drawn from distributions.
    random: Option<Random>,
    /// Parameters that vary at some points only.
    when: Option<OneOrMany<When>>,
    /// Seeds of every point: how many, or which.
    seeds: Option<Seeds>,
    /// Points that are left out: those that agree with one of these in all its parameters.
    exclude: Option<Vec<Point>>,
}

/// Parameters, by dotted path, with the values they take.
#[derive(JsonSchema)]
struct Axes(BTreeMap<String, Values>);

/// Values of a parameter.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Values {
    /// These.
    List(#[schemars(length(min = 1))] Vec<Value>),
    Range(Range),
    Spaced(Spaced),
}

/// Evenly spaced numbers: `a..b` leaves b out, `a..=b step c` takes it in.
#[derive(JsonSchema)]
struct Range(#[schemars(regex(pattern = r"^[^.]*(\.[^.]+)?\.\.=?[^=].*$"))] String);

/// Evenly spaced numbers.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Spaced {
    /// Start, stop, which is left out, and perhaps the step.
    #[schemars(length(min = 2, max = 3))]
    range: Vec<f64>,
}

/// Points drawn from distributions.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Random {
    /// Number of points; a larger number keeps the earlier points and adds to them.
    #[schemars(range(min = 1, max = 1_000_000))]
    count: u64,
    /// Seed of the draws, apart from the seeds of the runs.
    seed: Option<u64>,
    /// How they are drawn.
    draw: Option<Draw>,
    /// What is drawn.
    params: Drawn,
}

/// How points are drawn.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Draw {
    /// A Sobol sequence, which fills the space evenly.
    Sobol,
    /// Independently of each other.
    Independent,
}

/// Parameters, by dotted path, with what they are drawn from.
#[derive(JsonSchema)]
struct Drawn(BTreeMap<String, Distribution>);

/// What a parameter is drawn from.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Distribution {
    /// Between two numbers, evenly.
    Uniform([f64; 2]),
    /// Between two numbers above 0, evenly in the logarithm.
    LogUniform([f64; 2]),
    /// Whole numbers, both ends among them.
    Integer([i64; 2]),
    /// One of these, each as likely.
    Choice(#[schemars(length(min = 1))] Vec<Value>),
}

/// Parameters that vary where a condition holds.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct When {
    /// The condition, over the parameters of a point: `learner == fp and regime in [2, 3]`.
    r#if: String,
    /// Every combination of the values of these parameters.
    grid: Option<Axes>,
    /// First values together, second values together, and so on.
    zip: Option<Axes>,
}

/// Seeds of every point.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Seeds {
    /// How many, from 0 on.
    Count(#[schemars(range(min = 1, max = 1_000_000))] u64),
    /// These.
    List(#[schemars(length(min = 1))] Vec<u64>),
    Range(Range),
    Spaced(Spaced),
}

/// Values of parameters, by dotted path.
#[derive(JsonSchema)]
struct Point(BTreeMap<String, Value>);

/// A run of another configuration.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Needed {
    /// The path of the configuration, which has one run.
    Path(String),
    Described(Described),
}

/// A run of another configuration.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Described {
    /// The path of the configuration, from the folder of this file.
    config: String,
    /// Which of its runs: `seed == this.seed and width == this.net.width`.
    r#where: Option<String>,
}

/// What a run may use.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Resources {
    /// Class of device that runs are computed on; part of their identity.
    device: Option<String>,
    /// Threads; 1 where nothing is said.
    #[schemars(range(min = 1, max = 1024))]
    threads: Option<u32>,
    /// Graphics processors that a run has to itself; 0 where nothing is said.
    #[schemars(range(min = 0, max = 64))]
    gpus: Option<u32>,
    /// Resident memory at which a run is ended, such as `512MiB`; no limit where nothing is said.
    memory: Option<Size>,
    /// Time after which a run is ended, such as `90s`, `10m` or `2h`; no limit where nothing is said.
    #[schemars(regex(pattern = r"^\+?[0-9.]+\s*(ms|s|m|h|d)$"))]
    time: Option<String>,
    /// What a run may print, such as `512KiB`; `64MiB` where nothing is said.
    output: Option<Size>,
    /// How often a run is tried again, by what it failed of; never where nothing is said.
    retry: Option<Retry>,
}

/// A size with its unit.
#[derive(JsonSchema)]
struct Size(#[schemars(regex(pattern = r"^\+?[0-9.]+\s*([KMGT]iB|[kMG]?B)$"))] String);

/// How often a run is tried again.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Retry {
    /// Its worker crashed or was killed by somebody else.
    #[schemars(range(min = 0, max = 100))]
    crash: Option<u32>,
    /// It was over its limit of memory.
    #[schemars(range(min = 0, max = 100))]
    memory: Option<u32>,
    /// It was over its limit of time.
    #[schemars(range(min = 0, max = 100))]
    time: Option<u32>,
    /// It was over its limit of output.
    #[schemars(range(min = 0, max = 100))]
    output: Option<u32>,
    /// It ended with an error of its own.
    #[schemars(range(min = 0, max = 100))]
    error: Option<u32>,
}

/// Successive halving: of the trials that come to a rung only the best go on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Search {
    /// The metric that trials are compared by, recorded step by step.
    #[schemars(length(min = 1))]
    metric: Option<String>,
    /// Which direction of it is better.
    goal: Option<Goal>,
    /// Step of the first rung.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    first: u64,
    /// Each rung stands at so many times the step of the one before, and one trial in so many goes on.
    #[schemars(range(min = 2, max = 100))]
    factor: Option<u64>,
    /// Number of rungs; a trial that passes the last one runs to its end.
    #[schemars(range(min = 1, max = 30))]
    rungs: u32,
    /// Whether trials go on before all have come to their rung.
    asynchronous: Option<bool>,
}

/// Which direction of a metric is better.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Goal {
    /// Larger values are.
    Higher,
    /// Smaller values are.
    Lower,
}

//! The contract between papers and orchestration.
//!
//! A paper implements [`Experiment`]: a parameter struct with one `Default`, a constructor that only
//! validates, and a `run` that talks to the outside through [`Run`] alone. Orchestration sees papers
//! through [`Entry`], which erases the types. Results leave through a [`Sink`].

mod code;
mod entry;
mod error;
mod experiment;
mod file;
pub mod free_form;
mod identity;
mod needed;
mod random;
mod run;
mod sink;
mod statistic;
mod tool;

pub use code::Code;
pub use entry::{BindError, Bound, Engine, Entry, On};
pub use error::{Error, ParamError};
pub use experiment::{
    Better, DataRef, Experiment, FileSum, Items, Metric, ObjectiveHook, Params, PublishedTable,
};
pub use file::{FILE, FileError, checksum, keep_sums_in, normal_path, planned_checksum, sum_of};
pub use identity::{Device, RunId, SpecId, canonical_json, is_plain_name, without_defaults};
pub use needed::{NeedRef, Needed, NeededRun, ReadValues, Values};
pub use random::Stream;
pub use run::{DataPaths, Run, RunContext, table_name};
pub use sink::{MemorySink, Sink, SinkError};
pub use statistic::{Ranking, Sample, Scored, Statistic};
pub use tool::{Host, MemoryHost, OutputFile, Tool, ToolContext, Verify};

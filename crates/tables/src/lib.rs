//! Journals folded into Parquet tables, and comparisons over them.
//!
//! [`write_tables`] turns a fold of the journals into the tables of a store. Everything else reads
//! those files alone: [`scan`] any of them as a lazy frame of [`polars`], [`Runs`] the run table of an experiment, [`compare`] the mean over seeds beside
//! [`Published`] numbers, [`exact`] whether two stores hold the same outcome bit by bit, [`Report`] a page about
//! them.

mod cell;
mod columns;
mod compare;
mod error;
mod exact;
mod execution;
mod file;
mod listed;
mod metrics;
mod natural;
mod output;
mod plain;
mod processors;
mod read;
mod report;
mod rows;
mod runs;
mod scan;
mod stamp;
pub mod statistics;
mod sweeps;
mod text;
mod values;
mod write;

pub use cell::Cell;
pub use columns::{PROVENANCE, fixed_columns, is_outcome};
pub use compare::{
    Agreement, Axis, Change, Comparison, Counts, Format, Library, MetricTable, Passed, Passes,
    Published, Regression, Request, Side, Standing, Summary, Terminal, Test, Theirs, Verdict,
    against, compare, no_metric,
};
pub(crate) use compare::{Places, places};
pub use error::Error;
pub use exact::{Difference, Differences, Scope, exact};
pub use listed::{Listed, listed};
pub use output::{write_new_output, write_output};
pub use plain::write_rows;
pub use polars;
pub use read::{Runs, Selection, experiments};
pub use report::automatic::request as automatic;
pub use report::{About, Asked, Checksum, Drawn, Halving, Log, LogOf, Report, Subject};
pub use scan::scan;
pub use stamp::are_current;
pub use text::inert;
pub use write::{Written, write_tables};

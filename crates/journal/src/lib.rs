//! The append-only record of what happened: frames, checksums, fold.
//!
//! Every worker and every driver appends [`Event`]s to a segment of its own with a [`Writer`]; a
//! [`Fold`] over all segments of a store says where each run stands.

mod columns;
mod compact;
mod error;
mod event;
mod fold;
mod frame;
mod marks;
mod place;
mod problem;
mod reading;
mod segment;
mod state;
mod writer;

pub use compact::{Compacted, compact};
pub use error::Error;
pub use event::{
    Artifact, Assigned, Blocked, Cause, Checkpoint, Code, Copied, Ended, Event, Lost, Marked,
    Means, MetricRow, Metrics, Opened, Outcome, Removed, RemovedRun, Requested, Resumed, Role,
    Rows, RunSpec, Started, Timestamp,
};
pub use fold::{Fold, lengths};
pub use frame::VERSION as FORMAT;
pub use problem::Problem;
pub use state::{AttemptState, RunState, Status};
pub use writer::Writer;

//! The append-only record of what happened: frames, checksums, fold.

mod event;

pub use event::{
    Artifact, Assigned, Checkpoint, Ended, Event, Lost, MetricRow, Metrics, Opened, Outcome,
    Resumed, Role, Rows, RunSpec, Started, Timestamp,
};

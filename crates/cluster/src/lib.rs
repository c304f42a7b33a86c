//! Batch schedulers: arrays of jobs submitted, followed and cancelled.
//!
//! A cluster executes an array of equal *tasks*. Which task does what is none of this crate's
//! business: each is given the name of the submission and its own number, and takes its work from
//! wherever the submitter left it. A task that is lost takes nothing with it, so that states are
//! asked for only to know whether anybody is still at work, and what became of those who are not.
//!
//! - [`Profile`]: what a file says of one cluster; [`Profiles`] reads those files.
//! - [`Request`]: what the tasks need, and how many there are.
//! - [`Scheduler`]: what a kind of scheduler can do, implemented by [`Slurm`], [`GridEngine`],
//!   [`Pbs`] and [`Local`], which starts processes on this machine.
//! - [`Submission`]: the record of one array, a folder. Its intent with a name that no other job
//!   has is written before it is submitted, the number of the job afterwards. Both happen under a
//!   lock that whoever submits holds until it is gone, so that after a crash the job is found by its
//!   name or was never submitted: nothing is submitted twice.
//! - [`TaskState`]: a task that the scheduler has never heard of, or does not remember, is
//!   [`Gone`](TaskState::Gone). Nothing is running because it is unknown.

mod call;
mod error;
mod follow;
mod grid_engine;
mod local;
mod pbs;
mod profile;
mod request;
mod scheduler;
mod slurm;
mod submission;
mod task;
mod units;

pub use call::find_program;
pub use error::Error;
pub use follow::{Step, next_step};
pub use grid_engine::GridEngine;
pub use local::Local;
pub use pbs::Pbs;
pub use profile::{Kind, Profile, Profiles};
pub use request::{Each, Request};
pub use scheduler::{Itself, Job, Limits, Room, Scheduler, scheduler};
pub use slurm::Slurm;
pub use submission::{Begun, Intent, Submission, submissions};
pub use task::{JobId, Tally, Task, TaskState};

//! Parameters, optimisers, schedules and the one training loop.
//!
//! A model is a [`Layout`] of named tensors in one flat vector and an [`Objective`]: a loss traced
//! over those tensors and a batch, whose arrays are declared as [`Fields`] and which is a function of
//! its index. [`train`] is the loop of stochastic descent; it evaluates, selects, records, checkpoints
//! and resumes bit for bit. Whatever else goes on in steps is [`Resumable`], and [`drive`] or
//! [`repeat`] is its loop. An [`Evaluator`] runs a traced function of parameters over batches.
//! [`layers`] are what networks are made of; [`Lbfgs`] minimises where there are no batches. A trained
//! model stays with its run as a [`KeptModel`].

mod average;
mod batch;
mod checkpoint;
mod evaluator;
mod fields;
mod gradient;
mod groups;
mod init;
mod kept;
pub mod layers;
mod layout;
mod lbfgs;
mod loading;
mod objective;
mod optimizer;
mod resumable;
mod reversible;
mod schedule;
mod selection;
mod step;
mod train;

pub use average::{Average, Averaging};
pub use batch::Batch;
pub use checkpoint::{Restored, Saved};
pub use evaluator::{Evaluator, Outputs};
pub use fields::{BatchVars, Field, Fields};
pub use gradient::{Gradient, clip_global_norm, global_norm, gradients};
pub use groups::{Group, GroupError, Groups, Treatment};
pub use init::Init;
pub use kept::{Artifacts, KeptModel, kept_weights, placed};
pub use layout::{Layout, Tensor};
pub use lbfgs::{Bounds, Ending, Lbfgs, LbfgsSettings, Progress, ValueAndGradient};
pub use loading::{LoadError, Loaded, Names};
pub use objective::{Metrics, Objective, Stepped, Task, Traced};
pub use optimizer::Optimizer;
pub use resumable::{Resumable, drive, repeat};
pub use reversible::{
    HyperError, HyperLearner, Hypergradient, Kept, Momentum, Schedules, Setting, Trajectory, Trial,
};
pub use schedule::Schedule;
pub use selection::{Selected, Selection};
pub use step::{StepResult, StepValues, Stepper};
pub use train::{Trained, Training, train};

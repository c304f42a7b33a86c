//! Parameters, optimisers, schedules and the one training loop.
//!
//! A model is a [`Layout`] of named tensors in one flat vector and an [`Objective`]: a loss traced
//! over those tensors and a batch that is a function of its index. [`train`] is the loop every
//! experiment uses; it evaluates, selects, records, checkpoints and resumes bit for bit. [`layers`]
//! are what networks are made of; [`Lbfgs`] minimises where there are no batches.

mod average;
mod checkpoint;
mod gradient;
mod groups;
mod init;
pub mod layers;
mod layout;
mod lbfgs;
mod loading;
mod objective;
mod optimizer;
mod reversible;
mod schedule;
mod selection;
mod step;
mod train;

pub use average::{Average, Averaging};
pub use gradient::{Gradient, clip_global_norm, global_norm, gradients};
pub use groups::{Group, GroupError, Groups, Treatment};
pub use init::Init;
pub use layout::{Layout, Tensor};
pub use lbfgs::{Bounds, Ending, Lbfgs, LbfgsSettings, Progress, ValueAndGradient};
pub use loading::{LoadError, Loaded, Names};
pub use objective::{Batch, BatchInput, BatchKind, Metrics, Objective, Task};
pub use optimizer::Optimizer;
pub use reversible::{
    HyperError, HyperLearner, Hypergradient, Kept, Momentum, Schedules, Setting, Trajectory, Trial,
};
pub use schedule::Schedule;
pub use selection::{Selected, Selection};
pub use step::Stepper;
pub use train::{Trained, Training, train};

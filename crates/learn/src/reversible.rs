//! Exactly reversible SGD and the hypergradients it gives (Maclaurin, Duvenaud & Adams 2015).
//!
//! Weights and velocities are fixed-point integers, so that what a step adds the reverse pass takes
//! away to the bit. Multiplying a velocity by a momentum below 1 loses information; what is lost is
//! kept in a stack of about `log2(1/gamma)` bits a step and weight ([`Remainders`]).

mod error;
mod fixed;
mod group;
mod hypergradient;
mod learner;
mod momentum;
mod programs;
mod remainders;
mod rows;
mod schedules;
mod trajectory;

pub use error::HyperError;
pub use hypergradient::{Hypergradient, Kept, Setting, Trial};
pub use learner::HyperLearner;
pub use momentum::Momentum;
pub use schedules::Schedules;
pub use trajectory::Trajectory;

use remainders::Remainders;
pub(crate) use rows::widen;

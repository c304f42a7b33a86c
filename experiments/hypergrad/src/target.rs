//! The training of another experiment as the problem to learn a schedule for.

use std::cell::RefCell;

use autodiff::{DType, Error as TraceError, Var};
use experiment::{Bound, Entry, Error, Run, Stream};
use learn::{Batch, BatchVars, Fields, Layout, Objective};

use crate::params::Params;
use crate::problem::Problem;

/// Batches of the target that the objective of its schedule averages over.
const BATCHES: usize = 16;
/// Batches from here on are drawn for that objective; those before are for training.
const JUDGING: u64 = 1 << 62;

/// The experiments whose training can be meta-learned; the binary knows them.
pub trait Targets: Send + Sync + 'static {
    /// Their entries.
    fn entries() -> Vec<Entry>;
}

/// None but the paper's own network.
impl Targets for () {
    fn entries() -> Vec<Entry> {
        Vec::new()
    }
}

/// The training of another experiment as a problem: the objective is its mean loss over training
/// batches that it was not trained with.
pub(crate) fn problem(
    params: &Params,
    target: &dyn Bound,
    run: &mut Run<'_>,
) -> Result<Problem, Error> {
    let inner = objective(target, run)?;
    let outer = Averaged::new(objective(target, run)?)
        .map_err(|e| Error::other("making room for batches", e))?;
    Problem::new(params, inner, Box::new(outer), (params.log_rate(), 0.0))
}

fn objective(target: &dyn Bound, run: &mut Run<'_>) -> Result<Box<dyn Objective>, Error> {
    let offered = target.objective(run)?.and_then(|hook| hook.downcast().ok());
    let objective: Box<Box<dyn Objective>> = offered
        .ok_or_else(|| Error::other("target", "this experiment offers no training objective"))?;
    Ok(*objective)
}

/// The mean loss over several batches.
struct Averaged {
    objective: Box<dyn Objective>,
    fields: Fields,
    /// One of the batches.
    part: RefCell<Batch>,
}

impl Averaged {
    fn new(objective: Box<dyn Objective>) -> Result<Self, TraceError> {
        let part = Batch::of(&*objective, DType::F32)?;
        let fields = objective.fields().repeated(BATCHES);
        Ok(Self { objective, fields, part: RefCell::new(part) })
    }
}

impl Objective for Averaged {
    fn layout(&self) -> &Layout {
        self.objective.layout()
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        let mut sum = params[0].graph().scalar(0.0);
        for part in batch.parts(BATCHES) {
            sum = sum.add(self.objective.loss(params, &part)?)?;
        }
        Ok(sum.mul_scalar(1.0 / BATCHES as f64))
    }

    fn prepare(&self, batch: &mut Batch) {
        (0..BATCHES).for_each(|part| batch.write_part(part, &self.part.borrow()));
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let mut one = self.part.borrow_mut();
        for (part, number) in (0..BATCHES).zip(0..) {
            let index = JUDGING + index * BATCHES as u64 + number;
            self.objective.fill(stream, index, &mut one);
            batch.write_part(part, &one);
        }
    }
}

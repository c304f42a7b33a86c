//! The training of another experiment as the problem to learn a schedule for.

use autodiff::{Error as TraceError, Var};
use experiment::{Bound, Entry, Error, Run, Stream};
use learn::{Batch, BatchInput, Layout, Objective};

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
    let outer = Averaged::new(objective(target, run)?);
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
    inputs: Vec<BatchInput>,
}

impl Averaged {
    fn new(objective: Box<dyn Objective>) -> Self {
        let inputs = (0..BATCHES).flat_map(|_| objective.inputs().iter().cloned()).collect();
        Self { objective, inputs }
    }
}

impl Objective for Averaged {
    fn layout(&self) -> &Layout {
        self.objective.layout()
    }

    fn inputs(&self) -> &[BatchInput] {
        &self.inputs
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &[Var<'g>]) -> Result<Var<'g>, TraceError> {
        let mut sum = params[0].graph().scalar(0.0);
        for batch in batch.chunks(batch.len() / BATCHES) {
            sum = sum.add(self.objective.loss(params, batch)?)?;
        }
        Ok(sum.mul_scalar(1.0 / BATCHES as f64))
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let each = self.objective.inputs().len();
        let mut one = Batch::new(self.objective.inputs());
        for (part, number) in (0..BATCHES).zip(0..) {
            let index = JUDGING + index * BATCHES as u64 + number;
            self.objective.fill(stream, index, &mut one);
            for input in 0..each {
                batch.copy_floats(part * each + input, 0, one.floats(input));
                batch.indices_mut(part * each + input).copy_from_slice(one.indices(input));
            }
        }
    }
}

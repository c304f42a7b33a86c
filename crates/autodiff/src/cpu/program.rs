//! A plan on the processor: memory for its values, and a replay that allocates nothing.

use std::any::Any;

use kernels::memory::Block;
use kernels::{blas, parallel};

use super::step::Step;
use super::storage::{HostStorage, block};
use crate::Error;
use crate::device::{Buffer, Device, Executable, Storage};
use crate::exec::Memory;
use crate::plan::{self, Plan, Slot};

#[derive(Debug)]
pub(super) struct Replay {
    steps: Vec<Step>,
    outputs: Vec<Buffer>,
    memory: Memory,
    // These two own what the memory's pointers lead to.
    arena: Block,
    constants: Vec<HostStorage>,
    kept: Vec<Kept>,
    /// Which of the inputs the program assigns.
    assigned: Vec<bool>,
    /// Whether steps share their work so often that runs take place inside the pool.
    shared: bool,
}

/// A value that outlasts a run, made again only after its input was written.
#[derive(Debug)]
struct Kept {
    input: usize,
    storage: HostStorage,
    /// The step that makes it.
    step: usize,
    /// The input's state that it was made of.
    stamp: Option<u64>,
    fresh: bool,
}

impl Replay {
    pub(super) fn new(plan: Plan) -> Result<Replay, Error> {
        blas::single_thread();
        let mut outputs = Vec::with_capacity(plan.outputs.len());
        for &(dtype, len) in &plan.outputs {
            outputs.push(Buffer::zeros(Device::cpu(), dtype, len)?);
        }
        let mut constants = Vec::with_capacity(plan.constants.len());
        for data in &plan.constants {
            let mut storage = HostStorage::zeros(data.bytes().len())?;
            storage.write(0, data.bytes())?;
            constants.push(storage);
        }
        let mut kept = kept(&plan)?;
        let mut arena = block(plan.arena)?;
        let mut memory = Memory::new(plan.slots.len());
        for (index, slot) in plan.slots.iter().enumerate() {
            match *slot {
                Slot::Constant(constant) => {
                    let bytes = plan.constants[constant].bytes().len();
                    memory.point_to(index, &mut constants[constant].block, 0, bytes);
                }
                Slot::Output(output) => {
                    let bytes = outputs[output].bytes();
                    point_to(&mut memory, index, outputs[output].storage_mut(), bytes);
                }
                Slot::Kept(at) => {
                    let bytes = plan.kept[at].len * plan.kept[at].dtype.size();
                    memory.point_to(index, &mut kept[at].storage.block, 0, bytes);
                }
                Slot::Arena { offset, bytes } => memory.point_to(index, &mut arena, offset, bytes),
                Slot::Input(_) | Slot::Nowhere => {}
            }
        }
        let inputs = plan.slots.iter().filter(|slot| matches!(slot, Slot::Input(_))).count();
        let assigned = (0..inputs).map(|input| plan.assigned.contains(&input)).collect();
        let steps = plan.steps.into_iter().map(Step::new).collect();
        Ok(Replay { steps, outputs, memory, arena, constants, kept, assigned, shared: false })
    }
}

fn kept(plan: &Plan) -> Result<Vec<Kept>, Error> {
    let mut kept = Vec::with_capacity(plan.kept.len());
    for (at, value) in plan.kept.iter().enumerate() {
        let makes = |step: &plan::Step| match step {
            plan::Step::Kernel { output, .. } => plan.slots[output.slot] == Slot::Kept(at),
            _ => false,
        };
        let Some(step) = plan.steps.iter().position(makes) else { continue };
        let storage = HostStorage::zeros(value.len * value.dtype.size())?;
        kept.push(Kept { input: value.input, storage, step, stamp: None, fresh: false });
    }
    Ok(kept)
}

/// Gives a slot the memory of storage of this device.
fn point_to(memory: &mut Memory, slot: usize, storage: &mut dyn Storage, bytes: usize) {
    match (storage as &mut dyn Any).downcast_mut::<HostStorage>() {
        Some(storage) => memory.point_to(slot, &mut storage.block, 0, bytes),
        None => panic!("a slot of the cpu on another device"),
    }
}

impl Executable for Replay {
    fn run(&mut self, inputs: &mut [&mut Buffer]) -> Result<(), Error> {
        for (index, buffer) in inputs.iter_mut().enumerate() {
            // The first slots are the inputs.
            let bytes = buffer.bytes();
            let storage =
                if self.assigned[index] { buffer.storage_mut() } else { buffer.storage_to_read() };
            point_to(&mut self.memory, index, storage, bytes);
        }
        for kept in &mut self.kept {
            let stamp = Some(inputs[kept.input].stamp());
            kept.fresh = kept.stamp == stamp;
            kept.stamp = stamp;
        }
        let (steps, memory, kept) = (&self.steps, &self.memory, &self.kept);
        let fresh = |at: usize| kept.iter().any(|kept| kept.step == at && kept.fresh);
        let run = || {
            let mut steps = steps.iter().enumerate().filter(|(at, _)| !fresh(*at));
            steps.try_for_each(|(_, step)| step.run(memory))
        };
        let result;
        if self.shared {
            result = parallel::inside(run);
        } else {
            (result, self.shared) = parallel::outside(run);
        }
        if result.is_err() {
            // Who knows how far it got.
            self.kept.iter_mut().for_each(|kept| kept.stamp = None);
        }
        result
    }

    fn output(&self, index: usize) -> &Buffer {
        &self.outputs[index]
    }

    fn bytes(&self) -> usize {
        let constants = self.constants.iter().map(|storage| storage.block.bytes());
        self.arena.bytes()
            + self.memory.workspace().bytes()
            + self.outputs.iter().map(Buffer::bytes).sum::<usize>()
            + constants.sum::<usize>()
            + self.kept.iter().map(|kept| kept.storage.block.bytes()).sum::<usize>()
    }
}

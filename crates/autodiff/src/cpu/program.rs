//! A plan on the processor: memory for its values, and a replay that allocates nothing.

use std::any::Any;

use kernels::memory::Block;
use kernels::{blas, parallel};

use super::step::Step;
use super::storage::{HostStorage, block};
use crate::Error;
use crate::device::{Buffer, Device, Executable, Storage};
use crate::exec::Memory;
use crate::plan::{Plan, Slot};

#[derive(Debug)]
pub(super) struct Replay {
    steps: Vec<Step>,
    outputs: Vec<Buffer>,
    memory: Memory,
    // These two own what the memory's pointers lead to.
    arena: Block,
    constants: Vec<HostStorage>,
    /// Whether steps share their work so often that runs take place inside the pool.
    shared: bool,
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
            let mut storage = HostStorage::zeros(data.dtype(), data.len())?;
            storage.write(0, data.elements());
            constants.push(storage);
        }
        let mut arena = block(plan.arena)?;
        let mut memory = Memory::new(plan.slots.len());
        for (index, slot) in plan.slots.iter().enumerate() {
            match *slot {
                Slot::Constant(constant) => {
                    let bytes = plan.constants[constant].elements().bytes();
                    memory.point_to(index, &mut constants[constant].block, 0, bytes);
                }
                Slot::Output(output) => point_to(&mut memory, index, &mut outputs[output]),
                Slot::Arena { offset, bytes } => memory.point_to(index, &mut arena, offset, bytes),
                Slot::Input(_) | Slot::Nowhere => {}
            }
        }
        let steps = plan.steps.into_iter().map(Step::new).collect();
        Ok(Replay { steps, outputs, memory, arena, constants, shared: false })
    }
}

/// Gives a slot the memory of a buffer of this device.
fn point_to(memory: &mut Memory, slot: usize, buffer: &mut Buffer) {
    let bytes = buffer.bytes();
    match (buffer.storage_mut() as &mut dyn Any).downcast_mut::<HostStorage>() {
        Some(storage) => memory.point_to(slot, &mut storage.block, 0, bytes),
        None => panic!("{buffer:?} is on another device"),
    }
}

impl Executable for Replay {
    fn run(&mut self, inputs: &mut [&mut Buffer]) -> Result<(), Error> {
        for (index, buffer) in inputs.iter_mut().enumerate() {
            // The first slots are the inputs.
            point_to(&mut self.memory, index, buffer);
        }
        let (steps, memory) = (&self.steps, &self.memory);
        let run = || steps.iter().try_for_each(|step| step.run(memory));
        if self.shared {
            return parallel::inside(run);
        }
        let result;
        (result, self.shared) = parallel::outside(run);
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
    }
}

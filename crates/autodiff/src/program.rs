//! A planned program and its replay.

use kernels::memory::Block;
use kernels::{blas, parallel};

use crate::exec::Memory;
use crate::graph::State;
use crate::plan::{Plan, Slot};
use crate::{Buffer, DType, Device, Error, Graph, InputInfo, Var};

/// A planned computation that can be run again and again without allocating.
#[derive(Debug)]
pub struct Program {
    inputs: Vec<InputInfo>,
    plan: Plan,
    outputs: Vec<Buffer>,
    memory: Memory,
    // Owns what the memory's pointers lead to.
    arena: Block,
    /// Whether steps share their work so often that runs take place inside the pool.
    shared: bool,
}

impl Graph {
    /// Plans a program that computes `outputs` and makes every assignment made so far.
    ///
    /// Its inputs are all inputs of the graph in order of declaration.
    ///
    /// # Errors
    /// [`Error::ForeignGraph`] for a variable of another graph.
    pub fn compile(&self, outputs: &[Var<'_>]) -> Result<Program, Error> {
        self.own("compile", outputs)?;
        let outputs: Vec<usize> = outputs.iter().map(Var::id).collect();
        Program::new(self.dtype(), &self.state.borrow(), &outputs)
    }
}

impl Program {
    pub(crate) fn new(dtype: DType, state: &State, outputs: &[usize]) -> Result<Program, Error> {
        blas::single_thread();
        let mut plan = Plan::new(dtype, state, outputs);
        let mut outputs: Vec<Buffer> = plan
            .outputs
            .iter()
            .map(|&(dtype, len)| Buffer::zeros(Device::cpu(), dtype, len))
            .collect();
        let mut arena = match Block::zeros(plan.arena) {
            Ok(arena) => arena,
            Err(error) => panic!("{} bytes of intermediate values: {error}", plan.arena),
        };
        let mut memory = Memory::new(plan.slots.len());
        for (index, slot) in plan.slots.iter().enumerate() {
            match *slot {
                Slot::Constant(constant) => {
                    memory.point_to_buffer(index, &mut plan.constants[constant]);
                }
                Slot::Output(output) => memory.point_to_buffer(index, &mut outputs[output]),
                Slot::Arena { offset, bytes } => {
                    memory.point_to_arena(index, &mut arena, offset, bytes);
                }
                Slot::Input(_) | Slot::Nowhere => {}
            }
        }
        Ok(Program { inputs: state.inputs.clone(), plan, outputs, memory, arena, shared: false })
    }

    /// The inputs, in the order [`Program::run`] takes them.
    #[must_use]
    pub fn inputs(&self) -> &[InputInfo] {
        &self.inputs
    }

    /// Runs once: computes the outputs from `inputs` and makes the assignments in them.
    ///
    /// # Errors
    /// [`Error::InputCount`] and [`Error::Input`] if the buffers do not suit, [`Error::Index`] for an
    /// index outside its table; inputs are then unchanged unless an assignment of rows failed.
    pub fn run(&mut self, inputs: &mut [&mut Buffer]) -> Result<(), Error> {
        let (wanted, found) = (self.inputs.len(), inputs.len());
        if wanted != found {
            return Err(Error::InputCount { wanted, found });
        }
        for (index, (info, buffer)) in self.inputs.iter().zip(inputs.iter_mut()).enumerate() {
            let wanted = info.shape.iter().product();
            if buffer.len() != wanted || buffer.dtype() != info.dtype {
                return Err(Error::Input {
                    name: info.name.clone(),
                    wanted,
                    wanted_type: info.dtype,
                    found: buffer.len(),
                    found_type: buffer.dtype(),
                });
            }
            // The first slots are the inputs.
            self.memory.point_to_buffer(index, buffer);
        }
        let (steps, memory) = (&self.plan.steps, &self.memory);
        let run = || steps.iter().try_for_each(|step| step.run(memory));
        if self.shared {
            return parallel::inside(run);
        }
        let result;
        (result, self.shared) = parallel::outside(run);
        result
    }

    /// An output of the last run, in the order they were compiled.
    ///
    /// # Panics
    /// If there is no such output.
    #[must_use]
    pub fn output(&self, index: usize) -> &Buffer {
        &self.outputs[index]
    }

    /// Number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Bytes the program holds: intermediate values, outputs, constants and the scratch that runs so
    /// far needed, without inputs.
    #[must_use]
    pub fn peak_bytes(&self) -> usize {
        let held = |buffers: &[Buffer]| buffers.iter().map(Buffer::bytes).sum::<usize>();
        self.arena.bytes()
            + self.memory.workspace().bytes()
            + held(&self.outputs)
            + held(&self.plan.constants)
    }

    /// Number of steps: kernels, fused chains and copies.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.plan.steps.len()
    }
}

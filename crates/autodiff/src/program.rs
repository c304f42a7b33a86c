//! A planned program and its replay, on whatever device.

use tracing::{debug_span, field::Empty};

use crate::device::Executable;
use crate::plan::{Plan, Target};
use crate::{Buffer, Device, Error, Graph, InputInfo, Var};

/// A planned computation that can be run again and again without allocating.
#[derive(Debug)]
pub struct Program {
    device: Device,
    inputs: Vec<InputInfo>,
    outputs: usize,
    steps: usize,
    executable: Box<dyn Executable>,
}

impl Graph {
    /// Plans a program for [`Device::current`] that computes `outputs` and makes every assignment made
    /// so far.
    ///
    /// Its inputs are all inputs of the graph in order of declaration.
    ///
    /// # Errors
    /// [`Error::ForeignGraph`] for a variable of another graph, [`Error::Memory`] where the device has
    /// too little, [`Error::Custom`] for an operation that the device cannot run.
    pub fn compile(&self, outputs: &[Var<'_>]) -> Result<Program, Error> {
        let device = Device::current();
        let (name, nodes) = (device.name(), self.state.borrow().nodes.len());
        let span = debug_span!("compile", device = name, nodes, steps = Empty).entered();
        let plan = self.plan(outputs, device.backend())?;
        span.record("steps", plan.steps.len());
        let inputs = self.state.borrow().inputs.clone();
        let (outputs, steps) = (outputs.len(), plan.steps.len());
        let executable = device.backend().compile(plan)?;
        Ok(Program { device, inputs, outputs, steps, executable })
    }

    /// The plan of such a program: for back ends, which put the definition of an operation in its place.
    ///
    /// # Errors
    /// [`Error::ForeignGraph`] for a variable of another graph.
    pub fn plan(&self, outputs: &[Var<'_>], target: &dyn Target) -> Result<Plan, Error> {
        self.own("compile", outputs)?;
        let ids: Vec<usize> = outputs.iter().map(Var::id).collect();
        Ok(Plan::new(self.dtype(), &self.state.borrow(), &ids, target))
    }
}

impl Program {
    /// The device it runs on.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// The inputs, in the order [`Program::run`] takes them.
    #[must_use]
    pub fn inputs(&self) -> &[InputInfo] {
        &self.inputs
    }

    /// Runs once: computes the outputs from `inputs` and makes the assignments in them.
    ///
    /// # Errors
    /// [`Error::InputCount`], [`Error::Input`] and [`Error::Device`] if the buffers do not suit,
    /// [`Error::Index`] for an index outside its table; inputs are then unchanged unless an assignment
    /// of rows failed.
    pub fn run(&mut self, inputs: &mut [&mut Buffer]) -> Result<(), Error> {
        let (wanted, found) = (self.inputs.len(), inputs.len());
        if wanted != found {
            return Err(Error::InputCount { wanted, found });
        }
        for (info, buffer) in self.inputs.iter().zip(inputs.iter()) {
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
            if buffer.device() != self.device {
                let (wanted, found) = (self.device.name(), buffer.device().name());
                return Err(Error::Device { name: info.name.clone(), wanted, found });
            }
        }
        self.executable.run(inputs)
    }

    /// An output of the last run, in the order they were compiled.
    ///
    /// # Panics
    /// If there is no such output.
    #[must_use]
    pub fn output(&self, index: usize) -> &Buffer {
        self.executable.output(index)
    }

    /// Number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Bytes the program holds: intermediate values, outputs, constants and the scratch that runs so
    /// far needed, without inputs.
    #[must_use]
    pub fn peak_bytes(&self) -> usize {
        self.executable.bytes()
    }

    /// Number of steps: kernels, fused chains and copies.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps
    }
}

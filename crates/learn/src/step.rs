//! One step of training as a compiled program.

use autodiff::{Buffer, DType, Device, Error, Graph, Program};
use experiment::Stream;

use crate::groups::Unfrozen;
use crate::layout::narrow;
use crate::optimizer::SCALARS;
use crate::{
    Batch, BatchInput, BatchKind, Groups, Objective, Optimizer, clip_global_norm, global_norm,
    gradients,
};

/// A compiled training step: loss, gradients, clipping and update in one program.
pub struct Stepper {
    program: Program,
    dtype: DType,
    optimizer: Optimizer,
    kinds: Vec<BatchKind>,
    /// Parameters, state, scalars, then the batch: the order of the program's inputs.
    buffers: Vec<Buffer>,
}

const PARAMS: usize = 0;
const STATE: usize = 1;
const SCALAR: usize = 2;
const BATCH: usize = 3;

impl Stepper {
    /// Traces and compiles the step of an objective; parameters start from `init`.
    ///
    /// # Errors
    /// Any shape error of the objective's trace, and groups that do not suit the objective's layout.
    pub fn new(
        objective: &dyn Objective,
        optimizer: Optimizer,
        groups: &Groups,
        clip: Option<f64>,
        dtype: DType,
        init: &Stream,
    ) -> Result<Self, Error> {
        let layout = objective.layout();
        let graph = Graph::new(dtype);
        let flat = graph.input("params", &[layout.len()]);
        let own = Unfrozen::new(layout, groups)?;
        let state_len = optimizer.states() * own.layout.len();
        let state = graph.input("state", &[state_len]);
        let scalars = graph.input("scalars", &[SCALARS]);
        let batch: Vec<_> = objective
            .inputs()
            .iter()
            .map(|BatchInput { name, shape, kind }| match kind {
                BatchKind::Float => graph.input(name, shape),
                BatchKind::Index => graph.index_input(name, shape),
            })
            .collect();

        let params = layout.views(flat)?;
        let loss = objective.loss(&params, &batch)?;
        let trained = own.of(&params);
        let mut gradients = gradients(&graph, loss, &trained)?;
        let norm = global_norm(&graph, &gradients)?;
        if let Some(max_norm) = clip {
            gradients = clip_global_norm(&graph, &gradients, norm, max_norm)?;
        }
        let state = (state_len > 0).then_some(state);
        optimizer.update(&own, &trained, &gradients, state, scalars)?;

        let device = Device::current();
        let float = |len| Buffer::zeros(device, dtype, len);
        let mut buffers =
            vec![layout.initial_buffer(init, dtype)?, float(state_len)?, float(SCALARS)?];
        for input in objective.inputs() {
            let len = input.shape.iter().product();
            buffers.push(match input.kind {
                BatchKind::Float => float(len)?,
                BatchKind::Index => Buffer::zeros(device, DType::U32, len)?,
            });
        }
        Ok(Self {
            program: graph.compile(&[loss, norm])?,
            dtype,
            optimizer,
            kinds: objective.inputs().iter().map(|input| input.kind).collect(),
            buffers,
        })
    }

    /// Takes step number `step` at learning rate `rate`; the loss is that of the parameters before.
    ///
    /// # Errors
    /// A batch whose arrays have other lengths than the objective's inputs.
    pub fn step(&mut self, step: u64, rate: f64, batch: &Batch) -> Result<StepResult, Error> {
        let scalars = self.optimizer.scalars(step, rate);
        write(&mut self.buffers[SCALAR], self.dtype, &scalars)?;
        for (input, kind) in self.kinds.iter().enumerate() {
            let buffer = &mut self.buffers[BATCH + input];
            match kind {
                BatchKind::Index => buffer.write(0, batch.indices(input))?,
                BatchKind::Float if self.dtype == DType::F32 => {
                    buffer.write(0, batch.floats(input))?;
                }
                BatchKind::Float => {
                    let wide: Vec<f64> = batch.floats(input).iter().map(|&x| x.into()).collect();
                    buffer.write(0, &wide)?;
                }
            }
        }
        let mut inputs: Vec<&mut Buffer> = self.buffers.iter_mut().collect();
        self.program.run(&mut inputs)?;
        let scalar = |output| Ok::<_, Error>(read(self.program.output(output), self.dtype)?[0]);
        Ok(StepResult { loss: scalar(0)?, gradient_norm: scalar(1)? })
    }

    /// The parameters, on their device.
    pub fn params_mut(&mut self) -> &mut Buffer {
        &mut self.buffers[PARAMS]
    }

    /// The parameters as a flat vector.
    ///
    /// # Errors
    /// The device could not be read.
    pub fn params(&self) -> Result<Vec<f64>, Error> {
        read(&self.buffers[PARAMS], self.dtype)
    }

    /// Number of elements of the optimiser's state.
    pub fn state_len(&self) -> usize {
        self.buffers[STATE].len()
    }

    /// The optimiser's state as a flat vector.
    pub(crate) fn state(&self) -> Result<Vec<f64>, Error> {
        read(&self.buffers[STATE], self.dtype)
    }

    /// Puts parameters and state back.
    pub(crate) fn restore(&mut self, params: &[f64], state: &[f64]) -> Result<(), Error> {
        write(&mut self.buffers[PARAMS], self.dtype, params)?;
        write(&mut self.buffers[STATE], self.dtype, state)
    }
}

/// What a step reports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepResult {
    /// Loss before the update.
    pub loss: f64,
    /// Global norm of the gradient before clipping.
    pub gradient_norm: f64,
}

fn write(buffer: &mut Buffer, dtype: DType, values: &[f64]) -> Result<(), Error> {
    match dtype {
        DType::F64 => buffer.write(0, values),
        _ => buffer.write(0, &narrow(values)),
    }
}

fn read(buffer: &Buffer, dtype: DType) -> Result<Vec<f64>, Error> {
    match dtype {
        DType::F64 => buffer.to_vec::<f64>(),
        _ => Ok(buffer.to_vec::<f32>()?.into_iter().map(f64::from).collect()),
    }
}

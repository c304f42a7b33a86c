//! One step of training as a compiled program for each shape of batch.

use autodiff::{Buffer, DType, Device, Error, Graph, Program};
use experiment::Stream;

use crate::groups::Unfrozen;
use crate::layout::narrow;
use crate::optimizer::SCALARS;
use crate::{Batch, Groups, Objective, Optimizer, clip_global_norm, global_norm, gradients};

/// A compiled training step: loss, gradients, clipping and update in one program, which there is for
/// every bucket. Parameters and the optimiser's state are the same for all.
pub struct Stepper {
    steps: Vec<Step>,
    dtype: DType,
    optimizer: Optimizer,
    /// Parameters, state, scalars: the inputs before those of the batch.
    buffers: Vec<Buffer>,
    /// The bucket of the last step.
    bucket: usize,
}

/// The program of one bucket, and the names of its outputs after loss and norm.
struct Step {
    program: Program,
    values: Vec<&'static str>,
}

const PARAMS: usize = 0;
const STATE: usize = 1;
const SCALAR: usize = 2;
/// Outputs before the named values.
const VALUES: usize = 2;

impl Stepper {
    /// Traces and compiles the step of an objective; parameters start from `init`.
    ///
    /// # Errors
    /// Any shape error of the objective's trace, groups that do not suit the objective's layout;
    /// [`Error::Memory`].
    pub fn new(
        objective: &dyn Objective,
        optimizer: Optimizer,
        groups: &Groups,
        clip: Option<f64>,
        dtype: DType,
        init: &Stream,
    ) -> Result<Self, Error> {
        let layout = objective.layout();
        let (parameters, shapes) = (layout.len(), objective.fields().buckets());
        let _span = tracing::debug_span!("trace", parameters, shapes).entered();
        let own = Unfrozen::new(layout, groups)?;
        let steps = (0..shapes)
            .map(|bucket| Step::new(objective, &optimizer, &own, clip, dtype, bucket))
            .collect::<Result<_, _>>()?;
        let float = |len| Buffer::zeros(Device::current(), dtype, len);
        let state = optimizer.states() * own.layout.len();
        let buffers = vec![layout.initial_buffer(init, dtype)?, float(state)?, float(SCALARS)?];
        Ok(Self { steps, dtype, optimizer, buffers, bucket: 0 })
    }

    /// Takes step number `step` at learning rate `rate`; the loss is that of the parameters before.
    ///
    /// # Errors
    /// A batch of another objective or element type.
    pub fn step(&mut self, step: u64, rate: f64, batch: &mut Batch) -> Result<StepResult, Error> {
        let scalars = self.optimizer.scalars(step, rate);
        write(&mut self.buffers[SCALAR], self.dtype, &scalars)?;
        let program = &mut batch.of_shape(&mut self.steps)?.program;
        self.bucket = batch.bucket();
        let mut inputs: Vec<&mut Buffer> = self.buffers.iter_mut().collect();
        inputs.extend(batch.buffers()?);
        program.run(&mut inputs)?;
        let scalar = |output| Ok::<_, Error>(floats(program.output(output))?[0]);
        Ok(StepResult { loss: scalar(0)?, gradient_norm: scalar(1)? })
    }

    /// What the last step computed beside loss and norm.
    pub fn values(&self) -> StepValues<'_> {
        StepValues(&self.steps[self.bucket])
    }

    /// The parameters, on their device.
    pub fn params_mut(&mut self) -> &mut Buffer {
        &mut self.buffers[PARAMS]
    }

    /// The parameters, on their device.
    pub fn params(&self) -> &Buffer {
        &self.buffers[PARAMS]
    }

    /// Number of elements of the optimiser's state.
    pub fn state_len(&self) -> usize {
        self.buffers[STATE].len()
    }

    /// The optimiser's state as a flat vector.
    pub(crate) fn state(&self) -> &Buffer {
        &self.buffers[STATE]
    }

    /// The optimiser's state, to be put back.
    pub(crate) fn state_mut(&mut self) -> &mut Buffer {
        &mut self.buffers[STATE]
    }

    /// The parameters alone.
    pub(crate) fn into_params(mut self) -> Buffer {
        self.buffers.swap_remove(PARAMS)
    }
}

impl Step {
    fn new(
        objective: &dyn Objective,
        optimizer: &Optimizer,
        own: &Unfrozen,
        clip: Option<f64>,
        dtype: DType,
        bucket: usize,
    ) -> Result<Self, Error> {
        let layout = objective.layout();
        let graph = Graph::new(dtype);
        let flat = graph.input("params", &[layout.len()]);
        let state_len = optimizer.states() * own.layout.len();
        let state = graph.input("state", &[state_len]);
        let scalars = graph.input("scalars", &[SCALARS]);
        let batch = objective.fields().declare(&graph, bucket);

        let params = layout.views(flat)?;
        let traced = objective.traced(&params, &batch)?;
        let trained = own.of(&params);
        let mut gradients = gradients(&graph, traced.loss, &trained)?;
        let norm = global_norm(&graph, &gradients)?;
        if let Some(max_norm) = clip {
            gradients = clip_global_norm(&graph, &gradients, norm, max_norm)?;
        }
        let state = (state_len > 0).then_some(state);
        optimizer.update(own, &trained, &gradients, state, scalars)?;

        let (values, mut outputs) = (traced.values, vec![traced.loss, norm]);
        outputs.extend(values.iter().map(|(_, value)| *value));
        let program = graph.compile(&outputs)?;
        Ok(Self { program, values: values.into_iter().map(|(name, _)| name).collect() })
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

/// The named values of a step.
#[derive(Clone, Copy)]
pub struct StepValues<'a>(&'a Step);

impl StepValues<'_> {
    /// The elements of a value, row-major.
    ///
    /// # Errors
    /// [`Error::Custom`] for a name that the objective did not give.
    pub fn read(&self, name: &str) -> Result<Vec<f64>, Error> {
        let Step { program, values } = self.0;
        let Some(at) = values.iter().position(|known| *known == name) else {
            let message = format!("value {name:?}: wanted one of {values:?}");
            return Err(Error::Custom { op: "step", message });
        };
        floats(program.output(VALUES + at))
    }
}

fn write(buffer: &mut Buffer, dtype: DType, values: &[f64]) -> Result<(), Error> {
    match dtype {
        DType::F64 => buffer.write(0, values),
        _ => buffer.write(0, &narrow(values)),
    }
}

/// The elements of a buffer, widened.
pub(crate) fn floats(buffer: &Buffer) -> Result<Vec<f64>, Error> {
    match buffer.dtype() {
        DType::F64 => buffer.to_vec::<f64>(),
        DType::F32 => Ok(buffer.to_vec::<f32>()?.into_iter().map(f64::from).collect()),
        DType::U32 => Ok(buffer.to_vec::<u32>()?.into_iter().map(f64::from).collect()),
    }
}

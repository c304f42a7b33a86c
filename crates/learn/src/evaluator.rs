//! A function of parameters and batches, compiled once.

use std::ops::Index;

use autodiff::{Buffer, DType, Device, Error, Graph, Program, Var};

use crate::layout::narrow;
use crate::step::floats;
use crate::{Batch, BatchVars, Fields, Layout, Objective};

/// A traced function of parameters and a batch, compiled once for each shape of batch and run over any
/// number of them.
///
/// ```
/// use autodiff::{Buffer, DType, Device};
/// use learn::{Evaluator, Fields, Init, Layout};
///
/// let layout = Layout::new().with("slope", &[1], Init::Zeros);
/// let mut fields = Fields::new();
/// let x = fields.float("x", &[2]);
/// let mut line = Evaluator::new(&layout, &fields, DType::F32, |params, batch| {
///     Ok(vec![batch[x].mul(params[0])?])
/// })?;
/// let mut params = Buffer::from_slice(Device::current(), &[3.0f32])?;
/// let mut heights = Vec::new();
/// line.each(
///     &mut params,
///     0..3,
///     |index, batch| batch[x].copy_from_slice(&[index as f32, 10.0]),
///     |_, found| Ok::<_, autodiff::Error>(heights.extend(found[0].to_vec::<f32>()?)),
/// )?;
/// assert_eq!(heights, [0.0, 30.0, 3.0, 30.0, 6.0, 30.0]);
/// # Ok::<(), autodiff::Error>(())
/// ```
pub struct Evaluator {
    programs: Vec<Program>,
    fields: Fields,
    dtype: DType,
}

impl Evaluator {
    /// Traces a function of a layout's views and a batch, whose floats are of type `dtype`.
    ///
    /// # Errors
    /// Any error of the trace; [`Error::Memory`].
    pub fn new(
        layout: &Layout,
        fields: &Fields,
        dtype: DType,
        trace: impl for<'g> Fn(&[Var<'g>], &BatchVars<'g>) -> Result<Vec<Var<'g>>, Error>,
    ) -> Result<Self, Error> {
        let (parameters, shapes) = (layout.len(), fields.buckets());
        let _span = tracing::debug_span!("trace", parameters, shapes).entered();
        let compiled = |bucket| {
            let graph = Graph::new(dtype);
            let params = layout.views(graph.input("params", &[layout.len()]))?;
            let outputs = trace(&params, &fields.declare(&graph, bucket))?;
            graph.compile(&outputs)
        };
        let programs = (0..shapes).map(compiled).collect::<Result<_, _>>()?;
        Ok(Self { programs, fields: fields.clone(), dtype })
    }

    /// The loss of an objective, its only output. Parameters are followed by the hyper-parameters where
    /// the objective has some.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_loss(objective: &dyn Objective, dtype: DType) -> Result<Self, Error> {
        let params = objective.layout().tensors().len();
        let hypers = objective.hypers().into_iter().flat_map(Layout::tensors);
        let layout = hypers.fold(objective.layout().clone(), |layout, tensor| {
            let name = format!("hyper-parameter {}", tensor.name);
            layout.with(&name, &tensor.shape, tensor.init)
        });
        Self::new(&layout, objective.fields(), dtype, |tensors, batch| {
            let (params, hypers) = tensors.split_at(params);
            Ok(vec![objective.hyper_loss(params, hypers, batch)?])
        })
    }

    /// Parameters for it, in its type and on its device.
    ///
    /// # Errors
    /// [`Error::Memory`] where there is too little.
    pub fn params(&self, values: &[f64]) -> Result<Buffer, Error> {
        match self.dtype {
            DType::F64 => Buffer::from_slice(Device::current(), values),
            _ => Buffer::from_slice(Device::current(), &narrow(values)),
        }
    }

    /// A batch to be filled for it, all zero.
    ///
    /// # Errors
    /// [`Error::Memory`] where there is too little.
    pub fn batch(&self) -> Result<Batch, Error> {
        Batch::new(&self.fields, self.dtype)
    }

    /// Evaluates one batch.
    ///
    /// # Errors
    /// Parameters or a batch of another length, type or device.
    pub fn run(&mut self, params: &mut Buffer, batch: &mut Batch) -> Result<Outputs<'_>, Error> {
        let program = batch.of_shape(&mut self.programs)?;
        let mut inputs = vec![params];
        inputs.extend(batch.buffers()?);
        program.run(&mut inputs)?;
        Ok(Outputs(program))
    }

    /// Evaluates batches of the first shape by their indices: `fill` fills each and `see` sees what came
    /// of it, where a run can tell its progress.
    ///
    /// # Errors
    /// As [`run`](Self::run), and what `see` says.
    pub fn each<E: From<Error>>(
        &mut self,
        params: &mut Buffer,
        indices: impl IntoIterator<Item = usize>,
        mut fill: impl FnMut(usize, &mut Batch),
        mut see: impl FnMut(usize, Outputs<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut batch = self.batch()?;
        for index in indices {
            fill(index, &mut batch);
            see(index, self.run(params, &mut batch)?)?;
        }
        Ok(())
    }
}

/// What an evaluation computed: `outputs[0]` is the first output of its function.
#[derive(Clone, Copy)]
pub struct Outputs<'a>(&'a Program);

impl Outputs<'_> {
    /// The first element of an output, widened.
    ///
    /// # Errors
    /// The device could not be read.
    pub fn scalar(&self, output: usize) -> Result<f64, Error> {
        Ok(floats(self.0.output(output))?[0])
    }
}

/// # Panics
/// If there is no such output.
impl Index<usize> for Outputs<'_> {
    type Output = Buffer;

    fn index(&self, output: usize) -> &Buffer {
        self.0.output(output)
    }
}

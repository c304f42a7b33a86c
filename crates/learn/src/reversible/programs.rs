//! The programs that forward and reverse passes replay.

use autodiff::{Buffer, DType, Device, Error, Float, Graph, Program, Var};

use crate::{Batch, Objective};

/// What the passes replay. Their inputs are the parameters, one buffer a tensor, the
/// hyper-parameters, the direction where there is one, and the batch.
pub(super) struct Programs {
    /// The loss, then its gradient.
    pub(super) gradient: Program,
    /// The gradient, then the products below, from one forward pass.
    pub(super) both: Program,
    /// Hessian times direction for parameters, then for hyper-parameters.
    pub(super) curvature: Program,
    /// The outer objective, its gradient for parameters, then for hyper-parameters.
    pub(super) outer: Program,
}

/// The variables of a trace.
struct Trace<'g> {
    params: Vec<Var<'g>>,
    hypers: Vec<Var<'g>>,
    direction: Vec<Var<'g>>,
    loss: Var<'g>,
}

impl<'g> Trace<'g> {
    fn new(graph: &'g Graph, objective: &dyn Objective, directed: bool) -> Result<Self, Error> {
        let declare = |tensor: &crate::Tensor| graph.input(&tensor.name, &tensor.shape);
        let layout = objective.layout().tensors();
        let params: Vec<_> = layout.iter().map(declare).collect();
        let hypers: Vec<_> =
            objective.hypers().iter().flat_map(|layout| layout.tensors()).map(declare).collect();
        let direction: Vec<_> =
            layout.iter().take(if directed { layout.len() } else { 0 }).map(declare).collect();
        let batch = objective.fields().declare(graph, 0);
        let loss = objective.hyper_loss(&params, &hypers, &batch)?;
        Ok(Self { params, hypers, direction, loss })
    }

    /// The gradient, and the derivatives of its product with the direction.
    fn curvature(&self, graph: &'g Graph) -> Result<(Vec<Var<'g>>, Vec<Var<'g>>), Error> {
        let gradient = graph.grad(self.loss, &self.params)?;
        let mut slope = graph.scalar(0.0);
        for (g, &u) in gradient.iter().zip(&self.direction) {
            slope = slope.add(g.mul(u)?.sum_all())?;
        }
        let wrt = [&self.params[..], &self.hypers].concat();
        let curvature = graph.grad(slope, &wrt)?;
        Ok((gradient, curvature))
    }
}

impl Programs {
    pub(super) fn new(
        dtype: DType,
        inner: &dyn Objective,
        outer: &dyn Objective,
    ) -> Result<Self, Error> {
        let graph = Graph::new(dtype);
        let trace = Trace::new(&graph, inner, false)?;
        let mut outputs = vec![trace.loss];
        outputs.extend(graph.grad(trace.loss, &trace.params)?);
        let gradient = graph.compile(&outputs)?;

        let graph = Graph::new(dtype);
        let (first, second) = Trace::new(&graph, inner, true)?.curvature(&graph)?;
        let both = graph.compile(&[&first[..], &second].concat())?;
        let curvature = graph.compile(&second)?;

        let graph = Graph::new(dtype);
        let trace = Trace::new(&graph, outer, false)?;
        let mut outputs = vec![trace.loss];
        outputs.extend(graph.grad(trace.loss, &[&trace.params[..], &trace.hypers].concat())?);
        Ok(Self { gradient, both, curvature, outer: graph.compile(&outputs)? })
    }
}

/// One buffer a tensor.
pub(super) fn zeros<F: Float>(lens: &[usize]) -> Result<Vec<Buffer>, Error> {
    lens.iter().map(|&len| Buffer::zeros(Device::current(), F::DTYPE, len)).collect()
}

/// Runs a program over buffers in the order of its inputs, the batch last.
pub(super) fn run(
    program: &mut Program,
    inputs: &mut [&mut [Buffer]],
    batch: &mut Batch,
) -> Result<(), Error> {
    let mut all: Vec<&mut Buffer> = inputs.iter_mut().flat_map(|part| part.iter_mut()).collect();
    all.extend(batch.buffers()?);
    program.run(&mut all)
}

/// Outputs `from..from + count` of a program.
pub(super) fn outputs(
    program: &Program,
    from: usize,
    count: usize,
) -> impl Iterator<Item = &Buffer> {
    (from..from + count).map(|index| program.output(index))
}

//! A compiled program of a value and its gradient, as a function of a point.

use autodiff::{Buffer, DType, Device, Error, Graph, Program, Var};

use crate::layout::narrow;

/// A value and its gradient at points in f64, computed by a program in its graph's own type.
///
/// ```
/// use autodiff::{DType, Graph};
/// use learn::{Lbfgs, LbfgsSettings, ValueAndGradient};
///
/// let graph = Graph::new(DType::F64);
/// let x = graph.input("x", &[2]);
/// let value = x.add_scalar(-1.0).square().sum_all();
/// let mut function = ValueAndGradient::new(&graph, x, value, Vec::new())?;
/// let mut search = Lbfgs::new(vec![0.0, 5.0], LbfgsSettings::default());
/// while search.advance(&mut |x, gradient| function.at(x, gradient))?.is_none() {}
/// assert!(search.value() < 1e-12);
/// # Ok::<(), autodiff::Error>(())
/// ```
pub struct ValueAndGradient {
    program: Program,
    dtype: DType,
    /// The point, then what else the program reads.
    buffers: Vec<Buffer>,
}

impl ValueAndGradient {
    /// Compiles the gradient of a scalar with respect to `point`, the graph's first input; `others`
    /// are the inputs after it, which stay as they are.
    ///
    /// # Errors
    /// Any error of differentiating or compiling; [`Error::InputCount`] for another number of inputs.
    pub fn new(
        graph: &Graph,
        point: Var<'_>,
        value: Var<'_>,
        others: Vec<Buffer>,
    ) -> Result<Self, Error> {
        let gradient = graph.grad(value, &[point])?[0];
        let program = graph.compile(&[value, gradient])?;
        let len = point.shape().iter().product();
        let mut buffers = vec![Buffer::zeros(Device::current(), graph.dtype(), len)?];
        buffers.extend(others);
        if program.inputs().len() != buffers.len() {
            let (wanted, found) = (program.inputs().len(), buffers.len());
            return Err(Error::InputCount { wanted, found });
        }
        Ok(Self { program, dtype: graph.dtype(), buffers })
    }

    /// The value at a point, whose gradient is written to `gradient`.
    ///
    /// # Errors
    /// A point of another length, and what the program finds wrong with its inputs.
    pub fn at(&mut self, point: &[f64], gradient: &mut [f64]) -> Result<f64, Error> {
        match self.dtype {
            DType::F64 => self.buffers[0].write(0, point)?,
            _ => self.buffers[0].write(0, &narrow(point))?,
        }
        self.program.run(&mut self.buffers.iter_mut().collect::<Vec<_>>())?;
        let (value, found) = (self.program.output(0), self.program.output(1));
        match self.dtype {
            DType::F64 => {
                found.read(0, gradient)?;
                value.view(|value: &[f64]| value[0])
            }
            _ => {
                found.view(|found: &[f32]| {
                    gradient.iter_mut().zip(found).for_each(|(to, from)| *to = f64::from(*from));
                })?;
                value.view(|value: &[f32]| f64::from(value[0]))
            }
        }
    }

    /// The inputs after the point.
    pub fn others_mut(&mut self) -> &mut [Buffer] {
        &mut self.buffers[1..]
    }
}

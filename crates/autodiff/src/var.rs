//! A variable: a node of a graph, with the operations as methods.

use std::ops::Range;

use crate::Function;
use crate::op::Signature;
use crate::ops::{
    BroadcastTo, Concat, CrossEntropy, Elementwise, EmbeddingBag, Gather, LogSoftmax, LogSumExp,
    Max, Pick, Reshape, ScatterAdd, Slice, Softmax, Solve, StopGradient, Sum, Transpose,
};
use crate::{DType, Error, Graph};

/// A node of a graph.
///
/// Two variables of a binary operation are broadcast against each other as in NumPy: axes are
/// matched from the last, and an axis of extent 1 is repeated.
#[derive(Clone, Copy)]
pub struct Var<'g> {
    graph: &'g Graph,
    id: usize,
}

impl std::fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Var({}, {:?} {:?})", self.id, self.dtype(), self.shape())
    }
}

impl<'g> Var<'g> {
    pub(crate) fn new(graph: &'g Graph, id: usize) -> Var<'g> {
        Var { graph, id }
    }

    pub(crate) fn id(&self) -> usize {
        self.id
    }

    pub(crate) fn signature(&self) -> Signature {
        Signature { shape: self.shape(), dtype: self.dtype() }
    }

    /// The graph it belongs to.
    #[must_use]
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// Extent of each axis; empty for a scalar.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        self.graph.state.borrow().nodes[self.id].shape.to_vec()
    }

    /// Element type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.graph.state.borrow().nodes[self.id].dtype
    }

    /// Number of axes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.graph.state.borrow().nodes[self.id].shape.len()
    }
}

/// Elementwise operations.
impl<'g> Var<'g> {
    fn unary(self, function: Function) -> Var<'g> {
        match self.graph.apply(Elementwise(function), &[self]) {
            Ok(var) => var,
            Err(error) => panic!("{error}"),
        }
    }

    fn binary(self, function: Function, other: Var<'g>) -> Result<Var<'g>, Error> {
        let op = Elementwise(function);
        let (left, right) = (self.shape(), other.shape());
        let shape = crate::ops::broadcast_shape(function.name(), &left, &right)?;
        let left = self.broadcast_to(&shape)?;
        let right = other.broadcast_to(&shape)?;
        self.graph.apply(op, &[left, right])
    }

    /// `self + other`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes do not broadcast.
    #[expect(
        clippy::should_implement_trait,
        reason = "the operator could not report a shape error"
    )]
    pub fn add(self, other: Var<'g>) -> Result<Var<'g>, Error> {
        self.binary(Function::Add, other)
    }

    /// `self - other`.
    ///
    /// # Errors
    /// As [`Var::add`].
    #[expect(
        clippy::should_implement_trait,
        reason = "the operator could not report a shape error"
    )]
    pub fn sub(self, other: Var<'g>) -> Result<Var<'g>, Error> {
        self.binary(Function::Sub, other)
    }

    /// `self * other`, element by element.
    ///
    /// # Errors
    /// As [`Var::add`].
    #[expect(
        clippy::should_implement_trait,
        reason = "the operator could not report a shape error"
    )]
    pub fn mul(self, other: Var<'g>) -> Result<Var<'g>, Error> {
        self.binary(Function::Mul, other)
    }

    /// `self / other`.
    ///
    /// # Errors
    /// As [`Var::add`].
    #[expect(
        clippy::should_implement_trait,
        reason = "the operator could not report a shape error"
    )]
    pub fn div(self, other: Var<'g>) -> Result<Var<'g>, Error> {
        self.binary(Function::Div, other)
    }

    /// The larger of the two; equal elements share the gradient.
    ///
    /// # Errors
    /// As [`Var::add`].
    pub fn maximum(self, other: Var<'g>) -> Result<Var<'g>, Error> {
        self.binary(Function::Maximum, other)
    }

    /// `self` to the power of `exponent`; its derivatives want a positive base.
    ///
    /// # Errors
    /// As [`Var::add`].
    pub fn pow(self, exponent: Var<'g>) -> Result<Var<'g>, Error> {
        self.binary(Function::Pow, exponent)
    }

    /// 1 where `self > other`, else 0; without derivative.
    ///
    /// # Errors
    /// As [`Var::add`].
    pub fn greater(self, other: Var<'g>) -> Result<Var<'g>, Error> {
        self.binary(Function::Greater, other)
    }

    /// 1 where `self == other`, else 0; without derivative.
    ///
    /// # Errors
    /// As [`Var::add`].
    pub fn equal(self, other: Var<'g>) -> Result<Var<'g>, Error> {
        self.binary(Function::Equal, other)
    }
}

/// The infallible ones; like all of them, they panic on a variable of indices.
impl<'g> Var<'g> {
    /// `-self`.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "one spelling for all operations")]
    pub fn neg(self) -> Var<'g> {
        self.unary(Function::Neg)
    }

    /// e to the power of `self`.
    #[must_use]
    pub fn exp(self) -> Var<'g> {
        self.unary(Function::Exp)
    }

    /// Natural logarithm.
    #[must_use]
    pub fn log(self) -> Var<'g> {
        self.unary(Function::Log)
    }

    /// Square root.
    #[must_use]
    pub fn sqrt(self) -> Var<'g> {
        self.unary(Function::Sqrt)
    }

    /// Hyperbolic tangent.
    #[must_use]
    pub fn tanh(self) -> Var<'g> {
        self.unary(Function::Tanh)
    }

    /// `1 / (1 + exp(-self))`.
    #[must_use]
    pub fn sigmoid(self) -> Var<'g> {
        self.unary(Function::Sigmoid)
    }

    /// `max(self, 0)`; its derivative at 0 is 0.
    #[must_use]
    pub fn relu(self) -> Var<'g> {
        self.unary(Function::Relu)
    }

    /// `self * self`.
    #[must_use]
    pub fn square(self) -> Var<'g> {
        self.unary(Function::Square)
    }

    /// `self` to a fixed power.
    #[must_use]
    pub fn powf(self, exponent: f64) -> Var<'g> {
        self.unary(Function::Powf(exponent))
    }

    /// `self + value`.
    #[must_use]
    pub fn add_scalar(self, value: f64) -> Var<'g> {
        self.unary(Function::AddScalar(value))
    }

    /// `self * value`.
    #[must_use]
    pub fn mul_scalar(self, value: f64) -> Var<'g> {
        self.unary(Function::MulScalar(value))
    }

    /// 1 where `self > 0`, else 0; without derivative.
    #[must_use]
    pub fn step(self) -> Var<'g> {
        self.unary(Function::Step)
    }

    /// Sum of every element, a scalar.
    #[must_use]
    pub fn sum_all(self) -> Var<'g> {
        let axes: Vec<usize> = (0..self.rank()).collect();
        match self.sum(&axes, false) {
            Ok(sum) => sum,
            Err(error) => panic!("{error}"),
        }
    }

    /// Mean of every element, a scalar.
    #[must_use]
    pub fn mean_all(self) -> Var<'g> {
        let count: usize = self.shape().iter().product();
        self.sum_all().mul_scalar(1.0 / count as f64)
    }

    /// The same value, constant to differentiation.
    #[must_use]
    pub fn stop_gradient(self) -> Var<'g> {
        match self.graph.apply(StopGradient, &[self]) {
            Ok(var) => var,
            Err(error) => panic!("{error}"),
        }
    }

    /// `broadcast_to` where the shape is known to fit.
    pub(crate) fn stretched(self, shape: &[usize]) -> Var<'g> {
        match self.broadcast_to(shape) {
            Ok(var) => var,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Shapes. All but `concat` cost nothing where the layout allows a view.
impl<'g> Var<'g> {
    /// The same elements, row-major, in another shape.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the number of elements differs.
    pub fn reshape(self, shape: &[usize]) -> Result<Var<'g>, Error> {
        if self.shape() == shape {
            return Ok(self);
        }
        self.graph.apply(Reshape { shape: shape.to_vec() }, &[self])
    }

    /// A range of one axis.
    ///
    /// # Errors
    /// [`Error::Shape`] if the axis or the range is outside the shape.
    pub fn slice(self, axis: usize, range: Range<usize>) -> Result<Var<'g>, Error> {
        self.graph.apply(Slice { axis, start: range.start, end: range.end }, &[self])
    }

    /// Two axes exchanged.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is no such axis.
    pub fn transpose(self, a: usize, b: usize) -> Result<Var<'g>, Error> {
        if a == b && a < self.rank() {
            return Ok(self);
        }
        self.graph.apply(Transpose { a: a.min(b), b: a.max(b) }, &[self])
    }

    /// Repeated to `shape`, by NumPy's rule.
    ///
    /// # Errors
    /// [`Error::Shapes`] if it does not broadcast to `shape`.
    pub fn broadcast_to(self, shape: &[usize]) -> Result<Var<'g>, Error> {
        if self.shape() == shape {
            return Ok(self);
        }
        self.graph.apply(BroadcastTo { shape: shape.to_vec() }, &[self])
    }
}

impl Graph {
    /// The parts one after the other along `axis`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the parts differ in another axis, [`Error::Arity`] without parts.
    pub fn concat<'g>(&'g self, parts: &[Var<'g>], axis: usize) -> Result<Var<'g>, Error> {
        match parts {
            [one] if axis < one.rank() => Ok(*one),
            _ => self.apply(Concat { axis }, parts),
        }
    }
}

/// Reductions.
impl<'g> Var<'g> {
    fn runs(self, op: &'static str, axes: &[usize]) -> Result<Vec<Range<usize>>, Error> {
        let shape = self.shape();
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.last().is_some_and(|&axis| axis >= shape.len()) {
            return Err(Error::Shape { op, shape, wanted: format!("axes {axes:?}") });
        }
        let mut runs: Vec<Range<usize>> = Vec::new();
        for axis in sorted {
            match runs.last_mut() {
                Some(run) if run.end == axis => run.end += 1,
                _ => runs.push(axis..axis + 1),
            }
        }
        Ok(runs)
    }

    fn kept(self, axes: &[usize], like: &[usize], keep: bool) -> Result<Var<'g>, Error> {
        if !keep {
            return Ok(self);
        }
        let mut shape = like.to_vec();
        for &axis in axes {
            shape[axis] = 1;
        }
        self.reshape(&shape)
    }

    /// Sum over `axes`, which stay with extent 1 if `keep`.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is no such axis.
    pub fn sum(self, axes: &[usize], keep: bool) -> Result<Var<'g>, Error> {
        let mut sum = self;
        for run in self.runs("sum", axes)?.into_iter().rev() {
            sum = self.graph.apply(Sum { start: run.start, end: run.end }, &[sum])?;
        }
        sum.kept(axes, &self.shape(), keep)
    }

    /// Mean over `axes`, which stay with extent 1 if `keep`.
    ///
    /// # Errors
    /// As [`Var::sum`].
    pub fn mean(self, axes: &[usize], keep: bool) -> Result<Var<'g>, Error> {
        let sum = self.sum(axes, keep)?;
        let ratio = |var: Var<'_>| var.shape().iter().product::<usize>() as f64;
        Ok(sum.mul_scalar(ratio(sum) / ratio(self)))
    }

    /// Maximum over `axes`, which stay with extent 1 if `keep`; equal maxima share the gradient.
    ///
    /// # Errors
    /// As [`Var::sum`].
    pub fn max(self, axes: &[usize], keep: bool) -> Result<Var<'g>, Error> {
        let mut max = self;
        for run in self.runs("max", axes)?.into_iter().rev() {
            max = self.graph.apply(Max { start: run.start, end: run.end }, &[max])?;
        }
        max.kept(axes, &self.shape(), keep)
    }

    /// Runs `rule` with `axis` brought to the end, and back after it.
    fn along(
        self,
        op: &'static str,
        axis: usize,
        rule: impl FnOnce(Var<'g>) -> Result<Var<'g>, Error>,
    ) -> Result<Var<'g>, Error> {
        let rank = self.rank();
        if axis >= rank {
            let wanted = format!("an axis {axis}");
            return Err(Error::Shape { op, shape: self.shape(), wanted });
        }
        rule(self.transpose(axis, rank - 1)?)?.transpose(axis, rank - 1)
    }

    /// `exp(x) / sum(exp(x))` along `axis`.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is no such axis.
    pub fn softmax(self, axis: usize) -> Result<Var<'g>, Error> {
        self.along("softmax", axis, |x| self.graph.apply(Softmax, &[x]))
    }

    /// `x - log(sum(exp(x)))` along `axis`.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is no such axis.
    pub fn log_softmax(self, axis: usize) -> Result<Var<'g>, Error> {
        self.along("log_softmax", axis, |x| self.graph.apply(LogSoftmax, &[x]))
    }

    /// `log(sum(exp(x)))` along `axis`, which stays with extent 1 if `keep`.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is no such axis.
    pub fn log_sum_exp(self, axis: usize, keep: bool) -> Result<Var<'g>, Error> {
        let kept = self.along("log_sum_exp", axis, |x| self.graph.apply(LogSumExp, &[x]))?;
        if keep {
            return Ok(kept);
        }
        let mut shape = kept.shape();
        shape.remove(axis);
        kept.reshape(&shape)
    }

    /// `-log softmax(self)[target]` of each row of logits `[.., classes]`; targets u32 `[..]`.
    ///
    /// A target of `u32::MAX` costs nothing and has no gradient.
    ///
    /// # Errors
    /// [`Error::Shapes`] if there is not one target a row.
    pub fn cross_entropy(self, targets: Var<'g>) -> Result<Var<'g>, Error> {
        self.graph.apply(CrossEntropy, &[self, targets])
    }

    /// Element `indices[..]` of each row of `[.., classes]`; 0 where the index is `u32::MAX`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if there is not one index a row.
    pub fn pick(self, indices: Var<'g>) -> Result<Var<'g>, Error> {
        self.graph.apply(Pick, &[self, indices])
    }
}

/// Tables and matrices.
impl<'g> Var<'g> {
    /// Rows `indices` (u32 `[..]`) of a table `[V, ..]`; zeros where the index is `u32::MAX`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if this is a scalar.
    pub fn gather(self, indices: Var<'g>) -> Result<Var<'g>, Error> {
        self.graph.apply(Gather, &[self, indices])
    }

    /// Sums of rows of a table `[V, ..]`: indices u32 `[.., L]` to `[.., ..]`, summed over L.
    ///
    /// Entries equal to `padding` or `u32::MAX` contribute nothing.
    ///
    /// # Errors
    /// [`Error::Shapes`] if this or the indices are a scalar.
    pub fn embedding_bag(self, indices: Var<'g>, padding: Option<u32>) -> Result<Var<'g>, Error> {
        self.graph.apply(EmbeddingBag { padding }, &[self, indices])
    }

    /// Adds each row of `[indices.., ..]` to row `indices[..]` of a zero table `[table_rows, ..]`.
    ///
    /// The adjoint of [`Var::gather`].
    ///
    /// # Errors
    /// [`Error::Shapes`] if the indices' shape does not lead this one's.
    pub fn scatter_add(self, indices: Var<'g>, table_rows: usize) -> Result<Var<'g>, Error> {
        let op = ScatterAdd { table_rows, bag: false, padding: None };
        self.graph.apply(op, &[self, indices])
    }

    /// Adds each row of `[.., ..]` to the rows of its bag `indices` `[.., L]` of a zero table
    /// `[table_rows, ..]`.
    ///
    /// The adjoint of [`Var::embedding_bag`].
    ///
    /// # Errors
    /// [`Error::Shapes`] if the indices' shape without L does not lead this one's.
    pub fn scatter_add_bag(
        self,
        indices: Var<'g>,
        padding: Option<u32>,
        table_rows: usize,
    ) -> Result<Var<'g>, Error> {
        self.graph.apply(ScatterAdd { table_rows, bag: true, padding }, &[self, indices])
    }

    /// `X` with `self X = right` for symmetric positive definite `[.., n, n]` and `[.., n, m]`.
    ///
    /// Only the matrix's symmetric part counts; its gradient is symmetric.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes are others.
    pub fn solve(self, right: Var<'g>) -> Result<Var<'g>, Error> {
        self.graph.apply(Solve, &[self, right])
    }
}

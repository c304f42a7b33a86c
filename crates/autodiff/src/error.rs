//! Everything that can go wrong, in one type.

use kernels::OutOfRange;

use crate::DType;

/// Why a graph could not be built, planned or run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two shapes do not go together in an operation.
    #[error("{op}: shapes {left:?} and {right:?} do not fit, wanted {wanted}")]
    Shapes {
        /// The operation.
        op: &'static str,
        /// Shape of the first operand.
        left: Vec<usize>,
        /// Shape of the second operand, or the shape asked for.
        right: Vec<usize>,
        /// The rule that was broken.
        wanted: &'static str,
    },
    /// One shape does not suit an operation or its arguments.
    #[error("{op}: shape {shape:?} does not fit, wanted {wanted}")]
    Shape {
        /// The operation.
        op: &'static str,
        /// Shape of the operand.
        shape: Vec<usize>,
        /// The rule that was broken, with the arguments.
        wanted: String,
    },
    /// An operand or a buffer has the wrong element type.
    #[error("{op}: element type {found:?}, wanted {wanted:?}")]
    Type {
        /// The operation.
        op: &'static str,
        /// The type it takes.
        wanted: DType,
        /// The type it was given.
        found: DType,
    },
    /// An operation was given the wrong number of operands.
    #[error("{op}: {found} operands, wanted {wanted}")]
    Arity {
        /// The operation.
        op: &'static str,
        /// How many it takes.
        wanted: usize,
        /// How many it was given.
        found: usize,
    },
    /// Variables of two graphs met in one operation.
    #[error("{op}: a variable belongs to another graph")]
    ForeignGraph {
        /// The operation.
        op: &'static str,
    },
    /// A gradient was asked for through an operation that has no derivative rule.
    #[error("{op}: has no derivative rule")]
    NoRule {
        /// The operation.
        op: &'static str,
    },
    /// An index points outside its table.
    #[error("{op}: index {index} is outside a table of {rows} rows")]
    Index {
        /// The operation.
        op: &'static str,
        /// The index.
        index: u32,
        /// Rows of the table, or classes.
        rows: usize,
    },
    /// A read or write leaves its buffer.
    #[error("buffer: elements {start}..{end} are outside a length of {len}")]
    Range {
        /// First element.
        start: usize,
        /// One past the last element.
        end: usize,
        /// Length of the buffer.
        len: usize,
    },
    /// A device has no more memory.
    #[error("{device}: no memory for {bytes} bytes")]
    Memory {
        /// Class of the device.
        device: &'static str,
        /// Bytes that were wanted.
        bytes: usize,
    },
    /// A buffer lives on another device than the program that reads it.
    #[error("program: input `{name}` is on the device {found}, wanted {wanted}")]
    Device {
        /// Name of the input.
        name: String,
        /// The program's device.
        wanted: &'static str,
        /// The buffer's device.
        found: &'static str,
    },
    /// A program was given the wrong number of inputs.
    #[error("program: {found} inputs, wanted {wanted}")]
    InputCount {
        /// Inputs of the program.
        wanted: usize,
        /// Inputs it was given.
        found: usize,
    },
    /// A buffer does not suit the input it stands for.
    #[error(
        "program: input `{name}` has {found} elements of {found_type:?}, wanted {wanted} of {wanted_type:?}"
    )]
    Input {
        /// Name of the input.
        name: String,
        /// Elements wanted.
        wanted: usize,
        /// Element type wanted.
        wanted_type: DType,
        /// Elements found.
        found: usize,
        /// Element type found.
        found_type: DType,
    },
    /// The target of an assignment is not a float input or a contiguous view of one.
    #[error("assign: target of shape {shape:?} is not a contiguous view of a float input: {why}")]
    NotAssignable {
        /// Shape of the target.
        shape: Vec<usize>,
        /// What it is instead.
        why: &'static str,
    },
    /// A matrix that should be positive definite is not.
    #[error("{op}: the matrix is not positive definite")]
    NotPositiveDefinite {
        /// The operation.
        op: &'static str,
    },
    /// A gradient disagrees with finite differences.
    #[error(
        "gradient check: order {order}, input {input}: {analytic:e} by rule, {numeric:e} by differences, deviation {deviation:e}"
    )]
    GradCheck {
        /// 1 for the gradient, 2 for the Hessian-vector product.
        order: u8,
        /// Index of the input with the worst deviation.
        input: usize,
        /// The value by rule.
        analytic: f64,
        /// The value by central differences.
        numeric: f64,
        /// The worst relative deviation.
        deviation: f64,
    },
    /// An operation of the caller's own failed.
    #[error("{op}: {message}")]
    Custom {
        /// The operation.
        op: &'static str,
        /// What happened.
        message: String,
    },
}

impl Error {
    /// What an operation makes of an index that its kernel refuses.
    pub(crate) fn index(op: &'static str) -> impl Fn(OutOfRange) -> Error {
        move |OutOfRange { index, rows }| Error::Index { op, index, rows }
    }
}

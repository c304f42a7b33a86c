//! A graph reduced to what must be computed: units of work over views of values.

use std::ops::Range;
use std::sync::Arc;

use super::step::{Data, Kept};
use crate::{DType, Function, Layout, Op};

/// A view of a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    pub value: usize,
    pub layout: Layout,
}

/// A run of elements with storage of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Value {
    pub dtype: DType,
    pub len: usize,
    pub home: Home,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Home {
    Input(usize),
    Constant(usize),
    Output(usize),
    /// Memory that lasts from run to run.
    Kept(usize),
    Computed,
}

/// One operation over views, yielding one contiguous value.
#[derive(Debug)]
pub(crate) struct Unit {
    pub work: Work,
    pub reads: Vec<View>,
    pub value: usize,
    pub shape: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(crate) enum Work {
    Elementwise(Function),
    /// A matrix product of few terms, computed block by block inside the chain that reads it.
    Product,
    Kernel(Arc<dyn Op>),
}

/// An assignment over views.
#[derive(Debug)]
pub(crate) struct Assigned {
    pub target: View,
    pub value: View,
    /// For rows: where the indices are.
    pub indices: Option<View>,
}

impl Assigned {
    /// The input and the elements of it that may change.
    pub(super) fn region(&self) -> (usize, Range<usize>) {
        let start = self.target.layout.offset;
        (self.target.value, start..start + self.target.layout.span())
    }
}

/// A graph reduced to what must be computed.
#[derive(Debug, Default)]
pub(crate) struct Worklist {
    pub values: Vec<Value>,
    pub units: Vec<Unit>,
    pub constants: Vec<Data>,
    pub assigned: Vec<Assigned>,
    pub outputs: Vec<(DType, usize)>,
    /// Units that the target asked for.
    pub packed: Vec<usize>,
    pub kept: Vec<Kept>,
}

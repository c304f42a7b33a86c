//! A kernel's operands and result.

use super::memory::Memory;
use super::operand::Operand;
use crate::{DType, Element, Float, Layout, Workspace};
use kernels::product::Matrices;

/// The operands and the result of one kernel run.
#[derive(Debug)]
pub struct Call<'a> {
    operands: &'a [Operand],
    output: &'a Operand,
    memory: &'a Memory,
    taken: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        operands: &'a [Operand],
        output: &'a Operand,
        memory: &'a Memory,
    ) -> Call<'a> {
        Call { operands, output, memory, taken: false }
    }

    /// Number of operands.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "counts operands; it is no container")]
    pub fn len(&self) -> usize {
        self.operands.len()
    }

    /// Element type of the result.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.output.dtype
    }

    /// Element type of an operand.
    #[must_use]
    pub fn operand_dtype(&self, index: usize) -> DType {
        self.operands[index].dtype
    }

    /// Scratch memory, kept from run to run.
    #[must_use]
    pub fn workspace(&self) -> &'a Workspace {
        self.memory.workspace()
    }

    /// Shape of an operand.
    #[must_use]
    pub fn shape(&self, index: usize) -> &'a [usize] {
        &self.operands[index].layout.shape
    }

    /// Layout of an operand, its strides from the start of [`Call::input`].
    #[must_use]
    pub fn layout(&self, index: usize) -> &'a Layout {
        &self.operands[index].layout
    }

    /// Elements of an operand; row-major without gaps unless the operation accepted another layout.
    ///
    /// # Panics
    /// If `T` is not the operand's type.
    #[must_use]
    pub fn input<T: Element>(&self, index: usize) -> &'a [T] {
        self.memory.read(&self.operands[index])
    }

    /// The matrices of an operand of two axes or more.
    ///
    /// # Panics
    /// If `T` is not the operand's type.
    #[must_use]
    pub fn matrices<T: Float>(&self, index: usize) -> Matrices<'a, T> {
        Matrices { data: self.input(index), layout: self.layout(index) }
    }

    /// Shape of the result.
    #[must_use]
    pub fn output_shape(&self) -> &'a [usize] {
        &self.output.layout.shape
    }

    /// Elements of the result, row-major, with unspecified values to begin with.
    ///
    /// # Panics
    /// If `T` is not the result's type, or when called twice.
    pub fn output<T: Element>(&mut self) -> &'a mut [T] {
        assert!(!std::mem::replace(&mut self.taken, true), "a result is taken once");
        self.memory.write(self.output)
    }
}

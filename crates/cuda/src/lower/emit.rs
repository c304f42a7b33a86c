//! What the kernels of one operation are emitted through.

use autodiff::DType;
use autodiff::backend::Operand;

use super::{About, Lowering, Note, STATUS, Slots};
use crate::command::{Base, Command, Kernel, Place, Word};
use crate::driver::{Factor, Product};
use crate::launch::Grid;
use crate::pool::ALIGNMENT;
use crate::source::suffix;

/// One step: its operands, its result, and what follows from them.
pub(crate) struct Emit<'a, 'b> {
    lowering: &'a mut Lowering<'b>,
    operands: &'a [Operand],
    places: Vec<Place>,
    output: &'a Operand,
    result: Place,
    /// Bytes that the step took for itself.
    scratch: usize,
}

impl<'a, 'b> Emit<'a, 'b> {
    pub(super) fn new(
        lowering: &'a mut Lowering<'b>,
        operands: &'a [Operand],
        output: &'a Operand,
        slots: &Slots<'_>,
    ) -> Emit<'a, 'b> {
        let places = operands.iter().map(|operand| slots.place(operand)).collect();
        let result = slots.place(output);
        Emit { lowering, operands, places, output, result, scratch: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.operands.len()
    }

    pub(super) fn operand(&self, index: usize) -> &'a Operand {
        &self.operands[index]
    }

    pub(super) fn shape(&self, index: usize) -> &'a [usize] {
        &self.operands[index].layout.shape
    }

    /// Number of elements of an operand.
    pub(super) fn count(&self, index: usize) -> usize {
        self.operands[index].layout.len()
    }

    pub(super) fn result_shape(&self) -> &'a [usize] {
        &self.output.layout.shape
    }

    pub(super) fn result_count(&self) -> usize {
        self.output.layout.len()
    }

    /// Element type of the result.
    pub(super) fn dtype(&self) -> DType {
        self.output.dtype
    }

    /// Where an operand begins.
    pub(super) fn x(&self, index: usize) -> Place {
        self.places[index]
    }

    /// Where the result begins.
    pub(super) fn y(&self) -> Place {
        self.result
    }

    /// Bytes that a step may take for itself where it has the choice.
    pub(super) fn room(&self) -> usize {
        self.lowering.room
    }

    /// Memory for this step alone.
    pub(super) fn scratch(&mut self, bytes: usize) -> Place {
        let offset = self.scratch;
        self.scratch += bytes.next_multiple_of(ALIGNMENT);
        self.lowering.lowered.scratch = self.lowering.lowered.scratch.max(self.scratch);
        Place { base: Base::Scratch, offset }
    }

    /// Where kernels note that something is wrong with values, and as what.
    pub(super) fn note(&mut self, op: &'static str, about: About) -> (Place, usize) {
        let notes = &mut self.lowering.lowered.notes;
        notes.push(Note { op, about });
        (STATUS, notes.len())
    }

    /// Launches a kernel that is there for each type of floats. Indices are moved as floats of their
    /// size.
    pub(super) fn launch(&mut self, name: &str, grid: Grid, words: impl Into<Vec<Word>>) {
        let dtype = if self.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
        self.launch_as(name, dtype, grid, words);
    }

    /// Launches a kernel of a type of floats other than the result's.
    pub(super) fn launch_as(
        &mut self,
        name: &str,
        dtype: DType,
        grid: Grid,
        words: impl Into<Vec<Word>>,
    ) {
        self.push(Kernel::Fixed(format!("{name}_{}", suffix(dtype))), grid, words.into());
    }

    /// Launches a kernel of indices.
    pub(super) fn launch_indices(&mut self, name: &str, grid: Grid, words: impl Into<Vec<Word>>) {
        self.push(Kernel::Fixed(name.into()), grid, words.into());
    }

    fn push(&mut self, kernel: Kernel, grid: Grid, words: Vec<Word>) {
        self.lowering.lowered.commands.push(Command::Launch { kernel, grid, words });
    }

    /// Multiplies matrices; without terms the products are zero.
    pub(super) fn product(&mut self, product: Product<Place>) {
        let Product { m, n, k, count, result, adds, .. } = product;
        if m * n * count == 0 {
            return;
        }
        if k > 0 {
            self.lowering.lowered.commands.push(Command::Product(product));
        } else if !adds {
            let bytes = count * m * n * self.dtype().size();
            self.zero(result.at, bytes);
        }
    }

    pub(super) fn zero(&mut self, to: Place, bytes: usize) {
        self.lowering.lowered.commands.push(Command::Zero { to, bytes });
    }

    pub(super) fn copy(&mut self, from: Place, to: Place, bytes: usize) {
        self.lowering.lowered.commands.push(Command::Copy { from, to, bytes });
    }
}

/// Matrices without gaps, `columns` a row.
pub(super) fn matrix(at: Place, columns: usize, step: usize) -> Factor<Place> {
    Factor { at, transposed: false, row: columns, step }
}

/// [`matrix`] read by columns.
pub(super) fn turned(at: Place, columns: usize, step: usize) -> Factor<Place> {
    Factor { at, transposed: true, row: columns, step }
}

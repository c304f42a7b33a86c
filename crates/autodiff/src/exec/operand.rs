//! Where a value lies.

use crate::{DType, Layout};

/// A slot of a program, and a layout in it.
#[derive(Debug, Clone)]
pub struct Operand {
    /// The slot.
    pub slot: usize,
    /// How its elements lie in the slot.
    pub layout: Layout,
    /// Element type.
    pub dtype: DType,
}

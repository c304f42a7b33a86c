//! Where a value lies.

use crate::{DType, Layout};

/// A slot of a program, and a layout in it.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    pub slot: usize,
    pub layout: Layout,
    pub dtype: DType,
}

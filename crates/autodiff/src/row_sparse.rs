//! Gradients of tables that touch few rows.

use crate::Function;
use crate::graph::Kind;
use crate::ops::{Elementwise, RowSum, ScatterAdd, UniqueRows};
use crate::{Error, Graph, Var};

/// The rows of a gradient that are not zero by construction.
#[derive(Debug, Clone, Copy)]
pub struct RowSparse<'g> {
    /// u32 `[n]`: distinct, ascending, padded with `u32::MAX`.
    pub indices: Var<'g>,
    /// `[n, ..]`: the sum for each index, zero where padded.
    pub rows: Var<'g>,
    /// Rows of the table.
    pub table_rows: usize,
}

impl Graph {
    /// The gradient as rows, if it is a sum of gradients of gathers and embedding bags only.
    ///
    /// A program that uses the rows alone does no work that depends on the table's rows.
    ///
    /// # Errors
    /// [`Error::ForeignGraph`] for a variable of another graph.
    pub fn row_sparse<'g>(&'g self, gradient: Var<'g>) -> Result<Option<RowSparse<'g>>, Error> {
        self.own("row_sparse", &[gradient])?;
        let mut parts = Vec::new();
        if !self.scatters(gradient.id(), &mut parts) {
            return Ok(None);
        }
        let shape = gradient.shape();
        let indices: Vec<Var<'g>> = parts.iter().map(|part| part.2).collect();
        let padding = parts.iter().map(|part| part.0.padding).collect();
        let indices = self.apply(UniqueRows { rows: shape[0], padding }, &indices)?;
        let mut operands = vec![indices];
        operands.extend(parts.iter().flat_map(|&(_, rows, indices)| [rows, indices]));
        let parts = parts.iter().map(|(op, ..)| (op.bag, op.padding)).collect();
        let rows = self.apply(RowSum { parts, row: shape[1..].to_vec() }, &operands)?;
        Ok(Some(RowSparse { indices, rows, table_rows: shape[0] }))
    }

    /// Collects the scatters a node is the sum of; false if it is anything else.
    fn scatters<'g>(
        &'g self,
        node: usize,
        parts: &mut Vec<(ScatterAdd, Var<'g>, Var<'g>)>,
    ) -> bool {
        let node = self.state.borrow().nodes[node].clone();
        let Kind::Apply(op) = &node.kind else { return false };
        let any = op.as_ref() as &dyn std::any::Any;
        if let Some(scatter) = any.downcast_ref::<ScatterAdd>() {
            let [rows, indices] = [0, 1].map(|i| Var::new(self, node.inputs[i]));
            parts.push((scatter.clone(), rows, indices));
            return true;
        }
        match any.downcast_ref::<Elementwise>() {
            Some(Elementwise(Function::Add)) => {
                node.inputs.iter().all(|&input| self.scatters(input, parts))
            }
            _ => false,
        }
    }
}

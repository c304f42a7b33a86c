//! The distinct row indices of a gradient, ascending.

use crate::exec::Call;
use crate::graph::Op;
use crate::signature::{Signature, arity, index};
use crate::{DType, Error};

/// Flat indices `[n]` to the distinct ones, ascending, padded with `u32::MAX` to `[n]`.
#[derive(Debug)]
pub struct UniqueRows {
    /// Indices from here on are left out.
    pub rows: usize,
    /// Left out as well.
    pub padding: Vec<Option<u32>>,
}

impl Op for UniqueRows {
    fn name(&self) -> &'static str {
        "unique_rows"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, self.padding.len())?;
        for input in inputs {
            index(self.name(), input)?;
        }
        let count = inputs.iter().map(|input| input.shape.iter().product::<usize>()).sum();
        Ok(Signature { shape: vec![count], dtype: DType::U32 })
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        let y = call.output::<u32>();
        let mut filled = 0;
        for (part, &padding) in self.padding.iter().enumerate() {
            for &index in call.input::<u32>(part) {
                kernels::row(index, self.rows).map_err(Error::index(self.name()))?;
                y[filled] = if Some(index) == padding { u32::MAX } else { index };
                filled += 1;
            }
        }
        y.sort_unstable();
        let mut kept = 0;
        for i in 0..y.len() {
            if kept == 0 || y[i] != y[kept - 1] {
                y[kept] = y[i];
                kept += 1;
            }
        }
        y[kept..].fill(u32::MAX);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Graph;

    #[test]
    fn distinct_ascending_padded() {
        let graph = Graph::new(DType::F32);
        let parts = [
            graph.index_constant(&[7, 2, 0, 7], &[2, 2]).unwrap(),
            graph.index_constant(&[0, u32::MAX], &[2]).unwrap(),
        ];
        let op = UniqueRows { rows: 8, padding: vec![Some(0), None] };
        let unique = graph.apply(op, &parts).unwrap();
        let mut program = graph.compile(&[unique]).unwrap();
        program.run(&mut []).unwrap();
        let none = u32::MAX;
        assert_eq!(program.output(0).to_vec::<u32>().unwrap(), [0, 2, 7, none, none, none]);
    }
}

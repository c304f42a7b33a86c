//! The rows of a row-sparse gradient, summed for each distinct index.

use super::{by_float, last};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, float, index};
use crate::{Error, Float, Var};
use kernels::embedding::Bags;
use kernels::embedding::bags::{position, sum_at};

/// Distinct indices `[n]`, then pairs of rows and indices as a scatter takes them, to `[n, ..]`.
#[derive(Debug)]
pub struct RowSum {
    /// For each pair: whether the indices are bags, and their padding.
    pub parts: Vec<(bool, Option<u32>)>,
    /// Shape of one row.
    pub row: Vec<usize>,
}

impl Op for RowSum {
    fn name(&self) -> &'static str {
        "row_sum"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        if inputs.len() != 1 + 2 * self.parts.len() || self.parts.is_empty() {
            let wanted = 1 + 2 * self.parts.len();
            return Err(Error::Arity { op, wanted, found: inputs.len() });
        }
        index(op, &inputs[0])?;
        for pair in inputs[1..].chunks_exact(2) {
            float(op, &pair[0], pair[0].dtype)?;
            index(op, &pair[1])?;
        }
        let shape = [&inputs[0].shape[..], &self.row].concat();
        Ok(Signature { shape, dtype: inputs[1].dtype })
    }

    /// Row i of the gradient goes to every entry whose index is the i-th distinct one.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let graph = at.gradient.graph();
        let mut gradients = vec![None];
        for (i, &(bag, padding)) in self.parts.iter().enumerate() {
            let indices = at.inputs[2 + 2 * i];
            let place = graph.apply(Position { padding }, &[at.inputs[0], indices])?;
            gradients.push(at.when(1 + 2 * i, || {
                if bag { at.gradient.embedding_bag(place, None) } else { at.gradient.gather(place) }
            })?);
            gradients.push(None);
        }
        Ok(gradients)
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self)
    }
}

fn run<T: Float>(call: &mut Call<'_>, op: &RowSum) -> Result<(), Error> {
    let (unique, y) = (call.input::<u32>(0), call.output::<T>());
    y.fill(T::zero());
    for (i, &(bag, padding)) in op.parts.iter().enumerate() {
        let bags = Bags {
            indices: call.input(2 + 2 * i),
            length: if bag { last(call.shape(2 + 2 * i)) } else { 1 },
            padding,
            rows: unique.len(),
            width: op.row.iter().product(),
        };
        sum_at(bags, unique, call.input::<T>(1 + 2 * i), y);
    }
    Ok(())
}

/// Where each index stands among distinct ones; `u32::MAX` for padding.
#[derive(Debug)]
pub struct Position {
    /// An index that is left out.
    pub padding: Option<u32>,
}

impl Op for Position {
    fn name(&self) -> &'static str {
        "position"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        index(self.name(), &inputs[1])?;
        Ok(inputs[1].clone())
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        let (unique, indices) = (call.input::<u32>(0), call.input::<u32>(1));
        for (y, &index) in call.output::<u32>().iter_mut().zip(indices) {
            let place = if Some(index) == self.padding { None } else { position(unique, index) };
            *y = place.map_or(u32::MAX, |place| place as u32);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Graph;
    use crate::check::testing::{check, eval};

    fn summed<'g>(g: &'g Graph, x: &[Var<'g>]) -> Result<Var<'g>, Error> {
        let unique = g.index_constant(&[1, 5, u32::MAX, u32::MAX], &[4])?;
        let rows = g.index_constant(&[5, u32::MAX], &[2])?;
        let bags = g.index_constant(&[5, 1, 0, 5], &[2, 2])?;
        let parts = vec![(false, None), (true, Some(0))];
        g.apply(RowSum { parts, row: vec![2] }, &[unique, x[0], rows, x[1], bags])
    }

    #[test]
    fn rows_and_bags_meet() {
        let x = (&[2, 2][..], &[1.0, 2.0, 3.0, 4.0][..]);
        let y = (&[2, 2][..], &[10.0, 20.0, 30.0, 40.0][..]);
        assert_eq!(eval(&[x, y], summed), [10.0, 20.0, 41.0, 62.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn gradient() {
        check(&[&[2, 2], &[2, 2]], |g, x| Ok(summed(g, x)?.tanh()));
    }
}

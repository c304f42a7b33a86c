//! The largest elements of each row.

use std::cmp::Ordering;

use kernels::row;

use super::{by_float, last};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float, index};
use crate::{Error, Float, Layout, Var};

/// Places of the `count` largest elements of the last axis, the largest first.
#[derive(Debug)]
pub struct TopK {
    /// How many.
    pub count: usize,
}

impl Op for TopK {
    fn name(&self) -> &'static str {
        "top_k"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        arity(op, inputs, 1)?;
        float(op, &inputs[0], inputs[0].dtype)?;
        let mut shape = inputs[0].shape.clone();
        match shape.last_mut() {
            Some(extent) if *extent >= self.count => *extent = self.count,
            _ => {
                let wanted = format!("{} elements a row at least", self.count);
                return Err(Error::Shape { op, shape, wanted });
            }
        }
        Ok(Signature { shape, dtype: crate::DType::U32 })
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        match call.operand_dtype(0) {
            crate::DType::F64 => places::<f64>(call, self.count),
            _ => places::<f32>(call, self.count),
        }
        Ok(())
    }
}

/// A NaN comes before every number.
fn larger<T: Float>(a: T, b: T) -> bool {
    match a.partial_cmp(&b) {
        Some(order) => order == Ordering::Greater,
        // One of them is a NaN, so that it has no order with itself.
        None => a.partial_cmp(&a).is_none() && b.partial_cmp(&b).is_some(),
    }
}

fn places<T: Float>(call: &mut Call<'_>, count: usize) {
    let (x, width) = (call.input::<T>(0), last(call.shape(0)));
    if count == 0 || width == 0 {
        return;
    }
    for (x, best) in x.chunks_exact(width).zip(call.output::<u32>().chunks_exact_mut(count)) {
        let mut held = 0;
        for (place, &value) in x.iter().enumerate() {
            let value_at = |best: &[u32], i: usize| x[best[i] as usize];
            if held == count && !larger(value, value_at(best, count - 1)) {
                continue;
            }
            // Of equal elements the first comes first.
            let at = (0..held).rev().take_while(|&i| larger(value, value_at(best, i))).count();
            let at = held - at;
            held = (held + 1).min(count);
            best.copy_within(at..held - 1, at + 1);
            best[at] = place as u32;
        }
    }
}

/// Elements of each row `[.., n]` at indices `[.., k]`.
#[derive(Debug)]
pub struct Take;

/// Values `[.., k]` added at indices `[.., k]` to rows of `width` zeros: the adjoint of [`Take`].
#[derive(Debug)]
pub struct Put {
    /// Elements of a row.
    pub width: usize,
}

fn per_row(op: &'static str, inputs: &[Signature], exact: bool) -> Result<(), Error> {
    arity(op, inputs, 2)?;
    float(op, &inputs[0], inputs[0].dtype)?;
    index(op, &inputs[1])?;
    let (left, right) = (inputs[0].shape.clone(), inputs[1].shape.clone());
    let rows = left.len() == right.len()
        && !left.is_empty()
        && left[..left.len() - 1] == right[..right.len() - 1];
    if !rows || (exact && left != right) {
        return Err(Error::Shapes { op, left, right, wanted: "indices for each row" });
    }
    Ok(())
}

impl Op for Take {
    fn name(&self) -> &'static str {
        "take"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        per_row(self.name(), inputs, false)?;
        Ok(Signature { shape: inputs[1].shape.clone(), dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let put = Put { width: last(&at.inputs[0].shape()) };
        Ok(vec![Some(at.gradient.graph().apply(put, &[at.gradient, at.inputs[1]])?), None])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, take)
    }

    /// A single repeated value is taken from where it is.
    fn accepts(&self, input: usize, layout: &Layout) -> bool {
        input == 0 && layout.strides.iter().all(|&stride| stride == 0)
    }
}

fn take<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    let (width, count) = (last(call.shape(0)), last(call.shape(1)));
    let step = usize::from(call.layout(0).is_contiguous());
    let (x, indices, y) = (call.input::<T>(0), call.input::<u32>(1), call.output::<T>());
    for (i, (y, &index)) in y.iter_mut().zip(indices).enumerate() {
        let place = row(index, width).map_err(Error::index("take"))?;
        *y = place.map_or(T::zero(), |place| x[(i / count * width + place) * step]);
    }
    Ok(())
}

impl Op for Put {
    fn name(&self) -> &'static str {
        "put"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        per_row(self.name(), inputs, true)?;
        let mut shape = inputs[0].shape.clone();
        if let Some(extent) = shape.last_mut() {
            *extent = self.width;
        }
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        Ok(vec![Some(at.gradient.graph().apply(Take, &[at.gradient, at.inputs[1]])?), None])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, put, self.width)
    }
}

fn put<T: Float>(call: &mut Call<'_>, width: usize) -> Result<(), Error> {
    let count = last(call.shape(1));
    let (x, indices, y) = (call.input::<T>(0), call.input::<u32>(1), call.output::<T>());
    y.fill(T::zero());
    for (i, (&x, &index)) in x.iter().zip(indices).enumerate() {
        if let Some(place) = row(index, width).map_err(Error::index("put"))? {
            y[i / count * width + place] += x;
        }
    }
    Ok(())
}

impl<'g> Var<'g> {
    /// The `count` largest elements of each row of the last axis and their places (u32), both `[..,
    /// count]`, the largest first; of equal elements the first.
    ///
    /// The gradient goes to the elements taken. A NaN counts as larger than every number.
    ///
    /// # Errors
    /// [`Error::Shape`] if a row has fewer elements.
    pub fn top_k(self, count: usize) -> Result<(Var<'g>, Var<'g>), Error> {
        let places = self.graph().apply(TopK { count }, &[self])?;
        Ok((self.take(places)?, places))
    }

    /// Elements `indices` (u32 `[.., k]`) of each row of `[.., n]`; 0 where the index is `u32::MAX`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the leading axes differ.
    pub fn take(self, indices: Var<'g>) -> Result<Var<'g>, Error> {
        self.graph().apply(Take, &[self, indices])
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, eval, gradients};
    use crate::{DType, Error, Graph};

    #[test]
    fn the_largest_come_first_and_ties_in_order() {
        let x = [1.0, 7.0, 3.0, 7.0, 5.0, -2.0, -1.0, -3.0, -9.0, -4.0];
        let graph = Graph::new(DType::F64);
        let (values, places) = graph.constant(&x, &[2, 5]).unwrap().top_k(3).unwrap();
        let mut program = graph.compile(&[values, places]).unwrap();
        program.run(&mut []).unwrap();
        assert_eq!(program.output(0).to_vec::<f64>().unwrap(), [7.0, 7.0, 5.0, -1.0, -2.0, -3.0]);
        assert_eq!(program.output(1).to_vec::<u32>().unwrap(), [1, 3, 4, 1, 0, 2]);
    }

    #[test]
    fn all_of_a_row_is_its_order() {
        let x: Vec<f64> = (0..101).map(|i| f64::from(i * 37 % 101)).collect();
        let y = eval(&[(&[101], &x)], |_, x| Ok(x[0].top_k(101)?.0));
        assert!(y.iter().enumerate().all(|(i, &y)| y == 100.0 - i as f64));
    }

    #[test]
    fn a_nan_is_the_largest() {
        let graph = Graph::new(DType::F64);
        let x = graph.constant(&[1.0, f64::NAN, f64::INFINITY], &[3]).unwrap();
        let mut program = graph.compile(&[x.top_k(2).unwrap().1]).unwrap();
        program.run(&mut []).unwrap();
        assert_eq!(program.output(0).to_vec::<u32>().unwrap(), [1, 2]);
    }

    #[test]
    fn the_gradient_goes_to_the_elements_taken() {
        let found = gradients(&[(&[4], &[1.0, 4.0, 2.0, 3.0])], |_, x| {
            Ok(x[0].top_k(2)?.0.square().sum_all())
        });
        assert_eq!(found, [[0.0, 8.0, 0.0, 6.0]]);
        check(&[&[2, 5]], |_, x| Ok(x[0].top_k(3)?.0.tanh().square()));
    }

    #[test]
    fn too_many_are_an_error() {
        let graph = Graph::new(DType::F32);
        let error = graph.input("x", &[2, 3]).top_k(4).unwrap_err();
        assert!(matches!(error, Error::Shape { op: "top_k", .. }), "{error}");
    }
}

//! Derivatives, written as more nodes into the same graph.

use std::sync::Arc;

use crate::graph::Kind;
use crate::graph::{Derivative, Op};
use crate::ops::Pad;
use crate::{DType, Error, Graph, Var};

impl Graph {
    /// Gradients of the scalar `y` with respect to each of `wrt`, which may be any nodes.
    ///
    /// A node that `y` does not depend on has a gradient of zeros.
    ///
    /// # Errors
    /// [`Error::Shape`] if `y` is not a scalar (one element), [`Error::Type`] for a node of indices.
    pub fn grad<'g>(&'g self, y: Var<'g>, wrt: &[Var<'g>]) -> Result<Vec<Var<'g>>, Error> {
        self.own("grad", wrt)?;
        self.own("grad", &[y])?;
        let shape = y.shape();
        if shape.iter().product::<usize>() != 1 {
            return Err(Error::Shape { op: "grad", shape, wanted: "a scalar".into() });
        }
        for var in wrt {
            if var.dtype() == DType::U32 {
                return Err(Error::Type { op: "grad", wanted: self.dtype(), found: DType::U32 });
            }
        }
        let wanted = self.dependents(y, wrt);
        let mut parts: Vec<Vec<Var<'g>>> = vec![Vec::new(); y.id() + 1];
        let mut totals: Vec<Option<Var<'g>>> = vec![None; y.id() + 1];
        parts[y.id()].push(self.full(1.0, &shape));
        for id in (0..=y.id()).rev() {
            if !wanted[id] || parts[id].is_empty() {
                continue;
            }
            let total = self.total(std::mem::take(&mut parts[id]))?;
            totals[id] = Some(total);
            self.propagate(id, total, &wanted, &mut parts)?;
        }
        Ok(wrt
            .iter()
            .map(|var| totals.get(var.id()).copied().flatten())
            .zip(wrt)
            .map(|(total, var)| total.unwrap_or_else(|| self.full(0.0, &var.shape())))
            .collect())
    }

    /// Products of the Hessian of `y` with `directions`, for each of `wrt`.
    ///
    /// # Errors
    /// As [`Graph::grad`]; [`Error::Shapes`] if a direction does not have its variable's shape.
    pub fn hvp<'g>(
        &'g self,
        y: Var<'g>,
        wrt: &[Var<'g>],
        directions: &[Var<'g>],
    ) -> Result<Vec<Var<'g>>, Error> {
        let op = "hvp";
        self.own(op, directions)?;
        if directions.len() != wrt.len() {
            return Err(Error::Arity { op, wanted: wrt.len(), found: directions.len() });
        }
        let mut slope = self.scalar(0.0);
        for ((gradient, &var), &direction) in
            self.grad(y, wrt)?.into_iter().zip(wrt).zip(directions)
        {
            let (left, right) = (var.shape(), direction.shape());
            if left != right {
                return Err(Error::Shapes { op, left, right, wanted: "one shape" });
            }
            slope = slope.add(gradient.mul(direction.stop_gradient())?.sum_all())?;
        }
        self.grad(slope, wrt)
    }

    /// Which nodes up to `y` depend on one of `wrt`, those included.
    fn dependents(&self, y: Var<'_>, wrt: &[Var<'_>]) -> Vec<bool> {
        let state = self.state.borrow();
        let mut depends = vec![false; y.id() + 1];
        for var in wrt {
            if let Some(mark) = depends.get_mut(var.id()) {
                *mark = true;
            }
        }
        for id in 0..depends.len() {
            let node = &state.nodes[id];
            let float = node.dtype != DType::U32;
            depends[id] |= float && node.inputs.iter().any(|&input| depends[input]);
        }
        depends
    }

    fn propagate<'g>(
        &'g self,
        id: usize,
        gradient: Var<'g>,
        wanted: &[bool],
        parts: &mut [Vec<Var<'g>>],
    ) -> Result<(), Error> {
        let node = self.state.borrow().nodes[id].clone();
        let Kind::Apply(op) = node.kind else { return Ok(()) };
        let needs: Vec<bool> = node.inputs.iter().map(|&input| wanted[input]).collect();
        if !needs.contains(&true) {
            return Ok(());
        }
        let inputs: Vec<Var<'g>> = node.inputs.iter().map(|&input| Var::new(self, input)).collect();
        let output = Var::new(self, id);
        let at = Derivative { inputs: &inputs, output, gradient, wanted: &needs };
        let gradients = op.derivative(&at)?;
        if gradients.len() != inputs.len() {
            let (wanted, found) = (inputs.len(), gradients.len());
            return Err(Error::Arity { op: op.name(), wanted, found });
        }
        for ((input, part), need) in inputs.iter().zip(gradients).zip(needs) {
            let Some(part) = part.filter(|_| need) else { continue };
            if part.shape() != input.shape() {
                let (left, right) = (input.shape(), part.shape());
                let wanted = "a gradient of the operand's shape";
                return Err(Error::Shapes { op: op.name(), left, right, wanted });
            }
            parts[input.id()].push(part);
        }
        Ok(())
    }

    /// Sum of the contributions to one node; slices that tile an axis are joined instead.
    fn total<'g>(&'g self, parts: Vec<Var<'g>>) -> Result<Var<'g>, Error> {
        if let Some(joined) = self.join(&parts)? {
            return Ok(joined);
        }
        let mut parts = parts.into_iter();
        let first = parts.next().unwrap_or_else(|| self.scalar(0.0));
        parts.try_fold(first, Var::add)
    }

    /// Padded gradients of disjoint slices as one concatenation.
    fn join<'g>(&'g self, parts: &[Var<'g>]) -> Result<Option<Var<'g>>, Error> {
        let mut pieces = Vec::with_capacity(parts.len());
        for &part in parts {
            match self.padded(part) {
                Some(piece) => pieces.push(piece),
                None => return Ok(None),
            }
        }
        pieces.sort_by_key(|piece| piece.1);
        let axis = pieces[0].0;
        let disjoint = pieces.windows(2).all(|pair| pair[0].2 <= pair[1].1);
        if pieces.len() < 2 || !disjoint || pieces.iter().any(|piece| piece.0 != axis) {
            return Ok(None);
        }
        let mut shape = parts[0].shape();
        let extent = shape[axis];
        let (mut joined, mut at) = (Vec::new(), 0);
        let mut gap = |from: usize, to: usize, joined: &mut Vec<Var<'g>>| {
            if to > from {
                shape[axis] = to - from;
                joined.push(self.full(0.0, &shape));
            }
        };
        for (_, start, end, piece) in pieces {
            gap(at, start, &mut joined);
            joined.push(piece);
            at = end;
        }
        gap(at, extent, &mut joined);
        self.concat(&joined, axis).map(Some)
    }

    /// Axis, range and operand of a padded gradient.
    fn padded<'g>(&'g self, part: Var<'g>) -> Option<(usize, usize, usize, Var<'g>)> {
        let state = self.state.borrow();
        let node = &state.nodes[part.id()];
        let Kind::Apply(op) = &node.kind else { return None };
        let op: Arc<dyn Op> = Arc::clone(op);
        let pad = (op.as_ref() as &dyn std::any::Any).downcast_ref::<Pad>()?;
        let operand = node.inputs[0];
        let length = state.nodes[operand].shape[pad.axis];
        Some((pad.axis, pad.start, pad.start + length, Var::new(self, operand)))
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::Op;
    use crate::{DType, Error, Graph, Signature};

    /// An operation without a derivative rule.
    #[derive(Debug)]
    struct Bare;

    impl Op for Bare {
        fn name(&self) -> &'static str {
            "bare"
        }
        fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
            Ok(inputs[0].clone())
        }
    }

    #[test]
    fn an_operation_without_a_rule_is_named() {
        let graph = Graph::new(DType::F64);
        let [x, other] = ["x", "other"].map(|name| graph.input(name, &[2]));
        let loss = graph.apply(Bare, &[x]).unwrap().sum_all();
        let error = graph.grad(loss, &[x]).unwrap_err();
        assert_eq!(error, Error::NoRule { op: "bare" });
        assert_eq!(error.to_string(), "bare: has no derivative rule");
        // Nothing is wanted of it here.
        assert!(graph.grad(loss, &[other]).is_ok());
    }
}

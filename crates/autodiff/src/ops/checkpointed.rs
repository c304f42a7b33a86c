//! Segments that are computed again in the backward pass instead of being kept (Chen et al. 2016,
//! *Training Deep Nets with Sublinear Memory Cost*).

use std::fmt;

use super::{Alias, by_float};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{DType, Error, Float, Graph, Layout, Var};

type Body = dyn for<'g> Fn(&[Var<'g>]) -> Result<Var<'g>, Error> + Send + Sync;

impl Graph {
    /// What `body` makes of `inputs`, of which a derivative keeps `inputs` only.
    ///
    /// The backward pass traces `body` once more, on a copy of the first input that is made when the
    /// result's gradient is there, so that nothing between inputs and result stays in memory until
    /// then. The gradients are those had without, to the bit unless segments share an input, whose
    /// parts are then added in another order. What depends on other inputs than the first alone is
    /// computed once and kept: the first is the one that flows through the model, the others are
    /// parameters.
    ///
    /// # Errors
    /// Those of `body`; [`Error::Arity`] without inputs, [`Error::Type`] if the first one is an index.
    pub fn checkpointed<'g, F>(&'g self, inputs: &[Var<'g>], body: F) -> Result<Var<'g>, Error>
    where
        F: for<'a> Fn(&[Var<'a>]) -> Result<Var<'a>, Error> + Send + Sync + 'static,
    {
        self.own("checkpointed", inputs)?;
        let result = body(inputs)?;
        let operands = [&[result], inputs].concat();
        self.apply(Checkpointed { body: Box::new(body) }, &operands)
    }
}

/// The first operand, which `body` made of the others.
struct Checkpointed {
    body: Box<Body>,
}

impl fmt::Debug for Checkpointed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checkpointed")
    }
}

impl Op for Checkpointed {
    fn name(&self) -> &'static str {
        "checkpointed"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let (op, found) = (self.name(), inputs.len());
        let [result, first, ..] = inputs else { return Err(Error::Arity { op, wanted: 2, found }) };
        float(op, first, first.dtype)?;
        Ok(result.clone())
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let graph = at.gradient.graph();
        let given = &at.inputs[1..];
        let again: Vec<Var<'g>> = given
            .iter()
            .enumerate()
            .map(|(i, &input)| match (i, input.dtype()) {
                (0, _) => graph.apply(Recalled, &[input, at.gradient]),
                (_, DType::U32) => Ok(input),
                _ => graph.apply(Alias, &[input]),
            })
            .collect::<Result<_, _>>()?;
        let result = (self.body)(&again)?;
        let wanted = |i: &usize| at.wanted[i + 1];
        let which: Vec<usize> = (0..given.len()).filter(wanted).collect();
        let variables: Vec<Var<'g>> = which.iter().map(|&i| again[i]).collect();
        let product = result.mul(at.gradient)?.sum_all();
        let mut gradients = vec![None; at.inputs.len()];
        for (i, gradient) in which.into_iter().zip(graph.grad(product, &variables)?) {
            gradients[i + 1] = Some(gradient);
        }
        Ok(gradients)
    }

    fn view(&self, input: &Layout) -> Option<Layout> {
        Some(input.clone())
    }

    /// The body is not told by its text.
    fn key(&self) -> Option<String> {
        None
    }
}

/// A copy of the first operand, not to be had before the second.
#[derive(Debug)]
pub struct Recalled;

impl Op for Recalled {
    fn name(&self) -> &'static str {
        "recalled"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 2)?;
        Ok(inputs[0].clone())
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        Ok(vec![Some(at.gradient), None])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, copy)
    }

    /// The second one is not looked at.
    fn accepts(&self, input: usize, _: &Layout) -> bool {
        input == 1
    }

    /// Each has its own moment.
    fn key(&self) -> Option<String> {
        None
    }
}

fn copy<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    call.output::<T>().copy_from_slice(call.input::<T>(0));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;
    use crate::{Buffer, DType, Device, Error, Graph, Program, Var};

    const WIDTH: usize = 64;

    fn layers<'g>(x: &[Var<'g>]) -> Result<Var<'g>, Error> {
        (0..4).try_fold(x[0], |y, _| y.matmul(x[1])?.tanh().square().add(y))
    }

    /// The loss of eight segments of four layers and its gradients by input and weights.
    fn program(checkpointed: bool) -> Program {
        let graph = Graph::new(DType::F64);
        let x = graph.input("x", &[WIDTH, WIDTH]);
        let weights = graph.input("w", &[8, WIDTH, WIDTH]);
        let mut y = x;
        for k in 0..8 {
            let w = weights.slice(0, k..k + 1).and_then(|w| w.reshape(&[WIDTH, WIDTH])).unwrap();
            y = match checkpointed {
                true => graph.checkpointed(&[y, w], layers).unwrap(),
                false => layers(&[y, w]).unwrap(),
            };
        }
        let loss = y.square().mean_all();
        let gradients = graph.grad(loss, &[x, weights]).unwrap();
        graph.compile(&[loss, gradients[0], gradients[1]]).unwrap()
    }

    #[test]
    fn gradients_keep_their_bits_and_need_less_memory() {
        let run = |checkpointed| {
            let mut program = program(checkpointed);
            let number = |i: usize| ((i * 37) % 101) as f64 / 1600.0 - 0.03;
            let [mut x, mut w] = [1, 8].map(|count| {
                let values: Vec<f64> = (0..count * WIDTH * WIDTH).map(number).collect();
                Buffer::from_slice(Device::cpu(), &values).unwrap()
            });
            program.run(&mut [&mut x, &mut w]).unwrap();
            let found = [0, 1, 2].map(|i| program.output(i).to_vec::<f64>().unwrap());
            (found, program.peak_bytes())
        };
        let ((plain, whole), (again, less)) = (run(false), run(true));
        assert!(plain == again);
        assert!(plain[1].iter().any(|&x| x != 0.0));
        // 8 inputs of segments and one segment's layers, in place of 32 layers.
        assert!(less * 2 < whole, "{less} of {whole} bytes");
    }

    #[test]
    fn gradient() {
        check(&[&[2, 3], &[3, 3]], |g, x| {
            let y = g.checkpointed(&[x[0], x[1]], |x| Ok(x[0].matmul(x[1])?.tanh()))?;
            g.checkpointed(&[y, x[1]], |x| x[0].square().matmul(x[1]))
        });
    }

    #[test]
    fn indices_may_be_among_the_inputs() {
        check(&[&[4, 3]], |g, x| {
            let index = g.index_constant(&[2, 0, 2], &[3])?;
            g.checkpointed(&[x[0], index], |x| Ok(x[0].tanh().gather(x[1])?.square()))
        });
    }

    #[test]
    fn an_input_is_needed() {
        let graph = Graph::new(DType::F64);
        let found = graph.checkpointed(&[], |_| Err(Error::ForeignGraph { op: "none" }));
        assert!(matches!(found, Err(Error::ForeignGraph { .. })));
        let index = graph.index_input("i", &[2]);
        let table = graph.input("t", &[3, 1]);
        let found = graph.checkpointed(&[index, table], |x| x[1].gather(x[0]));
        assert!(matches!(found, Err(Error::Type { op: "checkpointed", .. })), "{found:?}");
    }
}

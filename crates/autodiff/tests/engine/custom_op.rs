//! A caller's own operation, through the one public door.

use autodiff::{Call, Derivative, Domain, Error, Float, Graph, Op, Signature, Var, check_grad};

/// Sums of neighbours of the last axis: y[i] = sum of x[..=i].
#[derive(Debug)]
struct CumulativeSum {
    backwards: bool,
}

impl Op for CumulativeSum {
    fn name(&self) -> &'static str {
        "cumulative_sum"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        Ok(inputs[0].clone())
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let adjoint = CumulativeSum { backwards: !self.backwards };
        Ok(vec![Some(at.gradient.graph().apply(adjoint, &[at.gradient])?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        match call.dtype() {
            autodiff::DType::F32 => run::<f32>(call, self.backwards),
            _ => run::<f64>(call, self.backwards),
        }
        Ok(())
    }
}

fn run<T: Float>(call: &mut Call<'_>, backwards: bool) {
    let width = call.shape(0).last().copied().unwrap_or(1);
    let (x, y) = (call.input::<T>(0), call.output::<T>());
    for (x, y) in x.chunks(width).zip(y.chunks_mut(width)) {
        let mut sum = T::zero();
        for i in 0..width {
            let i = if backwards { width - 1 - i } else { i };
            sum += x[i];
            y[i] = sum;
        }
    }
}

#[test]
fn differentiates_to_second_order_and_fuses_around_it() {
    let summed = |graph: &Graph, x: &[Var<'_>]| -> Result<usize, Error> {
        let _ = x[0].shape();
        Ok(graph.len())
    };
    check_grad(&[&[2, 5]], Domain::REAL, |graph, x| {
        summed(graph, x)?;
        Ok(graph.apply(CumulativeSum { backwards: false }, &[x[0].tanh()])?.square())
    })
    .unwrap();
}

#[test]
fn strided_operands_reach_the_kernel_contiguous() {
    let graph = Graph::new(autodiff::DType::F64);
    let x = graph.constant(&[1.0, 2.0, 3.0, 4.0], &[2, 2]).unwrap().transpose(0, 1).unwrap();
    let y = graph.apply(CumulativeSum { backwards: true }, &[x]).unwrap();
    let mut program = graph.compile(&[y]).unwrap();
    program.run(&mut []).unwrap();
    assert_eq!(program.output(0).to_vec::<f64>().unwrap(), [4.0, 3.0, 6.0, 4.0]);
}

//! What becomes of the frames of a clip before they are pooled: the mean so far, the signed root, rows of
//! norm 1 (section 3.3 of Fernando et al. 2015, *Modeling Video Evolution for Action Recognition*).

use autodiff::{Call, DType, Derivative, Error, Float, Op, Signature, Var};

/// Added under the signed root, whose slope at zero would be infinite otherwise.
const ROOT: f64 = 1e-3;
/// Added to the square of a norm that is divided by.
const NORM: f64 = 1e-8;

/// The mean of the frames up to each, `y_t = 1/t sum_(k <= t) x_k` of `[clips, T, D]`, or the adjoint of
/// that.
#[derive(Debug)]
struct RunningMean {
    adjoint: bool,
}

impl Op for RunningMean {
    fn name(&self) -> &'static str {
        if self.adjoint { "running_mean_adjoint" } else { "running_mean" }
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        let [frames] = inputs else {
            return Err(Error::Arity { op, wanted: 1, found: inputs.len() });
        };
        if frames.dtype == DType::U32 {
            return Err(Error::Type { op, wanted: DType::F64, found: DType::U32 });
        }
        if frames.shape.len() != 3 {
            let (shape, wanted) = (frames.shape.clone(), "[clips, frames, columns]".into());
            return Err(Error::Shape { op, shape, wanted });
        }
        Ok(frames.clone())
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let other = RunningMean { adjoint: !self.adjoint };
        Ok(vec![Some(at.gradient.graph().apply(other, &[at.gradient])?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        match call.dtype() {
            DType::F64 => self.run::<f64>(call),
            _ => self.run::<f32>(call),
        }
        Ok(())
    }

    /// A product with the matrix of the weights.
    fn definition<'g>(&self, operands: &[Var<'g>]) -> Option<Result<Var<'g>, Error>> {
        let &[x] = operands else { return None };
        let frames = x.shape()[1];
        let weight = |i: usize| {
            let (row, column) = (i / frames, i % frames);
            let (t, k) = if self.adjoint { (column, row) } else { (row, column) };
            if k <= t { 1.0 / (t + 1) as f64 } else { 0.0 }
        };
        let weights: Vec<f64> = (0..frames * frames).map(weight).collect();
        let weights = x.graph().constant(&weights, &[1, frames, frames]);
        Some(weights.and_then(|weights| weights.matmul(x)))
    }
}

impl RunningMean {
    fn run<T: Float>(&self, call: &mut Call<'_>) {
        let &[_, frames, width] = call.shape(0) else { return };
        let (x, y) = (call.input::<T>(0), call.output::<T>());
        let size = (frames * width).max(1);
        let mut sum = vec![T::zero(); width];
        let share: Vec<T> = (1..=frames).map(|t| T::from_f64(1.0 / t as f64)).collect();
        for (x, y) in x.chunks_exact(size).zip(y.chunks_exact_mut(size)) {
            sum.fill(T::zero());
            for t in 0..frames {
                let t = if self.adjoint { frames - 1 - t } else { t };
                let places = t * width..(t + 1) * width;
                let row = x[places.clone()].iter().zip(&mut y[places]);
                for (sum, (&x, y)) in sum.iter_mut().zip(row) {
                    *sum += if self.adjoint { x * share[t] } else { x };
                    *y = if self.adjoint { *sum } else { *sum * share[t] };
                }
            }
        }
    }
}

/// The mean of the frames up to each, the time-varying mean: of `[clips, T, D]` the same shape.
///
/// # Errors
/// [`Error::Shape`] for another number of axes.
pub fn running_mean(frames: Var<'_>) -> Result<Var<'_>, Error> {
    frames.graph().apply(RunningMean { adjoint: false }, &[frames])
}

/// `sign(x) (sqrt(|x| + 1e-3) - sqrt(1e-3))`, whose slope is finite at zero.
///
/// # Errors
/// None but the engine's own.
pub fn signed_root(x: Var<'_>) -> Result<Var<'_>, Error> {
    let size = x.maximum(x.neg())?;
    x.div(size.add_scalar(ROOT).sqrt().add_scalar(ROOT.sqrt()))
}

/// Rows of the last axis over their norm, `x / sqrt(|x|^2 + 1e-8)`.
///
/// # Errors
/// [`Error::Shape`] for a scalar.
pub fn normalised(x: Var<'_>) -> Result<Var<'_>, Error> {
    let square = x.square().sum(&[x.rank().saturating_sub(1)], true)?;
    x.div(square.add_scalar(NORM).sqrt())
}

#[cfg(test)]
mod tests {
    use autodiff::{Buffer, Device, Domain, Graph, check_grad};

    use super::*;

    fn eval(
        device: Device,
        x: &[f64],
        shape: &[usize],
        f: for<'g> fn(Var<'g>) -> Result<Var<'g>, Error>,
    ) -> Vec<f64> {
        device.scope(|| {
            let graph = Graph::new(DType::F64);
            let y = f(graph.input("x", shape)).unwrap();
            let mut program = graph.compile(&[y]).unwrap();
            program.run(&mut [&mut Buffer::from_slice(device, x).unwrap()]).unwrap();
            program.output(0).to_vec::<f64>().unwrap()
        })
    }

    #[test]
    fn means_so_far_by_hand() {
        let x = [1.0, 10.0, 3.0, 30.0, 5.0, -10.0];
        for device in [Device::cpu(), reference::device()] {
            assert_eq!(
                eval(device, &x, &[1, 3, 2], running_mean),
                [1.0, 10.0, 2.0, 20.0, 3.0, 10.0]
            );
        }
        check_grad(&[&[2, 4, 3]], Domain::REAL, |_, x| Ok(running_mean(x[0])?.square())).unwrap();
        let graph = Graph::new(DType::F64);
        assert!(running_mean(graph.input("x", &[3, 2])).is_err());
    }

    #[test]
    fn roots_have_a_sign_and_a_slope_at_zero() {
        let root = |x: f64| x.signum() * ((x.abs() + ROOT).sqrt() - ROOT.sqrt());
        let x = [-4.0, -0.01, 0.25, 9.0];
        let y = eval(Device::cpu(), &x, &[4], signed_root);
        for (x, y) in x.iter().zip(&y) {
            assert!((root(*x) - y).abs() < 1e-14, "{x}: {y}");
        }
        check_grad(&[&[6]], Domain::REAL, |_, x| signed_root(x[0])).unwrap();
        let graph = Graph::new(DType::F64);
        let x = graph.input("x", &[1]);
        let slope = graph.grad(signed_root(x).unwrap().sum_all(), &[x]).unwrap()[0];
        let mut program = graph.compile(&[slope]).unwrap();
        program.run(&mut [&mut Buffer::from_slice(Device::cpu(), &[0.0]).unwrap()]).unwrap();
        let found = program.output(0).to_vec::<f64>().unwrap()[0];
        assert!((found - 0.5 / ROOT.sqrt()).abs() < 1e-12, "{found}");
    }

    #[test]
    fn rows_have_norm_one_unless_they_are_zero() {
        let y = eval(Device::cpu(), &[3.0, -4.0, 0.0, 0.0], &[2, 2], normalised);
        assert!((y[0] - 0.6).abs() < 1e-9 && (y[1] + 0.8).abs() < 1e-9, "{y:?}");
        assert_eq!(y[2..], [0.0, 0.0]);
        check_grad(&[&[2, 3]], Domain::REAL, |_, x| normalised(x[0])).unwrap();
    }
}

//! Gradient checks against central differences, of first and second order.

use crate::{Buffer, DType, Error, Graph, Program, Var};

/// Where the points of a check are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Domain {
    /// Smallest magnitude.
    pub low: f64,
    /// Largest magnitude.
    pub high: f64,
    /// Whether half the points are negative.
    pub signed: bool,
}

impl Domain {
    /// Either sign, away from a kink at zero.
    pub const REAL: Domain = Domain { low: 0.2, high: 1.4, signed: true };
    /// Positive numbers.
    pub const POSITIVE: Domain = Domain { low: 0.4, high: 1.6, signed: false };
}

/// Numbers from a counter: the check of one function is the same everywhere.
struct Draws(u64);

impl Draws {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-53)
    }

    fn many(&mut self, len: usize, domain: Domain) -> Vec<f64> {
        (0..len)
            .map(|_| {
                let size = domain.low + (domain.high - domain.low) * self.uniform();
                if domain.signed && self.uniform() < 0.5 { -size } else { size }
            })
            .collect()
    }
}

/// Step of the differences: their error, of order h^2 and eps/h, is then about 1e-9.
const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-6;

/// Checks first and second derivatives of `f` along random directions, in f64.
///
/// `f` gets inputs of `shapes`, drawn from `domain`, and may return any shape: its elements are
/// weighted at random. Every input's gradient and Hessian-vector product is compared with central
/// differences along one random direction.
///
/// # Errors
/// [`Error::GradCheck`] with the worst deviation; whatever `f` or a derivative rule returns.
pub fn check_grad<F>(shapes: &[&[usize]], domain: Domain, f: F) -> Result<(), Error>
where
    F: for<'g> Fn(&'g Graph, &[Var<'g>]) -> Result<Var<'g>, Error>,
{
    let graph = Graph::new(DType::F64);
    let x: Vec<Var<'_>> = shapes.iter().map(|shape| graph.input("x", shape)).collect();
    let v: Vec<Var<'_>> = shapes.iter().map(|shape| graph.input("v", shape)).collect();
    let y = f(&graph, &x)?;
    let mut draws = Draws(shapes.len() as u64);
    let shape = y.shape();
    let weights = draws.many(shape.iter().product(), Domain::REAL);
    let y = y.mul(graph.constant(&weights, &shape)?)?.sum_all();
    let mut outputs = vec![y];
    outputs.extend(graph.grad(y, &x)?);
    outputs.extend(graph.hvp(y, &x, &v)?);
    let point: Vec<Vec<f64>> = draw(&mut draws, shapes, domain);
    let direction: Vec<Vec<f64>> = draw(&mut draws, shapes, Domain::REAL);
    let mut probe = Probe { program: graph.compile(&outputs)?, direction };

    let at = probe.run(&point, 0.0)?;
    let (after, before) = (probe.run(&point, STEP)?, probe.run(&point, -STEP)?);
    let n = shapes.len();
    // First order, one input at a time, so that errors of two inputs cannot cancel.
    for input in 0..n {
        let after = probe.run_one(&point, input, STEP)?;
        let before = probe.run_one(&point, input, -STEP)?;
        let analytic = inner(&at[1 + input], &probe.direction[input]);
        compare(1, input, analytic, (after - before) / (2.0 * STEP))?;
    }
    for input in 0..n {
        for (i, &analytic) in at[1 + n + input].iter().enumerate() {
            let numeric = (after[1 + input][i] - before[1 + input][i]) / (2.0 * STEP);
            compare(2, input, analytic, numeric)?;
        }
    }
    Ok(())
}

fn draw(draws: &mut Draws, shapes: &[&[usize]], domain: Domain) -> Vec<Vec<f64>> {
    shapes.iter().map(|shape| draws.many(shape.iter().product(), domain)).collect()
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn compare(order: u8, input: usize, analytic: f64, numeric: f64) -> Result<(), Error> {
    let deviation = (analytic - numeric).abs() / (1.0 + analytic.abs().max(numeric.abs()));
    if deviation <= TOLERANCE {
        return Ok(());
    }
    Err(Error::GradCheck { order, input, analytic, numeric, deviation })
}

struct Probe {
    program: Program,
    direction: Vec<Vec<f64>>,
}

impl Probe {
    fn evaluate(&mut self, point: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Error> {
        let mut buffers: Vec<Buffer> = point
            .iter()
            .chain(&self.direction)
            .map(|values| Buffer::from_slice(self.program.device(), values))
            .collect::<Result<_, _>>()?;
        let mut inputs: Vec<&mut Buffer> = buffers.iter_mut().collect();
        self.program.run(&mut inputs)?;
        (0..1 + 2 * point.len()).map(|i| self.program.output(i).to_vec()).collect()
    }

    fn run(&mut self, point: &[Vec<f64>], step: f64) -> Result<Vec<Vec<f64>>, Error> {
        let moved: Vec<Vec<f64>> =
            point.iter().zip(&self.direction).map(|(x, v)| along(x, v, step)).collect();
        self.evaluate(&moved)
    }

    fn run_one(&mut self, point: &[Vec<f64>], input: usize, step: f64) -> Result<f64, Error> {
        let mut moved = point.to_vec();
        moved[input] = along(&point[input], &self.direction[input], step);
        Ok(self.evaluate(&moved)?[0][0])
    }
}

fn along(x: &[f64], v: &[f64], step: f64) -> Vec<f64> {
    x.iter().zip(v).map(|(x, v)| x + step * v).collect()
}

#[cfg(test)]
pub(crate) mod testing {
    //! What the operations' tests share.

    use super::{Domain, check_grad};
    use crate::{Buffer, DType, Device, Error, Graph, Program, Var, reference};

    type Given<'a> = (&'a [usize], &'a [f64]);

    /// Checks derivatives at points of either sign.
    pub(crate) fn check<F>(shapes: &[&[usize]], f: F)
    where
        F: for<'g> Fn(&'g Graph, &[Var<'g>]) -> Result<Var<'g>, Error>,
    {
        check_in(Domain::REAL, shapes, f);
    }

    pub(crate) fn check_in<F>(domain: Domain, shapes: &[&[usize]], f: F)
    where
        F: for<'g> Fn(&'g Graph, &[Var<'g>]) -> Result<Var<'g>, Error>,
    {
        for device in [Device::cpu(), reference::device()] {
            if let Err(error) = device.scope(|| check_grad(shapes, domain, &f)) {
                panic!("{device:?}: {error}");
            }
        }
    }

    fn replay(program: &mut Program, given: &[Given<'_>], dtype: DType) {
        let mut buffers: Vec<Buffer> = given
            .iter()
            .map(|(_, values)| match dtype {
                DType::F64 => Buffer::from_slice(program.device(), values).unwrap(),
                _ => {
                    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
                    Buffer::from_slice(program.device(), &values).unwrap()
                }
            })
            .collect();
        program.run(&mut buffers.iter_mut().collect::<Vec<_>>()).unwrap();
    }

    /// The value of `f` in f64, after checking that f32 agrees.
    pub(crate) fn eval<F>(given: &[Given<'_>], f: F) -> Vec<f64>
    where
        F: for<'g> Fn(&'g Graph, &[Var<'g>]) -> Result<Var<'g>, Error>,
    {
        let [double, single] = both(given, f);
        assert_eq!(double.len(), single.len());
        for (a, b) in double.iter().zip(&single) {
            assert!((a - b).abs() <= 1e-6 * (1.0 + a.abs()), "f64 {a}, f32 {b}");
        }
        double
    }

    /// As [`eval`], where f32 need only agree to 1e-5 of the whole result's norm.
    pub(crate) fn eval_near<F>(given: &[Given<'_>], f: F) -> Vec<f64>
    where
        F: for<'g> Fn(&'g Graph, &[Var<'g>]) -> Result<Var<'g>, Error>,
    {
        let [double, single] = both(given, f);
        assert_eq!(double.len(), single.len());
        let off: f64 = double.iter().zip(&single).map(|(a, b)| (a - b) * (a - b)).sum();
        let all: f64 = double.iter().map(|a| a * a).sum();
        assert!(off <= 1e-10 * all, "{} of {}", off.sqrt(), all.sqrt());
        double
    }

    fn both<F>(given: &[Given<'_>], f: F) -> [Vec<f64>; 2]
    where
        F: for<'g> Fn(&'g Graph, &[Var<'g>]) -> Result<Var<'g>, Error>,
    {
        [DType::F64, DType::F32].map(|dtype| {
            let graph = Graph::new(dtype);
            let x: Vec<Var<'_>> = given.iter().map(|(shape, _)| graph.input("x", shape)).collect();
            let y = f(&graph, &x).unwrap();
            on_both(&graph, &[y], given).remove(0)
        })
    }

    /// The outputs on the processor, after checking that those of the reference device agree.
    fn on_both(graph: &Graph, outputs: &[Var<'_>], given: &[Given<'_>]) -> Vec<Vec<f64>> {
        let [found, wanted] = [Device::cpu(), reference::device()].map(|device| {
            let mut program = device.scope(|| graph.compile(outputs)).unwrap();
            replay(&mut program, given, graph.dtype());
            let values = |i| floats(program.output(i));
            (0..outputs.len()).map(values).collect::<Vec<_>>()
        });
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_agree(found, wanted, graph.dtype());
        }
        found
    }

    fn floats(buffer: &Buffer) -> Vec<f64> {
        match buffer.dtype() {
            DType::F64 => buffer.to_vec::<f64>().unwrap(),
            DType::F32 => buffer.to_vec::<f32>().unwrap().into_iter().map(f64::from).collect(),
            DType::U32 => buffer.to_vec::<u32>().unwrap().into_iter().map(f64::from).collect(),
        }
    }

    /// To 1e-11 of the norm in f64 and 2e-5 in f32, with infinities and NaN in the same places.
    fn assert_agree(found: &[f64], wanted: &[f64], dtype: DType) {
        assert_eq!(found.len(), wanted.len());
        let finite = || found.iter().zip(wanted).filter(|(a, b)| a.is_finite() || b.is_finite());
        let off = finite().map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
        let all = finite().map(|(_, b)| b * b).sum::<f64>().sqrt();
        let bound = if dtype == DType::F64 { 1e-11 } else { 2e-5 };
        assert!(off <= bound * (1.0 + all), "reference: {off:e} of {all:e} apart");
        let same = |(a, b): (&f64, &f64)| {
            a.is_nan() == b.is_nan() && (a.is_finite() || a.is_nan() || a == b)
        };
        assert!(found.iter().zip(wanted).all(same), "{found:?}, reference {wanted:?}");
    }

    /// Gradients of the scalar `f` for every input.
    pub(crate) fn gradients<F>(given: &[Given<'_>], f: F) -> Vec<Vec<f64>>
    where
        F: for<'g> Fn(&'g Graph, &[Var<'g>]) -> Result<Var<'g>, Error>,
    {
        let graph = Graph::new(DType::F64);
        let x: Vec<Var<'_>> = given.iter().map(|(shape, _)| graph.input("x", shape)).collect();
        let gradients = graph.grad(f(&graph, &x).unwrap(), &x).unwrap();
        on_both(&graph, &gradients, given)
    }

    pub(crate) fn close(found: &[f64], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len());
        for (a, b) in found.iter().zip(wanted) {
            assert!((a - b).abs() <= 1e-14 * (1.0 + b.abs()), "{found:?}, wanted {wanted:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Function;
    use crate::graph::{Derivative, Op};
    use crate::signature::Signature;

    /// Squares, but with a derivative that forgets the factor.
    #[derive(Debug)]
    struct Forgetful;

    impl Op for Forgetful {
        fn name(&self) -> &'static str {
            "forgetful"
        }
        fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
            Ok(inputs[0].clone())
        }
        fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
            Ok(vec![Some(at.gradient.mul(at.inputs[0])?)])
        }
        fn elementwise(&self) -> Option<Function> {
            Some(Function::Square)
        }
    }

    #[test]
    fn a_wrong_rule_is_found() {
        let found = check_grad(&[&[3]], Domain::REAL, |g, x| g.apply(Forgetful, x));
        assert!(matches!(found, Err(Error::GradCheck { order: 1, .. })));
    }

    /// A right first derivative whose own derivative is lost.
    #[test]
    fn a_missing_second_order_is_found() {
        let found = check_grad(&[&[3]], Domain::REAL, |_, x| {
            let constant = x[0].stop_gradient();
            let (square, twice) = (x[0].square().stop_gradient(), constant.mul_scalar(2.0));
            square.add(twice.mul(x[0].sub(constant)?)?)
        });
        assert!(matches!(found, Err(Error::GradCheck { order: 2, .. })));
    }
}

//! Local response normalisation across channels (Krizhevsky et al. 2012, section 3.3).
//!
//! y_c = x_c s_c^-beta with s_c = k + alpha / size sum over the `size` channels around c of x^2.

use super::{ChannelSum, by_float};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Float, Graph, Var};
use kernels::rows::channels;

/// Constants of a local response normalisation; the default is AlexNet's and CaffeNet's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalResponseNorm {
    /// Channels of a neighbourhood, an odd number.
    pub size: usize,
    /// Weight of the neighbourhood's mean square.
    pub alpha: f64,
    /// The exponent.
    pub beta: f64,
    /// What is added to the weighted mean square.
    pub k: f64,
}

impl Default for LocalResponseNorm {
    fn default() -> LocalResponseNorm {
        LocalResponseNorm { size: 5, alpha: 1e-4, beta: 0.75, k: 1.0 }
    }
}

impl LocalResponseNorm {
    /// alpha / size.
    fn share(&self) -> f64 {
        self.alpha / self.size as f64
    }

    fn accepts(&self, op: &'static str, x: &Signature) -> Result<(), Error> {
        float(op, x, x.dtype)?;
        super::channel_sum::check(op, &x.shape, self.size)
    }
}

impl<'g> Var<'g> {
    /// Each element of `[n, c, ..]` divided by `(k + alpha / size * q)^beta`, where q is the sum of
    /// the squares of the `size` elements in the channels around its own.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is no axis of channels or the size is even.
    pub fn local_response_norm(self, norm: LocalResponseNorm) -> Result<Var<'g>, Error> {
        self.graph().apply(ResponseNorm(norm), &[self])
    }
}

/// A local response normalisation.
#[derive(Debug)]
pub struct ResponseNorm(pub LocalResponseNorm);

impl Op for ResponseNorm {
    fn name(&self) -> &'static str {
        "local_response_norm"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        self.0.accepts(self.name(), &inputs[0])?;
        Ok(inputs[0].clone())
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (graph, operands) = (at.gradient.graph(), [at.inputs[0], at.gradient]);
        Ok(vec![Some(graph.apply(ResponseNormGradient(self.0), &operands)?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, forward, self.0)
    }
}

fn extents(shape: &[usize]) -> (usize, usize) {
    (shape[1], shape[2..].iter().product())
}

fn forward<T: Float>(call: &mut Call<'_>, norm: LocalResponseNorm) -> Result<(), Error> {
    let (channels, plane) = extents(call.shape(0));
    let factors = channels::Norm::new(norm.size, norm.share(), norm.beta, norm.k);
    let x = call.input::<T>(0);
    channels::normalise(&factors, x, channels, plane, call.output::<T>(), call.workspace());
    Ok(())
}

/// The images and the gradient of the result to the images' gradient.
#[derive(Debug)]
pub struct ResponseNormGradient(pub LocalResponseNorm);

impl Op for ResponseNormGradient {
    fn name(&self) -> &'static str {
        "local_response_norm_gradient"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        arity(op, inputs, 2)?;
        self.0.accepts(op, &inputs[0])?;
        self.0.accepts(op, &inputs[1])?;
        let (left, right) = (inputs[0].shape.clone(), inputs[1].shape.clone());
        if left != right {
            return Err(Error::Shapes { op, left, right, wanted: "one shape" });
        }
        Ok(inputs[0].clone())
    }

    /// With W the sum over a neighbourhood, p = s^-beta, q = s^(-beta-1), r = s^(-beta-2) and
    /// c = 2 beta alpha / size, this operation is e = g p - c x W(g x q). For a gradient h of e:
    /// dg = h p - c x q W(h x), and
    /// dx = -c (h W(g x q) + g q W(h x)) + 2 alpha / size x W(t) with
    /// t = -beta g h q + c (beta + 1) g x r W(h x).
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (graph, norm) = (at.gradient.graph(), self.0);
        let (x, g, h) = (at.inputs[0], at.inputs[1], at.gradient);
        let around = |v: Var<'g>| around(graph, v, norm.size);
        let s = around(x.square())?.mul_scalar(norm.share()).add_scalar(norm.k);
        let [p, q, r] = [0.0, 1.0, 2.0].map(|more| s.powf(-norm.beta - more));
        let c = 2.0 * norm.beta * norm.share();
        let hx = around(h.mul(x)?)?;
        let for_gradient = || h.mul(p)?.sub(x.mul(q)?.mul(hx)?.mul_scalar(c));
        let for_images = || {
            let gq = g.mul(q)?;
            let direct = h.mul(around(gq.mul(x)?)?)?.add(gq.mul(hx)?)?.mul_scalar(-c);
            let first = gq.mul(h)?.mul_scalar(-norm.beta);
            let second = g.mul(x)?.mul(r)?.mul(hx)?.mul_scalar(c * (norm.beta + 1.0));
            let through = around(first.add(second)?)?;
            direct.add(x.mul(through)?.mul_scalar(2.0 * norm.share()))
        };
        Ok(vec![at.when(0, for_images)?, at.when(1, for_gradient)?])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, backward, self.0)
    }
}

fn around<'g>(graph: &'g Graph, x: Var<'g>, size: usize) -> Result<Var<'g>, Error> {
    graph.apply(ChannelSum { size }, &[x])
}

fn backward<T: Float>(call: &mut Call<'_>, norm: LocalResponseNorm) -> Result<(), Error> {
    let (channels, plane) = extents(call.shape(0));
    let factors = channels::Norm::new(norm.size, norm.share(), norm.beta, norm.k);
    let operands = (call.input::<T>(0), call.input::<T>(1));
    let dx = call.output::<T>();
    channels::normalise_gradient(&factors, operands, channels, plane, dx, call.workspace());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;
    use crate::check::testing::{check, close, eval};

    #[test]
    fn by_hand() {
        let norm = LocalResponseNorm { size: 3, alpha: 3.0, beta: 0.5, k: 2.0 };
        let x = (&[1, 4, 1][..], &[1.0, 1.0, 3.0, 2.0][..]);
        let y = eval(&[x], |_, x| x[0].local_response_norm(norm));
        let wanted = [1.0 / 2.0, 1.0 / 13f64.sqrt(), 3.0 / 4.0, 2.0 / 15f64.sqrt()];
        close(&y, &wanted);
    }

    #[test]
    fn a_power_of_three_quarters_is_a_power() {
        let near = |beta| LocalResponseNorm { size: 5, alpha: 2.0, beta, k: 1.0 };
        let x: Vec<f64> = (0..300).map(|i| (i % 17) as f64 / 8.0 - 1.0).collect();
        let x = (&[1, 6, 50][..], &x[..]);
        let [exact, close] = [0.75, 0.75 + 1e-12]
            .map(|beta| eval(&[x], |_, x| x[0].local_response_norm(near(beta))));
        assert!(exact.iter().zip(&close).all(|(a, b)| (a - b).abs() < 1e-11));
    }

    #[test]
    fn gradient() {
        for (size, beta) in [(3, 0.75), (5, 0.5), (1, 0.75), (9, 1.25)] {
            let norm = LocalResponseNorm { size, alpha: 0.7, beta, k: 1.5 };
            check(&[&[2, 6, 3, 2]], |_, x| Ok(x[0].local_response_norm(norm)?.tanh()));
        }
    }

    #[test]
    fn misfits_are_named() {
        let graph = Graph::new(DType::F32);
        let even = LocalResponseNorm { size: 4, ..LocalResponseNorm::default() };
        let error = graph.input("x", &[1, 2, 3]).local_response_norm(even).unwrap_err();
        assert_eq!(
            error.to_string(),
            "local_response_norm: shape [1, 2, 3] does not fit, wanted an odd number of neighbours, not 4"
        );
        let flat = graph.input("x", &[3]).local_response_norm(LocalResponseNorm::default());
        assert!(matches!(flat, Err(Error::Shape { .. })));
    }
}

//! The gradient of rank pooling with respect to the frames (lemma 3 and equation 21, as an adjoint).
//!
//! With the frames A outside the tube, `H = I + c sum_A v_t v_t'`, a gradient g for u, `H q = g` and
//! `z_t = c v_t . q`, the gradient of frame t in A is `a_t q - z_t u`, and that of others is zero. By
//! Woodbury's identity `z = (V_A V_A' + I / c)^-1 V_A g`, the system of the fit, and `q = g - V_A' z`.

use autodiff::{Call, DType, Error, Float, Op, Signature, Var};
use kernels::parallel;
use ndarray::linalg::general_mat_vec_mul;
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2};

use super::packed::{Fitted, Packed};
use super::{Inverse, RankPool, definition, share, widened};
use crate::solver::{Factor, backwards, forwards};

/// The gradient of frames, of frames, lengths, what [`RankPool`] made of them, and the gradient of that.
#[derive(Debug)]
pub(super) struct RankPoolGradient(pub(super) RankPool);

impl Op for RankPoolGradient {
    fn name(&self) -> &'static str {
        "rank_pool_gradient"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        Ok(inputs[0].clone())
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        match call.dtype() {
            DType::F64 => self.run::<f64>(call),
            _ => self.run::<f32>(call),
        }
        Ok(())
    }

    fn definition<'g>(&self, operands: &[Var<'g>]) -> Option<Result<Var<'g>, Error>> {
        let of = operands.try_into().ok()?;
        Some(definition::gradient(self.0, of))
    }
}

impl RankPoolGradient {
    fn run<T: Float>(&self, call: &mut Call<'_>) {
        let &[clips, frames, width] = call.shape(0) else { return };
        let packed = Packed::new::<T>(frames, width);
        let (x, lengths) = (call.input::<T>(0), call.input::<u32>(1));
        let (fitted, gradient) = (call.input::<T>(2), call.input::<T>(3));
        let (size, len) = (frames * width, packed.len());
        let some = share(clips, frames, width);
        parallel::rows(call.output::<T>(), size, some, 0, &|first, rows| {
            let (mut adjoint, mut wide, mut narrow) = (Adjoint::default(), Vec::new(), Vec::new());
            for (clip, to) in (first..).zip(rows.chunks_exact_mut(size.max(1))) {
                let length = lengths[clip] as usize;
                let fitted =
                    packed.read(&fitted[clip * len..(clip + 1) * len], length, &mut adjoint.factor);
                let v = widened(&x[clip * size..clip * size + length * width], &mut wide);
                let g = widened(&gradient[clip * len..clip * len + width], &mut narrow);
                adjoint.solve(&self.0, &fitted, (v, length), g);
                adjoint.write(&fitted, to);
            }
        });
    }
}

/// The vectors q and z of a clip.
#[derive(Default)]
struct Adjoint {
    factor: Factor,
    /// H^-1 g, `[width]`.
    q: Vec<f64>,
    /// `[frames]`, 0 where a frame is in the tube.
    z: Vec<f64>,
    /// The inverse that rank-one updates make, `[width, width]`.
    inverse: Vec<f64>,
    outside: Vec<f64>,
}

impl Adjoint {
    fn solve<T: Float>(
        &mut self,
        pool: &RankPool,
        fitted: &Fitted<'_, T>,
        (v, frames): (&[f64], usize),
        g: &[f64],
    ) {
        let width = g.len();
        let rows = ArrayView2::from_shape((frames, width), v).expect("frames of one width");
        self.q.clear();
        self.q.extend_from_slice(g);
        self.z.clear();
        self.z.resize(frames, 0.0);
        if pool.inverse == Inverse::Exact && fitted.dual {
            general_mat_vec_mul(1.0, &rows, &ArrayView1::from(g), 0.0, &mut view(&mut self.z));
            self.outside.clear();
            self.outside.extend(fitted.active.iter().map(|&t| self.z[t]));
            forwards(&self.factor.values, &mut self.outside);
            backwards(&self.factor.values, &mut self.outside);
            self.z.fill(0.0);
            fitted.active.iter().zip(&self.outside).for_each(|(&t, &z)| self.z[t] = z);
            let z = ArrayView1::from(&self.z);
            general_mat_vec_mul(-1.0, &rows.t(), &z, 1.0, &mut view(&mut self.q));
            return;
        }
        match pool.inverse {
            Inverse::Exact => {
                forwards(&self.factor.values, &mut self.q);
                backwards(&self.factor.values, &mut self.q);
            }
            Inverse::Diagonal => self.divide_by_diagonal(pool.cost, fitted, v),
            Inverse::RankOne => self.multiply_by_updates(pool.cost, fitted, v, g),
        }
        let q = ArrayView1::from(&self.q);
        general_mat_vec_mul(pool.cost, &rows, &q, 0.0, &mut view(&mut self.z));
        let mut active = fitted.active.iter().peekable();
        for (t, z) in self.z.iter_mut().enumerate() {
            if active.next_if_eq(&&t).is_none() {
                *z = 0.0;
            }
        }
    }

    /// q over the diagonal of H.
    fn divide_by_diagonal<T>(&mut self, cost: f64, fitted: &Fitted<'_, T>, v: &[f64]) {
        let width = self.q.len();
        self.outside.clear();
        self.outside.resize(width, 1.0);
        for &t in &fitted.active {
            let row = &v[t * width..(t + 1) * width];
            self.outside.iter_mut().zip(row).for_each(|(sum, v)| *sum += cost * v * v);
        }
        self.q.iter_mut().zip(&self.outside).for_each(|(q, d)| *q /= d);
    }

    /// q = H^-1 g with `H^-1 -= (H^-1 v) (H^-1 v)' c / (1 + c v' H^-1 v)` for one frame v after the other.
    fn multiply_by_updates<T>(&mut self, cost: f64, fitted: &Fitted<'_, T>, v: &[f64], g: &[f64]) {
        let width = g.len();
        self.inverse.clear();
        self.inverse.resize(width * width, 0.0);
        self.inverse.iter_mut().step_by(width + 1).for_each(|x| *x = 1.0);
        self.outside.clear();
        self.outside.resize(width, 0.0);
        let mut inverse = ArrayViewMut2::from_shape((width, width), &mut self.inverse[..])
            .expect("as many as columns");
        for &t in &fitted.active {
            let row = ArrayView1::from(&v[t * width..(t + 1) * width]);
            general_mat_vec_mul(1.0, &inverse, &row, 0.0, &mut view(&mut self.outside));
            let column = ArrayView1::from(&self.outside);
            let factor = cost / (1.0 + cost * row.dot(&column));
            for (mut line, &x) in inverse.rows_mut().into_iter().zip(&column) {
                line.scaled_add(-factor * x, &column);
            }
        }
        let g = ArrayView1::from(g);
        general_mat_vec_mul(1.0, &inverse, &g, 0.0, &mut view(&mut self.q));
    }

    fn write<T: Float>(&self, fitted: &Fitted<'_, T>, to: &mut [T]) {
        let width = self.q.len();
        to.fill(T::zero());
        for &t in &fitted.active {
            let (a, z) = (fitted.shares[t].to_f64(), self.z[t]);
            let row = &mut to[t * width..(t + 1) * width];
            for ((to, q), u) in row.iter_mut().zip(&self.q).zip(fitted.u) {
                *to = T::from_f64(a * q - z * u.to_f64());
            }
        }
    }
}

fn view(values: &mut [f64]) -> ArrayViewMut1<'_, f64> {
    ArrayViewMut1::from(values)
}

//! Dropout whose mask is a function of a key and the place of an element.

use super::by_float;
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float, index};
use crate::{Error, Float, Var};
use kernels::parallel;
use kernels::vectorised;

/// Elements from which a mask is worth another thread, and that one task handles.
const TASK: usize = 1 << 15;

/// Zero with probability `rate`, else `x / (1 - rate)`.
#[derive(Debug, Clone, Copy)]
pub struct Dropout {
    /// Probability of zero.
    pub rate: f64,
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        arity(op, inputs, 2)?;
        float(op, &inputs[0], inputs[0].dtype)?;
        index(op, &inputs[1])?;
        let shape = inputs[0].shape.clone();
        if inputs[1].shape != [4] {
            let (left, right) = (shape, inputs[1].shape.clone());
            return Err(Error::Shapes { op, left, right, wanted: "a key of four words" });
        }
        if !(0.0..1.0).contains(&self.rate) {
            let wanted = format!("a rate from 0 to below 1, found {}", self.rate);
            return Err(Error::Shape { op, shape, wanted });
        }
        Ok(inputs[0].clone())
    }

    /// The same mask over the gradient.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        Ok(vec![Some(at.gradient.graph().apply(*self, &[at.gradient, at.inputs[1]])?), None])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self.rate)
    }
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The output function of splitmix64 (Steele, Lea & Flood 2014, figure 15).
#[inline(always)]
fn mixed(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The start of the counter: two numbers of 64 bits, low word first, mixed one after the other.
fn start(key: &[u32]) -> u64 {
    let number = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
    let stream = mixed(number(key[0], key[1]).wrapping_add(GOLDEN));
    mixed(stream ^ number(key[2], key[3]).wrapping_mul(GOLDEN))
}

vectorised! {
    fn masked<T: Float>(x: &[T], counter: u64, limit: u64, scale: T, y: &mut [T]) {
        for (i, (y, &x)) in y.iter_mut().zip(x).enumerate() {
            let drawn = mixed(counter.wrapping_add((i as u64).wrapping_mul(GOLDEN))) >> 32;
            *y = if drawn < limit { T::zero() } else { x * scale };
        }
    }
}

fn run<T: Float>(call: &mut Call<'_>, rate: f64) -> Result<(), Error> {
    let (x, start) = (call.input::<T>(0), start(call.input::<u32>(1)));
    let (limit, scale) = ((rate * 2f64.powi(32)).round() as u64, T::from_f64(1.0 / (1.0 - rate)));
    parallel::rows(call.output(), 1, TASK, 0, &|first, y| {
        let counter = start.wrapping_add((first as u64 + 1).wrapping_mul(GOLDEN));
        masked(&x[first..][..y.len()], counter, limit, scale, y);
    });
    Ok(())
}

impl<'g> Var<'g> {
    /// Zero with probability `rate`, else `self / (1 - rate)` (Srivastava et al. 2014, section 4,
    /// scaled while training).
    ///
    /// `key` is u32 `[4]`: two numbers of 64 bits, low words first, such as a stream and a step. The
    /// mask is a function of the key and an element's place alone, so that it can be had again, and
    /// a gradient sees the mask of its value.
    ///
    /// # Errors
    /// [`Error::Shape`] if `rate` is not in `0..1`, [`Error::Shapes`] for another key.
    pub fn dropout(self, rate: f64, key: Var<'g>) -> Result<Var<'g>, Error> {
        self.graph().apply(Dropout { rate }, &[self, key])
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, eval};
    use crate::{DType, Graph};

    fn ones(rate: f64, key: [u32; 4]) -> Vec<f64> {
        const SHAPE: [usize; 2] = [500, 200];
        eval(&[], |g, _| g.full(1.0, &SHAPE).dropout(rate, g.index_constant(&key, &[4])?))
    }

    #[test]
    fn keeps_the_share_and_the_mean() {
        let y = ones(0.25, [1, 2, 3, 4]);
        let kept = y.iter().filter(|&&y| y != 0.0).count() as f64 / y.len() as f64;
        // Three standard deviations of 100,000 draws.
        assert!((kept - 0.75).abs() < 0.0042, "{kept}");
        assert!(y.iter().all(|&y| y == 0.0 || y == 1.0 / 0.75));
        assert_eq!(ones(0.0, [1, 2, 3, 4]), [1.0; 100_000]);
    }

    #[test]
    fn every_word_of_the_key_counts_and_no_other() {
        let base = ones(0.5, [1, 2, 3, 4]);
        assert_eq!(base, ones(0.5, [1, 2, 3, 4]));
        for word in 0..4 {
            let mut key = [1, 2, 3, 4];
            key[word] += 1;
            let other = ones(0.5, key);
            let equal = base.iter().zip(&other).filter(|(a, b)| a == b).count() as f64;
            // Masks of two keys agree by chance alone.
            assert!((equal / 1e5 - 0.5).abs() < 0.005, "word {word}: {equal}");
        }
    }

    #[test]
    fn a_rate_of_one_is_an_error() {
        let graph = Graph::new(DType::F32);
        let key = graph.index_input("key", &[4]);
        let error = graph.input("x", &[2]).dropout(1.0, key).unwrap_err().to_string();
        let wanted = "dropout: shape [2] does not fit, wanted a rate from 0 to below 1, found 1";
        assert_eq!(error, wanted);
    }

    #[test]
    fn gradient() {
        check(&[&[4, 5]], |g, x| {
            Ok(x[0].tanh().dropout(0.4, g.index_constant(&[7, 0, 1, 0], &[4])?)?.square())
        });
    }
}

//! Two-dimensional convolution and its two gradients, a family closed under differentiation.

mod forward;
mod input;
mod weight;

use crate::exec::columns::Geometry;
use crate::op::{Signature, float};
use crate::{Error, Graph, Var};

use forward::Forward;
use input::Input;
use weight::Weight;

/// How a convolution steps over its input; values are for height and width.
///
/// ```
/// use autodiff::{Conv2d, DType, Graph};
///
/// let graph = Graph::new(DType::F32);
/// let (images, filters) = (graph.input("x", &[8, 3, 32, 32]), graph.input("w", &[16, 3, 3, 3]));
/// let same = Conv2d { padding: [1, 1], ..Conv2d::default() };
/// assert_eq!(images.conv2d(filters, same)?.shape(), [8, 16, 32, 32]);
/// # Ok::<(), autodiff::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2d {
    /// Distance between output positions, in input elements.
    pub stride: [usize; 2],
    /// Zeros on each side.
    pub padding: [usize; 2],
    /// Distance between taps of the kernel.
    pub dilation: [usize; 2],
    /// Number of parts of the channels that are convolved apart.
    pub groups: usize,
}

impl Default for Conv2d {
    fn default() -> Conv2d {
        Conv2d { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

impl Conv2d {
    /// Extents of the result; `None` where the kernel does not fit.
    fn output(&self, input: [usize; 2], kernel: [usize; 2]) -> Option<[usize; 2]> {
        let extent = |axis: usize| {
            let reach = self.dilation[axis] * kernel[axis].checked_sub(1)? + 1;
            let room = (input[axis] + 2 * self.padding[axis]).checked_sub(reach)?;
            Some(room / self.stride[axis] + 1)
        };
        Some([extent(0)?, extent(1)?])
    }

    /// The extents of `x` `[n, c, h, w]`, filters `[f, c / groups, kh, kw]` and the result.
    fn geometry(&self, op: &'static str, x: &[usize], w: &[usize]) -> Result<Geometry, Error> {
        let misfit = |wanted| Error::Shapes { op, left: x.to_vec(), right: w.to_vec(), wanted };
        if [self.stride, self.dilation].concat().contains(&0) || self.groups == 0 {
            let wanted = format!("strides, dilations and groups of at least 1, not {self:?}");
            return Err(Error::Shape { op, shape: x.to_vec(), wanted });
        }
        let (&[batch, channels, h, width], &[filters, own, kh, kw]) = (x, w) else {
            return Err(misfit("[n, c, h, w] and [f, c / groups, kh, kw]"));
        };
        if own * self.groups != channels || !filters.is_multiple_of(self.groups) {
            return Err(misfit("c / groups channels a filter, and filters that groups divide"));
        }
        let (input, kernel) = ([h, width], [kh, kw]);
        let output =
            self.output(input, kernel).ok_or_else(|| misfit("a kernel inside the padded image"))?;
        Ok(Geometry {
            batch,
            groups: self.groups,
            channels: own,
            filters: filters / self.groups,
            input,
            kernel,
            output,
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
        })
    }
}

/// Shape of the result of a convolution.
fn result(geometry: &Geometry) -> Vec<usize> {
    let [h, w] = geometry.output;
    vec![geometry.batch, geometry.groups * geometry.filters, h, w]
}

/// Checks two float operands.
fn two_floats(op: &'static str, inputs: &[Signature]) -> Result<(), Error> {
    crate::op::arity(op, inputs, 2)?;
    inputs.iter().try_for_each(|input| float(op, input, inputs[0].dtype))
}

fn planes(shape: &[usize]) -> [usize; 2] {
    [shape[2], shape[3]]
}

/// What the three operations make each other's derivatives of.
impl Conv2d {
    fn forward<'g>(&self, graph: &'g Graph, x: Var<'g>, w: Var<'g>) -> Result<Var<'g>, Error> {
        graph.apply(Forward(*self), &[x, w])
    }

    fn input<'g>(&self, g: Var<'g>, w: Var<'g>, like: Var<'g>) -> Result<Var<'g>, Error> {
        let extent = planes(&like.shape());
        g.graph().apply(Input { conv: *self, extent }, &[g, w])
    }

    fn weight<'g>(&self, x: Var<'g>, g: Var<'g>, like: Var<'g>) -> Result<Var<'g>, Error> {
        let kernel = planes(&like.shape());
        g.graph().apply(Weight { conv: *self, kernel }, &[x, g])
    }
}

impl<'g> Var<'g> {
    /// Cross-correlation of images `[n, c, h, w]` with filters `[f, c / groups, kh, kw]`, as neural
    /// networks call convolution: `[n, f, h', w']` with
    /// `h' = (h + 2 padding - dilation (kh - 1) - 1) / stride + 1`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if channels do not agree or the kernel does not fit into the padded image,
    /// [`Error::Shape`] for a stride, dilation or number of groups of zero.
    pub fn conv2d(self, filters: Var<'g>, conv: Conv2d) -> Result<Var<'g>, Error> {
        conv.forward(self.graph(), self, filters)
    }

    /// The adjoint of [`Var::conv2d`] for its images (a transposed convolution): `[n, f, h', w']`
    /// and filters `[f, c / groups, kh, kw]` to `[n, c, h, w]` with `[h, w] = extent`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if a convolution of images of that extent does not give this one's shape.
    pub fn conv2d_transposed(
        self,
        filters: Var<'g>,
        conv: Conv2d,
        extent: [usize; 2],
    ) -> Result<Var<'g>, Error> {
        self.graph().apply(Input { conv, extent }, &[self, filters])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;
    use crate::check::testing::{check, eval};

    /// The definition, element by element.
    fn direct(conv: Conv2d, x: &[f64], w: &[f64], geometry: &Geometry) -> Vec<f64> {
        let Geometry { batch, channels, filters, input, kernel, output, .. } = *geometry;
        let mut y = Vec::new();
        for at in 0..batch * conv.groups * filters * output[0] * output[1] {
            let (column, at) = (at % output[1], at / output[1]);
            let (row, at) = (at % output[0], at / output[0]);
            let (filter, n) = (at % (conv.groups * filters), at / (conv.groups * filters));
            let group = filter / filters;
            let mut sum = 0.0;
            for tap in 0..channels * kernel[0] * kernel[1] {
                let (j, rest) = (tap % kernel[1], tap / kernel[1]);
                let (i, c) = (rest % kernel[0], rest / kernel[0]);
                let down = row * conv.stride[0] + i * conv.dilation[0];
                let right = column * conv.stride[1] + j * conv.dilation[1];
                let (Some(down), Some(right)) =
                    (down.checked_sub(conv.padding[0]), right.checked_sub(conv.padding[1]))
                else {
                    continue;
                };
                if down < input[0] && right < input[1] {
                    let plane = (n * conv.groups + group) * channels + c;
                    sum += x[(plane * input[0] + down) * input[1] + right]
                        * w[filter * channels * kernel[0] * kernel[1] + tap];
                }
            }
            y.push(sum);
        }
        y
    }

    fn numbers(len: usize) -> Vec<f64> {
        (0..len).map(|i| ((i * 37 + 11) % 23) as f64 / 8.0 - 1.0).collect()
    }

    const CONVS: [Conv2d; 5] = [
        Conv2d { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 },
        Conv2d { stride: [2, 1], padding: [0, 2], dilation: [1, 1], groups: 2 },
        Conv2d { stride: [1, 1], padding: [0, 1], dilation: [2, 1], groups: 2 },
        Conv2d { stride: [3, 2], padding: [2, 1], dilation: [1, 2], groups: 1 },
        // Padded beyond what the kernel reaches.
        Conv2d { stride: [1, 1], padding: [3, 0], dilation: [1, 1], groups: 4 },
    ];

    #[test]
    fn equals_the_definition() {
        let sizes: [([usize; 4], usize, [usize; 2]); 3] =
            [([2, 4, 5, 6], 8, [3, 2]), ([1, 4, 17, 40], 4, [3, 3]), ([1, 48, 20, 40], 8, [3, 3])];
        for conv in CONVS {
            for (x, f, [kh, kw]) in sizes {
                let w = [f, x[1] / conv.groups, kh, kw];
                let geometry = conv.geometry("conv2d", &x, &w).unwrap();
                let (left, right) =
                    (numbers(x.iter().product()), numbers(w.iter().product::<usize>()));
                let found = eval(&[(&x, &left), (&w, &right)], |_, v| v[0].conv2d(v[1], conv));
                let wanted = direct(conv, &left, &right, &geometry);
                assert_eq!(found.len(), wanted.len());
                for (found, wanted) in found.iter().zip(wanted) {
                    assert!((found - wanted).abs() < 1e-11, "{conv:?}");
                }
            }
        }
    }

    #[test]
    fn by_hand() {
        let x = (&[1, 1, 2, 3][..], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..]);
        let w = (&[1, 1, 2, 2][..], &[1.0, 10.0, 100.0, 1000.0][..]);
        let y = eval(&[x, w], |_, v| v[0].conv2d(v[1], Conv2d::default()));
        assert_eq!(y, [5421.0, 6532.0]);
        let g = (&[1, 1, 1, 2][..], &[1.0, 2.0][..]);
        let dx = eval(&[g, w], |_, v| v[0].conv2d_transposed(v[1], Conv2d::default(), [2, 3]));
        assert_eq!(dx, [1.0, 12.0, 20.0, 100.0, 1200.0, 2000.0]);
    }

    #[test]
    fn pointwise_is_a_product() {
        let x = (&[1, 2, 1, 3][..], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..]);
        let w = (&[1, 2, 1, 1][..], &[10.0, 1.0][..]);
        assert_eq!(eval(&[x, w], |_, v| v[0].conv2d(v[1], Conv2d::default())), [14.0, 25.0, 36.0]);
    }

    #[test]
    fn gradients() {
        for conv in CONVS {
            let w: &[usize] = &[4, 4 / conv.groups, 3, 2];
            check(&[&[2, 4, 5, 5], w], |_, v| Ok(v[0].conv2d(v[1], conv)?.tanh()));
        }
        // Two taps more than blocks of columns hold.
        check(&[&[1, 43, 3, 3], &[2, 43, 3, 3]], |_, v| {
            let same = Conv2d { padding: [1, 1], ..Conv2d::default() };
            Ok(v[0].conv2d(v[1], same)?.mul_scalar(0.05).tanh())
        });
    }

    #[test]
    fn gradients_of_the_gradients() {
        for conv in CONVS {
            let (x, w) = ([1, 4, 4, 4], [4, 4 / conv.groups, 2, 2]);
            let y = result(&conv.geometry("conv2d", &x, &w).unwrap());
            check(&[&y, &w], |_, v| Ok(v[0].conv2d_transposed(v[1], conv, [4, 4])?.tanh()));
            check(&[&x, &y], |g, v| {
                Ok(g.apply(Weight { conv, kernel: [2, 2] }, v)?.mul_scalar(0.3).tanh())
            });
        }
    }

    #[test]
    fn misfits_are_named() {
        let graph = Graph::new(DType::F32);
        let (x, w) = (graph.input("x", &[1, 3, 4, 4]), graph.input("w", &[2, 2, 3, 3]));
        assert_eq!(
            x.conv2d(w, Conv2d::default()).unwrap_err().to_string(),
            "conv2d: shapes [1, 3, 4, 4] and [2, 2, 3, 3] do not fit, wanted c / groups channels a \
             filter, and filters that groups divide"
        );
        let w = graph.input("w", &[2, 3, 5, 5]);
        let error = x.conv2d(w, Conv2d::default()).unwrap_err().to_string();
        assert!(error.ends_with("wanted a kernel inside the padded image"), "{error}");
        let error = x.conv2d(w, Conv2d { groups: 0, ..Conv2d::default() }).unwrap_err();
        assert!(matches!(error, Error::Shape { op: "conv2d", .. }));
        let padded = Conv2d { padding: [1, 1], ..Conv2d::default() };
        let error = x.conv2d_transposed(w, padded, [4, 4]).unwrap_err();
        assert!(matches!(error, Error::Shapes { op: "conv2d_input", .. }));
    }
}

//! Two-dimensional convolution and its two gradients, a family closed under differentiation.

mod filters;
mod forward;
mod input;
mod transformed;
mod weight;

use crate::exec::Call;
use crate::exec::columns::Geometry;
use crate::exec::winograd::{self, Epilogue};
use crate::op::{Derivative, Op, Signature, arity, float};
use crate::{DType, Error, Float, Var};

use filters::Filters;
use forward::Forward;
use input::Input;
use transformed::Transformed;
use weight::Weight;

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConvMethod {
    /// What is fastest for the shapes.
    ///
    /// In f32, filters of 3 by 3 and 5 by 5 with a stride and a dilation of 1 go by Winograd's
    /// F(4x4, 3x3) and F(2x2, 5x5), whose results deviate by about 1e-6 of their norm.
    #[default]
    Fastest,
    /// Every product of the definition, added up in order by blocks.
    Direct,
    /// F(4x4, 3x3) or F(2x2, 5x5), for filters of 3 by 3 or 5 by 5 with a stride and a dilation
    /// of 1 and a padding below the kernel.
    Winograd,
}

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
    /// How it is computed.
    pub method: ConvMethod,
}

impl Default for Conv2d {
    fn default() -> Conv2d {
        Conv2d {
            stride: [1, 1],
            padding: [0, 0],
            dilation: [1, 1],
            groups: 1,
            method: ConvMethod::default(),
        }
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

/// Checks a number of float operands.
fn floats(op: &'static str, inputs: &[Signature], count: usize) -> Result<(), Error> {
    arity(op, inputs, count)?;
    inputs.iter().try_for_each(|input| float(op, input, inputs[0].dtype))
}

fn planes(shape: &[usize]) -> [usize; 2] {
    [shape[2], shape[3]]
}

/// What follows a convolution.
#[derive(Debug, Clone, Copy)]
struct After {
    /// Whether a bias, one number a filter, is added.
    bias: bool,
    /// Whether negative results become zero.
    relu: bool,
}

impl After {
    fn check(self, op: &'static str, bias: &Signature, filters: usize) -> Result<(), Error> {
        if !self.bias || bias.shape == [filters] {
            return Ok(());
        }
        let (left, right) = (vec![filters], bias.shape.clone());
        Err(Error::Shapes { op, left, right, wanted: "one bias a filter" })
    }

    /// The bias, operand `index`, and what else is done.
    fn of<'a, T: Float>(self, call: &Call<'a>, index: usize) -> Epilogue<'a, T> {
        let bias = if self.bias { Some(call.input::<T>(index)) } else { None };
        Epilogue { bias, relu: self.relu }
    }

    /// The gradient of the convolution itself, and that of operand `index`, the bias.
    fn derivative<'g>(
        self,
        at: &Derivative<'_, 'g>,
        index: usize,
    ) -> Result<(Var<'g>, Option<Var<'g>>), Error> {
        let gradient = if self.relu { at.gradient.mul(at.output.step())? } else { at.gradient };
        let of_bias = || gradient.sum(&[0, 2, 3], false);
        Ok((gradient, if self.bias { at.when(index, of_bias)? } else { None }))
    }
}

/// Channels or filters from which transforms cost less than the multiplications they save.
const MANY: usize = 16;

impl Conv2d {
    /// Whether filters are transformed for a convolution of `x` with `w`.
    fn winograd(
        &self,
        op: &'static str,
        dtype: DType,
        x: &[usize],
        w: &[usize],
    ) -> Result<bool, Error> {
        let geometry = self.geometry(op, x, w)?;
        let suits = winograd::suits(&geometry);
        match self.method {
            ConvMethod::Direct => Ok(false),
            ConvMethod::Winograd if !suits => {
                let wanted =
                    "kernels of 3 by 3 or 5 by 5, stride and dilation 1, padding below the kernel";
                Err(Error::Shapes { op, left: x.to_vec(), right: w.to_vec(), wanted })
            }
            ConvMethod::Winograd => Ok(true),
            ConvMethod::Fastest => {
                let many = geometry.channels.max(geometry.filters) >= MANY;
                Ok(suits && many && dtype == DType::F32)
            }
        }
    }
}

/// What the three operations make each other's derivatives of.
impl Conv2d {
    fn forward<'g>(&self, x: Var<'g>, w: Var<'g>) -> Result<Var<'g>, Error> {
        self.fused(x, w, None, false)
    }

    fn fused<'g>(
        &self,
        x: Var<'g>,
        w: Var<'g>,
        bias: Option<Var<'g>>,
        relu: bool,
    ) -> Result<Var<'g>, Error> {
        let (graph, after) = (x.graph(), After { bias: bias.is_some(), relu });
        let winograd = self.winograd("conv2d", x.dtype(), &x.shape(), &w.shape())?;
        let mut operands = vec![x, w];
        operands.extend(bias);
        if winograd {
            operands.push(graph.apply(Filters { groups: self.groups }, &[w])?);
        }
        graph.apply(Forward { conv: *self, after, winograd }, &operands)
    }

    fn input<'g>(&self, g: Var<'g>, w: Var<'g>, like: Var<'g>) -> Result<Var<'g>, Error> {
        self.transposed(g, w, planes(&like.shape()))
    }

    fn transposed<'g>(&self, g: Var<'g>, w: Var<'g>, extent: [usize; 2]) -> Result<Var<'g>, Error> {
        let (graph, op) = (g.graph(), Input { conv: *self, extent, winograd: false });
        let images = op.infer(&[g.signature(), w.signature()])?.shape;
        if !self.winograd(op.name(), g.dtype(), &images, &w.shape())? {
            return graph.apply(op, &[g, w]);
        }
        let u = graph.apply(Filters { groups: self.groups }, &[w])?;
        graph.apply(Input { winograd: true, ..op }, &[g, w, u])
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
        conv.forward(self, filters)
    }

    /// [`Var::conv2d`], a bias `[f]` added, and negative results made zero, in one pass.
    ///
    /// # Errors
    /// As [`Var::conv2d`]; [`Error::Shapes`] if the bias has another shape.
    pub fn conv2d_relu(
        self,
        filters: Var<'g>,
        bias: Option<Var<'g>>,
        conv: Conv2d,
    ) -> Result<Var<'g>, Error> {
        conv.fused(self, filters, bias, true)
    }

    /// Filters `[f, c / groups, 3, 3]` as [`Var::conv2d_relu_transformed`] takes them; four times as
    /// many numbers, whose order is not specified.
    ///
    /// They have no derivative.
    ///
    /// # Errors
    /// [`Error::Shape`] for filters of another extent or a number that the groups do not divide.
    pub fn conv2d_filters(self, groups: usize) -> Result<Var<'g>, Error> {
        self.graph().apply(Filters { groups }, &[self])
    }

    /// [`Var::conv2d_relu`] with `count` filters that [`Var::conv2d_filters`] transformed, perhaps
    /// in another program: fixed filters need to be transformed only once.
    ///
    /// # Errors
    /// As [`Var::conv2d_relu`] with [`ConvMethod::Winograd`]; [`Error::Custom`] where a gradient for
    /// the filters is asked for.
    pub fn conv2d_relu_transformed(
        self,
        filters: Var<'g>,
        count: usize,
        bias: Option<Var<'g>>,
        conv: Conv2d,
    ) -> Result<Var<'g>, Error> {
        let after = After { bias: bias.is_some(), relu: true };
        let mut operands = vec![self, filters];
        operands.extend(bias);
        self.graph().apply(Transformed { conv, count, after }, &operands)
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
        conv.transposed(self, filters, extent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{check, eval, eval_near};
    use crate::{DType, Graph};

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

    const DIRECT: ConvMethod = ConvMethod::Direct;
    const CONVS: [Conv2d; 5] = [
        Conv2d { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1, method: DIRECT },
        Conv2d { stride: [2, 1], padding: [0, 2], dilation: [1, 1], groups: 2, method: DIRECT },
        Conv2d { stride: [1, 1], padding: [0, 1], dilation: [2, 1], groups: 2, method: DIRECT },
        Conv2d { stride: [3, 2], padding: [2, 1], dilation: [1, 2], groups: 1, method: DIRECT },
        // Padded beyond what the kernel reaches.
        Conv2d { stride: [1, 1], padding: [3, 0], dilation: [1, 1], groups: 4, method: DIRECT },
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

    fn same(padding: [usize; 2], groups: usize, method: ConvMethod) -> Conv2d {
        Conv2d { padding, groups, method, ..Conv2d::default() }
    }

    /// Images, filters and groups: odd extents, several images a block, several blocks an image,
    /// channels and filters that blocks do not divide.
    const TILED: [([usize; 4], usize, [usize; 2], usize); 7] = [
        ([1, 3, 5, 7], 4, [1, 1], 1),
        ([3, 8, 13, 13], 16, [1, 1], 2),
        ([2, 9, 4, 3], 5, [2, 0], 1),
        ([1, 16, 33, 70], 40, [0, 2], 2),
        ([11, 4, 6, 6], 12, [2, 2], 1),
        ([1, 2, 3, 300], 2, [0, 1], 1),
        ([2, 2, 41, 9], 33, [1, 0], 1),
    ];

    #[test]
    fn tiles_give_what_the_definition_does() {
        for (x, f, padding, groups) in TILED {
            tiles_agree(x, f, padding, groups, 3);
            if x[2] + 2 * padding[0] >= 5 && x[3] + 2 * padding[1] >= 5 {
                tiles_agree(x, f, padding, groups, 5);
            }
        }
    }

    fn tiles_agree(x: [usize; 4], f: usize, padding: [usize; 2], groups: usize, taps: usize) {
        {
            let conv = same(padding, groups, ConvMethod::Winograd);
            let w = [f, x[1] / groups, taps, taps];
            let geometry = conv.geometry("conv2d", &x, &w).unwrap();
            let (left, right) = (numbers(x.iter().product()), numbers(w.iter().product::<usize>()));
            let (images, filters) = ((&x[..], &left[..]), (&w[..], &right[..]));
            let found = eval_near(&[images, filters], |_, v| v[0].conv2d(v[1], conv));
            near(&found, &direct(conv, &left, &right, &geometry));
            // The adjoint, by the same transformed filters.
            let y = result(&geometry);
            let g = numbers(y.iter().product());
            let (gradient, extent) = ((&y[..], &g[..]), [x[2], x[3]]);
            let of = |method| {
                let conv = same(padding, groups, method);
                eval_near(&[gradient, filters], move |_, v| {
                    v[0].conv2d_transposed(v[1], conv, extent)
                })
            };
            near(&of(ConvMethod::Winograd), &of(ConvMethod::Direct));
            let of = |method| {
                let conv = same(padding, groups, method);
                eval_near(&[images, gradient], move |g, v| {
                    g.apply(Weight { conv, kernel: [taps, taps] }, v)
                })
            };
            near(&of(ConvMethod::Winograd), &of(ConvMethod::Direct));
        }
    }

    fn near(found: &[f64], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len());
        let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
        let off = norm(&mut found.iter().zip(wanted).map(|(a, b)| a - b));
        let all = norm(&mut wanted.iter().copied());
        assert!(off <= 1e-13 * all, "{off} of {all}");
    }

    #[test]
    fn tiles_differentiate() {
        for (padding, groups) in [([1, 1], 1), ([0, 2], 2)] {
            let conv = same(padding, groups, ConvMethod::Winograd);
            let w: &[usize] = &[4, 4 / groups, 3, 3];
            check(&[&[2, 4, 5, 6], w], |_, v| Ok(v[0].conv2d(v[1], conv)?.mul_scalar(0.2).tanh()));
            let w: &[usize] = &[2, 4 / groups, 5, 5];
            check(&[&[1, 4, 6, 5], w], |_, v| Ok(v[0].conv2d(v[1], conv)?.mul_scalar(0.05).tanh()));
        }
    }

    #[test]
    fn a_bias_and_a_rectifier_follow() {
        for method in [ConvMethod::Direct, ConvMethod::Winograd] {
            let conv = same([1, 1], 2, method);
            let shapes: &[&[usize]] = &[&[2, 4, 5, 6], &[6, 2, 3, 3], &[6]];
            let (x, w, b) = (numbers(240), numbers(108), numbers(6));
            let given = [(shapes[0], &x[..]), (shapes[1], &w[..]), (shapes[2], &b[..])];
            let one = eval_near(&given, |_, v| v[0].conv2d_relu(v[1], Some(v[2]), conv));
            let many = eval_near(&given, |_, v| {
                Ok(v[0].conv2d(v[1], conv)?.add(v[2].reshape(&[6, 1, 1])?)?.relu())
            });
            near(&one, &many);
            assert!(one.contains(&0.0));
            check(shapes, |_, v| Ok(v[0].conv2d_relu(v[1], Some(v[2]), conv)?.square()));
            check(&shapes[..2], |_, v| Ok(v[0].conv2d_relu(v[1], None, conv)?.square()));
        }
    }

    #[test]
    fn fixed_filters_are_transformed_apart() {
        let conv = same([1, 1], 2, ConvMethod::Winograd);
        let w = numbers(108);
        let fixed =
            |g: &'_ Graph| g.constant(&w, &[6, 2, 3, 3]).unwrap().conv2d_filters(2).unwrap().id();
        check(&[&[2, 4, 5, 6], &[6]], |g, v| {
            let u = Var::new(g, fixed(g));
            Ok(v[0].conv2d_relu_transformed(u, 6, Some(v[1]), conv)?.square())
        });
        let (x, b) = (numbers(240), numbers(6));
        let given = [(&[2, 4, 5, 6][..], &x[..]), (&[6][..], &b[..])];
        let apart = eval_near(&given, |g, v| {
            let u = Var::new(g, fixed(g));
            v[0].conv2d_relu_transformed(u, 6, Some(v[1]), conv)
        });
        let together = eval_near(&given, |g, v| {
            v[0].conv2d_relu(g.constant(&w, &[6, 2, 3, 3])?, Some(v[1]), conv)
        });
        assert_eq!(apart, together);

        let graph = Graph::new(DType::F32);
        let (x, w) = (graph.input("x", &[1, 2, 8, 8]), graph.input("w", &[3, 2, 3, 3]));
        let u = w.conv2d_filters(1).unwrap();
        let one = same([1, 1], 1, ConvMethod::Fastest);
        let y = x.conv2d_relu_transformed(u, 3, None, one).unwrap().sum_all();
        assert!(matches!(graph.grad(y, &[w]), Err(Error::Custom { op: "conv2d_transformed", .. })));
        let error = x.conv2d_relu_transformed(u, 9, None, one).unwrap_err();
        assert!(matches!(error, Error::Shapes { op: "conv2d_transformed", .. }));
        let strided = Conv2d { stride: [2, 2], ..one };
        assert!(x.conv2d_relu_transformed(u, 3, None, strided).is_err());
        assert!(x.conv2d(w, Conv2d { method: ConvMethod::Winograd, ..strided }).is_err());
        assert!(graph.input("w", &[3, 2, 5, 3]).conv2d_filters(1).is_err());
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

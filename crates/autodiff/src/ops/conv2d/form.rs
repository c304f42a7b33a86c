//! How a convolution steps over its images, what it is computed by, and what follows it.

use crate::exec::Call;
use crate::graph::Derivative;
use crate::signature::{Signature, arity, float};
use crate::{DType, Error, Float, Var};
use kernels::convolution::Geometry;
use kernels::convolution::winograd::{self, Epilogue};

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConvMethod {
    /// What is fastest for the shapes.
    ///
    /// In f32, filters of 3 by 3 and 5 by 5 with a stride and a dilation of 1 go by Winograd's
    /// F(4x4, 3x3) and F(2x2, 5x5), which round differently: the tests hold their results to
    /// 1e-5 of their norm.
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
    pub(super) fn output(&self, input: [usize; 2], kernel: [usize; 2]) -> Option<[usize; 2]> {
        let extent = |axis: usize| {
            let reach = self.dilation[axis] * kernel[axis].checked_sub(1)? + 1;
            let room = (input[axis] + 2 * self.padding[axis]).checked_sub(reach)?;
            Some(room / self.stride[axis] + 1)
        };
        Some([extent(0)?, extent(1)?])
    }

    /// The extents of `x` `[n, c, h, w]`, filters `[f, c / groups, kh, kw]` and the result.
    pub(super) fn geometry(
        &self,
        op: &'static str,
        x: &[usize],
        w: &[usize],
    ) -> Result<Geometry, Error> {
        let misfit = |wanted| Error::Shapes { op, left: x.to_vec(), right: w.to_vec(), wanted };
        if self.stride.contains(&0) || self.dilation.contains(&0) || self.groups == 0 {
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
pub(super) fn result(geometry: &Geometry) -> Vec<usize> {
    let [h, w] = geometry.output;
    vec![geometry.batch, geometry.groups * geometry.filters, h, w]
}

/// Checks a number of float operands.
pub(super) fn floats(op: &'static str, inputs: &[Signature], count: usize) -> Result<(), Error> {
    arity(op, inputs, count)?;
    inputs.iter().try_for_each(|input| float(op, input, inputs[0].dtype))
}

pub(super) fn planes(shape: &[usize]) -> [usize; 2] {
    [shape[2], shape[3]]
}

/// What follows a convolution.
#[derive(Debug, Clone, Copy)]
pub struct After {
    /// Whether a bias, one number a filter, is added.
    pub bias: bool,
    /// Whether negative results become zero.
    pub relu: bool,
}

impl After {
    pub(super) fn check(
        self,
        op: &'static str,
        bias: &Signature,
        filters: usize,
    ) -> Result<(), Error> {
        if !self.bias || bias.shape == [filters] {
            return Ok(());
        }
        let (left, right) = (vec![filters], bias.shape.clone());
        Err(Error::Shapes { op, left, right, wanted: "one bias a filter" })
    }

    /// The bias, operand `index`, and what else is done.
    pub(super) fn of<'a, T: Float>(self, call: &Call<'a>, index: usize) -> Epilogue<'a, T> {
        let bias = if self.bias { Some(call.input::<T>(index)) } else { None };
        Epilogue { bias, relu: self.relu }
    }

    /// The gradient of the convolution itself, and that of operand `index`, the bias.
    pub(super) fn derivative<'g>(
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
    pub(super) fn winograd(
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

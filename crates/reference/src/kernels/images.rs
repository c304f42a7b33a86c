//! Convolutions, pooling and what is done across channels.

use autodiff::{Conv2d, Error, LocalResponseNorm, Pool2d, ops};

use super::super::value::{Numbers, Value};

/// Calls `each` with the places of image, filter and result for every product of a convolution.
fn products(
    conv: &Conv2d,
    image: &[usize],
    filter: &[usize],
    result: &[usize],
    mut each: impl FnMut(usize, usize, usize),
) {
    let filters = filter[0] / conv.groups;
    let taps = filter[1] * filter[2] * filter[3];
    for y in 0..result.iter().product::<usize>() {
        let (column, row) = (y % result[3], y / result[3] % result[2]);
        let (f, n) = (y / result[3] / result[2] % result[1], y / result[3] / result[2] / result[1]);
        for tap in 0..taps {
            let (kx, ky) = (tap % filter[3], tap / filter[3] % filter[2]);
            let own = tap / filter[3] / filter[2];
            let channel = f / filters * filter[1] + own;
            let at = |axis: usize, position: usize, tap: usize| {
                let place = position * conv.stride[axis] + tap * conv.dilation[axis];
                place.checked_sub(conv.padding[axis]).filter(|&place| place < image[2 + axis])
            };
            if let (Some(h), Some(w)) = (at(0, row, ky), at(1, column, kx)) {
                let x = ((n * image[1] + channel) * image[2] + h) * image[3] + w;
                each(x, f * taps + tap, y);
            }
        }
    }
}

pub(super) fn convolution(
    op: &ops::Convolution,
    x: &[Value],
    shape: &[usize],
) -> Result<Numbers, Error> {
    let mut y = vec![0.0; shape.iter().product()];
    let (a, w) = (x[0].floats(), x[1].floats());
    products(&op.conv, &x[0].shape, &x[1].shape, shape, |x, f, to| y[to] += a[x] * w[f]);
    let plane = shape[2] * shape[3];
    for (at, y) in y.iter_mut().enumerate() {
        if op.after.bias {
            *y += x[2].floats()[at / plane % shape[1]];
        }
        if op.after.relu && *y < 0.0 {
            *y = 0.0;
        }
    }
    Ok(Numbers::Floats(y))
}

pub(super) fn convolution_input(
    op: &ops::ConvolutionInput,
    x: &[Value],
    shape: &[usize],
) -> Result<Numbers, Error> {
    let mut dx = vec![0.0; shape.iter().product()];
    let (g, w) = (x[0].floats(), x[1].floats());
    products(&op.conv, shape, &x[1].shape, &x[0].shape, |x, f, y| dx[x] += g[y] * w[f]);
    Ok(Numbers::Floats(dx))
}

pub(super) fn convolution_weight(
    op: &ops::ConvolutionWeight,
    x: &[Value],
    shape: &[usize],
) -> Result<Numbers, Error> {
    let mut dw = vec![0.0; shape.iter().product()];
    let (a, g) = (x[0].floats(), x[1].floats());
    products(&op.conv, &x[0].shape, shape, &x[1].shape, |x, f, y| dw[f] += a[x] * g[y]);
    Ok(Numbers::Floats(dw))
}

/// The places of the image inside the window of a place of the pooled one.
fn window(pool: &Pool2d, image: &[usize], pooled: &[usize], at: usize) -> Vec<usize> {
    let (column, row, plane) =
        (at % pooled[3], at / pooled[3] % pooled[2], at / pooled[3] / pooled[2]);
    let range = |axis: usize, position: usize| {
        let start = position * pool.stride[axis];
        let inside = move |place: usize| place.checked_sub(pool.padding[axis]);
        (start..start + pool.kernel[axis])
            .filter_map(inside)
            .filter(|&place| place < image[2 + axis])
            .collect::<Vec<_>>()
    };
    let (rows, columns) = (range(0, row), range(1, column));
    rows.iter()
        .flat_map(|h| columns.iter().map(move |w| (plane * image[2] + h) * image[3] + w))
        .collect()
}

pub(super) fn average(
    op: &ops::AveragePool,
    x: &[Value],
    shape: &[usize],
) -> Result<Numbers, Error> {
    let area = (op.0.kernel[0] * op.0.kernel[1]) as f64;
    let value = |at: usize| {
        let own = window(&op.0, &x[0].shape, shape, at);
        own.into_iter().map(|place| x[0].floats()[place]).sum::<f64>() / area
    };
    Ok(Numbers::Floats((0..shape.iter().product()).map(value).collect()))
}

pub(super) fn spread(
    op: &ops::AveragePoolAdjoint,
    x: &[Value],
    shape: &[usize],
) -> Result<Numbers, Error> {
    let area = (op.pool.kernel[0] * op.pool.kernel[1]) as f64;
    let mut y = vec![0.0; shape.iter().product()];
    for (at, g) in x[0].floats().iter().enumerate() {
        for place in window(&op.pool, shape, &x[0].shape, at) {
            y[place] += g / area;
        }
    }
    Ok(Numbers::Floats(y))
}

/// The first of the largest elements of a window, or the first NaN.
fn winner(pool: &Pool2d, x: &Value, pooled: &[usize], at: usize) -> usize {
    let own = window(pool, &x.shape, pooled, at);
    let mut best = own[0];
    for place in own {
        let (value, so_far) = (x.floats()[place], x.floats()[best]);
        if !so_far.is_nan() && (value > so_far || value.is_nan()) {
            best = place;
        }
    }
    best
}

pub(super) fn max_pool(op: &ops::MaxPool, x: &[Value], shape: &[usize]) -> Result<Numbers, Error> {
    let value = |at: usize| x[0].floats()[winner(&op.0, &x[0], shape, at)];
    Ok(Numbers::Floats((0..shape.iter().product()).map(value).collect()))
}

pub(super) fn scatter(
    op: &ops::MaxPoolScatter,
    x: &[Value],
    shape: &[usize],
) -> Result<Numbers, Error> {
    let mut y = vec![0.0; shape.iter().product()];
    for (at, g) in x[0].floats().iter().enumerate() {
        y[winner(&op.0, &x[1], &x[0].shape, at)] += g;
    }
    Ok(Numbers::Floats(y))
}

pub(super) fn select(
    op: &ops::MaxPoolSelect,
    x: &[Value],
    shape: &[usize],
) -> Result<Numbers, Error> {
    let value = |at: usize| x[0].floats()[winner(&op.0, &x[1], shape, at)];
    Ok(Numbers::Floats((0..shape.iter().product()).map(value).collect()))
}

/// Sums over the `size` channels around each element's own, those that exist.
fn around(x: &[f64], shape: &[usize], size: usize) -> Vec<f64> {
    let (channels, plane) = (shape[1], shape[2..].iter().product::<usize>());
    let value = |at: usize| {
        let (own, first) = (at / plane % channels, at / plane / channels * channels);
        (0..channels)
            .filter(|other| own.abs_diff(*other) <= size / 2)
            .map(|other| x[(first + other) * plane + at % plane])
            .sum()
    };
    (0..x.len()).map(value).collect()
}

pub(super) fn channel_sum(
    op: &ops::ChannelSum,
    x: &[Value],
    _: &[usize],
) -> Result<Numbers, Error> {
    Ok(Numbers::Floats(around(x[0].floats(), &x[0].shape, op.size)))
}

/// k + alpha / size times the sum of squares around each element.
fn scales(norm: &LocalResponseNorm, x: &Value) -> Vec<f64> {
    let squares: Vec<f64> = x.floats().iter().map(|x| x * x).collect();
    let sums = around(&squares, &x.shape, norm.size);
    sums.into_iter().map(|sum| norm.k + norm.alpha / norm.size as f64 * sum).collect()
}

pub(super) fn response_norm(
    op: &ops::ResponseNorm,
    x: &[Value],
    _: &[usize],
) -> Result<Numbers, Error> {
    let scales = scales(&op.0, &x[0]);
    let value = |(x, s): (&f64, &f64)| x * s.powf(-op.0.beta);
    Ok(Numbers::Floats(x[0].floats().iter().zip(&scales).map(value).collect()))
}

/// g s^-beta - 2 alpha beta / size x W(g x s^(-beta - 1)), W the sum around.
pub(super) fn response_norm_gradient(
    op: &ops::ResponseNormGradient,
    x: &[Value],
    _: &[usize],
) -> Result<Numbers, Error> {
    let (norm, scales, g) = (&op.0, scales(&op.0, &x[0]), x[1].floats());
    let x = &x[0];
    let inner: Vec<f64> =
        (0..g.len()).map(|i| g[i] * x.floats()[i] * scales[i].powf(-norm.beta - 1.0)).collect();
    let inner = around(&inner, &x.shape, norm.size);
    let factor = 2.0 * norm.alpha * norm.beta / norm.size as f64;
    let value = |i: usize| g[i] * scales[i].powf(-norm.beta) - factor * x.floats()[i] * inner[i];
    Ok(Numbers::Floats((0..g.len()).map(value).collect()))
}

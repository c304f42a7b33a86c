//! Pooling of the planes of images, output row by output row.

use std::ops::Range;

use crate::Float;
use crate::parallel;
use crate::simd::vectorised;

/// Windows of one plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Rows and columns of the input.
    pub input: [usize; 2],
    /// Rows and columns of the output.
    pub output: [usize; 2],
    /// Rows and columns of a window.
    pub kernel: [usize; 2],
    /// Input elements between neighbouring windows.
    pub stride: [usize; 2],
    /// Elements before and after the input that belong to no window's result.
    pub padding: [usize; 2],
}

/// Elements of planes that one task handles.
const TASK: usize = 1 << 15;
/// Outputs of a row whose largest elements are found together.
const CHUNK: usize = 64;

impl Windows {
    fn plane(&self) -> usize {
        self.input[0] * self.input[1]
    }

    fn outputs(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Planes of a task.
    fn planes(&self) -> usize {
        (TASK / self.plane()).max(1)
    }

    /// Rows of the input that an output row's windows cover.
    #[inline(always)]
    fn rows(&self, row: usize) -> Range<usize> {
        let start = row * self.stride[0];
        let end = (start + self.kernel[0]).saturating_sub(self.padding[0]).min(self.input[0]);
        start.saturating_sub(self.padding[0])..end
    }

    /// The rows of the input and the columns of a window that an output row sees.
    #[inline(always)]
    fn window(&self, row: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let across = self.kernel[1];
        self.rows(row).flat_map(move |y| (0..across).map(move |right| (y, right)))
    }

    /// Among the outputs `from..to`, those whose window has column `right` inside the image.
    #[inline(always)]
    fn valid(&self, right: usize, from: usize, to: usize) -> Range<usize> {
        let (stride, padding) = (self.stride[1], self.padding[1]);
        let first = padding.saturating_sub(right).div_ceil(stride).clamp(from, to);
        let end = (self.input[1] + padding).saturating_sub(right).div_ceil(stride);
        first..end.clamp(first, to)
    }

    /// Among the outputs `from..to`, the first and the number of those that see column `right` of
    /// their window in row `y` of the input, and the place of the first one's element.
    #[inline(always)]
    fn tap(&self, y: usize, right: usize, from: usize, to: usize) -> (usize, usize, usize) {
        let valid = self.valid(right, from, to);
        if valid.is_empty() {
            return (from, 0, 0);
        }
        let column = valid.start * self.stride[1] + right - self.padding[1];
        (valid.start, valid.len(), y * self.input[1] + column)
    }
}

/// Calls `each` with every element of `y` and the one of `x` it is for, `stride` apart; the usual
/// strides are known when the loop is compiled.
#[inline(always)]
fn along<X, Y>(x: &[X], stride: usize, y: &mut [Y], each: impl Fn(&mut Y, &X)) {
    let before = y.len().saturating_sub(1);
    match (stride, y.split_last_mut()) {
        (1, _) => y.iter_mut().zip(x).for_each(|(y, x)| each(y, x)),
        (2, Some((last, y))) => {
            let pairs = x[..2 * before].as_chunks::<2>().0;
            y.iter_mut().zip(pairs).for_each(|(y, [x, _])| each(y, x));
            each(last, &x[2 * before]);
        }
        _ => y.iter_mut().zip(x.iter().step_by(stride)).for_each(|(y, x)| each(y, x)),
    }
}

/// As [`along`], for changes of `x`.
#[inline(always)]
fn along_mut<X, Y>(x: &mut [X], stride: usize, y: &[Y], each: impl Fn(&mut X, &Y)) {
    let before = y.len().saturating_sub(1);
    match (stride, y.split_last()) {
        (1, _) => x.iter_mut().zip(y).for_each(|(x, y)| each(x, y)),
        (2, Some((last, y))) => {
            let (pairs, _) = x[..2 * before].as_chunks_mut::<2>();
            pairs.iter_mut().zip(y).for_each(|([x, _], y)| each(x, y));
            each(&mut x[2 * before], last);
        }
        _ => x.iter_mut().step_by(stride).zip(y).for_each(|(x, y)| each(x, y)),
    }
}

/// The average of each window.
pub fn average<T: Float>(windows: &Windows, x: &[T], y: &mut [T]) {
    parallel::rows(y, windows.outputs(), windows.planes(), 0, &|first, y| {
        average_planes(windows, &x[first * windows.plane()..], y);
    });
}

vectorised! {
    fn average_planes<T: Float>(windows: &Windows, x: &[T], y: &mut [T]) {
        let share = T::from_f64(1.0 / (windows.kernel[0] * windows.kernel[1]) as f64);
        let (width, stride) = (windows.output[1], windows.stride[1]);
        for (x, y) in x.chunks_exact(windows.plane()).zip(y.chunks_exact_mut(windows.outputs())) {
            for (row, y) in y.chunks_exact_mut(width).enumerate() {
                y.fill(T::zero());
                for (down, right) in windows.window(row) {
                    let (first, count, at) = windows.tap(down, right, 0, width);
                    along(&x[at..], stride, &mut y[first..first + count], |y, &x| *y += x);
                }
                y.iter_mut().for_each(|y| *y *= share);
            }
        }
    }
}

/// The adjoint of [`average`].
pub fn spread<T: Float>(windows: &Windows, g: &[T], dx: &mut [T]) {
    parallel::rows(dx, windows.plane(), windows.planes(), 0, &|first, dx| {
        spread_planes(windows, &g[first * windows.outputs()..], dx);
    });
}

vectorised! {
    fn spread_planes<T: Float>(windows: &Windows, g: &[T], dx: &mut [T]) {
        let share = T::from_f64(1.0 / (windows.kernel[0] * windows.kernel[1]) as f64);
        let (width, stride) = (windows.output[1], windows.stride[1]);
        for (g, dx) in g.chunks_exact(windows.outputs()).zip(dx.chunks_exact_mut(windows.plane())) {
            dx.fill(T::zero());
            for (row, g) in g.chunks_exact(width).enumerate() {
                for (down, right) in windows.window(row) {
                    let (first, count, at) = windows.tap(down, right, 0, width);
                    let g = &g[first..first + count];
                    along_mut(&mut dx[at..], stride, g, |dx, &g| *dx += g * share);
                }
            }
        }
    }
}

/// The largest elements of a run of outputs and their places in the plane.
struct Winners<T> {
    value: [T; CHUNK],
    place: [u32; CHUNK],
}

const NOWHERE: u32 = u32::MAX;

/// Finds the largest element of the windows `from..to` of a row; the first of equal ones.
#[inline(always)]
fn winners<T: Float>(windows: &Windows, x: &[T], row: usize, from: usize, to: usize) -> Winners<T> {
    let mut found = Winners { value: [T::NEG_INFINITY; CHUNK], place: [NOWHERE; CHUNK] };
    let stride = windows.stride[1];
    // A tap's elements, one for each output, and where they win.
    let mut element = [T::NEG_INFINITY; CHUNK];
    for (down, right) in windows.window(row) {
        let (first, count, at) = windows.tap(down, right, from, to);
        along(&x[at..], stride, &mut element[..count], |element, &x| *element = x);
        let value = &mut found.value[first - from..][..count];
        let place = &mut found.place[first - from..][..count];
        let elements = value.iter_mut().zip(place).zip(&element[..count]);
        for (i, ((value, place), &element)) in elements.enumerate() {
            // A NaN differs from itself, so that it wins and stays.
            let larger = value.maximum(element);
            let better = (larger != *value) | (*place == NOWHERE);
            *value = larger;
            *place = if better { at as u32 + stride as u32 * i as u32 } else { *place };
        }
    }
    found
}

/// Calls `each(outputs, winners)` for the outputs of a plane, run by run.
#[inline(always)]
fn by_runs<T: Float>(windows: &Windows, x: &[T], mut each: impl FnMut(Range<usize>, &Winners<T>)) {
    let width = windows.output[1];
    for row in 0..windows.output[0] {
        for from in (0..width).step_by(CHUNK) {
            let to = width.min(from + CHUNK);
            let found = winners(windows, x, row, from, to);
            each(row * width + from..row * width + to, &found);
        }
    }
}

/// The largest element of each window.
pub fn max<T: Float>(windows: &Windows, x: &[T], y: &mut [T]) {
    parallel::rows(y, windows.outputs(), windows.planes(), 0, &|first, y| {
        max_planes(windows, &x[first * windows.plane()..], y);
    });
}

vectorised! {
    fn max_planes<T: Float>(windows: &Windows, x: &[T], y: &mut [T]) {
        let (width, stride) = (windows.output[1], windows.stride[1]);
        for (x, y) in x.chunks_exact(windows.plane()).zip(y.chunks_exact_mut(windows.outputs())) {
            for (row, y) in y.chunks_exact_mut(width).enumerate() {
                y.fill(T::NEG_INFINITY);
                for (down, right) in windows.window(row) {
                    let (first, count, at) = windows.tap(down, right, 0, width);
                    let y = &mut y[first..first + count];
                    along(&x[at..], stride, y, |y, &x| *y = y.maximum(x));
                }
            }
        }
    }
}

/// Adds each gradient to the place of its window's largest element of `x`.
pub fn max_scatter<T: Float>(windows: &Windows, g: &[T], x: &[T], dx: &mut [T]) {
    parallel::rows(dx, windows.plane(), windows.planes(), 0, &|first, dx| {
        let g = &g[first * windows.outputs()..];
        max_scatter_planes(windows, g, &x[first * windows.plane()..], dx);
    });
}

vectorised! {
    fn max_scatter_planes<T: Float>(windows: &Windows, g: &[T], x: &[T], dx: &mut [T]) {
        let planes = x.chunks_exact(windows.plane()).zip(g.chunks_exact(windows.outputs()));
        for (dx, (x, g)) in dx.chunks_exact_mut(windows.plane()).zip(planes) {
            dx.fill(T::zero());
            by_runs(windows, x, |outputs, found| {
                for (&g, &place) in g[outputs].iter().zip(&found.place) {
                    dx[place as usize] += g;
                }
            });
        }
    }
}

/// The value at the place of each window's largest element of `x`.
pub fn max_select<T: Float>(windows: &Windows, values: &[T], x: &[T], y: &mut [T]) {
    parallel::rows(y, windows.outputs(), windows.planes(), 0, &|first, y| {
        let start = first * windows.plane();
        max_select_planes(windows, &values[start..], &x[start..], y);
    });
}

vectorised! {
    fn max_select_planes<T: Float>(windows: &Windows, values: &[T], x: &[T], y: &mut [T]) {
        let planes = x.chunks_exact(windows.plane()).zip(values.chunks_exact(windows.plane()));
        for (y, (x, values)) in y.chunks_exact_mut(windows.outputs()).zip(planes) {
            by_runs(windows, x, |outputs, found| {
                for (y, &place) in y[outputs].iter_mut().zip(&found.place) {
                    *y = values[place as usize];
                }
            });
        }
    }
}

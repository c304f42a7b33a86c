//! Neighbourhoods of channels: sums over them, and normalisation by them.

use std::ops::Range;

use crate::Float;
use crate::memory::Workspace;
use crate::parallel;
use crate::simd::lanes::add_to;
use crate::simd::vectorised;

/// Elements that one task handles.
const TASK: usize = 1 << 15;
/// Elements of a channel that are normalised together, so that all channels stay in cache.
const STRIP: usize = 64;

#[inline(always)]
fn around(channel: usize, size: usize, channels: usize) -> Range<usize> {
    channel.saturating_sub(size / 2)..channels.min(channel + size / 2 + 1)
}

/// Sums of `size` channels around each of `channels` of `plane` elements.
pub fn sum<T: Float>(size: usize, x: &[T], channels: usize, plane: usize, y: &mut [T]) {
    if plane == 0 {
        return;
    }
    parallel::rows(y, plane, (TASK / plane).max(1), 0, &|first, y| {
        sum_planes(first, size, x, channels, plane, y);
    });
}

vectorised! {
    fn sum_planes<T: Float>(
        first: usize, size: usize, x: &[T], channels: usize, plane: usize, y: &mut [T],
    ) {
        for (index, y) in (first..).zip(y.chunks_exact_mut(plane)) {
            let image = &x[index / channels * channels * plane..][..channels * plane];
            y.fill(T::zero());
            for other in around(index % channels, size, channels) {
                add_to(y, &image[other * plane..][..plane]);
            }
        }
    }
}

/// What a normalisation divides by: (k + share sum of squares)^beta.
#[derive(Debug, Clone, Copy)]
pub struct Norm {
    size: usize,
    share: f64,
    beta: f64,
    k: f64,
}

impl Norm {
    /// Divides by (k + share sum of squares over `size` channels)^beta.
    pub fn new(size: usize, share: f64, beta: f64, k: f64) -> Norm {
        Norm { size, share, beta, k }
    }

    /// s^-beta of each element.
    #[inline(always)]
    fn powers<T: Float>(&self, s: &[T], p: &mut [T]) {
        let one = T::one();
        if self.beta == 0.75 {
            for (p, &s) in p.iter_mut().zip(s) {
                let root = s.sqrt();
                *p = one / (root * root.sqrt());
            }
        } else {
            let exponent = T::from_f64(-self.beta);
            for (p, &s) in p.iter_mut().zip(s) {
                *p = s.powf(exponent);
            }
        }
    }

    /// s of one channel on a strip.
    #[inline(always)]
    fn scale<T: Float>(&self, x: &[T], at: Strip, channel: usize, s: &mut [T]) {
        s.fill(T::zero());
        for other in around(channel, self.size, at.channels) {
            for (s, &x) in s.iter_mut().zip(at.of(x, other)) {
                *s += x * x;
            }
        }
        let (share, k) = (T::from_f64(self.share), T::from_f64(self.k));
        s.iter_mut().for_each(|s| *s = k + share * *s);
    }
}

/// A range of the elements of every channel of one image.
#[derive(Clone, Copy)]
struct Strip {
    channels: usize,
    plane: usize,
    from: usize,
    len: usize,
}

impl Strip {
    #[inline(always)]
    fn of<T>(self, x: &[T], channel: usize) -> &[T] {
        &x[channel * self.plane + self.from..][..self.len]
    }

    #[inline(always)]
    fn of_mut<T>(self, x: &mut [T], channel: usize) -> &mut [T] {
        &mut x[channel * self.plane + self.from..][..self.len]
    }
}

/// The strips of an image.
#[inline(always)]
fn strips(channels: usize, plane: usize) -> impl Iterator<Item = Strip> {
    let strip = move |from| Strip { channels, plane, from, len: STRIP.min(plane - from) };
    (0..plane).step_by(STRIP).map(strip)
}

/// y = x s^-beta for images of `channels` of `plane` elements.
pub fn normalise<T: Float>(
    norm: &Norm,
    x: &[T],
    channels: usize,
    plane: usize,
    y: &mut [T],
    workspace: &Workspace,
) {
    let image = channels * plane;
    if y.is_empty() {
        return;
    }
    workspace.reserve_tasks::<T>(y.len() / image, 2 * STRIP);
    parallel::rows(y, image, 1, 0, &|first, y| {
        workspace.with(2 * STRIP, |scratch| {
            for (index, y) in (first..).zip(y.chunks_exact_mut(image)) {
                image_forward(norm, &x[index * image..][..image], channels, y, scratch);
            }
        });
    });
}

vectorised! {
    fn image_forward<T: Float>(
        norm: &Norm, x: &[T], channels: usize, y: &mut [T], scratch: &mut [T],
    ) {
        let (s, p) = scratch.split_at_mut(STRIP);
        for at in strips(channels, x.len() / channels) {
            let (s, p) = (&mut s[..at.len], &mut p[..at.len]);
            for channel in 0..channels {
                norm.scale(x, at, channel, s);
                norm.powers(s, p);
                let operands = at.of(x, channel).iter().zip(&*p);
                for (y, (&x, &p)) in at.of_mut(y, channel).iter_mut().zip(operands) {
                    *y = x * p;
                }
            }
        }
    }
}

/// dx = g s^-beta - 2 beta share x (sum over the neighbourhood of g x s^(-beta-1)).
pub fn normalise_gradient<T: Float>(
    norm: &Norm,
    (x, g): (&[T], &[T]),
    channels: usize,
    plane: usize,
    dx: &mut [T],
    workspace: &Workspace,
) {
    let image = channels * plane;
    if dx.is_empty() {
        return;
    }
    let scratch = (channels + 2) * STRIP;
    workspace.reserve_tasks::<T>(dx.len() / image, scratch);
    parallel::rows(dx, image, 1, 0, &|first, dx| {
        workspace.with(scratch, |scratch| {
            for (index, dx) in (first..).zip(dx.chunks_exact_mut(image)) {
                let (x, g) = (&x[index * image..][..image], &g[index * image..][..image]);
                image_backward(norm, x, g, channels, dx, scratch);
            }
        });
    });
}

vectorised! {
    fn image_backward<T: Float>(
        norm: &Norm, x: &[T], g: &[T], channels: usize, dx: &mut [T], scratch: &mut [T],
    ) {
        let (scratch, terms) = scratch.split_at_mut(2 * STRIP);
        let (s, p) = scratch.split_at_mut(STRIP);
        let factor = T::from_f64(-2.0 * norm.beta * norm.share);
        for at in strips(channels, x.len() / channels) {
            let (s, p) = (&mut s[..at.len], &mut p[..at.len]);
            for channel in 0..channels {
                norm.scale(x, at, channel, s);
                norm.powers(s, p);
                let (x, g) = (at.of(x, channel), at.of(g, channel));
                let term = &mut terms[channel * STRIP..][..at.len];
                let dx = at.of_mut(dx, channel);
                for i in 0..at.len {
                    dx[i] = g[i] * p[i];
                    term[i] = dx[i] * x[i] / s[i];
                }
            }
            for channel in 0..channels {
                s.fill(T::zero());
                for other in around(channel, norm.size, channels) {
                    add_to(s, &terms[other * STRIP..][..at.len]);
                }
                let operands = at.of(x, channel).iter().zip(&*s);
                for (dx, (&x, &s)) in at.of_mut(dx, channel).iter_mut().zip(operands) {
                    *dx += factor * x * s;
                }
            }
        }
    }
}

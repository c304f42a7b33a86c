//! Means and deviations of channels, and values freed of them.

use crate::Float;
use crate::memory::Workspace;
use crate::parallel;
use crate::simd::lanes::lane_sum;
use crate::simd::vectorised;

/// Elements from which channels are worth another thread, and that one task handles.
const TASK: usize = 1 << 15;

/// Values as `[outer, channels, inner]`; a channel is normalised over the other two.
#[derive(Debug, Clone, Copy)]
pub struct Channels {
    /// Elements before the channel's axis.
    pub outer: usize,
    /// Channels.
    pub channels: usize,
    /// Elements after the channel's axis.
    pub inner: usize,
}

impl Channels {
    /// Elements of a channel.
    pub fn each(&self) -> usize {
        self.outer * self.inner
    }
}

vectorised! {
    /// Mean and 1 / sqrt(variance + epsilon) of `count` channels from `first`.
    fn statistics<T: Float>(
        x: &[T],
        of: Channels,
        first: usize,
        epsilon: T,
        mean: &mut [T],
        inverse: &mut [T],
    ) {
        let (one, each) = (T::one(), T::from_f64(of.each() as f64));
        let row = |outer: usize, channel: usize| {
            &x[(outer * of.channels + first + channel) * of.inner..][..of.inner]
        };
        mean.fill(T::zero());
        inverse.fill(T::zero());
        for outer in 0..of.outer {
            if of.inner == 1 {
                let row = &x[outer * of.channels + first..][..mean.len()];
                mean.iter_mut().zip(row).for_each(|(mean, &x)| *mean += x);
            } else {
                for (channel, mean) in mean.iter_mut().enumerate() {
                    *mean += lane_sum(row(outer, channel));
                }
            }
        }
        mean.iter_mut().for_each(|mean| *mean /= each);
        for outer in 0..of.outer {
            if of.inner == 1 {
                let row = &x[outer * of.channels + first..][..mean.len()];
                for ((sum, &mean), &x) in inverse.iter_mut().zip(mean.iter()).zip(row) {
                    *sum += (x - mean) * (x - mean);
                }
            } else {
                for (channel, (sum, &mean)) in inverse.iter_mut().zip(mean.iter()).enumerate() {
                    *sum += squares(row(outer, channel), mean);
                }
            }
        }
        for inverse in inverse {
            *inverse = one / (*inverse / each + epsilon).sqrt();
        }
    }
}

/// Sum of squared distances from `mean`, lane by lane.
#[inline(always)]
fn squares<T: Float>(x: &[T], mean: T) -> T {
    const LANES: usize = crate::simd::lanes::LANES;
    let mut lanes = [T::zero(); LANES];
    let (whole, rest) = x.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += (x - mean) * (x - mean);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += (x - mean) * (x - mean);
    }
    lane_sum(&lanes)
}

vectorised! {
    fn apply<T: Float>(x: &[T], first: usize, of: Channels, mean: &[T], inverse: &[T], y: &mut [T]) {
        if of.inner == 1 {
            let rows = y.chunks_exact_mut(of.channels).zip(x.chunks_exact(of.channels));
            for (y, x) in rows {
                for ((y, &x), (&mean, &inverse)) in
                    y.iter_mut().zip(x).zip(mean.iter().zip(inverse))
                {
                    *y = (x - mean) * inverse;
                }
            }
            return;
        }
        for (row, (y, x)) in
            y.chunks_exact_mut(of.inner).zip(x.chunks_exact(of.inner)).enumerate()
        {
            let channel = (first + row) % of.channels;
            let (mean, inverse) = (mean[channel], inverse[channel]);
            for (y, &x) in y.iter_mut().zip(x) {
                *y = (x - mean) * inverse;
            }
        }
    }
}

/// 1 / sqrt(variance + epsilon) of each channel, to `inverse` `[channels]`.
pub fn deviations<T: Float>(
    x: &[T],
    of: Channels,
    epsilon: f64,
    inverse: &mut [T],
    mean: &mut [T],
) {
    if x.is_empty() {
        return inverse.fill(T::one() / T::from_f64(epsilon).sqrt());
    }
    share(x, of, 0, T::from_f64(epsilon), (mean, inverse));
}

fn share<T: Float>(x: &[T], of: Channels, first: usize, epsilon: T, to: (&mut [T], &mut [T])) {
    let (mean, inverse) = to;
    let count = mean.len();
    if count * of.each() <= TASK || count == 1 {
        return statistics(x, of, first, epsilon, mean, inverse);
    }
    let at = count / 2;
    let ((m1, m2), (i1, i2)) = (mean.split_at_mut(at), inverse.split_at_mut(at));
    parallel::both(
        || share(x, of, first, epsilon, (m1, i1)),
        || share(x, of, first + at, epsilon, (m2, i2)),
    );
}

/// y = (x - mean) / sqrt(variance + epsilon), channel by channel.
pub fn normalise<T: Float>(
    x: &[T],
    of: Channels,
    epsilon: f64,
    y: &mut [T],
    workspace: &Workspace,
) {
    if x.is_empty() {
        return;
    }
    workspace.reserve::<T>(1, 2 * of.channels);
    workspace.with(2 * of.channels, |scratch| {
        let (mean, inverse) = scratch.split_at_mut(of.channels);
        deviations(x, of, epsilon, inverse, mean);
        let (mean, inverse) = (&*mean, &*inverse);
        let width = if of.inner == 1 { of.channels } else { of.inner };
        parallel::rows(y, width, (TASK / width).max(1), 0, &|first, y| {
            apply(&x[first * width..][..y.len()], first, of, mean, inverse, y);
        });
    });
}

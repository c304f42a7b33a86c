//! Pooling, and what is done across channels.

use autodiff::{LocalResponseNorm, Pool2d, ops};

use super::Emit;
use crate::command::{Word, words};
use crate::launch::elements;

/// The parameter of a kernel that pools `[n, c, h, w]` to another height and width: places of the
/// images, of what is pooled, of the result and of the winners, then the extents.
fn pooling(pool: Pool2d, places: [Word; 4], images: &[usize], pooled: &[usize]) -> Vec<Word> {
    let mut words = places.to_vec();
    words.push((images[0] * images[1]).into());
    let pairs =
        [[images[2], images[3]], [pooled[2], pooled[3]], pool.kernel, pool.stride, pool.padding];
    words.extend(pairs.into_iter().flatten().map(Word::from));
    words
}

fn nowhere() -> Word {
    0usize.into()
}

pub(super) fn average_pool(op: &ops::AveragePool, step: &mut Emit<'_, '_>) {
    let places = [step.x(0).into(), nowhere(), step.y().into(), nowhere()];
    let words = pooling(op.0, places, step.shape(0), step.result_shape());
    step.launch("average_pool", elements(step.result_count()), words);
}

pub(super) fn average_pool_adjoint(op: &ops::AveragePoolAdjoint, step: &mut Emit<'_, '_>) {
    let places = [nowhere(), step.x(0).into(), step.y().into(), nowhere()];
    let words = pooling(op.pool, places, step.result_shape(), step.shape(0));
    step.launch("average_pool_adjoint", elements(step.result_count()), words);
}

/// Finds the winners of the images, an operand, then runs a kernel over them.
fn of_winners(
    kernel: &str,
    pool: Pool2d,
    (images, pooled): (usize, &[usize]),
    step: &mut Emit<'_, '_>,
) {
    let windows = pooled.iter().product::<usize>();
    let winners = step.scratch(windows * size_of::<u64>());
    let places = [step.x(images).into(), step.x(0).into(), step.y().into(), Word::from(winners)];
    let words = pooling(pool, places, step.shape(images), pooled);
    step.launch("winners", elements(windows), words.clone());
    step.launch(kernel, elements(step.result_count()), words);
}

pub(super) fn max_pool(op: &ops::MaxPool, step: &mut Emit<'_, '_>) {
    of_winners("select", op.0, (0, step.result_shape()), step);
}

pub(super) fn max_pool_scatter(op: &ops::MaxPoolScatter, step: &mut Emit<'_, '_>) {
    of_winners("award", op.0, (1, step.shape(0)), step);
}

pub(super) fn max_pool_select(op: &ops::MaxPoolSelect, step: &mut Emit<'_, '_>) {
    of_winners("select", op.0, (1, step.result_shape()), step);
}

fn across(kernel: &str, norm: LocalResponseNorm, gradient: Word, step: &mut Emit<'_, '_>) {
    let shape = step.shape(0);
    let (channels, plane) = (shape[1], shape[2..].iter().product::<usize>());
    let LocalResponseNorm { size, alpha, beta, k } = norm;
    let (count, x, y) = (step.result_count(), step.x(0), step.y());
    let words = words![x, gradient, y, count, channels, plane, size, k, alpha, beta];
    step.launch(kernel, elements(count), words);
}

pub(super) fn channel_sum(op: &ops::ChannelSum, step: &mut Emit<'_, '_>) {
    let norm = LocalResponseNorm { size: op.size, ..LocalResponseNorm::default() };
    across("channel_sum", norm, nowhere(), step);
}

pub(super) fn response_norm(op: &ops::ResponseNorm, step: &mut Emit<'_, '_>) {
    across("response_norm", op.0, nowhere(), step);
}

pub(super) fn response_norm_gradient(op: &ops::ResponseNormGradient, step: &mut Emit<'_, '_>) {
    across("response_norm_gradient", op.0, step.x(1).into(), step);
}

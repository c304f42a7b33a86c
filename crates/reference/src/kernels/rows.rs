//! Reductions, and what is done with whole rows.

use autodiff::{Error, ops};

use super::super::value::{Numbers, Value};
use super::row;

/// For each result, the elements that are reduced to it.
fn reduced(x: &Value, start: usize, end: usize, each: impl Fn(&[f64]) -> f64) -> Numbers {
    let product = |extents: &[usize]| extents.iter().product::<usize>();
    let (outer, inner) = (product(&x.shape[..start]), product(&x.shape[end..]));
    let count = product(&x.shape[start..end]);
    let value = |at: usize| {
        let first = at / inner * count * inner + at % inner;
        let elements: Vec<f64> = (0..count).map(|i| x.floats()[first + i * inner]).collect();
        each(&elements)
    };
    Numbers::Floats((0..outer * inner).map(value).collect())
}

pub(super) fn sum(op: &ops::Sum, x: &[Value], _: &[usize]) -> Result<Numbers, Error> {
    Ok(reduced(&x[0], op.start, op.end, |x| x.iter().sum()))
}

fn largest(x: &[f64]) -> f64 {
    let larger = |a: f64, &b: &f64| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) };
    x.iter().fold(f64::NEG_INFINITY, larger)
}

pub(super) fn max(op: &ops::Max, x: &[Value], _: &[usize]) -> Result<Numbers, Error> {
    Ok(reduced(&x[0], op.start, op.end, largest))
}

/// Each row of the last axis by itself.
fn by_row(x: &Value, each: impl Fn(&[f64]) -> Vec<f64>) -> Numbers {
    Numbers::Floats(x.floats().chunks(x.last().max(1)).flat_map(each).collect())
}

fn log_sum(x: &[f64]) -> f64 {
    let most = largest(x);
    if most == f64::NEG_INFINITY {
        return most;
    }
    most + x.iter().map(|x| (x - most).exp()).sum::<f64>().ln()
}

fn probabilities(x: &[f64]) -> Vec<f64> {
    let (most, all) = (largest(x), log_sum(x));
    x.iter().map(|x| ((x - most) - (all - most)).exp()).collect()
}

pub(super) fn softmax(_: &ops::Softmax, x: &[Value], _: &[usize]) -> Result<Numbers, Error> {
    Ok(by_row(&x[0], probabilities))
}

pub(super) fn log_softmax(_: &ops::LogSoftmax, x: &[Value], _: &[usize]) -> Result<Numbers, Error> {
    Ok(by_row(&x[0], |x| x.iter().map(|value| value - log_sum(x)).collect()))
}

pub(super) fn log_sum_exp(_: &ops::LogSumExp, x: &[Value], _: &[usize]) -> Result<Numbers, Error> {
    Ok(by_row(&x[0], |x| vec![log_sum(x)]))
}

pub(super) fn cross_entropy(
    _: &ops::CrossEntropy,
    x: &[Value],
    _: &[usize],
) -> Result<Numbers, Error> {
    let classes = x[0].last();
    let cost = |(at, &target): (usize, &u32)| {
        let x = &x[0].floats()[at * classes..(at + 1) * classes];
        let target = row("cross_entropy", target, classes)?;
        Ok(target.map_or(0.0, |target| log_sum(x) - x[target]))
    };
    let costs = x[1].indices().iter().enumerate().map(cost).collect::<Result<_, Error>>()?;
    Ok(Numbers::Floats(costs))
}

pub(super) fn cross_entropy_gradient(
    _: &ops::CrossEntropyGradient,
    x: &[Value],
    _: &[usize],
) -> Result<Numbers, Error> {
    let (classes, weights) = (x[0].last(), x[2].floats());
    let mut y = vec![0.0; x[0].floats().len()];
    for (at, &target) in x[1].indices().iter().enumerate() {
        let Some(target) = row("cross_entropy", target, classes)? else { continue };
        let range = at * classes..(at + 1) * classes;
        for (class, p) in probabilities(&x[0].floats()[range]).into_iter().enumerate() {
            let right = if class == target { 1.0 } else { 0.0 };
            y[at * classes + class] = weights[at] * (p - right);
        }
    }
    Ok(Numbers::Floats(y))
}

/// Mean and 1 / sqrt(variance + epsilon) of the channel of each element, and its channel.
fn moments(op: &ops::Normalise, x: &Value) -> (Vec<(f64, f64)>, Vec<usize>) {
    let product = |extents: &[usize]| extents.iter().product::<usize>();
    let (channels, inner) = (product(&x.shape[op.start..op.end]), product(&x.shape[op.end..]));
    let channel_of: Vec<usize> = (0..x.floats().len()).map(|at| at / inner % channels).collect();
    let moments = (0..channels).map(|channel| {
        let own = || x.floats().iter().zip(&channel_of).filter(|(_, of)| **of == channel);
        let count = own().count() as f64;
        let mean = own().map(|(x, _)| x).sum::<f64>() / count;
        let variance = own().map(|(x, _)| (x - mean) * (x - mean)).sum::<f64>() / count;
        (mean, 1.0 / (variance + op.epsilon).sqrt())
    });
    (moments.collect(), channel_of)
}

pub(super) fn normalise(op: &ops::Normalise, x: &[Value], _: &[usize]) -> Result<Numbers, Error> {
    let (moments, channel_of) = moments(op, &x[0]);
    let value = |(x, &channel): (&f64, &usize)| (x - moments[channel].0) * moments[channel].1;
    Ok(Numbers::Floats(x[0].floats().iter().zip(&channel_of).map(value).collect()))
}

pub(super) fn inverse_deviation(
    op: &ops::InverseDeviation,
    x: &[Value],
    _: &[usize],
) -> Result<Numbers, Error> {
    let (moments, _) = moments(&op.0, &x[0]);
    Ok(Numbers::Floats(moments.into_iter().map(|(_, inverse)| inverse).collect()))
}

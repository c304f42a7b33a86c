//! Additive attention of one step, row by row of a batch (Bahdanau et al. 2015, section A.1.2).

use super::{Dims, Operands};
use crate::Float;
use crate::elementwise::{Tangent, apply};
use crate::simd::lanes::{axpy, dot};
use crate::simd::vectorised;

/// The part of an operand `[rows, each]` that belongs to one row.
#[inline(always)]
fn of<T>(data: &[T], row: usize, each: usize) -> &[T] {
    &data[row * each..(row + 1) * each]
}

vectorised! {
    /// tanh(query + key) of one place.
    fn match_one<T: Float>(query: &[T], key: &[T], to: &mut [T]) {
        for ((to, &q), &k) in to.iter_mut().zip(query).zip(key) {
            *to = q + k;
        }
        apply::<Tangent, T>(to);
    }
}

vectorised! {
    /// e_j = score . tanh(query + key_j) of one row.
    fn energies<T: Float>(
        query: &[T],
        keys: &[T],
        score: &[T],
        energies: &mut [T],
        matched: &mut [T],
    ) {
        for (energy, key) in energies.iter_mut().zip(keys.chunks_exact(query.len())) {
            match_one(query, key, matched);
            *energy = dot(matched, score);
        }
    }
}

vectorised! {
    /// y = sum of w_j x_j.
    fn mix<T: Float>(weights: &[T], values: &[T], y: &mut [T]) {
        y.fill(T::zero());
        for (&weight, value) in weights.iter().zip(values.chunks_exact(y.len())) {
            axpy(weight, value, y);
        }
    }
}

/// Softmax of some rows; places of mask 0 get no weight, and a row without places none at all.
fn normalise<T: Float>(dims: &Dims, first: usize, mask: Option<&[T]>, weights: &mut [T]) {
    for (row, weights) in weights.chunks_exact_mut(dims.places).enumerate() {
        let mask = mask.map(|mask| of(mask, first + row, dims.places));
        let open = |place: usize| mask.is_none_or(|mask| mask[place] != T::zero());
        let mut largest = T::NEG_INFINITY;
        for (place, &weight) in weights.iter().enumerate() {
            if open(place) {
                largest = largest.maximum(weight);
            }
        }
        let mut sum = T::zero();
        for (place, weight) in weights.iter_mut().enumerate() {
            *weight = if open(place) { (*weight - largest).exp() } else { T::zero() };
            sum += *weight;
        }
        if sum != T::zero() {
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
    }
}

/// Weights and contexts of some rows from their queries; `matched` is scratch of a key's length.
pub(super) fn attend<T: Float>(
    dims: &Dims,
    operands: &Operands<'_, T>,
    first: usize,
    queries: &[T],
    (weights, contexts, matched): (&mut [T], &mut [T], &mut [T]),
) {
    let (places, keys, values) = (dims.places, dims.keys, dims.values);
    for (row, (query, weights)) in
        queries.chunks_exact(keys).zip(weights.chunks_exact_mut(places)).enumerate()
    {
        let key = of(operands.keys, first + row, places * keys);
        energies(query, key, operands.score, weights, matched);
    }
    normalise(dims, first, operands.places, weights);
    for (row, (weights, context)) in
        weights.chunks_exact(places).zip(contexts.chunks_exact_mut(values)).enumerate()
    {
        mix(weights, of(operands.values, first + row, places * values), context);
    }
}

/// Gradients that one row's attention gives.
pub(super) struct Towards<'a, T> {
    pub query: &'a mut [T],
    pub keys: &'a mut [T],
    pub score: &'a mut [T],
}

vectorised! {
    /// Gradient of the energies of one row from that of its context, and of its weights in `energies`.
    fn energies_back<T: Float>(
        weights: &[T],
        values: &[T],
        context: &[T],
        energies: &mut [T],
    ) {
        let mut mean = T::zero();
        for ((energy, value), &weight) in
            energies.iter_mut().zip(values.chunks_exact(context.len())).zip(weights)
        {
            *energy += dot(context, value);
            mean += weight * *energy;
        }
        for (energy, &weight) in energies.iter_mut().zip(weights) {
            *energy = weight * (*energy - mean);
        }
    }
}

vectorised! {
    fn place_back<T: Float>(
        energy: T,
        score: &[T],
        matched: &[T],
        query: &mut [T],
        key: &mut [T],
        towards: &mut [T],
    ) {
        let one = T::one();
        for ((towards, key), (&tanh, (&score, query))) in
            towards.iter_mut().zip(key).zip(matched.iter().zip(score.iter().zip(query)))
        {
            *towards += energy * tanh;
            let d = energy * score * (one - tanh * tanh);
            *query += d;
            *key += d;
        }
    }
}

/// What the attention of one row was, and the gradient of its context.
pub(super) struct Given<'a, T> {
    pub row: usize,
    pub query: &'a [T],
    pub weights: &'a [T],
    pub context: &'a [T],
}

/// Adds to the gradients of keys and scores, and writes that of the query, of one row.
///
/// `energies` holds the gradient of the weights; `matched` is scratch.
pub(super) fn attend_back<T: Float>(
    dims: &Dims,
    operands: &Operands<'_, T>,
    given: &Given<'_, T>,
    towards: &mut Towards<'_, T>,
    (energies, matched): (&mut [T], &mut [T]),
) {
    let each = dims.keys;
    let values = of(operands.values, given.row, dims.places * dims.values);
    energies_back(given.weights, values, given.context, energies);
    towards.query.fill(T::zero());
    let keys = of(operands.keys, given.row, dims.places * each).chunks_exact(each);
    for ((&energy, key), to) in energies.iter().zip(keys).zip(towards.keys.chunks_exact_mut(each)) {
        match_one(given.query, key, matched);
        place_back(energy, operands.score, matched, towards.query, to, towards.score);
    }
}

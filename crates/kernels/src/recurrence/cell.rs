//! The elementwise part of a step of each cell, over some rows of a batch.
//!
//! `gates` holds four blocks a row: pre-activations before a step, what the backward pass needs after
//! it. A mask of 0 keeps the old state, one of 1 takes the new.

use super::KEPT;
use crate::Float;
use crate::elementwise::{Logistic, Tangent, apply, map_blocks};
use crate::simd::vectorised;

/// The four blocks of a row.
#[inline(always)]
fn blocks<T>(row: &[T], width: usize) -> [&[T]; KEPT] {
    let (front, back) = row.split_at(2 * width);
    let ((a, b), (c, d)) = (front.split_at(width), back.split_at(width));
    [a, b, c, &d[..width]]
}

#[inline(always)]
fn blocks_mut<T>(row: &mut [T], width: usize) -> [&mut [T]; KEPT] {
    let (front, back) = row.split_at_mut(2 * width);
    let ((a, b), (c, d)) = (front.split_at_mut(width), back.split_at_mut(width));
    [a, b, c, &mut d[..width]]
}

#[inline(always)]
fn mask_of<T: Float>(mask: Option<&[T]>, row: usize) -> T {
    mask.map_or(T::one(), |mask| mask[row])
}

/// new = old + mask (new - old), exact for masks of 0 and 1.
#[inline(always)]
fn keep<T: Float>(mask: T, old: &[T], new: &mut [T]) {
    if mask != T::one() {
        for (new, &old) in new.iter_mut().zip(old) {
            *new = mask * *new + (T::one() - mask) * old;
        }
    }
}

/// Old states and memories.
#[derive(Clone, Copy)]
pub(super) struct Old<'a, T> {
    pub state: &'a [T],
    pub memory: &'a [T],
    pub mask: Option<&'a [T]>,
}

vectorised! {
    /// c = f c' + i g, h = o tanh c.
    pub(super) fn lstm<T: Float>(
        width: usize,
        old: Old<'_, T>,
        gates: &mut [T],
        state: &mut [T],
        memory: &mut [T],
    ) {
        let rows = gates.chunks_exact_mut(KEPT * width);
        let new = state.chunks_exact_mut(width).zip(memory.chunks_exact_mut(width));
        for (r, (gates, (h, c))) in rows.zip(new).enumerate() {
            let was = r * width..(r + 1) * width;
            let (sigmoids, rest) = gates.split_at_mut(2 * width);
            let (g, o) = rest.split_at_mut(width);
            apply::<Logistic, T>(sigmoids);
            apply::<Tangent, T>(g);
            apply::<Logistic, T>(o);
            let [i, f, g, o] = blocks(gates, width);
            let previous = &old.memory[was.clone()];
            for k in 0..width {
                c[k] = f[k] * previous[k] + i[k] * g[k];
            }
            map_blocks(Tangent, c, h);
            for (h, &o) in h.iter_mut().zip(o) {
                *h *= o;
            }
            let mask = mask_of(old.mask, r);
            keep(mask, previous, c);
            keep(mask, &old.state[was], h);
        }
    }
}

vectorised! {
    /// n = tanh(z_n + r s_n), h = (1 - u) n + u h', with s = h' W.
    pub(super) fn gru<T: Float>(
        width: usize,
        old: Old<'_, T>,
        product: &[T],
        gates: &mut [T],
        state: &mut [T],
    ) {
        let rows = gates.chunks_exact_mut(KEPT * width).zip(product.chunks_exact(3 * width));
        for (row, ((gates, product), h)) in rows.zip(state.chunks_exact_mut(width)).enumerate() {
            let was = &old.state[row * width..(row + 1) * width];
            for (z, &s) in gates.iter_mut().zip(&product[..2 * width]) {
                *z += s;
            }
            apply::<Logistic, T>(&mut gates[..2 * width]);
            let [r, u, n, s] = blocks_mut(gates, width);
            s.copy_from_slice(&product[2 * width..]);
            for k in 0..width {
                n[k] += r[k] * s[k];
            }
            apply::<Tangent, T>(n);
            for k in 0..width {
                h[k] = (T::one() - u[k]) * n[k] + u[k] * was[k];
            }
            keep(mask_of(old.mask, row), was, h);
        }
    }
}

vectorised! {
    /// From the gradients of new states and memories to those of the pre-activations; `state` and
    /// `memory` become the gradients of the old ones, without what passes through the products.
    pub(super) fn lstm_back<T: Float>(
        width: usize,
        old: Old<'_, T>,
        gates: &[T],
        state: &mut [T],
        memory: &mut [T],
        towards: &mut [T],
    ) {
        let one = T::one();
        let rows = gates.chunks_exact(KEPT * width).zip(towards.chunks_exact_mut(4 * width));
        let new = state.chunks_exact_mut(width).zip(memory.chunks_exact_mut(width));
        for (r, ((gates, towards), (dh, dc))) in rows.zip(new).enumerate() {
            let mask = mask_of(old.mask, r);
            let previous = &old.memory[r * width..(r + 1) * width];
            let [i, f, g, o] = blocks(gates, width);
            let [zi, zf, zg, zo] = blocks_mut(towards, width);
            for k in 0..width {
                zi[k] = f[k] * previous[k] + i[k] * g[k];
            }
            map_blocks(Tangent, zi, zo);
            for k in 0..width {
                let (tanh, dh) = (zo[k], mask * dh[k]);
                let towards = mask * dc[k] + dh * o[k] * (one - tanh * tanh);
                zo[k] = dh * tanh * (o[k] * (one - o[k]));
                zi[k] = towards;
            }
            for k in 0..width {
                let towards = zi[k];
                zf[k] = towards * previous[k] * (f[k] * (one - f[k]));
                zg[k] = towards * i[k] * (one - g[k] * g[k]);
                zi[k] = towards * g[k] * (i[k] * (one - i[k]));
                dc[k] = towards * f[k] + (one - mask) * dc[k];
            }
            for dh in dh {
                *dh *= one - mask;
            }
        }
    }
}

vectorised! {
    /// As [`lstm_back`]; `product` is the gradient of the state's product.
    pub(super) fn gru_back<T: Float>(
        width: usize,
        old: Old<'_, T>,
        gates: &[T],
        state: &mut [T],
        product: &mut [T],
        towards: &mut [T],
    ) {
        let one = T::one();
        let rows = gates.chunks_exact(KEPT * width).zip(towards.chunks_exact_mut(3 * width));
        let new = state.chunks_exact_mut(width).zip(product.chunks_exact_mut(3 * width));
        for (row, ((gates, towards), (dh, product))) in rows.zip(new).enumerate() {
            let mask = mask_of(old.mask, row);
            let was = &old.state[row * width..(row + 1) * width];
            let [r, u, n, s] = blocks(gates, width);
            let (zr, rest) = towards.split_at_mut(width);
            let (zu, zn) = rest.split_at_mut(width);
            let pn = &mut product[2 * width..];
            for k in 0..width {
                let d = mask * dh[k];
                let towards = d * (one - u[k]) * (one - n[k] * n[k]);
                zu[k] = d * (was[k] - n[k]) * (u[k] * (one - u[k]));
                dh[k] = d * u[k] + (one - mask) * dh[k];
                zn[k] = towards;
            }
            for k in 0..width {
                zr[k] = zn[k] * s[k] * (r[k] * (one - r[k]));
                pn[k] = zn[k] * r[k];
            }
            product[..width].copy_from_slice(zr);
            product[width..2 * width].copy_from_slice(zu);
        }
    }
}

//! Every method against plain sums, and the bits that must not differ.

use ndarray::{Array2, ArrayView2, s};

use super::*;
use crate::simd::prefetch::Prefetch;

fn numbers<T: Float>(len: usize, seed: usize) -> Vec<T> {
    (0..len).map(|i| T::from_f64(((i * 7919 + seed) % 1009) as f64 / 1009.0 - 0.5)).collect()
}

fn layout(rows: usize, columns: usize, transposed: bool) -> Layout {
    let strides = if transposed { [1, rows] } else { [columns, 1] };
    Layout { shape: vec![rows, columns], strides: strides.to_vec(), offset: 0 }
}

/// One chain of fused multiply-adds for each element.
fn chains<T: Float>(a: Matrix<'_, T>, b: Matrix<'_, T>) -> Array2<T> {
    let (a, b) = (a.view(), b.view());
    Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
        (0..a.ncols()).fold(T::zero(), |sum, p| a[(i, p)].mul_add(b[(p, j)], sum))
    })
}

fn close<T: Float>(found: &ArrayView2<'_, T>, wanted: &Array2<T>) {
    let tolerance = if T::DTYPE == crate::DType::F64 { 1e-12 } else { 1e-4 };
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found.to_f64() - wanted.to_f64()).abs() < tolerance, "{found:?} for {wanted:?}");
    }
}

/// All methods, orders of operands and terms of one product.
fn every_method<T: Float>(m: usize, k: usize, n: usize) {
    let (x, y, term) = (numbers::<T>(m * k, 1), numbers(k * n, 2), numbers::<T>(m * n, 3));
    for (across, down) in [(false, false), (true, false), (false, true), (true, true)] {
        let (la, lb) = (layout(m, k, across), layout(k, n, down));
        let (a, b) = (Matrices { data: &x, layout: &la }, Matrices { data: &y, layout: &lb });
        let wanted = chains(a.get(0), b.get(0));
        for stride in [None, Some(0), Some(n)] {
            let add = stride.map(|stride| Addend { data: &term, stride });
            let mut sums = wanted.clone();
            for ((i, j), sum) in sums.indexed_iter_mut() {
                *sum += stride.map_or(T::zero(), |stride| term[i * stride + j]);
            }
            for method in [Method::Direct, Method::Packed, Method::Blas] {
                let mut c = vec![T::from_f64(7.0); m * n];
                by(method, a, b, add, &mut c);
                let c = ArrayView2::from_shape((m, n), &c).unwrap();
                close(&c, &sums);
                assert!(method != Method::Packed || c == sums, "{m} {k} {n} {across} {down}");
            }
        }
    }
}

#[test]
fn every_method_computes_the_product() {
    for n in (1..40).chain([50, 63, 64, 65, 100, 127, 130]) {
        for (m, k) in [(3, 5), (1, 20), (13, 31), (31, 16)] {
            every_method::<f32>(m, k, n);
            every_method::<f64>(m, k, n);
        }
    }
    for (m, k, n) in [(71, 300, 33), (9, 700, 1030), (17, 5, 600), (1037, 5, 40), (4, 0, 3)] {
        every_method::<f32>(m, k, n);
        every_method::<f64>(m, k, n);
    }
}

/// Rows by themselves, right operands packed before, and sums that go on.
fn same_bits<T: Float>() {
    for (m, k, n) in [(40, 300, 70), (7, 600, 129), (13, 20, 3), (9, 1, 17)] {
        let (x, y) = (numbers::<T>(m * k, 1), numbers::<T>(k * n, 2));
        let b = Matrix::rows(&y, k, n);
        let (mut packed, a) = (vec![T::zero(); packed_len::<T>((k, n))], Matrix::rows(&x, m, k));
        let wanted = chains(a, b);
        for right in [Right::Plain(b), pack(b, &mut packed)] {
            // A result with gaps, which are left alone.
            let mut whole = Array2::from_elem((m, n + 3), T::from_f64(7.0));
            multiply(a, right, false, None, &mut whole.slice_mut(s![.., ..n]));
            assert_eq!(whole.slice(s![.., ..n]), wanted, "{m} {k} {n}");
            assert!(whole.slice(s![.., n..]).iter().all(|&x| x == T::from_f64(7.0)));
            let mut part = Array2::zeros((m - 4, n));
            multiply(a.block((4, 0), (m - 4, k)), right, false, None, &mut part.view_mut());
            assert_eq!(part, wanted.slice(s![4.., ..]));
        }
        let (before, mut sums) = (k / 3, Array2::zeros((m, n)));
        for (from, to) in [(0, before), (before, k)] {
            let (a, b) = (a.block((0, from), (m, to - from)), b.block((from, 0), (to - from, n)));
            multiply(a, Right::Plain(b), from > 0, None, &mut sums.view_mut());
        }
        assert_eq!(sums, wanted);
    }
}

#[test]
fn neither_neighbours_nor_packing_change_a_bit() {
    same_bits::<f32>();
    same_bits::<f64>();
}

fn every_processor<T: Float>() {
    let (m, k) = (23, 37);
    let known = [Isa::Plain, Isa::Avx2, Isa::Avx512].into_iter().filter(|&other| other <= isa());
    for isa in known {
        let lanes = microkernel::lanes::<T>(isa);
        for n in 1..=lanes * microkernel::most_vectors(isa) {
            let (x, y) = (numbers::<T>(m * k, 1), numbers::<T>(k * n, 2));
            let (a, b) = (Matrix::rows(&x, m, k), Matrix::rows(&y, k, n));
            let panel = microkernel::Panel { matrix: b, next: Prefetch::NOTHING };
            let mut c = Array2::zeros((m, n));
            microkernel::multiply(isa, a, panel, false, None, &mut c.view_mut());
            assert_eq!(c, chains(a, b), "{isa:?}, {n} columns");
        }
        // Groups of terms, as of transformed images.
        let (groups, count, columns) = (3, 8, 3 * lanes);
        let terms = Terms {
            groups,
            count,
            left_group: 80,
            right_group: count * columns + 5,
            left: 8,
            right: columns,
            left_row: 1,
            rows: 8,
            columns,
        };
        let (x, y) = (numbers::<T>(240, 1), numbers::<T>(3 * (count * columns + 5), 2));
        let mut c = vec![T::zero(); 8 * columns];
        grouped(isa, terms, &x, &y, &mut c, Prefetch::NOTHING);
        for (at, &found) in c.iter().enumerate() {
            let (i, j) = (at / columns, at % columns);
            let places = (0..groups).flat_map(|group| (0..count).map(move |p| (group, p)));
            let wanted = places.fold(T::zero(), |sum, (group, p)| {
                let right = y[group * terms.right_group + p * columns + j];
                x[group * terms.left_group + p * terms.left + i].mul_add(right, sum)
            });
            assert_eq!(found, wanted, "{isa:?}");
        }
    }
}

#[test]
fn every_processor_gives_the_same_bits() {
    every_processor::<f32>();
    every_processor::<f64>();
}

#[test]
fn gram_matrices_are_symmetric_products() {
    for (rows, columns) in [(7, 5), (65, 40), (130, 3), (200, 70), (3, 0)] {
        let x = numbers::<f64>(rows * columns, 1);
        let x = Matrix::rows(&x, rows, columns);
        let mut c = vec![1.0; rows * rows];
        gram(x, &mut c);
        let c = ArrayView2::from_shape((rows, rows), &c).unwrap();
        close(&c, &chains(x, x.transposed()));
        assert_eq!(c, c.t());
    }
}

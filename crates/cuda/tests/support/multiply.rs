//! Products of matrices in plain loops, for the host that stands in for a device.
#![expect(unsafe_code, reason = "matrices are addresses, as on a device")]

use cuda::driver::{Address, Factor, Product};

pub(super) trait Number: Copy {
    fn wide(self) -> f64;
    fn rounded(wide: f64) -> Self;
}

impl Number for f32 {
    fn wide(self) -> f64 {
        self.into()
    }
    fn rounded(wide: f64) -> f32 {
        wide as f32
    }
}

impl Number for f64 {
    fn wide(self) -> f64 {
        self
    }
    fn rounded(wide: f64) -> f64 {
        wide
    }
}

/// Computes products one element after the other.
pub(super) fn multiply<T: Number>(product: &Product<Address>) {
    let Product { m, n, k, count, left, right, result, adds, .. } = *product;
    let at = |factor: &Factor<Address>, matrix: usize, row: usize, column: usize| {
        let (row, column) = if factor.transposed { (column, row) } else { (row, column) };
        let place = matrix * factor.step + row * factor.row + column;
        // SAFETY: the plan lays matrices inside the memory of its values.
        unsafe { (factor.at.0 as *mut T).add(place) }
    };
    for matrix in 0..count {
        for i in 0..m {
            for j in 0..n {
                let to = at(&result, matrix, i, j);
                // SAFETY: as above; results are written where no factor is read.
                unsafe {
                    let mut sum = if adds { (*to).wide() } else { 0.0 };
                    for p in 0..k {
                        sum +=
                            (*at(&left, matrix, i, p)).wide() * (*at(&right, matrix, p, j)).wide();
                    }
                    *to = T::rounded(sum);
                }
            }
        }
    }
}

//! Sobol sequences with the direction numbers of Joe and Kuo (2008).

use crate::config::MOST_SOBOL;

/// Bits of a coordinate.
const BITS: usize = 32;

/// For dimensions from the second: degree and inner coefficients of the primitive polynomial,
/// first direction numbers. Table `new-joe-kuo-6` of Joe and Kuo, SIAM J. Sci. Comput. 30 (2008).
const TABLE: [(usize, u32, &[u32]); MOST_SOBOL - 1] = [
    (1, 0, &[1]),
    (2, 1, &[1, 3]),
    (3, 1, &[1, 3, 1]),
    (3, 2, &[1, 1, 1]),
    (4, 1, &[1, 1, 3, 3]),
    (4, 4, &[1, 3, 5, 13]),
    (5, 2, &[1, 1, 5, 5, 17]),
    (5, 4, &[1, 1, 5, 5, 5]),
    (5, 7, &[1, 1, 7, 11, 19]),
    (5, 11, &[1, 1, 5, 1, 1]),
    (5, 13, &[1, 1, 1, 3, 11]),
    (5, 14, &[1, 3, 5, 5, 31]),
    (6, 1, &[1, 3, 3, 9, 7, 49]),
    (6, 13, &[1, 1, 1, 15, 21, 21]),
    (6, 16, &[1, 3, 1, 13, 27, 49]),
    (6, 19, &[1, 1, 1, 15, 7, 5]),
    (6, 22, &[1, 3, 1, 15, 13, 25]),
    (6, 25, &[1, 1, 5, 5, 19, 61]),
    (7, 1, &[1, 3, 7, 11, 23, 15, 103]),
    (7, 4, &[1, 3, 7, 13, 13, 15, 69]),
];

/// One dimension of the Sobol sequence.
pub(super) struct Sobol {
    directions: [u32; BITS],
}

impl Sobol {
    /// Dimension from 0 to below [`MOST_SOBOL`].
    pub(super) fn new(dimension: usize) -> Self {
        let mut v = [0; BITS];
        let Some(row) = dimension.checked_sub(1) else {
            for (k, v) in v.iter_mut().enumerate() {
                *v = 1 << (BITS - 1 - k);
            }
            return Self { directions: v };
        };
        let (degree, coefficients, first) = TABLE[row];
        for k in 0..BITS {
            v[k] = if k < degree {
                first[k] << (BITS - 1 - k)
            } else {
                let mut next = v[k - degree] ^ (v[k - degree] >> degree);
                for i in 1..degree {
                    if coefficients >> (degree - 1 - i) & 1 == 1 {
                        next ^= v[k - i];
                    }
                }
                next
            };
        }
        Self { directions: v }
    }

    /// Coordinate of point `index`, in the order of the Gray code, as a fraction of 2³².
    pub(super) fn bits(&self, index: u32) -> u32 {
        let gray = index ^ (index >> 1);
        let used = self.directions.iter().enumerate().filter(|(k, _)| gray >> k & 1 == 1);
        used.fold(0, |x, (_, v)| x ^ v)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn first_points_by_hand() {
        let point = |dimension: usize| -> Vec<f64> {
            let sobol = Sobol::new(dimension);
            (0..4).map(|at| f64::from(sobol.bits(at)) / 4_294_967_296.0).collect()
        };
        assert_eq!(point(0), [0.0, 0.5, 0.75, 0.25]);
        assert_eq!(point(1), [0.0, 0.5, 0.25, 0.75]);
        assert_eq!(point(2), [0.0, 0.5, 0.25, 0.75]);
    }

    #[test]
    fn every_dimension_meets_every_interval_once() {
        for dimension in 0..MOST_SOBOL {
            let sobol = Sobol::new(dimension);
            let met: HashSet<u32> = (0..256).map(|at| sobol.bits(at) >> 24).collect();
            assert_eq!(met.len(), 256, "dimension {dimension}");
        }
    }

    #[test]
    fn two_dimensions_meet_every_box_once() {
        let (x, y) = (Sobol::new(0), Sobol::new(1));
        for wide in 0..=8 {
            let met: HashSet<(u32, u32)> = (0..256)
                .map(|at| (x.bits(at).checked_shr(32 - wide), y.bits(at).checked_shr(24 + wide)))
                .map(|(x, y)| (x.unwrap_or(0), y.unwrap_or(0)))
                .collect();
            assert_eq!(met.len(), 256, "{wide}");
        }
    }
}

//! The approximate Hessian of a history as a matrix of low rank (Byrd, Nocedal & Schnabel 1994).

use super::history::{History, dot};

/// The Hessian `theta I - W M W^T` of a history (equation 3.2), with `W = [Y, theta S]`.
pub(super) struct Compact<'a> {
    history: &'a History,
    pub(super) theta: f64,
    /// M, row by row.
    pub(super) middle: Vec<f64>,
    pub(super) size: usize,
}

impl<'a> Compact<'a> {
    /// `None` where the middle matrix is singular.
    pub(super) fn new(history: &'a History) -> Option<Self> {
        let (pairs, theta) = (&history.pairs, history.scale());
        let (k, size) = (pairs.len(), 2 * pairs.len());
        let mut inverse = vec![0.0; size * size];
        for i in 0..k {
            inverse[i * size + i] = -pairs[i].sy;
            for j in 0..k {
                inverse[(k + i) * size + k + j] = theta * dot(&pairs[i].s, &pairs[j].s);
                if i > j {
                    let lower = dot(&pairs[i].s, &pairs[j].y);
                    inverse[(k + i) * size + j] = lower;
                    inverse[j * size + k + i] = lower;
                }
            }
        }
        let middle = solve(inverse, identity(size), size)?;
        Some(Self { history, theta, middle, size })
    }

    /// Row `i` of W.
    pub(super) fn row(&self, i: usize) -> Vec<f64> {
        let pairs = &self.history.pairs;
        pairs.iter().map(|p| p.y[i]).chain(pairs.iter().map(|p| self.theta * p.s[i])).collect()
    }

    /// `W^T v`.
    pub(super) fn project(&self, v: &[f64]) -> Vec<f64> {
        let pairs = &self.history.pairs;
        let of_y = pairs.iter().map(|pair| dot(&pair.y, v));
        of_y.chain(pairs.iter().map(|pair| self.theta * dot(&pair.s, v))).collect()
    }

    /// `M v`.
    pub(super) fn middle(&self, v: &[f64]) -> Vec<f64> {
        (0..self.size).map(|i| dot(&self.middle[i * self.size..][..self.size], v)).collect()
    }
}

pub(super) fn identity(size: usize) -> Vec<f64> {
    let mut eye = vec![0.0; size * size];
    (0..size).for_each(|i| eye[i * size + i] = 1.0);
    eye
}

/// Solves `a x = b` for square `a` and as many columns in `b`, by elimination with row exchanges.
pub(super) fn solve(mut a: Vec<f64>, mut b: Vec<f64>, size: usize) -> Option<Vec<f64>> {
    let columns = b.len().checked_div(size).unwrap_or(0);
    for column in 0..size {
        let of = |row: usize| a[row * size + column].abs();
        let pivot = (column..size).max_by(|&p, &q| of(p).total_cmp(&of(q)))?;
        if !(of(pivot) > 0.0 && of(pivot).is_finite()) {
            return None;
        }
        for i in 0..size {
            a.swap(column * size + i, pivot * size + i);
        }
        for i in 0..columns {
            b.swap(column * columns + i, pivot * columns + i);
        }
        for row in (0..size).filter(|&row| row != column) {
            let factor = a[row * size + column] / a[column * size + column];
            for i in column..size {
                a[row * size + i] -= factor * a[column * size + i];
            }
            for i in 0..columns {
                b[row * columns + i] -= factor * b[column * columns + i];
            }
        }
    }
    for row in 0..size {
        let pivot = a[row * size + row];
        b[row * columns..(row + 1) * columns].iter_mut().for_each(|x| *x /= pivot);
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_solved_with_row_exchanges() {
        // [[0, 2], [3, 1]] x = [[2, 4], [7, 2]].
        let found = solve(vec![0.0, 2.0, 3.0, 1.0], vec![2.0, 4.0, 7.0, 2.0], 2);
        assert_eq!(found, Some(vec![2.0, 0.0, 1.0, 2.0]));
        assert_eq!(solve(vec![1.0, 2.0, 2.0, 4.0], vec![1.0, 1.0], 2), None);
    }

    #[test]
    fn the_hessian_takes_the_last_step_to_its_change() {
        let mut history = History::new(3);
        history.push(vec![1.0, 0.5], vec![2.0, 0.75], 1.0);
        history.push(vec![-0.5, 1.0], vec![0.25, 3.0], 1.0);
        let model = Compact::new(&history).unwrap();
        let s = &history.pairs[1].s;
        let inner = model.middle(&model.project(s));
        for (i, (s, y)) in s.iter().zip(&history.pairs[1].y).enumerate() {
            let found = model.theta * s - dot(&model.row(i), &inner);
            assert!((found - y).abs() < 1e-12, "{found}, wanted {y}");
        }
    }
}

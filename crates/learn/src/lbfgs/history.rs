//! The last steps and what they did to the gradient: an inverse Hessian without a matrix.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// A step `s`, the change `y` of the gradient over it, and their inner product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) s: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) sy: f64,
}

/// At most so many pairs, the oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct History {
    pub(super) pairs: VecDeque<Pair>,
    limit: usize,
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl History {
    pub(super) fn new(limit: usize) -> Self {
        Self { pairs: VecDeque::new(), limit }
    }

    /// Takes up a step, if the gradient grew along it; `fall` is what the old slope made of it.
    pub(super) fn push(&mut self, s: Vec<f64>, y: Vec<f64>, fall: f64) {
        let sy = dot(&s, &y);
        if self.limit == 0 || sy <= f64::EPSILON * fall {
            return;
        }
        if self.pairs.len() == self.limit {
            self.pairs.pop_front();
        }
        self.pairs.push_back(Pair { s, y, sy });
    }

    /// The scale of the Hessian along the last step, `y y / s y` (Nocedal & Wright, equation 7.20).
    pub(super) fn scale(&self) -> f64 {
        self.pairs.back().map_or(1.0, |pair| dot(&pair.y, &pair.y) / pair.sy)
    }

    /// `- H g` by two loops (Nocedal & Wright, algorithm 7.4).
    pub(super) fn descent(&self, gradient: &[f64]) -> Vec<f64> {
        let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut weights = Vec::with_capacity(self.pairs.len());
        for Pair { s, y, sy } in self.pairs.iter().rev() {
            let weight = dot(s, &q) / sy;
            q.iter_mut().zip(y).for_each(|(q, y)| *q -= weight * y);
            weights.push(weight);
        }
        let scale = self.scale();
        q.iter_mut().for_each(|q| *q /= scale);
        for (Pair { s, y, sy }, weight) in self.pairs.iter().zip(weights.iter().rev()) {
            let change = weight - dot(y, &q) / sy;
            q.iter_mut().zip(s).for_each(|(q, s)| *q += change * s);
        }
        q
    }

    /// Whether every vector has `len` elements and the bound is kept.
    pub(super) fn suits(&self, len: usize) -> bool {
        let fits = |pair: &Pair| pair.s.len() == len && pair.y.len() == len;
        self.pairs.len() <= self.limit && self.pairs.iter().all(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_a_pair_an_axis_the_step_ends_at_a_parabolas_minimum() {
        // Conjugate steps of the parabola with curvatures 1, 4 and 9 make H its inverse.
        let curvatures = [1.0, 4.0, 9.0];
        let mut history = History::new(3);
        for axis in 0..3 {
            let mut s = vec![0.0; 3];
            s[axis] = 0.5;
            let y: Vec<f64> = s.iter().zip(curvatures).map(|(s, c)| s * c).collect();
            history.push(s, y, 1.0);
        }
        let step = history.descent(&[2.0, 4.0, -9.0]);
        assert_eq!(step, [-2.0, -1.0, 1.0]);
        history.push(vec![1.0, 0.0, 0.0], vec![-1.0, 0.0, 0.0], 1.0);
        assert_eq!(history.pairs.len(), 3, "a falling gradient is not taken up");
        history.push(vec![1.0; 3], vec![1.0; 3], 1.0);
        assert_eq!((history.pairs.len(), history.pairs[0].s[1]), (3, 0.5));
    }
}

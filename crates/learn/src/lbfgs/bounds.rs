//! Steps within bounds, as L-BFGS-B takes them (Byrd, Lu, Nocedal & Zhu 1995): the generalised Cauchy
//! point, then the minimum over the variables that are free there.

use serde::{Deserialize, Serialize};

use super::compact::{Compact, identity, solve};
use super::history::{History, dot};

/// The least and the largest value of each variable; infinite where there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The least values.
    pub lower: Vec<f64>,
    /// The largest values.
    pub upper: Vec<f64>,
}

impl Bounds {
    /// The same bounds for `len` variables.
    pub fn all(len: usize, lower: f64, upper: f64) -> Self {
        Self { lower: vec![lower; len], upper: vec![upper; len] }
    }

    pub(super) fn clamp(&self, x: &mut [f64]) {
        for ((x, lower), upper) in x.iter_mut().zip(&self.lower).zip(&self.upper) {
            *x = x.max(*lower).min(*upper);
        }
    }

    /// Why they are no bounds of `len` variables, if they are not.
    pub(super) fn fault(&self, len: usize) -> Option<String> {
        if self.lower.len() != len || self.upper.len() != len {
            let (lower, upper) = (self.lower.len(), self.upper.len());
            return Some(format!("wanted {len} bounds, found {lower} lower and {upper} upper"));
        }
        let crossed = |(lower, upper): (&f64, &f64)| {
            lower.partial_cmp(upper).is_none_or(std::cmp::Ordering::is_gt)
        };
        let at = self.lower.iter().zip(&self.upper).position(crossed)?;
        let (lower, upper) = (self.lower[at], self.upper[at]);
        Some(format!(
            "variable {at}: wanted a lower bound up to the upper, found {lower} and {upper}"
        ))
    }

    fn free(&self, i: usize, x: f64) -> bool {
        self.lower[i] < x && x < self.upper[i]
    }

    /// How far a step may go along a direction, up to `limit`.
    pub(super) fn longest(&self, x: &[f64], direction: &[f64], limit: f64) -> f64 {
        let mut longest = limit;
        for (i, (&x, &d)) in x.iter().zip(direction).enumerate() {
            let room = if d < 0.0 { self.lower[i] - x } else { self.upper[i] - x };
            if d != 0.0 && room.is_finite() {
                longest = longest.min((room / d).max(0.0));
            }
        }
        longest
    }
}

/// The direction from `x` to the minimum of the quadratic model within the bounds; `None` where the
/// history makes no model.
pub(super) fn direction(
    history: &History,
    bounds: &Bounds,
    x: &[f64],
    gradient: &[f64],
) -> Option<Vec<f64>> {
    let model = Compact::new(history)?;
    let (mut at, moved) = cauchy(&model, bounds, x, gradient);
    if model.size > 0 {
        subspace(&model, bounds, x, gradient, &mut at, &moved)?;
    }
    Some(at.iter().zip(x).map(|(at, x)| at - x).collect())
}

/// The first minimum of the model along the projected gradient (algorithm CP), and `W^T (it - x)`.
fn cauchy(model: &Compact<'_>, bounds: &Bounds, x: &[f64], g: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut d: Vec<f64> = g.iter().map(|g| -g).collect();
    let mut breaks: Vec<(f64, usize)> = Vec::new();
    for i in 0..x.len() {
        let bound = if g[i] < 0.0 { bounds.upper[i] } else { bounds.lower[i] };
        let at = (x[i] - bound) / g[i];
        if g[i] == 0.0 || at <= 0.0 {
            d[i] = 0.0;
        } else if at.is_finite() {
            breaks.push((at, i));
        }
    }
    breaks.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (mut at, mut p, mut moved) = (x.to_vec(), model.project(&d), vec![0.0; model.size]);
    let mut slope = -dot(&d, &d);
    let mut curvature = -model.theta * slope - dot(&p, &model.middle(&p));
    let least = f64::EPSILON * curvature;
    let (mut time, mut free) = (0.0, d.iter().filter(|d| **d != 0.0).count());
    let mut ahead = -slope / curvature;
    for (next, i) in breaks {
        let until = next - time;
        if ahead < until {
            break;
        }
        at[i] = if d[i] > 0.0 { bounds.upper[i] } else { bounds.lower[i] };
        moved.iter_mut().zip(&p).for_each(|(moved, p)| *moved += until * p);
        let row = model.row(i);
        let of_row = model.middle(&row);
        slope += until * curvature + g[i] * g[i] + model.theta * g[i] * (at[i] - x[i])
            - g[i] * dot(&of_row, &moved);
        curvature -=
            g[i] * (model.theta * g[i] + 2.0 * dot(&of_row, &p) + g[i] * dot(&of_row, &row));
        curvature = curvature.max(least);
        p.iter_mut().zip(&row).for_each(|(p, row)| *p += g[i] * row);
        (d[i], time) = (0.0, next);
        free -= 1;
        ahead = if free == 0 { 0.0 } else { -slope / curvature };
    }
    let ahead = if free == 0 { 0.0 } else { ahead.max(0.0) };
    for i in 0..x.len() {
        if d[i] != 0.0 {
            at[i] = x[i] + (time + ahead) * d[i];
        }
    }
    moved.iter_mut().zip(&p).for_each(|(moved, p)| *moved += ahead * p);
    (at, moved)
}

/// Moves the Cauchy point to the model's minimum over the variables that are free there (section 5.1),
/// projected onto the bounds (Morales & Nocedal 2011).
fn subspace(
    model: &Compact<'_>,
    bounds: &Bounds,
    x: &[f64],
    g: &[f64],
    at: &mut [f64],
    moved: &[f64],
) -> Option<()> {
    let free: Vec<usize> = (0..x.len()).filter(|&i| bounds.free(i, at[i])).collect();
    if free.is_empty() {
        return Some(());
    }
    let (theta, size) = (model.theta, model.size);
    let pull = model.middle(moved);
    let mut reduced = vec![0.0; x.len()];
    for &i in &free {
        reduced[i] = g[i] + theta * (at[i] - x[i]) - dot(&model.row(i), &pull);
    }
    let mut inner = vec![0.0; size * size];
    for row in free.iter().map(|&i| model.row(i)) {
        for (inner, a) in inner.chunks_mut(size).zip(&row) {
            inner.iter_mut().zip(&row).for_each(|(inner, b)| *inner += a * b);
        }
    }
    // I - M (W^T Z Z^T W) / theta.
    let mut system = identity(size);
    for i in 0..size {
        for j in 0..size {
            let product: f64 =
                (0..size).map(|k| model.middle[i * size + k] * inner[k * size + j]).sum();
            system[i * size + j] -= product / theta;
        }
    }
    let right = model.middle(&model.project(&reduced));
    let weights = solve(system, right, size)?;
    let mut step = vec![0.0; x.len()];
    for &i in &free {
        step[i] = -reduced[i] / theta - dot(&model.row(i), &weights) / (theta * theta);
    }
    let mut projected: Vec<f64> = at.iter().zip(&step).map(|(at, step)| at + step).collect();
    bounds.clamp(&mut projected);
    let slope: f64 = projected.iter().zip(x).zip(g).map(|((p, x), g)| (p - x) * g).sum();
    if slope < 0.0 {
        at.copy_from_slice(&projected);
    } else {
        let share = bounds.longest(at, &step, 1.0);
        at.iter_mut().zip(&step).for_each(|(at, step)| *at += share * step);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history of the parabola with these curvatures, by a step an axis that leans by so much.
    fn history(curvatures: &[f64], lean: f64) -> History {
        let mut history = History::new(5);
        for axis in 0..curvatures.len() {
            let mut s = vec![lean; curvatures.len()];
            s[axis] = 1.0;
            let y: Vec<f64> = s.iter().zip(curvatures).map(|(s, c)| s * c).collect();
            history.push(s, y, 1.0);
        }
        history
    }

    #[test]
    fn without_bounds_the_direction_is_that_of_two_loops() {
        let history = history(&[1.0, 4.0, 0.5, 9.0], 0.1);
        let (x, g) = ([0.3, -0.2, 0.7, 0.0], [1.0, -2.0, 0.25, 3.0]);
        let bounds = Bounds::all(4, f64::NEG_INFINITY, f64::INFINITY);
        let found = direction(&history, &bounds, &x, &g).unwrap();
        for (a, b) in found.iter().zip(history.descent(&g)) {
            assert!((a - b).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn within_bounds_the_direction_ends_at_the_models_constrained_minimum() {
        // The model is the parabola itself, whose minimum (2, -0.5, 1) is cut to the box variable by
        // variable, because its Hessian is diagonal once there is a pair an axis.
        let curvatures = [1.0, 4.0, 9.0];
        let (x, minimum) = ([0.0, 0.0, 0.0], [2.0, -0.5, 1.0]);
        let g: Vec<f64> = (0..3).map(|i| -curvatures[i] * minimum[i]).collect();
        let bounds = Bounds { lower: vec![-1.0; 3], upper: vec![0.75, 1.0, 0.25] };
        let found = direction(&history(&curvatures, 0.0), &bounds, &x, &g).unwrap();
        for (a, b) in found.iter().zip([0.75, -0.5, 0.25]) {
            assert!((a - b).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn bounds_that_cross_are_told() {
        let bounds = Bounds { lower: vec![0.0, 2.0], upper: vec![1.0, 1.0] };
        let wanted = "variable 1: wanted a lower bound up to the upper, found 2 and 1";
        assert_eq!(bounds.fault(2).unwrap(), wanted);
        assert!(Bounds::all(2, 0.0, 1.0).fault(3).unwrap().contains("wanted 3 bounds"));
    }
}

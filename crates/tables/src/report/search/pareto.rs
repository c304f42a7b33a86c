//! Two metrics against each other.

use experiment::Better;

/// Positions of the points that no other one beats in one metric without losing in the other, in the
/// order of the first metric.
pub(crate) fn front(points: &[[f64; 2]], better: [Better; 2]) -> Vec<usize> {
    let lower = |at: usize| {
        let sign = |side: usize| if better[side] == Better::Lower { 1.0 } else { -1.0 };
        [points[at][0] * sign(0), points[at][1] * sign(1)]
    };
    let finite = |at: &usize| points[*at].iter().all(|value| value.is_finite());
    let mut order: Vec<usize> = (0..points.len()).filter(finite).collect();
    order.sort_by(|a, b| {
        let (a, b) = (lower(*a), lower(*b));
        a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]))
    });
    let mut best = f64::INFINITY;
    order.retain(|at| {
        let second = lower(*at)[1];
        let kept = second < best;
        best = best.min(second);
        kept
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_on_the_front_is_beaten_in_both() {
        // Accuracy up, seconds down.
        let points =
            [[90.0, 10.0], [95.0, 30.0], [80.0, 5.0], [90.0, 20.0], [70.0, 6.0], [f64::NAN, 0.0]];
        assert_eq!(front(&points, [Better::Higher, Better::Lower]), [1, 0, 2]);
        assert_eq!(front(&points, [Better::Lower, Better::Lower]), [4, 2]);
        assert_eq!(front(&[[1.0, 1.0], [1.0, 1.0]], [Better::Lower; 2]), [0], "equals stand once");
    }
}

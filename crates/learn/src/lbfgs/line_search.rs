//! The line search of Moré & Thuente (1994), one evaluation at a time.

use serde::{Deserialize, Serialize};

/// Share of the slope by which the value must fall (the first Wolfe condition).
const DECREASE: f64 = 1e-3;
/// Share of the slope that may be left (the strong second Wolfe condition).
const CURVATURE: f64 = 0.9;
/// Width of the interval, relative to its upper end, at which the search ends.
const WIDTH: f64 = 0.1;
/// How far beyond a step the next one may lie before a minimum is bracketed.
const REACH: (f64, f64) = (1.1, 4.0);

/// A step with the value and the slope there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Point {
    step: f64,
    value: f64,
    slope: f64,
}

/// What comes next in a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The value at another step.
    Try,
    /// The step is taken.
    Take,
    /// No step was found.
    GiveUp,
}

/// A search along a direction of descent for a step that satisfies the strong Wolfe conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LineSearch {
    /// The step to evaluate.
    step: f64,
    longest: f64,
    start: Point,
    /// The best step so far, and the other end of the interval.
    best: Point,
    other: Point,
    bracketed: bool,
    /// Whether no step has yet had a sufficient decrease and a rising slope.
    first_stage: bool,
    /// Between what the next step must lie.
    range: (f64, f64),
    /// Widths of the interval now and before.
    widths: (f64, f64),
    evaluations: u32,
}

impl LineSearch {
    /// A search from a value and a negative slope that tries `step` first and none above `longest`.
    pub(super) fn new(value: f64, slope: f64, step: f64, longest: f64) -> Self {
        let start = Point { step: 0.0, value, slope };
        Self {
            step,
            longest,
            start,
            best: start,
            other: start,
            bracketed: false,
            first_stage: true,
            range: (0.0, step + REACH.1 * step),
            widths: (longest, 2.0 * longest),
            evaluations: 0,
        }
    }

    /// The step to evaluate.
    pub(super) fn step(&self) -> f64 {
        self.step
    }

    /// What follows from value and slope at [`step`](Self::step), of at most `limit` evaluations.
    pub(super) fn judge(&mut self, value: f64, slope: f64, limit: u32) -> Verdict {
        self.evaluations += 1;
        let verdict = if value.is_finite() && slope.is_finite() {
            self.next(Point { step: self.step, value, slope })
        } else {
            // The function ends before this step.
            self.longest = self.step;
            self.step = 0.5 * (self.best.step + self.step);
            Verdict::Try
        };
        if verdict == Verdict::Try && self.evaluations >= limit { Verdict::GiveUp } else { verdict }
    }

    fn next(&mut self, now: Point) -> Verdict {
        let least = DECREASE * self.start.slope;
        let enough = self.start.value + now.step * least;
        if self.first_stage && now.value <= enough && now.slope >= 0.0 {
            self.first_stage = false;
        }
        if now.value <= enough && now.slope.abs() <= -CURVATURE * self.start.slope {
            return Verdict::Take;
        }
        let (low, high) = self.range;
        let narrow = high - low <= WIDTH * high || now.step <= low || now.step >= high;
        let at_end = now.step >= self.longest && now.value <= enough && now.slope <= least;
        if self.bracketed && narrow || at_end {
            let lower = now.value <= self.start.value;
            return if lower { Verdict::Take } else { Verdict::GiveUp };
        }
        if self.first_stage && now.value <= self.best.value && now.value > enough {
            // By the function less its least decrease (section 3).
            let less =
                |p: Point| Point { value: p.value - p.step * least, slope: p.slope - least, ..p };
            let more =
                |p: Point| Point { value: p.value + p.step * least, slope: p.slope + least, ..p };
            (self.best, self.other) = (less(self.best), less(self.other));
            self.cut(less(now));
            (self.best, self.other) = (more(self.best), more(self.other));
        } else {
            self.cut(now);
        }
        self.narrow();
        Verdict::Try
    }

    /// Halves an interval that hardly shrank, and keeps the next step in its range.
    fn narrow(&mut self) {
        let (best, other) = (self.best.step, self.other.step);
        if self.bracketed {
            let width = (other - best).abs();
            if width >= 0.66 * self.widths.1 {
                self.step = best + 0.5 * (other - best);
            }
            self.widths = (width, self.widths.0);
            self.range = (best.min(other), best.max(other));
        } else {
            let from_best = self.step - best;
            self.range = (self.step + REACH.0 * from_best, self.step + REACH.1 * from_best);
        }
        self.step = self.step.clamp(0.0, self.longest);
        let (low, high) = self.range;
        let outside = self.step <= low || self.step >= high || high - low <= WIDTH * high;
        if self.bracketed && outside {
            self.step = best;
        }
    }

    /// The next step by interpolation, and the interval that holds it (section 4, cases 1 to 4).
    fn cut(&mut self, now: Point) {
        let (best, other) = (self.best, self.other);
        let opposite = now.slope * best.slope.signum() < 0.0;
        let step = if now.value > best.value {
            self.bracketed = true;
            let (cubic, quadratic) = (cubic(best, now), by_values(best, now));
            let nearer = (cubic - best.step).abs() < (quadratic - best.step).abs();
            if nearer { cubic } else { cubic + (quadratic - cubic) / 2.0 }
        } else if opposite {
            self.bracketed = true;
            let (cubic, secant) = (cubic(now, best), secant(now, best));
            let farther = (cubic - now.step).abs() > (secant - now.step).abs();
            if farther { cubic } else { secant }
        } else if now.slope.abs() < best.slope.abs() {
            self.flatter(now)
        } else if self.bracketed {
            cubic(now, other)
        } else {
            self.far_end(now)
        };
        if now.value > best.value {
            self.other = now;
        } else {
            if opposite {
                self.other = best;
            }
            self.best = now;
        }
        self.step = step;
    }

    /// Case 3: a lower value and a flatter slope of the same sign.
    fn flatter(&self, now: Point) -> f64 {
        let (best, other, secant) = (self.best, self.other, secant(now, self.best));
        let beyond = cubic_beyond(now, best).unwrap_or_else(|| self.far_end(now));
        let nearer = (beyond - now.step).abs() < (secant - now.step).abs();
        if self.bracketed {
            let step = if nearer { beyond } else { secant };
            let bound = now.step + 0.66 * (other.step - now.step);
            if now.step > best.step { step.min(bound) } else { step.max(bound) }
        } else {
            let step = if nearer { secant } else { beyond };
            step.max(self.range.0).min(self.range.1)
        }
    }

    fn far_end(&self, now: Point) -> f64 {
        if now.step > self.best.step { self.range.1 } else { self.range.0 }
    }
}

/// The terms of the cubic through values and slopes of two points: theta, and gamma without a sign.
fn terms(from: Point, to: Point) -> (f64, f64) {
    let theta = 3.0 * (from.value - to.value) / (to.step - from.step) + from.slope + to.slope;
    let scale = theta.abs().max(from.slope.abs()).max(to.slope.abs());
    let square = (theta / scale).powi(2) - (from.slope / scale) * (to.slope / scale);
    (theta, scale * square.max(0.0).sqrt())
}

/// The minimum of the cubic through two points.
fn cubic(from: Point, to: Point) -> f64 {
    let (theta, gamma) = terms(from, to);
    let gamma = if to.step < from.step { -gamma } else { gamma };
    let share = ((gamma - from.slope) + theta) / (((gamma - from.slope) + gamma) + to.slope);
    from.step + share * (to.step - from.step)
}

/// The minimum of the cubic through `now` and `best`, if it lies beyond `now`.
fn cubic_beyond(now: Point, best: Point) -> Option<f64> {
    let (theta, gamma) = terms(best, now);
    let gamma = if now.step > best.step { -gamma } else { gamma };
    let share = ((gamma - now.slope) + theta) / ((gamma + (best.slope - now.slope)) + gamma);
    (share < 0.0 && gamma != 0.0).then_some(now.step + share * (best.step - now.step))
}

/// The minimum of the parabola through both values and the slope at `from`.
fn by_values(from: Point, to: Point) -> f64 {
    let mean = (from.value - to.value) / (to.step - from.step);
    from.step + from.slope / (mean + from.slope) / 2.0 * (to.step - from.step)
}

/// The zero of the line through both slopes.
fn secant(from: Point, to: Point) -> f64 {
    from.step + from.slope / (from.slope - to.slope) * (to.step - from.step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps until one is taken, for value and slope of a function.
    fn search(f: impl Fn(f64) -> (f64, f64), first: f64) -> (f64, u32) {
        let (value, slope) = f(0.0);
        let mut line = LineSearch::new(value, slope, first, 1e10);
        for count in 1..=20 {
            let (value, slope) = f(line.step());
            match line.judge(value, slope, 20) {
                Verdict::Try => {}
                Verdict::Take => return (line.step(), count),
                Verdict::GiveUp => panic!("gave up after {count}"),
            }
        }
        panic!("no step after 20 evaluations");
    }

    #[test]
    fn a_step_that_is_taken_satisfies_both_conditions() {
        // The paper's function 1 (equation 5.1), and one that is steep on one side, from far too
        // short and too long.
        let one = |a: f64| (-a / (a * a + 2.0), (a * a - 2.0) / (a * a + 2.0).powi(2));
        let two = |a: f64| (a.exp() - 3.0 * a, a.exp() - 3.0);
        for first in [1e-3, 0.1, 10.0, 300.0] {
            for f in [&one as &dyn Fn(f64) -> (f64, f64), &two] {
                let (step, count) = search(f, first);
                let ((start, slope0), (value, slope)) = (f(0.0), f(step));
                assert!(value <= start + DECREASE * step * slope0, "{first}: {step}");
                assert!(slope.abs() <= -CURVATURE * slope0, "{first}: {step}");
                assert!(count <= 12, "{first}: {count} evaluations");
            }
        }
    }

    #[test]
    fn a_parabola_takes_its_minimum_by_interpolation() {
        // Slope and value of (a - 3)^2; a step of 40 is too long, and the parabola through it is it.
        let (step, count) = search(|a| ((a - 3.0).powi(2), 2.0 * (a - 3.0)), 40.0);
        assert!((step - 3.0).abs() < 1e-12 && count == 2, "{step} after {count}");
    }

    #[test]
    fn where_the_function_ends_the_step_is_shortened() {
        let f = |a: f64| (-(1.0 - a).ln() - 4.0 * a, 1.0 / (1.0 - a) - 4.0);
        let (step, _) = search(f, 100.0);
        assert!(step < 1.0 && f(step).0 < 0.0, "{step}");
    }

    #[test]
    fn a_function_that_rises_in_spite_of_its_slope_is_given_up() {
        let mut line = LineSearch::new(0.0, -1.0, 1.0, 1e10);
        let verdict = loop {
            match line.judge(1.0 + line.step(), 1.0, 20) {
                Verdict::Try => {}
                verdict => break verdict,
            }
        };
        assert_eq!(verdict, Verdict::GiveUp);
    }
}

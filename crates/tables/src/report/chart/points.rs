//! Scatter charts, with a line through the Pareto front.

use charts::{Axis, Drawing, Frame};
use serde::{Serialize, Serializer};

use super::{Live, LiveAxis, Short};

/// One point of a scatter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Dot {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// Which of the runs that the section lists.
    pub(crate) run: usize,
    /// Whether it is among the best.
    pub(crate) strong: bool,
    /// Whether it stands for a run that came to its end.
    pub(crate) finished: bool,
}

/// `[x, y, run, strong, finished]`
#[derive(Debug)]
pub(super) struct LiveDot(Dot);

impl Serialize for LiveDot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Dot { x, y, run, strong, finished }) = *self;
        (Short(x), Short(y), run, u8::from(strong), u8::from(finished)).serialize(serializer)
    }
}

/// Points, and a line through those of `front`.
pub(crate) fn points(x: &Axis, y: &Axis, dots: &[Dot], front: &[[f64; 2]]) -> (Drawing, String) {
    let (frame, mut drawing) = Frame::draw(x, y);
    if !front.is_empty() {
        let corners = front.iter().filter_map(|[x, y]| frame.at(*x, *y));
        drawing.path("polyline", "line s1", corners);
    }
    // Those that stand out are drawn over the others.
    for strong in [false, true] {
        for dot in dots.iter().filter(|dot| dot.strong == strong) {
            let Some(at) = frame.at(dot.x, dot.y) else { continue };
            let colour = if strong { "s1" } else { "s0" };
            let kind = if dot.finished { "dot" } else { "ring" };
            drawing.circle(&format!("{kind} {colour}"), at, 3.5);
        }
    }
    let live = Live::Points {
        x: LiveAxis::new(x),
        y: LiveAxis::new(y),
        dots: dots.iter().copied().map(LiveDot).collect(),
        front: front.iter().map(|point| point.map(Short)).collect(),
    };
    (drawing, live.json())
}

#[cfg(test)]
mod tests {
    use charts::{Fit, Scale};

    use super::*;

    #[test]
    fn a_dot_a_run_and_a_ring_for_what_did_not_end() {
        let axis = |title| Axis::new(title, Scale::fit([0.0, 8.0], Fit::VALUES));
        let dot = |x, y, strong, finished| Dot { x, y, run: 7, strong, finished };
        let dots = [
            dot(1.0, 2.0, true, true),
            dot(2.0, 3.0, false, false),
            dot(f64::NAN, 1.0, false, true),
        ];
        let (drawing, live) = points(&axis("lr"), &axis("loss"), &dots, &[[1.0, 2.0], [4.0, 1.0]]);
        assert_eq!(drawing.marks.matches("class=\"dot s1\"").count(), 1);
        assert_eq!(drawing.marks.matches("class=\"ring s0\"").count(), 1);
        assert_eq!(drawing.marks.matches("<circle").count(), 2, "what has no place is not drawn");
        assert_eq!(drawing.marks.matches("<polyline").count(), 1);
        assert!(live.contains("[1,2,7,1,1],[2,3,7,0,0],[null,1,7,0,1]"), "{live}");
    }
}

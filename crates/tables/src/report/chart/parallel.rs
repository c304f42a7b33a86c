//! Parallel coordinates: one axis for each parameter or metric, one line for each run.

use charts::{Axis, Drawing, WIDTH};
use serde::{Serialize, Serializer};

use super::{Live, LiveAxis, Short};

/// An axis of parallel coordinates.
pub(crate) type Dimension = Axis;

/// A run as a line through all axes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    /// Which of the runs that the section lists.
    pub(crate) run: usize,
    /// A value a dimension; not finite where there is none.
    pub(crate) values: Vec<f64>,
    /// Whether it is among the best.
    pub(crate) strong: bool,
}

/// `[run, strong, value, ...]`
#[derive(Debug)]
pub(super) struct LivePath(Path);

impl Serialize for LivePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Path { run, values, strong }) = self;
        let head = [Short(*run as f64), Short(f64::from(u8::from(*strong)))];
        serializer.collect_seq(head.into_iter().chain(values.iter().copied().map(Short)))
    }
}

const HEIGHT: f64 = 320.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 16.0;
/// Room beside the first and the last axis.
const SIDE: f64 = 48.0;
/// Distance of two axes.
const DISTANCE: f64 = 160.0;

/// Parallel coordinates (Inselberg 1985): an axis a dimension, a line a run, those that are `strong`
/// above the others. What lies beyond an axis is at its end.
pub(crate) fn parallel(dimensions: &[Dimension], paths: &[Path]) -> (Drawing, String) {
    let gaps = dimensions.len().saturating_sub(1).max(1) as f64;
    let width = (2.0 * SIDE + gaps * DISTANCE).max(WIDTH);
    let mut drawing = Drawing::new(width, HEIGHT);
    let across = |at: usize| SIDE + at as f64 * (width - 2.0 * SIDE) / gaps;
    let down = |share: f64| HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP);
    for strong in [false, true] {
        for path in paths.iter().filter(|path| path.strong == strong) {
            let places = path.values.iter().zip(dimensions).enumerate();
            let corners = places.filter_map(|(at, (value, dimension))| {
                Some([across(at), down(dimension.scale.within(*value)?)])
            });
            let class = if strong { "line thin s1" } else { "line thin faint" };
            drawing.path("polyline", class, corners);
        }
    }
    for (at, Axis { title, scale }) in dimensions.iter().enumerate() {
        let x = across(at);
        drawing.line("axis", [[x, down(0.0)], [x, down(1.0)]]);
        // Titles of neighbours stand on two lines, so that long ones do not meet.
        let y = if at % 2 == 0 { 12.0 } else { 27.0 };
        let class = match at {
            0 => "name",
            _ if at + 1 == dimensions.len() => "name left",
            _ => "name middle",
        };
        let x_of_title = match class {
            "name" => 2.0,
            "name left" => width - 2.0,
            _ => x,
        };
        drawing.label([x_of_title, y], class, title.clone());
        for (share, text) in scale.ticks(5) {
            drawing.line("axis", [[x - 3.0, down(share)], [x, down(share)]]);
            drawing.label([x - 6.0, down(share) + 4.0], "tick left halo", text);
        }
    }
    let live = Live::Parallel {
        axes: dimensions.iter().map(LiveAxis::new).collect(),
        paths: paths.iter().cloned().map(LivePath).collect(),
    };
    (drawing, live.json())
}

#[cfg(test)]
mod tests {
    use charts::{Fit, Scale};

    use super::*;

    #[test]
    fn a_line_a_run_the_best_last() {
        let number = |title| Axis::new(title, Scale::fit([0.0, 1.0], Fit::VALUES));
        let names = Axis::new("function", Scale::names(vec!["f".into(), "g".into()]));
        let dimensions = [number("momentum"), names, number("loss")];
        let path = |run, strong| Path { run, values: vec![0.5, 1.0, 0.25], strong };
        let (drawing, live) = parallel(&dimensions, &[path(0, true), path(1, false)]);
        let lines: Vec<&str> = drawing.marks.matches("line thin s1\"").collect();
        assert_eq!(lines.len(), 1);
        let at = |class: &str| drawing.marks.find(class).unwrap();
        assert!(at("line thin faint") < at("line thin s1"));
        for label in &drawing.labels {
            assert!((0..=drawing.width as i32).contains(&label.x), "{label:?}");
        }
        assert!(live.contains("\"paths\":[[0,1,0.5,1,0.25],[1,0,0.5,1,0.25]]"), "{live}");
    }
}

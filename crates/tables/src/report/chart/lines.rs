//! Line charts with bands from the lowest to the highest run.

use charts::{Axis, Drawing, Frame};
use serde::Serialize;

use super::{Live, LiveAxis, Short};
use crate::report::{curves::Point, layout::Look};

/// One curve of a chart.
pub(crate) struct Line<'a> {
    pub(crate) label: &'a str,
    /// Colour and dash; none for a line that stands back.
    pub(crate) look: Option<Look>,
    /// What the filter looks for: `name=value` each.
    pub(crate) tags: Vec<String>,
    pub(crate) state: &'a str,
    pub(crate) points: &'a [Point],
}

/// A curve for the script: steps, means, lowest and highest values, these only where they differ.
#[derive(Debug, Serialize)]
pub(super) struct LiveLine<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    look: Option<[usize; 2]>,
    tags: &'a [String],
    state: &'a str,
    x: Vec<Short>,
    y: Vec<Short>,
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<Vec<Short>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<Vec<Short>>,
}

impl<'a> LiveLine<'a> {
    fn new(line: &'a Line<'a>) -> Self {
        let all = |part: &dyn Fn(&Point) -> f64| -> Vec<Short> {
            line.points.iter().map(|point| Short(part(point))).collect()
        };
        Self {
            name: line.label,
            look: line.look.map(|look| [look.colour, look.dash]),
            tags: &line.tags,
            state: line.state,
            x: all(&|point| point.step),
            y: all(&|point| point.mean),
            low: line.has_band().then(|| all(&|point| point.low)),
            high: line.has_band().then(|| all(&|point| point.high)),
        }
    }
}

impl Line<'_> {
    fn has_band(&self) -> bool {
        self.points.iter().any(|point| point.low < point.high)
    }

    /// Its class, of which the style knows the colour.
    fn class(&self, kind: &str) -> String {
        match self.look {
            Some(Look { colour, dash: 0 }) => format!("{kind} s{colour}"),
            Some(Look { colour, dash }) => format!("{kind} s{colour} d{dash}"),
            None => format!("{kind} faint"),
        }
    }
}

/// Lines with a band from the lowest to the highest run, and a dot at the end of each.
pub(crate) fn lines(x: &Axis, y: &Axis, lines: &[Line<'_>]) -> (Drawing, String) {
    let (frame, mut drawing) = Frame::draw(x, y);
    for line in lines.iter().filter(|line| line.has_band()) {
        let up = line.points.iter().map(|point| (point.step, point.high));
        let down = line.points.iter().rev().map(|point| (point.step, point.low));
        let outline = up.chain(down).filter_map(|(step, value)| frame.at(step, value));
        drawing.path("polygon", &line.class("band"), outline);
    }
    for line in lines {
        let means = line.points.iter().filter_map(|point| frame.at(point.step, point.mean));
        drawing.path("polyline", &line.class("line"), means);
        let end = line.points.last().and_then(|point| frame.at(point.step, point.mean));
        if let Some(end) = end {
            drawing.circle(&line.class("dot"), end, 2.5);
        }
    }
    let [x, y] = [x, y].map(LiveAxis::new);
    let live = Live::Lines { x, y, lines: lines.iter().map(LiveLine::new).collect() };
    (drawing, live.json())
}

#[cfg(test)]
mod tests {
    use charts::{Fit, Scale};

    use super::*;

    #[test]
    fn a_line_and_where_runs_differ_a_band_for_every_curve() {
        let point = |step, mean, wide| Point { step, mean, low: mean - wide, high: mean, runs: 3 };
        let (a, b) = ([point(1.0, 5.0, 1.0), point(2.0, 6.0, 0.5)], [point(1.0, 1.0, 0.0)]);
        let axis = |title| Axis::new(title, Scale::fit([0.0, 8.0], Fit::VALUES));
        let look = Look { colour: 0, dash: 0 };
        let line = |label, look, points| Line {
            label,
            look,
            tags: vec!["learner=<a>".to_owned()],
            state: "finished",
            points,
        };
        let (drawing, live) = lines(
            &axis("step"),
            &axis("loss"),
            &[line("<a>", Some(look), &a), line("b", None, &b)],
        );
        for mark in ["class=\"line s0\"", "class=\"band s0\"", "class=\"line faint\""] {
            assert_eq!(drawing.marks.matches(mark).count(), 1, "{mark}: {}", drawing.marks);
        }
        assert_eq!(drawing.marks.matches("class=\"band").count(), 1);
        assert!(!drawing.marks.contains("<a>"), "labels are not in the marks");
        let live: serde_json::Value = serde_json::from_str(&live).unwrap();
        assert_eq!(live["lines"][0]["low"], serde_json::json!([4, 5.5]));
        assert_eq!(live["lines"][1]["low"], serde_json::Value::Null);
        assert_eq!(live["y"]["title"], "loss");
    }
}

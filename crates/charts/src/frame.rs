//! A plot with its axes, as the inside of an SVG element.

use std::fmt::Write;

use crate::Axis;

/// Width of a framed drawing in units of about a pixel on a screen.
pub const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 280.0;
/// Average width of a character of a label.
pub(crate) const CHARACTER: f64 = 6.6;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 42.0;
const RIGHT: f64 = 14.0;

/// Marks made from numbers, and where labels go.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// Elements of SVG.
    pub marks: String,
    /// In units of a drawing, about a pixel each.
    pub width: f64,
    /// Likewise.
    pub height: f64,
    /// What is written beside the marks.
    pub labels: Vec<Label>,
}

/// Text beside marks.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// From the left, where its anchor lies, which its class names.
    pub x: i32,
    /// From the top.
    pub y: i32,
    /// Class of the style.
    pub class: &'static str,
    /// What it says, not escaped.
    pub text: String,
}

impl Drawing {
    /// A drawing without marks.
    pub fn new(width: f64, height: f64) -> Self {
        Self { marks: String::new(), width, height, labels: Vec::new() }
    }

    /// Puts text at a place.
    pub fn label(&mut self, at: [f64; 2], class: &'static str, text: impl Into<String>) {
        let [x, y] = at.map(|place| place.round() as i32);
        self.labels.push(Label { x, y, class, text: text.into() });
    }

    /// A straight line from one place to another.
    pub fn line(&mut self, class: &str, [from, to]: [[f64; 2]; 2]) {
        let [[x1, y1], [x2, y2]] = [from, to];
        self.write(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    /// A circle around a place.
    pub fn circle(&mut self, class: &str, [x, y]: [f64; 2], radius: f64) {
        self.write(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>"
        ));
    }

    /// A `polyline` or a `polygon`.
    pub fn path(&mut self, element: &str, class: &str, points: impl IntoIterator<Item = [f64; 2]>) {
        self.write(format_args!("<{element} class=\"{class}\" points=\""));
        for (at, [x, y]) in points.into_iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            self.write(format_args!("{space}{x:.1},{y:.1}"));
        }
        self.marks.push_str("\"/>");
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.marks.write_fmt(text).expect("memory takes every mark");
    }
}

/// The inside of two axes.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The axis below.
    pub x: &'a Axis,
    /// The axis at the left.
    pub y: &'a Axis,
    left: f64,
}

impl<'a> Frame<'a> {
    /// Axes with their grid, ticks and titles, drawn.
    pub fn draw(x: &'a Axis, y: &'a Axis) -> (Self, Drawing) {
        let mut drawing = Drawing::new(WIDTH, HEIGHT);
        let ticks = y.scale.ticks(5);
        let longest = ticks.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(0);
        let left = (longest as f64 * CHARACTER + 14.0).clamp(30.0, WIDTH / 3.0);
        let frame = Self { x, y, left };
        for (at, text) in ticks {
            let height = frame.vertical(at);
            drawing.line("grid", [[left, height], [WIDTH - RIGHT, height]]);
            drawing.label([left - 6.0, height + 4.0], "tick left", text);
        }
        let floor = HEIGHT - BOTTOM;
        let mut free = f64::NEG_INFINITY;
        for (at, text) in x.scale.ticks(6) {
            let width = text.chars().count() as f64 * CHARACTER;
            let place = frame.horizontal(at);
            let middle = place.min(WIDTH - width / 2.0 - 1.0).max(width / 2.0);
            drawing.line("axis", [[place, floor], [place, floor + 4.0]]);
            // A label that would run into the one before is left out.
            if middle - width / 2.0 > free {
                drawing.label([middle, floor + 17.0], "tick middle", text);
                free = middle + width / 2.0 + 4.0;
            }
        }
        drawing.line("axis", [[left, floor], [WIDTH - RIGHT, floor]]);
        drawing.label([2.0, 13.0], "name", y.title.clone());
        drawing.label([WIDTH - RIGHT, HEIGHT - 7.0], "name left", x.title.clone());
        (frame, drawing)
    }

    /// Where a point lies; at the edge where it lies beyond, none where it has no place.
    pub fn at(&self, x: f64, y: f64) -> Option<[f64; 2]> {
        let (x, y) = (self.x.scale.within(x)?, self.y.scale.within(y)?);
        Some([self.horizontal(x), self.vertical(y)])
    }

    fn horizontal(&self, share: f64) -> f64 {
        self.left + share * (WIDTH - RIGHT - self.left)
    }

    fn vertical(&self, share: f64) -> f64 {
        HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fit, Scale};

    #[test]
    fn axes_have_titles_and_every_label_lies_within_the_drawing() {
        let scale = |values: [f64; 2]| Scale::fit(values, Fit { room: 0.0, ..Fit::VALUES });
        let (x, y) = (Axis::new("step", scale([0.0, 1e6])), Axis::new("loss", scale([1e-4, 10.0])));
        let (frame, drawing) = Frame::draw(&x, &y);
        let texts: Vec<&str> = drawing.labels.iter().map(|label| label.text.as_str()).collect();
        assert!(texts.contains(&"step") && texts.contains(&"loss"), "{texts:?}");
        for label in &drawing.labels {
            assert!((0..=WIDTH as i32).contains(&label.x), "{label:?}");
            assert!((0..=HEIGHT as i32).contains(&label.y), "{label:?}");
        }
        let [left, bottom] = frame.at(0.0, 1e-4).unwrap();
        assert_eq!([left, bottom], [frame.left, HEIGHT - BOTTOM]);
        assert_eq!(frame.at(1e6, f64::INFINITY), Some([WIDTH - RIGHT, TOP]));
        assert_eq!(frame.at(1.0, f64::NAN), None);
    }
}

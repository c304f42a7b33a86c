//! Line charts as files of their own.

use std::fmt::Write;

use crate::frame::CHARACTER;
use crate::{Axis, Drawing, Fit, Frame, Scale, WIDTH};

/// A named curve through points; those that are not finite are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve<'a> {
    /// What it shows.
    pub name: &'a str,
    /// Its points, in order.
    pub points: Vec<[f64; 2]>,
}

impl<'a> Curve<'a> {
    /// A curve over 0, 1, 2, ..
    pub fn over_index(name: &'a str, values: impl IntoIterator<Item = f64>) -> Self {
        let points = (0_u32..).zip(values).map(|(at, value)| [f64::from(at), value]).collect();
        Self { name, points }
    }
}

/// The colours and sizes of the report's style on white.
const STYLE: &str = "text{font:12px sans-serif;fill:#1b1f24}text.tick{fill:#57606a}\
    text.left{text-anchor:end}text.middle{text-anchor:middle}.grid{stroke:#dfe3e8}.axis{stroke:#57606a}\
    polyline{fill:none;stroke-width:1.5}";
const COLOURS: [&str; 8] =
    ["#0072b2", "#c24e00", "#00805c", "#a8467f", "#8a6a00", "#2f7fbf", "#6b4fa0", "#5a6570"];

/// A line chart as an SVG file: `x` and `y` name its axes.
///
/// ```
/// let loss = charts::Curve::over_index("loss", [2.0, 1.0, 0.5]);
/// assert!(charts::curves("step", "training loss", &[loss]).starts_with("<svg "));
/// ```
pub fn curves(x: &str, y: &str, curves: &[Curve<'_>]) -> String {
    let finite = |[x, y]: &&[f64; 2]| x.is_finite() && y.is_finite();
    let points = || curves.iter().flat_map(|curve| &curve.points).filter(finite);
    let x = Axis::new(x, Scale::fit(points().map(|[x, _]| *x), Fit::STEPS));
    let y = Axis::new(y, Scale::fit(points().map(|[_, y]| *y), Fit::CURVES));
    let (frame, mut drawing) = Frame::draw(&x, &y);
    let mut right = WIDTH - 14.0;
    let mut names = Vec::new();
    for (at, curve) in curves.iter().enumerate().rev() {
        let places = curve.points.iter().filter(finite).filter_map(|[x, y]| frame.at(*x, *y));
        drawing.path("polyline", &format!("s{at}"), places);
        // Names stand above the frame, where no curve goes.
        names.push((right, at, curve.name));
        right -= CHARACTER * (curve.name.chars().count() + 2) as f64;
    }
    document(&drawing, curves.len(), &names)
}

/// A drawing of `count` curves as a file, with the curves' names at their places.
fn document(drawing: &Drawing, count: usize, names: &[(f64, usize, &str)]) -> String {
    let Drawing { marks, width, height, labels } = drawing;
    let mut style = STYLE.to_owned();
    for at in 0..count {
        let colour = COLOURS[at % COLOURS.len()];
        let rule = format!("polyline.s{at}{{stroke:{colour}}}text.s{at}{{fill:{colour}}}");
        style.push_str(&rule);
    }
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\">\n\
         <style>{style}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{marks}\n"
    );
    let mut text = |x: f64, y: i32, class: &str, text: &str| {
        let text = escaped(text);
        writeln!(svg, "<text x=\"{x:.0}\" y=\"{y}\" class=\"{class}\">{text}</text>")
            .expect("a string takes any text");
    };
    for label in labels {
        text(f64::from(label.x), label.y, label.class, &label.text);
    }
    names.iter().for_each(|(x, at, name)| text(*x, 13, &format!("left s{at}"), name));
    svg + "</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_names_and_a_line_through_what_is_finite() {
        let one = Curve::over_index("a<b", [1.0, 3.0, f64::NAN]);
        let other = Curve { name: "c", points: vec![[0.0, 2.0]] };
        let svg = curves("step", "loss & more", &[one, other]);
        for part in [
            ">a&lt;b</text>",
            "class=\"left s1\">c</text>",
            ">loss &amp; more</text>",
            ">step</text>",
        ] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        let line =
            svg.split("class=\"s0\" points=\"").nth(1).and_then(|line| line.split('"').next());
        assert_eq!(line.map(|line| line.split(' ').count()), Some(2), "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn nothing_is_a_chart_as_well() {
        assert!(curves("x", "y", &[]).ends_with("</svg>\n"));
    }
}

//! Charts from numbers alone, as the inside of an SVG element.
//!
//! Colours are chosen by the style of the page, which knows light and dark: a mark carries a class.
//! The plotting library writes colours, so each class is drawn in a colour of its own that is
//! replaced afterwards. Labels come from runs and are put in by the template, which escapes them.

use plotters::{coord::Shift, prelude::*};

use super::curves::Point;

/// Units of the drawing, about half a pixel on a screen.
pub(crate) const WIDTH: u32 = 880;
const HEIGHT: u32 = 460;
/// Room for labels beside the plot.
const LABELS: u32 = 210;
const TEXT: u32 = 24;
/// Distance of labels that must not overlap.
const LINE: i32 = 28;

const GRID: RGBColor = RGBColor(3, 0, 0);
const AXIS: RGBColor = RGBColor(4, 0, 0);

fn line_colour(series: usize) -> RGBColor {
    RGBColor(1, 0, series as u8)
}

fn band_colour(series: usize) -> RGBColor {
    RGBColor(2, 0, series as u8)
}

/// The colour of a level of a heat map.
pub(crate) fn heat_colour(level: u8) -> RGBColor {
    RGBColor(5, 0, level)
}

/// The class that stands for a colour, with its attribute.
fn class(hex: &str) -> String {
    let part = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap_or_default();
    let number = part(4);
    match part(0) {
        1 => format!(" class=\"line s{number}\""),
        2 => format!(" class=\"band s{number}\""),
        3 => " class=\"grid\"".into(),
        5 => format!(" class=\"heat h{number}\""),
        _ => " class=\"axis\"".into(),
    }
}

/// Marks made from numbers, and where labels go.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Drawing {
    /// Elements of SVG.
    pub(crate) marks: String,
    pub(crate) height: u32,
    pub(crate) labels: Vec<Label>,
}

/// Text beside marks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Label {
    pub(crate) x: i32,
    pub(crate) y: i32,
    /// Class of the style.
    pub(crate) class: String,
    pub(crate) text: String,
}

/// One curve of a chart.
pub(crate) struct Line<'a> {
    pub(crate) label: &'a str,
    pub(crate) colour: usize,
    pub(crate) points: &'a [Point],
}

/// Lines with a band from the lowest to the highest run, each labelled at its end.
pub(crate) fn lines(lines: &[Line<'_>]) -> Drawing {
    let points = || lines.iter().flat_map(|line| line.points);
    let steps = padded(points().map(|point| point.step), 0.0);
    let values = padded(points().flat_map(|point| [point.low, point.high]), 0.04);
    let mut labels = Vec::new();
    let marks = draw(HEIGHT, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin_top(16)
            .margin_right(LABELS)
            .x_label_area_size(44)
            .y_label_area_size(96)
            .build_cartesian_2d(steps[0]..steps[1], values[0]..values[1])?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(AXIS)
            .label_style(("sans-serif", TEXT, &AXIS))
            .x_labels(6)
            .y_labels(5)
            .x_label_formatter(&|value| tick(*value))
            .y_label_formatter(&|value| tick(*value))
            .draw()?;
        for line in lines.iter().filter(|line| line.points.iter().any(|p| p.low < p.high)) {
            let up = line.points.iter().map(|point| (point.step, point.high));
            let down = line.points.iter().rev().map(|point| (point.step, point.low));
            let outline: Vec<(f64, f64)> = up.chain(down).collect();
            let style = band_colour(line.colour).filled();
            chart.draw_series([Polygon::new(outline, style)])?;
        }
        for line in lines {
            let means = line.points.iter().map(|point| (point.step, point.mean));
            chart.draw_series(LineSeries::new(means, line_colour(line.colour).stroke_width(4)))?;
            if let Some(end) = line.points.last() {
                // All at the right edge: the end of a short curve is among the others.
                let (x, y) = chart.backend_coord(&(steps[1], end.mean));
                labels.push(Label {
                    x: x + 10,
                    y: y + 8,
                    class: format!("end s{}", line.colour),
                    text: line.label.to_owned(),
                });
            }
        }
        Ok(())
    });
    spread(&mut labels, HEIGHT as i32 - 52);
    Drawing { marks, height: HEIGHT, labels }
}

/// What the runs with one value of a parameter had.
pub(crate) struct Range<'a> {
    pub(crate) label: &'a str,
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// A mean with its range on a line of its own, for each value.
pub(crate) fn ranges(ranges: &[Range<'_>]) -> Drawing {
    let values = padded(ranges.iter().flat_map(|range| [range.low, range.high]), 0.04);
    let height = 64 + 36 * ranges.len() as u32;
    let mut labels = Vec::new();
    let rows = ranges.len() as f64;
    let marks = draw(height, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin_top(8)
            .margin_left(LABELS + 20)
            .margin_right(40)
            .x_label_area_size(44)
            .build_cartesian_2d(values[0]..values[1], rows..0.0)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(AXIS)
            .label_style(("sans-serif", TEXT, &AXIS))
            .x_labels(6)
            .x_label_formatter(&|value| tick(*value))
            .draw()?;
        for (row, range) in ranges.iter().enumerate() {
            let y = row as f64 + 0.5;
            let from_low_to_high = [(range.low, y), (range.high, y)];
            let style = line_colour(0).stroke_width(4);
            chart.draw_series([PathElement::new(from_low_to_high, style)])?;
            chart.draw_series([Circle::new((range.mean, y), 9, line_colour(0).filled())])?;
            labels.push(Label {
                x: LABELS as i32 + 4,
                y: chart.backend_coord(&(values[0], y)).1 + 8,
                class: "left".into(),
                text: range.label.to_owned(),
            });
        }
        Ok(())
    });
    Drawing { marks, height, labels }
}

/// Whatever `marks` draws, without the SVG element around it and with classes for colours.
pub(crate) fn draw(
    height: u32,
    marks: impl FnOnce(
        &DrawingArea<SVGBackend<'_>, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<std::io::Error>>,
) -> String {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        marks(&area).and_then(|()| area.present()).expect("memory takes every mark");
    }
    let inside = svg.split_once('>').map_or("", |(_, inside)| inside);
    let inside = inside.rsplit_once("</svg>").map_or(inside, |(inside, _)| inside);
    with_classes(&inside.replace(" opacity=\"1\"", ""))
}

fn with_classes(svg: &str) -> String {
    let mut text = String::with_capacity(svg.len());
    let mut rest = svg;
    while let Some(at) = rest.find("=\"#") {
        let name = rest[..at].rfind(' ').unwrap_or(at);
        text.push_str(&rest[..name]);
        text.push_str(&class(&rest[at + 3..]));
        rest = &rest[at + 10..];
    }
    text.push_str(rest);
    text
}

/// The range of finite numbers, a little wider; around a single number where they are all the same.
fn padded(values: impl Iterator<Item = f64>, share: f64) -> [f64; 2] {
    let finite = values.filter(|value| value.is_finite());
    let [low, high] = finite.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
        [low.min(value), high.max(value)]
    });
    if low > high {
        return [0.0, 1.0];
    }
    // Half the range each: the difference of the extremes may be infinite.
    let half = high / 2.0 - low / 2.0;
    let room = if half == 0.0 { (low.abs() / 10.0).max(0.5) } else { 2.0 * share * half };
    [(low - room).max(f64::MIN / 4.0), (high + room).min(f64::MAX / 4.0)]
}

/// A number at an axis, at most four digits.
fn tick(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".into()
    } else if (1e-3..1e5).contains(&size) {
        let places = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        let text = format!("{value:.places$}");
        let short = if text.contains('.') { text.trim_end_matches('0') } else { &text };
        short.trim_end_matches('.').to_owned()
    } else {
        format!("{value:.1e}").replace(".0e", "e")
    }
}

/// Moves labels apart, downwards in their order and then up again from the bottom.
fn spread(labels: &mut [Label], bottom: i32) {
    labels.sort_by_key(|label| label.y);
    for at in 1..labels.len() {
        labels[at].y = labels[at].y.max(labels[at - 1].y + LINE);
    }
    let mut limit = bottom;
    for label in labels.iter_mut().rev() {
        label.y = label.y.min(limit);
        limit = label.y - LINE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: f64, mean: f64) -> Point {
        Point { step, mean, low: mean - 1.0, high: mean + 1.0, runs: 3 }
    }

    #[test]
    fn a_line_and_a_band_for_every_curve_and_no_colour_left() {
        let (a, b) = ([point(1.0, 5.0), point(2.0, 6.0)], [point(1.0, 0.0), point(2.0, 6.0)]);
        let drawing = lines(&[
            Line { label: "<a>", colour: 0, points: &a },
            Line { label: "b", colour: 3, points: &b },
        ]);
        for mark in
            ["class=\"line s0\"", "class=\"band s0\"", "class=\"line s3\"", "class=\"grid\""]
        {
            assert!(drawing.marks.contains(mark), "{mark}: {}", drawing.marks);
        }
        assert!(!drawing.marks.contains('#'), "{}", drawing.marks);
        assert!(!drawing.marks.contains("<a>"), "labels are not in the marks");
        assert_eq!(drawing.labels.len(), 2);
        assert!(drawing.labels[1].y - drawing.labels[0].y >= LINE, "{:?}", drawing.labels);
    }

    #[test]
    fn numbers_that_cannot_be_drawn_do_no_harm() {
        for values in [[f64::NAN, f64::INFINITY], [0.0, 0.0], [f64::MIN, f64::MAX], [1e300, 1e-300]]
        {
            let [low, high] = padded(values.into_iter(), 0.04);
            assert!(low < high && (high - low).is_finite(), "{values:?}: {low} {high}");
            let points = values.map(|value| Point { low: value, high: value, ..point(1.0, value) });
            lines(&[Line { label: "", colour: 0, points: &points }]);
        }
        assert!(lines(&[]).labels.is_empty());
    }

    #[test]
    fn ticks_are_short() {
        let texts = [0.0, 0.5, 1.25, 100.0, -0.001, 12345.0, 1e6, 0.1 + 0.2].map(tick);
        assert_eq!(texts, ["0", "0.5", "1.25", "100", "-0.001", "12345", "1e6", "0.3"]);
    }

    #[test]
    fn ranges_stand_below_each_other() {
        let range = |label, mean| Range { label, mean, low: mean - 1.0, high: mean + 1.0 };
        let drawing = ranges(&[range("a", 1.0), range("b", 2.0)]);
        assert_eq!(drawing.marks.matches("<circle").count(), 2);
        assert!(drawing.labels[0].y < drawing.labels[1].y);
    }
}

//! Line charts as SVG and grey pictures as PNG.

use std::fmt::Write;

use experiment::Error;

/// A named curve over 0, 1, 2, ..
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    pub(crate) values: Vec<f64>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const MARGIN: f64 = 56.0;
/// About the width of a letter.
const LETTER: f64 = 7.0;
const COLOURS: [&str; 6] = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf"];

/// A chart of curves over their index.
pub(crate) fn chart(x: &str, y: &str, lines: &[Line<'_>]) -> String {
    let points: Vec<Vec<(f64, f64)>> = lines
        .iter()
        .map(|line| (0u32..).map(f64::from).zip(line.values.iter().copied()).collect())
        .collect();
    let names: Vec<&str> = lines.iter().map(|line| line.name).collect();
    plot(x, y, &names, &points)
}

/// A chart of curves through points; points that are not finite are left out.
pub(crate) fn plot(x: &str, y: &str, names: &[&str], lines: &[Vec<(f64, f64)>]) -> String {
    let finite = || lines.iter().flatten().filter(|(x, y)| x.is_finite() && y.is_finite());
    let (columns, rows) =
        (Ticks::of(finite().map(|point| point.0)), Ticks::of(finite().map(|point| point.1)));
    let ((left, right), (bottom, top)) = (columns.ends(), rows.ends());
    let across = |x: f64| MARGIN + (x - left) / (right - left) * (WIDTH - 2.0 * MARGIN);
    let down = |y: f64| HEIGHT - MARGIN - (y - bottom) / (top - bottom) * (HEIGHT - 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let (w, h) = (WIDTH - MARGIN, HEIGHT - MARGIN);
    let frame = format!("M{MARGIN} {MARGIN}V{h}H{w}");
    let mut put = |text: std::fmt::Arguments<'_>| {
        svg.write_fmt(text).expect("a string takes any text");
        svg.push('\n');
    };
    put(format_args!("<path d=\"{frame}\" fill=\"none\" stroke=\"black\"/>"));
    for (x, label) in columns.labels() {
        let (at, low) = (across(x), h + 16.0);
        put(format_args!("<text x=\"{at:.1}\" y=\"{low}\" text-anchor=\"middle\">{label}</text>"));
    }
    for (y, label) in rows.labels() {
        let (at, side) = (down(y) + 4.0, MARGIN - 6.0);
        put(format_args!("<text x=\"{side}\" y=\"{at:.1}\" text-anchor=\"end\">{label}</text>"));
    }
    let (centre, low, high) = (WIDTH / 2.0, HEIGHT - 14.0, MARGIN - 30.0);
    put(format_args!("<text x=\"{centre}\" y=\"{low}\" text-anchor=\"middle\">{}</text>", safe(x)));
    put(format_args!("<text x=\"{MARGIN}\" y=\"{high}\">{}</text>", safe(y)));
    for (index, (name, line)) in names.iter().zip(lines).enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let mut path = String::new();
        for (x, y) in line.iter().filter(|(x, y)| x.is_finite() && y.is_finite()) {
            write!(path, "{:.1},{:.1} ", across(*x), down(*y)).expect("a string takes any text");
        }
        let path = path.trim_end();
        put(format_args!(
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
        ));
        // Names stand above the frame, where no curve goes.
        let after: usize = names[index + 1..].iter().map(|name| name.len() + 2).sum();
        let at = w - LETTER * after as f64;
        put(format_args!(
            "<text x=\"{at}\" y=\"{high}\" fill=\"{colour}\" text-anchor=\"end\">{}</text>",
            safe(name)
        ));
    }
    svg + "</svg>\n"
}

/// Round numbers along an axis, at even distances around all values.
struct Ticks {
    first: f64,
    step: f64,
    count: usize,
}

impl Ticks {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an axis has few ticks"
    )]
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let ends = (f64::INFINITY, f64::NEG_INFINITY);
        let (low, high) = values.fold(ends, |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = match low < high {
            true => (low, high),
            false if low == high => (low - 0.5, low + 0.5),
            false => (0.0, 1.0),
        };
        let rough = (high - low) / 5.0;
        let unit = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * unit);
        let step = step.into_iter().find(|&step| step >= rough * 0.999).unwrap_or(rough);
        let first = (low / step + 1e-9).floor();
        let count = ((high / step - 1e-9).ceil() - first).max(1.0) as usize + 1;
        Self { first: first * step, step, count }
    }

    fn ends(&self) -> (f64, f64) {
        (self.first, self.first + self.step * (self.count - 1) as f64)
    }

    /// Places and what stands there.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number has few digits"
    )]
    fn labels(&self) -> impl Iterator<Item = (f64, String)> {
        let digits = (-self.step.log10().floor()).clamp(0.0, 12.0) as usize;
        (0..self.count).map(move |tick| {
            let at = self.first + self.step * tick as f64;
            // No minus before zero.
            (at, format!("{:.digits$}", if at.abs() < self.step / 2.0 { 0.0 } else { at }))
        })
    }
}

fn safe(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Squares of `side` by `side` values in a row, each four pixels a value, as a grey PNG; `low` is
/// black and `high` white.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "grey values are clamped, and a picture's sides are small"
)]
pub(crate) fn squares(
    values: &[f64],
    side: usize,
    (low, high): (f64, f64),
) -> Result<Vec<u8>, Error> {
    const ZOOM: usize = 4;
    let count = values.len() / (side * side);
    // A line of white between two squares.
    let (width, height) = ((count * (side + 1)).saturating_sub(1) * ZOOM, side * ZOOM);
    let mut pixels = vec![255; width * height];
    for (at, pixel) in pixels.iter_mut().enumerate() {
        let (row, column) = (at / width / ZOOM, at % width / ZOOM);
        let (square, column) = (column / (side + 1), column % (side + 1));
        if column < side {
            let value = values[(square * side + row) * side + column];
            *pixel = ((value - low) / (high - low) * 255.0).round().clamp(0.0, 255.0) as u8;
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .map_err(|e| Error::other("drawing a picture", e))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_its_names_and_ends_where_the_curves_do() {
        let lines = [Line { name: "a<b", values: vec![1.0, 3.0, f64::NAN] }];
        let svg = chart("step", "loss", &lines);
        assert!(svg.contains(">a&lt;b</text>") && svg.contains(">3.0</text>"), "{svg}");
        assert!(svg.contains("points=\"56.0,344.0 584.0,56.0\""), "{svg}");
    }

    #[test]
    fn ticks_are_round_and_around_all_values() {
        let labels = |values: &[f64]| -> Vec<String> {
            Ticks::of(values.iter().copied()).labels().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(&[0.1179, 0.5225]), ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6"]);
        assert_eq!(labels(&[0.0, 99.0]), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(&[-0.0026, 0.0]), ["-0.003", "-0.002", "-0.001", "0.000"]);
        assert_eq!(labels(&[7.0]), ["6.4", "6.6", "6.8", "7.0", "7.2", "7.4", "7.6"]);
        assert_eq!(labels(&[]).len(), 6);
    }

    #[test]
    fn squares_are_drawn_beside_each_other() {
        let file = squares(&[0.0, 1.0, 0.5, 2.0, 1.0, 1.0, 1.0, 0.0], 2, (0.0, 1.0)).unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(file));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.height), (20, 8));
        let top: Vec<u8> = pixels[..20].iter().step_by(4).copied().collect();
        let bottom: Vec<u8> = pixels[20 * 7..].iter().step_by(4).copied().collect();
        assert_eq!((top, bottom), (vec![0, 255, 255, 255, 255], vec![128, 255, 255, 255, 0]));
    }
}

//! Grey pictures as PNG.

use experiment::Error;

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

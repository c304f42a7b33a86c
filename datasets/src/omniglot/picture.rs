//! The released pictures: PNG files, black on white.

use std::io::Cursor;

use super::SIDE;

/// The values of a square picture, 255 for white, row-major; or what was wanted and found.
pub(super) fn white(png: &[u8]) -> Result<Vec<u8>, (&'static str, String)> {
    let unreadable = |error: png::DecodingError| ("a PNG file", error.to_string());
    let mut decoder = png::Decoder::new(Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(unreadable)?;
    let (width, height) = (reader.info().width, reader.info().height);
    // The upper bound is for memory: the released ones have 105.
    if width != height || !(SIDE..=1024).contains(&(width as usize)) {
        return Err(("a square drawing of at least 28x28", format!("{width}x{height}")));
    }
    let mut pixels = vec![0; reader.output_buffer_size().unwrap_or(0)];
    let frame = reader.next_frame(&mut pixels).map_err(unreadable)?;
    let samples = frame.color_type.samples();
    Ok(pixels[..frame.buffer_size()].iter().step_by(samples).copied().collect())
}

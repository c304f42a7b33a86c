//! Pictures as the page holds them: as they are, or smaller copies.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits,
    codecs::jpeg::JpegEncoder,
};

use super::file::Kind;

/// A picture for the page.
#[derive(Debug, PartialEq)]
pub(super) struct Fitted {
    pub(super) kind: Kind,
    pub(super) bytes: Vec<u8>,
    /// Width and height of the whole picture; none for a drawing, which has no pixels.
    pub(super) size: Option<[u32; 2]>,
    /// Width and height of the copy, where it is a smaller one.
    pub(super) copy: Option<[u32; 2]>,
}

/// Why a picture is not on the page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is one, but too large.
    Large(String),
    /// It cannot be shown by anybody.
    Broken(String),
}

/// Longest side of a copy, the next where it has too many bytes.
const SIDES: [u32; 9] = [1600, 1024, 768, 512, 384, 256, 192, 128, 64];
/// Bytes that decoding may take.
const MEMORY: u64 = 512 << 20;
/// Of 100.
const QUALITY: u8 = 80;

/// The picture itself where it has at most `limit` bytes and 1,600 pixels a side, else a smaller copy
/// that has. Pictures of pixels are decoded, so that what is not whole is known; that takes from
/// `pixels`.
pub(super) fn fit(
    kind: Kind,
    bytes: Vec<u8>,
    limit: u64,
    pixels: &mut u64,
) -> Result<Fitted, Refusal> {
    let length = bytes.len() as u64;
    let Some(format) = kind.format() else {
        check_drawing(&bytes).map_err(|why| Refusal::Broken(why.into()))?;
        if length > limit {
            return Err(Refusal::Large(format!("{} kB", length.div_ceil(1000))));
        }
        return Ok(Fitted { kind, bytes, size: None, copy: None });
    };
    let size = size(&bytes, format).map_err(|error| Refusal::Broken(told(&error)))?;
    let [width, height] = size;
    let large = || Refusal::Large(format!("{width} × {height} pixels"));
    *pixels = pixels.checked_sub(u64::from(width) * u64::from(height)).ok_or_else(large)?;
    let whole = decode(&bytes, format)?;
    if length <= limit && width.max(height) <= SIDES[0] {
        return Ok(Fitted { kind, bytes, size: Some(size), copy: None });
    }
    let is_png = whole.color().has_alpha();
    let fits = |(_, bytes): &(_, Vec<u8>)| bytes.len() as u64 <= limit;
    let (copy, bytes) = copies(&whole, is_png).find(fits).ok_or_else(large)?;
    let kind = if is_png { Kind::Png } else { Kind::Jpeg };
    Ok(Fitted { kind, bytes, size: Some([whole.width(), whole.height()]), copy: Some(copy) })
}

/// Width and height as the header tells them.
fn size(bytes: &[u8], format: ImageFormat) -> Result<[u32; 2], ImageError> {
    let (width, height) = ImageReader::with_format(Cursor::new(bytes), format).into_dimensions()?;
    Ok([width, height])
}

/// The whole picture, upright.
fn decode(bytes: &[u8], format: ImageFormat) -> Result<DynamicImage, Refusal> {
    if format == ImageFormat::Jpeg && !ends(bytes) {
        return Err(Refusal::Broken("it ends before its pixels do".into()));
    }
    let decoded = || -> Result<DynamicImage, ImageError> {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut limits = Limits::default();
        limits.max_alloc = Some(MEMORY);
        reader.limits(limits);
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut picture = DynamicImage::from_decoder(decoder)?;
        picture.apply_orientation(orientation);
        Ok(picture)
    };
    decoded().map_err(|error| match &error {
        ImageError::Limits(_) => Refusal::Large(format!("it takes more than {} MiB", MEMORY >> 20)),
        _ => Refusal::Broken(told(&error)),
    })
}

/// Whether a JPEG has an end after its last scan: decoders fill up what is missing.
fn ends(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|two| two == [0xff, marker]);
    last(0xd9) > last(0xda)
}

fn told(error: &ImageError) -> String {
    format!("it cannot be decoded: {error}")
}

/// What makes an SVG no picture for a page.
fn check_drawing(bytes: &[u8]) -> Result<(), &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no SVG in UTF-8")?;
    if !text.trim_start_matches('\u{feff}').trim_start().starts_with('<') || !text.contains("<svg")
    {
        return Err("it is no SVG");
    }
    // A few of them may stand for any amount of text.
    if text.contains("<!ENTITY") { Err("it defines entities of its own") } else { Ok(()) }
}

/// Ever smaller copies with their sizes; the first is no larger than the picture.
fn copies(whole: &DynamicImage, is_png: bool) -> impl Iterator<Item = ([u32; 2], Vec<u8>)> {
    let longest = whole.width().max(whole.height());
    let above = SIDES.iter().filter(|side| **side >= longest).count();
    // One of the size of the picture itself, where it is within the largest.
    SIDES.into_iter().skip(above.saturating_sub(1)).filter_map(move |side| {
        let small = if longest > side { whole.thumbnail(side, side) } else { whole.clone() };
        Some(([small.width(), small.height()], encode(&small, is_png).ok()?))
    })
}

/// PNG keeps transparency, JPEG is smaller.
fn encode(picture: &DynamicImage, is_png: bool) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    if is_png {
        picture.to_rgba8().write_to(&mut bytes, ImageFormat::Png)?;
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
        picture.to_rgb8().write_with_encoder(encoder)?;
    }
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(picture: &DynamicImage) -> Vec<u8> {
        encode(picture, true).unwrap()
    }

    /// A picture that hardly becomes shorter when it is packed.
    fn noise(side: u32) -> DynamicImage {
        let mut state = 1_u32;
        let pixels = image::RgbImage::from_fn(side, side, |_, _| {
            image::Rgb([0, 1, 2].map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            }))
        });
        pixels.into()
    }

    fn fitted(bytes: Vec<u8>, kind: Kind, limit: u64) -> Result<Fitted, Refusal> {
        fit(kind, bytes, limit, &mut 20_000_000)
    }

    #[test]
    fn what_is_small_stays_as_it_is() {
        let bytes = png(&noise(64));
        let found = fitted(bytes.clone(), Kind::Png, 1 << 20).unwrap();
        assert_eq!((found.bytes == bytes, found.size, found.copy), (true, Some([64; 2]), None));
        let drawing = b" <svg xmlns='x'/>".to_vec();
        assert_eq!(fitted(drawing.clone(), Kind::Svg, 100).unwrap().bytes, drawing);
        let large = fitted(drawing, Kind::Svg, 10);
        assert_eq!(large, Err(Refusal::Large("1 kB".into())));
    }

    #[test]
    fn a_copy_is_smaller_and_keeps_its_shape() {
        let wide = png(&DynamicImage::new_luma8(3200, 100));
        let found = fitted(wide.clone(), Kind::Png, 1 << 20).unwrap();
        // Written with transparency, it is read with it.
        assert_eq!((found.size, found.copy), (Some([3200, 100]), Some([1600, 50])));
        assert_eq!(
            (found.kind, size(&found.bytes, ImageFormat::Png).unwrap()),
            (Kind::Png, [1600, 50])
        );
        assert_eq!(fitted(wide, Kind::Png, 10), Err(Refusal::Large("3200 × 100 pixels".into())));
    }

    #[test]
    fn copies_are_as_large_as_their_bytes_allow() {
        let mut bytes = Cursor::new(Vec::new());
        noise(512).to_rgb8().write_to(&mut bytes, ImageFormat::Png).unwrap();
        let bytes = bytes.into_inner();
        let mut sides = Vec::new();
        for limit in [400_000, 100_000, 10_000] {
            let found = fitted(bytes.clone(), Kind::Png, limit).unwrap();
            assert!(found.bytes.len() as u64 <= limit && found.kind == Kind::Jpeg);
            sides.push(found.copy.unwrap()[0]);
        }
        assert!(sides[0] == 512 && sides.is_sorted_by(|a, b| a > b), "{sides:?}");
    }

    #[test]
    fn what_is_not_whole_is_told() {
        let mut jpeg = encode(&noise(64), false).unwrap();
        assert!(fitted(jpeg.clone(), Kind::Jpeg, 1 << 20).is_ok());
        jpeg.truncate(jpeg.len() / 2);
        let why = |found: Result<Fitted, Refusal>| match found {
            Err(Refusal::Broken(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(why(fitted(jpeg, Kind::Jpeg, 1 << 20)), "it ends before its pixels do");
        let whole = png(&noise(64));
        let half = whole[..whole.len() / 2].to_vec();
        assert!(why(fitted(half, Kind::Png, 1 << 20)).starts_with("it cannot be decoded: "));
        assert!(why(fitted(whole, Kind::Jpeg, 1 << 20)).starts_with("it cannot be decoded: "));
        assert_eq!(why(fitted(b"\xff<svg/>".to_vec(), Kind::Svg, 99)), "it is no SVG in UTF-8");
        assert_eq!(why(fitted(b"text".to_vec(), Kind::Svg, 99)), "it is no SVG");
        let bomb = b"<!DOCTYPE x [<!ENTITY a \"b\">]><svg/>".to_vec();
        assert_eq!(why(fitted(bomb, Kind::Svg, 99)), "it defines entities of its own");
    }

    #[test]
    fn only_so_many_pixels_are_decoded() {
        let (bytes, mut pixels) = (png(&noise(64)), 5000);
        assert!(fit(Kind::Png, bytes.clone(), 1 << 20, &mut pixels).is_ok());
        let second = fit(Kind::Png, bytes, 1 << 20, &mut pixels);
        assert_eq!(second, Err(Refusal::Large("64 × 64 pixels".into())));
        assert_eq!(pixels, 5000 - 64 * 64);
    }
}

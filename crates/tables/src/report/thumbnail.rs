//! Smaller copies of pictures.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader, Limits};

/// A smaller copy.
#[derive(Debug, PartialEq)]
pub(super) struct Thumbnail {
    pub(super) bytes: Vec<u8>,
    /// Whether it is PNG, which keeps transparency; otherwise it is JPEG.
    pub(super) is_png: bool,
    pub(super) size: [u32; 2],
}

/// Longest side of a copy, the next where it has too many bytes.
const SIDES: [u32; 3] = [1600, 800, 400];
/// Bytes that decoding may take.
const MEMORY: u64 = 512 << 20;

/// Width and height of a picture; none where the bytes are of another format.
pub(super) fn size(bytes: &[u8], format: ImageFormat) -> Option<[u32; 2]> {
    let (width, height) =
        ImageReader::with_format(Cursor::new(bytes), format).into_dimensions().ok()?;
    Some([width, height])
}

/// A copy of at most `limit` bytes; none where the picture cannot be decoded.
pub(super) fn thumbnail(bytes: &[u8], format: ImageFormat, limit: u64) -> Option<Thumbnail> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let whole = reader.decode().ok()?;
    let is_png = whole.color().has_alpha();
    let written = |side: u32| {
        let small = if whole.width().max(whole.height()) > side {
            whole.thumbnail(side, side)
        } else {
            whole.clone()
        };
        let size = [small.width(), small.height()];
        Some(Thumbnail { bytes: encode(&small, is_png)?, is_png, size })
    };
    let fits = |copy: &Thumbnail| copy.bytes.len() as u64 <= limit;
    SIDES.into_iter().filter_map(written).find(fits)
}

fn encode(picture: &DynamicImage, is_png: bool) -> Option<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    if is_png {
        picture.to_rgba8().write_to(&mut bytes, ImageFormat::Png).ok()?;
    } else {
        picture.to_rgb8().write_to(&mut bytes, ImageFormat::Jpeg).ok()?;
    }
    Some(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(picture: &DynamicImage) -> Vec<u8> {
        encode(picture, true).unwrap()
    }

    #[test]
    fn a_copy_is_smaller_and_keeps_its_shape() {
        let wide = png(&DynamicImage::new_luma8(3200, 100));
        assert_eq!(size(&wide, ImageFormat::Png), Some([3200, 100]));
        let copy = thumbnail(&wide, ImageFormat::Png, 1 << 20).unwrap();
        // Written with transparency, it is read with it.
        assert_eq!((copy.size, copy.is_png), ([1600, 50], true));
        assert_eq!(size(&copy.bytes, ImageFormat::Png), Some([1600, 50]));
        assert_eq!(thumbnail(&wide, ImageFormat::Png, 10), None);
        assert_eq!(thumbnail(&wide[..200], ImageFormat::Png, 1 << 20), None);
        assert_eq!(size(b"no picture", ImageFormat::Png), None);
    }
}

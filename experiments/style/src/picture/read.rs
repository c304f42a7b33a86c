//! Files of pictures, from anybody: within limits of bytes, pixels and memory.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::{LARGEST, Picture, SMALLEST};

/// Bytes of a file.
const BYTES: u64 = 256 << 20;
/// Longest side, in pixels.
const SIDE: u32 = 20_000;
/// Pixels; a pixel takes up to 36 bytes while a picture is read.
const PIXELS: u64 = 40_000_000;
/// Bytes that decoding may take.
const MEMORY: u64 = 512 << 20;

/// Why a file is no picture for us.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The file cannot be read.
    #[error("{path}: wanted a picture, found {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is there instead.
        what: String,
    },
    /// The file is in none of the formats.
    #[error("{path}: wanted a picture in PNG, JPEG or WebP, found {found}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: String,
    },
    /// Too large a file, or too large a picture.
    #[error("{path}: wanted {wanted}, found {found}")]
    Limit {
        /// The file.
        path: PathBuf,
        /// The limit.
        wanted: String,
        /// What is beyond it.
        found: String,
    },
    /// The file ends early or contradicts itself.
    #[error("{path}: wanted a whole picture, found a broken one: {why}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Reads a picture: PNG, JPEG or WebP by its content; upright by its EXIF orientation, in RGB, over
/// white where it is transparent.
///
/// # Errors
/// [`PictureError`]; the memory that a file can make this take is bounded by 1.5 GiB.
pub(crate) fn read(path: &Path) -> Result<Picture, PictureError> {
    let bytes = bytes(path)?;
    let picture = decode(path, &bytes)?;
    Ok(Picture::from_rgb(&over_white(picture)))
}

fn bytes(path: &Path) -> Result<Vec<u8>, PictureError> {
    let fail = |what: String| PictureError::File { path: path.into(), what };
    let unreadable = |error: io::Error| fail(error.to_string());
    let found = std::fs::metadata(path).map_err(unreadable)?;
    if found.is_dir() {
        return Err(fail("a folder".into()));
    }
    if !found.is_file() {
        return Err(fail("neither file nor folder".into()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > BYTES {
        let (wanted, found) = (format!("at most {} MiB", BYTES >> 20), "more".into());
        return Err(PictureError::Limit { path: path.into(), wanted, found });
    }
    Ok(bytes)
}

fn decode(path: &Path, bytes: &[u8]) -> Result<DynamicImage, PictureError> {
    let path: PathBuf = path.into();
    let format = match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) => format,
        Ok(other) => return Err(PictureError::Format { path, found: format!("{other:?}") }),
        Err(_) if bytes.is_empty() => {
            return Err(PictureError::Format { path, found: "an empty file".into() });
        }
        Err(_) => return Err(PictureError::Format { path, found: "another file".into() }),
    };
    if format == ImageFormat::Jpeg && !ends(bytes) {
        let why = "it ends before its pixels do".into();
        return Err(PictureError::Broken { path, why });
    }
    let (width, height) = ImageReader::with_format(Cursor::new(bytes), format)
        .into_dimensions()
        .map_err(|error| told(&path, &error))?;
    let shorter = width.min(height);
    if width.max(height) > SIDE || u64::from(width) * u64::from(height) > PIXELS {
        let wanted = format!("at most {SIDE} pixels a side and {PIXELS} in all");
        return Err(PictureError::Limit { path, wanted, found: format!("{width} x {height}") });
    }
    if shorter == 0 {
        return Err(PictureError::Broken { path, why: "it has no pixels".into() });
    }
    upright(bytes, format).map_err(|error| told(&path, &error))
}

fn upright(bytes: &[u8], format: ImageFormat) -> Result<DynamicImage, ImageError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn told(path: &Path, error: &ImageError) -> PictureError {
    let path = path.into();
    match error {
        ImageError::Limits(_) => {
            let wanted = format!("a picture that is decoded in {} MiB", MEMORY >> 20);
            PictureError::Limit { path, wanted, found: "one that takes more".into() }
        }
        _ => PictureError::Broken { path, why: error.to_string() },
    }
}

/// Whether a JPEG has an end after its last scan: decoders fill up what is missing.
fn ends(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|two| two == [0xff, marker]);
    last(0xd9) > last(0xda)
}

/// Without transparency, values from 0 to 1.
fn over_white(picture: DynamicImage) -> image::Rgb32FImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb32f();
    }
    let whole = picture.into_rgba32f();
    image::Rgb32FImage::from_fn(whole.width(), whole.height(), |x, y| {
        let image::Rgba([red, green, blue, alpha]) = *whole.get_pixel(x, y);
        image::Rgb([red, green, blue].map(|value| value * alpha + 1.0 - alpha))
    })
}

const _: () = assert!(SMALLEST < LARGEST && LARGEST < SIDE as usize);

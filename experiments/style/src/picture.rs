//! Pictures: red, green and blue from 0 to 255, their size, and files of them.

mod read;

use std::io::Cursor;

use experiment::Error;
use image::{DynamicImage, ImageFormat, Rgb32FImage, RgbImage, imageops};

pub use read::PictureError;
pub(crate) use read::read;

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Pixels a column, pixels a row.
    pub size: [usize; 2],
    /// Three planes, red, green and blue, from 0 to 255, row by row.
    pub planes: Vec<f32>,
}

/// Smallest side of a picture that a network can look at: four poolings leave a pixel of it.
pub(crate) const SMALLEST: usize = 16;
/// Largest side.
pub(crate) const LARGEST: usize = 8192;

impl Picture {
    /// A picture of `[height, width]` by a function of channel, row and column.
    pub fn of(size: [usize; 2], value: impl Fn(usize, usize, usize) -> f32) -> Self {
        let [height, width] = size;
        let mut planes = Vec::with_capacity(3 * height * width);
        for channel in 0..3 {
            for row in 0..height {
                planes.extend((0..width).map(|column| value(channel, row, column)));
            }
        }
        Self { size, planes }
    }

    /// Pixels.
    pub fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Values of a pixel, which is counted row by row.
    pub fn pixel(&self, at: usize) -> [f32; 3] {
        [0, 1, 2].map(|channel| self.planes[channel * self.pixels() + at])
    }

    /// The same picture with every pixel changed.
    #[must_use]
    pub fn map(&self, change: impl Fn([f32; 3]) -> [f32; 3]) -> Self {
        let pixels = self.pixels();
        let mut planes = vec![0.0; 3 * pixels];
        for at in 0..pixels {
            for (channel, value) in change(self.pixel(at)).into_iter().enumerate() {
                planes[channel * pixels + at] = value;
            }
        }
        Self { size: self.size, planes }
    }

    /// Height and width with a longer side of `side` and the same proportions, no side below 16.
    pub fn fitted(&self, side: usize) -> [usize; 2] {
        let longer = self.size[0].max(self.size[1]);
        self.size.map(|extent| ((extent * side + longer / 2) / longer).max(SMALLEST))
    }

    /// The picture at another size, by Catmull and Rom's cubic; what becomes smaller is averaged.
    #[must_use]
    pub fn resized(&self, size: [usize; 2]) -> Self {
        if size == self.size {
            return self.clone();
        }
        let [height, width] = self.size.map(extent);
        let whole = Rgb32FImage::from_fn(width, height, |x, y| {
            image::Rgb(self.pixel((y * width + x) as usize).map(|value| value / 255.0))
        });
        let [height, width] = size.map(extent);
        let found = imageops::resize(&whole, width, height, imageops::FilterType::CatmullRom);
        Self::from_rgb(&found)
    }

    /// Values from 0 to 1 as they lie in an image of the `image` crate.
    fn from_rgb(image: &Rgb32FImage) -> Self {
        let size = [image.height() as usize, image.width() as usize];
        let values = image.as_raw();
        let plane = |channel: usize| values.iter().skip(channel).step_by(3);
        let planes = (0..3).flat_map(plane).map(|value| 255.0 * value.clamp(0.0, 1.0));
        Self { size, planes: planes.collect() }
    }

    /// A file in the format of a name: PNG, JPEG, or what `image` can write; PNG without an ending.
    ///
    /// # Errors
    /// A format that cannot be written.
    pub fn to_file(&self, name: &std::path::Path) -> Result<Vec<u8>, Error> {
        let format = format_of(name)?;
        let [height, width] = self.size.map(extent);
        let image = RgbImage::from_fn(width, height, |x, y| {
            image::Rgb(self.pixel((y * width + x) as usize).map(byte))
        });
        let mut file = Cursor::new(Vec::new());
        let written = DynamicImage::from(image).write_to(&mut file, format);
        written.map_err(|e| Error::other(format!("writing {}", name.display()), e))?;
        Ok(file.into_inner())
    }
}

/// The format in which a file of this name is written.
///
/// # Errors
/// An ending that stands for none.
pub(crate) fn format_of(name: &std::path::Path) -> Result<ImageFormat, Error> {
    let Some(ending) = name.extension() else { return Ok(ImageFormat::Png) };
    match ImageFormat::from_extension(ending) {
        Some(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) => Ok(format),
        _ => {
            let found = format!("wanted a name that ends in .png, .jpg or .webp, found {name:?}");
            Err(Error::other("writing a picture", found))
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "no side is above the largest that is read")]
fn extent(side: usize) -> u32 {
    side as u32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a value from 0 to 255"
)]
fn byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests;

//! Files of pictures of every kind.

mod hostile;

use std::path::{Path, PathBuf};

use super::*;

fn kept(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// A picture of 40 x 24 with a slope in each colour.
fn slope() -> Picture {
    Picture::of([24, 40], |channel, row, column| (60 * channel + row + 2 * column) as f32)
}

#[test]
fn what_is_written_is_read() {
    for (name, off) in [("a.png", 0.0), ("a.webp", 0.0), ("a.jpg", 12.0)] {
        let (_folder, path) = kept(name, &slope().to_file(Path::new(name)).unwrap());
        let found = read(&path).unwrap();
        assert_eq!(found.size, [24, 40]);
        let wanted = slope().planes;
        let far = found.planes.iter().zip(&wanted).map(|(a, b)| (a - b).abs());
        let far = far.fold(0.0, f32::max);
        assert!(far <= off + 1e-3, "{name}: {far}");
    }
}

/// The picture of an image that was written as a file of some format.
fn written(image: &DynamicImage, format: ImageFormat) -> Picture {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    let (_folder, path) = kept("a", file.get_ref());
    read(&path).unwrap()
}

/// Whether every pixel is near a colour.
fn is_all(picture: &Picture, colour: [f32; 3], off: f32) -> bool {
    let near = |at| picture.pixel(at).iter().zip(colour).all(|(a, b)| (a - b).abs() <= off);
    (0..picture.pixels()).all(near)
}

#[test]
fn colours_of_every_depth_are_read() {
    use image::{GrayAlphaImage, GrayImage, ImageBuffer, Luma, LumaA, Rgb, Rgba};
    let png = ImageFormat::Png;
    let deep = ImageBuffer::from_pixel(3, 2, Luma([0x8080u16]));
    assert!(is_all(&written(&DynamicImage::ImageLuma16(deep), png), [128.0; 3], 0.01));
    let deep = ImageBuffer::from_pixel(3, 2, Rgb([0x1010u16, 0x8080, 0xffff]));
    let found = written(&DynamicImage::ImageRgb16(deep), png);
    assert!(is_all(&found, [16.0, 128.0, 255.0], 0.01), "{:?}", found.planes);
    let deep = ImageBuffer::from_pixel(3, 2, Rgba([0u16, 0, 0xffff, 0x8000]));
    let found = written(&DynamicImage::ImageRgba16(deep), png);
    assert!(is_all(&found, [127.5, 127.5, 255.0], 0.01), "{:?}", found.planes);
    let grey = DynamicImage::from(GrayImage::from_pixel(9, 8, Luma([77])));
    for (format, off) in [(png, 0.0), (ImageFormat::WebP, 0.0), (ImageFormat::Jpeg, 1.5)] {
        assert!(is_all(&written(&grey, format), [77.0; 3], off + 1e-3), "{format:?}");
    }
    let glass = GrayAlphaImage::from_pixel(3, 2, LumaA([0, 51]));
    assert!(is_all(&written(&glass.into(), png), [204.0; 3], 0.01));
}

#[test]
fn what_is_clear_is_laid_over_white() {
    let clear = image::RgbaImage::from_pixel(3, 2, image::Rgba([100, 0, 0, 0]));
    let half = image::RgbaImage::from_pixel(3, 2, image::Rgba([0, 0, 0, 51]));
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        assert!(is_all(&written(&clear.clone().into(), format), [255.0; 3], 0.0));
        assert!(is_all(&written(&half.clone().into(), format), [204.0; 3], 0.01));
    }
}

#[test]
fn a_jpeg_of_printing_colours_is_read() {
    // Squares of cyan, magenta, black at four fifths, and (0.2, 0.4, 0, 0.2).
    let (_folder, path) = kept("a", include_bytes!("fixtures/cmyk.jpg"));
    let found = read(&path).unwrap();
    assert_eq!(found.size, [16, 64]);
    let wanted: [[f32; 3]; 4] =
        [[0.0, 255.0, 255.0], [255.0, 0.0, 255.0], [51.0; 3], [163.2, 122.4, 204.0]];
    for (square, wanted) in wanted.into_iter().enumerate() {
        let pixel = found.pixel(8 * 64 + 16 * square + 8);
        let near = pixel.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 4.0);
        assert!(near, "square {square}: {pixel:?}, not {wanted:?}");
    }
}

#[test]
fn a_lossy_webp_is_read() {
    let (_folder, path) = kept("a", include_bytes!("fixtures/lossy.webp"));
    let found = read(&path).unwrap();
    assert_eq!(found.size, [16, 32]);
    for (column, wanted) in [(8, [200.0, 40.0, 40.0]), (24, [40.0, 60.0, 180.0])] {
        let pixel = found.pixel(8 * 32 + column);
        assert!(pixel.iter().zip(wanted).all(|(a, b): (_, f32)| (a - b).abs() < 6.0), "{pixel:?}");
    }
}

/// A segment of EXIF that has an orientation alone.
fn exif(orientation: u8) -> Vec<u8> {
    // One entry: number 0x0112, one value of 16 bits. No other list.
    let entry = [1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
    [b"MM\0*\0\0\0\x08\0", &entry[..]].concat()
}

#[test]
fn pictures_are_turned_upright() {
    let whole = slope().to_file(Path::new("a.jpg")).unwrap();
    // Where the first pixel of the file is when it is upright, by [row, column].
    for (orientation, size, first) in [
        (1, [24, 40], [0, 0]),
        (2, [24, 40], [0, 39]),
        (3, [24, 40], [23, 39]),
        (4, [24, 40], [23, 0]),
        (5, [40, 24], [0, 0]),
        (6, [40, 24], [0, 23]),
        (7, [40, 24], [39, 23]),
        (8, [40, 24], [39, 0]),
    ] {
        let data = [b"Exif\0\0", &*exif(orientation)].concat();
        let len = (data.len() as u16 + 2).to_be_bytes();
        let file = [&whole[..2], &[0xff, 0xe1], &len, &data, &whole[2..]].concat();
        let (_folder, path) = kept("a.jpg", &file);
        let found = read(&path).unwrap();
        assert_eq!(found.size, size, "orientation {orientation}");
        // The slope is lowest in its first pixel.
        let pixels = found.planes[..found.pixels()].iter().enumerate();
        let (at, _) = pixels.min_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        let apart = |a: usize, b: usize| a.abs_diff(b) <= 1;
        let [row, column] = [at / size[1], at % size[1]];
        assert!(apart(row, first[0]) && apart(column, first[1]), "{orientation}: {row}, {column}");
    }
}

#[test]
fn a_picture_of_one_pixel_is_read_and_enlarged() {
    let one = image::RgbImage::from_pixel(1, 1, image::Rgb([10, 20, 30]));
    let found = written(&one.into(), ImageFormat::Png);
    assert_eq!((found.size, found.fitted(96)), ([1, 1], [96, 96]));
    assert!(is_all(&found.resized([96, 96]), [10.0, 20.0, 30.0], 1e-3));
    let line = image::RgbImage::from_pixel(400, 1, image::Rgb([10, 20, 30]));
    let found = written(&line.into(), ImageFormat::Png);
    assert_eq!(found.fitted(96), [16, 96]);
    assert!(is_all(&found.resized([16, 96]), [10.0, 20.0, 30.0], 1e-3));
}

#[test]
fn sizes_keep_proportions() {
    let wide = Picture::of([300, 451], |_, _, _| 50.0);
    assert_eq!(wide.fitted(256), [170, 256]);
    assert_eq!(Picture::of([10, 1000], |_, _, _| 0.0).fitted(100), [16, 100]);
    let small = wide.resized([30, 45]);
    assert!(small.planes.iter().all(|value| (value - 50.0).abs() < 1e-2));
}

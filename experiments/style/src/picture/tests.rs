//! Files of pictures: of every kind, and hostile ones.

use std::io::Write;
use std::path::PathBuf;

use std::path::Path;

use super::*;

fn kept(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn told(bytes: &[u8]) -> String {
    let (_folder, path) = kept("picture", bytes);
    read(&path).unwrap_err().to_string()
}

/// A picture of 40 x 24 with a slope in each colour.
fn slope() -> Picture {
    Picture::of([24, 40], |channel, row, column| (60 * channel + row + 2 * column) as f32)
}

/// A PNG by its header and chunks, with sums.
fn png(width: u32, height: u32, chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in std::iter::once((b"IHDR", &*header)).chain(chunks.iter().copied()) {
        let mut sum = u32::MAX;
        for byte in name.iter().chain(data) {
            sum ^= u32::from(*byte);
            (0..8).for_each(|_| sum = sum >> 1 ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 });
        }
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(name.iter().chain(data));
        file.extend((!sum).to_be_bytes());
    }
    file
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

#[test]
fn grey_alpha_and_sixteen_bits_are_read() {
    let written = |image: DynamicImage| {
        let mut file = Cursor::new(Vec::new());
        image.write_to(&mut file, ImageFormat::Png).unwrap();
        let (_folder, path) = kept("a", file.get_ref());
        read(&path).unwrap()
    };
    let deep = image::ImageBuffer::from_pixel(3, 2, image::Luma([0x8080u16]));
    let found = written(DynamicImage::ImageLuma16(deep));
    assert!(found.planes.iter().all(|value| (value - 128.0).abs() < 0.01), "{:?}", found.planes);
    let clear = image::RgbaImage::from_pixel(3, 2, image::Rgba([100, 0, 0, 0]));
    assert!(written(clear.into()).planes.iter().all(|value| *value == 255.0));
    let half = image::RgbaImage::from_pixel(3, 2, image::Rgba([0, 0, 0, 51]));
    assert!(written(half.into()).planes.iter().all(|value| (value - 204.0).abs() < 0.01));
}

#[test]
fn a_jpeg_that_ends_early_is_broken() {
    let whole = slope().to_file(Path::new("a.jpg")).unwrap();
    for end in [whole.len() - 2, whole.len() / 2, 20, 3] {
        let error = told(&whole[..end]);
        assert!(error.contains("wanted a whole picture, found a broken one"), "{end}: {error}");
    }
    let whole = slope().to_file(Path::new("a.png")).unwrap();
    assert!(told(&whole[..whole.len() / 2]).contains("found a broken one"));
}

#[test]
fn huge_headers_and_bombs_are_refused() {
    let error = told(&png(50_000, 50_000, &[(b"IDAT", &[]), (b"IEND", &[])]));
    assert!(error.contains("wanted at most 20000 pixels a side"), "{error}");
    assert!(error.ends_with("found 50000 x 50000"), "{error}");
    // A profile and pixels of 768 MiB of zeros, more than decoding may take.
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    (0..768).for_each(|_| encoder.write_all(&vec![0; 1 << 20]).unwrap());
    let zeros = encoder.finish().unwrap();
    let profile = [b"bomb\0\0", &*zeros].concat();
    let bomb = png(2, 2, &[(b"iCCP", &profile), (b"IDAT", &zeros), (b"IEND", &[])]);
    let (_folder, path) = kept("a", &bomb);
    // Whether the decoder calls it broken or takes the four pixels, memory is bounded.
    if let Ok(found) = read(&path) {
        assert_eq!(found.size, [2, 2]);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 700_000, "{kilobytes} kB");
}

#[test]
fn what_is_no_picture_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = read(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("wanted a picture, found a folder"), "{error}");
    let error = read(&folder.path().join("none.png")).unwrap_err().to_string();
    assert!(error.contains("none.png: wanted a picture, found No such file"), "{error}");
    assert!(told(b"").ends_with("found an empty file"));
    assert!(told(b"hello, world").ends_with("found another file"));
    assert!(told(b"GIF89a\0\0\0\0").ends_with("found Gif"));
}

#[test]
fn sizes_keep_proportions() {
    let wide = Picture::of([300, 451], |_, _, _| 50.0);
    assert_eq!(wide.fitted(256), [170, 256]);
    assert_eq!(Picture::of([10, 1000], |_, _, _| 0.0).fitted(100), [16, 100]);
    let small = wide.resized([30, 45]);
    assert!(small.planes.iter().all(|value| (value - 50.0).abs() < 1e-2));
}

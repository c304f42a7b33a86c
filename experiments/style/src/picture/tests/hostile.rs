//! Files that are no pictures, or more than one wants to have.

use std::io::Write;

use super::*;

fn told(bytes: &[u8]) -> String {
    let (_folder, path) = kept("picture", bytes);
    read(&path).unwrap_err().to_string()
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

//! Samples in NIST's SPHERE files, as released, and in RIFF files that others made of them.

use crate::mismatch::Mismatch;

/// The samples of a file with 16,000 of 16 bits a second on one channel.
pub(super) fn samples(file: &str, bytes: &[u8]) -> Result<Vec<i16>, Mismatch> {
    match bytes {
        [b'N', b'I', b'S', b'T', b'_', b'1', b'A', b'\n', ..] => sphere(file, bytes),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', chunks @ ..] => {
            riff(file, chunks)
        }
        _ => {
            let found = format!("{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(8)]));
            Err(Mismatch::new(file, "a file of SPHERE or RIFF", found))
        }
    }
}

/// A header of lines `name -type value` in as many bytes as its second line says, then the samples.
fn sphere(file: &str, bytes: &[u8]) -> Result<Vec<i16>, Mismatch> {
    let wrong = |wanted: &str, found: &str| Mismatch::new(file, wanted, found);
    let length = bytes.get(8..16).and_then(|line| std::str::from_utf8(line).ok());
    let length: usize = length
        .and_then(|line| line.trim().parse().ok())
        .filter(|&length| length <= bytes.len())
        .ok_or_else(|| wrong("the length of the header in line 2", "another"))?;
    let header = String::from_utf8_lossy(&bytes[..length]);
    let value = |name: &str| {
        let mut lines = header.lines().map(|line| line.split_whitespace());
        lines.find_map(|mut words| words.next().filter(|of| *of == name).and(words.nth(1)))
    };
    let expect = |name: &str, wanted: &str| match value(name) {
        Some(found) if found == wanted => Ok(()),
        found => Err(wrong(&format!("{name} {wanted}"), found.unwrap_or("none"))),
    };
    expect("sample_rate", "16000")?;
    expect("channel_count", "1")?;
    expect("sample_n_bytes", "2")?;
    let coding = value("sample_coding").unwrap_or("pcm");
    if coding != "pcm" {
        return Err(wrong("samples that are not compressed (w_decode -o pcm)", coding));
    }
    let count: usize = value("sample_count").and_then(|count| count.parse().ok()).unwrap_or(0);
    let (pairs, _) = bytes[length..].as_chunks::<2>();
    if count == 0 || pairs.len() < count {
        return Err(wrong(&format!("{count} samples"), &pairs.len().to_string()));
    }
    let read = match value("sample_byte_format") {
        Some("10") => i16::from_be_bytes,
        _ => i16::from_le_bytes,
    };
    Ok(pairs[..count].iter().map(|pair| read(*pair)).collect())
}

/// Chunks of a name, a length and as many bytes, padded to an even number.
fn riff(file: &str, mut chunks: &[u8]) -> Result<Vec<i16>, Mismatch> {
    let mut is_known = false;
    while let Some((head, rest)) = chunks.split_first_chunk::<8>() {
        let (name, length) = head.split_at(4);
        let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        let content = &rest[..length.min(rest.len())];
        match (name, content) {
            // Format 1 is PCM; then channels, samples a second, bytes a second, bytes a frame, bits.
            (b"fmt ", &[1, 0, 1, 0, 0x80, 0x3e, 0, 0, _, _, _, _, 2, 0, 16, 0, ..]) => {
                is_known = true;
            }
            (b"data", samples) if is_known => {
                let (pairs, _) = samples.as_chunks::<2>();
                return Ok(pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect());
            }
            (b"fmt " | b"data", _) => break,
            _ => {}
        }
        chunks = rest.get(length.next_multiple_of(2)..).unwrap_or_default();
    }
    Err(Mismatch::new(file, "16,000 samples of 16 bits a second on one channel", "others"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(lines: &str) -> Vec<u8> {
        let mut bytes = format!("NIST_1A\n   1024\n{lines}end_head\n").into_bytes();
        bytes.resize(1024, 0);
        bytes
    }

    const LINES: &str = "sample_count -i 2\nsample_rate -i 16000\nchannel_count -i 1\n\
                         sample_n_bytes -i 2\nsample_byte_format -s2 10\n";

    #[test]
    fn both_forms_are_read() {
        let sphere = [&header(LINES)[..], &[1, 0, 255, 254]].concat();
        assert_eq!(samples("x", &sphere).unwrap(), [256, -2]);
        let mut riff =
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0"
                .to_vec();
        riff.extend(b"LIST\x01\0\0\0a\0data\x04\0\0\0\x01\0\xff\xff");
        assert_eq!(samples("x", &riff).unwrap(), [1, -1]);
    }

    #[test]
    fn other_forms_are_named() {
        let told = |bytes: &[u8]| samples("x", bytes).unwrap_err().to_string();
        assert_eq!(told(b"OggS"), "x: wanted a file of SPHERE or RIFF, found \"OggS\"");
        let slow = header(&LINES.replace("16000", "8000"));
        assert_eq!(told(&slow), "x: wanted sample_rate 16000, found 8000");
        let packed = header(&format!("{LINES}sample_coding -s25 pcm,embedded-shorten-v2.00\n"));
        assert!(told(&packed).starts_with("x: wanted samples that are not compressed"));
        assert_eq!(told(&header(LINES)), "x: wanted 2 samples, found 0");
        assert!(told(b"RIFF\0\0\0\0WAVEdata\x02\0\0\0ab").ends_with("found others"));
    }
}

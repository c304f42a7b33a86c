//! The checkpoint file of a run: a header that says what it is, then the experiment's bytes.

use std::fs;
use std::io;
use std::path::Path;

use super::publish;

const MAGIC: [u8; 8] = *b"rgm-ckp1";
const HEADER: usize = 28;

/// A whole checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub attempt: u32,
    pub number: u32,
    pub bytes: Vec<u8>,
}

/// Magic, attempt, number, CRC-32 of all the rest, length; integers little-endian.
fn header(attempt: u32, number: u32, bytes: &[u8]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&attempt.to_le_bytes());
    header[12..16].copy_from_slice(&number.to_le_bytes());
    header[20..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&header);
    crc.update(bytes);
    header[16..20].copy_from_slice(&crc.finalize().to_le_bytes());
    header
}

/// Replaces the checkpoint; the earlier one stays until the new one is on the disk.
pub(crate) fn save(path: &Path, attempt: u32, number: u32, bytes: &[u8]) -> io::Result<()> {
    publish::replace(path, &[&header(attempt, number, bytes), bytes])
}

/// Reads the checkpoint; `None` when there is none or it is damaged.
pub(crate) fn load(path: &Path) -> io::Result<Option<Saved>> {
    let file = match fs::read(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let saved = parse(&file);
    if saved.is_none() {
        tracing::warn!(path = %path.display(), "checkpoint is damaged; the run begins anew");
    }
    Ok(saved)
}

fn parse(file: &[u8]) -> Option<Saved> {
    let (head, bytes) = file.split_at_checked(HEADER)?;
    let number_at = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let (attempt, number) = (number_at(8)?, number_at(12)?);
    (header(attempt, number, bytes) == *head).then(|| Saved {
        attempt,
        number,
        bytes: bytes.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_checkpoint_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint");
        assert_eq!(load(&path).unwrap(), None);
        save(&path, 1, 1, b"one").unwrap();
        save(&path, 3, 2, b"two").unwrap();
        let two = Saved { attempt: 3, number: 2, bytes: b"two".to_vec() };
        assert_eq!(load(&path).unwrap(), Some(two));
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_noticed() {
        let whole = [&header(7, 9, b"weights")[..], b"weights"].concat();
        assert!(parse(&whole).is_some());
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 4;
            assert_eq!(parse(&flipped), None, "byte {at}");
            assert_eq!(parse(&whole[..at]), None, "cut to {at}");
        }
    }
}

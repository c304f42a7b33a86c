//! The bytes of a segment.
//!
//! ```text
//! segment  "regimen journal\n"  version:u32  frame*
//! frame    "\xF7rgF"  length:u32  crc:u32  payload          (little-endian; crc over length and payload)
//! payload  sequence:u64  event                              (the event as MessagePack with named fields)
//! ```
//!
//! The marker lets a reader find the next whole frame after damaged bytes.

use crate::{Error, Event};

pub(crate) const MAGIC: &[u8; 16] = b"regimen journal\n";
pub(crate) const VERSION: u32 = 1;
pub(crate) const HEADER: usize = MAGIC.len() + 4;

const MARKER: [u8; 4] = *b"\xF7rgF";
const PREFIX: usize = 12;

/// The first bytes of a segment.
pub(crate) fn header() -> Vec<u8> {
    [MAGIC.as_slice(), &VERSION.to_le_bytes()].concat()
}

/// One frame.
pub(crate) fn encode(sequence: u64, event: &Event) -> Result<Vec<u8>, Error> {
    let mut frame = vec![0; PREFIX];
    frame.extend(sequence.to_le_bytes());
    rmp_serde::encode::write_named(&mut frame, event).map_err(|e| Error::Encode(e.to_string()))?;
    let length = u32::try_from(frame.len() - PREFIX).map_err(|e| Error::Encode(e.to_string()))?;
    frame[..4].copy_from_slice(&MARKER);
    frame[4..8].copy_from_slice(&length.to_le_bytes());
    let sum = checksum(length, &frame[PREFIX..]);
    frame[8..PREFIX].copy_from_slice(&sum.to_le_bytes());
    Ok(frame)
}

fn checksum(length: u32, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// A piece of a segment.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece {
    /// A whole frame.
    Event(u64, Event),
    /// A whole frame whose event this version does not know.
    Unknown(String),
    /// Damaged bytes before the next whole frame.
    Damaged,
    /// Bytes at the end that are no whole frame, as a write that was cut off leaves them.
    Torn,
}

/// The piece that begins at `at`, and where it ends; `None` at the end.
pub(crate) fn next(bytes: &[u8], at: usize) -> Option<(Piece, usize)> {
    if at >= bytes.len() {
        return None;
    }
    if let Some((payload, end)) = whole(bytes, at) {
        return Some((parse(payload), end));
    }
    let mut from = at + 1;
    while let Some(found) = find(&bytes[from..]) {
        if whole(bytes, from + found).is_some() {
            return Some((Piece::Damaged, from + found));
        }
        from += found + 1;
    }
    Some((Piece::Torn, bytes.len()))
}

/// Payload and end of the frame at `at`, when it is whole.
fn whole(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let prefix = bytes.get(at..at + PREFIX)?;
    let word = |from: usize| prefix.get(from..from + 4)?.try_into().ok().map(u32::from_le_bytes);
    if prefix[..4] != MARKER {
        return None;
    }
    let (length, sum) = (word(4)?, word(8)?);
    let end = (at + PREFIX).checked_add(length as usize)?;
    let payload = bytes.get(at + PREFIX..end)?;
    (payload.len() >= 8 && checksum(length, payload) == sum).then_some((payload, end))
}

fn find(bytes: &[u8]) -> Option<usize> {
    bytes.windows(MARKER.len()).position(|window| window == MARKER)
}

fn parse(payload: &[u8]) -> Piece {
    let (sequence, event) = payload.split_at(8);
    let sequence = u64::from_le_bytes(sequence.try_into().expect("eight bytes"));
    match rmp_serde::from_slice(event) {
        Ok(event) => Piece::Event(sequence, event),
        Err(error) => Piece::Unknown(error.to_string()),
    }
}

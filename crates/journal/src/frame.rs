//! The bytes of a segment.
//!
//! ```text
//! segment  "regimen journal\n"  version:u32  frame*
//! frame    "\xF7rgF"  length:u32  crc:u32  payload          (little-endian; crc over length and payload)
//! payload  sequence:u64  event                              (the event as MessagePack with named fields)
//! ```
//!
//! The marker lets a reader find the next whole frame after damaged bytes.

use experiment::RunId;
use serde::Deserialize;

use crate::{Error, Event, Removed};

pub(crate) const MAGIC: &[u8; 16] = b"regimen journal\n";
/// Version of the format.
pub const VERSION: u32 = 1;
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
pub(crate) enum Piece<'a> {
    /// The payload of a whole frame.
    Frame(&'a [u8]),
    /// Damaged bytes before the next whole frame.
    Damaged,
    /// Bytes at the end that are no whole frame, as a write that was cut off leaves them.
    Torn,
}

/// The piece that begins at `at`, and where it ends; `None` at the end.
pub(crate) fn next(bytes: &[u8], at: usize) -> Option<(Piece<'_>, usize)> {
    if at >= bytes.len() {
        return None;
    }
    if let Some((payload, end)) = whole(bytes, at) {
        return Some((Piece::Frame(payload), end));
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

/// What a frame holds, without the values of metrics and the rows of tables.
#[derive(Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "most are events, and live until they are folded")]
pub(crate) enum Content {
    /// An event.
    Event(Event),
    /// Metrics or rows, which are read when somebody asks for them.
    Recorded { run: RunId, attempt: u32, kind: Kind },
}

impl Content {
    /// The run and the attempt that it is of, and the worker that made it where that is not its writer.
    pub(crate) fn attempt(&self) -> Option<(RunId, u32, Option<&str>)> {
        match self {
            Self::Event(event) => event.attempt(),
            Self::Recorded { run, attempt, .. } => Some((*run, *attempt, None)),
        }
    }
}

/// What an attempt records while it is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Metrics,
    Rows,
}

/// Metrics or rows without their values.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Head {
    Metrics { run: RunId, attempt: u32 },
    Rows { run: RunId, attempt: u32 },
}

/// Sequence number and event of a payload.
pub(crate) fn decode(payload: &[u8]) -> Result<(u64, Event), String> {
    let (sequence, event) = split(payload)?;
    Ok((sequence, rmp_serde::from_slice(event).map_err(|e| e.to_string())?))
}

/// Sequence number and content of a payload.
pub(crate) fn glance(payload: &[u8]) -> Result<(u64, Content), String> {
    let (sequence, event) = split(payload)?;
    let content = if is_variant(event, "metrics") || is_variant(event, "rows") {
        match rmp_serde::from_slice(event).map_err(|e| e.to_string())? {
            Head::Metrics { run, attempt } => {
                Content::Recorded { run, attempt, kind: Kind::Metrics }
            }
            Head::Rows { run, attempt } => Content::Recorded { run, attempt, kind: Kind::Rows },
        }
    } else {
        Content::Event(rmp_serde::from_slice(event).map_err(|e| e.to_string())?)
    };
    Ok((sequence, content))
}

/// A payload that says nothing in place of another one, under its sequence number.
pub(crate) fn nothing(payload: &[u8]) -> Result<Vec<u8>, Error> {
    let mut bytes = payload[..8].to_vec();
    let event = Event::Removed(Removed { runs: Vec::new(), at: 0.0 });
    rmp_serde::encode::write_named(&mut bytes, &event).map_err(|e| Error::Encode(e.to_string()))?;
    Ok(bytes)
}

fn split(payload: &[u8]) -> Result<(u64, &[u8]), String> {
    let (sequence, event) = payload.split_first_chunk().ok_or("no sequence number")?;
    Ok((u64::from_le_bytes(*sequence), event))
}

/// Whether an event is of a variant: in MessagePack a map of one entry whose key is its name.
fn is_variant(event: &[u8], name: &str) -> bool {
    event
        .strip_prefix(&[0x81, 0xa0 | name.len() as u8])
        .is_some_and(|e| e.starts_with(name.as_bytes()))
}

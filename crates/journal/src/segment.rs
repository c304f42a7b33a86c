use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::frame::{self, Piece};
use crate::{Error, Event, Problem};

/// Reads a segment, and later what was added to it.
#[derive(Debug)]
pub(crate) struct Segment {
    path: PathBuf,
    /// Where the next frame begins; 0 before the header was read.
    offset: u64,
    /// Name of the writer, from the first frame.
    pub(crate) writer: Option<String>,
    /// Damage that will not mend.
    pub(crate) damage: Vec<Problem>,
    /// Bytes at the end that are no whole frame yet.
    pub(crate) torn: Option<Problem>,
}

impl Segment {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, offset: 0, writer: None, damage: Vec::new(), torn: None }
    }

    /// Events that were appended since the last call, with their sequence numbers.
    pub(crate) fn read_on(&mut self) -> Result<Vec<(u64, Event)>, Error> {
        self.torn = None;
        let bytes = self.bytes()?;
        let mut at = 0;
        if self.offset == 0 {
            if bytes.len() < frame::HEADER && frame::header().starts_with(&bytes) {
                self.torn = Some(self.problem_torn(0, bytes.len()));
                return Ok(Vec::new());
            }
            check_header(&bytes, &self.path)?;
            at = frame::HEADER;
        }
        let mut events = Vec::new();
        while let Some((piece, end)) = frame::next(&bytes, at) {
            match piece {
                Piece::Event(sequence, event) => {
                    if let Event::Opened(opened) = &event {
                        self.writer.get_or_insert_with(|| opened.writer.clone());
                    }
                    events.push((sequence, event));
                }
                Piece::Unknown(message) => self.damage.push(Problem::Unknown {
                    segment: self.path.clone(),
                    offset: self.offset + at as u64,
                    message,
                }),
                Piece::Damaged => self.damage.push(Problem::Damaged {
                    segment: self.path.clone(),
                    offset: self.offset + at as u64,
                    bytes: (end - at) as u64,
                }),
                Piece::Torn => {
                    self.torn = Some(self.problem_torn(at, end - at));
                    break;
                }
            }
            at = end;
        }
        self.offset += at as u64;
        Ok(events)
    }

    fn bytes(&self) -> Result<Vec<u8>, Error> {
        let read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(self.offset))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map(|_| bytes)
        };
        read().map_err(Error::io("read", &self.path))
    }

    fn problem_torn(&self, at: usize, bytes: usize) -> Problem {
        let offset = self.offset + at as u64;
        Problem::Torn { segment: self.path.clone(), offset, bytes: bytes as u64 }
    }
}

fn check_header(bytes: &[u8], path: &Path) -> Result<(), Error> {
    if !bytes.starts_with(frame::MAGIC) || bytes.len() < frame::HEADER {
        return Err(Error::NotAJournal { path: path.to_owned() });
    }
    let version = bytes[frame::MAGIC.len()..frame::HEADER].try_into().expect("four bytes");
    match u32::from_le_bytes(version) {
        frame::VERSION => Ok(()),
        found => Err(Error::Version { path: path.to_owned(), found, wanted: frame::VERSION }),
    }
}

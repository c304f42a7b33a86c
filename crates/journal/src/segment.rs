//! Incremental reading of one segment file.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use crate::frame::{self, Content, Piece};
use crate::place::Place;
use crate::{Error, Event, Problem};

/// Bytes that are read at a time.
const WINDOW: u64 = 16 << 20;

/// Reads a segment, and later what was added to it.
#[derive(Debug)]
pub(crate) struct Segment {
    path: Arc<Path>,
    /// Where the next frame begins; 0 before the header was read.
    offset: u64,
    /// Name of the writer: that of the file until the first frame says another, as in a copy.
    writer: Arc<str>,
    /// Damage that will not mend.
    pub(crate) damage: Vec<Problem>,
    /// Why not all of it was read: bytes at the end that are no whole frame yet, or no segment at all.
    pub(crate) unread: Option<Problem>,
}

/// What a frame says, who wrote it and as which of its frames.
pub(crate) struct Found {
    pub(crate) writer: Arc<str>,
    pub(crate) sequence: u64,
    pub(crate) content: Content,
    pub(crate) place: Place,
}

impl Segment {
    pub(crate) fn new(path: &Path) -> Self {
        let writer = path.file_stem().unwrap_or_default().to_string_lossy().into();
        Self { path: path.into(), offset: 0, writer, damage: Vec::new(), unread: None }
    }

    /// Bytes read so far.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Hands over what was appended since the last call.
    pub(crate) fn read_on(&mut self, take: &mut dyn FnMut(Found)) -> Result<(), Error> {
        self.unread = None;
        let path = self.path.clone();
        if !is_regular(&path)? {
            self.unread = Some(Problem::NotASegment { segment: path.to_path_buf() });
            return Ok(());
        }
        let mut file = File::open(&path).map_err(Error::io("open", &path))?;
        file.seek(SeekFrom::Start(self.offset)).map_err(Error::io("read", &path))?;
        let mut bytes = Vec::new();
        loop {
            let read = file.by_ref().take(WINDOW).read_to_end(&mut bytes);
            let at_end = (read.map_err(Error::io("read", &path))? as u64) < WINDOW;
            let used = self.take_frames(&bytes, at_end, take);
            self.offset += used as u64;
            bytes.drain(..used);
            if at_end || self.unread.is_some() {
                return Ok(());
            }
        }
    }

    /// Takes whole frames off the beginning of `bytes`; how many bytes they are.
    fn take_frames(&mut self, bytes: &[u8], at_end: bool, take: &mut dyn FnMut(Found)) -> usize {
        let mut at = 0;
        if self.offset == 0 {
            match Header::of(bytes) {
                Header::Whole => at = frame::HEADER,
                // The frames count, and what stands before them is damage like any other.
                Header::Damaged if holds_a_frame(bytes) => {}
                wrong => {
                    self.unread = Some(self.problem_header(&wrong, bytes.len()));
                    return 0;
                }
            }
        }
        while let Some((piece, end)) = frame::next(bytes, at) {
            let offset = self.offset + at as u64;
            match piece {
                Piece::Frame(payload) => self.take_frame(payload, offset, (end - at) as u32, take),
                Piece::Damaged => self.damage.push(Problem::Damaged {
                    segment: self.path.to_path_buf(),
                    offset,
                    bytes: (end - at) as u64,
                }),
                Piece::Torn => {
                    self.unread = at_end.then(|| self.problem_torn(at, end - at));
                    break;
                }
            }
            at = end;
        }
        at
    }

    fn take_frame(
        &mut self,
        payload: &[u8],
        offset: u64,
        length: u32,
        take: &mut dyn FnMut(Found),
    ) {
        let place = Place { segment: self.path.clone(), offset, length };
        let unwrapped = frame::glance(payload).and_then(|(sequence, content)| match content {
            Content::Event(Event::Copied(copied)) => {
                let (sequence, content) = frame::glance(&copied.payload)?;
                Ok((copied.writer.into(), sequence, content))
            }
            Content::Event(Event::Opened(opened)) => {
                self.writer = opened.writer.as_str().into();
                Ok((self.writer.clone(), sequence, Content::Event(Event::Opened(opened))))
            }
            content => Ok((self.writer.clone(), sequence, content)),
        });
        match unwrapped {
            Ok((writer, sequence, content)) => take(Found { writer, sequence, content, place }),
            Err(message) => self.damage.push(Problem::Unknown {
                segment: self.path.to_path_buf(),
                offset,
                message,
            }),
        }
    }

    fn problem_header(&self, header: &Header, bytes: usize) -> Problem {
        let segment = self.path.to_path_buf();
        match *header {
            Header::Unbegun => self.problem_torn(0, bytes),
            Header::Version(found) => Problem::Version { segment, found, wanted: frame::VERSION },
            Header::Whole | Header::Damaged => Problem::NotASegment { segment },
        }
    }

    fn problem_torn(&self, at: usize, bytes: usize) -> Problem {
        let offset = self.offset + at as u64;
        Problem::Torn { segment: self.path.to_path_buf(), offset, bytes: bytes as u64 }
    }
}

/// The beginning of a segment.
pub(crate) enum Header {
    Whole,
    /// Its writer was cut off, or is, before it wrote all of it.
    Unbegun,
    /// Of another version of the format.
    Version(u32),
    Damaged,
}

impl Header {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        if bytes.len() < frame::HEADER && frame::header().starts_with(bytes) {
            return Self::Unbegun;
        }
        let Some(version) = bytes.strip_prefix(frame::MAGIC).and_then(<[u8]>::first_chunk) else {
            return Self::Damaged;
        };
        match u32::from_le_bytes(*version) {
            frame::VERSION => Self::Whole,
            found => Self::Version(found),
        }
    }
}

fn holds_a_frame(bytes: &[u8]) -> bool {
    matches!(frame::next(bytes, 0), Some((Piece::Frame(_) | Piece::Damaged, _)))
}

/// Whether a file is there, perhaps behind a link: whoever opens a pipe may wait for ever.
pub(crate) fn is_regular(path: &Path) -> Result<bool, Error> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.is_file()),
        Err(_) if path.is_symlink() => Ok(false),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

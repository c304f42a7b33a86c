//! Frames that stay on the disk until somebody asks for what is in them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::frame::{self, Piece};
use crate::{Error, Event};

/// A whole frame of a segment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) segment: Arc<Path>,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

impl Place {
    /// Reads the event, unwrapped if it is a copy.
    pub(crate) fn read(&self) -> Result<Event, Error> {
        let mut bytes = vec![0; self.length as usize];
        File::open(&self.segment)
            .and_then(|file| file.read_exact_at(&mut bytes, self.offset))
            .map_err(Error::io("read", &self.segment))?;
        let changed = || Error::Changed { path: self.segment.to_path_buf(), offset: self.offset };
        let Some((Piece::Frame(payload), _)) = frame::next(&bytes, 0) else {
            return Err(changed());
        };
        match frame::decode(payload).map_err(|_| changed())? {
            (_, Event::Copied(copied)) => {
                frame::decode(&copied.payload).map(|(_, event)| event).map_err(|_| changed())
            }
            (_, event) => Ok(event),
        }
    }
}

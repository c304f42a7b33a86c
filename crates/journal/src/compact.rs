//! Compaction: the segments of finished writers are copied into one and removed.

use std::fs::{self, File, TryLockError};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::fold::segments;
use crate::frame::{self, Content, Piece};
use crate::segment::{Header, is_regular};
use crate::writer::EXTENSION;
use crate::{Copied, Error, Event, Fold};

/// What [`compact`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Segments that are there no longer.
    pub segments: usize,
    /// Frames that were copied.
    pub frames: u64,
    /// How many of them are empty now, because what they held was removed.
    pub left_out: u64,
    /// The segment that holds them now; none when there was nothing to do.
    pub snapshot: Option<PathBuf>,
    /// Damaged segments and other files, which are left as they are.
    pub damaged: Vec<PathBuf>,
}

/// Copies the segments of writers that will write no more into one, named `name`, and removes them. What
/// `removed`, the fold of the folder, knows as removed is left out.
///
/// A writer on this machine holds a lock on its segment while it lives, so `is_over` need only know
/// about writers elsewhere. At every moment, also after a loss of power, each frame is in a segment:
/// in both for a while, which a fold does not mind. Segments with damage are left alone.
///
/// # Errors
/// [`Error::Busy`] when another process compacts the folder; [`Error`] as in writing and reading,
/// and what was copied so far is removed or harmless then.
pub fn compact(
    dir: &Path,
    name: &str,
    removed: &Fold,
    is_over: &dyn Fn(&str) -> bool,
) -> Result<Compacted, Error> {
    let mut done = Compacted::default();
    // Released when it is dropped.
    let _turn = take_turn(dir)?;
    let target = dir.join(name).with_added_extension(EXTENSION);
    let temporary = dir.join(name).with_added_extension("part");
    let mut snapshot = Snapshot::create(&temporary)?;
    // With their locks, which are held until the segments are gone.
    let mut copied: Vec<(PathBuf, File)> = Vec::new();
    for path in segments(dir)? {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !is_over(&stem) {
            continue;
        }
        if !is_regular(&path)? {
            done.damaged.push(path);
            continue;
        }
        let mut file = File::open(&path).map_err(Error::io("open", &path))?;
        if file.try_lock().is_err() {
            continue;
        }
        if snapshot.copy(&path, &mut file, &stem, removed)? {
            copied.push((path, file));
        } else {
            done.damaged.push(path);
        }
    }
    (done.left_out, done.frames) = (snapshot.left_out, snapshot.frames);
    if copied.len() < 2 && done.left_out == 0 {
        fs::remove_file(&temporary).map_err(Error::io("remove", &temporary))?;
        return Ok(Compacted { frames: 0, ..done });
    }
    snapshot.finish()?;
    fs::rename(&temporary, &target).map_err(Error::io("rename", &temporary))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io("sync", dir))?;
    for (path, _) in &copied {
        fs::remove_file(path).map_err(Error::io("remove", path))?;
    }
    (done.segments, done.snapshot) = (copied.len(), Some(target));
    Ok(done)
}

/// Locks the folder without waiting: two compactions would copy the same segments.
fn take_turn(dir: &Path) -> Result<File, Error> {
    let path = dir.join("compact.lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(Error::io("open", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::Busy { path: dir.to_owned() }),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
    }
}

struct Snapshot<'a> {
    path: &'a Path,
    file: BufWriter<File>,
    frames: u64,
    left_out: u64,
}

impl<'a> Snapshot<'a> {
    fn create(path: &'a Path) -> Result<Self, Error> {
        let file = File::create(path).map_err(Error::io("create", path))?;
        let mut file = BufWriter::new(file);
        file.write_all(&frame::header()).map_err(Error::io("write", path))?;
        Ok(Self { path, file, frames: 0, left_out: 0 })
    }

    /// Copies a segment's frames, unless some of its bytes are damaged.
    fn copy(
        &mut self,
        segment: &Path,
        file: &mut File,
        stem: &str,
        removed: &Fold,
    ) -> Result<bool, Error> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::io("read", segment))?;
        match Header::of(&bytes) {
            Header::Whole => {}
            // It said nothing. Its writer, if it was about to begin, finds it gone and makes another.
            Header::Unbegun => return Ok(true),
            Header::Version(_) | Header::Damaged => return Ok(false),
        }
        let mut frames = Vec::new();
        let mut writer = stem.to_owned();
        let mut at = frame::HEADER;
        while let Some((piece, end)) = frame::next(&bytes, at) {
            match piece {
                Piece::Frame(payload) => {
                    let Ok((_, content)) = frame::glance(payload) else { return Ok(false) };
                    let (copied, content) = match content {
                        Content::Event(Event::Copied(copied)) => {
                            let content = frame::glance(&copied.payload);
                            (copied, content.ok().map(|(_, content)| content))
                        }
                        content => {
                            if let Content::Event(Event::Opened(opened)) = &content {
                                writer.clone_from(&opened.writer);
                            }
                            let payload = payload.to_vec();
                            (Copied { writer: writer.clone(), payload }, Some(content))
                        }
                    };
                    let of = content.as_ref().and_then(Content::attempt);
                    let is_removed = of.is_some_and(|(run, number, worker)| {
                        removed.is_removed(run, number, worker.unwrap_or(&copied.writer))
                    });
                    frames.push((copied, is_removed));
                }
                // A last write that was cut off said nothing.
                Piece::Torn => break,
                Piece::Damaged => return Ok(false),
            }
            at = end;
        }
        for (mut copied, is_removed) in frames {
            if is_removed {
                // The frames of a writer are counted.
                copied.payload = frame::nothing(&copied.payload)?;
                self.left_out += 1;
            }
            let bytes = frame::encode(self.frames, &Event::Copied(copied))?;
            self.file.write_all(&bytes).map_err(Error::io("write", self.path))?;
            self.frames += 1;
        }
        Ok(true)
    }

    fn finish(mut self) -> Result<(), Error> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(Error::io("sync", self.path))
    }
}

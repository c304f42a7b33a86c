//! Pictures that runs left in their folders of artifacts.
//!
//! A folder may hold whatever a program put there, so nothing is opened by a path: every step is
//! taken from the folder before it and refuses links. A picture is embedded as the source of an
//! image, where a script in it does not run.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{CWD, Dir, FileType, Mode, OFlags, openat},
};

use super::{grid::label, limits::Limits};
use crate::{Error, Runs, columns::RUN_ID, file::failed, text::inert_short};

/// The folder of artifacts in a store.
const ARTIFACTS: &str = "artifacts";

/// The pictures of a section.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Pictures {
    pub(crate) shown: Vec<Picture>,
    /// Files that are named like pictures.
    pub(crate) found: usize,
    /// Of these, what cannot be shown: links, files that are no picture or too large.
    pub(crate) refused: usize,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Picture {
    pub(crate) name: String,
    pub(crate) run: String,
    pub(crate) uri: String,
    /// Width and height, where the file says them in its header.
    pub(crate) size: Option<[u32; 2]>,
}

/// Reads the pictures of the runs in `runs` until `budget` bytes are used up.
pub(crate) fn pictures(
    store: &Path,
    runs: &Runs,
    budget: &mut u64,
    limits: &Limits,
) -> Result<Pictures, Error> {
    let mut pictures = Pictures::default();
    let path = store.join(ARTIFACTS);
    let Some(folder) = open(CWD, &path, true).map_err(|e| failed("open", &path, e))? else {
        return Ok(pictures);
    };
    for id in runs.cells(RUN_ID)? {
        let id = id.to_string();
        // A run's own folder: 32 digits, whatever the table says.
        if id.parse::<experiment::RunId>().is_err() {
            continue;
        }
        if let Ok(Some(own)) = open(&folder, Path::new(&id), true) {
            pictures.add(&id, &own, budget, limits);
        }
    }
    Ok(pictures)
}

impl Pictures {
    fn add(&mut self, id: &str, folder: &OwnedFd, budget: &mut u64, limits: &Limits) {
        let Ok(entries) = Dir::read_from(folder) else { return };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().to_str().ok().map(str::to_owned))
            .filter(|name| Kind::of(name).is_some())
            .collect();
        names.sort_unstable();
        for name in names {
            self.found += 1;
            if self.shown.len() >= limits.pictures_shown {
                continue;
            }
            match read(folder, &name, limits.picture) {
                Ok(Some(picture)) if picture.bytes.len() as u64 <= *budget => {
                    *budget -= picture.bytes.len() as u64;
                    self.shown.push(picture.embed(&name, id));
                }
                Ok(Some(_)) => {}
                Ok(None) => self.refused += 1,
                Err(error) => {
                    self.refused += 1;
                    tracing::warn!(run = id, name = %inert_short(&name, 60), %error, "no picture");
                }
            }
        }
    }
}

/// Opens a name in a folder without following a link; none where there is nothing of that name.
fn open(folder: impl AsFd, name: &Path, is_folder: bool) -> io::Result<Option<OwnedFd>> {
    // A pipe must not make the report wait for its other end.
    let mut flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    if is_folder {
        flags |= OFlags::DIRECTORY;
    }
    match openat(folder, name, flags, Mode::empty()) {
        Ok(file) => Ok(Some(file)),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

struct Bytes {
    kind: Kind,
    bytes: Vec<u8>,
    size: Option<[u32; 2]>,
}

/// The bytes of a picture; none where it is not a regular file, too large or something else.
fn read(folder: &OwnedFd, name: &str, limit: u64) -> io::Result<Option<Bytes>> {
    let (Some(kind), Some(file)) = (Kind::of(name), open(folder, Path::new(name), false)?) else {
        return Ok(None);
    };
    let stat = rustix::fs::fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::from(file).take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Ok(None);
    }
    Ok(kind.check(&bytes).map(|size| Bytes { kind, bytes, size }))
}

impl Bytes {
    fn embed(&self, name: &str, run: &str) -> Picture {
        let mime = self.kind.mime();
        Picture {
            name: label(name),
            run: run[..10].to_owned(),
            uri: format!("data:{mime};base64,{}", BASE64_STANDARD.encode(&self.bytes)),
            size: self.size,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Png,
    Jpeg,
    Svg,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "svg" => Some(Self::Svg),
            _ => None,
        }
    }

    fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Svg => "image/svg+xml",
        }
    }

    /// The size a header tells, if any; none where the bytes are another kind of file.
    fn check(self, bytes: &[u8]) -> Option<Option<[u32; 2]>> {
        match self {
            Self::Png => {
                let reader = png::Decoder::new(Cursor::new(bytes)).read_info().ok()?;
                Some(Some([reader.info().width, reader.info().height]))
            }
            Self::Jpeg => bytes.starts_with(&[0xff, 0xd8, 0xff]).then_some(None),
            Self::Svg => {
                let text = std::str::from_utf8(bytes).ok()?;
                (text.trim_start().starts_with('<') && text.contains("<svg")).then_some(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_the_bytes_must_agree() {
        assert_eq!(Kind::of("A.PNG"), Some(Kind::Png));
        assert_eq!(Kind::of("model.bin"), None);
        assert_eq!(Kind::Jpeg.check(&[0xff, 0xd8, 0xff, 0xe0]), Some(None));
        assert_eq!(Kind::Jpeg.check(b"<svg/>"), None);
        assert_eq!(Kind::Svg.check(b"<svg/>"), Some(None));
        assert_eq!(Kind::Svg.check(b"\xff<svg/>"), None);
        assert_eq!(Kind::Png.check(b"\x89PNG\r\n\x1a\n"), None);
    }
}

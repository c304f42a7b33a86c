//! Files that runs left in their folders of artifacts.
//!
//! A folder may hold whatever a program put there, so nothing is opened by a path: every step is
//! taken from the folder before it and refuses links.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use image::ImageFormat;
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat},
};

use crate::{Error, file::failed, natural};

/// The folder of artifacts in a store.
pub(super) const FOLDER: &str = "artifacts";
/// Bytes of a file that is read.
const FILE: u64 = 32 << 20;

/// The artifacts of a store.
#[derive(Debug)]
pub(crate) struct Artifacts(OwnedFd);

/// A file that is named like a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// As long as the folder says; zero for what is no file.
    pub(super) bytes: u64,
}

impl Artifacts {
    /// Opens the folder of artifacts, where there is one.
    ///
    /// # Errors
    /// [`Error::Io`] when it is a link or cannot be opened.
    pub(crate) fn open(store: &Path) -> Result<Option<Self>, Error> {
        let path = store.join(FOLDER);
        Ok(open(CWD, &path, true).map_err(|e| failed("open", &path, e))?.map(Self))
    }

    /// A run's own folder.
    pub(super) fn of(&self, id: &str) -> Option<OwnedFd> {
        // 32 digits, whatever the table says.
        id.parse::<experiment::RunId>().ok()?;
        open(&self.0, Path::new(id), true).ok()?
    }

    /// The files in a run's folder that are named like pictures, in natural order.
    pub(super) fn pictures(&self, id: &str) -> Vec<Left> {
        let Some(folder) = self.of(id) else { return Vec::new() };
        let Ok(entries) = Dir::read_from(&folder) else { return Vec::new() };
        let left = |name: String| {
            let kind = Kind::of(&name)?;
            let stat = statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW).ok();
            let bytes = stat.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0));
            Some(Left { name, kind, bytes })
        };
        let mut all: Vec<Left> = entries
            .filter_map(|entry| entry.ok()?.file_name().to_str().ok().map(str::to_owned))
            .filter_map(left)
            .collect();
        all.sort_unstable_by(|a, b| natural::order(&a.name, &b.name));
        all
    }
}

/// The bytes of a picture, or why it is none.
pub(super) fn read(folder: &OwnedFd, left: &Left) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("it cannot be read: {error}");
    let file = open(folder, Path::new(&left.name), false);
    let file = match file {
        Ok(Some(file)) => file,
        Ok(None) => return Err("it is gone".into()),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err("it is a link".into());
        }
        Err(error) => return Err(unreadable(error)),
    };
    let stat = rustix::fs::fstat(&file).map_err(|error| unreadable(error.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err("it is no file".into());
    }
    let mut bytes = Vec::new();
    File::from(file).take(FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE {
        return Err(format!("it is larger than {} MiB", FILE >> 20));
    }
    Ok(bytes)
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

/// What a file is by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
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

    pub(super) fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Svg => "image/svg+xml",
        }
    }

    /// The format of pixels, where there are some.
    pub(super) fn format(self) -> Option<ImageFormat> {
        match self {
            Self::Png => Some(ImageFormat::Png),
            Self::Jpeg => Some(ImageFormat::Jpeg),
            Self::Svg => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_by_the_end_of_a_name() {
        assert_eq!(Kind::of("A.PNG"), Some(Kind::Png));
        assert_eq!(Kind::of("a.b.jpeg"), Some(Kind::Jpeg));
        assert_eq!(["model.bin", "png", "a.png.gz"].map(Kind::of), [None; 3]);
    }
}

//! Pictures that runs left in their folders of artifacts.
//!
//! A folder may hold whatever a program put there, so nothing is opened by a path: every step is
//! taken from the folder before it and refuses links. A picture is embedded as the source of an
//! image, where a script in it does not run.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{CWD, Dir, FileType, Mode, OFlags, openat},
};

use super::{grid::label, limits::Limits, listing::Listing, thumbnail};
use crate::{Error, Runs, columns::RUN_ID, file::failed, text::inert_short};

/// The folder of artifacts in a store.
const ARTIFACTS: &str = "artifacts";
/// Bytes of a file that is made smaller.
const FILE: u64 = 32 << 20;
/// Pixels of a picture that is embedded as it is.
const WHOLE: u64 = 8_000_000;
/// Pictures that are named because they are too large.
const NAMED: usize = 20;

/// The pictures of a section.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Pictures {
    pub(crate) shown: Vec<Picture>,
    /// Files that are named like pictures.
    pub(crate) found: usize,
    /// Of these, what cannot be shown: links, and files that are no picture.
    pub(crate) refused: usize,
    /// Of these, what is too large, and where it is.
    pub(crate) too_large: Vec<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Picture {
    pub(crate) name: String,
    pub(crate) run: String,
    /// What the filter looks for.
    pub(crate) tags: String,
    pub(crate) uri: String,
    /// Width and height of what is embedded, where the file says them in its header.
    pub(crate) size: Option<[u32; 2]>,
    /// Size and place of the whole picture, where what is embedded is a smaller copy.
    pub(crate) whole: Option<String>,
}

/// What all pictures of a page may cost together.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) bytes: u64,
    /// Pixels that are decoded to make smaller copies.
    pub(crate) pixels: u64,
}

/// Reads the pictures of the runs in `runs`, in the order in which they are listed, until the budget
/// is used up.
pub(crate) fn pictures(
    store: &Path,
    runs: &Runs,
    listing: &Listing,
    budget: &mut Budget,
    limits: &Limits,
) -> Result<Pictures, Error> {
    let mut pictures = Pictures::default();
    let path = store.join(ARTIFACTS);
    let Some(folder) = open(CWD, &path, true).map_err(|e| failed("open", &path, e))? else {
        return Ok(pictures);
    };
    let ids = runs.cells(RUN_ID)?;
    let others = (0..runs.len()).filter(|row| listing.place(*row).is_none());
    for row in listing.rows.iter().copied().chain(others) {
        let id = ids[row].to_string();
        // A run's own folder: 32 digits, whatever the table says.
        if id.parse::<experiment::RunId>().is_err() {
            continue;
        }
        if let Ok(Some(own)) = open(&folder, Path::new(&id), true) {
            pictures.add(&id, &listing.tags(row).join("\n"), &own, budget, limits);
        }
    }
    Ok(pictures)
}

impl Pictures {
    fn add(
        &mut self,
        id: &str,
        tags: &str,
        folder: &OwnedFd,
        budget: &mut Budget,
        limits: &Limits,
    ) {
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
            match read(folder, &name) {
                Ok(Some(file)) => {
                    let place = format!("{ARTIFACTS}/{id}/{name}");
                    match file.fitted(&place, budget, limits.picture) {
                        Fitted::Picture(file, whole) if file.bytes.len() as u64 <= budget.bytes => {
                            budget.bytes -= file.bytes.len() as u64;
                            self.shown.push(file.embed(&name, id, tags, whole));
                        }
                        Fitted::Picture(..) => {}
                        Fitted::TooLarge(told) => {
                            if self.too_large.len() < NAMED {
                                self.too_large.push(told);
                            }
                        }
                        Fitted::Refused => self.refused += 1,
                    }
                }
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

/// A picture as it has a place on the page.
enum Fitted {
    /// As it is, or a smaller copy with what is told of the whole.
    Picture(Bytes, Option<String>),
    /// What is told of it instead.
    TooLarge(String),
    /// It cannot be read.
    Refused,
}

/// The bytes of a picture; none where it is not a regular file, or something else.
fn read(folder: &OwnedFd, name: &str) -> io::Result<Option<Bytes>> {
    let (Some(kind), Some(file)) = (Kind::of(name), open(folder, Path::new(name), false)?) else {
        return Ok(None);
    };
    let stat = rustix::fs::fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::from(file).take(FILE + 1).read_to_end(&mut bytes)?;
    Ok(kind.check(&bytes).map(|size| Bytes { kind, bytes, size }))
}

impl Bytes {
    /// The picture itself where it is small in bytes and in pixels, else a smaller copy.
    fn fitted(self, place: &str, budget: &mut Budget, limit: u64) -> Fitted {
        let (bytes, pixels) = (self.bytes.len() as u64, self.pixels());
        if bytes <= limit && pixels <= WHOLE {
            return Fitted::Picture(self, None);
        }
        let place = inert_short(place, 200);
        let told = match self.size {
            Some([width, height]) => format!("{width} × {height} pixels, {place}"),
            None => format!("{} kB, {place}", bytes.div_ceil(1000)),
        };
        let Some(format) = self.kind.format().filter(|_| bytes <= FILE && pixels <= budget.pixels)
        else {
            return Fitted::TooLarge(told);
        };
        budget.pixels -= pixels;
        match thumbnail::thumbnail(&self.bytes, format, limit) {
            Some(thumbnail::Thumbnail { bytes, is_png, size }) => {
                let kind = if is_png { Kind::Png } else { Kind::Jpeg };
                Fitted::Picture(Self { kind, bytes, size: Some(size) }, Some(told))
            }
            None => Fitted::Refused,
        }
    }

    fn pixels(&self) -> u64 {
        self.size.map_or(0, |[width, height]| u64::from(width) * u64::from(height))
    }

    fn embed(&self, name: &str, run: &str, tags: &str, whole: Option<String>) -> Picture {
        let mime = self.kind.mime();
        Picture {
            name: label(name),
            run: run[..10].to_owned(),
            tags: tags.to_owned(),
            uri: format!("data:{mime};base64,{}", BASE64_STANDARD.encode(&self.bytes)),
            size: self.size,
            whole,
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

    /// The format of pixels, where there are some.
    fn format(self) -> Option<image::ImageFormat> {
        match self {
            Self::Png => Some(image::ImageFormat::Png),
            Self::Jpeg => Some(image::ImageFormat::Jpeg),
            Self::Svg => None,
        }
    }

    /// The size a header tells, if any; none where the bytes are another kind of file.
    fn check(self, bytes: &[u8]) -> Option<Option<[u32; 2]>> {
        match self.format() {
            Some(format) => thumbnail::size(bytes, format).map(Some),
            None => {
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
        assert_eq!(Kind::Jpeg.check(&[0xff, 0xd8, 0xff, 0xe0]), None);
        assert_eq!(Kind::Jpeg.check(b"<svg/>"), None);
        assert_eq!(Kind::Svg.check(b"<svg/>"), Some(None));
        assert_eq!(Kind::Svg.check(b"\xff<svg/>"), None);
        assert_eq!(Kind::Png.check(b"\x89PNG\r\n\x1a\n"), None);
    }
}

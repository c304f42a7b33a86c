//! The clips of a tree as it is released.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Set;
use crate::mismatch::Mismatch;

/// A clip whose frames are still to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(super) name: String,
    pub(super) test: bool,
    pub(super) classes: Vec<usize>,
    pub(super) source: Source,
}

/// Where the frames of a clip are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// Pictures, in their order.
    Pictures(Vec<PathBuf>),
    Video(PathBuf),
}

/// Folders of UCF-Sports with the number of the class, in the order of the names.
const FOLDERS: [(&str, usize); 13] = [
    ("Diving-Side", 0),
    ("Golf-Swing-Back", 1),
    ("Golf-Swing-Front", 1),
    ("Golf-Swing-Side", 1),
    ("Kicking-Front", 2),
    ("Kicking-Side", 2),
    ("Lifting", 3),
    ("Riding-Horse", 4),
    ("Run-Side", 5),
    ("SkateBoarding-Front", 6),
    ("Swing-Bench", 7),
    ("Swing-SideAngle", 8),
    ("Walk-Front", 9),
];

const PICTURES: [&str; 3] = ["jpg", "jpeg", "png"];
const VIDEOS: [&str; 5] = ["avi", "mp4", "mov", "mpg", "mkv"];

/// The clips of the tree at `root`.
///
/// # Errors
/// [`Mismatch`]: a file or folder that is not there, cannot be read, or is not as released.
pub(super) fn find(set: Set, root: &Path) -> Result<Vec<Found>, Mismatch> {
    let found = match set {
        Set::UcfSports => ucf_sports(root)?,
        Set::Hollywood2 => hollywood2(root)?,
    };
    for test in [false, true] {
        if !found.iter().any(|clip| clip.test == test) {
            let wanted = if test { "a clip for the test" } else { "a clip to train with" };
            return Err(Mismatch::new(root.display().to_string(), wanted, "none"));
        }
    }
    Ok(found)
}

/// `CLASS/NUMBER/`: pictures, or a video. The first third of the clips of each class is the test; views of
/// an action (`Golf-Swing-Back`, `Golf-Swing-Front`) are one class.
fn ucf_sports(root: &Path) -> Result<Vec<Found>, Mismatch> {
    let mut by_class = BTreeMap::<usize, Vec<(String, PathBuf)>>::new();
    for folder in entries(root)? {
        if !folder.path.is_dir() {
            continue;
        }
        let Some((_, class)) = FOLDERS.iter().find(|(name, _)| *name == folder.name) else {
            let names: Vec<&str> = FOLDERS.iter().map(|(name, _)| *name).collect();
            let wanted = format!("one of {}", names.join(", "));
            return Err(Mismatch::new(folder.path.display().to_string(), wanted, folder.name));
        };
        let clips = entries(&folder.path)?.into_iter().filter(|clip| clip.path.is_dir());
        let named = clips.map(|clip| (format!("{}/{}", folder.name, clip.name), clip.path));
        by_class.entry(*class).or_default().extend(named);
    }
    let mut found = Vec::new();
    for (class, clips) in by_class {
        let tests = clips.len() / 3;
        for (at, (name, path)) in clips.into_iter().enumerate() {
            let source = inside(&path)?;
            found.push(Found { name, test: at < tests, classes: vec![class], source });
        }
    }
    Ok(found)
}

/// `ClipSets/CLASS_train.txt` and `CLASS_test.txt` with lines `actioncliptrain00001  -1`, where 1 says that
/// the clip is of the class, and `AVIClips/actioncliptrain00001.avi`, or the folder
/// `AVIClips/actioncliptrain00001` of its frames.
fn hollywood2(root: &Path) -> Result<Vec<Found>, Mismatch> {
    let mut found = Vec::new();
    for (part, test) in [("train", false), ("test", true)] {
        let mut classes = BTreeMap::<String, Vec<usize>>::new();
        for (class, name) in Set::Hollywood2.classes().iter().enumerate() {
            let path = root.join("ClipSets").join(format!("{name}_{part}.txt"));
            let text = fs::read_to_string(&path).map_err(|e| unreadable(&path, &e.to_string()))?;
            for (number, line) in text.lines().enumerate() {
                let words: Vec<&str> = line.split_whitespace().collect();
                let (clip, is_of) = match words[..] {
                    [] => continue,
                    [clip, "1"] => (clip, true),
                    [clip, "-1"] => (clip, false),
                    _ => {
                        let at = format!("{} line {}", path.display(), number + 1);
                        return Err(Mismatch::new(at, "a clip and 1 or -1", line));
                    }
                };
                let classes = classes.entry(clip.into()).or_default();
                classes.extend(is_of.then_some(class));
            }
        }
        for (name, classes) in classes {
            let source = beside(&root.join("AVIClips"), &name)?;
            found.push(Found { name, test, classes, source });
        }
    }
    Ok(found)
}

/// The frames of the clip in a folder.
fn inside(folder: &Path) -> Result<Source, Mismatch> {
    let files = entries(folder)?;
    let pictures = files.iter().filter(|file| file.is(&PICTURES));
    let pictures: Vec<PathBuf> = pictures.map(|file| file.path.clone()).collect();
    if !pictures.is_empty() {
        return Ok(Source::Pictures(pictures));
    }
    let video = files.into_iter().find(|file| file.is(&VIDEOS));
    video.map(|file| Source::Video(file.path)).ok_or_else(|| {
        let wanted = "frames as JPEG or PNG, or a video";
        Mismatch::new(folder.display().to_string(), wanted, "neither")
    })
}

/// The frames of the clip `name`: a folder of that name, or a video.
fn beside(folder: &Path, name: &str) -> Result<Source, Mismatch> {
    let own = folder.join(name);
    if own.is_dir() {
        return inside(&own);
    }
    let videos = VIDEOS.iter().map(|extension| folder.join(format!("{name}.{extension}")));
    videos.into_iter().find(|path| path.is_file()).map(Source::Video).ok_or_else(|| {
        let wanted = "a folder of the frames of this clip, or its video with .avi after its name";
        Mismatch::new(own.display().to_string(), wanted, "neither")
    })
}

/// A file or folder.
struct Entry {
    name: String,
    path: PathBuf,
}

impl Entry {
    fn is(&self, extensions: &[&str]) -> bool {
        let own = self.path.extension().and_then(|own| own.to_str()).map(str::to_lowercase);
        own.is_some_and(|own| extensions.contains(&&own[..]))
    }
}

/// What is in a folder by name, numbers by value; names with a leading dot are passed over.
fn entries(folder: &Path) -> Result<Vec<Entry>, Mismatch> {
    let failed = |e: std::io::Error| unreadable(folder, &e.to_string());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            found.push(Entry { name, path: entry.path() });
        }
    }
    found.sort_by_cached_key(|entry| (natural(&entry.name), entry.name.clone()));
    Ok(found)
}

/// A name as text and numbers in turn.
fn natural(name: &str) -> Vec<(String, u64)> {
    let (mut parts, mut rest) = (Vec::new(), name);
    while !rest.is_empty() {
        let text = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, after) = rest.split_at(text);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (digits, after) = after.split_at(digits);
        parts.push((text.to_owned(), digits.parse().unwrap_or(u64::MAX)));
        rest = after;
    }
    parts
}

fn unreadable(path: &Path, why: &str) -> Mismatch {
    Mismatch::new(path.display().to_string(), "a file or folder that can be read", why)
}

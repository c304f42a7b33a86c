//! The released archives, `images_background.zip` and `images_evaluation.zip`.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::ZipArchive;

use super::shrink::shrink;
use super::{PIXELS, SIDE, picture};
use crate::mismatch::Mismatch;

/// The sets, in the order of their archives, with their characters.
const SETS: [(&str, usize); 2] = [("images_background", 964), ("images_evaluation", 659)];
/// How often each character was drawn.
const DRAWERS: usize = 20;
/// Bytes of a drawing's file, at most; the released ones have a few hundred.
const DRAWING: u64 = 1 << 20;

/// One drawing.
struct Drawing {
    /// Alphabet, character and file.
    path: [String; 3],
    /// Values of 28x28.
    pixels: Vec<u8>,
}

/// Makes the two files of the data set from the released archives: the IDX file of all drawings at
/// 28x28, and its index.
///
/// # Errors
/// [`Mismatch`]: other archives than the two, a member that is a link or leads out of the archive, one
/// that is no drawing, or other numbers of characters and drawings than 964, 659 and 20 of each.
pub fn shrink_release(paths: &[&Path]) -> Result<[(&'static str, Vec<u8>); 2], Mismatch> {
    if paths.len() != SETS.len() {
        let wanted = "the archives of images_background and images_evaluation";
        return Err(Mismatch::new("the sources", wanted, format!("{} archives", paths.len())));
    }
    let (mut pixels, mut index) = (Vec::new(), String::new());
    for ((set, characters), path) in SETS.into_iter().zip(paths) {
        let drawings = drawings(set, path)?;
        check_counts(set, &drawings, characters)?;
        for Drawing { path: [alphabet, character, file], pixels: values } in drawings {
            pixels.extend(values);
            index.push_str(&format!("{set}\t{alphabet}\t{character}\t{file}\n"));
        }
    }
    let count = u32::try_from(pixels.len() / PIXELS).unwrap_or(u32::MAX);
    let mut images = vec![0, 0, 8, 3];
    let side = SIDE as u32;
    images.extend([count, side, side].iter().flat_map(|extent| extent.to_be_bytes()));
    images.extend(pixels);
    Ok([("omniglot28-images-idx3-ubyte", images), ("omniglot28-index.tsv", index.into_bytes())])
}

/// The drawings of a set, in the order of their names.
fn drawings(set: &str, path: &Path) -> Result<Vec<Drawing>, Mismatch> {
    let archive = format!("{set}.zip");
    let damaged = |error: String| Mismatch::new(&archive, "a whole zip archive", error);
    let file = File::open(path).map_err(|error| damaged(error.to_string()))?;
    let mut zip =
        ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(error.to_string()))?;
    let mut drawings = Vec::new();
    for number in 0..zip.len() {
        let entry = zip.by_index(number).map_err(|error| damaged(error.to_string()))?;
        let name = entry.name().to_owned();
        let parts: Vec<_> = name.split('/').collect();
        let fail =
            |wanted: &str, found: &str| Mismatch::new(format!("{archive} {name}"), wanted, found);
        if entry.is_symlink() {
            return Err(fail("a plain file", "a symbolic link"));
        }
        if entry.enclosed_name().is_none() || parts.contains(&"..") {
            return Err(fail("a path inside the archive", "one that leads out of it"));
        }
        // Names with a leading dot, and folders next to the set, are of the system that packed it.
        let &[found, alphabet, character, file] = parts.as_slice() else { continue };
        if found != set || file.is_empty() || file.starts_with('.') {
            continue;
        }
        let mut bytes = Vec::new();
        entry.take(DRAWING).read_to_end(&mut bytes).map_err(|error| damaged(error.to_string()))?;
        let white = picture::white(&bytes).map_err(|(wanted, found)| fail(wanted, &found))?;
        let path = [alphabet, character, file].map(str::to_owned);
        drawings.push(Drawing { path, pixels: shrink(&white) });
    }
    drawings.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(drawings)
}

fn check_counts(set: &str, drawings: &[Drawing], wanted: usize) -> Result<(), Mismatch> {
    let mut characters = 0;
    for group in drawings.chunk_by(|a, b| a.path[..2] == b.path[..2]) {
        characters += 1;
        if group.len() != DRAWERS {
            let [alphabet, character, _] = &group[0].path;
            let place = format!("{set}.zip {set}/{alphabet}/{character}");
            let (wanted, found) = (format!("{DRAWERS} drawings"), group.len().to_string());
            return Err(Mismatch::new(place, wanted, found));
        }
    }
    if characters != wanted {
        let wanted = format!("{wanted} characters");
        return Err(Mismatch::new(format!("{set}.zip"), wanted, characters.to_string()));
    }
    Ok(())
}

//! The released layout: `SET/ALPHABET/CHARACTER/DRAWING.png`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::shrink::shrink;
use super::{Drawings, PIXELS, picture};

/// A folder that is not as Omniglot is released.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The file system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else is where the layout has a folder or a drawing.
    #[error("{}: wanted {wanted}, found {found}", path.display())]
    Layout {
        /// The place.
        path: PathBuf,
        /// What the layout has here.
        wanted: &'static str,
        /// What is here.
        found: String,
    },
}

/// Reads `images_background` and `images_evaluation` inside `folder`, in the order of their names,
/// and averages each drawing over boxes to 28x28, as the data set has it.
///
/// # Errors
/// [`FolderError`]: a folder or drawing that is not there or no square picture.
pub fn read_folder(folder: &Path) -> Result<Drawings, FolderError> {
    let mut drawings = Drawings { pixels: Vec::new(), alphabets: Vec::new() };
    for set in ["images_background", "images_evaluation"] {
        for (alphabet, path) in entries(&folder.join(set), "a folder of alphabets")? {
            for (character, path) in entries(&path, "a folder of characters")? {
                for (_, path) in entries(&path, "a folder of drawings")? {
                    let number = drawings.pixels.len() / PIXELS;
                    drawings.pixels.extend(drawing(&path)?);
                    drawings.push(number, set, &alphabet, &character);
                }
            }
        }
    }
    Ok(drawings)
}

/// Names and paths inside a folder, sorted; names with a leading dot are passed over.
fn entries(folder: &Path, wanted: &'static str) -> Result<Vec<(String, PathBuf)>, FolderError> {
    let io = |source| FolderError::Io { path: folder.into(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            found.push((name, entry.path()));
        }
    }
    if found.is_empty() {
        let (path, found) = (folder.into(), "an empty folder".into());
        return Err(FolderError::Layout { path, wanted, found });
    }
    found.sort();
    Ok(found)
}

/// The drawing in a file, at 28x28.
fn drawing(path: &Path) -> Result<Vec<u8>, FolderError> {
    let bytes = fs::read(path).map_err(|source| FolderError::Io { path: path.into(), source })?;
    let wrong = |(wanted, found)| FolderError::Layout { path: path.into(), wanted, found };
    Ok(shrink(&picture::white(&bytes).map_err(wrong)?))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use tempfile::TempDir;

    use super::super::SIDE;
    use super::*;

    fn draw(path: &Path, side: u32, black: impl Fn(u32, u32) -> bool) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut encoder = png::Encoder::new(File::create(path).unwrap(), side, side);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let stride = side.div_ceil(8);
        let mut bits = vec![0u8; (stride * side) as usize];
        for (row, column) in (0..side).flat_map(|row| (0..side).map(move |column| (row, column))) {
            if !black(row, column) {
                bits[(row * stride + column / 8) as usize] |= 0x80 >> (column % 8);
            }
        }
        encoder.write_header().unwrap().write_image_data(&bits).unwrap();
    }

    #[test]
    fn the_released_layout_is_read_and_shrunk() {
        let folder = TempDir::new().unwrap();
        let place = |path: &str| folder.path().join(path);
        draw(&place("images_background/Greek/character01/1_01.png"), 105, |_, _| true);
        draw(&place("images_background/Greek/character01/1_02.png"), 105, |row, _| row < 15);
        draw(&place("images_background/Greek/character02/2_01.png"), 28, |row, column| {
            row == column
        });
        let error = read_folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains("images_evaluation: No such file"), "{error}");
        draw(&place("images_evaluation/Latin/character01/3_01.png"), 56, |_, column| column < 1);
        let drawings = read_folder(folder.path()).unwrap();
        assert_eq!(drawings.alphabets.len(), 2);
        assert_eq!(drawings.alphabets[0].characters[0].drawings, [0, 1]);
        assert_eq!(drawings.drawing(0), [255; PIXELS]);
        // 15 of 105 rows are 4 of 28.
        assert_eq!(drawings.drawing(1)[..4 * SIDE], [255; 4 * SIDE]);
        assert_eq!(drawings.drawing(1)[4 * SIDE..], [0; 24 * SIDE]);
        assert_eq!(drawings.drawing(2)[..2], [255, 0]);
        // Half of a box of two columns.
        assert_eq!(drawings.drawing(3)[..2], [127, 0]);
    }

    #[test]
    fn a_file_that_is_no_drawing_is_named() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("images_background/Greek/character01/1_01.png");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"not a picture").unwrap();
        let error = read_folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains("1_01.png: wanted a PNG file, found "), "{error}");
    }
}

//! Omniglot (Lake, Salakhutdinov & Tenenbaum 2015): characters of 50 alphabets, drawn by 20 people.
//!
//! Drawings have 28x28 pixels here; the released ones, of 105x105 black on white, are averaged over
//! boxes by [`read_folder`] and, for the data set, by [`shrink_release`].

mod folder;
mod picture;
mod release;
mod shrink;

use crate::error::Error;
use crate::idx::{Idx, IdxError};
use crate::store::Store;

pub use folder::{FolderError, read_folder};
pub use release::shrink_release;

/// The name of the manifest.
pub const DATASET: &str = "omniglot28";
/// Height and width of a drawing.
pub const SIDE: usize = 28;
/// Values of a drawing.
pub const PIXELS: usize = SIDE * SIDE;

/// All drawings, 255 for ink, in the order of sets, alphabets, characters and drawers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawings {
    /// Values of each drawing, `[drawings, 28, 28]`.
    pub pixels: Vec<u8>,
    /// The alphabets, in the order of the drawings.
    pub alphabets: Vec<Alphabet>,
}

/// One alphabet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alphabet {
    /// The set it belongs to, `images_background` or `images_evaluation`.
    pub set: String,
    /// Its name.
    pub name: String,
    /// Its characters.
    pub characters: Vec<Character>,
}

/// One character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Character {
    /// Its name, for example `character01`.
    pub name: String,
    /// The numbers of its drawings.
    pub drawings: Vec<usize>,
}

impl Drawings {
    /// The values of one drawing.
    pub fn drawing(&self, number: usize) -> &[u8] {
        &self.pixels[number * PIXELS..(number + 1) * PIXELS]
    }

    /// Adds the name of the next drawing, which goes to the last alphabet and character where their
    /// names are the same.
    fn push(&mut self, number: usize, set: &str, alphabet: &str, character: &str) {
        if self.alphabets.last().is_none_or(|last| last.set != set || last.name != alphabet) {
            let (set, name) = (set.into(), alphabet.into());
            self.alphabets.push(Alphabet { set, name, characters: Vec::new() });
        }
        let Some(Alphabet { characters, .. }) = self.alphabets.last_mut() else { return };
        if characters.last().is_none_or(|last| last.name != character) {
            characters.push(Character { name: character.into(), drawings: Vec::new() });
        }
        if let Some(last) = characters.last_mut() {
            last.drawings.push(number);
        }
    }

    /// Reads an IDX file of drawings and their index, a line a drawing: set, alphabet, character,
    /// file, with tabs between them.
    ///
    /// # Errors
    /// [`IdxError`]: a file that is no such IDX file, drawings of another size, a line of the index
    /// with other columns, or more or fewer lines than drawings.
    pub fn read(images: (&str, &[u8]), index: (&str, &[u8])) -> Result<Self, IdxError> {
        let pixels = Idx::read(images.0, images.1, 3)?;
        if pixels.shape[1..] != [SIDE, SIDE] {
            let found = format!("{}x{}", pixels.shape[1], pixels.shape[2]);
            return Err(IdxError::new(images.0, format!("drawings of {SIDE}x{SIDE}"), found));
        }
        let mut drawings = Self { pixels: pixels.data, alphabets: Vec::new() };
        let text = std::str::from_utf8(index.1)
            .map_err(|e| IdxError::new(index.0, "UTF-8", e.to_string()))?;
        let mut lines = 0;
        for (number, line) in text.lines().enumerate() {
            let columns: Vec<&str> = line.split('\t').collect();
            let &[set, alphabet, character, _] = columns.as_slice() else {
                let file = format!("{} line {}", index.0, number + 1);
                let found = format!("{} columns", columns.len());
                return Err(IdxError::new(&file, "set, alphabet, character and file", found));
            };
            drawings.push(number, set, alphabet, character);
            lines = number + 1;
        }
        if lines != pixels.shape[0] {
            let wanted = format!("{} lines, one a drawing of {}", pixels.shape[0], images.0);
            return Err(IdxError::new(index.0, wanted, lines.to_string()));
        }
        Ok(drawings)
    }
}

/// All drawings.
///
/// # Errors
/// What [`Store::open`] says, or an [`IdxError`].
pub fn load(store: &Store) -> Result<Drawings, Error> {
    let (images, index) = ("omniglot28-images-idx3-ubyte", "omniglot28-index.tsv");
    let dir = store.open(DATASET)?;
    Ok(Drawings::read((images, &dir.read(images)?), (index, &dir.read(index)?))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_are_grouped_and_faults_named() {
        let mut images = vec![0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 28, 0, 0, 0, 28];
        images.extend([9; 4 * PIXELS]);
        let index =
            "a\tGreek\tc1\t1.png\na\tGreek\tc1\t2.png\na\tGreek\tc2\t3.png\nb\tLatin\tc2\t4.png\n";
        let read = |index: &str| Drawings::read(("images", &images), ("index", index.as_bytes()));
        let drawings = read(index).unwrap();
        let sizes: Vec<Vec<usize>> = drawings
            .alphabets
            .iter()
            .map(|alphabet| alphabet.characters.iter().map(|c| c.drawings.len()).collect())
            .collect();
        assert_eq!(sizes, [vec![2, 1], vec![1]]);
        assert_eq!(drawings.alphabets[1].characters[0].drawings, [3]);
        assert_eq!(drawings.drawing(3), [9; PIXELS]);
        let told = |index: &str| read(index).unwrap_err().to_string();
        assert_eq!(
            told("a\tGreek\tc1\n"),
            "index line 1: wanted set, alphabet, character and file, found 3 columns"
        );
        assert_eq!(
            told("a\tGreek\tc1\t1.png\n"),
            "index: wanted 4 lines, one a drawing of images, found 1"
        );
    }
}

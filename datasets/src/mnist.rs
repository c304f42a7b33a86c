//! MNIST (LeCun, Cortes & Burges 1998): handwritten digits of 28x28 grey values.

use crate::error::Error;
use crate::idx::{Idx, IdxError};
use crate::store::Store;

/// The name of the manifest.
pub const DATASET: &str = "mnist";
/// Height and width of an image.
pub const SIDE: usize = 28;
/// Grey values of an image.
pub const PIXELS: usize = SIDE * SIDE;
/// Number of classes.
pub const CLASSES: usize = 10;

/// A part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// 60,000 digits.
    Train,
    /// 10,000 digits.
    Test,
}

/// Images and what they show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digits {
    /// Grey values, 255 for ink, `[digits, 28, 28]`.
    pub pixels: Vec<u8>,
    /// The digit that each image shows.
    pub labels: Vec<u8>,
}

impl Digits {
    /// Number of digits.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Reads an IDX file of images and one of labels, compressed or not.
    ///
    /// # Errors
    /// [`IdxError`]: a file that is no such IDX file, images of another size, other numbers of
    /// images and labels, or a label above 9.
    pub fn read(images: (&str, &[u8]), labels: (&str, &[u8])) -> Result<Self, IdxError> {
        let pixels = Idx::read(images.0, images.1, 3)?;
        if pixels.shape[1..] != [SIDE, SIDE] {
            let found = format!("{}x{}", pixels.shape[1], pixels.shape[2]);
            return Err(IdxError::new(images.0, format!("images of {SIDE}x{SIDE}"), found));
        }
        let classes = Idx::read(labels.0, labels.1, 1)?;
        if classes.shape[0] != pixels.shape[0] {
            let wanted = format!("{} labels, one an image of {}", pixels.shape[0], images.0);
            return Err(IdxError::new(labels.0, wanted, classes.shape[0].to_string()));
        }
        if let Some(at) = classes.data.iter().position(|&label| usize::from(label) >= CLASSES) {
            let found = format!("{} at {at}", classes.data[at]);
            return Err(IdxError::new(labels.0, "labels from 0 to 9", found));
        }
        Ok(Self { pixels: pixels.data, labels: classes.data })
    }
}

/// The digits of one part.
///
/// # Errors
/// What [`Store::open`] says, or an [`IdxError`].
pub fn load(store: &Store, part: Part) -> Result<Digits, Error> {
    let name = match part {
        Part::Train => "train",
        Part::Test => "t10k",
    };
    let (images, labels) =
        (format!("{name}-images-idx3-ubyte"), format!("{name}-labels-idx1-ubyte"));
    let dir = store.open(DATASET)?;
    Ok(Digits::read((&images, &dir.read(&images)?), (&labels, &dir.read(&labels)?))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idx(shape: &[u32], data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, shape.len() as u8];
        bytes.extend(shape.iter().flat_map(|extent| extent.to_be_bytes()));
        bytes.extend(data);
        bytes
    }

    #[test]
    fn images_and_labels_are_matched() {
        let images = idx(&[2, 28, 28], &[7; 2 * PIXELS]);
        let read =
            |images: &[u8], labels: &[u8]| Digits::read(("images", images), ("labels", labels));
        let digits = read(&images, &idx(&[2], &[3, 9])).unwrap();
        assert_eq!((digits.len(), digits.labels[1], digits.pixels.len()), (2, 9, 2 * PIXELS));
        let told = |images: &[u8], labels: &[u8]| read(images, labels).unwrap_err().to_string();
        assert_eq!(
            told(&images, &idx(&[3], &[3, 9, 0])),
            "labels: wanted 2 labels, one an image of images, found 3"
        );
        assert_eq!(
            told(&images, &idx(&[2], &[3, 10])),
            "labels: wanted labels from 0 to 9, found 10 at 1"
        );
        assert_eq!(
            told(&idx(&[1, 2, 3], &[0; 6]), &idx(&[1], &[0])),
            "images: wanted images of 28x28, found 2x3"
        );
    }
}

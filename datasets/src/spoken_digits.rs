//! Spoken digits as sequences of mel-frequency cepstral coefficients: 3,000 recordings of ten digits.
//!
//! Who speaks is not told.

use crate::error::Error;
use crate::mismatch::Mismatch;
use crate::npz::Npz;
use crate::store::Store;

/// The name of the manifest.
pub const DATASET: &str = "spoken-digits";
/// Coefficients of a frame.
pub const COEFFICIENTS: usize = 13;
/// Number of digits.
pub const DIGITS: usize = 10;

const FILE: &str = "digits.npz";
/// Frames and sequences, at most.
const MOST: usize = 1_000_000;

/// Sequences, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequences {
    /// The coefficients of all frames, `[frames, 13]`.
    pub coefficients: Vec<f32>,
    /// Frames of each sequence.
    pub lengths: Vec<usize>,
    /// The digit that each says.
    pub digits: Vec<u32>,
}

impl Sequences {
    /// Reads an archive of arrays `X` (float32, `[frames, 13]`), `y` and `lengths` (int64).
    ///
    /// # Errors
    /// [`Mismatch`]: other arrays, coefficients that are not finite, digits above 9, a sequence without
    /// frames, or other frames than the sequences have together.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, Mismatch> {
        let mut npz = Npz::open(file, bytes)?;
        let frames = npz.array("X", "<f4", 4 * COEFFICIENTS * MOST)?;
        if frames.shape.len() != 2 || frames.shape[1] != COEFFICIENTS {
            let wanted = format!("frames of {COEFFICIENTS}");
            return Err(Mismatch::new(format!("{file} X"), wanted, format!("{:?}", frames.shape)));
        }
        let (words, _) = frames.bytes.as_chunks::<4>();
        let coefficients: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        if let Some(at) = coefficients.iter().position(|value| !value.is_finite()) {
            let found = format!("{} in frame {}", coefficients[at], at / COEFFICIENTS);
            return Err(Mismatch::new(format!("{file} X"), "finite numbers", found));
        }
        let mut whole = |name: &str, range: std::ops::RangeInclusive<i64>| {
            let array = npz.array(name, "<i8", 8 * MOST)?;
            let (words, _) = array.bytes.as_chunks::<8>();
            let numbers = words.iter().map(|word| i64::from_le_bytes(*word));
            let numbers = numbers.map(|number| {
                let wanted = format!("{} to {}", range.start(), range.end());
                let within = range.contains(&number).then_some(number.unsigned_abs() as usize);
                within.ok_or_else(|| {
                    Mismatch::new(format!("{file} {name}"), wanted, number.to_string())
                })
            });
            numbers.collect::<Result<Vec<usize>, Mismatch>>()
        };
        let digits = whole("y", 0..=DIGITS as i64 - 1)?;
        let lengths = whole("lengths", 1..=MOST as i64)?;
        let place = format!("{file} lengths");
        if digits.len() != lengths.len() {
            let wanted = format!("{} numbers, one a digit", digits.len());
            return Err(Mismatch::new(place, wanted, lengths.len().to_string()));
        }
        let all: usize = lengths.iter().sum();
        if all != frames.shape[0] {
            let wanted = format!("a sum of {}, the frames of X", frames.shape[0]);
            return Err(Mismatch::new(place, wanted, all.to_string()));
        }
        let digits = digits.into_iter().map(|digit| digit as u32).collect();
        Ok(Self { coefficients, lengths, digits })
    }
}

/// All sequences.
///
/// # Errors
/// What [`Store::open`] says, or a [`Mismatch`].
pub fn load(store: &Store) -> Result<Sequences, Error> {
    Ok(Sequences::read(FILE, &store.open(DATASET)?.read(FILE)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npz::testing::npz;

    fn archive(frames: usize, value: f32, digits: &[i64], lengths: &[i64]) -> Vec<u8> {
        let whole = |numbers: &[i64]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        npz(&[
            ("X", "<f4", &format!("({frames}, 13)"), value.to_le_bytes().repeat(13 * frames)),
            ("y", "<i8", &format!("({},)", digits.len()), whole(digits)),
            ("lengths", "<i8", &format!("({},)", lengths.len()), whole(lengths)),
        ])
    }

    #[test]
    fn sequences_are_read_and_faults_named() {
        let found = Sequences::read("d", &archive(5, 0.5, &[9, 0], &[2, 3])).unwrap();
        assert_eq!(found.lengths, [2, 3]);
        assert_eq!(found.digits, [9, 0]);
        assert_eq!(found.coefficients, [0.5; 65]);
        let told = |bytes: Vec<u8>| Sequences::read("d", &bytes).unwrap_err().to_string();
        assert_eq!(told(archive(5, 0.5, &[10, 0], &[2, 3])), "d y: wanted 0 to 9, found 10");
        assert_eq!(
            told(archive(5, 0.5, &[1, 0], &[2, 2])),
            "d lengths: wanted a sum of 5, the frames of X, found 4"
        );
        assert_eq!(
            told(archive(5, 0.5, &[1], &[2, 3])),
            "d lengths: wanted 1 numbers, one a digit, found 2"
        );
        assert_eq!(
            told(archive(1, f32::NAN, &[1], &[1])),
            "d X: wanted finite numbers, found NaN in frame 0"
        );
        assert_eq!(told(archive(1, 1.0, &[1], &[0])), "d lengths: wanted 1 to 1000000, found 0");
    }
}

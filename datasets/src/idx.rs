//! IDX files: arrays of bytes with their shape, as MNIST comes in.
//!
//! ```text
//! 00 00 08 R    two zeros, the element type (08: unsigned bytes), the number of axes
//! E E E E       the extent of each axis, big-endian
//! ..            the elements, row-major
//! ```

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use thiserror::Error;

/// A file that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}: wanted {wanted}, found {found}")]
pub struct IdxError {
    /// The file.
    pub file: String,
    /// What the format has here.
    pub wanted: String,
    /// What is here.
    pub found: String,
}

/// Unsigned bytes with a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx {
    /// Extent of each axis.
    pub shape: Vec<usize>,
    /// The elements, row-major.
    pub data: Vec<u8>,
}

impl IdxError {
    pub(crate) fn new(file: &str, wanted: impl Into<String>, found: impl Into<String>) -> Self {
        Self { file: file.into(), wanted: wanted.into(), found: found.into() }
    }
}

impl Idx {
    /// Reads an IDX file of unsigned bytes with `axes` axes, compressed with gzip or plain; `file`
    /// names it in errors.
    ///
    /// ```
    /// use datasets::Idx;
    ///
    /// let idx = Idx::read("pair", b"\0\0\x08\x01\0\0\0\x02\x05\x07", 1)?;
    /// assert_eq!((idx.shape, idx.data), (vec![2], vec![5, 7]));
    /// let error = Idx::read("pair", b"\0\0\x08\x01\0\0\0\x02\x05", 1).unwrap_err();
    /// assert_eq!(error.to_string(), "pair: wanted 2 elements, found 1");
    /// # Ok::<(), datasets::IdxError>(())
    /// ```
    ///
    /// # Errors
    /// [`IdxError`]: not an IDX file, another element type, another number of axes, more or fewer
    /// elements than the shape says, or a damaged compressed file.
    pub fn read(file: &str, bytes: &[u8], axes: usize) -> Result<Self, IdxError> {
        let bytes = plain(file, bytes)?;
        let fail = |wanted: String, found: String| IdxError::new(file, wanted, found);
        let Some((header, rest)) = bytes.split_first_chunk::<4>() else {
            return Err(fail("an IDX header".into(), format!("a file of {} bytes", bytes.len())));
        };
        let [0, 0, kind, found] = *header else {
            return Err(fail("an IDX file (00 00 ..)".into(), format!("{header:02x?}")));
        };
        if kind != 8 {
            return Err(fail("unsigned bytes (type 08)".into(), format!("type {kind:02x}")));
        }
        if usize::from(found) != axes {
            return Err(fail(format!("{axes} axes"), found.to_string()));
        }
        let Some((extents, data)) = rest.split_at_checked(4 * axes) else {
            return Err(fail(format!("{axes} extents"), format!("{} bytes", rest.len())));
        };
        let (words, _) = extents.as_chunks::<4>();
        let shape: Vec<usize> = words.iter().map(|w| u32::from_be_bytes(*w) as usize).collect();
        let elements = shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent));
        if elements != Some(data.len()) {
            let wanted = elements.map_or_else(|| format!("shape {shape:?}"), |n| n.to_string());
            return Err(fail(format!("{wanted} elements"), data.len().to_string()));
        }
        Ok(Self { shape, data: data.to_vec() })
    }
}

/// The bytes, unpacked where they are compressed.
fn plain<'a>(file: &str, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, IdxError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes.into());
    }
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(bytes)
        .read_to_end(&mut unpacked)
        .map_err(|e| IdxError::new(file, "a whole gzip file", e.to_string()))?;
    Ok(unpacked.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const SOUND: &[u8] = &[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];

    #[test]
    fn plain_and_compressed_files_are_read_alike() {
        let plain = Idx::read("a", SOUND, 2).unwrap();
        assert_eq!((plain.shape.as_slice(), plain.data.as_slice()), (&[2, 3][..], &SOUND[12..]));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(SOUND).unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(Idx::read("a.gz", &packed, 2).unwrap(), plain);
        let error = Idx::read("a.gz", &packed[..packed.len() - 9], 2).unwrap_err().to_string();
        assert!(error.starts_with("a.gz: wanted a whole gzip file, found "), "{error}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let told = |bytes: &[u8], axes| Idx::read("f", bytes, axes).unwrap_err().to_string();
        assert_eq!(told(&SOUND[..3], 2), "f: wanted an IDX header, found a file of 3 bytes");
        assert_eq!(told(b"\x89PNG", 2), "f: wanted an IDX file (00 00 ..), found [89, 50, 4e, 47]");
        assert_eq!(told(&[0, 0, 0x0d, 1], 1), "f: wanted unsigned bytes (type 08), found type 0d");
        assert_eq!(told(SOUND, 3), "f: wanted 3 axes, found 2");
        assert_eq!(told(&SOUND[..9], 2), "f: wanted 2 extents, found 5 bytes");
        assert_eq!(told(&SOUND[..17], 2), "f: wanted 6 elements, found 5");
        assert_eq!(told(&[SOUND, &[0]].concat(), 2), "f: wanted 6 elements, found 7");
    }
}

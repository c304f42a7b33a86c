//! Archives of NumPy arrays (`.npz`): zip archives with a file `NAME.npy` for each array.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::mismatch::Mismatch;

/// Bytes of an array's header, at most: a text of its type and shape.
const HEADER: usize = 1 << 16;

/// An archive.
pub(crate) struct Npz<'a> {
    file: &'a str,
    archive: ZipArchive<Cursor<&'a [u8]>>,
}

/// An array, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl<'a> Npz<'a> {
    /// Opens an archive.
    ///
    /// # Errors
    /// [`Mismatch`] for a file that is none.
    pub(crate) fn open(file: &'a str, bytes: &'a [u8]) -> Result<Self, Mismatch> {
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|e| Mismatch::new(file, "a zip archive", e.to_string()))?;
        Ok(Self { file, archive })
    }

    /// The array `name`, whose type NumPy calls `kind` and which has at most `most` bytes.
    ///
    /// # Errors
    /// [`Mismatch`]: no such array, one of another type or order, or more or fewer bytes than its shape
    /// says.
    pub(crate) fn array(&mut self, name: &str, kind: &str, most: usize) -> Result<Array, Mismatch> {
        let place = format!("{} {name}", self.file);
        let wrong = |wanted: String, found: String| Mismatch::new(&place, wanted, found);
        let member = self
            .archive
            .by_name(&format!("{name}.npy"))
            .map_err(|e| wrong(format!("an array {name}.npy"), e.to_string()))?;
        let (mut bytes, limit) = (Vec::new(), most + HEADER);
        let unreadable = |e: std::io::Error| wrong("a whole archive".into(), e.to_string());
        member.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() > limit {
            return Err(wrong(format!("at most {most} bytes"), "more".into()));
        }
        let (header, data) = split(&bytes)
            .ok_or_else(|| wrong("an array of NumPy's format 1".into(), "something else".into()))?;
        let layout = format!("'descr': '{kind}', 'fortran_order': False");
        if !header.contains(&layout) {
            return Err(wrong(layout, header.trim().to_owned()));
        }
        let shape = shape(header).ok_or_else(|| wrong("a shape".into(), header.trim().into()))?;
        let width: usize = kind[2..].parse().expect("a type ends with its bytes");
        let size = shape.iter().try_fold(width, |size, &extent| size.checked_mul(extent));
        if size != Some(data.len()) {
            return Err(wrong(format!("the bytes of {shape:?}"), data.len().to_string()));
        }
        Ok(Array { shape, bytes: data.to_vec() })
    }
}

/// Header and elements.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00")?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (header, data) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
    Some((std::str::from_utf8(header).ok()?, data))
}

/// The extents of a header's shape.
fn shape(header: &str) -> Option<Vec<usize>> {
    let (_, rest) = header.split_once("'shape': (")?;
    let (inside, _) = rest.split_once(')')?;
    let parts = inside.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
pub(crate) mod testing {
    //! Archives for tests.

    use std::io::{Cursor, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    /// An archive of arrays: name, type, shape as Python writes it, bytes.
    pub(crate) fn npz(arrays: &[(&str, &str, &str, Vec<u8>)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, kind, shape, bytes) in arrays {
            let options = SimpleFileOptions::default();
            writer.start_file(format!("{name}.npy"), options).unwrap();
            let header =
                format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
            writer.write_all(b"\x93NUMPY\x01\x00").unwrap();
            writer.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
            writer.write_all(header.as_bytes()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::npz;
    use super::*;

    #[test]
    fn arrays_are_read_and_others_refused() {
        let bytes = npz(&[("a", "<f4", "(2, 3)", vec![7; 24]), ("b", "<i8", "(1,)", vec![0; 9])]);
        let mut npz = Npz::open("x.npz", &bytes).unwrap();
        let found = npz.array("a", "<f4", 100).unwrap();
        assert_eq!((found.shape, found.bytes), (vec![2, 3], vec![7; 24]));
        let mut told =
            |name: &str, kind: &str, most| npz.array(name, kind, most).unwrap_err().to_string();
        assert_eq!(told("b", "<i8", 100), "x.npz b: wanted the bytes of [1], found 9");
        assert!(told("b", "<f4", 100).starts_with("x.npz b: wanted 'descr': '<f4'"));
        assert!(told("c", "<f4", 100).starts_with("x.npz c: wanted an array c.npy"));
        let error = Npz::open("x.npz", b"nothing").err().unwrap();
        assert!(error.to_string().starts_with("x.npz: wanted a zip archive"), "{error}");
    }
}

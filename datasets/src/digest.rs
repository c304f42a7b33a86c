//! SHA-256 checksums of bytes, files and streams.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use sha2::Sha256;

/// A sha256 sum, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The sum of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The sum of everything `reader` still gives.
    ///
    /// # Errors
    /// What the reader reports.
    pub(crate) fn of_reader(reader: impl Read) -> io::Result<Self> {
        let mut reader = Hashing::new(reader);
        io::copy(&mut reader, &mut io::sink())?;
        Ok(reader.finish())
    }

    /// The sum of the file at `path`.
    ///
    /// # Errors
    /// What the file system reports.
    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        File::open(path).and_then(Self::of_reader)
    }
}

impl From<[u8; 32]> for Digest {
    fn from(sum: [u8; 32]) -> Self {
        Self(sum)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("a sha256 is 64 lower-case hexadecimal digits, found {text:?}");
        let lower = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 64 || !text.as_bytes().iter().all(lower) {
            return Err(wrong());
        }
        let mut sum = [0; 32];
        for (byte, at) in sum.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(sum))
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// A reader that hashes and counts what passes through it.
pub(crate) struct Hashing<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R> Hashing<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    pub(crate) fn count(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn finish(self) -> Digest {
        Digest(self.hash.finalize().into())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_sum_of_abc_is_the_standards() {
        assert_eq!(Digest::of(b"abc").to_string(), ABC);
        assert_eq!(Digest::of_reader(&b"abc"[..]).unwrap().to_string(), ABC);
        assert_eq!(ABC.parse(), Ok(Digest::of(b"abc")));
    }

    #[test]
    fn only_64_lower_case_digits_parse() {
        for text in ["", "abc", &ABC.to_uppercase(), &format!("{ABC}0"), &ABC.replace('b', "g")] {
            assert!(text.parse::<Digest>().unwrap_err().contains(&format!("{text:?}")));
        }
    }
}

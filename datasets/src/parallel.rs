//! Parallel texts: a file of lines and one of their translations.

use std::io::BufRead;

use crate::mismatch::Mismatch;

/// A text and its translation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pair {
    /// The text.
    pub source: String,
    /// The translation.
    pub target: String,
}

/// Reads two files of as many lines, of which no line is empty; white space around a line is dropped.
/// Each file comes with its name.
///
/// # Errors
/// A [`Mismatch`] names file and line: bytes that are no UTF-8, an empty line, other numbers of lines.
pub fn read(source: (&str, &[u8]), target: (&str, &[u8])) -> Result<Vec<Pair>, Mismatch> {
    read_lines(source, target, usize::MAX)
}

/// As [`read`], line by line, and no more than the first `most` lines.
///
/// # Errors
/// As [`read`], and what cannot be read.
pub fn read_lines(
    source: (&str, impl BufRead),
    target: (&str, impl BufRead),
    most: usize,
) -> Result<Vec<Pair>, Mismatch> {
    let (mut sources, mut targets) = (Lines::of(source), Lines::of(target));
    let mut pairs = Vec::new();
    while pairs.len() < most {
        match (sources.next()?, targets.next()?) {
            (Some(source), Some(target)) => pairs.push(Pair { source, target }),
            (None, None) => break,
            _ => {
                sources.count_the_rest()?;
                targets.count_the_rest()?;
                let wanted = format!("{} lines, as {} has", sources.number, sources.name);
                return Err(Mismatch::new(targets.name, wanted, targets.number.to_string()));
            }
        }
    }
    Ok(pairs)
}

/// The lines of a file.
struct Lines<'a, R> {
    name: &'a str,
    file: R,
    line: Vec<u8>,
    /// Lines that were read.
    number: usize,
}

impl<'a, R: BufRead> Lines<'a, R> {
    fn of((name, file): (&'a str, R)) -> Self {
        Self { name, file, line: Vec::new(), number: 0 }
    }

    /// The next line, without white space around it.
    fn next(&mut self) -> Result<Option<String>, Mismatch> {
        if !self.skip()? {
            return Ok(None);
        }
        let place = format!("{}:{}", self.name, self.number);
        let text = std::str::from_utf8(&self.line).map_err(|error| {
            let found = format!("byte 0x{:02x}", self.line[error.valid_up_to()]);
            Mismatch::new(place.clone(), "UTF-8", found)
        })?;
        match text.trim() {
            "" => Err(Mismatch::new(place, "a sentence", "an empty line")),
            text => Ok(Some(text.into())),
        }
    }

    /// Reads a line as it is; whether there was one.
    fn skip(&mut self) -> Result<bool, Mismatch> {
        self.line.clear();
        let read = self.file.read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| {
            Mismatch::new(format!("{}:{}", self.name, self.number + 1), "a line", error.to_string())
        })?;
        self.number += usize::from(read > 0);
        Ok(read > 0)
    }

    fn count_the_rest(&mut self) -> Result<(), Mismatch> {
        while self.skip()? {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_matched_and_every_fault_names_its_line() {
        let read = |a: &[u8], b: &[u8]| read(("train.en", a), ("train.de", b));
        let pairs = read(b"a b \nc\r\n", "ä\nö".as_bytes()).unwrap();
        assert_eq!(pairs[1], Pair { source: "c".into(), target: "ö".into() });
        assert_eq!((pairs.len(), pairs[0].source.as_str()), (2, "a b"));
        let told = |a: &[u8], b: &[u8]| read(a, b).unwrap_err().to_string();
        assert_eq!(told(b"a\nb\n", b"x\n"), "train.de: wanted 2 lines, as train.en has, found 1");
        assert_eq!(
            told(b"a\n \nc\n", b"x\ny\nz\n"),
            "train.en:2: wanted a sentence, found an empty line"
        );
        assert_eq!(told(b"a\n", b"\n"), "train.de:1: wanted a sentence, found an empty line");
        assert_eq!(told(b"a\n", b"x\xffy"), "train.de:1: wanted UTF-8, found byte 0xff");
        assert_eq!(told(b"a\nb\xc3", b"x\ny"), "train.en:2: wanted UTF-8, found byte 0xc3");
        assert_eq!(told(b"a\n", b"x\ny\nz"), "train.de: wanted 1 lines, as train.en has, found 3");
        let long = "word ".repeat(10_000);
        assert_eq!(read(long.as_bytes(), b"x").unwrap()[0].source.split(' ').count(), 10_000);
        let first = read_lines(("a", &b"1\n2\n\n"[..]), ("b", &b"3\n4\n5\n6\n"[..]), 2).unwrap();
        assert_eq!((first.len(), first[1].target.as_str()), (2, "4"));
    }
}

//! Parallel texts: a file of lines and one of their translations.

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
    let (sources, targets) = (lines(source.0, source.1)?, lines(target.0, target.1)?);
    if sources.len() != targets.len() {
        let wanted = format!("{} lines, as {} has", sources.len(), source.0);
        return Err(Mismatch::new(target.0, wanted, targets.len().to_string()));
    }
    let pair =
        |(source, target): (&str, &str)| Pair { source: source.into(), target: target.into() };
    Ok(sources.into_iter().zip(targets).map(pair).collect())
}

/// The lines of a file.
fn lines<'a>(name: &str, bytes: &'a [u8]) -> Result<Vec<&'a str>, Mismatch> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        let found = format!("byte 0x{:02x}", bytes[error.valid_up_to()]);
        Mismatch::new(format!("{name}:{line}"), "UTF-8", found)
    })?;
    let lines: Vec<&str> = text.strip_suffix('\n').unwrap_or(text).split('\n').collect();
    let trimmed = lines.into_iter().zip(1..).map(|(line, number)| match line.trim() {
        "" => Err(Mismatch::new(format!("{name}:{number}"), "a sentence", "an empty line")),
        text => Ok(text),
    });
    trimmed.collect()
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
    }
}

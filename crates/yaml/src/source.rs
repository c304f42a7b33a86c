//! Source texts and places in them, for error messages.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path as FilePath, PathBuf, absolute};
use std::sync::Arc;

use crate::{Error, Path};

/// Bytes of a file at most.
pub const LARGEST: u64 = 16 << 20;

/// A text with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// File or argument.
    pub origin: Origin,
    /// The whole text.
    pub text: String,
}

/// What holds the text of a [`Source`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A file, by the path it was asked for.
    File(PathBuf),
    /// An argument of `--set`; the text is the whole argument.
    Argument,
}

impl Source {
    /// The text of a file.
    pub fn of_file(path: &FilePath, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { origin: Origin::File(path.into()), text: text.into() })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It is not there, cannot be read, is longer than [`LARGEST`] or is not in UTF-8.
    pub fn read(path: &FilePath) -> Result<Arc<Self>, Error> {
        let fail = |line: usize, message: String| {
            let whole = Span::whole(&Self::of_file(path, ""));
            Error::new(&Span { line, column: line.min(1), ..whole }, Path::root(), message)
        };
        let read = || -> std::io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|error| {
            let absolute = absolute(path).ok().filter(|absolute| absolute != path);
            let tried = absolute.map_or(String::new(), |path| format!(" at {}", path.display()));
            fail(
                0,
                match error.kind() {
                    ErrorKind::NotFound => format!("there is no file{tried}"),
                    ErrorKind::IsADirectory => format!("wanted a file, found a folder{tried}"),
                    _ => format!("could not read the file{tried}: {error}"),
                },
            )
        })?;
        if bytes.len() as u64 > LARGEST {
            return Err(fail(0, format!("wanted at most {LARGEST} bytes, found more")));
        }
        String::from_utf8(bytes).map(|text| Self::of_file(path, text)).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
            fail(line, format!("wanted UTF-8, found byte {:#04x}", error.as_bytes()[at]))
        })
    }
}

/// A place in a [`Source`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The text.
    pub source: Arc<Source>,
    /// Line, from 1; 0 for the source as a whole.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Length in characters on that line, at least 1.
    pub len: usize,
}

impl Span {
    /// The first character of a source.
    pub fn start_of(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), line: 1, column: 1, len: 1 }
    }

    /// A source as a whole.
    pub fn whole(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), line: 0, column: 0, len: 1 }
    }

    /// What stands there, where it stands on one line.
    pub fn written(&self) -> Option<String> {
        let line = self.source.text.lines().nth(self.line.checked_sub(1)?)?;
        let text: String = line.chars().skip(self.column - 1).take(self.len).collect();
        (text.chars().count() == self.len).then_some(text)
    }

    /// The line with a caret under the place.
    pub(crate) fn snippet(&self) -> String {
        let Some(before) = self.line.checked_sub(1) else { return String::new() };
        let line = self.source.text.lines().nth(before).unwrap_or_default();
        let shown: String = line.chars().take(160).map(printable).collect();
        if shown.trim().is_empty() || self.column > 160 {
            return String::new();
        }
        let number = self.line.to_string();
        let carets = "^".repeat(self.len.clamp(1, 160 - (self.column - 1).min(159)));
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(self.column - 1);
        format!("\n  {number} | {shown}\n  {margin} | {indent}{carets}")
    }
}

/// Tabs and control characters take one column, so that carets stand where they should.
fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source.origin {
            Origin::File(path) if self.line == 0 => write!(f, "{}", path.display()),
            Origin::File(path) => write!(f, "{}:{}:{}", path.display(), self.line, self.column),
            Origin::Argument => write!(f, "argument `-s {}`", self.source.text.escape_debug()),
        }
    }
}

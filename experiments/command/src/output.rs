//! What was said last, and lines of the metrics descriptor.

use std::collections::VecDeque;
use std::fmt;

use crate::screen::{End, Reader, Screen};

/// Lines that an error shows, and how much of each.
const TAIL: (usize, usize) = (10, 300);
/// Longest line of the metrics descriptor.
pub(crate) const LONGEST_MESSAGE: usize = 1 << 20;

/// The last lines of a stream.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
    /// The last of them may be written over.
    open: bool,
    /// What was read is the rest of a line that was too long.
    cut: bool,
}

impl Tail {
    /// The last lines of what a terminal shows of some bytes.
    pub(crate) fn of(bytes: &[u8], window: usize) -> Self {
        let (mut screen, mut tail) = (Screen::new(window), Only(Self::default()));
        screen.write(bytes, &mut tail);
        screen.close(&mut tail);
        tail.0
    }

    /// Takes in a piece of text, of which the beginning is kept.
    pub(crate) fn read(&mut self, text: &str, end: End) {
        let shown: String = text.trim_end().chars().take(TAIL.1).collect();
        if !shown.is_empty() && !self.cut {
            if self.open {
                self.lines.pop_back();
            }
            if self.lines.len() == TAIL.0 {
                self.lines.pop_front();
            }
            self.lines.push_back(shown);
        }
        (self.open, self.cut) = (end == End::Rewritten, end == End::Not);
    }

    /// Whether nothing was said.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl fmt::Display for Tail {
    /// One line as it is, several each on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lines.len() {
            1 => f.write_str(&self.lines[0]),
            _ => self.lines.iter().try_for_each(|line| write!(f, "\n{line}")),
        }
    }
}

/// Reads for the last lines alone.
struct Only(Tail);

impl Reader for Only {
    fn read(&mut self, text: &mut String, end: End) {
        self.0.read(text, end);
        if end == End::Not {
            text.clear();
        }
    }
}

/// Bytes cut into lines, of which at most so many bytes are kept.
#[derive(Debug)]
pub(crate) struct Lines {
    longest: usize,
    line: Vec<u8>,
    cut: bool,
}

impl Lines {
    pub(crate) fn new(longest: usize) -> Self {
        Self { longest, line: Vec::new(), cut: false }
    }

    /// Calls `each` with every line that ends in `bytes`; with `None` for one that was too long.
    pub(crate) fn write<E>(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ended) = match part {
                [text @ .., b'\n'] => (text, true),
                text => (text, false),
            };
            let room = self.longest - self.line.len();
            self.cut |= text.len() > room;
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if ended {
                let (line, cut) = (std::mem::take(&mut self.line), std::mem::take(&mut self.cut));
                each((!cut).then_some(&line))?;
            }
        }
        Ok(())
    }

    /// The line that nothing ended.
    pub(crate) fn close<E>(
        &mut self,
        each: impl FnMut(Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.line.is_empty() { Ok(()) } else { self.write(b"\n", each) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(bytes: &[u8]) -> String {
        Tail::of(bytes, 1000).to_string()
    }

    #[test]
    fn the_last_lines_are_shown_as_they_stood() {
        assert_eq!(tail(b""), "");
        assert_eq!(tail(b"oh\n\n"), "oh");
        assert_eq!(
            tail(b"1%\r2%\r3%\r\nTraceback\r\n  \x1b[31mhere\x1b[0m"),
            "\n3%\nTraceback\n  here"
        );
        let eleven: String = (1..=11).map(|n| format!("{n}\n")).collect();
        assert!(tail(eleven.as_bytes()).starts_with("\n2\n3\n"));
        let long = format!("{}\nshort\n", "x".repeat(100_000));
        assert_eq!(tail(long.as_bytes()), format!("\n{}\nshort", "x".repeat(300)));
    }

    #[test]
    fn long_lines_are_left_out_and_unfinished_ones_kept() {
        let (mut lines, mut seen) = (Lines::new(4), Vec::new());
        let mut each = |line: Option<&[u8]>| {
            seen.push(line.map(|line| String::from_utf8_lossy(line).into_owned()));
            Ok::<_, ()>(())
        };
        for bytes in [&b"a"[..], b"b\nabc", b"def\n\nxy"] {
            lines.write(bytes, &mut each).unwrap();
        }
        lines.close(&mut each).unwrap();
        let line = |text: &str| Some(text.to_owned());
        assert_eq!(seen, [line("ab"), None, line(""), line("xy")]);
    }
}

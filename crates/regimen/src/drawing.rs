//! Lines at the bottom of the terminal that change in place, and what is said above them.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use unicode_width::UnicodeWidthStr;

use crate::terminal::screen;

/// What stands on standard error at the moment. Whoever writes there has it step aside.
static DRAWN: Mutex<Drawing> = Mutex::new(Drawing { lines: Vec::new() });

struct Drawing {
    /// The cursor is behind the last one.
    lines: Vec<String>,
}

fn drawn() -> MutexGuard<'static, Drawing> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows these lines in place of those before. Each should be shorter than the terminal is wide.
pub(crate) fn draw(lines: Vec<String>) {
    let mut drawn = drawn();
    let frame = drawn.erased(screen().width) + &lines.join("\n");
    drawn.lines = lines;
    // Nobody looks when standard error is gone.
    let _ = io::stderr().write_all(frame.as_bytes());
}

impl Drawing {
    /// Takes the lines away and leaves the cursor where the first one began. A terminal that became
    /// narrower since they were drawn has wrapped them.
    fn erased(&self, width: usize) -> String {
        let rows = |line: &String| line.width().div_ceil(width.max(1)).max(1);
        match self.lines.iter().map(rows).sum::<usize>() {
            0 => String::new(),
            1 => "\r\x1b[J".into(),
            more => format!("\r\x1b[{}A\x1b[J", more - 1),
        }
    }
}

/// Standard error, above whatever is drawn there.
pub(crate) struct Above;

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let drawn = drawn();
        if drawn.lines.is_empty() {
            return io::stderr().write_all(bytes);
        }
        let above = drawn.erased(screen().width).into_bytes();
        let below = drawn.lines.join("\n").into_bytes();
        io::stderr().write_all(&[&above, bytes, &below].concat())
    }

    fn write_fmt(&mut self, text: std::fmt::Arguments<'_>) -> io::Result<()> {
        // A line at a time, not a piece.
        self.write_all(text.to_string().as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_away_however_the_terminal_has_wrapped_them() {
        let drawing =
            |lines: &[&str]| Drawing { lines: lines.iter().map(|l| (*l).into()).collect() };
        assert_eq!(drawing(&[]).erased(80), "");
        assert_eq!(drawing(&["ab"]).erased(80), "\r\x1b[J");
        assert_eq!(drawing(&["ab", ""]).erased(80), "\r\x1b[1A\x1b[J");
        assert_eq!(drawing(&["abcde", "abc"]).erased(2), "\r\x1b[4A\x1b[J");
        assert_eq!(drawing(&["ab"]).erased(0), "\r\x1b[1A\x1b[J");
    }
}

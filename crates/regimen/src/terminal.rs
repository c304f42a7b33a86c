use std::io::{self, IsTerminal, Write};

/// Writes data to standard output; a reader that went away is no error.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Writes a line for people to standard error.
pub(crate) fn say(line: &str) {
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Shows an error with its causes.
pub(crate) fn print_error(error: &anyhow::Error) {
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1) {
        text.push_str("\n  because: ");
        text.push_str(&cause.to_string());
    }
    say(&text);
}

/// Text of others without what moves a cursor, changes a direction or cannot be seen.
pub(crate) fn inert(text: &str) -> String {
    tables::inert(text).into_owned()
}

/// Lines for standard error, those that do not fit a terminal cut at spaces and indented.
pub(crate) fn fold_lines(text: &str) -> String {
    let width = rustix::termios::tcgetwinsize(io::stderr()).map_or(0, |size| size.ws_col.into());
    fold_to(text, if width == 0 { usize::MAX } else { width })
}

fn fold_to(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let own: String = line.chars().take_while(|c| *c == ' ').take(width / 4).collect();
        let (mut rest, mut indent) = (line, "");
        let deeper = format!("{own}    ");
        loop {
            let room = width.saturating_sub(indent.len()).max(1);
            let Some((end, _)) = rest.char_indices().nth(room) else { break };
            // Not so early that hardly anything stands on the line.
            let space = rest[..end].rfind(' ').filter(|at| *at >= end / 2);
            let (head, tail) = rest.split_at(space.unwrap_or(end));
            lines.push(format!("{indent}{head}"));
            (rest, indent) = (tail.trim_start(), &deeper);
        }
        lines.push(format!("{indent}{rest}"));
    }
    lines.join("\n")
}

/// Whether standard error shows colours.
pub(crate) fn colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_to_the_width() {
        assert_eq!(fold_to("a bc\n  def", 80), "a bc\n  def");
        assert_eq!(
            fold_to("one two three four five", 12),
            "one two\n    three\n    four\n    five"
        );
        let long = fold_to(&format!("  {}", "x".repeat(100)), 20);
        assert!(long.lines().all(|line| line.chars().count() <= 20), "{long}");
        assert_eq!(long.matches('x').count(), 100);
        assert_eq!(fold_to(&"é".repeat(25), 10).lines().count(), 4);
    }
}

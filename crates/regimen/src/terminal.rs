use std::io::{self, IsTerminal, Write};

use crate::plans::Mistakes;

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

/// Mistakes of configurations that are shown.
const MOST_MISTAKES: usize = 20;

/// Shows an error with its causes, or each mistake of configurations.
pub(crate) fn print_error(error: &anyhow::Error) {
    if let Some(mistakes) = error.downcast_ref::<Mistakes>() {
        mistakes.iter().take(MOST_MISTAKES).for_each(|mistake| say(&format!("error: {mistake}")));
        match mistakes.iter().skip(MOST_MISTAKES).count() {
            0 => {}
            more => say(&format!("and {more} more mistakes")),
        }
        return;
    }
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1) {
        text.push_str("\n  because: ");
        text.push_str(&cause.to_string());
    }
    say(&text);
}

/// Whether standard error shows colours.
pub(crate) fn colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

use std::env;
use std::io::{self, IsTerminal, Write};

use tables::Terminal;

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

/// Whether standard error shows colours.
pub(crate) fn colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Columns where a terminal does not say how many it has.
const USUAL: usize = 80;

/// What standard output can show: as many columns as `COLUMNS` says, or the terminal has; any number
/// where it is no terminal.
pub(crate) fn output() -> Terminal {
    Terminal { width: columns(), ascii: !speaks_utf8() }
}

fn columns() -> Option<usize> {
    let given = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    given.filter(|columns| *columns > 0).or_else(|| {
        let out = io::stdout();
        let size = || rustix::termios::tcgetwinsize(&out).ok().map(|size| size.ws_col.into());
        out.is_terminal().then(|| size().filter(|columns| *columns > 0).unwrap_or(USUAL))
    })
}

/// Whether the locale allows for more than ASCII; one that is not set does.
fn speaks_utf8() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(env::var_os);
    set.filter(|locale| !locale.is_empty())
        .map(|locale| locale.to_string_lossy().to_lowercase())
        .next()
        .is_none_or(|locale| locale.contains("utf-8") || locale.contains("utf8"))
}

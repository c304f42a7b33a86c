//! Standard output and standard error: width, colours, folded lines and safe text.

use std::borrow::Cow;
use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use unicode_width::UnicodeWidthStr;

use crate::drawing::Above;
use crate::progress::Screen;

/// What messages call the program.
pub(crate) const OURS: &str = "regimen";

/// The name of standard output where a file is asked for.
pub(crate) const STDOUT: &str = "-";

use crate::plans::Mistakes;

use tables::Terminal;

/// Writes data to standard output; a reader that went away is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    print_bytes(text.as_bytes())
}

fn print_bytes(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("could not write to standard output"),
    }
}

/// Writes what a command made to the file that the user named; `-` is standard output.
pub(crate) fn put(to: &Path, bytes: &[u8]) -> Result<()> {
    if to != Path::new(STDOUT) {
        return Ok(tables::write_output(to, bytes)?);
    }
    if io::stdout().is_terminal() && std::str::from_utf8(bytes).is_err() {
        bail!("this is no text for a terminal: name a file by -o FILE, or redirect the output");
    }
    print_bytes(bytes)
}

/// Writes lines of a listing to standard output, folded where that is a terminal: what reads from a
/// pipe counts on a line a thing.
pub(crate) fn print_lines(text: &str) -> Result<()> {
    match columns().filter(|_| io::stdout().is_terminal()) {
        Some(width) if !text.is_empty() => print(&(fold_to(text, width) + "\n")),
        _ => print(text),
    }
}

/// Writes lines for people to standard error, folded where that is a terminal.
pub(crate) fn say(text: &str) {
    say_as_it_is(&fold_lines(text));
}

/// Writes lines that fit, or that must stay in one piece, to standard error.
pub(crate) fn say_as_it_is(text: &str) {
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(Above, "{}", to_type(text));
}

/// The name by which this program was started: a crate over experiments of its own has another one.
pub(crate) fn program() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| {
        let path = env::args_os().next().map(PathBuf::from).unwrap_or_default();
        path.file_name().map_or_else(|| OURS.into(), |name| name.to_string_lossy().into_owned())
    });
    &NAME
}

/// A text with the commands in it as users of this program type them.
pub(crate) fn to_type(text: &str) -> Cow<'_, str> {
    match program() {
        OURS => text.into(),
        own => text.replace(&format!("`{OURS} "), &format!("`{own} ")).into(),
    }
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
    let mut folded = Vec::new();
    for line in text.lines() {
        if line.width() <= width {
            folded.push(line.to_owned());
            continue;
        }
        let own: String = line.chars().take_while(|c| *c == ' ').take(width / 4).collect();
        let deeper = own + &" ".repeat(4.min(width / 3));
        let options = textwrap::Options::new(width)
            .subsequent_indent(&deeper)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        folded.extend(textwrap::wrap(line, options).into_iter().map(Cow::into_owned));
    }
    folded.join("\n")
}

/// Whether standard error shows colours.
pub(crate) fn colours() -> bool {
    redraws() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether standard error is a terminal on which lines can be drawn again.
pub(crate) fn redraws() -> bool {
    io::stderr().is_terminal() && !is_dumb()
}

/// Whether `TERM` is unset or `dumb`, so that the cursor cannot be moved.
pub(crate) fn is_dumb() -> bool {
    env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
}

/// Standard error's size, and what it can show.
pub(crate) fn screen() -> Screen {
    screen_of(rustix::stdio::stderr())
}

/// The size of a terminal, and what it can show: 80 columns where it does not say.
pub(crate) fn screen_of(stream: impl std::os::fd::AsFd) -> Screen {
    let size = rustix::termios::tcgetwinsize(stream).ok();
    let [width, height] = [size.map(|size| size.ws_col), size.map(|size| size.ws_row)];
    let or = |said: Option<u16>, usual| said.filter(|said| *said > 0).map_or(usual, usize::from);
    Screen { width: or(width, 80), height: or(height, 24), unicode: is_unicode() }
}

/// The size of standard output, which has no end where it is no terminal.
pub(crate) fn screen_of_output() -> Screen {
    let screen = screen_of(io::stdout());
    if io::stdout().is_terminal() { screen } else { Screen { width: usize::MAX, ..screen } }
}

/// Whether the locale shows more than ASCII; one that says nothing does.
pub(crate) fn is_unicode() -> bool {
    let set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let decides = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find(|name| set(name));
    decides.and_then(env::var_os).is_none_or(|locale| {
        let locale = locale.to_string_lossy().to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Columns where a terminal does not say how many it has.
const USUAL: usize = 80;

/// What standard output can show: as many columns as `COLUMNS` says, or the terminal has; any number
/// where it is no terminal.
pub(crate) fn output() -> Terminal {
    Terminal { width: columns(), ascii: !is_unicode() }
}

fn columns() -> Option<usize> {
    let given = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    given.filter(|columns| *columns > 0).or_else(|| {
        let out = io::stdout();
        let size = || rustix::termios::tcgetwinsize(&out).ok().map(|size| size.ws_col.into());
        out.is_terminal().then(|| size().filter(|columns| *columns > 0).unwrap_or(USUAL))
    })
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
        for width in 1..30 {
            let folded = fold_to("    at  line 12 of 模型-config.yaml: wanted 3", width.max(2));
            assert!(folded.lines().all(|line| line.width() <= width.max(2)), "{width}: {folded}");
        }
    }
}

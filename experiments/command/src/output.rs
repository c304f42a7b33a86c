//! Reading what a program writes without ever keeping much of it.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use crate::message::Message;
use crate::pattern::Patterns;

/// Longest line of the metrics descriptor.
const LONGEST_MESSAGE: usize = 1 << 20;
/// How much of a line of output is looked at.
const LONGEST_LINE: usize = 1 << 14;
/// Lines of standard error that an error shows, and how much of each.
const TAIL: (usize, usize) = (10, 300);

/// A message, or why a line was none.
pub(crate) type Heard = Result<Message, String>;

/// Calls `each` with every line, of which at most `longest` bytes are kept, and whether it was
/// longer; `raw` gets every byte as it comes. `each` ends the reading by returning false.
fn lines(
    mut from: impl Read,
    longest: usize,
    mut raw: impl FnMut(&[u8]),
    mut each: impl FnMut(&str, bool) -> bool,
) {
    let (mut buffer, mut line, mut cut) = (vec![0; 1 << 16], Vec::new(), false);
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => &buffer[..read],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        raw(read);
        for part in read.split_inclusive(|&byte| byte == b'\n') {
            let (text, ended) = match part {
                [text @ .., b'\n'] => (text, true),
                text => (text, false),
            };
            let room = longest - line.len();
            cut |= text.len() > room;
            line.extend_from_slice(&text[..text.len().min(room)]);
            if ended {
                if !each(&String::from_utf8_lossy(&line), cut) {
                    return;
                }
                (line, cut) = (Vec::new(), false);
            }
        }
    }
    if !line.is_empty() {
        each(&String::from_utf8_lossy(&line), cut);
    }
}

/// Reads the metrics descriptor.
pub(crate) fn messages(from: impl Read, heard: &SyncSender<Heard>) {
    let mut number = 0u64;
    lines(
        from,
        LONGEST_MESSAGE,
        |_| (),
        |line, cut| {
            number += 1;
            let message = match (line.trim(), cut) {
                ("", _) => return true,
                (_, true) => Err(format!("wanted at most {LONGEST_MESSAGE} bytes")),
                (line, false) => Message::parse(line),
            };
            let message = message.map_err(|why| format!("line {number} of the metrics: {why}"));
            heard.send(message).is_ok()
        },
    );
}

/// Reads standard output, which goes on to `to`.
pub(crate) fn output(
    from: impl Read,
    mut to: impl Write,
    mut patterns: Patterns,
    heard: &SyncSender<Heard>,
) {
    // The log is a convenience: a full disk shows elsewhere.
    let raw = |bytes: &[u8]| drop(to.write_all(bytes));
    lines(from, LONGEST_LINE, raw, |line, _| {
        if patterns.is_empty() {
            return true;
        }
        match patterns.read(line) {
            Ok(found) => found.into_iter().all(|message| heard.send(Ok(message)).is_ok()),
            Err(why) => heard.send(Err(why)).is_ok(),
        }
    });
}

/// The last lines of standard error.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    /// Reads standard error, which goes on to `to`.
    pub(crate) fn follow(&self, from: impl Read, mut to: impl Write) {
        let raw = |bytes: &[u8]| drop(to.write_all(bytes));
        lines(from, LONGEST_LINE, raw, |line, _| {
            let line = line.trim_end();
            if !line.is_empty() {
                let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == TAIL.0 {
                    kept.pop_front();
                }
                kept.push_back(line.chars().take(TAIL.1).collect());
            }
            true
        });
    }

    /// On one line.
    pub(crate) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_empty() {
            return "nothing on standard error".into();
        }
        kept.iter().map(String::as_str).collect::<Vec<_>>().join(" | ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_and_unfinished_ones_kept() {
        let mut seen = Vec::new();
        let text = "ab\nabcdef\n\nxy";
        lines(
            text.as_bytes(),
            4,
            |_| (),
            |line, cut| {
                seen.push((line.to_owned(), cut));
                true
            },
        );
        let wanted = [("ab", false), ("abcd", true), ("", false), ("xy", false)];
        assert_eq!(seen, wanted.map(|(line, cut)| (line.to_owned(), cut)));
    }
}

//! Failures and warnings as people read them: equal ones once, the others counted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use experiment::RunId;
use orchestrator::execute::log_of;

use crate::terminal::{fold_lines, inert};

/// Runs that are named of those like another.
const NAMED: usize = 3;
/// Lines of an error that are shown.
const LINES: usize = 16;

/// What kind of complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Failed,
    /// Failed, and is tried again.
    Again,
    /// Is not attempted.
    Blocked,
    Warned,
}

impl Kind {
    fn head(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Again => "failed, is tried again",
            Self::Blocked => "blocked",
            Self::Warned => "warning",
        }
    }

    fn like(self) -> &'static str {
        match self {
            Self::Failed => "failed like",
            Self::Again => "failed and were tried again like",
            Self::Blocked => "blocked like",
            Self::Warned => "were warned of like",
        }
    }
}

/// An attempt at a run, with what its sweep varies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) run: RunId,
    pub(crate) attempt: u32,
    pub(crate) name: &'a str,
}

/// What was complained of so far.
#[derive(Debug)]
pub(crate) struct Complaints {
    store: PathBuf,
    seen: BTreeMap<(Kind, String), Like>,
}

/// Those like the first.
#[derive(Debug)]
struct Like {
    first: RunId,
    more: usize,
    named: Vec<RunId>,
}

impl Complaints {
    pub(crate) fn new(store: &Path) -> Self {
        Self { store: store.into(), seen: BTreeMap::new() }
    }

    /// What to say of something now: nothing if it is like something that was said.
    pub(crate) fn say(&mut self, kind: Kind, about: About<'_>, text: &str) -> Option<String> {
        let key = (kind, form(text));
        if let Some(like) = self.seen.get_mut(&key) {
            like.more += 1;
            if like.named.len() < NAMED {
                like.named.push(about.run);
            }
            return None;
        }
        self.seen.insert(key, Like { first: about.run, more: 0, named: Vec::new() });
        let mut said = vec![format!("{}: {} ({}): ", kind.head(), about.run.short(), about.name)];
        let mut lines = text.lines();
        said[0].push_str(lines.next().unwrap_or_default());
        said.extend(lines.map(|line| format!("  {line}")));
        if said.len() > LINES {
            let left = said.len() - LINES;
            said.drain(LINES / 2..LINES / 2 + left);
            said.insert(LINES / 2, format!("  ... {left} lines more"));
        }
        let log = log_of(&self.store, about.run, about.attempt);
        // A path is copied, so it stays in one piece.
        let log = log.is_file().then(|| format!("\n  log: {}", inert(&log.display().to_string())));
        Some(fold_lines(&inert_lines(&said)) + &log.unwrap_or_default())
    }

    /// What is to be said at the end of those that were like others.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let seen = std::mem::take(&mut self.seen);
        let more = seen.into_iter().filter(|(_, like)| like.more > 0);
        more.map(|((kind, _), Like { first, more, named })| {
            let dots = if more > named.len() { ", ..." } else { "" };
            let named: Vec<String> = named.iter().map(RunId::short).collect();
            let line = format!(
                "... and {more} more {} {}: {}{dots}",
                kind.like(),
                first.short(),
                named.join(", ")
            );
            fold_lines(&line)
        })
        .collect()
    }
}

fn inert_lines(lines: &[String]) -> String {
    lines.iter().map(|line| inert(line)).collect::<Vec<_>>().join("\n")
}

/// The beginning and the end of an error, on one line.
pub(crate) fn in_a_line(error: &str) -> String {
    let mut lines = error.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    match lines.next_back() {
        Some(last) => inert(&format!("{first} ... {last}")),
        None => inert(first),
    }
}

/// A text without what differs between runs that failed alike: numbers, but not exit codes, and the
/// hexadecimal names of runs.
fn form(text: &str) -> String {
    let mut form = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        if end == 0 {
            form.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(end);
        let hexadecimal = word.len() >= 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        if form.ends_with("exit code ") {
            form.push_str(word);
        } else if hexadecimal {
            form.push('#');
        } else {
            for c in word.chars() {
                match c {
                    '0'..='9' if form.ends_with('#') => {}
                    '0'..='9' => form.push('#'),
                    c => form.push(c),
                }
            }
        }
        rest = after;
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(run: &str) -> About<'_> {
        About { run: RunId::of(run), attempt: 1, name: "lr=0.1 seed=0" }
    }

    #[test]
    fn equal_complaints_are_said_once_and_counted() {
        let mut complaints = Complaints::new(Path::new("/no-such-store"));
        let mut say = |run, text| complaints.say(Kind::Failed, about(run), text);
        let first = say("a", "python3 ended with exit code 1:\nTraceback\n\x1b[31mit's lr=0.1");
        let id = RunId::of("a").short();
        let wanted = "python3 ended with exit code 1:\n  Traceback\n  \\u{1b}[31mit's lr=0.1";
        assert_eq!(first.unwrap(), format!("failed: {id} (lr=0.1 seed=0): {wanted}"));
        for run in ["b", "c", "d", "e"] {
            let text = "python3 ended with exit code 1:\nTraceback\n\x1b[31mit's lr=0.25";
            assert_eq!(say(run, text), None);
        }
        assert!(say("f", "python3 ended with exit code 2:\nTraceback\nit's lr=0.1").is_some());
        let [b, c, d] = ["b", "c", "d"].map(|run| RunId::of(run).short());
        let wanted = format!("... and 4 more failed like {id}: {b}, {c}, {d}, ...");
        assert_eq!(complaints.rest(), [wanted]);
        assert!(complaints.rest().is_empty());
    }

    #[test]
    fn what_differs_between_runs_is_no_part_of_the_form() {
        assert_eq!(form("used 412 MiB; at /tmp/x-0123abcd/a.1"), "used # MiB; at /tmp/x-#/a.#");
        assert_eq!(form("exit code 12 x1e5"), "exit code 12 x#e#");
        assert_ne!(form("exit code 1"), form("exit code 2"));
    }

    #[test]
    fn long_errors_are_shortened_in_the_middle() {
        let text: String = (0..40).map(|line| format!("line {line}\n")).collect();
        let said =
            Complaints::new(Path::new("/none")).say(Kind::Warned, about("a"), &text).unwrap();
        assert!(said.starts_with("warning: ") && said.ends_with("\n  line 39"), "{said}");
        assert!(said.contains("\n  line 7\n  ... 24 lines more\n  line 32\n"), "{said}");
        assert_eq!(in_a_line("a:\n  b\n\n  c"), "a: ... c");
        assert_eq!(in_a_line("a"), "a");
    }
}

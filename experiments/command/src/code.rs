//! Which code a program is: the commit and what differs from it, the interpreter and its packages.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use experiment::{Code, FileSum};
use sha2::{Digest, Sha256};

/// Bytes of a difference or a list that are kept at most.
const MOST: usize = 1 << 20;
/// How long a program is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Prints where an interpreter of Python is, its version, and its packages.
const PYTHON: &str = "\
import sys, importlib.metadata as m
print(sys.executable)
print('.'.join(map(str, sys.version_info[:3])))
names = {(d.metadata['Name'] or '?').lower() + '==' + str(d.version) for d in m.distributions()}
print('\\n'.join(sorted(names)))
";

/// The commit and what differs from it, among a run's data.
pub(crate) const GIT: &str = "git:the code in git";
/// How long it is taken for unchanged while a sweep is planned, which asks once a point.
const PLANNING: Duration = Duration::from_secs(1);

/// The checksum of this folder's commit together with what differs from it in files that git follows.
pub(crate) fn checksum() -> Result<FileSum, String> {
    static KNOWN: Mutex<Option<(Instant, String)>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let sum = match &*known {
        Some((at, sum)) if at.elapsed() < PLANNING => sum.clone(),
        _ => {
            let here = || std::env::current_dir().unwrap_or_default().display().to_string();
            let commit = said("git", COMMIT).ok_or_else(|| {
                format!("wanted a checkout of git with a commit, found none: {}", here())
            })?;
            let difference = said("git", DIFFERENCE)
                .ok_or_else(|| format!("`git {}` failed in {}", DIFFERENCE.join(" "), here()))?;
            let sum = Sha256::new().chain_update(commit).chain_update(difference).finalize();
            let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
            *known = Some((Instant::now(), sum.clone()));
            sum
        }
    };
    Ok(FileSum { sum, newest: None })
}

const COMMIT: &[&str] = &["rev-parse", "--verify", "--quiet", "HEAD"];
const DIFFERENCE: &[&str] = &["diff", "HEAD", "--no-ext-diff", "--no-textconv"];

/// What can be told of the code of a program that is started in this folder.
pub(crate) fn of(program: &str) -> Code {
    let mut code = Code::default();
    git(&mut code);
    let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    // Their names are all that tells interpreters from programs that would mean something else by `-c`.
    if name.starts_with("python") || name.starts_with("pypy") {
        python(program, &mut code);
    }
    code
}

fn git(code: &mut Code) {
    let ask = |words: &[&str]| said("git", words);
    let Some(commit) = ask(COMMIT) else { return };
    code.facts.insert("commit".into(), text(&commit));
    let state = ask(&["status", "--porcelain", "--untracked-files=normal"]).unwrap_or_default();
    let state = String::from_utf8_lossy(&state).into_owned();
    let untracked = state.lines().filter(|line| line.starts_with("??")).count();
    let changed = state.lines().count() - untracked;
    if changed + untracked == 0 {
        return;
    }
    code.facts.insert("changed".into(), format!("{changed} tracked, {untracked} untracked"));
    if let Some(difference) = ask(DIFFERENCE)
        && !difference.is_empty()
    {
        keep(code, "difference", "difference.patch", difference);
    }
}

fn python(program: &str, code: &mut Code) {
    let Some(told) = said(program, &["-c", PYTHON]) else { return };
    let told = String::from_utf8_lossy(&told).into_owned();
    let mut lines = told.lines();
    let facts = ["interpreter", "python"].into_iter().zip(&mut lines);
    code.facts.extend(facts.map(|(name, line)| (name.to_owned(), line.to_owned())));
    let packages: String =
        lines.filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
    keep(code, "packages", "packages.txt", packages.into_bytes());
}

/// A text as a file, and the beginning of its checksum as a fact.
fn keep(code: &mut Code, fact: &str, file: &str, text: Vec<u8>) {
    let sum: String =
        Sha256::digest(&text).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let long = if text.len() > MOST { ", too long to be kept" } else { "" };
    code.facts.insert(fact.into(), format!("{sum}{long}"));
    if text.len() <= MOST {
        code.files.insert(file.into(), text);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// What a program prints, if it ends well within the time there is. What it started and left may hold its
/// output open for ever: nobody waits for that.
fn said(program: &str, words: &[&str]) -> Option<Vec<u8>> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let output = child.stdout.take()?;
    let (sender, printed) = channel();
    let read = move || {
        let mut bytes = Vec::new();
        // Who prints more is told by its closed output.
        if output.take(64 * MOST as u64).read_to_end(&mut bytes).is_ok() {
            let _ = sender.send(bytes);
        }
    };
    let start = Instant::now();
    let reading = thread::Builder::new().spawn(read).is_ok();
    let bytes = if reading { printed.recv_timeout(PATIENCE).ok() } else { None };
    while bytes.is_some() && start.elapsed() < PATIENCE {
        match child.try_wait() {
            Ok(None) => thread::sleep(Duration::from_millis(2)),
            Ok(Some(status)) => return bytes.filter(|_| status.success()),
            Err(_) => break,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_say_nothing_or_never_end_are_left() {
        assert_eq!(said("/bin/echo", &["a"]), Some(b"a\n".to_vec()));
        assert_eq!(said("/bin/false", &[]), None);
        assert_eq!(said("no-such-program", &[]), None);
    }

    #[test]
    fn what_is_too_long_is_told_by_its_sum() {
        let mut code = Code::default();
        keep(&mut code, "difference", "difference.patch", vec![b'x'; MOST + 1]);
        assert!(code.facts["difference"].ends_with(", too long to be kept"));
        assert!(code.files.is_empty());
        keep(&mut code, "difference", "difference.patch", b"x".to_vec());
        assert_eq!(code.facts["difference"].len(), 16);
        assert_eq!(code.files["difference.patch"], b"x");
    }
}

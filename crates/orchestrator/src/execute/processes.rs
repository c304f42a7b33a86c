//! The processes of a run, and their end.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::incarnation::sees_itself;

/// How long processes are killed again and again that do not go.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(1);

/// Children by parent, of every process that can be seen.
#[derive(Debug, Default)]
pub(crate) struct Family(HashMap<u32, Vec<u32>>);

impl Family {
    /// As it is now: processes come and go while it is read.
    pub(crate) fn read() -> Self {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for pid in listed() {
            if let Some(parent) = parent_of(pid) {
                children.entry(parent).or_default().push(pid);
            }
        }
        Self(children)
    }

    /// The processes below one, parents first.
    pub(crate) fn below(&self, process: u32) -> Vec<u32> {
        let of = |pid: &u32| self.0.get(pid).cloned().unwrap_or_default();
        let mut found = of(&process);
        let mut next = 0;
        while let Some(pid) = found.get(next) {
            found.extend(of(pid));
            next += 1;
        }
        found
    }
}

/// None where their ids are those of another namespace, in which somebody else has them.
fn listed() -> impl Iterator<Item = u32> {
    let entries = sees_itself().then(|| fs::read_dir("/proc"));
    let entries = entries.into_iter().flatten().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name, in parentheses, may hold anything; the state comes before the parent.
    stat[stat.rfind(')')? + 1..].split_ascii_whitespace().nth(1)?.parse().ok()
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It fails for one that ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}

/// Kills a process and everything below it. All of them are stopped first, so that none reacts to
/// another's death, and none starts one that is not seen. Those that were killed may take a moment.
pub(crate) fn kill_tree(root: u32) -> Vec<u32> {
    send(root, Signal::STOP);
    let mut stopped = BTreeSet::from([root]);
    loop {
        let new: Vec<u32> = Family::read().below(root);
        let new: Vec<u32> = new.into_iter().filter(|pid| stopped.insert(*pid)).collect();
        if new.is_empty() {
            break;
        }
        new.into_iter().for_each(|pid| send(pid, Signal::STOP));
    }
    stopped.iter().for_each(|pid| send(*pid, Signal::KILL));
    stopped.into_iter().collect()
}

/// Waits until processes that were killed are gone, or wait to be reaped.
pub(crate) fn wait_until_gone(killed: &[u32]) {
    let start = Instant::now();
    while killed.iter().any(|pid| lives(*pid)) && start.elapsed() < PATIENCE {
        thread::sleep(LOOK);
    }
}

fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rfind(')').is_some_and(|at| !stat[at + 1..].trim_start().starts_with(['Z', 'X']))
}

/// Kills everything below this process, which adopts what its children leave behind, and waits for
/// it. Nobody else in this process may be waiting for a child.
pub(crate) fn end_all_below() {
    let start = Instant::now();
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    loop {
        match waitid(WaitId::All, options) {
            Ok(Some(_)) => continue,
            // Usually there never was a child, and this is all.
            Err(_) => return,
            Ok(None) => {}
        }
        let below = Family::read().below(std::process::id());
        if start.elapsed() >= PATIENCE {
            tracing::warn!(processes = ?below, "a run left processes that cannot be ended");
            return;
        }
        below.into_iter().for_each(|pid| send(pid, Signal::KILL));
        thread::sleep(LOOK);
    }
}

/// Kills every process whose environment names a folder, and waits until they are gone.
pub(crate) fn end_all_of(folder: &Path) {
    let start = Instant::now();
    loop {
        let found = of_folder(folder);
        if found.is_empty() || start.elapsed() >= PATIENCE {
            return;
        }
        found.into_iter().for_each(|pid| send(pid, Signal::KILL));
        thread::sleep(LOOK);
    }
}

fn of_folder(folder: &Path) -> Vec<u32> {
    let name = folder.as_os_str().as_bytes();
    let names = |pid: &u32| {
        // Unreadable for those of other users, and empty for those that only wait to be reaped.
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| {
            let value =
                variable.iter().position(|byte| *byte == b'=').map(|at| &variable[at + 1..]);
            value
                .and_then(|value| value.strip_prefix(name))
                .is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'/'))
        })
    };
    let me = std::process::id();
    listed().filter(|pid| *pid != me).filter(names).collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn shell(command: &str) -> Child {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    #[track_caller]
    fn wait_until(holds: impl Fn() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < Duration::from_secs(30), "it never happened");
            thread::sleep(LOOK);
        }
    }

    #[test]
    fn a_tree_is_killed_with_what_left_its_group() {
        let mut child = shell("setsid sh -c 'sleep 300 & sleep 300' & wait");
        let below = || Family::read().below(child.id());
        wait_until(|| below().len() >= 3);
        let killed = kill_tree(child.id());
        assert!(below().iter().all(|pid| killed.contains(pid)), "{killed:?}");
        child.wait().unwrap();
        wait_until_gone(&killed);
        assert!(!killed.iter().any(|pid| lives(*pid)));
    }

    #[test]
    fn processes_are_known_by_a_folder_in_their_environment() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("run");
        let start = |folder: &Path| {
            Command::new("sleep").arg("300").env("FOLDER", folder.join("x")).spawn().unwrap()
        };
        let (mut ours, mut other) = (start(&folder), start(&dir.path().join("run2")));
        wait_until(|| of_folder(&folder) == [ours.id()]);
        let reaper = thread::spawn(move || ours.wait().unwrap());
        end_all_of(&folder);
        assert!(!reaper.join().unwrap().success());
        assert!(lives(other.id()));
        other.kill().unwrap();
        other.wait().unwrap();
    }
}

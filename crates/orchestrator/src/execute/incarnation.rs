//! Which process on which machine: enough to tell that it is dead without asking it.

use std::fs;

use serde::{Deserialize, Serialize};

/// One life of one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Incarnation {
    /// The kernel's random id of this boot; with `namespace` it says where `pid` means something.
    pub boot: String,
    /// The process id namespace: containers share a kernel but not process ids.
    pub namespace: String,
    pub pid: u32,
    /// Clock ticks after boot at which the process started; process ids are used again.
    pub started: u64,
}

impl Incarnation {
    /// This process.
    pub(crate) fn current() -> Self {
        let pid = std::process::id();
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        Self {
            boot: boot.trim().into(),
            namespace: namespace.to_string_lossy().into_owned(),
            pid,
            started: start_of(pid).unwrap_or(0),
        }
    }

    /// Whether the process is certainly dead, as seen from `here`. `false` also when it cannot be
    /// known from here.
    pub(crate) fn is_dead(&self, here: &Self) -> bool {
        let visible = !here.boot.is_empty()
            && !here.namespace.is_empty()
            && (&self.boot, &self.namespace) == (&here.boot, &here.namespace);
        visible && start_of(self.pid) != Some(self.started)
    }
}

/// When a living process started; `None` for no process and for one that only waits to be reaped.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name, in parentheses, may hold anything.
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_another_life_of_its_id_does_not() {
        let here = Incarnation::current();
        assert!(!here.is_dead(&here));
        let earlier = Incarnation { started: here.started.wrapping_sub(1), ..here.clone() };
        assert!(earlier.is_dead(&here));
    }

    #[test]
    fn processes_of_other_machines_are_not_judged() {
        let here = Incarnation::current();
        let elsewhere = Incarnation { boot: "other".into(), started: 1, ..here.clone() };
        assert!(!elsewhere.is_dead(&here));
        let container = Incarnation { namespace: "pid:[1]".into(), started: 1, ..here.clone() };
        assert!(!container.is_dead(&here));
    }
}

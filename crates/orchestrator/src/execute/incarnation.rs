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
        Self::of(std::process::id())
    }

    /// The process that has this id now.
    pub(crate) fn of(pid: u32) -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        Self {
            boot: boot.trim().into(),
            namespace: namespace.to_string_lossy().into_owned(),
            pid,
            started: start_of(pid).unwrap_or(0),
        }
    }

    /// A name that no other process has: `<boot>-<namespace>-<pid>-<started>`.
    pub(crate) fn name(&self) -> String {
        let boot = self.boot.replace('-', "");
        let namespace = self.namespace.trim_start_matches("pid:[").trim_end_matches(']');
        format!("{boot}-{namespace}-{}-{}", self.pid, self.started)
    }

    /// The process of a [`name`](Self::name).
    pub(crate) fn named(name: &str) -> Option<Self> {
        let [boot, namespace, pid, started] =
            name.split('-').collect::<Vec<_>>().try_into().ok()?;
        let hexadecimal = boot.len() == 32 && boot.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !hexadecimal {
            return None;
        }
        // As the kernel writes it.
        let parts = [&boot[..8], &boot[8..12], &boot[12..16], &boot[16..20], &boot[20..]];
        Some(Self {
            boot: parts.join("-"),
            namespace: format!("pid:[{namespace}]"),
            pid: pid.parse().ok()?,
            started: started.parse().ok()?,
        })
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
    fn a_process_is_known_again_by_its_name() {
        let here = Incarnation::current();
        assert_eq!(Incarnation::named(&here.name()), Some(here));
        for name in ["", "a-1-2-3", "notes", "0123456789abcdef0123456789abcdef-1-2"] {
            assert_eq!(Incarnation::named(name), None, "{name}");
        }
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

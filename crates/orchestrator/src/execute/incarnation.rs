//! Which process on which machine: enough to tell that it is dead without asking it.

use std::fs;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// One life of one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Incarnation {
    /// The kernel's random id of this boot; with `namespace` it says where `pid` means something.
    pub boot: String,
    /// The process id namespace: containers share a kernel but not process ids. Empty where `/proc` is
    /// that of another one, so that process ids mean nothing there.
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
        let namespace = sees_itself().then(|| fs::read_link("/proc/self/ns/pid"));
        let namespace = namespace.and_then(Result::ok).unwrap_or_default();
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
        self.is_visible(here) && start_of(self.pid) != Some(self.started)
    }

    /// Whether it can be known from `here` that the process is dead.
    pub(crate) fn is_visible(&self, here: &Self) -> bool {
        !here.namespace.is_empty() && self.is_on_host_of(here) && self.namespace == here.namespace
    }

    /// Whether the process runs, or ran, under the same kernel, whose processes see at once what one of
    /// them wrote to a file.
    pub(crate) fn is_on_host_of(&self, here: &Self) -> bool {
        !here.boot.is_empty() && self.boot == here.boot
    }
}

/// Whether `/proc` tells of the processes that this one's ids belong to: a namespace of process ids may be
/// made without a `/proc` of its own.
pub(crate) fn sees_itself() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| is_named(&fs::read_link("/proc/self").unwrap_or_default()))
}

/// Whether what `/proc` calls this process is its own id.
fn is_named(link: &std::path::Path) -> bool {
    link.as_os_str() == std::process::id().to_string().as_str()
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
    fn nothing_is_said_of_processes_where_their_ids_mean_something_else() {
        assert!(sees_itself());
        assert!(!is_named(std::path::Path::new("1234567890")));
        // As `current` makes it there.
        let here = Incarnation { namespace: String::new(), ..Incarnation::current() };
        let driver = Incarnation { started: 1, ..here.clone() };
        assert!(!driver.is_dead(&here) && driver.is_on_host_of(&here));
        assert_eq!(Incarnation::named(&here.name()).map(|found| found.is_dead(&here)), Some(false));
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

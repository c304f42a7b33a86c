//! What a process uses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rustix::time::{ClockId, clock_gettime};

/// CPU seconds of this process, or of this thread only.
pub(crate) fn cpu_seconds(thread_only: bool) -> f64 {
    let clock = if thread_only { ClockId::ThreadCPUTime } else { ClockId::ProcessCPUTime };
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Sets the high-water mark of the resident size back to the present size, where permitted.
pub(crate) fn reset_peak_memory() {
    // Refused in some containers; the mark then covers earlier runs of the worker too.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// High-water mark of this process's resident size, in bytes.
pub(crate) fn peak_memory() -> u64 {
    status_bytes("/proc/self/status", "VmHWM:").unwrap_or(0)
}

/// Resident size of this process, in bytes.
pub(crate) fn resident() -> u64 {
    status_bytes("/proc/self/status", "VmRSS:").unwrap_or(0)
}

/// What the processes of a group hold together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct GroupSize {
    pub processes: usize,
    /// Sum of the resident sizes; shared pages count for each process.
    pub bytes: u64,
}

/// The present size of each of the process groups. Groups without a process are left out.
pub(crate) fn group_sizes(groups: &BTreeSet<u32>) -> BTreeMap<u32, GroupSize> {
    let mut sizes: BTreeMap<u32, GroupSize> = BTreeMap::new();
    // Processes come and go while the list is read; those that are gone hold nothing.
    let listed = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = listed.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids {
        let Some(group) = group_of(pid).filter(|group| groups.contains(group)) else { continue };
        let size = sizes.entry(group).or_default();
        size.processes += 1;
        size.bytes += status_bytes(&format!("/proc/{pid}/status"), "VmRSS:").unwrap_or(0);
    }
    sizes
}

fn group_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name, in parentheses, may hold anything; state and parent come before the group.
    stat[stat.rfind(')')? + 1..].split_ascii_whitespace().nth(2)?.parse().ok()
}

fn status_bytes(path: &str, key: &str) -> Option<u64> {
    let status = fs::read_to_string(path).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_at_least_the_resident_size() {
        let block = vec![1_u8; 64 << 20];
        assert!(peak_memory() >= 64 << 20);
        assert!(resident() >= 64 << 20);
        let group = group_of(std::process::id()).unwrap();
        let size = group_sizes(&BTreeSet::from([group, u32::MAX]))[&group];
        assert!(size.processes >= 1 && size.bytes >= 64 << 20, "{size:?}");
        assert_eq!(block.iter().map(|&b| u64::from(b)).sum::<u64>(), 64 << 20);
    }
}

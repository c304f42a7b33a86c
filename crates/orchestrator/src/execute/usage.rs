//! What a process uses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rustix::time::{ClockId, clock_gettime};

use super::processes::Family;

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

/// What a process and those below it hold together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TreeSize {
    pub processes: usize,
    /// Sum of the resident sizes; shared pages count for each process.
    pub bytes: u64,
}

/// The present size of each of the processes with all below it.
pub(crate) fn tree_sizes(roots: &BTreeSet<u32>) -> BTreeMap<u32, TreeSize> {
    let family = Family::read();
    let size = |root: &u32| {
        // Those that are gone by now hold nothing.
        let resident = |pid: u32| status_bytes(&format!("/proc/{pid}/status"), "VmRSS:");
        let all = std::iter::once(*root).chain(family.below(*root));
        let mut size = TreeSize::default();
        for bytes in all.filter_map(resident) {
            size.processes += 1;
            size.bytes += bytes;
        }
        size
    };
    roots.iter().map(|root| (*root, size(root))).collect()
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
        let me = std::process::id();
        let sizes = tree_sizes(&BTreeSet::from([me, u32::MAX]));
        assert_eq!(sizes[&u32::MAX], TreeSize::default());
        let size = sizes[&me];
        assert!(size.processes >= 1 && size.bytes >= 64 << 20, "{size:?}");
        assert_eq!(block.iter().map(|&b| u64::from(b)).sum::<u64>(), 64 << 20);
    }
}

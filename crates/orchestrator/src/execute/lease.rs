//! How long a driver may show no sign of life before others take its work over.

use std::path::Path;
use std::time::Duration;

use super::incarnation::Incarnation;
use super::live;

/// On one machine, where every process sees at once what another one wrote.
pub(crate) const LOCAL: Duration = Duration::from_secs(15);
/// Between hosts. A network file system shows what others wrote up to a minute late (60 s is the longest
/// that NFS keeps attributes by default), and may stand still for a while.
pub(crate) const SHARED: Duration = Duration::from_secs(90);

/// Magic numbers of file systems that several hosts use at a time, from statfs(2) and the kernel's
/// `magic.h`: NFS, SMB, CIFS, SMB2, AFS, Ceph, 9P, GFS2, OCFS2, Lustre, GPFS, BeeGFS, PanFS, OrangeFS,
/// FUSE.
const NETWORK: [u32; 15] = [
    0x6969,
    0x517b,
    0xff53_4d42,
    0xfe53_4d42,
    0x5346_414f,
    0x00c3_6400,
    0x0102_1997,
    0x0116_1970,
    0x7461_636f,
    0x0bd0_0bd0,
    0x4750_4653,
    0x1983_0326,
    0xaad7_aaea,
    0x2003_0528,
    0x6573_5546,
];

/// The lease as one driver knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    asked: Option<Duration>,
    shared: bool,
}

impl Lease {
    /// Of a store: longer where its file system is one of several hosts, or where drivers of another host
    /// gave notice, unless somebody asked for another one.
    pub(crate) fn of(store: &Path, asked: Option<Duration>) -> Self {
        let here = Incarnation::current();
        let is_elsewhere = |process: &Incarnation| !process.is_on_host_of(&here);
        let shared = is_on_network(store) || live::processes(store).iter().any(is_elsewhere);
        Self { asked, shared }
    }

    /// A driver of another host works on the store.
    pub(crate) fn share(&mut self) {
        self.shared = true;
    }

    pub(crate) fn term(self) -> Duration {
        self.asked.unwrap_or(if self.shared { SHARED } else { LOCAL })
    }

    /// For how long a driver tries to reach a store that fails: others must not have taken its work over
    /// by then. It beats once a second.
    pub(crate) fn patience(self) -> Duration {
        (self.term() * 2 / 3).max(Duration::from_secs(2))
    }
}

/// Whether a folder is on a file system that several hosts may use.
fn is_on_network(folder: &Path) -> bool {
    let kind = rustix::fs::statfs(folder).map(|found| found.f_type as u32);
    kind.is_ok_and(|kind| NETWORK.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::live::Board;

    #[test]
    fn a_store_of_several_hosts_has_a_longer_lease_unless_one_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let here = Incarnation::current();
        assert_eq!(Lease::of(dir.path(), None).term(), LOCAL);
        let mut board = Board::new(dir.path(), "container");
        board.show(&Incarnation { namespace: "pid:[1]".into(), ..here.clone() }, Vec::new());
        assert_eq!(Lease::of(dir.path(), None).term(), LOCAL, "containers share a kernel");
        let mut other = Board::new(dir.path(), "elsewhere");
        other.show(&Incarnation { boot: "other".into(), ..here }, Vec::new());
        let lease = Lease::of(dir.path(), None);
        assert_eq!((lease.term(), lease.patience()), (SHARED, Duration::from_secs(60)));
        let asked = Duration::from_secs(4);
        assert_eq!(Lease::of(dir.path(), Some(asked)).term(), asked);
    }

    #[test]
    fn a_lease_grows_when_another_host_is_seen() {
        let mut lease = Lease { asked: None, shared: false };
        lease.share();
        assert_eq!(lease.term(), SHARED);
    }

    #[test]
    fn file_systems_of_this_machine_are_no_network() {
        assert!(!is_on_network(Path::new("/proc")));
    }
}

//! Disks that are full, read-only or gone, and journals that are damaged.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::skipped::skipped;
use crate::sweep::{Sweep, finished, wait_until};

/// A small file system of its own, unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    /// `None` after noting that `test` is skipped: only root may mount.
    fn new(path: PathBuf, options: &str, test: &str) -> Option<Self> {
        fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&path);
        if mount.output().is_ok_and(|output| output.status.success()) {
            return Some(Self(path));
        }
        skipped(test, "no right to mount");
        None
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(
            Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success()
        );
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    // Room for a beginning, and more than has to be free for one.
    let sweep = Sweep::new(20_000);
    let mount = Mount::new(sweep.path("disk"), "size=1100k", "a_full_disk_is_an_error");
    let Some(mount) = mount else { return };
    let store = mount.0.join("store");
    let said = sweep.run(&store, &[], 2);
    assert!(said.contains("No space left on device"), "{said}");
    let before = finished(&store);
    mount.remount("size=64m");
    let said = sweep.run(&store, &["--retry-failed"], 0);
    assert!(said.contains(&format!("{before} were finished before")), "{before}: {said}");
    sweep.assert_undisturbed(&store);
}

#[test]
fn a_read_only_store_is_an_error_and_loses_nothing() {
    let sweep = Sweep::new(200);
    let mount = Mount::new(sweep.path("disk"), "size=64m", "a_read_only_store_is_an_error");
    let Some(mount) = mount else { return };
    let store = mount.0.join("store");
    sweep.run(&store, &["--only", "seed < 4"], 0);
    mount.remount("ro");
    let said = sweep.run(&store, &[], 2);
    assert!(said.contains("Read-only file system") && said.contains("store"), "{said}");
    assert_eq!(finished(&store), 24);
    mount.remount("rw");
    let said = sweep.run(&store, &[], 0);
    assert!(said.contains("36 finished, 0 failed, 24 were finished before"), "{said}");
    sweep.assert_undisturbed(&store);
}

/// Removes a folder that others are still writing into.
fn delete_whole(folder: &Path) {
    for _ in 0..1000 {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {}
            removed => return removed.unwrap(),
        }
    }
    panic!("{} is written faster than it can be removed", folder.display());
}

#[test]
fn a_store_that_is_deleted_under_way_is_an_error() {
    let sweep = Sweep::new(20_000);
    let store = sweep.path("store");
    let mut driver = sweep.start(&store, &[]);
    wait_until("a run finished", || store.is_dir() && finished(&store) > 0);
    delete_whole(&store);
    assert_eq!(driver.wait().unwrap().code(), Some(2), "{}", sweep.said());
    assert!(sweep.said().contains(store.to_str().unwrap()), "{}", sweep.said());
    let _ = fs::remove_dir_all(&store);
    sweep.run(&store, &[], 0);
    sweep.assert_undisturbed(&store);
}

/// The journals of workers.
fn segments(store: &Path) -> Vec<PathBuf> {
    let fold = crate::sweep::fold(store);
    let workers = fold.writers.iter().filter(|(_, opened)| opened.role == journal::Role::Worker);
    workers.map(|(name, _)| store.join("journal").join(format!("{name}.journal"))).collect()
}

/// Half a sweep, damage to its journals, the whole sweep: as if nothing had happened.
fn damaged(harm: impl Fn(&Path)) {
    let sweep = Sweep::new(200);
    let store = sweep.path("store");
    sweep.run(&store, &["--only", "seed < 5"], 0);
    let segments = segments(&store);
    assert!(!segments.is_empty());
    segments.iter().for_each(|segment| harm(segment));
    sweep.run(&store, &[], 0);
    sweep.assert_undisturbed(&store);
}

#[test]
fn a_torn_tail_is_made_good() {
    damaged(|segment| {
        let file = OpenOptions::new().write(true).open(segment).unwrap();
        file.set_len(file.metadata().unwrap().len() - 7).unwrap();
    });
}

#[test]
fn flipped_bits_are_made_good() {
    for part in 2..9 {
        damaged(|segment| {
            let mut bytes = fs::read(segment).unwrap();
            let at = bytes.len() * part / 9 - 1;
            bytes[at] ^= 4;
            fs::write(segment, bytes).unwrap();
        });
    }
}

#[test]
fn a_duplicated_segment_changes_nothing() {
    damaged(|segment| {
        fs::copy(segment, segment.with_file_name("copy.journal")).unwrap();
    });
}

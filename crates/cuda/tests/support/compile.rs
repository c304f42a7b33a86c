//! Shared libraries of kernels, by the C++ compiler of the host.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use cuda::driver::Fault;
use sha2::{Digest, Sha256};

const HEADER: &str = include_str!("host.h");

/// The shared library of a source, compiled once a source.
pub(super) fn library(source: &str) -> Result<PathBuf, Fault> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let hash = Sha256::digest([HEADER, source].concat());
    let name = hash.iter().take(12).fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    });
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("host-kernels");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.so"));
    if path.exists() {
        return Ok(path);
    }
    let own = format!("{name}.{}.{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let (text, made) = (folder.join(format!("{own}.cc")), folder.join(format!("{own}.so")));
    std::fs::write(&text, [HEADER, source].concat()).unwrap();
    let compiled = Command::new("c++")
        .args(["-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-o"])
        .args([&made, &text])
        .output()
        .unwrap();
    if !compiled.status.success() {
        let message = String::from_utf8_lossy(&compiled.stderr).into_owned();
        return Err(Fault::Failed { call: "c++", message });
    }
    std::fs::rename(&made, &path).unwrap();
    std::fs::remove_file(&text).unwrap();
    Ok(path)
}

//! Records the commit the binary is built from, where the source is a git checkout.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=../../.git/logs/HEAD");
    let head = Command::new("git").args(["rev-parse", "HEAD"]).output();
    let commit = match head {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into(),
        _ => String::new(),
    };
    println!("cargo::rustc-env=REGIMEN_COMMIT={}", commit.trim());
}

//! The command line of regimen over the experiments of this crate.

mod paper;

use std::process::ExitCode;

use regimen::Entry;

fn main() -> ExitCode {
    regimen::main([Entry::of::<paper::Paper>()])
}

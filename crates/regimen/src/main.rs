//! The binary: the command line over the papers.

use std::process::ExitCode;

fn main() -> ExitCode {
    regimen::main(regimen::papers())
}

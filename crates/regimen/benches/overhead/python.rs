//! A Python virtual environment with the other tools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::measure::time;

/// The peers that are Python packages.
const PACKAGES: &[&str] =
    &["benchopt==1.10.0", "hydra-core==1.3.8", "hydra-joblib-launcher==1.2.0", "snakemake==9.27.1"];

/// A virtual environment with the peers, made the first time.
pub(crate) struct Python {
    folder: PathBuf,
}

impl Python {
    pub(crate) fn set_up(work: &Path) -> Result<Self> {
        let folder = work.join("venv");
        let installed = folder.join("installed");
        let packages = PACKAGES.join("\n");
        if !fs::read_to_string(&installed).is_ok_and(|text| text == packages) {
            time(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
                .context("making a virtual environment")?;
            time(Command::new(folder.join("bin/pip")).args(["install", "--quiet"]).args(PACKAGES))
                .context("installing the peers")?;
            fs::write(&installed, packages)?;
        }
        Ok(Self { folder })
    }

    /// A program of the environment, started in a folder.
    pub(crate) fn command(&self, program: &str, folder: &Path) -> Command {
        let programs = self.folder.join("bin");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(programs.join(program));
        command.current_dir(folder).env("PATH", format!("{}:{path}", programs.display()));
        command
    }
}

//! A Python virtual environment with the packages that the peers require.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A virtual environment with the packages that the peers' folder requires, made the first time.
pub(crate) struct Python {
    folder: PathBuf,
}

impl Python {
    pub(crate) fn set_up(work: &Path, peers: &Path) -> Result<Self> {
        let requirements = peers.join("requirements.txt");
        let packages = fs::read_to_string(&requirements)
            .with_context(|| format!("wanted the peers' packages in {}", requirements.display()))?;
        let folder = work.join("venv");
        let installed = folder.join("installed");
        if !fs::read_to_string(&installed).is_ok_and(|text| text == packages) {
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
            let pip = folder.join("bin/pip");
            run(Command::new(pip).args(["install", "--quiet", "-r"]).arg(&requirements))?;
            fs::write(&installed, packages)?;
        }
        Ok(Self { folder })
    }

    pub(crate) fn interpreter(&self) -> String {
        self.folder.join("bin/python").display().to_string()
    }
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

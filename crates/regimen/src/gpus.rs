//! Graphics processors of this machine that runs are given.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use orchestrator::config::{Chosen, Resources};
use orchestrator::execute::Gpus;

use crate::terminal::say;

/// The variable by which libraries find those they may use, and schedulers say which those are.
pub(crate) const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

/// Devices that no other `regimen run` of this user deals out meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Held {
    devices: Vec<String>,
    _locks: Vec<File>,
}

impl Held {
    /// Those that `given` names, or else the environment, or else `nvidia-smi`, without those that somebody
    /// holds.
    ///
    /// # Errors
    /// There are fewer than `each` run wants.
    pub(crate) fn take(given: &[String], each: usize) -> Result<Self> {
        let (devices, whence) = match given {
            [] => found()?,
            given => (given.to_vec(), "--gpus"),
        };
        if let Some(twice) = (1..devices.len()).find(|at| devices[..*at].contains(&devices[*at])) {
            bail!("{whence}: {} is named twice", devices[twice]);
        }
        let folder =
            env::temp_dir().join(format!("regimen-gpus-{}", rustix::process::getuid().as_raw()));
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let (mut held, mut taken) = (Self::default(), Vec::new());
        for device in devices {
            match lock(&folder, &device)? {
                Some(lock) => {
                    held.devices.push(device);
                    held._locks.push(lock);
                }
                None => taken.push(device),
            }
        }
        if held.devices.len() < each {
            let others = match taken.as_slice() {
                [] => String::new(),
                taken => format!("; another `regimen run` has {}", taken.join(", ")),
            };
            bail!("{}", few(each, &held.devices, whence) + &others);
        }
        if !taken.is_empty() {
            let (taken, left) = (taken.join(", "), held.devices.join(", "));
            say(&format!(
                "another `regimen run` has graphics processors {taken}; runs here get {left}"
            ));
        }
        Ok(held)
    }

    /// What runs with these resources are given.
    pub(crate) fn dealt(&self, resources: &Resources) -> Gpus {
        let devices = match (resources.device, resources.gpus) {
            (shared @ Chosen::Cuda(_), _) => vec![shared.to_string()],
            (_, 0) => Vec::new(),
            _ => self.devices.clone(),
        };
        Gpus { devices, each: resources.gpus }
    }
}

/// Those of this machine that runs may use, as far as it says.
///
/// # Errors
/// `nvidia-smi` is not there or says nothing.
pub(crate) fn here() -> Result<Vec<String>> {
    Ok(found()?.0)
}

/// Those of a task of a cluster: its scheduler gave it to no other task.
///
/// # Errors
/// There are fewer than a run wants.
pub(crate) fn of_task(each: usize) -> Result<Gpus> {
    if each == 0 {
        return Ok(Gpus::default());
    }
    let (devices, whence) = found()?;
    if devices.len() < each {
        bail!("{}", few(each, &devices, whence));
    }
    Ok(Gpus { devices, each })
}

fn few(each: usize, devices: &[String], whence: &str) -> String {
    let wanted = match each {
        1 => "a graphics processor".into(),
        each => format!("{each} graphics processors"),
    };
    let found = match devices {
        [] => "none".into(),
        devices => devices.join(", "),
    };
    format!("resources.gpus: a run wants {wanted}, found {found} ({whence})")
}

/// Those that a scheduler or the user says are ours, or all that the driver knows; and who says so.
fn found() -> Result<(Vec<String>, &'static str)> {
    if let Ok(list) = env::var(VISIBLE) {
        // What stands after a -1 is hidden.
        let devices = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        return Ok((
            devices.take_while(|name| *name != "-1").map(str::to_owned).collect(),
            VISIBLE,
        ));
    }
    let asked =
        Command::new("nvidia-smi").args(["--query-gpu=index", "--format=csv,noheader"]).output();
    let advice = "`--gpus 0,1` names those that runs may use";
    let said = asked
        .with_context(|| format!("looking for graphics processors by `nvidia-smi`; {advice}"))?;
    if !said.status.success() {
        let why = String::from_utf8_lossy(&said.stderr).into_owned()
            + &String::from_utf8_lossy(&said.stdout);
        bail!(
            "looking for graphics processors: `nvidia-smi` ended with {}: {}; {advice}",
            said.status,
            why.trim()
        );
    }
    let list = String::from_utf8_lossy(&said.stdout);
    let devices = list.lines().map(str::trim).filter(|name| !name.is_empty());
    Ok((devices.map(str::to_owned).collect(), "nvidia-smi"))
}

/// Holds a device while the file is open; nothing where somebody else does.
fn lock(folder: &Path, device: &str) -> Result<Option<File>> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let path = folder.join(device.chars().map(plain).collect::<String>());
    let file = File::options().create(true).append(true).open(&path);
    let file = file.with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("locking {}", path.display()))
        }
    }
}

/// A device of `--gpus`.
pub(crate) fn device(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_:./".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Ok(text.into());
    }
    Err("wanted names as CUDA_VISIBLE_DEVICES has them, such as 0,1".into())
}

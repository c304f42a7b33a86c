//! What driver and worker say to each other: one JSON object a line, over a socket.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;

use experiment::{DataPaths, NeededRun};
use journal::{Cause, Means, Opened, Outcome, RunSpec};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::folder::Earlier;
use super::versions::Versions;

/// From the driver.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Comes first, once.
    Setup(Setup),
    Run(Job),
    /// Checkpoint and stop the run under way.
    Interrupt,
}

/// From the worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// The worker's journal is open.
    Ready,
    Progress {
        done: u64,
        total: u64,
    },
    /// Something is wrong although the run goes on.
    Warned {
        text: String,
    },
    /// The attempt's end is recorded.
    Ended {
        outcome: Outcome,
        /// What ended it from outside, where that is known.
        cause: Option<Cause>,
        seconds: f64,
        /// Bytes by which the worker's resident size grew since before its first run; 0 for a
        /// thread.
        retained: u64,
    },
    /// The worker cannot go on, and ends.
    Unable {
        error: String,
    },
}

/// What a worker must know before its first run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    #[serde(with = "path")]
    pub store: PathBuf,
    pub opened: Opened,
    #[serde(with = "path")]
    pub cache: PathBuf,
    #[serde(with = "optional_path")]
    pub mirror: Option<PathBuf>,
    pub offline: bool,
    pub checkpoint_every: Duration,
    /// Those of the driver's program.
    pub versions: Versions,
}

impl Setup {
    pub(crate) fn data(&self) -> DataPaths {
        DataPaths { cache: self.cache.clone(), mirror: self.mirror.clone(), offline: self.offline }
    }
}

/// One attempt at one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub spec: RunSpec,
    pub attempt: u32,
    /// Where it has to pause, if anywhere.
    pub pause: Option<Pause>,
    /// The attempts before it that left files, newest first.
    pub earlier: Vec<Earlier>,
    /// Whether its files replace those of an attempt that finished before.
    pub replaces: bool,
    /// What it is executed with.
    #[serde(default)]
    pub means: Means,
    /// The runs that it builds on, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needed: BTreeMap<String, NeededRun>,
}

/// A rung of a search: the run pauses once it recorded the metric at this step or later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pause {
    pub metric: String,
    pub step: u64,
}

/// Paths as their bytes: JSON has text only, and a path may be none.
pub(crate) mod path {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        path.as_os_str().as_bytes().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        Ok(OsString::from_vec(Vec::deserialize(from)?).into())
    }
}

pub(crate) mod optional_path {
    use std::path::PathBuf;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Bytes(#[serde(with = "super::path")] PathBuf);

    #[expect(clippy::ref_option, reason = "serde asks for it")]
    pub(crate) fn serialize<S: Serializer>(
        path: &Option<PathBuf>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        path.clone().map(Bytes).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<Bytes>::deserialize(from)?.map(|Bytes(path)| path))
    }
}

/// Writes one message with one write(2).
pub(crate) fn send(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    to.write_all(&line)
}

/// Reads one message; `None` once the other side is gone.
pub(crate) fn receive<M: DeserializeOwned>(from: &mut impl BufRead) -> io::Result<Option<M>> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        // Nothing, or a message whose sender died while writing it.
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&line)?))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use journal::Role;

    use super::*;

    #[test]
    fn a_path_need_not_be_text() {
        let path = PathBuf::from(OsStr::from_bytes(b"bad\xff"));
        let opened = Opened {
            writer: "w".into(),
            role: Role::Worker,
            host: String::new(),
            pid: 1,
            version: String::new(),
            commit: String::new(),
            blas: String::new(),
            cpu: String::new(),
            at: 0.0,
        };
        let setup = Setup {
            store: path.clone(),
            opened,
            cache: path.clone(),
            mirror: Some(path.clone()),
            offline: true,
            checkpoint_every: Duration::ZERO,
            versions: Versions::of_program(&[], None),
        };
        let mut line = Vec::new();
        send(&mut line, &Order::Setup(setup)).unwrap();
        let Some(Order::Setup(setup)) = receive(&mut line.as_slice()).unwrap() else { panic!() };
        assert_eq!(
            (setup.store, setup.cache, setup.mirror),
            (path.clone(), path.clone(), Some(path))
        );
    }
}

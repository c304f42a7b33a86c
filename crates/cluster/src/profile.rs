//! Profiles of clusters: what a file says of each, by name.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use yaml::{Errors, Source};

use crate::{Error, units};

/// Name of a file of profiles.
const FILE: &str = "clusters.yaml";

/// A kind of scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Slurm.
    Slurm,
    /// Grid Engine: SGE, Son of Grid Engine, Univa, Altair.
    GridEngine,
    /// PBS Professional and OpenPBS.
    Pbs,
    /// Processes on this machine.
    Local,
}

/// What is known of one cluster, and what tasks ask of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What schedules.
    pub scheduler: Kind,
    /// Tasks of an array, at most: each executes run after run.
    #[serde(default = "tasks")]
    pub tasks: u32,
    /// Tasks at work at a time, at most.
    pub throttle: Option<u32>,
    /// Processors of a task; a run takes as many as the configuration says (`resources.threads`).
    pub cpus: Option<u32>,
    /// Memory of a task in bytes.
    #[serde(default, deserialize_with = "units::size")]
    pub memory: Option<u64>,
    /// Time limit of a task.
    #[serde(default, deserialize_with = "units::time")]
    pub time: Option<Duration>,
    /// How long before its time limit a task is told to stop.
    #[serde(default, deserialize_with = "units::time")]
    pub warning: Option<Duration>,
    /// Graphics processors of a task.
    #[serde(default)]
    pub gpus: u32,
    /// Partition (Slurm) or queue.
    pub partition: Option<String>,
    /// Account (Slurm, PBS) or project (Grid Engine).
    pub account: Option<String>,
    /// Quality of service (Slurm).
    pub qos: Option<String>,
    /// Features that nodes must have (Slurm).
    pub constraint: Option<String>,
    /// Parallel environment for tasks of several processors (Grid Engine).
    pub parallel_environment: Option<String>,
    /// More arguments of `sbatch` or `qsub`.
    #[serde(default)]
    pub extra: Vec<String>,
    /// Lines of shell that a task begins with, for example `module load cuda`.
    #[serde(default)]
    pub setup: Vec<String>,
    /// The program on the nodes, where that is not this one's path.
    pub program: Option<PathBuf>,
}

fn tasks() -> u32 {
    10
}

impl Profile {
    /// Processes on this machine, as many as there are processors for runs of one.
    fn local() -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let tasks = u32::try_from(cpus).unwrap_or(1);
        Self {
            scheduler: Kind::Local,
            tasks,
            throttle: None,
            cpus: None,
            memory: None,
            time: None,
            warning: None,
            gpus: 0,
            partition: None,
            account: None,
            qos: None,
            constraint: None,
            parallel_environment: None,
            extra: Vec::new(),
            setup: Vec::new(),
            program: None,
        }
    }

    /// The key of what cannot be, and why.
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        let none = "wanted at least 1, found 0";
        match self {
            _ if self.tasks == 0 => Some(("tasks", none)),
            _ if self.throttle == Some(0) => Some(("throttle", none)),
            _ if self.cpus == Some(0) => Some(("cpus", none)),
            Self { scheduler: Kind::GridEngine, parallel_environment: None, .. }
                if self.cpus.is_some_and(|cpus| cpus > 1) =>
            {
                Some((
                    "cpus",
                    "Grid Engine gives several processors by a parallel environment: name it by \
                     `parallel_environment` (`qconf -spl` lists them)",
                ))
            }
            _ => None,
        }
    }
}

/// The profiles of all files.
#[derive(Debug, Clone)]
pub struct Profiles {
    by_name: BTreeMap<String, Profile>,
    /// Where was looked.
    files: Vec<PathBuf>,
}

impl Profiles {
    /// Reads the user's file and those beside configurations; of two profiles of one name the one
    /// that is read later counts, so that a project goes before its user. `local` is there always.
    ///
    /// # Errors
    /// A file that is there cannot be read, or is not as it should be.
    pub fn read(folders: &[&Path]) -> Result<Self, Error> {
        let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".config"));
        let set = env::var_os("XDG_CONFIG_HOME").filter(|set| !set.is_empty()).map(PathBuf::from);
        let user = set.or_else(home).map(|folder| folder.join("regimen").join(FILE));
        let mut files: Vec<PathBuf> = user.into_iter().collect();
        for folder in folders {
            let file = folder.join(FILE);
            if !files.contains(&file) {
                files.push(file);
            }
        }
        let mut by_name = BTreeMap::from([("local".to_owned(), Profile::local())]);
        for file in &files {
            match fs::metadata(file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                _ => by_name.extend(parse(&Source::read(file).map_err(Errors::from)?)?),
            }
        }
        Ok(Self { by_name, files })
    }

    /// The profile of a name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(&self, name: &str) -> Result<&Profile, Error> {
        self.by_name.get(name).ok_or_else(|| {
            let near = |known: &&String| strsim::damerau_levenshtein(known, name) <= 2;
            let names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
            let files: Vec<String> = self.files.iter().map(|f| f.display().to_string()).collect();
            Error::NoProfile {
                name: name.into(),
                hint: self
                    .by_name
                    .keys()
                    .find(near)
                    .map_or(String::new(), |near| format!("; did you mean {near:?}?")),
                known: format!("there are {} in {}", names.join(", "), files.join(" and ")),
            }
        })
    }
}

fn parse(source: &Arc<Source>) -> Result<BTreeMap<String, Profile>, Errors> {
    let node = yaml::parse(source, &source.text, 0)?;
    let profiles: Option<BTreeMap<String, Profile>> = yaml::typed(&node, &yaml::Path::root())?;
    let profiles = profiles.unwrap_or_default();
    for (name, profile) in &profiles {
        if let Some((key, message)) = profile.fault() {
            let path = yaml::Path::from_iter([name.as_str(), key]);
            let place = node.at(&path).unwrap_or(&node);
            return Err(yaml::Error::new(&place.span, path, message).into());
        }
    }
    Ok(profiles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Profile, String> {
        let source = Source::of_file(Path::new("clusters.yaml"), text);
        let profiles = parse(&source).map_err(|e| e.to_string())?;
        Ok(profiles.into_values().next().unwrap())
    }

    #[test]
    fn a_profile_says_what_tasks_ask_for() {
        let text = "gpu:\n  scheduler: slurm\n  tasks: 16\n  throttle: 4\n  memory: 8GiB\n  \
                    time: 4h\n  gpus: 1\n  partition: long\n  extra: [--exclude=n3]\n";
        let profile = one(text).unwrap();
        assert_eq!((profile.scheduler, profile.tasks, profile.gpus), (Kind::Slurm, 16, 1));
        assert_eq!(profile.memory, Some(8 << 30));
        assert_eq!(profile.time, Some(Duration::from_secs(14_400)));
        assert_eq!(profile.extra, ["--exclude=n3"]);
        assert_eq!(one("a: { scheduler: grid-engine }").unwrap().tasks, 10);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let error = one("gpu:\n  scheduler: slurm\n  partion: long\n").unwrap_err();
        let wanted =
            "clusters.yaml:3:3: gpu.partion: unknown key `partion`; did you mean `partition`?";
        assert!(error.starts_with(wanted), "{error}");
        let error = one("gpu: { scheduler: slrum }").unwrap_err();
        let wanted = "gpu.scheduler: unknown value \"slrum\"; did you mean `slurm`?";
        assert!(error.contains(wanted), "{error}");
        let error = one("gpu: { scheduler: slurm, time: 4 hours }").unwrap_err();
        assert!(error.contains("wanted a time above 0 such as 90s, 30m, 4h or 2d"), "{error}");
        let error = one("gpu: { scheduler: slurm, tasks: 0 }").unwrap_err();
        let wanted = "clusters.yaml:1:33: gpu.tasks: wanted at least 1, found 0\n";
        assert!(error.starts_with(wanted), "{error}");
        let empty = Source::of_file(Path::new("clusters.yaml"), "# nothing yet\n");
        assert!(parse(&empty).unwrap().is_empty());
        let error = one("sge: { scheduler: grid-engine, cpus: 4 }").unwrap_err();
        assert!(error.contains("parallel_environment"), "{error}");
    }

    #[test]
    fn a_name_that_is_nowhere_is_told_with_the_nearest_and_where_was_looked() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "big: { scheduler: slurm }\n").unwrap();
        let profiles = Profiles::read(&[dir.path()]).unwrap();
        assert_eq!(profiles.named("big").unwrap().scheduler, Kind::Slurm);
        assert_eq!(profiles.named("local").unwrap().scheduler, Kind::Local);
        let error = profiles.named("bigg").unwrap_err().to_string();
        assert!(error.contains("did you mean \"big\"?"), "{error}");
        assert!(error.contains(&dir.path().display().to_string()), "{error}");
    }
}

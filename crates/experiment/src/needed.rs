//! A finished run that another one builds on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Error, RunId};

/// That a run reads another one, by the name that its configuration gives it under `needs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedRef {
    /// The name, for example `teacher`.
    pub name: String,
    /// Dotted path of the parameter that says so, for example `evaluate`.
    pub path: String,
}

/// What the record of a store says of a finished run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NeededRun {
    /// Its identity.
    pub run: RunId,
    /// Its experiment.
    pub experiment: String,
    /// Every parameter.
    pub params: Value,
    /// Its seed.
    pub seed: u64,
    /// Final metrics.
    pub results: BTreeMap<String, f64>,
    /// Files that it published, each with its SHA-256.
    pub artifacts: BTreeMap<String, String>,
}

/// Values that a run recorded step by step: step, metric, value.
pub type Values = Vec<(u64, String, f64)>;

/// Reads the [`Values`] of a run.
pub type ReadValues =
    Arc<dyn Fn() -> Result<Values, Box<dyn std::error::Error + Send + Sync>> + Send + Sync>;

/// A finished run that another one builds on: its parameters, metrics and artifacts.
#[derive(Clone)]
pub struct Needed {
    name: String,
    about: NeededRun,
    folder: PathBuf,
    values: ReadValues,
}

impl Needed {
    /// The run that a configuration calls `name`; its artifacts lie in `folder`.
    pub fn new(name: &str, about: NeededRun, folder: PathBuf, values: ReadValues) -> Self {
        Self { name: name.into(), about, folder, values }
    }

    /// Identity of the run.
    pub fn id(&self) -> RunId {
        self.about.run
    }

    /// Name of its experiment.
    pub fn experiment(&self) -> &str {
        &self.about.experiment
    }

    /// Its parameters, with every default filled in.
    pub fn params(&self) -> &Value {
        &self.about.params
    }

    /// One of its parameters, by dotted path; a key may hold dots itself.
    ///
    /// # Errors
    /// It has no such parameter.
    pub fn param(&self, path: &str) -> Result<&Value, Error> {
        fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
            let fields = value.as_object()?;
            fields.get(path).or_else(|| {
                let mut dots = path.match_indices('.').map(|(at, _)| at);
                dots.find_map(|dot| at(fields.get(&path[..dot])?, &path[dot + 1..]))
            })
        }
        let missing = || self.error(format!("it has no parameter {path:?}"));
        at(self.params(), path).ok_or_else(missing)
    }

    /// Its seed.
    pub fn seed(&self) -> u64 {
        self.about.seed
    }

    /// Its final metrics by name.
    pub fn metrics(&self) -> &BTreeMap<String, f64> {
        &self.about.results
    }

    /// One of its final metrics.
    ///
    /// # Errors
    /// Names those there are, when it has none of this name.
    pub fn metric(&self, name: &str) -> Result<f64, Error> {
        let known = || one_of("final metrics", self.about.results.keys());
        let found = self.about.results.get(name).copied();
        found.ok_or_else(|| self.error(format!("{}, found {name:?}", known())))
    }

    /// Values of a metric that it recorded step by step, each with its step.
    ///
    /// # Errors
    /// The record cannot be read, or has no value of this metric.
    pub fn values(&self, metric: &str) -> Result<Vec<(u64, f64)>, Error> {
        let rows = (self.values)().map_err(|error| Error::other(self.context(), error))?;
        let of_it = rows.iter().filter(|(_, name, _)| name == metric);
        let values: Vec<(u64, f64)> = of_it.map(|(step, _, value)| (*step, *value)).collect();
        if values.is_empty() {
            let mut names: Vec<&String> = rows.iter().map(|(_, name, _)| name).collect();
            names.sort_unstable();
            names.dedup();
            let wanted = one_of("metrics by step", names.into_iter());
            return Err(self.error(format!("{wanted}, found {metric:?}")));
        }
        Ok(values)
    }

    /// Names of the files that it published.
    pub fn artifacts(&self) -> impl Iterator<Item = &str> {
        self.about.artifacts.keys().map(String::as_str)
    }

    /// The folder of its artifacts, for somebody who knows their names; they are not verified.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of a file that it published, which is there and as it was published.
    ///
    /// # Errors
    /// It published no such file, or the file is gone or damaged.
    pub fn artifact(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.folder.join(name);
        let sum = File::open(&path).and_then(sum);
        self.verified(name, sum).map(|()| path)
    }

    /// The content of a file that it published.
    ///
    /// # Errors
    /// As [`artifact`](Self::artifact).
    pub fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let bytes = std::fs::read(self.folder.join(name));
        let sum = bytes.as_ref().map(|bytes| hex(&Sha256::digest(bytes)));
        self.verified(name, sum.map_err(|error| io::Error::from(error.kind())))?;
        bytes.map_err(|error| Error::other(self.context(), error))
    }

    fn verified(&self, name: &str, sum: io::Result<String>) -> Result<(), Error> {
        let Some(published) = self.about.artifacts.get(name) else {
            let wanted = one_of("artifacts", self.about.artifacts.keys());
            return Err(self.error(format!("{wanted}, found {name:?}")));
        };
        let again = "`regimen run --force` with its configuration makes it again";
        match sum {
            Ok(sum) if sum == *published => Ok(()),
            Ok(_) => {
                Err(self.error(format!("artifact {name} is not as it was published; {again}")))
            }
            Err(error) => Err(self.error(format!("artifact {name}: {error}; {again}"))),
        }
    }

    fn context(&self) -> String {
        format!("run `{}` ({})", self.name, self.about.run.short())
    }

    fn error(&self, what: String) -> Error {
        Error::other(self.context(), what)
    }
}

impl std::fmt::Debug for Needed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Needed").field("name", &self.name).field("about", &self.about).finish()
    }
}

/// What was wanted of a run.
fn one_of<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    match names.as_slice() {
        [] => format!("it has no {what}"),
        names => format!("wanted one of its {what} ({})", names.join(", ")),
    }
}

fn sum(mut file: File) -> io::Result<String> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn needed(folder: &Path) -> Needed {
        let about = NeededRun {
            run: RunId::of("teacher"),
            experiment: "toy".into(),
            params: json!({"net": {"width": 3, "a.b": 4}}),
            seed: 2,
            results: [("loss".to_owned(), 0.5)].into(),
            artifacts: [("model.bin".to_owned(), hex(&Sha256::digest(b"weights")))].into(),
        };
        let values: Values = vec![(1, "loss".into(), 2.0), (2, "loss".into(), 1.0)];
        Needed::new("teacher", about, folder.into(), Arc::new(move || Ok(values.clone())))
    }

    #[test]
    fn artifacts_are_verified_where_they_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let needed = needed(dir.path());
        let path = dir.path().join("model.bin");
        let error = needed.artifact("model.bin").unwrap_err().chain();
        assert!(error.contains("artifact model.bin: "), "{error}");
        assert!(error.contains("`regimen run --force`"), "{error}");
        fs::write(&path, "weights").unwrap();
        assert_eq!(needed.artifact("model.bin").unwrap(), path);
        assert_eq!(needed.read("model.bin").unwrap(), b"weights");
        fs::write(&path, "rubbish").unwrap();
        for error in [needed.artifact("model.bin").err(), needed.read("model.bin").err()] {
            let error = error.unwrap().chain();
            assert!(error.contains("model.bin is not as it was published"), "{error}");
        }
    }

    #[test]
    fn what_it_does_not_have_is_told_with_what_it_has() {
        let needed = needed(Path::new("/nowhere"));
        assert_eq!(needed.param("net.width").unwrap(), 3);
        assert_eq!(needed.param("net.a.b").unwrap(), 4);
        assert_eq!(needed.metric("loss").unwrap(), 0.5);
        assert_eq!(needed.values("loss").unwrap(), [(1, 2.0), (2, 1.0)]);
        let id = RunId::of("teacher").short();
        for (error, wanted) in [
            (needed.param("width").unwrap_err(), "it has no parameter \"width\""),
            (
                needed.metric("los").unwrap_err(),
                "wanted one of its final metrics (loss), found \"los\"",
            ),
            (
                needed.values("accuracy").unwrap_err(),
                "wanted one of its metrics by step (loss), found \"accuracy\"",
            ),
            (
                needed.artifact("../x").unwrap_err(),
                "wanted one of its artifacts (model.bin), found \"../x\"",
            ),
        ] {
            assert_eq!(error.chain(), format!("run `teacher` ({id}): {wanted}"));
        }
    }
}

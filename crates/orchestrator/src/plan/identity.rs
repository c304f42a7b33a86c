use std::collections::BTreeMap;

use experiment::{Bound, Device, Entry, RunId, SpecId, canonical_json};
use serde_json::json;

/// What a run's identity depends on beside experiment, parameters and seed.
pub struct Identity<'a> {
    /// Numeric version of the engine.
    pub engine: u32,
    /// Device class that runs are computed on.
    pub device: Device,
    /// Checksum of a data set by name; `None` for one without a manifest.
    pub checksum: &'a dyn Fn(&str) -> Option<String>,
}

/// The parts of identity that all seeds of a point share.
pub(crate) struct PointIdentity {
    experiment: &'static str,
    canonical: String,
    /// Checksums of data sets and files, by name.
    pub(crate) data: BTreeMap<String, String>,
    versions: String,
}

impl Identity<'_> {
    /// Identity of a point.
    ///
    /// # Errors
    /// The name of a data set without a manifest.
    pub(crate) fn of_point(
        &self,
        entry: &Entry,
        bound: &dyn Bound,
    ) -> Result<PointIdentity, String> {
        let mut data = BTreeMap::new();
        for needed in bound.data() {
            let sum = (self.checksum)(&needed.name).ok_or(needed.name.clone())?;
            data.insert(needed.name, sum);
        }
        let versions = json!({
            "experiment_version": entry.version,
            "engine": self.engine,
            "data": data,
            "device": self.device,
        });
        Ok(PointIdentity {
            experiment: entry.name,
            canonical: canonical_json(bound.canonical()),
            data,
            versions: canonical_json(&versions),
        })
    }
}

impl PointIdentity {
    /// Both ids at a seed.
    pub(crate) fn at(&self, seed: u64) -> (SpecId, RunId) {
        let Self { experiment, canonical, versions, .. } = self;
        let spec = SpecId::of(&format!(
            r#"{{"experiment":"{experiment}","params":{canonical},"seed":{seed}}}"#
        ));
        (spec, RunId::of(&format!(r#"{{"spec":"{spec}","versions":{versions}}}"#)))
    }
}

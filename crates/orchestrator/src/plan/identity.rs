//! Computes the identifiers of runs from parameters, seed, versions and checksums of data.

use std::collections::BTreeMap;
use std::sync::Arc;

use experiment::{Bound, Device, Entry, RunId, SpecId, canonical_json};
use serde_json::json;

use super::PlannedRun;

/// What a run's identity depends on beside experiment, parameters and seed.
pub struct Identity<'a> {
    /// Numeric version of the engine.
    pub engine: u32,
    /// Numeric version of its kernels for graphics processors.
    pub cuda: u32,
    /// The class of device that `auto` is on this machine.
    pub auto: &'a dyn Fn() -> Device,
    /// Checksum of a data set, or of a file whose name follows `file:`.
    pub checksum: &'a dyn Fn(&str) -> Sum,
}

/// What is known of the content of a data set or file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sum {
    /// Its checksum.
    Known(String),
    /// Its checksum is known once it was fetched.
    OnceFetched,
    /// It cannot be read, for this reason.
    Unreadable(String),
    /// No data set has this name.
    Unknown {
        /// Names there are.
        known: Vec<String>,
    },
}

/// The parts of identity that all seeds of a point share.
pub(crate) struct PointIdentity {
    experiment: &'static str,
    canonical: String,
    /// Checksums of data sets and files, by name.
    pub(crate) data: BTreeMap<String, String>,
    versions: String,
    /// A data set whose sum is known once it was fetched.
    pub(crate) awaited: Option<String>,
}

/// In place of a sum that is known once a data set was fetched.
const LATER: &str = "after fetch";

impl Identity<'_> {
    /// Identity of a point on a class of device.
    ///
    /// # Errors
    /// The name of a data set or file whose sum is not known, and why.
    pub(crate) fn of_point(
        &self,
        entry: &Entry,
        bound: &dyn Bound,
        device: Device,
    ) -> Result<PointIdentity, (String, Sum)> {
        let (mut data, mut awaited) = (BTreeMap::new(), None);
        for needed in bound.data() {
            match (self.checksum)(&needed.name) {
                Sum::Known(sum) => data.insert(needed.name, sum),
                Sum::OnceFetched => {
                    awaited.get_or_insert_with(|| needed.name.clone());
                    data.insert(needed.name, LATER.into())
                }
                other => return Err((needed.name, other)),
            };
        }
        let mut versions = json!({
            "experiment_version": entry.version,
            "engine": self.engine,
            "data": data,
            "device": device,
        });
        // Runs of the processor have the ids that they always had.
        if device == Device::Cuda {
            versions["cuda"] = self.cuda.into();
        }
        Ok(PointIdentity {
            experiment: entry.name,
            canonical: canonical_json(bound.canonical()),
            data,
            versions: canonical_json(&versions),
            awaited,
        })
    }
}

impl PointIdentity {
    /// Both ids at a seed: what is asked for depends on what was asked for of the runs that it builds
    /// on, what is computed on what they computed.
    pub(crate) fn at(
        &self,
        seed: u64,
        needed: &BTreeMap<String, Arc<PlannedRun>>,
    ) -> (SpecId, RunId) {
        let Self { experiment, canonical, versions, .. } = self;
        let each = |id: &dyn Fn(&PlannedRun) -> String| -> String {
            let ids: BTreeMap<&String, String> =
                needed.iter().map(|(name, run)| (name, id(run))).collect();
            // Runs that need none have the ids that they always had.
            if ids.is_empty() { String::new() } else { format!(r#","needs":{}"#, json!(ids)) }
        };
        let requests = each(&|run| run.spec.spec.to_string());
        let spec = SpecId::of(&format!(
            r#"{{"experiment":"{experiment}","params":{canonical},"seed":{seed}{requests}}}"#
        ));
        let runs = each(&|run| run.spec.run.to_string());
        (spec, RunId::of(&format!(r#"{{"spec":"{spec}","versions":{versions}{runs}}}"#)))
    }
}

//! Trained models as artifacts of their runs: what a model is, as JSON, and its weights.

use autodiff::{Buffer, Device};
use experiment::{Error, Needed, Run};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Layout;

const WEIGHTS: &str = "model.safetensors";

/// Gives the artifacts of a run by their names.
pub type Artifacts<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, Error>;

/// What a kept model is, beside its weights.
pub trait KeptModel: Serialize + DeserializeOwned {
    /// The artifact that has it, by which tools find runs that kept a model.
    const FILE: &'static str = "model.json";

    /// Keeps a trained model as two artifacts of the run.
    ///
    /// # Errors
    /// Weights of another length than the layout's; what the run's sink says.
    fn keep(&self, layout: &Layout, weights: &[f32], run: &mut Run<'_>) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Error::other("describing the model", e))?;
        let file =
            layout.to_safetensors(weights).map_err(|e| Error::other("laying out the model", e))?;
        run.artifact(Self::FILE, text.as_bytes())?;
        run.artifact(WEIGHTS, &file)
    }

    /// Reads it among the artifacts of a run.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for a file of something else; whatever `artifacts` says.
    fn open(artifacts: Artifacts<'_>) -> Result<Self, Error> {
        serde_json::from_slice(&artifacts(Self::FILE)?)
            .map_err(|e| Error::Checkpoint(format!("{}: {e}", Self::FILE)))
    }

    /// Reads it among the artifacts of a run that is built on.
    ///
    /// # Errors
    /// A run that kept no model; as [`open`](Self::open).
    fn of(needed: &Needed) -> Result<Self, Error> {
        if !needed.artifacts().any(|name| name == Self::FILE) {
            let what = "it kept no model: `keep_model: true` in its configuration keeps one";
            return Err(Error::other(format!("run {}", needed.id().short()), what));
        }
        Self::open(&|name| needed.read(name))
    }
}

/// The weights of the model that a run kept.
///
/// # Errors
/// [`Error::Checkpoint`] where they are of another layout; whatever `artifacts` says.
pub fn kept_weights(layout: &Layout, artifacts: Artifacts<'_>) -> Result<Vec<f32>, Error> {
    let file = artifacts(WEIGHTS)?;
    layout.from_safetensors(&file).map_err(|e| Error::Checkpoint(format!("{WEIGHTS}: {e}")))
}

/// Weights on the current device.
///
/// # Errors
/// Memory.
pub fn placed(weights: &[f32]) -> Result<Buffer, Error> {
    Buffer::from_slice(Device::current(), weights)
        .map_err(|e| Error::other("placing the weights", e))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use experiment::{DataPaths, MemorySink, RunContext, RunId};
    use serde::Deserialize;

    use super::*;
    use crate::Init;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Units(u32);

    impl KeptModel for Units {}

    #[test]
    fn a_model_comes_back_and_another_is_refused() {
        let layout = Layout::new().with("w", &[2], Init::Zeros);
        let mut sink = MemorySink::default();
        let (id, device) = (RunId::of("test"), experiment::Device::Cpu);
        let context = RunContext { id, seed: 0, threads: 1, device, data: DataPaths::default() };
        Units(3).keep(&layout, &[1.5, -2.0], &mut Run::new(context, &mut sink)).unwrap();
        let files: BTreeMap<String, Vec<u8>> = sink.artifacts.clone().into_iter().collect();
        let read = |name: &str| Ok(files[name].clone());
        assert_eq!(Units::open(&read).unwrap(), Units(3));
        let weights = kept_weights(&layout, &read).unwrap();
        assert_eq!(placed(&weights).unwrap().to_vec::<f32>().unwrap(), [1.5, -2.0]);
        let other = Layout::new().with("w", &[3], Init::Zeros);
        let error = kept_weights(&other, &read).unwrap_err().to_string();
        assert!(error.contains("model.safetensors: "), "{error}");
        let error = Units::open(&|_| Ok(b"{".to_vec())).unwrap_err().to_string();
        assert!(error.contains("model.json: "), "{error}");
    }
}

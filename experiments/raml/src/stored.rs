//! A trained model stored as artifacts of its run, and read back to translate.

use autodiff::{Buffer, Device};
use experiment::{Error, Needed, Run};
use learn::Layout;
use serde::{Deserialize, Serialize};

use crate::corpus::StoredPieces;
use crate::params::Params;

const WEIGHTS: &str = "model.safetensors";
pub(crate) const DESCRIPTION: &str = "model.json";

/// What a stored model is, beside its weights.
#[derive(Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) params: Params,
    pub(crate) pieces: StoredPieces,
}

impl Description {
    /// Keeps a trained model as two artifacts of the run.
    pub(crate) fn keep(
        &self,
        layout: &Layout,
        weights: &Buffer,
        run: &mut Run<'_>,
    ) -> Result<(), Error> {
        let reading = |e| Error::other("reading the model", e);
        let weights = weights.to_vec::<f32>().map_err(reading)?;
        let text =
            serde_json::to_string(self).map_err(|e| Error::other("describing the model", e))?;
        let file =
            layout.to_safetensors(&weights).map_err(|e| Error::other("laying out the model", e))?;
        run.artifact(DESCRIPTION, text.as_bytes())?;
        run.artifact(WEIGHTS, &file)
    }

    /// Reads the description among a run's artifacts.
    pub(crate) fn open(kept: Kept<'_>) -> Result<Self, Error> {
        serde_json::from_slice(&kept(DESCRIPTION)?)
            .map_err(|e| Error::Checkpoint(format!("{DESCRIPTION}: {e}")))
    }

    /// Reads the description of the model that a run kept.
    pub(crate) fn of(needed: &Needed) -> Result<Self, Error> {
        if !needed.artifacts().any(|name| name == DESCRIPTION) {
            let what = "it kept no model: `keep_model: true` in its configuration keeps one";
            return Err(Error::other(format!("run {}", needed.id().short()), what));
        }
        serde_json::from_slice(&needed.read(DESCRIPTION)?)
            .map_err(|e| Error::Checkpoint(format!("{DESCRIPTION}: {e}")))
    }

    /// Reads the weights that a run kept.
    pub(crate) fn needed_weights(layout: &Layout, needed: &Needed) -> Result<Vec<f32>, Error> {
        laid_out(layout, &needed.read(WEIGHTS)?)
    }

    /// Reads the weights among a run's artifacts.
    pub(crate) fn weights(layout: &Layout, kept: Kept<'_>) -> Result<Buffer, Error> {
        let values = laid_out(layout, &kept(WEIGHTS)?)?;
        Buffer::from_slice(Device::current(), &values)
            .map_err(|e| Error::other("placing the weights", e))
    }
}

/// Gives the artifacts of a run by their names.
pub(crate) type Kept<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, Error>;

fn laid_out(layout: &Layout, file: &[u8]) -> Result<Vec<f32>, Error> {
    layout.from_safetensors(file).map_err(|e| Error::Checkpoint(format!("{WEIGHTS}: {e}")))
}

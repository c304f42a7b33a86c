//! A trained model stored as artifacts of its run, and read back to translate.

use std::fs;
use std::path::Path;

use autodiff::{Buffer, Device};
use experiment::{Error, Needed, Run};
use learn::Layout;
use serde::{Deserialize, Serialize};

use crate::corpus::StoredPieces;
use crate::params::Params;

const WEIGHTS: &str = "model.safetensors";
const DESCRIPTION: &str = "model.json";

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

    /// Whether a run's artifacts are those of a kept model.
    pub(crate) fn is_in(folder: &Path) -> bool {
        folder.join(DESCRIPTION).is_file()
    }

    /// Reads the description among a run's artifacts.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        serde_json::from_slice(&read(folder, DESCRIPTION)?)
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
    pub(crate) fn weights(layout: &Layout, folder: &Path) -> Result<Buffer, Error> {
        let values = laid_out(layout, &read(folder, WEIGHTS)?)?;
        Buffer::from_slice(Device::current(), &values)
            .map_err(|e| Error::other("placing the weights", e))
    }
}

fn laid_out(layout: &Layout, file: &[u8]) -> Result<Vec<f32>, Error> {
    layout.from_safetensors(file).map_err(|e| Error::Checkpoint(format!("{WEIGHTS}: {e}")))
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>, Error> {
    let path = folder.join(name);
    fs::read(&path).map_err(|e| Error::other(format!("reading {}", path.display()), e))
}

//! Checkpoints of the training loop: everything it needs to go on.

use std::collections::{BTreeMap, HashMap};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use crate::Selected;

/// Everything the loop needs to go on as if it had never stopped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Checkpoint {
    pub(crate) progress: Progress,
    pub(crate) params: Vec<f64>,
    pub(crate) state: Vec<f64>,
    pub(crate) selected: Option<Selected>,
    /// What [`Task::state`](crate::Task::state) gave.
    pub(crate) task: Vec<f64>,
}

/// Where the loop is. Sums are kept as bits, so that nothing is lost in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Steps taken.
    pub(crate) step: u64,
    /// Bits of the sum of losses since the last evaluation.
    pub(crate) loss_bits: u64,
    /// Bits of the largest gradient norm since the last evaluation.
    pub(crate) norm_bits: u64,
}

#[derive(Serialize, Deserialize)]
struct SelectedHeader {
    step: u64,
    value_bits: u64,
}

const PROGRESS: &str = "progress";
const SELECTED: &str = "selected";
const TASK: &str = "task";

impl Checkpoint {
    /// A safetensors file with `params`, `state`, `selected` and `task` as f64, the last two where
    /// there are any, and the progress as metadata.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let mut metadata = HashMap::from([(PROGRESS.to_owned(), json(&self.progress)?)]);
        let mut tensors = vec![("params", &self.params), ("state", &self.state)];
        if let Some(selected) = &self.selected {
            let header =
                SelectedHeader { step: selected.step, value_bits: selected.value.to_bits() };
            metadata.insert(SELECTED.to_owned(), json(&header)?);
            tensors.push((SELECTED, &selected.params));
        }
        if !self.task.is_empty() {
            tensors.push((TASK, &self.task));
        }
        let bytes: BTreeMap<&str, Vec<u8>> = tensors
            .into_iter()
            .map(|(name, values)| (name, values.iter().flat_map(|v| v.to_le_bytes()).collect()))
            .collect();
        let views: BTreeMap<&str, TensorView<'_>> = bytes
            .iter()
            .map(|(name, data)| {
                TensorView::new(Dtype::F64, vec![data.len() / 8], data).map(|view| (*name, view))
            })
            .collect::<Result<_, _>>()
            .map_err(|e| e.to_string())?;
        safetensors::serialize(views, Some(metadata)).map_err(|e| e.to_string())
    }

    /// Reads a file back.
    pub(crate) fn from_bytes(file: &[u8]) -> Result<Self, String> {
        let (_, header) = SafeTensors::read_metadata(file).map_err(|e| e.to_string())?;
        let metadata = header.metadata().as_ref().ok_or("no metadata in the file")?;
        let tensors = SafeTensors::deserialize(file).map_err(|e| e.to_string())?;
        let floats = |name: &str| -> Result<Vec<f64>, String> {
            let tensor = tensors.tensor(name).map_err(|_| format!("no tensor {name:?}"))?;
            if tensor.dtype() != Dtype::F64 {
                return Err(format!("tensor {name:?}: wanted F64, found {:?}", tensor.dtype()));
            }
            let (words, _) = tensor.data().as_chunks::<8>();
            Ok(words.iter().map(|word| f64::from_le_bytes(*word)).collect())
        };
        let progress = metadata.get(PROGRESS).ok_or("no progress in the file")?;
        let selected = match metadata.get(SELECTED) {
            None => None,
            Some(text) => {
                let header: SelectedHeader =
                    serde_json::from_str(text).map_err(|e| e.to_string())?;
                Some(Selected {
                    step: header.step,
                    value: f64::from_bits(header.value_bits),
                    params: floats(SELECTED)?,
                })
            }
        };
        Ok(Self {
            progress: serde_json::from_str(progress).map_err(|e| e.to_string())?,
            params: floats("params")?,
            state: floats("state")?,
            selected,
            task: if tensors.tensor(TASK).is_ok() { floats(TASK)? } else { Vec::new() },
        })
    }
}

fn json(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_back_to_the_bit() {
        let progress =
            Progress { step: 7, loss_bits: 0.1_f64.to_bits(), norm_bits: f64::MAX.to_bits() };
        let selected = Some(Selected { step: 5, value: 0.3, params: vec![1.0, 2.0] });
        let mut checkpoint = Checkpoint {
            progress,
            params: vec![0.1, -0.0],
            state: vec![],
            selected,
            task: vec![2.0],
        };
        let bytes = checkpoint.to_bytes().unwrap();
        assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), checkpoint);
        checkpoint.selected = None;
        checkpoint.task = Vec::new();
        let bytes = checkpoint.to_bytes().unwrap();
        assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), checkpoint);
        for end in 0..bytes.len() {
            assert!(Checkpoint::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}

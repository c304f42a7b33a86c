//! Files of weights: safetensors, and what PyTorch saves.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use autodiff::DType;
use datasets::torch;
use experiment::{Error, Stream};
use learn::{Layout, Names};
use safetensors::tensor::{Dtype, TensorView};

use super::unsuited;
use crate::vgg::Architecture;

/// Bytes of a file: both networks have less than 600 MB with their classifiers.
const BYTES: u64 = 1 << 30;

/// Reads the tensors of a layout from a file: `conv1_1.weight`, or as torchvision numbers them,
/// `features.0.weight`.
///
/// # Errors
/// What is wrong with the file, a layer that it lacks, or one of another shape.
pub(super) fn read(
    path: &Path,
    architecture: Architecture,
    layout: &Layout,
) -> Result<Vec<Vec<f32>>, Error> {
    let (mut bytes, mut extra) = (bytes(path)?, Vec::new());
    if torch::is_torch(&bytes) {
        let name = path.display().to_string();
        let known = |name: &str| {
            let mut tensors = layout.tensors().iter();
            tensors.any(|of| of.name == name || numbered(architecture, &of.name) == name)
        };
        let (tensors, others) = torch::read(&name, &bytes, known).map_err(|e| unsuited(path, e))?;
        bytes = safetensors(&tensors).map_err(|e| unsuited(path, e))?;
        extra = others;
    }
    let loaded = layout
        .load(&bytes, &names(&bytes, architecture, layout), DType::F32)
        .map_err(|e| unsuited(path, e))?;
    if let Some(missing) = loaded.missing.first() {
        let number = numbered(architecture, missing);
        let wanted = format!("wanted a tensor {missing:?} or {number:?} of");
        let title = architecture.title();
        extra.extend(loaded.extra);
        let found = match &*extra {
            [] => "none".to_owned(),
            [first, ..] => format!("{} others such as {first:?}", extra.len()),
        };
        return Err(unsuited(path, format!("{wanted} {title}, found {found}")));
    }
    let values = loaded.layout.initial(&Stream::new(0, "loaded"));
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(unsuited(path, format!("wanted finite numbers, found {value}")));
    }
    Ok(split(layout, &values))
}

fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let found = std::fs::metadata(path).map_err(|e| unsuited(path, e))?;
    if !found.is_file() {
        let what = if found.is_dir() { "a folder" } else { "something else" };
        return Err(unsuited(path, format!("wanted a file, found {what}")));
    }
    if found.len() > BYTES {
        let len = found.len();
        return Err(unsuited(path, format!("wanted at most {BYTES} bytes, found {len}")));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| unsuited(path, e))?;
    file.take(BYTES).read_to_end(&mut bytes).map_err(|e| unsuited(path, e))?;
    Ok(bytes)
}

/// Rules for those tensors of the layout that the file has by torchvision's numbers.
fn names(file: &[u8], architecture: Architecture, layout: &Layout) -> Names {
    let Ok(tensors) = safetensors::SafeTensors::deserialize(file) else { return Names::new() };
    let there = tensors.names();
    layout.tensors().iter().fold(Names::new(), |names, tensor| {
        let number = numbered(architecture, &tensor.name);
        if there.contains(&number.as_str()) { names.name(&number, &tensor.name) } else { names }
    })
}

/// `features.0.weight` for `conv1_1.weight`.
fn numbered(architecture: Architecture, name: &str) -> String {
    let (layer, tensor) = name.split_once('.').unwrap_or((name, ""));
    let number = architecture.torchvision().find(|(_, place)| place.name() == layer);
    number.map_or_else(String::new, |(number, _)| format!("features.{number}.{tensor}"))
}

fn safetensors(tensors: &[torch::Tensor]) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views: BTreeMap<&str, TensorView<'_>> = tensors
        .iter()
        .zip(&bytes)
        .map(|(tensor, bytes)| {
            let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?;
            Ok((tensor.name.as_str(), view))
        })
        .collect::<Result<_, safetensors::SafeTensorError>>()?;
    safetensors::serialize(views, None)
}

/// The tensors of a flat vector.
#[expect(clippy::cast_possible_truncation, reason = "weights are in f32")]
pub(super) fn split(layout: &Layout, values: &[f64]) -> Vec<Vec<f32>> {
    let of = |tensor: &learn::Tensor| {
        let values = &values[tensor.offset..tensor.offset + tensor.len()];
        values.iter().map(|&value| value as f32).collect()
    };
    layout.tensors().iter().map(of).collect()
}

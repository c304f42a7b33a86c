//! Named parameters in one flat vector: shapes, initial values, views, files.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use autodiff::{Buffer, DType, Device, Var};
use experiment::Stream;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::Init;
use crate::checkpoint::{KIND, MODEL, is_checkpoint};

/// One named tensor of a [`Layout`].
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Name, unique in the layout.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// How it starts.
    pub init: Init,
    /// Where it begins in the flat vector.
    pub offset: usize,
    /// Whether it is a statistic that a layer keeps by itself, such as a running mean: no optimiser
    /// changes it.
    pub statistic: bool,
    /// What it starts from in place of `init`, when it was loaded.
    pub(crate) given: Option<Given>,
}

impl Tensor {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Values that a tensor starts from.
#[derive(Clone, PartialEq)]
pub(crate) enum Given {
    Single(Arc<[f32]>),
    Double(Arc<[f64]>),
}

impl Given {
    pub(crate) fn extend(&self, values: &mut Vec<f64>) {
        match self {
            Self::Single(given) => values.extend(given.iter().map(|&value| f64::from(value))),
            Self::Double(given) => values.extend_from_slice(given),
        }
    }
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Single(given) => write!(f, "{} values in f32", given.len()),
            Self::Double(given) => write!(f, "{} values in f64", given.len()),
        }
    }
}

/// Named tensors in one flat vector, in the order they were added.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    tensors: Vec<Tensor>,
}

impl Layout {
    /// A layout without tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more tensor.
    ///
    /// # Panics
    /// If the name is taken.
    #[must_use]
    pub fn with(mut self, name: &str, shape: &[usize], init: Init) -> Self {
        self.push(name, shape, init);
        self
    }

    /// Appends a tensor.
    ///
    /// # Panics
    /// If the name is taken.
    pub fn push(&mut self, name: &str, shape: &[usize], init: Init) {
        self.append(name, shape, init, false);
    }

    /// Appends a statistic, which no optimiser changes.
    ///
    /// # Panics
    /// If the name is taken.
    pub fn push_statistic(&mut self, name: &str, shape: &[usize], init: Init) {
        self.append(name, shape, init, true);
    }

    fn append(&mut self, name: &str, shape: &[usize], init: Init, statistic: bool) {
        let taken = self.tensors.iter().any(|tensor| tensor.name == name);
        assert!(!taken, "two tensors of a layout are named {name:?}");
        let (offset, name, shape) = (self.len(), name.into(), shape.into());
        self.tensors.push(Tensor { name, shape, init, offset, statistic, given: None });
    }

    pub(crate) fn tensors_mut(&mut self) -> &mut [Tensor] {
        &mut self.tensors
    }

    /// The tensors.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Length of the flat vector.
    pub fn len(&self) -> usize {
        self.tensors.last().map_or(0, |tensor| tensor.offset + tensor.len())
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Views of a flat vector `[len]`, one a tensor, without copies.
    ///
    /// # Errors
    /// A shape error when `flat` is shorter than the layout.
    pub fn views<'g>(&self, flat: Var<'g>) -> Result<Vec<Var<'g>>, autodiff::Error> {
        self.tensors
            .iter()
            .map(|t| flat.slice(0, t.offset..t.offset + t.len())?.reshape(&t.shape))
            .collect()
    }

    /// Initial values; tensor `i` is drawn from generator `i` of the stream, unless it was loaded.
    pub fn initial(&self, stream: &Stream) -> Vec<f64> {
        let mut values = Vec::with_capacity(self.len());
        for (index, tensor) in (0..).zip(&self.tensors) {
            if let Some(given) = &tensor.given {
                given.extend(&mut values);
                continue;
            }
            tensor.init.draw(&tensor.shape, stream.rng(index), &mut values);
        }
        values
    }

    /// A buffer with the initial values, on the current device.
    ///
    /// # Errors
    /// [`Error::Memory`](autodiff::Error::Memory) where the device has no more.
    pub fn initial_buffer(&self, stream: &Stream, dtype: DType) -> Result<Buffer, autodiff::Error> {
        let values = self.initial(stream);
        match dtype {
            DType::F64 => Buffer::from_slice(Device::current(), &values),
            _ => Buffer::from_slice(Device::current(), &narrow(&values)),
        }
    }

    /// The flat vector as a safetensors file with one f32 tensor a name; its metadata say that it is a
    /// model.
    ///
    /// # Errors
    /// The file could not be laid out, for example because two tensors share a name.
    pub fn to_safetensors(&self, values: &[f32]) -> Result<Vec<u8>, safetensors::SafeTensorError> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let views: BTreeMap<&str, TensorView<'_>> = self
            .tensors
            .iter()
            .map(|t| {
                let data = &bytes[4 * t.offset..4 * (t.offset + t.len())];
                Ok((t.name.as_str(), TensorView::new(Dtype::F32, t.shape.clone(), data)?))
            })
            .collect::<Result<_, safetensors::SafeTensorError>>()?;
        let kind = (KIND.to_owned(), MODEL.to_owned());
        safetensors::serialize(views, Some(HashMap::from([kind])))
    }

    /// Reads the flat vector back from a safetensors file.
    ///
    /// # Errors
    /// A message naming the tensor, the wanted and the found shape and type.
    pub fn from_safetensors(&self, file: &[u8]) -> Result<Vec<f32>, String> {
        let unreadable = |e| format!("safetensors: {e}");
        let (_, metadata) = SafeTensors::read_metadata(file).map_err(unreadable)?;
        if is_checkpoint(&metadata) {
            return Err("wanted a model, found a checkpoint of a run that is under way".into());
        }
        let file = SafeTensors::deserialize(file).map_err(unreadable)?;
        let mut values = Vec::with_capacity(self.len());
        for tensor in &self.tensors {
            let found = file
                .tensor(&tensor.name)
                .map_err(|_| format!("no tensor {:?} in the file", tensor.name))?;
            if found.dtype() != Dtype::F32 || found.shape() != tensor.shape {
                return Err(format!(
                    "tensor {:?}: wanted F32 {:?}, found {:?} {:?}",
                    tensor.name,
                    tensor.shape,
                    found.dtype(),
                    found.shape()
                ));
            }
            let (words, _) = found.data().as_chunks::<4>();
            values.extend(words.iter().map(|word| f32::from_le_bytes(*word)));
        }
        Ok(values)
    }
}

/// Rounds to f32.
#[expect(clippy::cast_possible_truncation, reason = "rounding to the graph's type is the purpose")]
pub(crate) fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout::new()
            .with("embedding", &[3, 2], Init::Normal { std: 0.1 })
            .with("rotation", &[2, 2], Init::Identity)
            .with("beta", &[2], Init::Uniform { bound: 0.5 })
    }

    #[test]
    fn a_tensor_starts_the_same_whatever_comes_before_it_in_size() {
        let stream = Stream::new(1, "init");
        let wide = Layout::new()
            .with("embedding", &[30, 2], Init::Normal { std: 0.1 })
            .with("rotation", &[2, 2], Init::Identity)
            .with("beta", &[2], Init::Uniform { bound: 0.5 });
        let (small, large) = (layout().initial(&stream), wide.initial(&stream));
        assert_eq!(small[6..], large[60..]);
        assert_eq!(small[6..10], [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn safetensors_round_trip_and_name_what_does_not_fit() {
        let layout = layout();
        let values = narrow(&layout.initial(&Stream::new(2, "init")));
        let file = layout.to_safetensors(&values).unwrap();
        assert_eq!(layout.from_safetensors(&file).unwrap(), values);

        let other = Layout::new().with("embedding", &[2, 3], Init::Zeros);
        let error = other.from_safetensors(&file).unwrap_err();
        assert_eq!(error, r#"tensor "embedding": wanted F32 [2, 3], found F32 [3, 2]"#);
        let other = Layout::new().with("gate", &[1], Init::Zeros);
        assert_eq!(other.from_safetensors(&file).unwrap_err(), r#"no tensor "gate" in the file"#);
        assert!(layout.from_safetensors(&file[..20]).unwrap_err().starts_with("safetensors: "));
    }
}

//! Parameters that start from a safetensors file, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use autodiff::DType;
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::Layout;
use crate::layout::{Given, Tensor};

/// What tensors of a file are called in a layout. Other tensors have the same name in both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    whole: Vec<(String, String)>,
    prefixes: Vec<(String, String)>,
    transposed: Vec<String>,
}

impl Names {
    /// The same names in both.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tensor `file` of the file is `layout` in the layout; goes before prefixes.
    #[must_use]
    pub fn name(mut self, file: &str, layout: &str) -> Self {
        self.whole.push((file.into(), layout.into()));
        self
    }

    /// Names that begin with `file` in the file begin with `layout` in the layout; of several prefixes
    /// the longest counts.
    #[must_use]
    pub fn prefix(mut self, file: &str, layout: &str) -> Self {
        self.prefixes.push((file.into(), layout.into()));
        self
    }

    /// The matrix of this name in the layout lies transposed in the file, as other programs store
    /// dense weights.
    #[must_use]
    pub fn transposed(mut self, layout: &str) -> Self {
        self.transposed.push(layout.into());
        self
    }

    fn of(&self, file: &str) -> String {
        if let Some((_, name)) = self.whole.iter().find(|(from, _)| from == file) {
            return name.clone();
        }
        let prefixes = self.prefixes.iter().filter(|(from, _)| file.starts_with(from.as_str()));
        match prefixes.max_by_key(|(from, _)| from.len()) {
            Some((from, to)) => format!("{to}{}", &file[from.len()..]),
            None => file.to_owned(),
        }
    }

    /// A rule that says nothing about this file or layout.
    fn idle(&self, file: &[&str], layout: &Layout) -> Option<String> {
        let whole = self.whole.iter().find(|(from, _)| !file.contains(&from.as_str()));
        let unused = |from: &&(String, String)| !file.iter().any(|name| name.starts_with(&from.0));
        let known = |name: &&String| !layout.tensors().iter().any(|tensor| tensor.name == **name);
        let of_file = whole.or_else(|| self.prefixes.iter().find(unused)).map(|rule| &rule.0);
        of_file.or_else(|| self.transposed.iter().find(known)).cloned()
    }
}

/// Why a file does not suit a layout.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are no safetensors file.
    #[error("safetensors: {0}")]
    File(String),
    /// A rule of the names concerns nothing.
    #[error("names: wanted a tensor for {rule:?}, found none")]
    Idle {
        /// The rule.
        rule: String,
    },
    /// Two tensors of the file have one name in the layout.
    #[error("tensor {tensor:?}: wanted one in the file, found {first:?} and {second:?}")]
    Twice {
        /// Name in the layout.
        tensor: String,
        /// One in the file.
        first: String,
        /// Another in the file.
        second: String,
    },
    /// A tensor of the file has another shape.
    #[error("tensor {tensor:?}: wanted the shape {wanted:?}, found {found:?} in {file:?}")]
    Shape {
        /// Name in the layout.
        tensor: String,
        /// Name in the file.
        file: String,
        /// Shape in the file that the layout needs.
        wanted: Vec<usize>,
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// A tensor of the file has a type that no parameter can have.
    #[error("tensor {tensor:?}: wanted F16, BF16, F32 or F64, found {found} in {file:?}")]
    Type {
        /// Name in the layout.
        tensor: String,
        /// Name in the file.
        file: String,
        /// Type in the file.
        found: String,
    },
    /// A value of the file is too large for the graph's type.
    #[error("tensor {tensor:?}: wanted values of F32, found {value:e} in {file:?}")]
    Value {
        /// Name in the layout.
        tensor: String,
        /// Name in the file.
        file: String,
        /// The value.
        value: f64,
    },
}

/// A layout that starts from a file, and what the file and the layout lack of each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The layout: tensors of the file start from there, the others as before.
    pub layout: Layout,
    /// Tensors of the layout that the file lacks, in the layout's order.
    pub missing: Vec<String>,
    /// Tensors of the file that the layout lacks, in alphabetical order.
    pub extra: Vec<String>,
}

impl Layout {
    /// The same layout with initial values from a safetensors file, for a graph whose floats are of
    /// type `dtype`: F16, BF16, F32 and F64 are converted.
    ///
    /// # Errors
    /// A [`LoadError`] for a damaged file, a rule of the names that concerns nothing, and a tensor of
    /// another shape, of a type that is no float, or with a finite value that is infinite in `dtype`.
    pub fn load(&self, file: &[u8], names: &Names, dtype: DType) -> Result<Loaded, LoadError> {
        let tensors = SafeTensors::deserialize(file).map_err(|e| LoadError::File(e.to_string()))?;
        let mut in_file = tensors.names();
        in_file.sort_unstable();
        if let Some(rule) = names.idle(&in_file, self) {
            return Err(LoadError::Idle { rule });
        }
        let mut found: BTreeMap<String, &str> = BTreeMap::new();
        for name in in_file {
            if let Some(first) = found.insert(names.of(name), name) {
                let (tensor, first) = (names.of(name), first.to_owned());
                return Err(LoadError::Twice { tensor, first, second: name.to_owned() });
            }
        }
        let mut layout = self.clone();
        let mut missing = Vec::new();
        for tensor in layout.tensors_mut() {
            let Some(file) = found.remove(&tensor.name) else {
                missing.push(tensor.name.clone());
                continue;
            };
            let view = tensors.tensor(file).map_err(|e| LoadError::File(e.to_string()))?;
            let transposed = names.transposed.contains(&tensor.name);
            tensor.given = Some(read(tensor, file, &view, transposed, dtype)?);
        }
        let mut extra: Vec<String> = found.into_values().map(str::to_owned).collect();
        extra.sort_unstable();
        Ok(Loaded { layout, missing, extra })
    }
}

/// The values of one tensor.
fn read(
    tensor: &Tensor,
    file: &str,
    view: &TensorView<'_>,
    transposed: bool,
    dtype: DType,
) -> Result<Given, LoadError> {
    let mut wanted = tensor.shape.clone();
    if transposed {
        wanted.reverse();
    }
    let (name, file) = (tensor.name.clone(), file.to_owned());
    if view.shape() != wanted || (transposed && wanted.len() != 2) {
        let found = view.shape().to_vec();
        return Err(LoadError::Shape { tensor: name, file, wanted, found });
    }
    let data = view.data();
    let halves = |value: fn(u16) -> f32| -> Vec<f32> {
        let (words, _) = data.as_chunks::<2>();
        words.iter().map(|word| value(u16::from_le_bytes(*word))).collect()
    };
    let given = match view.dtype() {
        Dtype::F16 => Given::Single(halves(|bits| f16::from_bits(bits).to_f32()).into()),
        Dtype::BF16 => Given::Single(halves(|bits| bf16::from_bits(bits).to_f32()).into()),
        Dtype::F32 => {
            let (words, _) = data.as_chunks::<4>();
            Given::Single(words.iter().map(|word| f32::from_le_bytes(*word)).collect())
        }
        Dtype::F64 => {
            let (words, _) = data.as_chunks::<8>();
            let values: Vec<f64> = words.iter().map(|word| f64::from_le_bytes(*word)).collect();
            if dtype == DType::F64 {
                Given::Double(values.into())
            } else {
                let single = crate::layout::narrow(&values);
                let lost = single.iter().zip(&values).find(|(s, v)| s.is_finite() != v.is_finite());
                if let Some((_, &value)) = lost {
                    return Err(LoadError::Value { tensor: name, file, value });
                }
                Given::Single(single.into())
            }
        }
        other => {
            let found = format!("{other:?}");
            return Err(LoadError::Type { tensor: name, file, found });
        }
    };
    Ok(match given {
        given if !transposed => given,
        Given::Single(values) => Given::Single(turned(&values, &wanted)),
        Given::Double(values) => Given::Double(turned(&values, &wanted)),
    })
}

/// The transpose of a matrix of this shape.
fn turned<T: Copy>(values: &[T], shape: &[usize]) -> Arc<[T]> {
    let (rows, columns) = (shape[0], shape[1]);
    (0..columns * rows).map(|i| values[i % rows * columns + i / rows]).collect()
}

#[cfg(test)]
mod tests;

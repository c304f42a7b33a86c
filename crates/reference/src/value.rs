//! Numbers as they lie on this device.

use autodiff::backend::Storage;
use autodiff::{DType, Error};

/// Floats, rounded to their type, or indices.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Numbers {
    Floats(Vec<f64>),
    Indices(Vec<u32>),
}

impl Numbers {
    pub(crate) fn zeros(dtype: DType, len: usize) -> Numbers {
        match dtype {
            DType::U32 => Numbers::Indices(vec![0; len]),
            _ => Numbers::Floats(vec![0.0; len]),
        }
    }

    /// What bytes of the host are.
    pub(crate) fn of(dtype: DType, bytes: &[u8]) -> Numbers {
        match dtype {
            DType::F32 => {
                let (parts, _) = bytes.as_chunks();
                Numbers::Floats(parts.iter().map(|&part| f32::from_ne_bytes(part).into()).collect())
            }
            DType::F64 => {
                let (parts, _) = bytes.as_chunks();
                Numbers::Floats(parts.iter().map(|&part| f64::from_ne_bytes(part)).collect())
            }
            DType::U32 => {
                let (parts, _) = bytes.as_chunks();
                Numbers::Indices(parts.iter().map(|&part| u32::from_ne_bytes(part)).collect())
            }
        }
    }

    /// The bytes of the host for all of them.
    pub(crate) fn bytes(&self, dtype: DType) -> Vec<u8> {
        match self {
            Numbers::Floats(values) if dtype == DType::F32 => {
                values.iter().flat_map(|&x| (x as f32).to_ne_bytes()).collect()
            }
            Numbers::Floats(values) => values.iter().flat_map(|x| x.to_ne_bytes()).collect(),
            Numbers::Indices(values) => values.iter().flat_map(|x| x.to_ne_bytes()).collect(),
        }
    }

    pub(crate) fn floats(&self) -> &[f64] {
        match self {
            Numbers::Floats(values) => values,
            Numbers::Indices(_) => panic!("indices where floats belong"),
        }
    }

    pub(crate) fn indices(&self) -> &[u32] {
        match self {
            Numbers::Indices(values) => values,
            Numbers::Floats(_) => panic!("floats where indices belong"),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Numbers::Floats(values) => values.len(),
            Numbers::Indices(values) => values.len(),
        }
    }

    /// The numbers at some places.
    pub(crate) fn at(&self, places: impl Iterator<Item = usize>) -> Numbers {
        match self {
            Numbers::Floats(values) => Numbers::Floats(places.map(|at| values[at]).collect()),
            Numbers::Indices(values) => Numbers::Indices(places.map(|at| values[at]).collect()),
        }
    }

    /// Writes numbers from a place on, rounded to a type.
    pub(crate) fn write(&mut self, start: usize, from: &Numbers, dtype: DType) {
        let range = start..start + from.len();
        match (self, from) {
            (Numbers::Floats(to), Numbers::Floats(from)) => {
                let round = |x: f64| if dtype == DType::F32 { f64::from(x as f32) } else { x };
                to[range].iter_mut().zip(from).for_each(|(to, &x)| *to = round(x));
            }
            (Numbers::Indices(to), Numbers::Indices(from)) => to[range].copy_from_slice(from),
            _ => panic!("floats and indices in one place"),
        }
    }
}

/// A contiguous operand.
#[derive(Debug)]
pub(crate) struct Value {
    pub shape: Vec<usize>,
    pub numbers: Numbers,
}

impl Value {
    pub(crate) fn floats(&self) -> &[f64] {
        self.numbers.floats()
    }

    pub(crate) fn indices(&self) -> &[u32] {
        self.numbers.indices()
    }

    /// The extent of the last axis, 1 for a scalar.
    pub(crate) fn last(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }
}

/// The storage of a buffer. The host cannot reach into it.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    pub dtype: DType,
    pub numbers: Numbers,
}

impl Cells {
    pub(crate) fn zeros(dtype: DType, len: usize) -> Cells {
        Cells { dtype, numbers: Numbers::zeros(dtype, len) }
    }
}

impl Storage for Cells {
    fn read(&self, start: usize, to: &mut [u8]) -> Result<(), Error> {
        let size = self.dtype.size();
        let part = self.numbers.at(start / size..(start + to.len()) / size);
        to.copy_from_slice(&part.bytes(self.dtype));
        Ok(())
    }

    fn write(&mut self, start: usize, from: &[u8]) -> Result<(), Error> {
        self.numbers.write(start / self.dtype.size(), &Numbers::of(self.dtype, from), self.dtype);
        Ok(())
    }

    fn duplicate(&self) -> Result<Box<dyn Storage>, Error> {
        Ok(Box::new(self.clone()))
    }
}

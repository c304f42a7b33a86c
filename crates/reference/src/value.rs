//! Numbers as they lie on this device.

use autodiff::DType;
use autodiff::backend::{Elements, ElementsMut, Storage};

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

impl From<Elements<'_>> for Numbers {
    fn from(elements: Elements<'_>) -> Numbers {
        match elements {
            Elements::F32(values) => Numbers::Floats(values.iter().map(|&x| x.into()).collect()),
            Elements::F64(values) => Numbers::Floats(values.to_vec()),
            Elements::U32(values) => Numbers::Indices(values.to_vec()),
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
    fn read(&self, offset: usize, to: ElementsMut<'_>) {
        match to {
            ElementsMut::F32(to) => {
                let from = &self.numbers.floats()[offset..];
                to.iter_mut().zip(from).for_each(|(to, &x)| *to = x as f32);
            }
            ElementsMut::F64(to) => {
                to.copy_from_slice(&self.numbers.floats()[offset..offset + to.len()]);
            }
            ElementsMut::U32(to) => {
                to.copy_from_slice(&self.numbers.indices()[offset..offset + to.len()]);
            }
        }
    }

    fn write(&mut self, offset: usize, from: Elements<'_>) {
        self.numbers.write(offset, &from.into(), self.dtype);
    }

    fn duplicate(&self) -> Result<Box<dyn Storage>, autodiff::Error> {
        Ok(Box::new(self.clone()))
    }
}

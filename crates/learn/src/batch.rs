//! The arrays of one batch, reused from step to step.

use std::ops::{Index, IndexMut};

use autodiff::{Buffer, DType, Device, Element, Error};
use experiment::Stream;

use crate::Objective;
use crate::fields::{Declared, Field, Fields, foreign};
use crate::reversible::widen;

/// The arrays of one batch, reused from step to step: `batch[field]` is row-major and of the shape
/// that the field was declared with.
#[derive(Debug)]
pub struct Batch {
    fields: Fields,
    /// Of every field one array a shape.
    arrays: Vec<Vec<Array>>,
    bucket: usize,
    /// Whether fixed fields may still be filled.
    open: bool,
}

#[derive(Debug)]
struct Array {
    /// In the host's memory, floats in f32.
    host: Buffer,
    /// What a program reads where that is not `host` itself: in another type, or on another device.
    copy: Option<Buffer>,
    /// Whether `copy` is older than `host`.
    written: bool,
}

impl Array {
    fn new(declared: &Declared, shape: &[usize], float: DType) -> Result<Self, Error> {
        let len = shape.iter().product();
        let (host, device) = (declared.dtype(DType::F32), Device::current());
        let read = declared.dtype(float);
        let copied = read != host || device != Device::cpu();
        Ok(Self {
            host: Buffer::zeros(Device::cpu(), host, len)?,
            copy: if copied { Some(Buffer::zeros(device, read, len)?) } else { None },
            written: false,
        })
    }

    /// The array as a program reads it.
    fn settled(&mut self) -> Result<&mut Buffer, Error> {
        let Some(copy) = &mut self.copy else { return Ok(&mut self.host) };
        if std::mem::take(&mut self.written) {
            match (self.host.dtype(), copy.dtype()) {
                (DType::F32, DType::F64) => {
                    let from = elements(&self.host);
                    copy.update(|to| widen(from, to))?;
                }
                (DType::F32, _) => copy.write(0, elements::<f32>(&self.host))?,
                _ => copy.write(0, elements::<u32>(&self.host))?,
            }
        }
        Ok(copy)
    }
}

/// The elements of an array in the host's memory.
fn elements<T: Element>(host: &Buffer) -> &[T] {
    host.host().expect("a field has the type it was declared with, in the host's memory")
}

impl Batch {
    /// Arrays for programs of the current device whose floats are of type `float`, all zero.
    ///
    /// # Errors
    /// [`Error::Memory`] where there is too little.
    pub fn new(fields: &Fields, float: DType) -> Result<Self, Error> {
        let arrays = |declared: &Declared| {
            declared.shapes.iter().map(|shape| Array::new(declared, shape, float)).collect()
        };
        let arrays = fields.declared().iter().map(arrays).collect::<Result<_, _>>()?;
        Ok(Self { fields: fields.clone(), arrays, bucket: 0, open: true })
    }

    /// As [`new`](Self::new) for the batches of an objective, with its fixed fields filled.
    ///
    /// # Errors
    /// [`Error::Memory`] where there is too little.
    pub fn of(objective: &dyn Objective, float: DType) -> Result<Self, Error> {
        let mut batch = Self::new(objective.fields(), float)?;
        objective.prepare(&mut batch);
        batch.open = false;
        Ok(batch)
    }

    /// Makes this batch `index` of an objective.
    ///
    /// # Errors
    /// [`Error::Custom`] for an objective that asks for a bucket it did not declare.
    pub fn fill(
        &mut self,
        objective: &dyn Objective,
        stream: &Stream,
        index: u64,
    ) -> Result<(), Error> {
        let (buckets, found) = (self.fields.buckets(), objective.bucket(stream, index));
        if found >= buckets {
            let message = format!("bucket of batch {index}: wanted below {buckets}, found {found}");
            return Err(Error::Custom { op: "batch", message });
        }
        self.bucket = found;
        objective.fill(stream, index, self);
        Ok(())
    }

    /// What there is for its shape among what there is for each.
    pub(crate) fn of_shape<'a, T>(&self, each: &'a mut [T]) -> Result<&'a mut T, Error> {
        let (shapes, shape) = (each.len(), self.bucket);
        each.get_mut(shape).ok_or_else(|| {
            let message = format!("wanted one of {shapes} shapes, found shape number {shape}");
            Error::Custom { op: "batch", message }
        })
    }

    /// Which shape it has.
    #[must_use]
    pub fn bucket(&self) -> usize {
        self.bucket
    }

    /// Copies a batch to part `part` of this one, whose arrays are those of several
    /// ([`Fields::repeated`]); of fixed fields only while they may be filled.
    ///
    /// # Panics
    /// If the arrays are others.
    pub fn write_part(&mut self, part: usize, from: &Batch) {
        let first = part * from.arrays.len();
        for (at, source) in from.arrays.iter().enumerate() {
            let source = &source[from.bucket.min(source.len() - 1)].host;
            if self.fields.declared()[first + at].fixed && !self.open {
                continue;
            }
            let to = self.array_mut(first + at);
            match source.dtype() {
                DType::F32 => copy::<f32>(source, &mut to.host),
                _ => copy::<u32>(source, &mut to.host),
            }
        }
    }

    /// The arrays as programs read them, in the order of their declaration.
    pub(crate) fn buffers(&mut self) -> Result<Vec<&mut Buffer>, Error> {
        let bucket = self.bucket;
        self.arrays
            .iter_mut()
            .map(|arrays| {
                let last = arrays.len() - 1;
                arrays[bucket.min(last)].settled()
            })
            .collect()
    }

    fn array(&self, place: usize) -> &Array {
        let arrays = &self.arrays[place];
        &arrays[self.bucket.min(arrays.len() - 1)]
    }

    fn array_mut(&mut self, place: usize) -> &mut Array {
        let declared = &self.fields.declared()[place];
        assert!(
            self.open || !declared.fixed,
            "field {:?} is fixed: wanted it filled by `prepare`, found a batch that fills it",
            declared.name
        );
        let arrays = &mut self.arrays[place];
        let at = self.bucket.min(arrays.len() - 1);
        arrays[at].written = true;
        &mut arrays[at]
    }

    fn check<T>(&self, field: Field<T>) {
        match self.fields.declared().get(field.place) {
            Some(declared) if declared.name == field.name => {}
            _ => foreign(field.name),
        }
    }
}

fn copy<T: Element>(from: &Buffer, to: &mut Buffer) {
    to.host_mut().expect("a part has the types of a batch").copy_from_slice(elements::<T>(from));
}

/// # Panics
/// If the field was declared elsewhere.
impl<T: Element> Index<Field<T>> for Batch {
    type Output = [T];

    fn index(&self, field: Field<T>) -> &[T] {
        self.check(field);
        elements(&self.array(field.place).host)
    }
}

/// # Panics
/// If the field was declared elsewhere, or is fixed and this no longer the time to fill it.
impl<T: Element> IndexMut<Field<T>> for Batch {
    fn index_mut(&mut self, field: Field<T>) -> &mut [T] {
        self.check(field);
        self.array_mut(field.place).host.host_mut().expect("a field's type, on the host")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_get_to_a_graph_in_f64_and_arrays_stay_as_they_were_left() {
        let mut fields = Fields::with_buckets(2);
        let x = fields.float_by("x", |bucket| vec![2, 2 + bucket]);
        let class = fields.index("class", &[2]);
        let fixed = fields.fixed_float("features", &[1]);
        let mut batch = Batch::new(&fields, DType::F64).unwrap();
        batch[fixed][0] = 0.5;
        batch.open = false;
        for lift in [0.1, 0.2] {
            batch[x].copy_from_slice(&[1.5, lift, lift, -2.5]);
            batch[class].copy_from_slice(&[7, 8]);
            let found = batch.buffers().unwrap();
            let wide = f64::from(lift);
            assert_eq!(found[0].to_vec::<f64>().unwrap(), [1.5, wide, wide, -2.5]);
            assert_eq!(found[1].to_vec::<u32>().unwrap(), [7, 8]);
            assert_eq!(found[2].to_vec::<f64>().unwrap(), [0.5]);
        }
        batch.bucket = 1;
        assert_eq!((batch[x].len(), batch[class].len()), (6, 2));
        batch[x].fill(3.0);
        assert_eq!(batch.buffers().unwrap()[0].to_vec::<f64>().unwrap(), [3.0; 6]);
        batch.bucket = 0;
        assert_eq!(batch[x], [1.5, 0.2, 0.2, -2.5]);
    }

    #[test]
    fn a_batch_of_batches_takes_them_part_by_part() {
        let mut fields = Fields::new();
        let (x, class) = (fields.float("x", &[2]), fields.index("class", &[1]));
        let mut one = Batch::new(&fields, DType::F32).unwrap();
        let mut both = Batch::new(&fields.repeated(2), DType::F32).unwrap();
        for part in 0..2u8 {
            one[x].fill(f32::from(part));
            one[class][0] = part.into();
            both.write_part(part.into(), &one);
        }
        let found = both.buffers().unwrap();
        assert_eq!(found[0].to_vec::<f32>().unwrap(), [0.0, 0.0]);
        assert_eq!(found[2].to_vec::<f32>().unwrap(), [1.0, 1.0]);
        assert_eq!(found[3].to_vec::<u32>().unwrap(), [1]);
    }

    #[test]
    #[should_panic(expected = "field \"features\" is fixed")]
    fn a_fixed_field_is_filled_once() {
        let mut fields = Fields::new();
        let features = fields.fixed_float("features", &[1]);
        let mut batch = Batch::new(&fields, DType::F32).unwrap();
        batch.open = false;
        batch[features][0] = 1.0;
    }

    #[test]
    #[should_panic(expected = "field \"y\" was declared for another batch")]
    fn a_field_of_another_batch_is_refused() {
        let mut fields = Fields::new();
        fields.float("x", &[1]);
        let batch = Batch::new(&fields, DType::F32).unwrap();
        let y = Fields::new().float("y", &[1]);
        assert!(batch[y].is_empty());
    }

    #[test]
    fn memory_that_is_not_there_is_an_error() {
        let mut fields = Fields::new();
        fields.float("x", &[usize::MAX / 8]);
        assert!(matches!(Batch::new(&fields, DType::F32), Err(Error::Memory { .. })));
    }

    /// Asks for a shape that it did not declare.
    struct Wild(crate::Layout);

    impl Objective for Wild {
        fn layout(&self) -> &crate::Layout {
            &self.0
        }

        fn loss<'g>(
            &self,
            params: &[autodiff::Var<'g>],
            _: &crate::BatchVars<'g>,
        ) -> Result<autodiff::Var<'g>, Error> {
            Ok(params[0])
        }

        fn bucket(&self, _: &Stream, _: u64) -> usize {
            2
        }

        fn fill(&self, _: &Stream, _: u64, _: &mut Batch) {}
    }

    #[test]
    fn a_shape_that_was_not_declared_is_an_error() {
        let wild = Wild(crate::Layout::new());
        let mut batch = Batch::of(&wild, DType::F32).unwrap();
        let error = batch.fill(&wild, &Stream::new(0, "batches"), 5).unwrap_err().to_string();
        assert_eq!(error, "batch: bucket of batch 5: wanted below 1, found 2");
    }
}

//! Opaque storage on a device.

use crate::pages::{copied, filled};
use crate::{DType, Element, Error};

/// Where a buffer lives and a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Device(());

impl Device {
    /// The host's processor.
    #[must_use]
    pub fn cpu() -> Device {
        Device(())
    }
}

#[derive(Debug, Clone)]
pub enum Storage {
    F32(Vec<f32>),
    F64(Vec<f64>),
    U32(Vec<u32>),
}

/// A flat run of elements of one type on one device.
#[derive(Debug, Clone)]
pub struct Buffer {
    device: Device,
    storage: Storage,
}

impl Buffer {
    /// `len` zeros.
    #[must_use]
    pub fn zeros(device: Device, dtype: DType, len: usize) -> Buffer {
        let storage = match dtype {
            DType::F32 => Storage::F32(filled(0.0, len)),
            DType::F64 => Storage::F64(filled(0.0, len)),
            DType::U32 => Storage::U32(filled(0, len)),
        };
        Buffer { device, storage }
    }

    /// A copy of `values`.
    #[must_use]
    pub fn from_slice<T: Element>(device: Device, values: &[T]) -> Buffer {
        Buffer { device, storage: T::wrap(copied(values)) }
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.storage {
            Storage::F32(values) => values.len(),
            Storage::F64(values) => values.len(),
            Storage::U32(values) => values.len(),
        }
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        match &self.storage {
            Storage::F32(_) => DType::F32,
            Storage::F64(_) => DType::F64,
            Storage::U32(_) => DType::U32,
        }
    }

    /// The device it lives on.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// Copies `values` to the elements from `offset` on.
    ///
    /// # Errors
    /// [`Error::Type`] if the element type differs, [`Error::Range`] if the range leaves the buffer.
    pub fn write<T: Element>(&mut self, offset: usize, values: &[T]) -> Result<(), Error> {
        let (found, len) = (self.dtype(), self.len());
        let all = T::view_mut(&mut self.storage).ok_or(Error::Type {
            op: "write",
            wanted: T::DTYPE,
            found,
        })?;
        all.get_mut(offset..offset + values.len())
            .ok_or(Error::Range { start: offset, end: offset + values.len(), len })?
            .copy_from_slice(values);
        Ok(())
    }

    /// Copies the elements from `offset` on to `values`.
    ///
    /// # Errors
    /// [`Error::Type`] if the element type differs, [`Error::Range`] if the range leaves the buffer.
    pub fn read<T: Element>(&self, offset: usize, values: &mut [T]) -> Result<(), Error> {
        let all = self.elements("read")?;
        let end = offset + values.len();
        values.copy_from_slice(all.get(offset..end).ok_or(Error::Range {
            start: offset,
            end,
            len: all.len(),
        })?);
        Ok(())
    }

    /// A copy of every element.
    ///
    /// # Errors
    /// [`Error::Type`] if the element type differs.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>, Error> {
        Ok(self.elements("to_vec")?.to_vec())
    }

    /// The elements, where they lie in the host's memory.
    ///
    /// # Errors
    /// [`Error::Type`] if the element type differs.
    pub fn as_slice<T: Element>(&self) -> Result<&[T], Error> {
        self.elements("as_slice")
    }

    /// [`as_slice`](Self::as_slice), to be changed in place.
    ///
    /// # Errors
    /// [`Error::Type`] if the element type differs.
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T], Error> {
        let found = self.dtype();
        T::view_mut(&mut self.storage).ok_or(Error::Type {
            op: "as_mut_slice",
            wanted: T::DTYPE,
            found,
        })
    }

    fn elements<T: Element>(&self, op: &'static str) -> Result<&[T], Error> {
        T::view(&self.storage).ok_or(Error::Type { op, wanted: T::DTYPE, found: self.dtype() })
    }

    pub(crate) fn pointer(&mut self) -> *mut u8 {
        match &mut self.storage {
            Storage::F32(values) => values.as_mut_ptr().cast(),
            Storage::F64(values) => values.as_mut_ptr().cast(),
            Storage::U32(values) => values.as_mut_ptr().cast(),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.len() * self.dtype().size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads_a_range() {
        let mut buffer = Buffer::zeros(Device::cpu(), DType::F32, 4);
        buffer.write(1, &[2.0f32, 3.0]).unwrap();
        let mut two = [0.0f32; 2];
        buffer.read(2, &mut two).unwrap();
        assert_eq!(two, [3.0, 0.0]);
        buffer.as_mut_slice::<f32>().unwrap()[3] = 4.0;
        assert_eq!(buffer.as_slice::<f32>().unwrap(), [0.0, 2.0, 3.0, 4.0]);
        buffer.write(3, &[0.0f32]).unwrap();
        assert_eq!(buffer.to_vec::<f32>().unwrap(), [0.0, 2.0, 3.0, 0.0]);
    }

    #[test]
    fn refuses_the_wrong_type_and_range() {
        let mut buffer = Buffer::from_slice(Device::cpu(), &[1u32, 2]);
        assert_eq!(buffer.write(1, &[1u32, 2]), Err(Error::Range { start: 1, end: 3, len: 2 }));
        assert_eq!(
            buffer.to_vec::<f64>(),
            Err(Error::Type { op: "to_vec", wanted: DType::F64, found: DType::U32 })
        );
    }
}

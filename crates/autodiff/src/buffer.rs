//! Opaque storage on a device.

use kernels::memory::Block;

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

/// A flat run of elements of one type on one device.
#[derive(Debug, Clone)]
pub struct Buffer {
    device: Device,
    dtype: DType,
    len: usize,
    block: Block,
}

impl Buffer {
    /// `len` zeros.
    #[must_use]
    pub fn zeros(device: Device, dtype: DType, len: usize) -> Buffer {
        match Block::zeros(len * dtype.size()) {
            Ok(block) => Buffer { device, dtype, len, block },
            Err(error) => panic!("{len} elements of {dtype:?}: {error}"),
        }
    }

    /// A copy of `values`.
    #[must_use]
    pub fn from_slice<T: Element>(device: Device, values: &[T]) -> Buffer {
        let mut buffer = Buffer::zeros(device, T::DTYPE, values.len());
        buffer.block.as_mut_slice(values.len()).copy_from_slice(values);
        buffer
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
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
        let (end, len) = (offset + values.len(), self.len);
        self.elements_mut("write")?
            .get_mut(offset..end)
            .ok_or(Error::Range { start: offset, end, len })?
            .copy_from_slice(values);
        Ok(())
    }

    /// Copies the elements from `offset` on to `values`.
    ///
    /// # Errors
    /// [`Error::Type`] if the element type differs, [`Error::Range`] if the range leaves the buffer.
    pub fn read<T: Element>(&self, offset: usize, values: &mut [T]) -> Result<(), Error> {
        let (end, len) = (offset + values.len(), self.len);
        let all = self.elements("read")?;
        let range = all.get(offset..end).ok_or(Error::Range { start: offset, end, len })?;
        values.copy_from_slice(range);
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
        self.elements_mut("as_mut_slice")
    }

    fn elements<T: Element>(&self, op: &'static str) -> Result<&[T], Error> {
        self.holds::<T>(op)?;
        Ok(self.block.as_slice(self.len))
    }

    fn elements_mut<T: Element>(&mut self, op: &'static str) -> Result<&mut [T], Error> {
        self.holds::<T>(op)?;
        Ok(self.block.as_mut_slice(self.len))
    }

    fn holds<T: Element>(&self, op: &'static str) -> Result<(), Error> {
        match self.dtype == T::DTYPE {
            true => Ok(()),
            false => Err(Error::Type { op, wanted: T::DTYPE, found: self.dtype }),
        }
    }

    pub(crate) fn pointer(&mut self) -> *mut u8 {
        self.block.start()
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

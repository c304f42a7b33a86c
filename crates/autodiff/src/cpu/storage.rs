//! Memory of the host, as storage of the `cpu` device.

use kernels::memory::Block;
use kernels::{Elements, ElementsMut};

use crate::device::Storage;
use crate::{DType, Element, Error};

/// Elements from a cache line on.
#[derive(Debug)]
pub(super) struct HostStorage {
    dtype: DType,
    len: usize,
    pub block: Block,
}

impl HostStorage {
    pub(super) fn zeros(dtype: DType, len: usize) -> Result<HostStorage, Error> {
        Ok(HostStorage { dtype, len, block: block(len.saturating_mul(dtype.size()))? })
    }

    fn part<T: Element>(&self, offset: usize, len: usize) -> &[T] {
        &self.block.as_slice(self.len)[offset..offset + len]
    }

    fn part_mut<T: Element>(&mut self, offset: usize, len: usize) -> &mut [T] {
        &mut self.block.as_mut_slice(self.len)[offset..offset + len]
    }
}

/// Zeros, or an error that says how many bytes there were none of.
pub(super) fn block(bytes: usize) -> Result<Block, Error> {
    Block::zeros(bytes).map_err(|_| Error::Memory { device: "cpu", bytes })
}

impl Storage for HostStorage {
    fn read(&self, offset: usize, to: ElementsMut<'_>) {
        match to {
            ElementsMut::F32(to) => to.copy_from_slice(self.part(offset, to.len())),
            ElementsMut::F64(to) => to.copy_from_slice(self.part(offset, to.len())),
            ElementsMut::U32(to) => to.copy_from_slice(self.part(offset, to.len())),
        }
    }

    fn write(&mut self, offset: usize, from: Elements<'_>) {
        match from {
            Elements::F32(from) => self.part_mut(offset, from.len()).copy_from_slice(from),
            Elements::F64(from) => self.part_mut(offset, from.len()).copy_from_slice(from),
            Elements::U32(from) => self.part_mut(offset, from.len()).copy_from_slice(from),
        }
    }

    fn duplicate(&self) -> Result<Box<dyn Storage>, Error> {
        let mut copy = HostStorage::zeros(self.dtype, self.len)?;
        if let Some(elements) = self.host() {
            copy.write(0, elements);
        }
        Ok(Box::new(copy))
    }

    fn host(&self) -> Option<Elements<'_>> {
        Some(match self.dtype {
            DType::F32 => Elements::F32(self.block.as_slice(self.len)),
            DType::F64 => Elements::F64(self.block.as_slice(self.len)),
            DType::U32 => Elements::U32(self.block.as_slice(self.len)),
        })
    }

    fn host_mut(&mut self) -> Option<ElementsMut<'_>> {
        Some(match self.dtype {
            DType::F32 => ElementsMut::F32(self.block.as_mut_slice(self.len)),
            DType::F64 => ElementsMut::F64(self.block.as_mut_slice(self.len)),
            DType::U32 => ElementsMut::U32(self.block.as_mut_slice(self.len)),
        })
    }
}

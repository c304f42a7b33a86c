//! Memory of the host, as storage of the `cpu` device.

use kernels::memory::Block;

use crate::Error;
use crate::device::Storage;

/// Bytes from a cache line on.
#[derive(Debug)]
pub(super) struct HostStorage {
    bytes: usize,
    pub block: Block,
}

impl HostStorage {
    pub(super) fn zeros(bytes: usize) -> Result<HostStorage, Error> {
        Ok(HostStorage { bytes, block: block(bytes)? })
    }
}

/// Zeros, or an error that says how many bytes there were none of.
pub(super) fn block(bytes: usize) -> Result<Block, Error> {
    Block::zeros(bytes).map_err(|_| Error::Memory { device: "cpu", bytes })
}

impl Storage for HostStorage {
    fn read(&self, start: usize, to: &mut [u8]) -> Result<(), Error> {
        to.copy_from_slice(&self.block.as_slice(self.bytes)[start..start + to.len()]);
        Ok(())
    }

    fn write(&mut self, start: usize, from: &[u8]) -> Result<(), Error> {
        self.block.as_mut_slice(self.bytes)[start..start + from.len()].copy_from_slice(from);
        Ok(())
    }

    fn duplicate(&self) -> Result<Box<dyn Storage>, Error> {
        let mut copy = HostStorage::zeros(self.bytes)?;
        copy.write(0, self.block.as_slice(self.bytes))?;
        Ok(Box::new(copy))
    }

    fn host(&self) -> Option<&[u8]> {
        Some(self.block.as_slice(self.bytes))
    }

    fn host_mut(&mut self) -> Option<&mut [u8]> {
        Some(self.block.as_mut_slice(self.bytes))
    }
}

//! Memory of the device, as storage of buffers.

use std::sync::Arc;

use autodiff::Error;
use autodiff::backend::Storage;

use crate::context::{Block, Context};

/// Elements in memory of a device, which the host cannot reach into.
#[derive(Debug)]
pub(crate) struct DeviceStorage {
    pub block: Block,
}

impl DeviceStorage {
    fn unwritten(context: &Arc<Context>, bytes: usize) -> Result<DeviceStorage, Error> {
        Ok(DeviceStorage { block: context.allocate(bytes)? })
    }

    pub(crate) fn zeros(context: &Arc<Context>, bytes: usize) -> Result<DeviceStorage, Error> {
        let storage = DeviceStorage::unwritten(context, bytes)?;
        if bytes > 0 {
            let queue = context.queue();
            queue.checked(queue.driver().zero(storage.block.at(), bytes))?;
        }
        Ok(storage)
    }
}

impl Storage for DeviceStorage {
    fn read(&self, start: usize, to: &mut [u8]) -> Result<(), Error> {
        if to.is_empty() {
            return Ok(());
        }
        let queue = self.block.context().queue();
        queue.checked(queue.driver().read(self.block.at().plus(start), to))
    }

    fn write(&mut self, start: usize, from: &[u8]) -> Result<(), Error> {
        if from.is_empty() {
            return Ok(());
        }
        let queue = self.block.context().queue();
        queue.checked(queue.driver().write(self.block.at().plus(start), from))
    }

    fn duplicate(&self) -> Result<Box<dyn Storage>, Error> {
        let context = self.block.context();
        let copy = DeviceStorage::unwritten(context, self.block.bytes())?;
        if self.block.bytes() > 0 {
            let queue = context.queue();
            let (from, to) = (self.block.at(), copy.block.at());
            queue.checked(queue.driver().copy(from, to, self.block.bytes()))?;
        }
        Ok(Box::new(copy))
    }
}

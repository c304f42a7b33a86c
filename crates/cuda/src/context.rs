//! One device as its buffers and programs share it: driver, memory, kernels.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use autodiff::Error;
use sha2::{Digest, Sha256};

use crate::driver::{Address, Driver, Fault, Module};
use crate::pool::{Pool, class};

#[derive(Debug)]
pub(crate) struct Context {
    name: &'static str,
    driver: Box<dyn Driver>,
    pool: Mutex<Pool>,
    /// What was loaded, by the hash of its source.
    modules: Mutex<HashMap<[u8; 32], Module>>,
    /// Held while commands are issued: there is one queue.
    queue: Mutex<()>,
}

/// A lock that a panic does not close: what it guards is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Context {
    pub(crate) fn new(name: &'static str, driver: Box<dyn Driver>, limit: usize) -> Context {
        let (pool, modules) = (Mutex::new(Pool::new(limit)), Mutex::default());
        Context { name, driver, pool, modules, queue: Mutex::default() }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The driver, for this thread alone.
    pub(crate) fn queue(&self) -> Queue<'_> {
        Queue { context: self, _alone: lock(&self.queue) }
    }

    pub(crate) fn error(&self, fault: Fault) -> Error {
        match fault {
            Fault::Memory { bytes } => Error::Memory { device: self.name, bytes },
            fault => Error::Custom { op: self.name, message: fault.to_string() },
        }
    }

    /// Memory of unspecified content.
    pub(crate) fn allocate(self: &Arc<Context>, bytes: usize) -> Result<Block, Error> {
        let queue = self.queue();
        let taken = lock(&self.pool).take(bytes, queue.driver());
        let at = taken.map_err(|fault| self.error(fault))?;
        Ok(Block { context: Arc::clone(self), at, bytes })
    }

    /// Kernels from a source, which is compiled once.
    pub(crate) fn module(&self, source: &str) -> Result<Module, Error> {
        let key: [u8; 32] = Sha256::digest(source).into();
        let mut modules = lock(&self.modules);
        if let Some(&module) = modules.get(&key) {
            return Ok(module);
        }
        let loaded = self.queue().driver().load(source);
        let module = loaded.map_err(|fault| self.error(fault))?;
        modules.insert(key, module);
        Ok(module)
    }
}

/// The right to issue commands.
pub(crate) struct Queue<'a> {
    context: &'a Context,
    _alone: MutexGuard<'a, ()>,
}

impl Queue<'_> {
    pub(crate) fn driver(&self) -> &dyn Driver {
        &*self.context.driver
    }

    /// What a driver answered, as the engine says it.
    pub(crate) fn checked<T>(&self, answer: Result<T, Fault>) -> Result<T, Error> {
        answer.map_err(|fault| self.context.error(fault))
    }
}

/// Memory of a device, given back when dropped.
#[derive(Debug)]
pub(crate) struct Block {
    context: Arc<Context>,
    at: Address,
    bytes: usize,
}

impl Block {
    pub(crate) fn at(&self) -> Address {
        self.at
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that it takes up.
    pub(crate) fn reserved(&self) -> usize {
        class(self.bytes)
    }

    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.context
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        lock(&self.context.pool).give(self.at, self.bytes);
    }
}

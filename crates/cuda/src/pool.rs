//! Memory that was freed is kept for whoever wants as much again.

use std::collections::BTreeMap;

use crate::driver::{Address, Driver, Fault};

/// Bytes of the smallest class, and what addresses are aligned to.
pub const ALIGNMENT: usize = 256;

/// The bytes that a request takes up: at most a quarter more, so that few lengths serve all.
#[must_use]
pub fn class(bytes: usize) -> usize {
    let bytes = bytes.max(ALIGNMENT);
    let step = (1usize << bytes.ilog2()) / 4;
    bytes.checked_next_multiple_of(step.max(ALIGNMENT)).unwrap_or(bytes)
}

/// What is in use, what is kept, and how much either may be.
///
/// Commands are carried out in order, so memory can be given out again while what is queued still reads
/// it.
#[derive(Debug)]
pub struct Pool {
    limit: usize,
    /// Addresses that nobody uses, by class.
    kept: BTreeMap<usize, Vec<Address>>,
    used: usize,
    kept_bytes: usize,
    most: usize,
}

impl Pool {
    /// A pool that takes at most so many bytes of its device.
    #[must_use]
    pub fn new(limit: usize) -> Pool {
        Pool { limit, kept: BTreeMap::new(), used: 0, kept_bytes: 0, most: 0 }
    }

    /// Bytes in use.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used
    }

    /// Bytes taken from the device, in use or not.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.used + self.kept_bytes
    }

    /// The most bytes that were in use at a time.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    /// Memory of [`class`] `bytes`.
    ///
    /// # Errors
    /// [`Fault::Memory`] beyond the limit, or where the device has no more even after all that is kept
    /// was given back.
    pub fn take(&mut self, bytes: usize, driver: &dyn Driver) -> Result<Address, Fault> {
        let size = class(bytes);
        let at = match self.reuse(size) {
            Some(at) => at,
            None => self.fresh(bytes, size, driver)?,
        };
        self.used += size;
        self.most = self.most.max(self.used);
        Ok(at)
    }

    /// Takes memory back that [`Pool::take`] gave for so many bytes.
    pub fn give(&mut self, at: Address, bytes: usize) {
        let size = class(bytes);
        self.used -= size;
        self.kept_bytes += size;
        self.kept.entry(size).or_default().push(at);
    }

    /// Gives all that nobody uses back to the device.
    pub fn release(&mut self, driver: &dyn Driver) {
        self.shrink(0, driver);
    }

    fn reuse(&mut self, size: usize) -> Option<Address> {
        let at = self.kept.get_mut(&size)?.pop()?;
        self.kept_bytes -= size;
        Some(at)
    }

    fn fresh(&mut self, bytes: usize, size: usize, driver: &dyn Driver) -> Result<Address, Fault> {
        let room = self.limit.checked_sub(self.used).and_then(|free| free.checked_sub(size));
        let Some(room) = room else { return Err(Fault::Memory { bytes }) };
        self.shrink(room, driver);
        let found = match driver.allocate(size) {
            Err(Fault::Memory { .. }) if self.kept_bytes > 0 => {
                self.shrink(0, driver);
                driver.allocate(size)
            }
            found => found,
        };
        found.map_err(|fault| match fault {
            Fault::Memory { .. } => Fault::Memory { bytes },
            fault => fault,
        })
    }

    /// Gives back what is kept beyond so many bytes, the largest first.
    fn shrink(&mut self, room: usize, driver: &dyn Driver) {
        while self.kept_bytes > room {
            let Some(mut entry) = self.kept.last_entry() else { return };
            match entry.get_mut().pop() {
                Some(at) => {
                    self.kept_bytes -= *entry.key();
                    driver.free(at);
                }
                None => drop(entry.remove()),
            }
        }
    }
}

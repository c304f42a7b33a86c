//! Scratch memory of kernels, kept from one run of a program to the next.
#![expect(unsafe_code, reason = "one piece of memory serves every element type")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Arena, parallel};
use crate::Element;

/// Pieces of scratch memory that tasks of a kernel borrow in turn.
///
/// A kernel first reserves what its tasks will need at the same time, so that after the first run of
/// a program nothing is allocated, whichever thread takes which task.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Free pieces, from small to large.
    free: Mutex<Vec<Arena>>,
}

impl Workspace {
    /// Makes sure that `pieces` of `len` elements are free at once.
    pub fn reserve<T: Element>(&self, pieces: usize, len: usize) {
        let bytes = len * size_of::<T>();
        let mut free = self.lock();
        let mut ready = free.iter().filter(|piece| piece.bytes() >= bytes).count();
        while ready < pieces {
            // The largest piece that is too small gives way to one that is not.
            if let Some(last) = free.iter().rposition(|piece| piece.bytes() < bytes) {
                free.remove(last);
            }
            insert(&mut free, Arena::new(bytes));
            ready += 1;
        }
        // A task that borrows must find room to give back.
        free.reserve(pieces);
    }

    /// As [`Workspace::reserve`] for as many of `tasks` as threads can run at once.
    pub fn reserve_tasks<T: Element>(&self, tasks: usize, len: usize) {
        self.reserve::<T>(tasks.min(parallel::threads()), len);
    }

    /// Runs `work` on `len` elements of unspecified value.
    pub fn with<T: Element, R>(&self, len: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
        let bytes = len * size_of::<T>();
        let mut piece = self.take(bytes);
        let start = piece.start().cast::<T>();
        // SAFETY: the piece is this call's alone until it is given back, has `bytes` initialised
        // bytes aligned to a cache line, and any bytes are a number.
        let result = work(unsafe { std::slice::from_raw_parts_mut(start, len) });
        insert(&mut self.lock(), piece);
        result
    }

    /// Bytes held, in use or not, when no kernel runs.
    pub(crate) fn bytes(&self) -> usize {
        self.lock().iter().map(Arena::bytes).sum()
    }

    fn take(&self, bytes: usize) -> Arena {
        let mut free = self.lock();
        match free.iter().position(|piece| piece.bytes() >= bytes) {
            Some(smallest) => free.remove(smallest),
            None => Arena::new(bytes),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arena>> {
        // A panicking task loses its own piece only.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn insert(free: &mut Vec<Arena>, piece: Arena) {
    let at = free.partition_point(|other| other.bytes() < piece.bytes());
    free.insert(at, piece);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_reused_and_grow() {
        let workspace = Workspace::default();
        workspace.reserve::<f32>(2, 16);
        assert_eq!(workspace.bytes(), 128);
        workspace.with(8, |outer: &mut [f64]| {
            outer.fill(1.0);
            workspace.with(16, |inner: &mut [f32]| inner.fill(2.0));
            assert_eq!(outer, [1.0; 8]);
        });
        assert_eq!(workspace.bytes(), 128);
        workspace.reserve::<f32>(1, 32);
        assert_eq!(workspace.bytes(), 64 + 128);
    }
}

//! Memory that values and scratch lie in: aligned to cache lines, in large pages where the system has
//! them, and of any element type.
#![expect(
    unsafe_code,
    reason = "one piece of memory serves every element type, and advice on it is a C function's"
)]

use std::collections::TryReserveError;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytemuck::Pod;

use crate::{Element, parallel};

/// Bytes of a cache line, the unit and the alignment of a [`Block`].
pub const LINE: usize = 64;

/// Bytes from which memory is worth large pages: one of them, on common processors.
const LARGE: usize = 1 << 21;

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "only its size and alignment count")] [u8; LINE]);

/// Bytes from a cache line on, zeros to begin with.
#[derive(Clone, Default)]
pub struct Block(Vec<Line>);

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} bytes)", self.bytes())
    }
}

impl Block {
    /// At least `bytes` zeros.
    ///
    /// # Errors
    /// When the system does not grant so much memory.
    pub fn zeros(bytes: usize) -> Result<Block, TryReserveError> {
        let count = bytes.div_ceil(LINE);
        let mut lines: Vec<Line> = Vec::new();
        lines.try_reserve_exact(count)?;
        advise(lines.as_ptr().cast(), count * LINE);
        lines.resize(count, Line([0; LINE]));
        Ok(Block(lines))
    }

    /// Its size, whole cache lines.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len() * LINE
    }

    /// Where it begins.
    pub fn start(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    /// Its first `len` elements.
    ///
    /// # Panics
    /// If it has fewer.
    #[must_use]
    pub fn as_slice<T: Pod>(&self, len: usize) -> &[T] {
        assert!(len * size_of::<T>() <= self.bytes(), "{len} elements of a {self:?}");
        // SAFETY: so many initialised bytes are there, aligned to a cache line, and any bytes are an
        // element.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), len) }
    }

    /// [`Block::as_slice`], to be changed.
    ///
    /// # Panics
    /// If it has fewer.
    pub fn as_mut_slice<T: Pod>(&mut self, len: usize) -> &mut [T] {
        assert!(len * size_of::<T>() <= self.bytes(), "{len} elements of a {self:?}");
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), len) }
    }
}

/// Asks for large pages: walks over matrices then miss fewer addresses. Refusal costs nothing.
#[cfg(target_os = "linux")]
fn advise(start: *const u8, bytes: usize) {
    use std::ffi::{c_int, c_void};

    unsafe extern "C" {
        fn madvise(start: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }

    const HUGE: c_int = 14;
    const PAGE: usize = 1 << 16;
    if bytes < LARGE {
        return;
    }
    // Whole pages of any size in use, inside the memory.
    let (first, last) = (start.addr().next_multiple_of(PAGE), (start.addr() + bytes) / PAGE * PAGE);
    if first < last {
        let inside = start.with_addr(first).cast_mut().cast();
        // SAFETY: the range belongs to the caller's allocation, and this advice leaves its content.
        unsafe { madvise(inside, last - first, HUGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_: *const u8, _: usize) {}

/// Pieces of scratch memory that tasks of a kernel borrow in turn.
///
/// A kernel first reserves what its tasks will need at the same time, so that after the first run of
/// a program nothing is allocated, whichever thread takes which task.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Free pieces, from small to large.
    free: Mutex<Vec<Block>>,
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
            insert(&mut free, scratch(bytes));
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
        let mut piece = self.take(len * size_of::<T>());
        let result = work(piece.as_mut_slice(len));
        insert(&mut self.lock(), piece);
        result
    }

    /// Bytes held, in use or not, when no kernel runs.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().iter().map(Block::bytes).sum()
    }

    fn take(&self, bytes: usize) -> Block {
        let mut free = self.lock();
        match free.iter().position(|piece| piece.bytes() >= bytes) {
            Some(smallest) => free.remove(smallest),
            None => scratch(bytes),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Block>> {
        // A panicking task loses its own piece only.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Scratch is small beside the values it serves: without it there is no going on.
pub(crate) fn scratch(bytes: usize) -> Block {
    match Block::zeros(bytes) {
        Ok(block) => block,
        Err(error) => panic!("{bytes} bytes of scratch: {error}"),
    }
}

fn insert(free: &mut Vec<Block>, piece: Block) {
    let at = free.partition_point(|other| other.bytes() < piece.bytes());
    free.insert(at, piece);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_zeros_of_any_type_until_written() {
        for len in [0, 3, LARGE / 4 - 1, LARGE] {
            let mut block = Block::zeros(len * 4).unwrap();
            assert!(block.as_slice::<f32>(len).iter().all(|&value| value == 0.0));
            block.as_mut_slice::<u32>(len).fill(1.5f32.to_bits());
            assert!(block.as_slice::<f32>(len).iter().all(|&value| value == 1.5));
        }
    }

    #[test]
    fn too_much_memory_is_refused() {
        assert!(Block::zeros(usize::MAX / 2).is_err());
    }

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

//! Chains of elementwise functions over many elements: block by block, each function a vector loop over
//! registers in cache.
#![expect(
    unsafe_code,
    reason = "registers, operands and results of one block may overlap as the chain says"
)]

use std::mem::MaybeUninit;

use super::function::{Function, zip};
use crate::simd::lanes::LANES;
use crate::simd::{prefetch_all, vectorised};
use crate::{DType, Float, parallel};

/// Elements a register holds.
pub(super) const BLOCK: usize = 256;
/// Registers a chain may use; operands and steps together are at most so many.
pub const REGISTERS: usize = 40;
/// Elements from which operands come from memory, and are prefetched before they are read.
const FAR: usize = 1 << 20;
/// Elements from which a chain is worth another thread, and that one task handles at most.
const TASK: usize = 1 << 15;

/// Where an operand of an instruction is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Source {
    Register(usize),
    /// An operand, read where it is or from its register.
    Load(usize),
    /// A result written earlier in the block.
    Store(usize),
}

/// Where the value of an instruction goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Target {
    Register(usize),
    Store(usize),
}

/// What an instruction computes of `x` and `y`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Operation {
    Function(Function),
    /// c x + y, each rounded.
    ScaledAdd(f64),
    /// c x - y
    ScaledSub(f64),
    /// y - c x
    SubScaled(f64),
}

impl Operation {
    #[inline(always)]
    fn evaluate<T: Float>(self, x: &[T], y: &[T], out: &mut [T]) {
        match self {
            Self::Function(function) => function.evaluate(x, y, out),
            Self::ScaledAdd(c) => scaled(c, x, y, out, |cx, y| cx + y),
            Self::ScaledSub(c) => scaled(c, x, y, out, |cx, y| cx - y),
            Self::SubScaled(c) => scaled(c, x, y, out, |cx, y| y - cx),
        }
    }
}

#[inline(always)]
fn scaled<T: Float>(c: f64, x: &[T], y: &[T], out: &mut [T], f: impl Fn(T, T) -> T) {
    let c = T::from_f64(c);
    zip(x, y, out, |x, y| f(x * c, y));
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Instruction {
    pub operation: Operation,
    pub x: Source,
    pub y: Source,
    pub target: Target,
}

/// How an operand gets to its register.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fetch {
    /// Read in place.
    Direct,
    /// One value, repeated once for all blocks.
    Repeat(usize),
    /// By the strides of each axis of the chain's shape, block by block.
    Strided(usize, Vec<usize>),
    /// The left factor of a product, of which each block is computed.
    Product(usize, Product),
    /// The right factor of one.
    Factor,
}

/// A matrix product of few terms, `[m, terms]` by `[terms, width]`, of the chain's length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Product {
    /// Operand that is the right factor.
    pub right: usize,
    pub terms: usize,
    pub width: usize,
    /// Strides of the left factor.
    pub left: (usize, usize),
    /// From one row of the right factor to the next; a row has no gaps.
    pub row: usize,
}

/// A chain of elementwise functions over one shape, as [`Chain::new`] makes it.
#[derive(Debug, Clone)]
pub struct Chain {
    pub(super) dtype: DType,
    pub(super) len: usize,
    /// The shape, with axes joined where every operand allows it.
    pub(super) shape: Vec<usize>,
    /// Elements that a block does not reach across.
    pub(super) row: usize,
    /// Elements of a block at most; above [`BLOCK`] only where no register is used.
    pub(super) block: usize,
    pub(super) loads: Vec<Fetch>,
    pub(super) code: Vec<Instruction>,
    pub(super) stores: usize,
    /// Results that go where an operand is read: first to a register, copied at a block's end.
    pub(super) late: Vec<(usize, usize)>,
}

#[derive(Clone, Copy)]
struct Bases<'a, T> {
    loads: &'a [*const T],
    stores: &'a [*mut T],
}

// SAFETY: tasks touch disjoint ranges of the results, and nothing else is written.
unsafe impl<T> Send for Bases<'_, T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Bases<'_, T> {}

impl Chain {
    /// Element type of operands and results.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Runs the chain over the first elements of its operands and results.
    ///
    /// # Panics
    /// If there are not as many operands and results as the chain has.
    ///
    /// # Safety
    /// Each operand is valid for reads over the layout, each result for writes over the length, that
    /// the chain was made for; a result overlaps an operand only where the chain was told so.
    pub unsafe fn run<T: Float>(&self, loads: &[*const T], stores: &[*mut T]) {
        assert!(T::DTYPE == self.dtype, "a chain of {:?} run as {:?}", self.dtype, T::DTYPE);
        assert!(loads.len() == self.loads.len() && stores.len() == self.stores, "{self:?}");
        self.task(Bases { loads, stores }, 0, self.len);
    }

    /// Halves a long range, so that threads share it evenly; one thread takes it whole.
    fn task<T: Float>(&self, bases: Bases<'_, T>, start: usize, end: usize) {
        if end - start <= TASK || parallel::threads() == 1 {
            return range(self, bases, start, end);
        }
        let middle = start + ((end - start) / 2).next_multiple_of(BLOCK);
        parallel::both(|| self.task(bases, start, middle), || self.task(bases, middle, end));
    }
}

/// Register memory, left uninitialised: every register is written before it is read.
#[repr(align(64))]
struct Registers<T>([[MaybeUninit<T>; BLOCK]; REGISTERS]);

vectorised! {
    fn range<T: Float>(chain: &Chain, bases: Bases<'_, T>, start: usize, end: usize) {
        let mut registers = Registers::<T>([[MaybeUninit::uninit(); BLOCK]; REGISTERS]);
        let base = &raw mut registers;
        let register = |index: usize| {
            assert!(index < REGISTERS);
            // SAFETY: the index was just checked.
            unsafe { base.cast::<T>().add(index * BLOCK) }
        };
        let mut loads = [std::ptr::null::<T>(); REGISTERS];
        for (i, fetch) in chain.loads.iter().enumerate() {
            if let Fetch::Repeat(r) = fetch {
                // SAFETY: the operand has one element at least, and a register BLOCK of them.
                unsafe { fill(register(*r), *bases.loads[i]) };
                loads[i] = register(*r);
            }
        }
        let far = chain.len >= FAR && chain.block == BLOCK;
        let mut from = start;
        while from < end {
            let n = (end - from).min(chain.block).min(chain.row - from % chain.row);
            // What comes later is prefetched operand by operand, between computations: a processor
            // waits for few lines at once.
            let mut later = chain.loads.iter().zip(bases.loads);
            let mut next = || {
                let direct = |(fetch, _): &(&Fetch, &*const T)| **fetch == Fetch::Direct;
                if far && from + 3 * n <= end
                    && let Some((_, operand)) = later.find(direct)
                {
                    // SAFETY: direct operands have the chain's length.
                    prefetch_all(unsafe { std::slice::from_raw_parts(operand.add(from + 2 * n), n) });
                }
            };
            for (i, fetch) in chain.loads.iter().enumerate() {
                match fetch {
                    // SAFETY: as above.
                    Fetch::Direct => loads[i] = unsafe { bases.loads[i].add(from) },
                    Fetch::Repeat(_) | Fetch::Factor => {}
                    Fetch::Product(r, product) => {
                        let factors = (bases.loads[i], bases.loads[product.right]);
                        loads[i] = register(*r);
                        next();
                        // SAFETY: the factors' product has the chain's length, and the register
                        // holds n elements.
                        unsafe { multiply(product, factors, from, register(*r), n) };
                    }
                    Fetch::Strided(r, strides) => {
                        // SAFETY: the strides stay inside the operand for every index below the
                        // chain's length, and the register holds n elements.
                        loads[i] = unsafe {
                            fetch_strided(bases.loads[i], &chain.shape, strides, from, register(*r), n)
                        };
                    }
                }
            }
            let place = |source: Source| -> *const T {
                match source {
                    Source::Register(r) => register(r),
                    Source::Load(i) => loads[i],
                    // SAFETY: results have the chain's length.
                    Source::Store(i) => unsafe { bases.stores[i].add(from) },
                }
            };
            for step in &chain.code {
                next();
                let target = match step.target {
                    Target::Register(r) => register(r),
                    // SAFETY: results have the chain's length.
                    Target::Store(i) => unsafe { bases.stores[i].add(from) },
                };
                // SAFETY: all three ranges hold n initialised elements (registers are written
                // before they are read), and no instruction has its own operand as target.
                unsafe {
                    step.operation.evaluate(
                        std::slice::from_raw_parts(place(step.x), n),
                        std::slice::from_raw_parts(place(step.y), n),
                        std::slice::from_raw_parts_mut(target, n),
                    );
                }
            }
            chain.loads.iter().for_each(|_| next());
            for &(r, store) in &chain.late {
                // SAFETY: a register of n elements to a result of the chain's length.
                unsafe { std::ptr::copy_nonoverlapping(register(r), bases.stores[store].add(from), n) };
            }
            from += n;
        }
    }
}

#[inline(always)]
unsafe fn fill<T: Float>(register: *mut T, value: T) {
    for i in 0..BLOCK {
        // SAFETY: the caller gives a whole register.
        unsafe { register.add(i).write(value) };
    }
}

/// Elements `from..from + n` of a strided operand, in row-major order of `shape`: where they are if
/// they are neighbours, else copied to the register.
#[inline(always)]
unsafe fn fetch_strided<T: Float>(
    base: *const T,
    shape: &[usize],
    strides: &[usize],
    from: usize,
    register: *mut T,
    n: usize,
) -> *const T {
    let last = shape.len() - 1;
    let (extent, stride) = (shape[last], strides[last]);
    let (mut row, mut column) = (from / extent, from % extent);
    let mut done = 0;
    while done < n {
        let (mut offset, mut rest) = (0, row);
        for axis in (0..last).rev() {
            offset += rest % shape[axis] * strides[axis];
            rest /= shape[axis];
        }
        let run = (extent - column).min(n - done);
        if run == n && stride == 1 {
            // SAFETY: an index of the shape, for which the caller vouches.
            return unsafe { base.add(offset + column) };
        }
        // SAFETY: the caller vouches for every index of the shape and for n places in the register.
        unsafe {
            let source = base.add(offset + column * stride);
            let target = register.add(done);
            match stride {
                0 => (0..run).for_each(|i| target.add(i).write(*source)),
                1 => std::ptr::copy_nonoverlapping(source, target, run),
                _ => (0..run).for_each(|i| target.add(i).write(*source.add(i * stride))),
            }
        }
        done += run;
        column = 0;
        row += 1;
    }
    register
}

/// Elements of a product that are summed in registers at once.
const RUN: usize = 4 * LANES;

/// Elements `from..from + n` of a product, in row-major order; each is one chain of fused
/// multiply-adds.
#[inline(always)]
unsafe fn multiply<T: Float>(
    product: &Product,
    (left, right): (*const T, *const T),
    from: usize,
    register: *mut T,
    n: usize,
) {
    let mut done = 0;
    while done < n {
        let (row, column) = ((from + done) / product.width, (from + done) % product.width);
        let run = (product.width - column).min(n - done);
        // SAFETY: the caller vouches for the factors of these elements and for n places in the
        // register.
        unsafe {
            let left = left.add(row * product.left.0);
            let (right, to) = (right.add(column), register.add(done));
            let mut at = 0;
            while at + RUN <= run {
                sums::<T, RUN>(product, left, right.add(at), to.add(at));
                at += RUN;
            }
            while at + LANES <= run {
                sums::<T, LANES>(product, left, right.add(at), to.add(at));
                at += LANES;
            }
            while at < run {
                sums::<T, 1>(product, left, right.add(at), to.add(at));
                at += 1;
            }
        }
        done += run;
    }
}

/// `N` neighbours of a row.
#[inline(always)]
unsafe fn sums<T: Float, const N: usize>(
    product: &Product,
    left: *const T,
    right: *const T,
    to: *mut T,
) {
    let mut sums = [T::zero(); N];
    for term in 0..product.terms {
        // SAFETY: the caller vouches for `N` elements of each row.
        let (factor, row) = unsafe {
            (*left.add(term * product.left.1), &*right.add(term * product.row).cast::<[T; N]>())
        };
        for (sum, &x) in sums.iter_mut().zip(row) {
            *sum = factor.mul_add(x, *sum);
        }
    }
    // SAFETY: the caller gives room for `N` elements.
    unsafe { to.cast::<[T; N]>().write(sums) };
}

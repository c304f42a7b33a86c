//! Memory of a replay: one arena, and pointers to wherever each slot is.
#![expect(
    unsafe_code,
    reason = "values share one arena by liveness, which the borrow checker cannot follow"
)]

use kernels::elementwise::{Chain, REGISTERS};
use kernels::memory::Block;

use super::operand::Operand;
use crate::{DType, Element, Float, Workspace};

/// Start and length of every slot in bytes, and the kernels' scratch.
#[derive(Debug)]
pub(crate) struct Memory {
    slots: Vec<(*mut u8, usize)>,
    workspace: Workspace,
}

// SAFETY: the pointers lead to the arena and the buffers of the program that owns this memory, or to
// buffers borrowed exclusively for one run; nothing is read between runs.
unsafe impl Send for Memory {}
// SAFETY: kernels write only their own result, which no other operand of the step overlaps.
unsafe impl Sync for Memory {}

impl Memory {
    pub(crate) fn new(slots: usize) -> Memory {
        let nothing = std::ptr::NonNull::<u64>::dangling().as_ptr().cast();
        Memory { slots: vec![(nothing, 0); slots], workspace: Workspace::default() }
    }

    pub(crate) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Gives a slot a range of a block's bytes.
    pub(crate) fn point_to(&mut self, slot: usize, block: &mut Block, offset: usize, bytes: usize) {
        let all = block.bytes();
        assert!(offset + bytes <= all, "slot {offset}+{bytes} in a block of {all} bytes");
        // SAFETY: the range was just checked to lie inside the block.
        self.slots[slot] = (unsafe { block.start().add(offset) }, bytes);
    }

    /// Pointer to an operand's first element, with the elements its layout spans.
    pub(crate) fn locate<T: Element>(&self, operand: &Operand) -> (*mut T, usize) {
        assert!(T::DTYPE == operand.dtype, "{:?} read as {:?}", operand.dtype, T::DTYPE);
        let (start, bytes) = self.slots[operand.slot];
        let (offset, span) = (operand.layout.offset, operand.layout.span());
        assert!((offset + span) * size_of::<T>() <= bytes, "an operand leaves its slot");
        // SAFETY: the range was just checked to lie inside the slot.
        (unsafe { start.cast::<T>().add(offset) }, span)
    }

    pub(crate) fn read<T: Element>(&self, operand: &Operand) -> &[T] {
        let (start, span) = self.locate::<T>(operand);
        // SAFETY: the range lies inside a live allocation of initialised numbers, aligned for any
        // element type, and the plan lets no step write what it also reads through this.
        unsafe { std::slice::from_raw_parts(start, span) }
    }

    #[expect(clippy::mut_from_ref, reason = "slots are disjoint by the plan, not by the type")]
    pub(crate) fn write<T: Element>(&self, operand: &Operand) -> &mut [T] {
        let (start, span) = self.locate::<T>(operand);
        // SAFETY: as for reading; a step writes each of its results once, and they do not overlap.
        unsafe { std::slice::from_raw_parts_mut(start, span) }
    }

    /// Runs a chain over its operands and results.
    pub(crate) fn run_chain(&self, chain: &Chain, loads: &[Operand], stores: &[Operand]) {
        match chain.dtype() {
            DType::F64 => self.run_chain_as::<f64>(chain, loads, stores),
            _ => self.run_chain_as::<f32>(chain, loads, stores),
        }
    }

    fn run_chain_as<T: Float>(&self, chain: &Chain, loads: &[Operand], stores: &[Operand]) {
        let mut from = [std::ptr::null(); REGISTERS];
        let mut to = [std::ptr::null_mut(); REGISTERS];
        for (from, operand) in from.iter_mut().zip(loads) {
            *from = self.locate::<T>(operand).0.cast_const();
        }
        for (to, operand) in to.iter_mut().zip(stores) {
            *to = self.locate::<T>(operand).0;
        }
        // SAFETY: the plan made the chain for these layouts, each inside its slot, and told it which
        // result lies where an operand is read.
        unsafe { chain.run(&from[..loads.len()], &to[..stores.len()]) };
    }
}

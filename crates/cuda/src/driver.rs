//! What touches a graphics processor, and nothing else does: the boundary that tests put other machines
//! behind.

use std::fmt;

use autodiff::DType;

use crate::launch::Grid;

/// A place in a device's memory, in bytes; 0 is nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Address(pub u64);

impl Address {
    /// The place some bytes further on.
    #[must_use]
    pub fn plus(self, bytes: usize) -> Address {
        Address(self.0 + bytes as u64)
    }
}

/// Kernels that were loaded together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Module(pub u64);

/// A kernel of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Function(pub u64);

/// Commands that were captured, to be issued again at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Recorded(pub u64);

/// A factor of a product: row-major matrices, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factor<P> {
    /// The first matrix.
    pub at: P,
    /// Whether it is read by columns.
    pub transposed: bool,
    /// Elements from one stored row to the next.
    pub row: usize,
    /// Elements from one matrix to the next, 0 where all products read the same.
    pub step: usize,
}

/// `count` products `C = A B` of row-major matrices, or `C += A B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product<P> {
    /// Element type, of floats.
    pub dtype: DType,
    /// Rows of A and C.
    pub m: usize,
    /// Columns of B and C.
    pub n: usize,
    /// Columns of A and rows of B; not 0.
    pub k: usize,
    /// How many products.
    pub count: usize,
    /// A.
    pub left: Factor<P>,
    /// B.
    pub right: Factor<P>,
    /// C: never transposed.
    pub result: Factor<P>,
    /// Whether the product is added to what is there.
    pub adds: bool,
}

impl<P: Copy> Product<P> {
    /// The same product of places of another kind.
    pub fn map<Q>(&self, place: impl Fn(P) -> Q) -> Product<Q> {
        let factor = |factor: Factor<P>| Factor {
            at: place(factor.at),
            transposed: factor.transposed,
            row: factor.row,
            step: factor.step,
        };
        Product {
            dtype: self.dtype,
            m: self.m,
            n: self.n,
            k: self.k,
            count: self.count,
            left: factor(self.left),
            right: factor(self.right),
            result: factor(self.result),
            adds: self.adds,
        }
    }
}

/// Why a driver did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The device has no more memory.
    #[error("no memory for {bytes} bytes")]
    Memory {
        /// Bytes that were wanted.
        bytes: usize,
    },
    /// A library or a device is not there.
    #[error("{0}")]
    Missing(String),
    /// A call failed.
    #[error("{call}: {message}")]
    Failed {
        /// What was asked for.
        call: &'static str,
        /// What the library answered.
        message: String,
    },
}

/// One graphics processor, with one queue of commands that are carried out in order.
///
/// Only [`Driver::read`] and [`Driver::synchronise`] wait for what was queued before. Callers see to it
/// that one thread at a time calls.
pub trait Driver: fmt::Debug + Send + Sync {
    /// Memory, aligned to 256 bytes, of unspecified content.
    ///
    /// # Errors
    /// [`Fault::Memory`] where there is none.
    fn allocate(&self, bytes: usize) -> Result<Address, Fault>;

    /// Gives memory back. What is queued may still use it.
    fn free(&self, at: Address);

    /// Queues a copy from the host, which may change `from` once this returns.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn write(&self, to: Address, from: &[u8]) -> Result<(), Fault>;

    /// Copies to the host, when all that was queued is done.
    ///
    /// # Errors
    /// [`Fault::Failed`], also for what was queued before.
    fn read(&self, from: Address, to: &mut [u8]) -> Result<(), Fault>;

    /// Queues a copy between two places that do not overlap.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn copy(&self, from: Address, to: Address, bytes: usize) -> Result<(), Fault>;

    /// Queues zeros.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn zero(&self, to: Address, bytes: usize) -> Result<(), Fault>;

    /// Compiles and loads kernels.
    ///
    /// # Errors
    /// [`Fault::Failed`] with what the compiler says.
    fn load(&self, source: &str) -> Result<Module, Fault>;

    /// Finds a kernel.
    ///
    /// # Errors
    /// [`Fault::Failed`] if the module has none of this name.
    fn function(&self, module: Module, name: &str) -> Result<Function, Fault>;

    /// Queues a kernel, whose one parameter is a structure of so many words of 64 bits.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn launch(&self, function: Function, grid: Grid, words: &[u64]) -> Result<(), Fault>;

    /// Queues products.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn product(&self, product: &Product<Address>) -> Result<(), Fault>;

    /// From here on commands are recorded and not carried out.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn begin_capture(&self) -> Result<(), Fault>;

    /// What was recorded; afterwards commands are carried out again, whether this fails or not.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn end_capture(&self) -> Result<Recorded, Fault>;

    /// Queues what was recorded.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn replay(&self, recorded: Recorded) -> Result<(), Fault>;

    /// Drops a recording.
    fn forget(&self, recorded: Recorded);

    /// Waits for all that was queued.
    ///
    /// # Errors
    /// [`Fault::Failed`], also for what was queued before.
    fn synchronise(&self) -> Result<(), Fault>;
}

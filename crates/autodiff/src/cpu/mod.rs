//! The processor of the host: plans run on the kernels of operations.

mod program;
mod step;
mod storage;

use std::cell::Cell;
use std::sync::Arc;

use kernels::elementwise::REGISTERS;

use crate::device::{Backend, Device, Executable, Storage};
use crate::graph::Op;
use crate::plan::{Plan, Target};
use crate::{DType, Error, Layout};

use program::Replay;
use storage::HostStorage;

#[derive(Debug)]
struct Cpu;

static CPU: Cpu = Cpu;

/// What kernels offer, each operation says.
impl Target for Cpu {
    fn accepts(&self, op: &dyn Op, input: usize, layout: &Layout) -> bool {
        op.accepts(input, layout)
    }

    fn epilogue(&self, op: &dyn Op, inputs: &[&Layout], term: &Layout) -> bool {
        op.epilogue(inputs, term)
    }

    fn takes_products(&self, op: &dyn Op, count: usize, width: usize, inputs: &[&Layout]) -> bool {
        op.takes_products(count, width, inputs)
    }

    fn packed(&self, op: &dyn Op) -> Option<(usize, Arc<dyn Op>)> {
        op.packed()
    }

    fn fused(&self) -> usize {
        REGISTERS
    }

    fn fuses_products(&self) -> bool {
        true
    }
}

impl Backend for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn allocate(&self, dtype: DType, len: usize) -> Result<Box<dyn Storage>, Error> {
        Ok(Box::new(HostStorage::zeros(len.saturating_mul(dtype.size()))?))
    }

    fn compile(&self, plan: Plan) -> Result<Box<dyn Executable>, Error> {
        Ok(Box::new(Replay::new(plan)?))
    }
}

thread_local! {
    static CURRENT: Cell<Option<Device>> = const { Cell::new(None) };
}

impl Device {
    /// The host's processor.
    #[must_use]
    pub fn cpu() -> Device {
        Device::of(&CPU)
    }

    /// The device that this thread's programs are compiled for: [`Device::cpu`], except inside
    /// [`Device::scope`].
    #[must_use]
    pub fn current() -> Device {
        CURRENT.get().unwrap_or(Device::cpu())
    }

    /// Runs `work` with this as the thread's current device.
    pub fn scope<R>(self, work: impl FnOnce() -> R) -> R {
        /// Puts the device back, also when `work` panics.
        struct Before(Option<Device>);
        impl Drop for Before {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }
        let _before = Before(CURRENT.replace(Some(self)));
        work()
    }
}

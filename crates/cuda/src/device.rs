//! The device: what plans may make use of on it, its storage, its programs.

use std::sync::{Arc, OnceLock};

use autodiff::backend::{Backend, Executable, Plan, Storage, Target};
use autodiff::{DType, Device, Error, Layout, Op, ops};

use crate::command::{Base, Place};
use crate::context::Context;
use crate::driver::Driver;
use crate::lower;
use crate::program::Replay;
use crate::storage::DeviceStorage;

/// Operands and functions of a fused step at most: values that a thread keeps in registers.
const FUSED: usize = 40;

/// How much of a device programs may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory, all buffers and programs together.
    pub memory: usize,
    /// Bytes that a step of a program may take for itself where less would do, such as for the columns
    /// of a convolution.
    pub scratch: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { memory: usize::MAX, scratch: 256 << 20 }
    }
}

#[derive(Debug)]
struct Cuda {
    context: Arc<Context>,
    limits: Limits,
    device: OnceLock<Device>,
}

/// A device of its own over a driver; it is there until the process ends. No two have the same name.
#[must_use]
pub fn device(name: &'static str, driver: Box<dyn Driver>, limits: Limits) -> Device {
    let context = Arc::new(Context::new(name, driver, limits.memory));
    let cuda: &'static Cuda =
        Box::leak(Box::new(Cuda { context, limits, device: OnceLock::new() }));
    *cuda.device.get_or_init(|| Device::of(cuda))
}

impl Target for Cuda {
    fn accepts(&self, op: &dyn Op, input: usize, layout: &Layout) -> bool {
        let nowhere = Place { base: Base::Arena, offset: 0 };
        let product = (op as &dyn std::any::Any).is::<ops::MatMul>();
        let unread = (op as &dyn std::any::Any).is::<ops::Recalled>() && input == 1;
        unread || (product && lower::readable(layout, nowhere).is_some())
    }

    fn fused(&self) -> usize {
        FUSED
    }
}

impl Backend for Cuda {
    fn name(&self) -> &'static str {
        self.context.name()
    }

    fn allocate(&self, dtype: DType, len: usize) -> Result<Box<dyn Storage>, Error> {
        let bytes = len.saturating_mul(dtype.size());
        Ok(Box::new(DeviceStorage::zeros(&self.context, bytes)?))
    }

    fn compile(&self, plan: Plan) -> Result<Box<dyn Executable>, Error> {
        let lowered = lower::lower(&plan, self, self.limits.scratch)?;
        let Some(&device) = self.device.get() else {
            unreachable!("a device is named when it is made")
        };
        Ok(Box::new(Replay::new(&self.context, lowered, &plan.outputs, device)?))
    }
}

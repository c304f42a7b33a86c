//! A slow device that is obviously right, against which others are tested.
//!
//! One thread, no fusion, no BLAS: every operation is a plain loop in f64, whose results are rounded to
//! the element type. What has no loop here has a definition in simpler operations, which run here.
//!
//! ```
//! use autodiff::{Buffer, DType, Graph};
//!
//! reference::device().scope(|| {
//!     let graph = Graph::new(DType::F32);
//!     let x = graph.input("x", &[2]);
//!     let mut program = graph.compile(&[x.exp().sum_all()])?;
//!     let mut values = Buffer::from_slice(reference::device(), &[0.0f32, 0.0])?;
//!     program.run(&mut [&mut values])?;
//!     assert_eq!(program.output(0).to_vec::<f32>()?, [2.0]);
//!     Ok::<(), autodiff::Error>(())
//! })?;
//! # Ok::<(), autodiff::Error>(())
//! ```

mod kernels;
mod program;
mod value;

use autodiff::backend::{Backend, Executable, Plan, Storage, Target};
use autodiff::{DType, Device, Error};

use program::Loops;
use value::Cells;

#[derive(Debug)]
struct Reference;

static REFERENCE: Reference = Reference;

/// The device.
#[must_use]
pub fn device() -> Device {
    Device::of(&REFERENCE)
}

/// Plans may make use of nothing.
impl Target for Reference {}

impl Backend for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn allocate(&self, dtype: DType, len: usize) -> Result<Box<dyn Storage>, Error> {
        Ok(Box::new(Cells::zeros(dtype, len)))
    }

    fn compile(&self, plan: Plan) -> Result<Box<dyn Executable>, Error> {
        Ok(Box::new(Loops::new(plan)?))
    }
}

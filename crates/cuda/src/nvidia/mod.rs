//! NVIDIA's devices: the driver, cuBLAS and NVRTC, all found at run time.
//!
//! Where one of them is missing, [`Nvidia::open`] says which, and nothing else of this module runs.
#![expect(unsafe_code, reason = "the libraries of CUDA are called through their C interfaces")]

mod compile;
mod missing;
mod product;

use std::collections::BTreeMap;
use std::ffi::{CString, c_int, c_void};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use autodiff::Device;
use cudarc::cublas::sys::cublasHandle_t;
use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{
    self, CUcontext, CUdevice_attribute, CUfunction, CUgraphExec, CUmodule, CUresult, CUstream,
};

use crate::Limits;
use crate::driver::{Address, Driver, Fault, Function, Module, Product, Recorded};
use crate::launch::Grid;
use compile::Compiler;

/// One of NVIDIA's devices, with a stream of its own.
pub struct Nvidia {
    context: CUcontext,
    stream: CUstream,
    blas: cublasHandle_t,
    compiler: Compiler,
    name: String,
}

// SAFETY: the handles are good in every thread where the context is current, which each call sees to; the
// trait's callers see to it that one thread at a time calls.
unsafe impl Send for Nvidia {}
// SAFETY: as above.
unsafe impl Sync for Nvidia {}

impl fmt::Debug for Nvidia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nvidia").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A failed call, or memory that was not there.
fn fault(call: &'static str) -> impl Fn(DriverError) -> Fault {
    move |error| Fault::Failed { call, message: error.to_string() }
}

impl Nvidia {
    /// The device of a number, counted from 0. Compiled kernels are kept in the folder `images`, if one
    /// is given.
    ///
    /// # Errors
    /// [`Fault::Missing`] where the driver, a library or the device is not there, [`Fault::Failed`] where
    /// a call fails.
    pub fn open(number: usize, images: Option<PathBuf>) -> Result<Nvidia, Fault> {
        missing::check()?;
        let count = devices()?;
        if number >= count {
            let message = format!("wanted graphics processor {number}, found {count} of them");
            return Err(Fault::Missing(message));
        }
        let device = result::device::get(number as c_int).map_err(fault("cuDeviceGet"))?;
        let name = result::device::get_name(device).map_err(fault("cuDeviceGetName"))?;
        let attribute = |attribute| {
            // SAFETY: the device was just found.
            unsafe { result::device::get_attribute(device, attribute) }
                .map_err(fault("cuDeviceGetAttribute"))
        };
        let major = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
        let minor = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
        // SAFETY: the device was just found; the context is never released.
        let context = unsafe { result::primary_ctx::retain(device) }
            .map_err(fault("cuDevicePrimaryCtxRetain"))?;
        bind(context)?;
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking)
            .map_err(fault("cuStreamCreate"))?;
        let blas = product::handle(stream)?;
        let compiler = Compiler::new(10 * major + minor, images)?;
        Ok(Nvidia { context, stream, blas, compiler, name })
    }

    /// What the device is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of memory that nobody uses.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    pub fn free_memory(&self) -> Result<usize, Fault> {
        bind(self.context)?;
        Ok(result::mem_get_info().map_err(fault("cuMemGetInfo"))?.0)
    }

    fn loaded(&self, image: &[u8]) -> Result<Module, Fault> {
        // SAFETY: NVRTC made the image, or a file holds what NVRTC made; the driver checks it.
        let module = unsafe { result::module::load_data(image.as_ptr().cast::<c_void>()) };
        module.map(|module| Module(module as u64)).map_err(fault("cuModuleLoadData"))
    }
}

/// NVIDIA's device of a number as a device of the engine, `cuda` or `cuda:1` and so on: the same for
/// everybody who asks. Images and limits are those of the first who did.
///
/// # Errors
/// As [`Nvidia::open`].
pub fn device(number: usize, images: Option<PathBuf>, limits: Limits) -> Result<Device, Fault> {
    static OPEN: Mutex<BTreeMap<usize, Device>> = Mutex::new(BTreeMap::new());
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(&device) = open.get(&number) {
        return Ok(device);
    }
    let driver = Nvidia::open(number, images)?;
    let name: &'static str = match number {
        0 => "cuda",
        number => Box::leak(format!("cuda:{number}").into_boxed_str()),
    };
    tracing::debug!(device = name, model = driver.name(), "opened");
    let device = crate::device(name, Box::new(driver), limits);
    open.insert(number, device);
    Ok(device)
}

/// How many devices there are.
///
/// # Errors
/// [`Fault::Missing`] where the driver or a library is not there, or the driver finds no device.
pub fn devices() -> Result<usize, Fault> {
    missing::check()?;
    result::init().map_err(|error| {
        Fault::Missing(format!("the driver of NVIDIA finds no graphics processor: {error}"))
    })?;
    let count = result::device::get_count().map_err(fault("cuDeviceGetCount"))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Makes the context the thread's own.
fn bind(context: CUcontext) -> Result<(), Fault> {
    // SAFETY: the context was retained and is never released.
    unsafe { result::ctx::set_current(context) }.map_err(fault("cuCtxSetCurrent"))
}

impl Driver for Nvidia {
    fn allocate(&self, bytes: usize) -> Result<Address, Fault> {
        bind(self.context)?;
        // SAFETY: nobody relies on what is there.
        match unsafe { result::malloc_sync(bytes) } {
            Ok(at) => Ok(Address(at)),
            Err(DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => Err(Fault::Memory { bytes }),
            Err(error) => Err(fault("cuMemAlloc")(error)),
        }
    }

    fn free(&self, at: Address) {
        // Nothing can be done about memory that is not to be given back.
        let freed = bind(self.context).and_then(|()| {
            // SAFETY: it was allocated here and is freed once; the call waits for what is queued.
            unsafe { result::free_sync(at.0) }.map_err(fault("cuMemFree"))
        });
        if let Err(error) = freed {
            tracing::warn!(%error, "memory of a graphics processor was not given back");
        }
    }

    fn write(&self, to: Address, from: &[u8]) -> Result<(), Fault> {
        bind(self.context)?;
        // SAFETY: callers name memory that they allocated; from pageable memory the call returns when
        // the host's bytes have been taken.
        unsafe { result::memcpy_htod_async(to.0, from, self.stream) }
            .map_err(fault("cuMemcpyHtoDAsync"))
    }

    fn read(&self, from: Address, to: &mut [u8]) -> Result<(), Fault> {
        bind(self.context)?;
        // SAFETY: callers name memory that they allocated, and the host's is waited for below.
        unsafe { result::memcpy_dtoh_async(to, from.0, self.stream) }
            .map_err(fault("cuMemcpyDtoHAsync"))?;
        self.synchronise()
    }

    fn copy(&self, from: Address, to: Address, bytes: usize) -> Result<(), Fault> {
        bind(self.context)?;
        // SAFETY: callers name memory that they allocated.
        unsafe { result::memcpy_dtod_async(to.0, from.0, bytes, self.stream) }
            .map_err(fault("cuMemcpyDtoDAsync"))
    }

    fn zero(&self, to: Address, bytes: usize) -> Result<(), Fault> {
        bind(self.context)?;
        // SAFETY: callers name memory that they allocated.
        unsafe { result::memset_d8_async(to.0, 0, bytes, self.stream) }
            .map_err(fault("cuMemsetD8Async"))
    }

    fn load(&self, source: &str) -> Result<Module, Fault> {
        bind(self.context)?;
        if let Some(image) = self.compiler.kept(source) {
            match self.loaded(&image) {
                Ok(module) => return Ok(module),
                Err(error) => tracing::warn!(%error, "a kept kernel is compiled again"),
            }
        }
        self.loaded(&self.compiler.compile(source)?)
    }

    fn function(&self, module: Module, name: &str) -> Result<Function, Fault> {
        bind(self.context)?;
        let missing = |message: String| Fault::Failed { call: "cuModuleGetFunction", message };
        let text = CString::new(name).map_err(|error| missing(error.to_string()))?;
        // SAFETY: modules are never unloaded.
        let function = unsafe { result::module::get_function(module.0 as CUmodule, text) };
        match function {
            Ok(function) => Ok(Function(function as u64)),
            Err(error) => Err(missing(format!("{name}: {error}"))),
        }
    }

    fn launch(&self, function: Function, grid: Grid, words: &[u64]) -> Result<(), Fault> {
        bind(self.context)?;
        let (blocks, threads) = ((grid.blocks, 1, 1), (grid.threads, 1, 1));
        let mut parameters = [words.as_ptr().cast_mut().cast::<c_void>()];
        // SAFETY: the kernel's one parameter is a structure of these words, which the call copies; the
        // plan lays all that they name inside its memory.
        unsafe {
            let function = function.0 as CUfunction;
            result::launch_kernel(function, blocks, threads, 0, self.stream, &mut parameters)
        }
        .map_err(fault("cuLaunchKernel"))
    }

    fn product(&self, product: &Product<Address>) -> Result<(), Fault> {
        bind(self.context)?;
        product::multiply(self.blas, product)
    }

    fn begin_capture(&self) -> Result<(), Fault> {
        bind(self.context)?;
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: the stream is there as long as this is.
        unsafe { result::stream::begin_capture(self.stream, mode) }
            .map_err(fault("cuStreamBeginCapture"))
    }

    fn end_capture(&self) -> Result<Recorded, Fault> {
        bind(self.context)?;
        // SAFETY: the stream is there as long as this is.
        let graph = unsafe { result::stream::end_capture(self.stream) }
            .map_err(fault("cuStreamEndCapture"))?;
        // SAFETY: the graph was just captured, and is dropped once, after it was instantiated.
        let instance = unsafe {
            let instance = result::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0));
            result::graph::destroy(graph).map_err(fault("cuGraphDestroy"))?;
            instance
        };
        let instance = instance.map_err(fault("cuGraphInstantiate"))?;
        Ok(Recorded(instance as u64))
    }

    fn replay(&self, recorded: Recorded) -> Result<(), Fault> {
        bind(self.context)?;
        // SAFETY: recordings are there until they are forgotten.
        unsafe { result::graph::launch(recorded.0 as CUgraphExec, self.stream) }
            .map_err(fault("cuGraphLaunch"))
    }

    fn forget(&self, recorded: Recorded) {
        let forgotten = bind(self.context).and_then(|()| {
            // SAFETY: a recording is forgotten once.
            unsafe { result::graph::exec_destroy(recorded.0 as CUgraphExec) }
                .map_err(fault("cuGraphExecDestroy"))
        });
        if let Err(error) = forgotten {
            tracing::warn!(%error, "a recording was not given back");
        }
    }

    fn synchronise(&self) -> Result<(), Fault> {
        bind(self.context)?;
        // SAFETY: the stream is there as long as this is.
        unsafe { result::stream::synchronize(self.stream) }.map_err(fault("cuStreamSynchronize"))
    }
}

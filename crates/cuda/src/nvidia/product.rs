//! Products of matrices by cuBLAS, whose matrices are column-major: it computes the transposed product.

use std::ffi::{c_int, c_void};

use autodiff::DType;
use cudarc::cublas::result::{self, CublasError};
use cudarc::cublas::sys::{self, cublasHandle_t, cublasOperation_t};
use cudarc::driver::sys::CUstream;

use crate::driver::{Address, Factor, Fault, Product};

/// Bytes that cuBLAS works in. With memory of its own on one stream, its results are the same every time.
const WORKSPACE: usize = 32 << 20;

fn fault(call: &'static str) -> impl Fn(CublasError) -> Fault {
    move |error| Fault::Failed { call, message: format!("{error:?}") }
}

/// The library for a stream.
pub(super) fn handle(stream: CUstream) -> Result<cublasHandle_t, Fault> {
    let handle = result::create_handle().map_err(fault("cublasCreate"))?;
    // SAFETY: a context is current; the memory is never given back.
    let workspace = unsafe { cudarc::driver::result::malloc_sync(WORKSPACE) }
        .map_err(|_| Fault::Memory { bytes: WORKSPACE })?;
    // SAFETY: handle and stream are there until the process ends, and so is the memory.
    unsafe {
        result::set_stream(handle, stream.cast()).map_err(fault("cublasSetStream"))?;
        sys::cublasSetWorkspace_v2(handle, workspace as *mut c_void, WORKSPACE)
            .result()
            .map_err(fault("cublasSetWorkspace"))?;
    }
    Ok(handle)
}

/// An extent as the library takes it.
fn extent(number: usize) -> Result<c_int, Fault> {
    let message = || format!("matrices of {number} rows or columns are more than it takes");
    number.try_into().map_err(|_| Fault::Failed { call: "cublasGemm", message: message() })
}

fn operation(factor: &Factor<Address>) -> cublasOperation_t {
    match factor.transposed {
        true => cublasOperation_t::CUBLAS_OP_T,
        false => cublasOperation_t::CUBLAS_OP_N,
    }
}

/// Queues products: C^T = B^T A^T, as row-major matrices are transposed column-major ones.
pub(super) fn multiply(handle: cublasHandle_t, product: &Product<Address>) -> Result<(), Fault> {
    let Product { dtype, left, right, result: to, adds, .. } = *product;
    let [m, n, k, count] = [product.m, product.n, product.k, product.count];
    let [m, n, k, count] = [extent(m)?, extent(n)?, extent(k)?, extent(count)?];
    let rows = [extent(right.row)?, extent(left.row)?, extent(to.row)?];
    let steps = [right.step, left.step, to.step].map(|step| step as i64);
    let operations = (operation(&right), operation(&left));
    macro_rules! gemm {
        ($gemm:ident, $real:ty) => {{
            let (one, kept): ($real, $real) = (1.0, if adds { 1.0 } else { 0.0 });
            let (a, b) = (right.at.0 as *const $real, left.at.0 as *const $real);
            let c = to.at.0 as *mut $real;
            // SAFETY: the plan lays matrices inside the memory of its values; the two factors are
            // read by the host when the call is made.
            unsafe {
                result::$gemm(
                    handle,
                    operations.0,
                    operations.1,
                    n,
                    m,
                    k,
                    &one,
                    a,
                    rows[0],
                    steps[0],
                    b,
                    rows[1],
                    steps[1],
                    &kept,
                    c,
                    rows[2],
                    steps[2],
                    count,
                )
            }
            .map_err(fault(stringify!($gemm)))
        }};
    }
    match dtype {
        DType::F64 => gemm!(dgemm_strided_batched, f64),
        _ => gemm!(sgemm_strided_batched, f32),
    }
}

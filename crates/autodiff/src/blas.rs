//! The BLAS library underneath: linked, kept to one thread, and named for the record.
#![expect(unsafe_code, reason = "OpenBLAS tells its configuration through C functions")]

use std::ffi::{CStr, c_char, c_int};
use std::sync::Once;

use openblas_src as _;

unsafe extern "C" {
    fn openblas_get_config() -> *const c_char;
    fn openblas_get_corename() -> *const c_char;
    fn openblas_set_num_threads(threads: c_int);
}

/// Keeps OpenBLAS to one thread; threads are the engine's own, so that bits do not depend on them.
pub(crate) fn single_thread() {
    static ONCE: Once = Once::new();
    // SAFETY: a plain setter without preconditions.
    ONCE.call_once(|| unsafe { openblas_set_num_threads(1) });
}

/// Version and build options of the BLAS library.
#[must_use]
pub fn blas_config() -> String {
    // SAFETY: OpenBLAS returns a static string that ends in a zero byte.
    unsafe { CStr::from_ptr(openblas_get_config()) }.to_string_lossy().trim().to_owned()
}

/// Name of the processor kind whose kernels the BLAS library runs.
#[must_use]
pub fn blas_core() -> String {
    // SAFETY: OpenBLAS returns a static string that ends in a zero byte.
    unsafe { CStr::from_ptr(openblas_get_corename()) }.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_names_itself() {
        assert!(blas_config().starts_with("OpenBLAS"));
        assert!(!blas_core().is_empty());
    }
}

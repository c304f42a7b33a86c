//! What has to be there, and what to say where it is not.

use crate::driver::Fault;

/// That the driver and both libraries can be loaded.
pub(super) fn check() -> Result<(), Fault> {
    // SAFETY: loading the libraries of CUDA runs nothing but what they set up for themselves.
    let there = unsafe {
        [
            cudarc::driver::sys::is_culib_present(),
            cudarc::nvrtc::sys::is_culib_present(),
            cudarc::cublas::sys::is_culib_present(),
        ]
    };
    match there.into_iter().zip(SENTENCES).find(|(there, _)| !there) {
        Some((_, sentence)) => Err(Fault::Missing(sentence.into())),
        None => Ok(()),
    }
}

const SENTENCES: [&str; 3] = [
    "the driver of NVIDIA's graphics processors (libcuda) is not there: install it, or use the device cpu",
    "the compiler NVRTC of CUDA 12 (libnvrtc) is not there: install it, put its folder on \
     LD_LIBRARY_PATH, or use the device cpu",
    "the library cuBLAS of CUDA 12 (libcublas) is not there: install it, put its folder on \
     LD_LIBRARY_PATH, or use the device cpu",
];

#[cfg(test)]
mod tests {
    use crate::driver::Fault;
    use crate::nvidia::{Nvidia, devices};

    #[test]
    fn what_is_missing_is_said_in_a_sentence() {
        // On a machine with such a device there is nothing to be said.
        let Err(fault) = devices() else { return };
        let Fault::Missing(sentence) = &fault else { panic!("{fault:?}") };
        assert!(sentence.contains("NVIDIA") || sentence.contains("CUDA"), "{sentence}");
        assert_eq!(Nvidia::open(0, None).unwrap_err(), fault);
    }
}

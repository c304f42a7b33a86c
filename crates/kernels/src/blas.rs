//! The BLAS library underneath: linked, kept to one thread, given kernels for the processor, and named
//! for the record.
#![expect(unsafe_code, reason = "C functions of OpenBLAS, and the environment it reads")]

use std::env;
use std::ffi::{CStr, c_char, c_int};
use std::fs;
use std::io;
use std::process::Command;
use std::sync::Once;

use openblas_src as _;

use crate::simd::{Isa, isa};

unsafe extern "C" {
    fn openblas_get_config() -> *const c_char;
    fn openblas_get_corename() -> *const c_char;
    fn openblas_set_num_threads(threads: c_int);
}

/// Keeps OpenBLAS to one thread; threads are the engine's own, so that bits do not depend on them.
pub fn single_thread() {
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

/// The variable by which OpenBLAS is told whose kernels to run. It is read when the library is loaded.
const CORE: &str = "OPENBLAS_CORETYPE";

/// The variable by which OpenBLAS is told how many threads to start when it is loaded.
const THREADS: &str = "OPENBLAS_NUM_THREADS";
/// The names of the variables that were set by [`use_modern_blas`], with commas between them.
const RESTARTED: &str = "REGIMEN_MODERN_BLAS";

/// Kernels without AVX. OpenBLAS falls back to one of these on a processor that is newer than itself.
const OLD_CORES: &str = "Atom Banias Barcelona Bobcat Coppermine Core2 Dunnington Generic Katmai Nano \
     Nehalem Northwood Opteron Opteron_SSE3 Penryn Prescott Unknown";

/// Starts this program again, as the same process, where OpenBLAS needs to be told something before it is
/// loaded: with `OPENBLAS_CORETYPE` where it is older than the processor and fell back to kernels without
/// AVX, which take several times as long; with one thread where the address space is limited, because a
/// thread of its own that finds no room for its buffer tries for ever, and the program could not end.
/// To be called first in `main`. A variable that is set already stays as it is. Programs that this one
/// starts do not inherit what was set: theirs may be another OpenBLAS.
///
/// # Errors
/// When the program cannot be started again; it goes on with slower kernels then.
pub fn use_modern_blas() -> io::Result<()> {
    if let Ok(names) = env::var(RESTARTED) {
        let set = [CORE, THREADS].into_iter().filter(|name| names.split(',').any(|n| n == *name));
        for name in set.chain([RESTARTED]) {
            // SAFETY: `main` has just begun; the threads of OpenBLAS do not look at the environment.
            unsafe { env::remove_var(name) };
        }
        return Ok(());
    }
    let core = modern_core(&blas_core()).map(|core| (CORE, core));
    let threads = is_address_space_limited().then_some((THREADS, "1"));
    let unset = |(name, _): &(&str, &str)| env::var_os(name).is_none();
    let told: Vec<_> = core.into_iter().chain(threads).filter(unset).collect();
    if told.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = told.iter().map(|(name, _)| *name).collect();
    let mut again = Command::new(env::current_exe()?);
    again.args(env::args_os().skip(1)).envs(told).env(RESTARTED, names.join(","));
    restart(&mut again)
}

/// Whether `ulimit -v` says how much this process may take, as far as Linux tells.
fn is_address_space_limited() -> bool {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"));
    line.is_some_and(|line| line.split_whitespace().next() != Some("unlimited"))
}

#[cfg(unix)]
fn restart(again: &mut Command) -> io::Result<()> {
    Err(std::os::unix::process::CommandExt::exec(again))
}

#[cfg(not(unix))]
fn restart(again: &mut Command) -> io::Result<()> {
    std::process::exit(again.status()?.code().unwrap_or(1))
}

/// The kernels that this processor can run in place of those of `core`, if those are old ones.
fn modern_core(core: &str) -> Option<&'static str> {
    let old = OLD_CORES.split_whitespace().any(|old| old.eq_ignore_ascii_case(core));
    match isa() {
        Isa::Avx512 if old => Some("SkylakeX"),
        Isa::Avx2 if old => Some("Haswell"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kernels_without_avx_are_replaced() {
        assert_eq!(
            [modern_core("Haswell"), modern_core("SkylakeX"), modern_core("Zen")],
            [None; 3]
        );
        let replaced = modern_core("Prescott");
        assert_eq!(replaced, modern_core("core2"));
        assert_eq!(replaced.is_some(), isa() > Isa::Plain);
    }

    #[test]
    fn the_library_names_itself() {
        assert!(blas_config().starts_with("OpenBLAS"));
        assert!(!blas_core().is_empty());
    }
}

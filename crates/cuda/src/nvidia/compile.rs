//! Kernels compiled by NVRTC, and kept as files for the next program that wants them.

use std::ffi::{CStr, CString, c_char, c_int};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use cudarc::nvrtc::result::{self, NvrtcError};
use cudarc::nvrtc::sys::{self, nvrtcProgram};
use sha2::{Digest, Sha256};

use crate::driver::Fault;
use crate::source::DEVICE;

/// Each operation is rounded by itself, as on other devices. `scripts/nvrtc_check.py` has the same.
const OPTIONS: [&str; 2] = ["--std=c++17", "--fmad=false"];

/// The compiler for one architecture.
#[derive(Debug)]
pub(super) struct Compiler {
    /// What it compiles for, such as `sm_90`; `compute_90` where the driver has to go on from there.
    architecture: String,
    version: (c_int, c_int),
    folder: Option<PathBuf>,
}

fn fault(call: &'static str) -> impl Fn(NvrtcError) -> Fault {
    move |error| Fault::Failed { call, message: error.to_string() }
}

impl Compiler {
    /// For devices of a compute capability, such as 90.
    pub(super) fn new(capability: i32, folder: Option<PathBuf>) -> Result<Compiler, Fault> {
        let (mut version, mut count) = ((0, 0), 0);
        // SAFETY: each call writes the numbers it is given room for.
        let known = unsafe {
            sys::nvrtcVersion(&raw mut version.0, &raw mut version.1)
                .result()
                .map_err(fault("nvrtcVersion"))?;
            sys::nvrtcGetNumSupportedArchs(&raw mut count)
                .result()
                .map_err(fault("nvrtcGetNumSupportedArchs"))?;
            let mut known = vec![0; usize::try_from(count).unwrap_or(0)];
            sys::nvrtcGetSupportedArchs(known.as_mut_ptr())
                .result()
                .map_err(fault("nvrtcGetSupportedArchs"))?;
            known
        };
        let architecture = architecture(capability, &known)?;
        Ok(Compiler { architecture, version, folder })
    }

    /// What was kept of a source.
    pub(super) fn kept(&self, source: &str) -> Option<Vec<u8>> {
        fs::read(self.file(source)?).ok()
    }

    /// Compiles a source, and keeps what comes of it where there is a folder for that.
    pub(super) fn compile(&self, source: &str) -> Result<Vec<u8>, Fault> {
        let image = self.image(source)?;
        if let Some(file) = self.file(source) {
            let beside = file.with_extension(format!("{}.part", std::process::id()));
            let kept = file
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&beside, &image))
                .and_then(|()| fs::rename(&beside, &file));
            if let Err(error) = kept {
                tracing::warn!(%error, file = %file.display(), "a compiled kernel was not kept");
            }
        }
        Ok(image)
    }

    fn file(&self, source: &str) -> Option<PathBuf> {
        let (major, minor) = self.version;
        let mut hash = Sha256::new();
        for part in [DEVICE, source, &OPTIONS.join(" "), &format!("{major}.{minor}")] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut name = format!("{}-", self.architecture);
        for byte in hash.finalize() {
            // Writing to a string does not fail.
            let _ = write!(name, "{byte:02x}");
        }
        Some(self.folder.as_ref()?.join(name))
    }

    fn image(&self, source: &str) -> Result<Vec<u8>, Fault> {
        let text = CString::new([DEVICE, source].concat())
            .map_err(|error| Fault::Failed { call: "nvrtc", message: error.to_string() })?;
        let program = result::create_program(&text, None).map_err(fault("nvrtcCreateProgram"))?;
        let image = self.compiled(program);
        // SAFETY: the program was made above and is dropped once.
        unsafe { result::destroy_program(program) }.map_err(fault("nvrtcDestroyProgram"))?;
        image
    }

    fn compiled(&self, program: nvrtcProgram) -> Result<Vec<u8>, Fault> {
        let architecture = format!("--gpu-architecture={}", self.architecture);
        let options = [OPTIONS[0], OPTIONS[1], &architecture];
        // SAFETY: the program is there until the caller drops it.
        unsafe { result::compile_program(program, &options) }.map_err(|error| Fault::Failed {
            call: "nvrtcCompileProgram",
            message: format!("{error}: {}", log(program)),
        })?;
        if self.architecture.starts_with("sm_") {
            return cubin(program).map_err(fault("nvrtcGetCUBIN"));
        }
        // SAFETY: as above.
        let ptx = unsafe { result::get_ptx(program) }.map_err(fault("nvrtcGetPTX"))?;
        Ok(ptx.into_iter().map(|byte| byte as u8).collect())
    }
}

fn cubin(program: nvrtcProgram) -> Result<Vec<u8>, NvrtcError> {
    let mut len = 0;
    // SAFETY: the program was compiled; the second call writes as many bytes as the first one says.
    unsafe {
        sys::nvrtcGetCUBINSize(program, &raw mut len).result()?;
        let mut image = vec![0u8; len];
        sys::nvrtcGetCUBIN(program, image.as_mut_ptr().cast::<c_char>()).result()?;
        Ok(image)
    }
}

/// What the compiler said.
fn log(program: nvrtcProgram) -> String {
    // SAFETY: the program is there until the caller drops it.
    let Ok(log) = (unsafe { result::get_program_log(program) }) else { return String::new() };
    let bytes: Vec<u8> = log.into_iter().map(|byte| byte as u8).collect();
    let text = CStr::from_bytes_until_nul(&bytes).map(CStr::to_string_lossy);
    text.map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// The processor itself where the compiler knows it, else the latest before it, for the driver to go on.
fn architecture(capability: i32, known: &[c_int]) -> Result<String, Fault> {
    if known.contains(&capability) {
        return Ok(format!("sm_{capability}"));
    }
    match known.iter().filter(|&&known| known < capability).max() {
        Some(latest) => Ok(format!("compute_{latest}")),
        None => Err(Fault::Missing(format!(
            "the compiler NVRTC knows no graphics processor of compute capability {}.{}: wanted an older \
             one of its releases",
            capability / 10,
            capability % 10
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_that_the_compiler_does_not_know_gets_code_of_the_one_before() {
        let known = [75, 80, 86, 90];
        assert_eq!(architecture(86, &known).unwrap(), "sm_86");
        assert_eq!(architecture(120, &known).unwrap(), "compute_90");
        assert_eq!(architecture(89, &known).unwrap(), "compute_86");
        let error = architecture(61, &known).unwrap_err().to_string();
        assert!(error.contains("compute capability 6.1"), "{error}");
    }

    #[test]
    fn images_are_named_after_all_that_they_are_made_of() {
        let compiler = |architecture: &str, minor| Compiler {
            architecture: architecture.into(),
            version: (12, minor),
            folder: Some(PathBuf::from("kept")),
        };
        let first = compiler("sm_90", 9).file("a").unwrap();
        assert!(first.starts_with("kept"));
        assert_eq!(compiler("sm_90", 9).file("a").unwrap(), first);
        assert_ne!(compiler("sm_80", 9).file("a").unwrap(), first);
        assert_ne!(compiler("sm_90", 8).file("a").unwrap(), first);
        assert_ne!(compiler("sm_90", 9).file("b").unwrap(), first);
        assert_eq!(Compiler { folder: None, ..compiler("sm_90", 9) }.file("a"), None);
    }
}

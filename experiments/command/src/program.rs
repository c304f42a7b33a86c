//! Whether a program can be started, in words.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How much of a first line names an interpreter.
const FIRST_LINE: usize = 256;

/// Why a program cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// No folder of the search path has it.
    #[error("no program {program} is in any folder of PATH ({path}){hint}")]
    NotOnPath {
        /// Its name.
        program: String,
        /// The search path.
        path: String,
        /// What may be meant otherwise.
        hint: String,
    },
    /// Nothing is there.
    #[error("there is no program {}; paths of programs start at the folder that regimen is started in", .tried.display())]
    Missing {
        /// Its absolute path.
        tried: PathBuf,
    },
    /// It is a folder, a device or the like.
    #[error("{} is no file", .tried.display())]
    NoFile {
        /// Its absolute path.
        tried: PathBuf,
    },
    /// It has no permission to be executed.
    #[error("{path} may not be executed: allow it by `chmod +x {path}`, or name its interpreter before it", path = .tried.display())]
    NotExecutable {
        /// Its absolute path.
        tried: PathBuf,
    },
    /// It has the line endings of Windows.
    #[error("the first line of {path} ends with a carriage return (\\r), as on Windows, so that no interpreter {interpreter:?} is found: remove them by `sed -i 's/\\r$//' {path}`", path = .tried.display())]
    CarriageReturn {
        /// Its absolute path.
        tried: PathBuf,
        /// As it was asked for.
        interpreter: String,
    },
    /// The program that its first line names is not there.
    #[error("the first line of {} asks for the interpreter {interpreter}, which is not there", .tried.display())]
    NoInterpreter {
        /// Its absolute path.
        tried: PathBuf,
        /// As it was asked for.
        interpreter: String,
    },
    /// It cannot be looked at.
    #[error("{}", .tried.display())]
    Unreadable {
        /// Its absolute path.
        tried: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The file of a program, as a shell would find it.
///
/// # Errors
/// [`ProgramError`]: it is not there, may not be executed, or its interpreter is not there.
pub fn find(program: &str) -> Result<PathBuf, ProgramError> {
    if !program.contains('/') {
        return on_path(program).ok_or_else(|| not_on_path(program));
    }
    let tried = std::path::absolute(program).unwrap_or_else(|_| program.into());
    let found = match fs::metadata(&tried) {
        Ok(found) => found,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Err(ProgramError::Missing { tried });
        }
        Err(source) => return Err(ProgramError::Unreadable { tried, source }),
    };
    if !found.is_file() {
        return Err(ProgramError::NoFile { tried });
    }
    if !is_executable(&found) {
        return Err(ProgramError::NotExecutable { tried });
    }
    interpreter(&tried)?;
    Ok(tried)
}

/// Whether anybody may execute a file.
fn is_executable(found: &Metadata) -> bool {
    found.is_file() && found.permissions().mode() & 0o111 != 0
}

/// Whether a path is a file that may be executed.
pub(crate) fn is_executable_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| is_executable(&found))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| is_executable_file(file))
}

fn not_on_path(program: &str) -> ProgramError {
    let path = std::env::var_os("PATH").unwrap_or_default().to_string_lossy().into_owned();
    let here = Path::new(program).is_file();
    let hint =
        if here { format!("; the one in this folder is ./{program}") } else { String::new() };
    ProgramError::NotOnPath { program: program.into(), path, hint }
}

/// Looks for the interpreter that the first line of a script names.
fn interpreter(tried: &Path) -> Result<(), ProgramError> {
    let mut first = Vec::new();
    // A program that may be executed and not read is no script.
    let Ok(file) = File::open(tried) else { return Ok(()) };
    if file.take(FIRST_LINE as u64).read_to_end(&mut first).is_err() {
        return Ok(());
    }
    let Some(rest) = first.strip_prefix(b"#!") else { return Ok(()) };
    let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line).into_owned();
    let ends_in_return = line.ends_with('\r');
    let mut words = line.split_ascii_whitespace();
    let Some(named) = words.next() else { return Ok(()) };
    let missing = |interpreter: &str| {
        let (tried, interpreter) = (tried.to_owned(), interpreter.to_owned());
        if ends_in_return {
            return ProgramError::CarriageReturn { tried, interpreter };
        }
        ProgramError::NoInterpreter { tried, interpreter }
    };
    if ends_in_return || !is_executable_file(Path::new(named)) {
        return Err(missing(line.trim()));
    }
    if Path::new(named).file_name() != Some(OsStr::new("env")) {
        return Ok(());
    }
    // `env` takes assignments and, with -S, options before the program.
    let wanted = words.find(|word| !word.starts_with('-') && !word.contains('='));
    match wanted {
        Some(wanted) if !wanted.contains('/') && on_path(wanted).is_none() => Err(missing(wanted)),
        Some(wanted) if wanted.contains('/') && !Path::new(wanted).exists() => Err(missing(wanted)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(first_line: &str, mode: u32) -> (tempfile::TempDir, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.sh");
        fs::write(&path, format!("{first_line}\nexit 0\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let name = path.to_str().unwrap().to_owned();
        (dir, name)
    }

    fn refused(first_line: &str, mode: u32) -> String {
        let (_dir, name) = script(first_line, mode);
        find(&name).unwrap_err().to_string().replace(&name, "RUN")
    }

    #[test]
    fn programs_that_can_be_started_are_found() {
        assert!(find("sh").unwrap().ends_with("sh"));
        for first_line in
            ["#!/bin/sh", "#! /bin/sh -e", "#!/usr/bin/env sh", "#!/usr/bin/env -S A=1 sh -e", ":"]
        {
            let (_dir, name) = script(first_line, 0o755);
            assert_eq!(find(&name).unwrap(), Path::new(&name), "{first_line}");
        }
    }

    #[test]
    fn why_a_program_cannot_be_started_is_said() {
        let text = refused("#!/bin/sh", 0o644);
        assert!(text.starts_with("RUN may not be executed: allow it by `chmod +x RUN`"), "{text}");
        let text = refused("#!/usr/bin/no-python", 0o755);
        let wanted = "asks for the interpreter /usr/bin/no-python, which is not there";
        assert_eq!(text, format!("the first line of RUN {wanted}"));
        assert!(
            refused("#!/usr/bin/env no-python -u", 0o755)
                .ends_with("interpreter no-python, which is not there")
        );
        let text = refused("#!/usr/bin/env python3\r", 0o755);
        assert!(text.contains("ends with a carriage return (\\r), as on Windows"), "{text}");
        assert!(text.ends_with("`sed -i 's/\\r$//' RUN`"), "{text}");
        let text = find("no-such-program").unwrap_err().to_string();
        assert!(
            text.starts_with("no program no-such-program is in any folder of PATH (/"),
            "{text}"
        );
        let text = find("/no/such").unwrap_err().to_string();
        assert!(text.starts_with("there is no program /no/such; "), "{text}");
        assert_eq!(find("/tmp").unwrap_err().to_string(), "/tmp is no file");
        let error = find("./no-such").unwrap_err();
        assert!(
            matches!(&error, ProgramError::Missing { tried } if tried.is_absolute()),
            "{error}"
        );
    }
}

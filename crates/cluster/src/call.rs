//! Programs of schedulers: looked for, started, and their exit status looked at.

use std::env;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::Error;

/// One program with its arguments.
#[derive(Debug)]
pub(crate) struct Call {
    program: &'static str,
    args: Vec<String>,
}

/// What a program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) call: String,
    pub(crate) succeeded: bool,
    status: String,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Call {
    pub(crate) fn new<S: Into<String>>(
        program: &'static str,
        args: impl IntoIterator<Item = S>,
    ) -> Self {
        Self { program, args: args.into_iter().map(Into::into).collect() }
    }

    /// Runs it, whatever its exit status is.
    pub(crate) fn run(&self) -> Result<Said, Error> {
        let mut command = Command::new(self.program);
        // What is parsed is in English, and times need no zone.
        command.args(&self.args).env("LC_ALL", "C").stdin(std::process::Stdio::null());
        let output = command.output().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::NoProgram { program: self.program.into() },
            _ => Error::Start { program: self.program.into(), source },
        })?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = Said {
            call: format!("{} {}", self.program, self.args.join(" ")),
            succeeded: output.status.success(),
            status: output.status.to_string(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        };
        tracing::debug!(call = said.call, status = said.status, err = said.err.trim());
        Ok(said)
    }

    /// Runs it; an exit status other than 0 is an error.
    pub(crate) fn succeed(&self) -> Result<Said, Error> {
        let said = self.run()?;
        if said.succeeded { Ok(said) } else { Err(said.refused()) }
    }
}

impl Said {
    /// The error of a program that did not succeed.
    pub(crate) fn refused(self) -> Error {
        let lines = if self.err.trim().is_empty() { &self.out } else { &self.err };
        let lines: Vec<&str> =
            lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let said = if lines.is_empty() { "it said nothing".into() } else { lines.join("; ") };
        Error::Refused { call: self.call, status: self.status, said }
    }

    /// The error of a program that printed something else than `wanted`.
    pub(crate) fn unexpected(self, wanted: &'static str) -> Error {
        let found: String = self.out.trim().chars().take(200).collect();
        Error::Unexpected { call: self.call, wanted, found }
    }
}

/// Where a program is on this machine.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    let is_program = |path: &PathBuf| {
        path.metadata()
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    env::split_paths(&paths).map(|folder| folder.join(name)).find(is_program)
}

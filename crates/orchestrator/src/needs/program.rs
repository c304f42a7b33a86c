use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::Supply;

/// Bytes of a file that are looked at for its interpreter; the kernel looks at no more.
const FIRST: u64 = 256;

/// Whether a program can be started: the file of a path, or of a name that is looked for in `PATH`.
pub fn find_program(word: &str) -> Supply {
    find(word, &env::var_os("PATH").unwrap_or_default())
}

fn find(word: &str, search: &OsStr) -> Supply {
    if word.contains('/') {
        return judge(Path::new(word));
    }
    match in_path(word, search) {
        Some(path) => judge(&path),
        None if Path::new(word).is_file() => Supply::missing(
            "no folder of PATH has it",
            format!("`./{word}` is the file in this folder"),
        ),
        None => Supply::missing("no folder of PATH has it", "install it, or write its path"),
    }
}

/// The first executable file of a name, or else the first file.
fn in_path(word: &str, search: &OsStr) -> Option<PathBuf> {
    let files = || env::split_paths(search).map(|folder| folder.join(word)).filter(|p| p.is_file());
    files().find(|path| access(path, Access::EXEC_OK).is_ok()).or_else(|| files().next())
}

fn judge(path: &Path) -> Supply {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let shown = absolute.display();
    match path.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Supply::missing(
                format!("there is no file {shown}"),
                "paths of programs start at the folder that regimen is started in",
            );
        }
        Err(error) => return Supply::missing(format!("{shown}: {error}"), ""),
        Ok(found) if found.is_dir() => {
            return Supply::missing(format!("{shown} is a folder"), "name a program in it");
        }
        Ok(_) => {}
    }
    if access(path, Access::EXEC_OK).is_err() {
        let chmod = format!("`chmod +x {}` makes it so", path.display());
        return Supply::missing(format!("{shown} is not executable"), chmod);
    }
    let mut first = Vec::new();
    // One that may be executed and not be read needs no interpreter.
    let Ok(file) = File::open(path) else { return Supply::Here };
    let Ok(_) = file.take(FIRST).read_to_end(&mut first) else { return Supply::Here };
    interpreter(path, &first)
}

/// Whether the interpreter that the first line of a script names is there.
fn interpreter(path: &Path, first: &[u8]) -> Supply {
    let Some(line) = first.strip_prefix(b"#!") else { return Supply::Here };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let shown = path.display();
    if line.ends_with('\r') {
        return Supply::missing(
            format!("the first line of {shown} ends with a carriage return, as on Windows"),
            format!("`sed -i 's/\\r$//' {shown}` takes them out"),
        );
    }
    let mut words = line.split_ascii_whitespace();
    let Some(program) = words.next() else { return Supply::Here };
    let missing = |program: &str| {
        Supply::missing(
            format!("the interpreter {program} in the first line of {shown} is not here"),
            "install it, or change that line",
        )
    };
    if !Path::new(program).exists() {
        return missing(program);
    }
    if Path::new(program).file_name() != Some(OsStr::new("env")) {
        return Supply::Here;
    }
    // `env -S python3 -u`, `env VARIABLE=value python3`
    let named = words.find(|word| !word.starts_with('-') && !word.contains('='));
    let search = env::var_os("PATH").unwrap_or_default();
    match named {
        Some(named) if !named.contains('/') && in_path(named, &search).is_none() => missing(named),
        Some(named) if named.contains('/') && !Path::new(named).exists() => missing(named),
        _ => Supply::Here,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn script(text: &str, mode: u32) -> Supply {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.sh");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        find(path.to_str().unwrap(), OsStr::new(""))
    }

    fn why(supply: Supply) -> String {
        match supply {
            Supply::Missing { why, remedy } => format!("{why}; {remedy}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_program_is_there_or_it_is_said_what_is_wrong() {
        for fine in ["#!/bin/sh\n", "#! /bin/sh -e\n", "#!/usr/bin/env sh\n", "", "\x7fELF", "#!"] {
            assert_eq!(script(fine, 0o755), Supply::Here, "{fine:?}");
        }
        for (text, mode, wanted) in [
            ("#!/bin/sh\n", 0o644, "is not executable; `chmod +x "),
            ("#!/bin/sh\r\n", 0o755, "ends with a carriage return, as on Windows; `sed -i"),
            ("#!/no/such/python\n", 0o755, "the interpreter /no/such/python in the first line"),
            ("#!/usr/bin/env -S no-such-python -u\n", 0o755, "the interpreter no-such-python in"),
        ] {
            let found = why(script(text, mode));
            assert!(found.contains(wanted), "{found}");
        }
        assert!(why(find("/no/such", OsStr::new(""))).contains("there is no file /no/such;"));
        assert!(why(find("./tests", OsStr::new(""))).contains("tests is a folder"));
        assert_eq!(find("sh", OsStr::new("/nowhere:/bin")), Supply::Here);
        assert!(why(find("sh", OsStr::new("/nowhere"))).contains("no folder of PATH has it"));
        let here = why(find("Cargo.toml", OsStr::new("/bin")));
        assert!(here.contains("`./Cargo.toml` is the file in this folder"), "{here}");
    }
}

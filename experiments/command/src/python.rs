//! The interpreter of Python that `{python}` stands for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::program::is_executable_file;

/// What is looked for on PATH where no environment is found.
const ON_PATH: &str = "python3";

/// The interpreter, looked for once: that of the environment that is active, of the folder `.venv` here or
/// nearest above, as uv makes it, of the environment that regimen is installed in, or else the one on PATH.
pub(crate) fn interpreter() -> &'static str {
    static FOUND: OnceLock<String> = OnceLock::new();
    FOUND.get_or_init(|| {
        let here = std::env::current_dir().unwrap_or_default();
        let own = std::env::current_exe().ok();
        let found = found(&|name| std::env::var_os(name), &here, own.as_deref());
        found.unwrap_or_else(|| ON_PATH.into())
    })
}

fn found(
    variable: &dyn Fn(&str) -> Option<OsString>,
    here: &Path,
    own: Option<&Path>,
) -> Option<String> {
    let folder = |name| variable(name).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    // The one that is active in every shell says nothing about a project.
    let is_base = variable("CONDA_DEFAULT_ENV").is_some_and(|name| name == "base");
    let conda = folder("CONDA_PREFIX").filter(|_| !is_base);
    let beside = here.ancestors().map(|folder| folder.join(".venv"));
    let installed = own.and_then(|own| own.parent()?.parent());
    let installed = installed.filter(|folder| folder.join("pyvenv.cfg").is_file());
    let environments = folder("VIRTUAL_ENV").into_iter().chain(conda).chain(beside);
    environments
        .chain(installed.map(Path::to_owned))
        .map(|environment| environment.join("bin/python"))
        .find(|python| is_executable_file(python))
        .and_then(|python| python.into_os_string().into_string().ok())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_active_environment_goes_before_those_that_lie_around() {
        let dir = tempfile::tempdir().unwrap();
        let environment = |name: &str| {
            let bin = dir.path().join(name).join("bin");
            fs::create_dir_all(&bin).unwrap();
            let python = bin.join("python");
            fs::write(&python, "").unwrap();
            fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
            python.to_str().unwrap().to_owned()
        };
        let path = |name: &str| dir.path().join(name);
        let here = path("project/deep");
        fs::create_dir_all(&here).unwrap();
        let own = path("own/bin/regimen");
        let find = |set: &[(&str, &str)]| {
            let set = set.to_vec();
            let variable = move |name: &str| {
                let of = set.iter().find(|(known, _)| *known == name);
                of.map(|(_, value)| OsString::from(*value))
            };
            found(&variable, &here, Some(&own))
        };

        assert_eq!(find(&[]), None);
        let own_python = environment("own");
        assert_eq!(find(&[]), None, "a folder bin alone is no environment");
        fs::write(path("own/pyvenv.cfg"), "").unwrap();
        assert_eq!(find(&[]), Some(own_python));
        let above = environment("project/.venv");
        assert_eq!(find(&[]), Some(above.clone()));
        let conda = environment("conda");
        let conda_folder = path("conda");
        let conda_folder = ("CONDA_PREFIX", conda_folder.to_str().unwrap());
        assert_eq!(find(&[conda_folder, ("CONDA_DEFAULT_ENV", "work")]), Some(conda));
        assert_eq!(find(&[conda_folder, ("CONDA_DEFAULT_ENV", "base")]), Some(above.clone()));
        let active = environment("active");
        let active_folder = path("active");
        let active_folder = ("VIRTUAL_ENV", active_folder.to_str().unwrap());
        assert_eq!(find(&[conda_folder, active_folder]), Some(active));
        // An environment that was deleted is none.
        assert_eq!(find(&[("VIRTUAL_ENV", "/nowhere")]), Some(above));
    }
}

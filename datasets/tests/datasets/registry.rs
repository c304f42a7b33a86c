//! Packages through a stand-in for npm.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use datasets::{Digest, Store};

use crate::support::{Place, archive, assert_sound, small};

/// A program that writes its arguments to `asked` and then does as `script` says, with `$ARCHIVE`
/// the path of a good archive.
fn npm(place: &Place, script: &str) -> PathBuf {
    let folder = place.mirror();
    fs::write(folder.join("good.tgz"), archive()).unwrap();
    let (path, good) = (folder.join("npm"), folder.join("good.tgz"));
    let log = folder.join("asked");
    let text = format!(
        "#!/bin/sh\necho \"$@\" >> '{}'\nARCHIVE='{}'\n{script}\n",
        log.display(),
        good.display()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

fn store(place: &Place, npm: &std::path::Path, offline: bool) -> Store {
    let source = format!(
        "{{ from: npm, package: small, version: 1.2.0, sha256: {}, \
         holds: {{ as: tar.gz, under: s, unpacked: 20000 }} }}",
        Digest::of(&archive())
    );
    Store::new(&place.cache(), None, offline).with_manifest(small(&source)).with_npm(npm)
}

#[test]
fn a_package_is_packed_in_the_cache_and_verified() {
    let place = Place::new();
    let npm = npm(&place, "cp \"$ARCHIVE\" small-1.2.0.tgz");
    assert_sound(&store(&place, &npm, false));
    let asked = fs::read_to_string(place.mirror().join("asked")).unwrap();
    assert_eq!(asked, "pack small@1.2.0 --silent --ignore-scripts\n");
    assert!(!place.kept().iter().any(|path| path.ends_with(".tgz")), "{:?}", place.kept());
}

#[test]
fn a_whole_package_that_an_interrupted_fetch_left_is_not_fetched_again() {
    let place = Place::new();
    // Leaves the package, as a fetch does that is killed before it unpacks.
    let failing = npm(&place, "cp \"$ARCHIVE\" small-1.2.0.tgz; exit 1");
    store(&place, &failing, false).open("small").unwrap_err();
    assert_sound(&store(&place, &npm(&place, "exit 1"), false));
}

#[test]
fn a_damaged_package_that_was_left_is_fetched_again() {
    let place = Place::new();
    let failing = npm(&place, "head -c 20 \"$ARCHIVE\" > small-1.2.0.tgz; exit 1");
    store(&place, &failing, false).open("small").unwrap_err();
    assert_sound(&store(&place, &npm(&place, "cp \"$ARCHIVE\" small-1.2.0.tgz"), false));
}

#[test]
fn why_there_is_no_package_is_said() {
    let place = Place::new();
    let told = |npm: PathBuf, offline| {
        let error = store(&place, &npm, offline).open("small").unwrap_err();
        place.anonymous(error)
    };
    let said = [
        told(npm(&place, "echo 'code E404' >&2; exit 1"), false),
        told(npm(&place, "true"), false),
        told(npm(&place, "echo wrong > small-1.2.0.tgz"), false),
        told(place.mirror().join("nowhere"), false),
        told(npm(&place, "true"), true),
    ];
    // How well an archive is compressed depends on what else is built with it.
    let sum = Digest::of(&archive()).to_string();
    insta::assert_snapshot!(said.join("\n").replace(&sum, "SUM"));
}

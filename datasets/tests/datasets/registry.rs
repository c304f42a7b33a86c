//! Packages through stand-ins for the clients of registries, and through the clients themselves where
//! they are here.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, thread};

use datasets::{Digest, Error, Manifest, Registry, Store};

use crate::support::{FILES, Place, Zip, archive, assert_sound, small};

/// A program that writes its arguments to `asked` and then does as `script` says, with `$GOOD` the path
/// of a good archive.
fn client(place: &Place, good: &[u8], script: &str) -> PathBuf {
    let folder = place.mirror();
    let (path, file, log) = (folder.join("client"), folder.join("good"), folder.join("asked"));
    fs::write(&file, good).unwrap();
    let (log, file) = (log.display(), file.display());
    let text = format!("#!/bin/sh\necho \"$@\" >> '{log}'\nGOOD='{file}'\n{script}\n");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

fn asked(place: &Place) -> String {
    fs::read_to_string(place.mirror().join("asked")).unwrap_or_default()
}

/// A store whose `small` comes from `registry` by `script`, with this archive.
fn store(place: &Place, registry: Registry, good: &[u8], script: &str) -> Store {
    let holds = match registry {
        Registry::Npm => "as: tar.gz, under: s, unpacked: 20000",
        _ => "as: zip, under: s",
    };
    let source = format!(
        "{{ from: registry, registry: {registry}, package: small, version: 1.2.0, sha256: {}, \
         holds: {{ {holds} }} }}",
        Digest::of(good)
    );
    let program = client(place, good, script);
    Store::new(&place.cache(), None, false)
        .with_manifest(small(&source))
        .with_client(registry, &program)
}

fn npm(place: &Place, script: &str) -> Store {
    store(place, Registry::Npm, &archive(), script)
}

fn wheel() -> Vec<u8> {
    let mut zip = Zip::default();
    for (path, bytes) in FILES {
        zip.file(&format!("s/{path}"), bytes);
    }
    zip.file("small-1.2.0.dist-info/METADATA", b"Name: small\n").bytes()
}

fn pip(place: &Place, script: &str) -> Store {
    store(place, Registry::Pip, &wheel(), script)
}

/// A data set with one recorded file, out of a package of apt.
fn recorded(place: &Place, script: &str) -> Store {
    let manifest = "{ name: doc, version: 1, summary: one, licence: CC0, citation: none, sources: \
        [{ from: registry, registry: apt, package: small-doc, holds: { as: file, file: doc.deb } }], \
        recorded: [{ path: doc.deb, at_most: 100 }] }";
    let manifest = Manifest::parse("doc.yaml", manifest).unwrap();
    let program = client(place, b"", script);
    Store::new(&place.cache(), None, false)
        .with_manifest(manifest)
        .with_client(Registry::Apt, &program)
}

/// What apt-get does for a package with this version and content.
fn apt(version: &str, content: &str) -> String {
    let (sum, length) = (Digest::of(content.as_bytes()), content.len());
    let file = format!("small-doc_{}_all.deb", version.replace(':', "%3a"));
    format!(
        "case \"$*\" in\n*--print-uris*) echo \"'http://example.org/x.deb' {file} {length} SHA256:{sum}\" ;;\n\
         *) printf '%s' '{content}' > {file} ;;\nesac"
    )
}

#[test]
fn an_npm_package_is_packed_in_the_cache_and_verified() {
    let place = Place::new();
    assert_sound(&npm(&place, "cp \"$GOOD\" small-1.2.0.tgz"));
    assert_eq!(asked(&place), "pack small@1.2.0 --silent --ignore-scripts\n");
    assert!(!place.kept().iter().any(|path| path.ends_with(".tgz")), "{:?}", place.kept());
}

#[test]
fn a_pip_package_is_downloaded_by_its_sum_and_a_backend_stands_in() {
    let place = Place::new();
    let script = "cp wanted.txt \"$PYTHONPATH\"/setuptools/build_meta.py \"$(dirname \"$0\")\"\n\
        cp \"$GOOD\" small-1.2.0-py3-none-any.whl";
    assert_sound(&pip(&place, script));
    let wanted = fs::read_to_string(place.mirror().join("wanted.txt")).unwrap();
    assert_eq!(wanted, format!("small==1.2.0 --hash=sha256:{}\n", Digest::of(&wheel())));
    assert_eq!(
        asked(&place),
        "download --no-deps --no-build-isolation --require-hashes --requirement wanted.txt --dest .\n"
    );
    let backend = fs::read_to_string(place.mirror().join("build_meta.py")).unwrap();
    assert!(backend.contains("def prepare_metadata_for_build_wheel"));
    assert_eq!(place.kept().len(), FILES.len() + 1, "{:?}", place.kept());
}

#[test]
fn what_apt_gave_is_recorded_and_verified_against_that() {
    let place = Place::new();
    let store = recorded(&place, &apt("4:7.4-1", "first"));
    let absent = store.checksum("doc").unwrap_err();
    assert!(matches!(absent, Error::Absent { .. }), "{absent}");
    let dir = store.fetch("doc", &mut ()).unwrap();
    assert_eq!(dir.read("doc.deb").unwrap(), b"first");
    let report = store.verify("doc").unwrap();
    assert_eq!((report.files, report.faults.len()), (1, 0));
    assert_eq!(report.received[0].from, "apt small-doc=4:7.4-1");
    assert_eq!(report.received[0].file.sha256, Digest::of(b"first"));
    let line = format!("{}  doc.deb\n", Digest::of(b"first"));
    assert_eq!(store.checksum("doc").unwrap(), Digest::of(line.as_bytes()));
    assert_eq!(
        asked(&place).lines().last(),
        Some("download -o APT::Get::AllowUnauthenticated=false small-doc")
    );

    // What is there and sound stays, whatever apt has by now.
    let newer = recorded(&place, &apt("4:7.5-1", "second"));
    newer.fetch("doc", &mut ()).unwrap();
    assert_eq!(newer.open("doc").unwrap().read("doc.deb").unwrap(), b"first");
    // Damage shows against what was recorded, and so does another release.
    fs::write(dir.file("doc.deb").unwrap(), "fir5t").unwrap();
    let faults = newer.verify("doc").unwrap().faults;
    assert_eq!(faults[0].wanted, format!("sha256 {}", Digest::of(b"first")));
    let Error::Changed { wanted, came, record, .. } = newer.fetch("doc", &mut ()).unwrap_err()
    else {
        panic!("another release was taken")
    };
    assert_eq!((wanted, came.file.sha256), (Digest::of(b"first"), Digest::of(b"second")));
    assert_eq!(came.from, "apt small-doc=4:7.5-1");
    // Whoever wants it says so.
    fs::remove_file(record).unwrap();
    newer.fetch("doc", &mut ()).unwrap();
    assert_eq!(newer.verify("doc").unwrap().received[0].from, "apt small-doc=4:7.5-1");
    assert_ne!(newer.checksum("doc").unwrap(), Digest::of(line.as_bytes()));
}

#[test]
fn what_an_interrupted_apt_left_is_used_only_when_it_is_right() {
    let place = Place::new();
    // The question is answered, and the download leaves these bytes and fails.
    let left = |bytes: &str| {
        let script = apt("1", "whole").replace("'whole' >", &format!("'{bytes}' >"));
        script.replace(" ;;\n*)", "; exit 0 ;;\n*)") + "\nexit 1"
    };
    let fetch = |script: &str| {
        let dir = recorded(&place, script).fetch("doc", &mut ());
        dir.map(|dir| dir.file("doc.deb").unwrap())
    };
    let add = apt("1", "whole").replace("'whole' >", "'whole' >>");
    for bytes in ["wh", "WHOLE"] {
        fetch(&left(bytes)).unwrap_err();
        let file = fetch(&add).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"whole", "after {bytes}");
        fs::remove_file(file).unwrap();
    }
    fetch(&left("whole")).unwrap_err();
    assert_eq!(fs::read(fetch(&left("nothing")).unwrap()).unwrap(), b"whole");
}

#[test]
fn a_recorded_file_may_lie_in_the_mirrors_folder() {
    let place = Place::new().mirrored("doc/doc.deb", b"mine");
    let store = recorded(&place, "exit 1");
    let (cache, mirror) = (place.cache(), place.mirror());
    let manifest = store.manifest("doc").unwrap().clone();
    let store = Store::new(&cache, Some(&mirror), true).with_manifest(manifest);
    assert_eq!(store.open("doc").unwrap().read("doc.deb").unwrap(), b"mine");
    let from = place.anonymous(&store.verify("doc").unwrap().received[0].from);
    assert_eq!(from, "TMP/mirror/doc/doc.deb");
}

#[test]
fn a_whole_package_that_an_interrupted_fetch_left_is_not_fetched_again() {
    let place = Place::new();
    // Leaves the package, as a fetch does that is killed before it unpacks.
    npm(&place, "cp \"$GOOD\" small-1.2.0.tgz; exit 1").open("small").unwrap_err();
    assert_sound(&npm(&place, "exit 1"));
    let place = Place::new();
    pip(&place, "cp \"$GOOD\" small-1.2.0.whl; exit 1").open("small").unwrap_err();
    assert_sound(&pip(&place, "exit 1"));
}

#[test]
fn a_damaged_package_that_was_left_is_fetched_again() {
    let place = Place::new();
    npm(&place, "head -c 20 \"$GOOD\" > small-1.2.0.tgz; exit 1").open("small").unwrap_err();
    assert_sound(&npm(&place, "cp \"$GOOD\" small-1.2.0.tgz"));
}

#[test]
fn two_at_once_run_the_client_once() {
    let place = Place::new();
    let stores: Vec<_> =
        (0..4).map(|_| pip(&place, "sleep 0.3; cp \"$GOOD\" small-1.2.0.whl")).collect();
    thread::scope(|scope| {
        stores.iter().for_each(|store| {
            scope.spawn(|| assert_sound(store));
        });
    });
    assert_eq!(asked(&place).lines().count(), 1);
}

#[test]
fn why_there_is_no_package_is_said() {
    let place = Place::new();
    let told = |store: Store| place.anonymous(store.open("small").unwrap_err());
    let unpinned =
        |script: &str| place.anonymous(recorded(&place, script).fetch("doc", &mut ()).unwrap_err());
    let nowhere =
        |registry, store: Store| store.with_client(registry, &place.mirror().join("nowhere"));
    let offline = {
        let manifest = npm(&place, "true").manifest("small").unwrap().clone();
        Store::new(&place.cache(), None, true).with_manifest(manifest)
    };
    let reached =
        "echo 'npm error request to https://x failed, reason: getaddrinfo EAI_AGAIN x' >&2";
    let retry = "echo 'WARNING: Retrying (Retry(total=0)) after connection broken by \
        NewConnectionError: Failed to establish a new connection' >&2\n\
        echo 'ERROR: No matching distribution found for small==1.2.0' >&2";
    let wrong = apt("1", "whole").replace("printf '%s' 'whole' >", "printf 'WHOLE' >");
    let long = apt("1", &"long".repeat(30));
    let said = [
        told(npm(&place, "echo 'code E404' >&2; exit 1")),
        told(npm(&place, &format!("{reached}; exit 1"))),
        told(npm(&place, "true")),
        told(npm(&place, "echo wrong > small-1.2.0.tgz")),
        told(nowhere(Registry::Npm, npm(&place, "true"))),
        told(offline),
        told(pip(&place, &format!("{retry}; exit 1"))),
        told(pip(&place, "echo 'ERROR: No matching distribution' >&2; echo 'hint: x' >&2; exit 1")),
        told(pip(
            &place,
            "echo 'ERROR: Exception:' >&2; echo 'OSError: [Errno 28] No space left on device' >&2; exit 2",
        )),
        told(nowhere(Registry::Pip, pip(&place, "true"))),
        unpinned("echo 'E: Unable to locate package small-doc' >&2; exit 100"),
        unpinned("echo Reading package lists..."),
        unpinned(&wrong),
        unpinned(&long),
        place.anonymous(
            nowhere(Registry::Apt, recorded(&place, "true")).fetch("doc", &mut ()).unwrap_err(),
        ),
    ];
    // How well an archive is compressed depends on what else is built with it.
    let sum = Digest::of(&archive()).to_string();
    insta::assert_snapshot!(said.join("\n").replace(&sum, "SUM"));
}

#[test]
fn a_store_that_cannot_be_written_runs_no_client() {
    let place = Place::new();
    let manifest = pip(&place, "true").manifest("small").unwrap().clone();
    let store = Store::new("/proc/regimen".as_ref(), None, false)
        .with_manifest(manifest)
        .with_client(Registry::Pip, &place.mirror().join("client"));
    let error = store.open("small").unwrap_err().to_string();
    assert!(error.starts_with("cannot create /proc/regimen"), "{error}");
    assert_eq!(asked(&place), "");
}

/// Whether a program is here; where it is not, the test is noted as skipped.
fn here(test: &str, program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success());
    if !found && let Some(list) = env::var_os("REGIMEN_SKIPPED") {
        let mut list = OpenOptions::new().create(true).append(true).open(list).unwrap();
        list.write_all(format!("skipped: {test}: no {program}\n").as_bytes()).unwrap();
    }
    found
}

/// A script that runs the real pip on the packages in `folder` alone.
fn local_pip(folder: &Path) -> PathBuf {
    let path = folder.join("local-pip");
    let found = folder.display();
    let text = format!("#!/bin/sh\nPIP_NO_INDEX=1 PIP_FIND_LINKS='{found}' exec pip \"$@\"\n");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn pip_itself_keeps_a_source_distribution_and_runs_nothing_of_it() {
    if !here("pip_itself", "pip") {
        return;
    }
    let place = Place::new();
    let trace = place.mirror().join("setup.py was run");
    let setup = format!("open({:?}, 'w').close()\n", trace.display().to_string());
    let mut sdist = crate::support::Tar::default();
    sdist
        .file("small-1.2.0/PKG-INFO", b"Metadata-Version: 2.1\nName: small\nVersion: 1.2.0\n")
        .file("small-1.2.0/setup.py", setup.as_bytes());
    for (path, bytes) in FILES {
        sdist.file(&format!("small-1.2.0/{path}"), bytes);
    }
    let sdist = sdist.gz();
    fs::write(place.mirror().join("small-1.2.0.tar.gz"), &sdist).unwrap();
    let store = |sum: Digest| {
        let source = format!(
            "{{ from: registry, registry: pip, package: small, version: 1.2.0, sha256: {sum}, \
             holds: {{ as: tar.gz, under: small-1.2.0, unpacked: 20000 }} }}"
        );
        Store::new(&place.cache(), None, false)
            .with_manifest(small(&source))
            .with_client(Registry::Pip, &local_pip(&place.mirror()))
    };
    let refused = store(Digest::of(b"another")).open("small").unwrap_err().to_string();
    assert!(refused.contains("pip: exit status: 1: ERROR: "), "{refused}");
    assert_sound(&store(Digest::of(&sdist)));
    assert!(!trace.exists(), "pip ran the package's setup.py");
}

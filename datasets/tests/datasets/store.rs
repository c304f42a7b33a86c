//! Fetching, publishing, verifying and repairing data sets from local sources.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use datasets::{State, Step, Store};

use crate::support::{ARCHIVE, FILES, Place, archive, assert_sound, gz, small, state};

const EACH: &str = "{ from: mirror, path: one.gz, holds: { as: gz, file: a/one.txt } }, \
                    { from: mirror, path: two, holds: { as: file, file: two.txt } }";

#[test]
fn an_archive_of_the_mirror_is_published_once_and_then_needs_no_source() {
    let place = Place::new().mirrored("small.tgz", &archive());
    let store = place.store(ARCHIVE);
    assert_eq!(state(&store), State::Absent);
    let absent = store.path("small").unwrap_err();
    assert_sound(&store);
    fs::remove_dir_all(place.mirror()).unwrap();
    let offline = Store::new(&place.cache(), None, true).with_manifest(small(ARCHIVE));
    assert_sound(&offline);
    assert_eq!(state(&offline), State::Published);
    assert_eq!(store.path("small").unwrap(), store.open("small").unwrap().path());
    insta::assert_snapshot!(format!("{}\n{}", place.anonymous(absent), place.kept().join("\n")));
}

#[test]
fn sources_that_give_one_file_each_complete_one_another() {
    let place = Place::new().mirrored("one.gz", &gz(FILES[0].1)).mirrored("two", FILES[1].1);
    assert_sound(&place.store(EACH));
}

#[test]
fn files_that_lie_in_the_mirror_as_they_are_come_first() {
    let place = Place::new()
        .mirrored("small/a/one.txt", FILES[0].1)
        .mirrored("small/two.txt", b"not two\n")
        .mirrored("two", FILES[1].1);
    let mut seen = Vec::new();
    let mut note = |step: Step<'_>| seen.push(place.anonymous(format!("{step:?}")));
    place.store(EACH).fetch("small", &mut note).unwrap();
    insta::assert_snapshot!(seen.join("\n"));
    assert_sound(&place.store(EACH));
}

#[test]
fn every_source_and_its_reason_is_named_and_nothing_is_kept() {
    let place = Place::new()
        .mirrored("small.tgz", &archive()[..80])
        .mirrored("small/two.txt", b"two TWO\n")
        .mirrored("two", b"two\n");
    let url =
        "{ from: url, url: 'http://example.invalid/two', holds: { as: file, file: two.txt } }";
    let sources = format!("{ARCHIVE}, {EACH}, {url}");
    let store = |mirror| Store::new(&place.cache(), mirror, true).with_manifest(small(&sources));
    let mirror = place.mirror();
    let error = store(Some(mirror.as_path())).open("small").unwrap_err();
    assert_eq!(place.kept(), [""; 0]);
    let without = store(None).open("small").unwrap_err();
    assert_eq!(place.kept(), [""; 0]);
    insta::assert_snapshot!(place.anonymous(format!("{error}\n{without}")));
}

#[test]
fn an_unknown_data_set_or_file_is_told_what_there_is() {
    let place = Place::new().mirrored("small.tgz", &archive());
    let store = place.store(ARCHIVE);
    let unknown = store.open("smal").unwrap_err();
    let no_file = store.open("small").unwrap().read("three.txt").unwrap_err();
    insta::assert_snapshot!(format!("{unknown}\n{no_file}"));
}

#[test]
fn damage_is_reported_and_fetch_repairs_it() {
    let place = Place::new().mirrored("small.tgz", &archive());
    let store = place.store(ARCHIVE);
    let dir = store.open("small").unwrap();
    let mut said = String::new();
    let mut report = |what: &str| {
        let faults = store.verify("small").unwrap().faults;
        assert!(!faults.is_empty(), "{what}");
        said.push_str(&format!("{what}: {faults:?}\n"));
        if let Err(error) = dir.read("a/one.txt") {
            said.push_str(&format!("  {error}\n"));
        }
        store.fetch("small", &mut ()).unwrap();
        assert_sound(&store);
    };
    let one = dir.file("a/one.txt").unwrap();
    fs::write(&one, "One\n").unwrap();
    report("other bytes");
    fs::write(&one, "one").unwrap();
    report("too short");
    fs::remove_file(&one).unwrap();
    report("gone");
    fs::remove_file(&one).unwrap();
    symlink("/etc/hostname", &one).unwrap();
    report("a link");
    insta::assert_snapshot!(place.anonymous(said));
}

#[test]
fn what_a_killed_process_left_is_neither_trusted_nor_kept() {
    let place = Place::new().mirrored("small.tgz", &archive());
    let store = place.store(ARCHIVE);
    let path = store.open("small").unwrap().path().to_owned();
    let home = path.parent().unwrap();
    fs::remove_file(path.join(".published.json")).unwrap();
    fs::create_dir_all(home.join(".new/a")).unwrap();
    fs::write(home.join(".new/a/one.txt"), "par").unwrap();
    assert_eq!(state(&store), State::Absent);
    assert_sound(&store);
    assert_eq!(fs::read_dir(home).unwrap().count(), 1);
}

#[test]
fn another_version_of_the_files_is_another_directory() {
    let place = Place::new().mirrored("small.tgz", &archive());
    let store = place.store(ARCHIVE);
    let path = store.open("small").unwrap().path().to_owned();
    let mut manifest = small(ARCHIVE);
    manifest.files.pop();
    let other = store.with_manifest(manifest).open("small").unwrap();
    assert_ne!(other.path(), path);
    assert!(path.exists());
}

#[test]
fn whatever_stands_in_the_way_is_named() {
    let place = Place::new().mirrored("small.tgz", &archive());
    let store = place.store(ARCHIVE);
    let mut said = Vec::new();
    let mut refused = |store: &Store| said.push(place.anonymous(store.open("small").unwrap_err()));
    fs::write(place.cache(), "a file").unwrap();
    refused(&store);
    fs::remove_file(place.cache()).unwrap();
    fs::create_dir_all(place.cache().join("datasets")).unwrap();
    let home = place.cache().join("datasets/small");
    symlink(place.mirror(), &home).unwrap();
    refused(&store);
    assert_eq!(fs::read_dir(place.mirror()).unwrap().count(), 1);
    let listed = state(&store);
    fs::remove_file(&home).unwrap();
    fs::write(&home, "a file").unwrap();
    refused(&store);
    let nowhere = Store::new("/proc/regimen".as_ref(), None, true).with_manifest(small(ARCHIVE));
    refused(&nowhere);
    said.push(place.anonymous(format!("{listed:?}")));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn the_cache_itself_may_be_a_link() {
    let place = Place::new().mirrored("small.tgz", &archive());
    symlink(place.mirror(), place.cache()).unwrap();
    assert_sound(&place.store(ARCHIVE));
}

#[test]
fn a_published_data_set_opens_where_nothing_may_be_written() {
    let place = Place::new().mirrored("small.tgz", &archive());
    let store = place.store(ARCHIVE);
    let path = store.open("small").unwrap().path().to_owned();
    let folders = [path.as_path(), path.parent().unwrap(), &place.cache()];
    let allow = |mode| {
        folders.iter().for_each(|f| fs::set_permissions(f, Permissions::from_mode(mode)).unwrap());
    };
    allow(0o555);
    let before = fs::metadata(path.parent().unwrap()).unwrap().modified().unwrap();
    assert_sound(&store);
    let after = fs::metadata(path.parent().unwrap()).unwrap().modified().unwrap();
    allow(0o755);
    assert_eq!(before, after);
}

#[test]
fn a_pipe_in_the_mirror_is_refused_and_keeps_nobody_waiting() {
    for path in ["small.tgz", "small/two.txt"] {
        let place = Place::new();
        let pipe = place.mirror().join(path);
        fs::create_dir_all(pipe.parent().unwrap()).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = place.store(ARCHIVE).open("small").unwrap_err().to_string();
        assert!(error.contains("wanted a regular file, found something else"), "{error}");
    }
}

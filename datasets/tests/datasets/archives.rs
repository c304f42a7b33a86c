//! Archives that want to do harm, or just differ.

use tar::EntryType;

use crate::support::{ARCHIVE, FILES, Place, Tar, Zip, assert_sound, gz};

fn refused(what: &str, archive: &[u8]) -> String {
    let place = Place::new().mirrored("small.tgz", archive);
    let error = place.store(ARCHIVE).open("small").expect_err(what);
    assert_eq!(place.kept(), [""; 0], "{what}");
    format!("{what}\n  {}\n", place.anonymous(error))
}

#[test]
fn a_harmful_archive_is_refused_and_nothing_is_kept() {
    let [(one, first), (two, second)] = FILES;
    let with = |edit: &dyn Fn(&mut Tar) -> &mut Tar| {
        let mut tar = Tar::default();
        tar.file(&format!("s/{two}"), second);
        edit(&mut tar);
        tar.gz()
    };
    let one = &format!("s/{one}");
    let mut said = String::new();
    let mut refuse =
        |what: &str, edit: &dyn Fn(&mut Tar) -> &mut Tar| said += &refused(what, &with(edit));
    refuse("an absolute path", &|tar| tar.file("/s/a/one.txt", first));
    refuse("a way around", &|tar| tar.file("s/b/../a/one.txt", first));
    refuse("a symbolic link", &|tar| tar.entry(one, EntryType::Symlink, "/etc/hostname", b""));
    refuse("a hard link", &|tar| tar.entry(one, EntryType::Link, "s/two.txt", b""));
    refuse("a device", &|tar| tar.entry(one, EntryType::Char, "", b""));
    refuse("a longer file", &|tar| tar.file(one, b"one\none\n"));
    refuse("a shorter file", &|tar| tar.file(one, b"one"));
    refuse("another file", &|tar| tar.file(one, b"eno\n"));
    refuse("a bomb before it", &|tar| tar.file("bomb", &[0; 40_000]).file(one, first));
    said += &refused("no archive", b"not compressed");
    said += &refused("no archive inside", &gz(&[7; 2000]));
    insta::assert_snapshot!(said);
}

#[test]
fn members_that_are_not_asked_for_are_passed_over() {
    let mut tar = Tar::default();
    tar.entry("./s/", EntryType::Directory, "", b"")
        .entry("s/link", EntryType::Symlink, "/etc", b"")
        .file("/s/a/one.txt", b"absolute")
        .file("../two.txt", b"above")
        .file("s/three.txt", b"three");
    for (path, bytes) in FILES {
        tar.file(&format!("./s/{path}"), bytes);
    }
    tar.file("s/two.txt", b"again, and wrong");
    let place = Place::new().mirrored("small.tgz", &tar.gz());
    assert_sound(&place.store(ARCHIVE));
    assert_eq!(place.kept().len(), FILES.len() + 1, "{:?}", place.kept());
}

#[test]
fn a_compressed_file_may_not_be_longer_than_its_manifest_says() {
    let source = "{ from: mirror, path: one.gz, holds: { as: gz, file: a/one.txt } }, ";
    let place = Place::new()
        .mirrored("one.gz", &gz(&[b'1'; 1 << 20]))
        .mirrored("small/two.txt", FILES[1].1);
    let error = place.store(&format!("{source}{ARCHIVE}")).open("small").unwrap_err();
    assert_eq!(place.kept(), [""; 0]);
    insta::assert_snapshot!(place.anonymous(error));
}

const ZIP: &str = "{ from: mirror, path: small.zip, holds: { as: zip, under: s } }";

#[test]
fn a_harmful_zip_archive_is_refused_and_nothing_is_kept() {
    let [(one, first), (two, second)] = FILES;
    let one = &format!("s/{one}");
    let mut said = String::new();
    let mut refused = |what: &str, archive: &[u8]| {
        let place = Place::new().mirrored("small.zip", archive);
        let error = place.store(ZIP).open("small").expect_err(what);
        assert_eq!(place.kept(), [""; 0], "{what}");
        said += &format!("{what}\n  {}\n", place.anonymous(error));
    };
    let with = |edit: &dyn Fn(&mut Zip) -> &mut Zip| {
        let mut zip = Zip::default();
        zip.file(&format!("s/{two}"), second);
        edit(&mut zip).bytes()
    };
    refused("an absolute path", &with(&|zip| zip.file("/s/a/one.txt", first)));
    refused("a way around", &with(&|zip| zip.file("s/b/../a/one.txt", first)));
    refused("a symbolic link", &with(&|zip| zip.link(one, "/etc/hostname")));
    refused("a folder", &with(&|zip| zip.folder(one)));
    refused("a longer file", &with(&|zip| zip.file(one, b"one\none\n")));
    refused("a shorter file", &with(&|zip| zip.file(one, b"one")));
    refused("another file", &with(&|zip| zip.file(one, b"eno\n")));
    refused("a bomb in its place", &with(&|zip| zip.file(one, &[b'1'; 1 << 20])));
    refused("no archive", b"not compressed");
    let whole = with(&|zip| zip.file(one, first));
    refused("a part of one", &whole[..whole.len() / 2]);
    insta::assert_snapshot!(said);
    let place = Place::new().mirrored("small.zip", &whole);
    assert_sound(&place.store(ZIP));
}
